//! The language of TLS: versions, what a handshake agreed on, and certificates as facts.
//!
//! Pure. Makes no connection and trusts nobody; whether a chain is trusted arrives here as a fact.

pub mod certificate;
pub mod handshake;

pub use certificate::{Certificate, KeyKind};
pub use handshake::{Handshake, Hello, KeyProof, TlsVersion, TrustFlaw};
