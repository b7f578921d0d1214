//! What a run would do, said beforehand: the visits to each address and the words of each.
//!
//! Plain data for `--plan`; made by `probe::plan`, printed by `report`.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::{MxLookup, Purpose};
use crate::smtp::{Command, DomainName};

/// A run that was not made.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub domain: DomainName,
    pub mx: MxLookup,
    pub visits: Vec<PlannedVisit>,
    /// Where the MTA-STS policy would be fetched from, once; `None` without a valid record of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_url: Option<String>,
    /// What all visits come to.
    pub total: Toll,
}

/// One visit that would be made, or might have to be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PlannedVisit {
    pub host: String,
    pub address: IpAddr,
    pub port: u16,
    pub purpose: Purpose,
    /// In order. After a refusal that leaves nothing to ask, QUIT comes at once.
    pub commands: Vec<PlannedCommand>,
    /// What must be seen before the visit is made; `None` when it is made in any case.
    pub only_if: Option<String>,
    pub times: Times,
    /// Until when an earlier run was put off here, where that keeps the visit from naming recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_recipients_before: Option<Timestamp>,
}

/// How many such visits there can be, a question each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    Once,
    AtMost(usize),
    /// One for every cipher suite that the server takes in every version, and at most so many more.
    SuitesAnd(usize),
}

/// One line that would be said, or might have to be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PlannedCommand {
    pub line: String,
    /// What must be seen before it is said; `None` when it is said unless an earlier one is refused.
    pub only_if: Option<String>,
}

/// What visits cost those who are visited.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Toll {
    /// Made in any case, unless a host asks us to stop.
    pub connections_at_least: usize,
    pub connections_at_most: usize,
    /// How many there are at least is for the servers to say: they may offer no TLS.
    pub handshakes_at_most: usize,
    pub commands_at_most: usize,
    /// Visits that are made once more for every cipher suite a server takes in every version; not in the sums.
    pub visits_for_suites: usize,
}

impl Toll {
    /// The sum over some visits.
    pub fn of<'a>(visits: impl IntoIterator<Item = &'a PlannedVisit>) -> Self {
        let mut toll = Self {
            connections_at_least: 0,
            connections_at_most: 0,
            handshakes_at_most: 0,
            commands_at_most: 0,
            visits_for_suites: 0,
        };
        for visit in visits {
            toll.connections_at_least += usize::from(visit.only_if.is_none());
            let times = match visit.times {
                Times::Once => 1,
                Times::AtMost(most) | Times::SuitesAnd(most) => most,
            };
            toll.connections_at_most += times;
            toll.handshakes_at_most += times * usize::from(visit.encrypts());
            toll.commands_at_most += times * visit.commands.len();
            toll.visits_for_suites += usize::from(matches!(visit.times, Times::SuitesAnd(_)));
        }
        toll
    }
}

impl PlannedVisit {
    /// Whether it would open TLS where that is offered.
    fn encrypts(&self) -> bool {
        self.commands.iter().any(|command| command.line == Command::StartTls.to_string())
    }
}
