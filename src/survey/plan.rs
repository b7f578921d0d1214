//! What a run would do, said beforehand: the visits to each address and the words of each.
//!
//! Plain data for `--plan`; made by `probe::plan`, printed by `report`.

use std::net::IpAddr;

use serde::Serialize;

use super::{MxLookup, Purpose};
use crate::smtp::DomainName;

/// A run that was not made.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub domain: DomainName,
    pub mx: MxLookup,
    pub visits: Vec<PlannedVisit>,
}

/// One visit that would be made, or might have to be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PlannedVisit {
    pub host: String,
    pub address: IpAddr,
    pub port: u16,
    pub purpose: Purpose,
    /// The commands in order, as long as none is refused.
    pub commands: Vec<String>,
    /// What must be seen before the visit is made; `None` when it is made in any case.
    pub only_if: Option<String>,
    pub times: Times,
}

/// How many such visits there can be, a question each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    Once,
    AtMost(usize),
    /// One for every cipher suite that the server takes, and at most so many more.
    SuitesAnd(usize),
}
