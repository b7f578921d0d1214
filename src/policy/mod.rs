//! The promises of a domain about its mail: what the records and policies say, and whether a host
//! keeps them.
//!
//! Pure: bytes and facts in, typed verdicts out. Looks nothing up, fetches nothing, and verifies no
//! signature; whether a path of certificates holds comes in as a fact.

pub mod bases;
pub mod dane;
pub mod dmarc;
pub mod names;
pub mod pattern;
pub mod record;
pub mod spf;
pub mod sts;
pub mod sts_policy;
pub mod tls_rpt;
pub mod tlsa;

pub use dane::{Anchored, DaneVerdict, Link, Shortfall};
pub use dmarc::{DmarcRecord, Request};
pub use pattern::Pattern;
pub use record::{Reading, RecordFault};
pub use spf::{Qualifier, SpfRecord};
pub use sts::StsRecord;
pub use sts_policy::{Deviation, DeviationKind, Effect, Mode, PolicyReading, StsPolicy};
pub use tls_rpt::RptRecord;
pub use tlsa::{TlsaFault, TlsaRecord, Unusable};
