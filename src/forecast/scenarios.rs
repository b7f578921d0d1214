//! What may go wrong: each scenario changes a landscape into the one that senders would meet.
//!
//! Knows no sender.

use std::{fmt, str::FromStr};

use super::landscape::{Address, Landscape, Step, Tls};
use crate::smtp::DomainName;

/// Something that has gone wrong, or nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scenario {
    Today,
    /// No address of the primary tier answers.
    PrimaryDown,
    PrimaryRefusesConnection,
    /// The primary tier answers RCPT with 4xx.
    PrimaryDefers,
    PrimaryTlsBroken,
    /// All of this at once: one host down, or what an operator thought of.
    Faults(Vec<Supposed>),
}

/// One thing supposed of one host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Supposed {
    pub what: Trouble,
    pub host: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// No address of the host answers.
    Down,
    /// Every handshake with the host fails.
    TlsBroken,
}

/// Why words suppose nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotSupposed(String);

impl Scenario {
    /// The scenarios that every forecast goes through.
    pub fn of(landscape: &Landscape) -> Vec<Self> {
        let mut all = vec![
            Self::Today,
            Self::PrimaryDown,
            Self::PrimaryRefusesConnection,
            Self::PrimaryDefers,
            Self::PrimaryTlsBroken,
        ];
        for host in landscape.hosts() {
            let down = Supposed { what: Trouble::Down, host: host.name.clone() };
            let down = Self::Faults(vec![down]);
            if !all.contains(&down) {
                all.push(down);
            }
        }
        all
    }

    /// What senders meet when it has happened.
    pub fn happened(&self, to: &Landscape) -> Landscape {
        let primaries = to.primaries();
        let landscape = to.clone();
        match self {
            Self::Today => landscape,
            Self::PrimaryDown => landscape.with(&primaries, down),
            Self::PrimaryRefusesConnection => landscape
                .with(&primaries, |one| one.connect = Step::Gone("refuses connections".to_owned())),
            Self::PrimaryDefers => landscape
                .with(&primaries, |one| one.recipient = Step::Soft("defers recipients".to_owned())),
            Self::PrimaryTlsBroken => landscape.with(&primaries, broken),
            Self::Faults(all) => all.iter().fold(landscape, |landscape, one| {
                let change = match one.what {
                    Trouble::Down => down,
                    Trouble::TlsBroken => broken,
                };
                landscape.with(&[&one.host], change)
            }),
        }
    }
}

fn down(address: &mut Address) {
    address.connect = Step::Silent("does not answer".to_owned());
}

/// Only where a handshake comes about there is one to break.
fn broken(address: &mut Address) {
    if matches!(address.tls, Tls::Spoken(_)) {
        address.tls = Tls::Broken("TLS fails".to_owned());
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Today => f.write_str("today"),
            Self::PrimaryDown => f.write_str("primary-down"),
            Self::PrimaryRefusesConnection => f.write_str("primary-refuses-connection"),
            Self::PrimaryDefers => f.write_str("primary-defers"),
            Self::PrimaryTlsBroken => f.write_str("primary-tls-broken"),
            Self::Faults(all) => {
                for (number, one) in all.iter().enumerate() {
                    let link = if number == 0 { "" } else { "+" };
                    write!(f, "{link}{one}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Supposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.what, self.host)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "down",
            Self::TlsBroken => "tls-broken",
        })
    }
}

impl FromStr for Supposed {
    type Err = NotSupposed;

    fn from_str(words: &str) -> Result<Self, NotSupposed> {
        let form = "give down=HOST or tls-broken=HOST";
        let (what, host) =
            words.split_once('=').ok_or_else(|| NotSupposed(format!("no host in it; {form}")))?;
        let what = match what {
            "down" => Trouble::Down,
            "tls-broken" => Trouble::TlsBroken,
            _ => return Err(NotSupposed(form.to_owned())),
        };
        let host = DomainName::parse(host.trim_end_matches('.'))
            .map_err(|fault| NotSupposed(format!("{fault}; {form}")))?;
        Ok(Self { what, host: host.to_string() })
    }
}

impl fmt::Display for NotSupposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotSupposed {}
