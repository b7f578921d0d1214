//! Carries out one visit: the async shell around `dialogue` that only moves bytes and timers.
//!
//! Decides nothing about the words; the machine says what comes next and until when.

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use super::{Dialer, Trust, Visit};
use crate::{config::Limits, survey::Observation};

/// What a visit needs beside its plan.
#[derive(Clone)]
pub struct Means<'a> {
    pub dialer: &'a dyn Dialer,
    pub trust: &'a Trust,
    pub limits: Limits,
    /// Set going at the beginning of the run.
    pub clock: Clock,
    /// Becomes true when the user interrupts.
    pub stop: watch::Receiver<bool>,
}

/// The beginning of a run by both clocks: the wall's for people and certificates, a steady one for
/// durations, which tests may run as fast as they like.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    steady: Instant,
}

impl Clock {
    /// Begins now; `wall` is what the wall clock shows at this moment.
    pub fn begin(wall: Timestamp) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// The wall's time now, as far as the steady clock tells.
    pub fn wall(&self) -> Timestamp {
        self.wall.checked_add(self.steady.elapsed()).unwrap_or(self.wall)
    }

    /// Since the beginning of the run.
    pub fn elapsed(&self) -> std::time::Duration {
        self.steady.elapsed()
    }
}

/// Makes `visit` and hands over what was seen. Never fails: faults are facts of the observation.
pub async fn carry_out(_visit: &Visit, _means: &Means<'_>) -> Observation {
    todo!("the visit")
}
