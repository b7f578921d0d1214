//! What the user asked for, as far as it shaped what was seen.
//!
//! Kept with the facts so that a stored survey explains itself. Holds no output option.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Memory;
use crate::smtp::{DomainName, Mailbox, ReversePath};

/// The questions of a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Asked {
    pub sender: ReversePath,
    /// Recipients the domain should take; empty with `--no-rcpt`.
    pub recipients: Vec<Mailbox>,
    /// The recipient that does not exist; `None` when switched off.
    pub nonsense: Option<Mailbox>,
    /// A recipient elsewhere, for the opt-in relay test.
    pub relay: Option<Mailbox>,
    /// Hosts given by hand in place of the MX records.
    pub by_hand: Vec<HandHost>,
    /// Hosts that should no longer accept.
    pub also: Vec<DomainName>,
    pub port: u16,
    pub families: Families,
    pub depth: Depth,
    pub allow_private: bool,
    #[schemars(with = "Vec<String>")]
    pub allow_net: Vec<IpNet>,
    /// The name server used, `None` for the system's.
    pub resolver: Option<SocketAddr>,
    /// What the run was told to expect of the domain.
    #[serde(default, skip_serializing_if = "Expected::is_empty")]
    pub expected: Expected,
    /// What earlier runs left behind; `None` without `--state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What the owner of a domain said beforehand, so that a stored survey can be judged by it again.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default)]
pub struct Expected {
    /// All hosts the MX set should have; empty expects nothing.
    pub hosts: Vec<DomainName>,
    /// What single hosts should do with the domain's mail.
    pub states: BTreeMap<DomainName, Expectation>,
    pub waivers: Vec<Waiver>,
}

/// `PREF:HOST[:PORT][@ADDRESS]`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct HandHost {
    pub preference: u16,
    pub host: DomainName,
    pub port: Option<u16>,
    pub address: Option<IpAddr>,
}

/// What the owner of a domain says a host does with its mail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    Accept,
    /// Answers nobody.
    Dead,
    /// Refuses for now, on purpose.
    Defer,
    /// Refuses for good.
    Refuse,
    /// Answers slowly and takes nothing.
    Tarpit,
}

/// A finding that is known and borne, with the reason and the day it ends.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule by name or code.
    pub rule: String,
    /// `None` waives it for every host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<DomainName>,
    pub reason: String,
    /// The last day on which it holds; `None` never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<jiff::civil::Date>,
}

impl Expected {
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.states.is_empty() && self.waivers.is_empty()
    }

    /// What is expected of the host of this name.
    pub fn of(&self, host: &str) -> Option<Expectation> {
        let found = self.states.iter().find(|(name, _)| name.as_str() == host);
        found.map(|(_, expectation)| *expectation)
    }
}

/// How much is asked of each address.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// One session, and confirmations.
    Session,
    /// Also the oldest and weakest TLS it takes.
    Floor,
    /// Everything.
    Full,
}

/// Which addresses are visited.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Families {
    Both,
    V4,
    V6,
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accept => "accept",
            Self::Dead => "dead",
            Self::Defer => "defer",
            Self::Refuse => "refuse",
            Self::Tarpit => "tarpit",
        })
    }
}

/// `backup-without-ipv6 at mx2.example until 2027-03-01: the reason`.
impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)?;
        if let Some(host) = &self.host {
            write!(f, " at {host}")?;
        }
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl FromStr for HandHost {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let form = || format!("{word:?} is not PREF:HOST[:PORT][@ADDRESS], such as 10:mx.example");
        let (name, address) = match word.split_once('@') {
            Some((name, address)) => {
                let bare = address.trim_start_matches('[').trim_end_matches(']');
                (name, Some(bare.parse().map_err(|_| form())?))
            }
            None => (word, None),
        };
        let mut parts = name.split(':');
        let preference = parts.next().and_then(|part| part.parse().ok()).ok_or_else(form)?;
        let host = parts.next().ok_or_else(form)?;
        let host = DomainName::parse(host).map_err(|fault| format!("host {host:?}: {fault}"))?;
        let port = parts.next().map(str::parse).transpose().map_err(|_| form())?;
        if parts.next().is_some() || port == Some(0) {
            return Err(form());
        }
        Ok(Self { preference, host, port, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_by_hand_has_up_to_four_parts() {
        for (word, port, address) in [
            ("10:mx.example", None, None),
            ("10:mx.example:2525", Some(2525), None),
            ("10:mx.example@192.0.2.1", None, Some("192.0.2.1")),
            ("10:mx.example:2525@[2001:db8::1]", Some(2525), Some("2001:db8::1")),
        ] {
            let host = HandHost::from_str(word).unwrap();
            assert_eq!((host.preference, host.host.as_str(), host.port), (10, "mx.example", port));
            assert_eq!(host.address, address.map(|address| address.parse().unwrap()), "{word}");
        }
        for word in [
            "mx.example",
            "10",
            "10:",
            "70000:mx.example",
            "10:mx.example:0",
            "10:mx.example@x",
            "10:a:1:2",
        ] {
            assert!(HandHost::from_str(word).is_err(), "{word}");
        }
    }
}
