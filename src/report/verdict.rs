//! The verdict: does failover work, are the hosts even, how bad is the worst finding?
//!
//! A plain reading of acceptance; says nothing that coverage does not support.

use serde::Serialize;

use crate::{
    rules::{Finding, Severity},
    survey::Survey,
};

/// The three words on top of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    pub failover: Failover,
    pub parity: Parity,
    /// The worst finding that is not waived.
    pub severity: Option<Severity>,
}

/// Whether mail still arrives with the primary tier gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failover {
    Works,
    /// Some backups or addresses would not take it.
    Fragile,
    /// No backup takes it.
    Broken,
    /// There is nothing to fail over to.
    None,
    Unproven,
}

/// Whether every backup is as safe and strict as the primary.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    Even,
    Uneven,
    /// There is nothing to compare with.
    Alone,
    Unproven,
}

impl Verdict {
    pub fn of(_survey: &Survey, findings: &[Finding]) -> Self {
        let standing = findings.iter().filter(|finding| !finding.waived);
        let severity = standing.map(|finding| finding.severity).max();
        Self { failover: Failover::Unproven, parity: Parity::Unproven, severity }
    }
}
