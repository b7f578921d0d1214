//! A mail host: its name, what the name resolves to, and what happened at every address.
//!
//! Plain facts. A name that is no host name still has a place here, with nothing behind it.

use std::{fmt, net::IpAddr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Blame, DnsFault, Observation, Security, TlsaLookup};

/// One exchange of one preference.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Host {
    /// The exchange as published, lower case, without trailing dot, escaped if it is no host name.
    pub name: String,
    /// The names behind a CNAME, in order; empty when the name is no alias.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alias: Vec<String>,
    /// How the question for A records ended.
    pub a: AddressAnswer,
    /// How the question for AAAA records ended.
    pub aaaa: AddressAnswer,
    /// Whether the registrable domain of the name exists; only asked where the name does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrable: Option<Registrable>,
    /// How far DNSSEC vouches for both answers together, aliases included.
    #[serde(default)]
    pub security: Security,
    /// In the order senders ask: of an alias first the name behind it. RFC 7672 §2.2.3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tlsa: Vec<TlsaLookup>,
    /// Every address found, IPv4 before IPv6, each sorted.
    pub addresses: Vec<Endpoint>,
    /// Addresses in excess of what one run looks at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// How a question for addresses ended; the addresses themselves are in [`Host::addresses`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressAnswer {
    Found,
    /// Given by hand, not looked up.
    Given,
    /// The name exists, without such a record.
    NoData,
    NoSuchName,
    Failed(DnsFault),
    /// Not asked: the name is no host name, or an address literal, or the family is switched off.
    NotAsked,
}

/// What DNS says of a host's registrable domain.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registrable {
    /// It exists.
    Exists(String),
    /// NXDOMAIN: nobody holds it.
    Missing(String),
    /// Not answered.
    Unknown(String),
}

/// One address of a host and everything seen there.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Endpoint {
    pub address: IpAddr,
    pub port: u16,
    pub reverse: Reverse,
    pub access: Access,
    /// In the order they were made.
    pub observations: Vec<Observation>,
}

/// What the address's PTR says. RFC 1912 §2.1.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reverse {
    /// A name that resolves back to the address.
    Confirmed(String),
    /// Names, none of which resolves back.
    Unconfirmed(Vec<String>),
    Missing,
    Failed(DnsFault),
    NotAsked,
}

/// Whether an address may be visited.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Open,
    /// Reserved for a special purpose, by its name in the IANA registry; not visited.
    SpecialPurpose(String),
    /// The same, visited because the user allowed it.
    Allowed(String),
    /// The user asked for the other family only.
    FamilyOff,
    /// An address of this machine; not visited, because what a server says to its own machine
    /// tells nothing about what it says to others.
    Own,
    /// It asked an earlier run to stop; not visited before this moment.
    Resting(Timestamp),
}

impl Host {
    /// A host of which nothing has been looked up yet.
    pub fn unresolved(name: String) -> Self {
        Self {
            name,
            alias: Vec::new(),
            a: AddressAnswer::NotAsked,
            aaaa: AddressAnswer::NotAsked,
            registrable: None,
            security: Security::NotAsked,
            tlsa: Vec::new(),
            addresses: Vec::new(),
            left_out: 0,
        }
    }
}

impl Host {
    /// Whether a look-up failed, so that it may have addresses nobody saw.
    pub fn is_unresolved(&self) -> bool {
        [&self.a, &self.aaaa].into_iter().any(|answer| matches!(answer, AddressAnswer::Failed(_)))
    }
}

impl fmt::Display for AddressAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found => f.write_str("found"),
            Self::Given => f.write_str("given by hand"),
            Self::NoData => f.write_str("no such record"),
            Self::NoSuchName => f.write_str("no such name"),
            Self::Failed(fault) => write!(f, "look-up failed: {fault}"),
            Self::NotAsked => f.write_str("not asked"),
        }
    }
}

impl Access {
    pub fn may_visit(&self) -> bool {
        matches!(self, Self::Open | Self::Allowed(_))
    }

    /// Why the address was not to be visited, and whose fault that is; `None` where it was.
    pub fn barred(&self) -> Option<(String, Blame)> {
        match self {
            Self::Allowed(_) | Self::Open => None,
            Self::FamilyOff => Some(("its address family is switched off".to_owned(), Blame::Us)),
            Self::Resting(until) => {
                let until = until.strftime("%F %R UTC");
                Some((format!("it asked for rest until {until}"), Blame::Us))
            }
            Self::Own => Some(("an address of this machine".to_owned(), Blame::Us)),
            // Nobody on the internet gets there: that is for whoever published it to mend.
            Self::SpecialPurpose(name) => {
                Some((format!("not a public address ({name})"), Blame::Peer))
            }
        }
    }
}

/// So that a bound nobody met stays out of JSON.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}
