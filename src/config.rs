//! Every default, with its reason; later also the settings file.
//!
//! Holds values only; what they do is in `probe`.

use std::time::Duration;

/// Time limits and manners of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// A SYN that is dropped is sent again after 1, 3, 7 and 15 s; 30 s covers all of them.
    pub connect: Duration,
    /// Greylisting daemons and tar pits make clients wait; RFC 5321 §4.5.3.2.1 would allow 5 min.
    pub greeting: Duration,
    /// For each command but RCPT, which has half as much again.
    pub command: Duration,
    /// For a whole visit, so that a dripping server cannot hold it for ever.
    pub visit: Duration,
    /// How long a tier may keep the next one waiting.
    pub head_start: Duration,
    /// Between two visits to one address.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(60),
            command: Duration::from_secs(60),
            visit: Duration::from_secs(180),
            head_start: Duration::from_secs(5),
            pause: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// For RCPT, which may wait for a recipient check on another machine.
    pub fn recipient(&self) -> Duration {
        self.command * 3 / 2
    }
}
