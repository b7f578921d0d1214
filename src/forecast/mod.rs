//! What senders would do: for each kind of sender and each failure, whether a message arrives, where, how
//! privately, or whether it waits or bounces.
//!
//! 1. A [`Landscape`] is the mail hosts as a sender meets them; `rules/landscape.rs` draws it from a
//!    survey.
//! 2. A [`Scenario`] changes it ([`scenarios`]).
//! 3. A [`Model`] is one sender, a table of what it does next ([`models`]).
//! 4. The simulator puts one message on its way, and tells every end with its share.
//!
//! Pure, and judges nothing. What was not seen stays unproven: it never becomes "delivered" or "bounced".
//! A message in clear is taken to fare as one inside TLS did, where only that was asked.

pub mod landscape;
pub mod models;
pub mod scenarios;
mod shuffle;
mod simulator;
#[cfg(test)]
mod tests;
mod visit;

use std::{fmt, net::IpAddr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

pub use landscape::Landscape;
pub use models::{MODELS, Model};
pub use scenarios::{Scenario, Supposed};

/// What every sender would do in every scenario.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// By sender, then by scenario.
    pub predictions: Vec<Prediction>,
}

/// What one sender would do in one scenario.
#[derive(Clone, Debug)]
pub struct Prediction {
    pub model: &'static Model,
    pub scenario: Scenario,
    /// Every fate that chance leaves open, best first, never empty; the shares come to 1.
    pub outlooks: Vec<Outlook>,
}

/// One fate of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    pub fate: Fate,
    /// Of all orders in which the sender may try equal hosts.
    pub share: f64,
    /// Who decides it; of several that would, the first.
    pub host: Option<String>,
    pub address: Option<IpAddr>,
    pub why: String,
    /// How long one attempt waits at least for hosts that never answer; `None` where nobody knows how
    /// patient the sender is, or it ends nowhere.
    pub delay: Option<Duration>,
}

/// What becomes of a message, worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    Bounced,
    /// It waits, and nothing else will become of it as long as things are as they are.
    Deferred,
    Unproven,
    Delivered(Privacy, Attempt),
}

/// How a message travels, least private first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    Clear,
    Encrypted,
    Verified,
}

/// When; the later the worse.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Once the message has come back.
    Later,
    First,
}

/// One line of a forecast, as in JSON.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Line {
    pub sender: String,
    pub scenario: String,
    pub case: Case,
    /// How often it is so, of 1.
    pub share: f64,
    pub outcome: Outcome,
    /// `null` where nobody takes the message.
    pub host: Option<String>,
    pub address: Option<IpAddr>,
    /// `null` where it is not delivered.
    pub privacy: Option<Privacy>,
    /// `null` likewise.
    pub attempt: Option<Attempt>,
    /// Seconds that one attempt waits at least for hosts that never answer.
    pub delay_s: Option<u64>,
    pub why: String,
}

/// Whether chance leaves a choice.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    Only,
    Best,
    Worst,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Delivered,
    Deferred,
    Bounced,
    Unproven,
}

impl Forecast {
    /// What every sender would do with a message to these hosts; `supposed` is a scenario of the user's
    /// own.
    pub fn of(landscape: &Landscape, supposed: &[Supposed]) -> Self {
        let mut scenarios = Scenario::of(landscape);
        let own = Scenario::Faults(supposed.to_vec());
        if !supposed.is_empty() && !scenarios.contains(&own) {
            scenarios.push(own);
        }
        let happened: Vec<(Scenario, Landscape)> = scenarios
            .into_iter()
            .map(|scenario| {
                let happened = scenario.happened(landscape);
                (scenario, happened)
            })
            .collect();
        let of_model = |model: &'static Model| {
            happened.iter().map(move |(scenario, landscape)| Prediction {
                model,
                scenario: scenario.clone(),
                outlooks: simulator::outlooks(model, landscape),
            })
        };
        Self { predictions: MODELS.iter().flat_map(of_model).collect() }
    }

    /// The predictions of one scenario, by sender.
    pub fn when<'a>(&'a self, scenario: &Scenario) -> impl Iterator<Item = &'a Prediction> {
        self.predictions.iter().filter(move |one| one.scenario == *scenario)
    }

    /// Every scenario, once.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        let first = self.predictions.first().map(|one| one.model.name);
        let of_first = self.predictions.iter().filter(move |one| Some(one.model.name) == first);
        of_first.map(|one| &one.scenario)
    }

    /// As in JSON.
    pub fn lines(&self) -> Vec<Line> {
        self.predictions.iter().flat_map(Prediction::lines).collect()
    }
}

/// Whether `model` gets to a host at all when every other one is silent.
pub fn reaches(model: &Model, landscape: &Landscape, host: &str) -> bool {
    simulator::reaches(model, landscape, host)
}

/// What one sender, not necessarily one of [`MODELS`], would do with things as they are.
pub fn outlooks(model: &Model, landscape: &Landscape) -> Vec<Outlook> {
    simulator::outlooks(model, landscape)
}

/// As in JSON: line by line.
impl Serialize for Forecast {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.lines().serialize(serializer)
    }
}

impl Prediction {
    pub fn best(&self) -> &Outlook {
        &self.outlooks[0]
    }

    pub fn worst(&self) -> &Outlook {
        &self.outlooks[self.outlooks.len() - 1]
    }

    fn lines(&self) -> Vec<Line> {
        let line = |case, outlook: &Outlook| {
            let (outcome, privacy, attempt) = match outlook.fate {
                Fate::Bounced => (Outcome::Bounced, None, None),
                Fate::Deferred => (Outcome::Deferred, None, None),
                Fate::Unproven => (Outcome::Unproven, None, None),
                Fate::Delivered(privacy, attempt) => {
                    (Outcome::Delivered, Some(privacy), Some(attempt))
                }
            };
            Line {
                sender: self.model.name.to_owned(),
                scenario: self.scenario.to_string(),
                case,
                // A share is read by people: six digits are more than enough.
                share: (outlook.share * 1e6).round() / 1e6,
                outcome,
                host: outlook.host.clone(),
                address: outlook.address,
                privacy,
                attempt,
                delay_s: outlook.delay.map(|delay| delay.as_secs()),
                why: outlook.why.clone(),
            }
        };
        match self.outlooks.as_slice() {
            [only] => vec![line(Case::Only, only)],
            _ => vec![line(Case::Best, self.best()), line(Case::Worst, self.worst())],
        }
    }
}

impl Outlook {
    fn certain(fate: Fate, why: &str) -> Self {
        Self { fate, share: 1.0, host: None, address: None, why: why.to_owned(), delay: None }
    }

    pub fn is_delivered(&self) -> bool {
        matches!(self.fate, Fate::Delivered(..))
    }

    pub fn is_unproven(&self) -> bool {
        self.fate == Fate::Unproven
    }

    pub fn privacy(&self) -> Option<Privacy> {
        match self.fate {
            Fate::Delivered(privacy, _) => Some(privacy),
            Fate::Bounced | Fate::Deferred | Fate::Unproven => None,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bounced => "bounced",
            Self::Deferred => "waits",
            Self::Unproven => "unproven",
            Self::Delivered(Privacy::Clear, _) => "delivered in clear",
            Self::Delivered(Privacy::Encrypted, _) => "delivered encrypted",
            Self::Delivered(Privacy::Verified, _) => "delivered, verified",
        })
    }
}
