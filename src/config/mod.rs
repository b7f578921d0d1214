//! Every default, with its reason, and the settings file.
//!
//! Holds values only; what they do is in `probe`.

pub mod settings;

pub use settings::Settings;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Where mail hosts listen.
pub const PORT: u16 = 25;

/// Where policy hosts listen. RFC 8461 §3.3.
pub const HTTPS: u16 = 443;

/// For an MTA-STS policy, from the look-up of its host to the last octet. RFC 8461 §3.3 suggests a
/// minute at most; a page that takes longer than this is one that some senders do without.
pub const POLICY: Duration = Duration::from_secs(20);

/// Octets of an MTA-STS policy, as RFC 8461 §3.3 suggests.
pub const LARGEST_POLICY: usize = 64 * 1024;

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

/// A time as people write it: `12` (seconds), `12s`, `2m`, `1m30s`.
pub fn duration(word: &str) -> Result<Duration, String> {
    let seconds = word.parse::<u32>().map(|seconds| Duration::from_secs(seconds.into()));
    let with_unit = || word.parse::<jiff::SignedDuration>().ok()?.try_into().ok();
    let time: Option<Duration> = seconds.ok().or_else(with_unit);
    time.ok_or_else(|| "give seconds, or a number with a unit: 12, 12s, 2m".to_owned())
}

/// An address, with port 53 unless another is given.
pub fn name_server(word: &str) -> Result<SocketAddr, String> {
    let bare = word.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    let wrong =
        |_| "give an IP address, with or without port: 192.0.2.53, [2001:db8::53]:53".into();
    address.or_else(|_| word.parse()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_seconds_or_a_unit() {
        for (word, want) in
            [("12", Some(12)), ("12s", Some(12)), ("2m", Some(120)), ("-1s", None), ("x", None)]
        {
            assert_eq!(duration(word).ok(), want.map(Duration::from_secs), "{word}");
        }
    }

    #[test]
    fn name_servers_have_port_53_unless_they_say_another() {
        for (word, want) in [
            ("192.0.2.53", Some("192.0.2.53:53")),
            ("192.0.2.53:5300", Some("192.0.2.53:5300")),
            ("2001:db8::53", Some("[2001:db8::53]:53")),
            ("[2001:db8::53]:5300", Some("[2001:db8::53]:5300")),
            ("ns.example", None),
        ] {
            let found = name_server(word).ok().map(|found| found.to_string());
            assert_eq!(found.as_deref(), want, "{word}");
        }
    }
}
