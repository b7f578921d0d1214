//! A whole run over one domain: resolve, visit tier after tier, confirm, and hand over the facts.
//!
//! Decides which visits are made, from what earlier visits saw; the words of a visit are in `dialogue`.

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Dialer, Resolver, handshake::Trust};
use crate::{
    config::Limits,
    smtp::DomainName,
    survey::{Asked, Purpose, Survey},
};

/// Everything a run needs from outside.
pub struct Probe<'a> {
    pub resolver: &'a dyn Resolver,
    pub dialer: &'a dyn Dialer,
    pub trust: &'a Trust,
    pub limits: Limits,
    pub asked: &'a Asked,
    /// Becomes true when the user interrupts: open sessions then say QUIT and the rest is not tried.
    pub stop: watch::Receiver<bool>,
    /// Told of what happens, for a progress line.
    pub progress: &'a (dyn Fn(Event<'_>) + Sync),
}

/// What happens during a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Names are resolved: this many addresses will be visited.
    Resolved {
        addresses: usize,
    },
    VisitBegan {
        host: &'a str,
        to: std::net::SocketAddr,
        purpose: Purpose,
    },
    VisitEnded {
        host: &'a str,
        to: std::net::SocketAddr,
        purpose: Purpose,
    },
}

impl Probe<'_> {
    /// Surveys `domain`; `now` is the wall clock at the beginning. Faults are facts of the survey:
    /// this does not fail.
    pub async fn survey(&self, _domain: &DomainName, _now: Timestamp) -> Survey {
        todo!("the run")
    }
}
