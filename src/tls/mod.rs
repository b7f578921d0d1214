//! The language of TLS: versions, what a handshake agreed on, and certificates as facts.
//!
//! Pure. Makes no connection and trusts nobody; whether a chain is trusted arrives here as a fact.

pub mod certificate;
pub mod client_hello;
pub mod groups;
pub mod handshake;
pub mod key_exchange;
pub mod question;
pub mod server_flight;
pub mod suites;

pub use certificate::{AsAnchor, Certificate, KeyKind};
pub use client_hello::ClientHello;
pub use groups::Group;
pub use handshake::{Handshake, Hello, KeyProof, TlsVersion, TrustFlaw};
pub use key_exchange::KeyExchange;
pub use question::Question;
pub use server_flight::{Choice, Feature, FlightFault, FlightReader, Leaf, Sentinel, ServerFlight};
pub use suites::{Suite, SuiteClass};
