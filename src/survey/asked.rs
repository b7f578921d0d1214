//! What the user asked for, as far as it shaped what was seen.
//!
//! Kept with the facts so that a stored survey explains itself. Holds no output option.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::smtp::{DomainName, Mailbox, ReversePath};

/// The questions of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
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
    pub allow_net: Vec<IpNet>,
    /// The name server used, `None` for the system's.
    pub resolver: Option<SocketAddr>,
}

/// `PREF:HOST[:PORT][@ADDRESS]`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HandHost {
    pub preference: u16,
    pub host: DomainName,
    pub port: Option<u16>,
    pub address: Option<IpAddr>,
}

/// How much is asked of each address.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Families {
    Both,
    V4,
    V6,
}
