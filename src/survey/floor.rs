//! Which TLS hello led to which answer, and what the answers of one address amount to.
//!
//! "The weakest that was taken" is only a floor once everything below it was refused; how far that is
//! known is part of each reading. Grades nothing.

use std::{cmp::Ordering, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Endpoint, Observation, Stage};
use crate::tls::{Choice, KeyExchange, Question, ServerFlight, Suite, SuiteClass, TlsVersion};

/// A question about TLS and how it ended: declined is the refusal of STARTTLS.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Exchange {
    pub question: Question,
    pub answer: Stage<ServerFlight>,
}

/// The weakest of its kind that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Least<'a, T> {
    pub visit: &'a Observation,
    pub value: T,
    /// The weakest that was not refused: the truth lies between the two.
    pub bound: T,
}

impl<T: PartialEq> Least<'_, T> {
    /// Whether everything weaker was refused.
    pub fn is_exact(&self) -> bool {
        self.value == self.bound
    }
}

/// The answer to a hello below the best version that called itself a second try. RFC 7507.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecondTry<'a> {
    /// With an alert of this number; 86 says why. RFC 7507 §3.
    Refused(u8),
    Taken(&'a Choice),
}

impl Exchange {
    /// What the server chose, if it did.
    pub fn choice(&self) -> Option<&Choice> {
        match self.answer.reached()? {
            ServerFlight::Chose(choice) => Some(choice),
            ServerFlight::Refused { .. } => None,
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.answer.reached(), Some(ServerFlight::Refused { .. }))
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Least<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)?;
        if self.is_exact() { Ok(()) } else { write!(f, ", at worst {}", self.bound) }
    }
}

/// A backup is below its primary only if it was seen to go lower than the primary can.
impl<T: PartialOrd> PartialOrd for Least<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self.value < other.bound {
            Some(Ordering::Less)
        } else if other.value < self.bound {
            Some(Ordering::Greater)
        } else if self.is_exact() && other.is_exact() && self.value == other.value {
            Some(Ordering::Equal)
        } else {
            None
        }
    }
}

impl<T: PartialOrd> PartialEq for Least<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl Endpoint {
    /// Every hello that was made for its own sake.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Observation, &Exchange)> {
        self.observations.iter().filter_map(|visit| Some((visit, visit.floor.as_ref()?)))
    }

    /// The hello without an answer that TLS has, which ended the questions.
    pub fn broken_off(&self) -> Option<(&Observation, &Exchange)> {
        self.exchanges().find(|(_, exchange)| exchange.answer.reached().is_none())
    }

    /// Every answer that was a choice.
    pub fn choices(&self) -> impl Iterator<Item = (&Observation, &Choice)> {
        self.exchanges().filter_map(|(visit, exchange)| Some((visit, exchange.choice()?)))
    }

    /// The oldest version taken; `None` where no hello of ours was answered.
    pub fn oldest_version(&self) -> Option<Least<'_, TlsVersion>> {
        let chosen = self.choices().map(|(visit, choice)| (visit, choice.version));
        let spoken = self
            .observations
            .iter()
            .filter_map(|visit| Some((visit, visit.tls.reached()?.version)));
        self.was_inquired().then_some(())?;
        let (visit, value) = chosen.chain(spoken).min_by_key(|(_, version)| *version)?;
        // Who refuses a hello with a version at most refuses all that are older as well.
        let refused = |version: &TlsVersion| {
            let below = version.previous();
            below.is_none_or(|below| self.refused(below).len() == SuiteClass::ALL.len())
        };
        let older = TlsVersion::ALL.into_iter().rev().filter(|version| *version <= value);
        let bound = older.into_iter().find(refused).unwrap_or(value);
        Some(Least { visit, value, bound })
    }

    /// The weakest class of cipher suites of which one was taken; `None` as above.
    pub fn worst_class(&self) -> Option<Least<'_, SuiteClass>> {
        self.was_inquired().then_some(())?;
        let chosen = self.choices().map(|(visit, choice)| (visit, choice.suite));
        let spoken = self
            .observations
            .iter()
            .filter_map(|visit| Some((visit, Suite::named(&visit.tls.reached()?.suite)?)));
        let classed =
            chosen.chain(spoken).filter_map(|(visit, suite)| Some((visit, suite.class()?)));
        let (visit, value) = classed.min_by_key(|(_, class)| *class)?;
        let refused = self.refused(TlsVersion::Tls12);
        let mut open = SuiteClass::ALL.into_iter().filter(|class| !refused.contains(class));
        let bound = open.next().filter(|class| *class < value).unwrap_or(value);
        Some(Least { visit, value, bound })
    }

    /// The weakest key exchange seen, by its strength; in TLS 1.3 that of the group.
    pub fn weakest_exchange(&self) -> Option<(&Observation, KeyExchange)> {
        let exchanges = self.choices().filter_map(|(visit, choice)| {
            let named = || choice.group.map(|group| KeyExchange::Curve { group });
            Some((visit, choice.key_exchange.clone().or_else(named)?))
        });
        exchanges
            .filter(|(_, exchange)| exchange.strength().is_some())
            .min_by_key(|(_, exchange)| (exchange.strength(), exchange.is_post_quantum()))
    }

    /// The newest version seen, in handshakes and in answers to single hellos.
    pub fn newest_version(&self) -> Option<TlsVersion> {
        let spoken = self.observations.iter().filter_map(|visit| visit.tls.reached());
        let chosen = self.choices().map(|(_, choice)| choice.version);
        spoken.map(|handshake| handshake.version).chain(chosen).max()
    }

    /// Whether the server noticed a second try for what it was.
    pub fn second_try(&self) -> Option<(&Observation, SecondTry<'_>)> {
        let newest = self.newest_version()?;
        let mut tries = self.exchanges().filter(|(_, exchange)| exchange.question.fallback);
        tries.find_map(|(visit, exchange)| match exchange.answer.reached()? {
            ServerFlight::Refused { alert } => Some((visit, SecondTry::Refused(*alert))),
            ServerFlight::Chose(choice) if choice.version < newest => {
                Some((visit, SecondTry::Taken(choice)))
            }
            ServerFlight::Chose(_) => None,
        })
    }

    fn was_inquired(&self) -> bool {
        self.exchanges().any(|(_, exchange)| exchange.answer.reached().is_some())
    }

    /// The classes that were refused under hellos with `version` at most.
    fn refused(&self, version: TlsVersion) -> Vec<SuiteClass> {
        let refused = self.exchanges().filter(|(_, exchange)| {
            exchange.is_refused()
                && exchange.question.version == version
                && exchange.question.is_plain()
        });
        let mut classes: Vec<SuiteClass> =
            refused.flat_map(|(_, exchange)| exchange.question.classes.clone()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}
