//! What DNS says about who takes a domain's mail: six outcomes, kept apart.
//!
//! RFC 5321 §5.1, RFC 7505. Resolves nothing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Blame, Host, host::is_zero};
use crate::smtp::Text;

/// The outcome of asking for a domain's mail exchangers.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum MxLookup {
    /// One or more MX records (or hosts given by hand).
    Published(MxSet),
    /// No MX record, but an address: the domain itself is the mail host. RFC 5321 §5.1.
    Implicit { host: Box<Host> },
    /// The single MX record is `.`: the domain takes no mail. RFC 7505 §3.
    Null { preference: u16 },
    /// The name exists, without MX and without address.
    Absent,
    /// The name does not exist.
    NoSuchDomain,
    /// DNS gave no usable answer; nothing is known.
    Failed { fault: DnsFault },
}

/// The published exchangers, by preference.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct MxSet {
    pub source: Source,
    /// Every record as answered, sorted, duplicates and null MX included.
    pub records: Vec<MxRecord>,
    /// Ascending by preference, never empty.
    #[serde(deserialize_with = "ascending")]
    pub tiers: Vec<Tier>,
    /// Exchanges in excess of what one run looks at; they stand in `records` only.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// Where the exchangers come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    ByHand,
    Dns,
}

/// One MX record as answered; the exchange of a null MX is `.`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct MxRecord {
    pub preference: u16,
    pub exchange: Text,
}

/// The hosts of one preference, sorted by name.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Tier {
    pub preference: u16,
    pub hosts: Vec<Host>,
}

/// A tier's part in failover, from its position.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    Primary,
    /// The how-manieth to be tried after the primary, from 1.
    Backup(usize),
}

/// Why a DNS question has no usable answer.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFault {
    /// Signed, and the signatures do not hold.
    Bogus(String),
    /// The user did not wait for the answer.
    Interrupted,
    /// One of the zone's own name servers does not answer for the zone: it is lame. RFC 8499 §7.
    Lame,
    /// The server answered with this response code, by its name (`SERVFAIL`, `REFUSED`).
    Rcode {
        rcode: String,
        /// Extended DNS error, RFC 8914, if one came: `EDE 6, DNSSEC Bogus: no SEP matches`.
        extended: Option<Text>,
    },
    /// No answer within the limit, from any server asked.
    TimedOut,
    /// An answer that could not be used: garbage, a CNAME loop, an oversized set.
    Unusable(String),
    /// The network would not carry the question.
    Unreachable(String),
}

/// The order of tiers is who is primary and who is not; a stored set without it was not written by us.
fn ascending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Tier>, D::Error> {
    let tiers: Vec<Tier> = Vec::deserialize(deserializer)?;
    let in_order = tiers.is_sorted_by(|one, next| one.preference < next.preference);
    match tiers.is_empty() {
        false if in_order => Ok(tiers),
        false => Err(D::Error::custom("tiers that do not ascend by preference")),
        true => Err(D::Error::custom("a set of MX hosts without a tier")),
    }
}

impl MxLookup {
    /// The tiers to visit; an implicit host stands alone at no preference.
    pub fn tiers(&self) -> &[Tier] {
        match self {
            Self::Published(set) => &set.tiers,
            _ => &[],
        }
    }

    /// Every host with its role and preference, in the order a sender would try them; the
    /// implicit host has no preference.
    pub fn hosts(&self) -> impl Iterator<Item = (Role, Option<u16>, &Host)> {
        let implicit = match self {
            Self::Implicit { host } => Some((Role::Primary, None, &**host)),
            _ => None,
        };
        let tiered = self.tiers().iter().enumerate().flat_map(|(position, tier)| {
            tier.hosts.iter().map(move |host| (Role::at(position), Some(tier.preference), host))
        });
        tiered.chain(implicit)
    }

    /// The same hosts, to be written into.
    pub fn hosts_mut(&mut self) -> impl Iterator<Item = &mut Host> {
        let (tiers, implicit) = match self {
            Self::Published(set) => (set.tiers.as_mut_slice(), None),
            Self::Implicit { host } => (<&mut [Tier]>::default(), Some(&mut **host)),
            _ => (<&mut [Tier]>::default(), None),
        };
        tiers.iter_mut().flat_map(|tier| &mut tier.hosts).chain(implicit)
    }
}

impl Role {
    pub fn at(position: usize) -> Self {
        if position == 0 { Self::Primary } else { Self::Backup(position) }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => f.pad("primary"),
            Self::Backup(1) => f.pad("backup"),
            Self::Backup(n) => f.pad(&format!("backup {n}")),
        }
    }
}

impl DnsFault {
    /// A name server that answers badly is theirs; silence may be anybody's, and a resolver that we
    /// cannot use is ours.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Bogus(_) | Self::Lame | Self::Rcode { .. } | Self::Unusable(_) => Blame::Peer,
            Self::TimedOut => Blame::Path,
            Self::Interrupted | Self::Unreachable(_) => Blame::Us,
        }
    }
}

impl fmt::Display for DnsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bogus(why) => write!(f, "bogus: {why}"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Lame => f.write_str("does not answer for the zone"),
            Self::Rcode { rcode, extended: None } => f.write_str(rcode),
            Self::Rcode { rcode, extended: Some(more) } => write!(f, "{rcode} ({more})"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unusable(why) => write!(f, "unusable answer: {why}"),
            Self::Unreachable(why) => write!(f, "resolver unreachable: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_set_has_its_tiers_in_order() {
        for (tiers, want) in [
            (&[10, 20][..], None),
            (&[20, 10], Some("do not ascend")),
            (&[10, 10], Some("do not ascend")),
            (&[], Some("without a tier")),
        ] {
            let tier = |preference: &u16| format!(r#"{{"preference":{preference},"hosts":[]}}"#);
            let tiers = tiers.iter().map(tier).collect::<Vec<_>>().join(",");
            let stored =
                format!(r#"{{"kind":"published","source":"dns","records":[],"tiers":[{tiers}]}}"#);
            let read = serde_json::from_str::<MxLookup>(&stored);
            match want {
                None => assert!(read.is_ok(), "{stored}"),
                Some(want) => assert!(read.unwrap_err().to_string().contains(want), "{stored}"),
            }
        }
    }
}
