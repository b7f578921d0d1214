//! What a domain promises about its mail, as DNS and its policy host say it, word for word.
//!
//! Records stand here as published; `policy` reads them. What could not be looked up is never "no
//! record". Judges nothing.

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Blame, DnsFault, MxRecord, PolicyFetch};
use crate::{policy::TlsaRecord, smtp::Text};

/// How far DNSSEC vouches for an answer. RFC 4035 §4.3.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Signed, from a trust anchor down.
    Secure,
    /// The zone is not signed, and those above it say so.
    Insecure,
    /// Signed, and the signatures do not hold: validating senders have no answer at all.
    Bogus(String),
    /// Could not be told, for this reason of ours or our resolver's; says nothing of the zone.
    Undetermined(String),
    /// Could not be told because this look-up failed.
    Unanswered { why: String, blame: Blame },
    #[default]
    NotAsked,
}

/// How a question for the records of a promise ended.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Published<T> {
    /// Never empty.
    Found { records: Vec<T>, security: Security },
    /// DNS says that there are none.
    Absent { security: Security },
    /// No usable answer, bogus ones included.
    Failed(DnsFault),
    #[default]
    NotAsked,
}

/// The TLSA records at one base domain. RFC 7672 §2.2.3.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct TlsaLookup {
    /// The name that the question was built from: `_25._tcp.` stands before it.
    pub base: String,
    pub answer: Published<TlsaRecord>,
}

/// Everything that is looked up once for a domain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default)]
pub struct Policies {
    /// How far DNSSEC vouches for what was said of the exchangers.
    pub mx: Security,
    pub name_servers: NameServers,
    pub sts: Sts,
    /// The TXT records at `_smtp._tls`. RFC 8460 §3.
    pub tls_rpt: Published<Text>,
    /// Those TXT records of the domain that begin as SPF does. RFC 7208 §4.5.
    pub spf: Published<Text>,
    /// The TXT records at `_dmarc`. RFC 7489 §6.1.
    pub dmarc: Published<Text>,
}

/// MTA-STS. RFC 8461.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default)]
pub struct Sts {
    /// The TXT records at `_mta-sts`.
    pub record: Published<Text>,
    /// Only asked for where there is exactly one valid record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyFetch>,
}

/// The servers that answer for the domain's zone, each asked for the exchangers itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameServers {
    /// One entry an address; sorted by name and address.
    Asked(Vec<NameServer>),
    /// Who they are could not be learnt.
    Failed(DnsFault),
    #[default]
    NotAsked,
}

/// One address of one of them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct NameServer {
    pub name: String,
    /// `None` where the name leads to none.
    pub address: Option<IpAddr>,
    pub answer: OwnAnswer,
}

/// What a name server itself says of the domain's exchangers.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnAnswer {
    /// Sorted; empty where it says that there are none.
    Records(Vec<MxRecord>),
    NoSuchName,
    Failed(DnsFault),
    /// At a special-purpose address that may not be asked, by its name in the IANA registry.
    SpecialPurpose(String),
}

impl Security {
    /// The look-up itself ended so.
    pub fn unanswered(fault: &DnsFault) -> Self {
        Self::Unanswered { why: fault.to_string(), blame: fault.blame() }
    }

    /// The lesser of two: what both together are worth.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// Why it could not be told, and whose fault that can be.
    pub fn doubt(&self) -> Option<(&str, Blame)> {
        match self {
            Self::Undetermined(why) => Some((why, Blame::Us)),
            Self::Unanswered { why, blame } => Some((why, *blame)),
            Self::Bogus(_) | Self::Insecure | Self::NotAsked | Self::Secure => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::NotAsked => 0,
            Self::Secure => 1,
            Self::Insecure => 2,
            Self::Unanswered { .. } | Self::Undetermined(_) => 3,
            Self::Bogus(_) => 4,
        }
    }
}

impl<T> Published<T> {
    /// The records, whoever vouches for them; none where there are none or nobody knows.
    pub fn records(&self) -> &[T] {
        match self {
            Self::Found { records, .. } => records,
            Self::Absent { .. } | Self::Failed(_) | Self::NotAsked => &[],
        }
    }

    /// Why it is not known whether there are any.
    pub fn fault(&self) -> Option<&DnsFault> {
        match self {
            Self::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether DNSSEC vouches for the answer, the one that there are none included.
    pub fn is_secure(&self) -> bool {
        matches!(
            self,
            Self::Found { security: Security::Secure, .. }
                | Self::Absent { security: Security::Secure }
        )
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secure => f.write_str("secure"),
            Self::Insecure => f.write_str("insecure"),
            Self::Bogus(why) => write!(f, "bogus: {why}"),
            Self::Unanswered { why, .. } | Self::Undetermined(why) => {
                write!(f, "could not be validated: {why}")
            }
            Self::NotAsked => f.write_str("not asked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_worth_as_much_as_its_weakest_link() {
        use Security::{Insecure, NotAsked, Secure};
        let bogus = || Security::Bogus("expired".to_owned());
        let unknown = || Security::Undetermined("no answer in time".to_owned());
        let ascending = [NotAsked, Secure, Insecure, unknown(), bogus()];
        for (better, worse) in ascending.iter().zip(&ascending[1..]) {
            assert_eq!(better.clone().and(worse.clone()), *worse);
            assert_eq!(worse.clone().and(better.clone()), *worse);
        }
    }
}
