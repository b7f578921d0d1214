//! What the hellos made to one address say that it takes, and what they leave open.
//!
//! Open is what was neither seen nor refused: nobody knows. A hello that was not answered as TLS has
//! it settles nothing. Grades nothing.

use std::collections::HashSet;

use super::{Endpoint, Exchange, Fault, FaultKind, Observation};
use crate::tls::{Choice, Feature, Group, Handshake, KeyExchange, ServerFlight, Suite, TlsVersion};

/// Things of one kind: those that were seen, each with the first visit that showed it, and those
/// that may be taken as well.
#[derive(Clone, Debug)]
pub struct Taken<'a, T> {
    pub seen: Vec<(&'a Observation, T)>,
    pub open: Vec<T>,
}

/// All that was asked of one address by single hellos, and its handshakes.
pub struct Hearing<'a> {
    endpoint: &'a Endpoint,
    /// With the suites each hello had on offer.
    exchanges: Vec<(&'a Exchange, HashSet<Suite>)>,
}

impl<'a, T: PartialEq> Taken<'a, T> {
    fn new(seen: impl Iterator<Item = (&'a Observation, T)>, open: Vec<T>) -> Self {
        let mut first: Vec<(&Observation, T)> = Vec::new();
        for (visit, value) in seen {
            if first.iter().all(|(_, known)| *known != value) {
                first.push((visit, value));
            }
        }
        Self { seen: first, open }
    }
}

impl<'a> Hearing<'a> {
    pub fn of(endpoint: &'a Endpoint) -> Self {
        let offered = |exchange: &Exchange| exchange.question.suites().into_iter().collect();
        let exchanges = endpoint.exchanges().map(|(_, exchange)| (exchange, offered(exchange)));
        Self { endpoint, exchanges: exchanges.collect() }
    }

    /// The versions, newest first.
    pub fn versions(&self) -> Taken<'a, TlsVersion> {
        let mut seen: Vec<_> =
            self.choices().map(|(visit, choice)| (visit, choice.version)).collect();
        seen.extend(self.handshakes().map(|(visit, made)| (visit, made.version)));
        seen.sort_by_key(|(_, version)| std::cmp::Reverse(*version));
        let is_open = |version: &TlsVersion| {
            seen.iter().all(|(_, taken)| taken != version) && !self.is_refused_whole(*version)
        };
        let open = TlsVersion::ALL.into_iter().filter(is_open).collect();
        Taken::new(seen.into_iter(), open)
    }

    /// The suites of TLS 1.3, or those of all versions before it.
    pub fn suites(&self, modern: bool) -> Taken<'a, Suite> {
        let of_age = move |suite: &Suite| suite.is_tls13() == modern;
        let chosen = self.choices().map(|(visit, choice)| (visit, choice.suite));
        let shaken = self.handshakes();
        let shaken = shaken.filter_map(|(visit, made)| Some((visit, Suite::named(&made.suite)?)));
        let seen: Vec<_> = chosen.chain(shaken).filter(|(_, suite)| of_age(suite)).collect();
        let versions = || {
            let all = TlsVersion::ALL.into_iter();
            all.filter(move |version| (*version == TlsVersion::Tls13) == modern)
        };
        let is_open = |suite: &Suite| {
            seen.iter().all(|(_, taken)| taken != suite)
                && versions().any(|version| !self.is_refused(version, *suite))
        };
        let open = Suite::all().filter(of_age).filter(is_open).collect();
        Taken::new(seen.into_iter(), open)
    }

    /// Whether encrypt-then-MAC was agreed on wherever `suite` was chosen. RFC 7366 §2.
    pub fn has_mac_last(&self, suite: Suite) -> bool {
        let mut with = self.choices().filter(|(_, choice)| choice.suite == suite).peekable();
        with.peek().is_some() && with.all(|(_, choice)| choice.has(Feature::EncryptThenMac))
    }

    /// The named groups, of all versions: servers keep one list for all of them, so that a group
    /// refused in the newest version counts as refused.
    pub fn groups(&self) -> Taken<'a, Group> {
        let chosen =
            self.choices().filter_map(|(visit, choice)| Some((visit, choice.named_group()?)));
        let shaken = self.handshakes();
        let shaken =
            shaken.filter_map(|(visit, made)| Some((visit, Group::named(made.group.as_deref()?)?)));
        let seen: Vec<_> = chosen.chain(shaken).collect();
        let is_open = |group: &Group| {
            seen.iter().all(|(_, taken)| taken != group) && !self.is_refused_group(*group)
        };
        let in_use = |version, agreed: fn(&Suite) -> bool| {
            let suites = self.suites(version == TlsVersion::Tls13);
            suites.seen.iter().map(|(_, suite)| suite).chain(&suites.open).any(agreed)
        };
        let newer = in_use(TlsVersion::Tls13, |_| true);
        let older = in_use(TlsVersion::Tls12, |suite| suite.name().contains("_ECDHE_"));
        let has_use = |group: &Group| {
            (newer && group.is_for(TlsVersion::Tls13)) || (older && group.is_for(TlsVersion::Tls12))
        };
        let open = Group::all().filter(is_open).filter(has_use).collect();
        Taken::new(seen.into_iter(), open)
    }

    /// The key exchanges that no name of a group stands for: finite fields, and curves of one's own.
    pub fn unnamed_exchanges(&self) -> impl Iterator<Item = (&'a Observation, &'a KeyExchange)> {
        self.choices().filter_map(|(visit, choice)| match choice.key_exchange.as_ref()? {
            KeyExchange::Curve { .. } => None,
            exchange => Some((visit, exchange)),
        })
    }

    /// Every answer that was a choice, with whether DEFLATE was on offer.
    pub fn compressible(&self) -> impl Iterator<Item = (&'a Observation, &'a Choice)> {
        let offered =
            self.endpoint.exchanges().filter(|(_, exchange)| exchange.question.compression);
        offered.filter_map(|(visit, exchange)| Some((visit, exchange.choice()?)))
    }

    /// Every answer that was a choice.
    pub fn choices(&self) -> impl Iterator<Item = (&'a Observation, &'a Choice)> {
        self.endpoint.choices()
    }

    /// Every finished handshake, those for the certificate of the other algorithm included.
    pub fn handshakes(&self) -> impl Iterator<Item = (&'a Observation, &'a Handshake)> {
        let others = self
            .endpoint
            .observations
            .iter()
            .filter_map(|visit| Some((visit, visit.other_certificate.as_ref()?.reached()?)));
        self.sessions().chain(others)
    }

    fn sessions(&self) -> impl Iterator<Item = (&'a Observation, &'a Handshake)> {
        self.endpoint.observations.iter().filter_map(|visit| Some((visit, visit.tls.reached()?)))
    }

    fn is_refused_whole(&self, version: TlsVersion) -> bool {
        let of_age = |suite: &Suite| suite.is_tls13() == (version == TlsVersion::Tls13);
        Suite::all().filter(of_age).all(|suite| self.is_refused(version, suite))
    }

    /// Whether there can be no certificate of another algorithm than those that were seen.
    pub fn has_every_certificate(&self) -> bool {
        let others = self.endpoint.observations.iter();
        let mut others = others.filter_map(|visit| visit.other_certificate.as_ref());
        let told = others.any(|answer| {
            let none = |fault: &Fault| matches!(fault.kind, FaultKind::TlsAlert(_));
            answer.reached().is_some() || answer.broke().is_some_and(none)
        });
        // Up to TLS 1.2 the suite says the algorithm: nothing can follow once each was asked for.
        let signed = |suite: &Suite| {
            ["_RSA_", "_ECDSA_"].iter().any(|algorithm| suite.name().contains(algorithm))
        };
        let older = self.suites(false);
        let seen = older.seen.iter().any(|(_, suite)| signed(suite));
        told || (seen && !older.open.iter().any(signed))
    }

    /// Whether it is known that `suite` is not taken in `version`.
    fn is_refused(&self, version: TlsVersion, suite: Suite) -> bool {
        // Sessions offer TLS 1.2 and 1.3: what comes of them is the newest there is.
        self.sessions().any(|(_, made)| made.version < version)
            || self.exchanges.iter().any(|(exchange, offered)| {
                let question = &exchange.question;
                question.is_plain()
                    && match exchange.answer.reached() {
                        // Who answers with an older version does not have the ones between.
                        Some(ServerFlight::Chose(choice)) => {
                            choice.version < version
                                && version <= question.version
                                && offered.contains(&suite)
                        }
                        // Some servers turn down whoever offers TLS 1.2, and would take an older hello.
                        Some(ServerFlight::Refused { .. }) => {
                            let older = version < question.version;
                            offered.contains(&suite)
                                && version <= question.version
                                && (!older || question.version < TlsVersion::Tls12)
                        }
                        None => false,
                    }
            })
    }

    /// Whether a hello with this group, of a version that has it, was refused although it had a suite
    /// that is taken, and that agrees on a group.
    fn is_refused_group(&self, group: Group) -> bool {
        self.exchanges.iter().any(|(exchange, offered)| {
            let question = &exchange.question;
            let taken = |(_, choice): (_, &Choice)| {
                // A key on a curve wants that curve on offer too, which may be what was amiss. RFC 8422
                // §5.1.
                let agrees = choice.group.is_some()
                    || matches!(choice.key_exchange, Some(KeyExchange::Curve { .. }))
                        && !choice.suite.name().contains("_ECDSA_");
                choice.version == question.version && agrees && offered.contains(&choice.suite)
            };
            matches!(exchange.answer.reached(), Some(ServerFlight::Refused { .. }))
                && !question.fallback
                && group.is_for(question.version)
                && !question.without_groups.contains(&group)
                && self.choices().any(taken)
        })
    }
}
