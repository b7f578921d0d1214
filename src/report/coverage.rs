//! Coverage: what was meant to be seen, what was, and whose fault the rest is.
//!
//! Counts addresses. Never a finding.

use std::net::IpAddr;

use serde::Serialize;

use crate::survey::{Blame, Survey};

/// How much of the fleet was seen.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Coverage {
    /// Addresses published.
    pub planned: usize,
    /// Addresses whose answer to the real recipient was seen, or, with `--no-rcpt`, whose EHLO.
    pub observed: usize,
    pub unseen: Vec<Unseen>,
}

/// A place that was not seen, or not whole.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unseen {
    pub host: String,
    /// `None` where the host has no address to visit.
    pub address: Option<IpAddr>,
    pub why: String,
    pub blame: Blame,
}

impl Coverage {
    pub fn of(_survey: &Survey) -> Self {
        Self { planned: 0, observed: 0, unseen: Vec::new() }
    }
}
