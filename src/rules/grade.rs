//! What one address was seen to take, item by item, with the levels a guideline gives it.
//!
//! What was not seen is never a pass and never a fail: each item says whether something worse than
//! what was seen may be taken as well. Words for that are made in `report`.

use std::fmt;

use super::{
    Case, Evidence, Severity, Spot, View,
    profile::{MAC_FIRST, MAC_LAST, Profile, Rank, Topic},
};
use crate::{
    survey::{Endpoint, Hearing, Observation, Taken},
    tls::{Choice, Feature, KeyExchange, KeyKind, Leaf, Suite, TlsVersion},
};

/// Names of one level in a finding; the report has all of them.
const SHOWN: usize = 2;

/// Every item of a guideline that has levels for it, at one address.
pub struct Grade<'a> {
    /// In the order of `ITEMS`.
    pub items: Vec<Item<'a>>,
}

/// One item.
pub struct Item<'a> {
    pub kind: ItemKind,
    /// Worst first.
    pub readings: Vec<Reading<'a>>,
    /// The worst level that something unseen may have; `None` where all is known.
    pub open: Option<Rank>,
}

/// One thing that was seen.
pub struct Reading<'a> {
    pub visit: &'a Observation,
    pub saw: String,
    pub rank: Rank,
}

/// What is graded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ItemKind {
    Versions,
    /// Of TLS 1.3.
    ModernSuites,
    /// Of TLS 1.2 and all before it.
    OlderSuites,
    Groups,
    /// Finite fields below TLS 1.3, where they have no names.
    FiniteFields,
    Key,
    Signature,
    ChainSignatures,
    MasterSecret,
    Renegotiation,
    Compression,
}

/// Everything at a level of the chosen guideline that makes a finding.
pub fn profile_not_met(view: &View<'_>) -> Vec<Case> {
    let Some(profile) = view.profile else {
        return Vec::new();
    };
    view.cases(|spot| {
        let grade = Grade::of(profile, spot.endpoint);
        let mut worst: Option<Severity> = None;
        let mut case = spot.case();
        for item in &grade.items {
            for alike in item.readings.chunk_by(|one, next| one.rank == next.rank) {
                let level = &profile.levels[alike[0].rank];
                if level.severity.is_some() {
                    worst = worst.max(level.severity);
                    case = case.seen(evidence(spot, item.kind, &level.name, alike));
                }
            }
        }
        Some(case.graded(worst?))
    })
}

/// What is alike in item and level, the first few by name.
fn evidence<'a>(spot: &Spot<'a>, kind: ItemKind, level: &str, alike: &[Reading<'a>]) -> Evidence {
    let mut names: Vec<&str> = alike.iter().map(|reading| reading.saw.as_str()).collect();
    let more = names.split_off(names.len().min(SHOWN)).len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let saw = format!("{level}: {}{more}", names.join(", "));
    spot.exchange(alike[0].visit, &format!("profile.{}", kind.word()), saw, "STARTTLS")
}

impl<'a> Grade<'a> {
    pub fn of(profile: &Profile, endpoint: &'a Endpoint) -> Self {
        let hearing = Hearing::of(endpoint);
        let grader = Grader { profile, hearing: &hearing };
        Self { items: ITEMS.iter().filter_map(|(kind, ..)| grader.item(*kind)).collect() }
    }

    /// The worst level that was seen.
    pub fn worst(&self) -> Option<Rank> {
        self.items.iter().filter_map(Item::worst).max()
    }

    /// Whether nothing unseen can make it worse.
    pub fn is_settled(&self) -> bool {
        let worst = self.worst();
        self.items.iter().all(|item| item.open <= worst)
    }
}

impl Item<'_> {
    /// The worst level that was seen.
    pub fn worst(&self) -> Option<Rank> {
        self.readings.first().map(|reading| reading.rank)
    }

    /// Whether nothing unseen can make it worse.
    pub fn is_settled(&self) -> bool {
        self.open <= self.worst()
    }
}

/// Every item, with its word in JSON and its words for people, in the order it is shown.
const ITEMS: [(ItemKind, &str, &str); 11] = [
    (ItemKind::Versions, "versions", "TLS versions"),
    (ItemKind::ModernSuites, "modern_suites", "TLS 1.3 suites"),
    (ItemKind::OlderSuites, "older_suites", "TLS ≤1.2 suites"),
    (ItemKind::Groups, "groups", "groups"),
    (ItemKind::FiniteFields, "finite_fields", "finite fields"),
    (ItemKind::Key, "key", "public key"),
    (ItemKind::Signature, "signature", "signature"),
    (ItemKind::ChainSignatures, "chain_signatures", "chain"),
    (ItemKind::MasterSecret, "master_secret", "master secret"),
    (ItemKind::Renegotiation, "renegotiation", "renegotiation"),
    (ItemKind::Compression, "compression", "compression"),
];

impl ItemKind {
    fn row(self) -> &'static (Self, &'static str, &'static str) {
        // A test looks every kind up.
        ITEMS.iter().find(|(kind, ..)| *kind == self).expect("every kind has a row")
    }

    /// As JSON and evidence have it.
    pub fn word(self) -> &'static str {
        self.row().1
    }
}

/// For people.
impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().2)
    }
}

/// One profile and one address.
struct Grader<'p, 'a> {
    profile: &'p Profile,
    hearing: &'p Hearing<'a>,
}

impl<'a> Grader<'_, 'a> {
    /// `None` where the guideline says nothing of it.
    fn item(&self, kind: ItemKind) -> Option<Item<'a>> {
        let asks = |topic| self.profile.asks(topic).then_some(());
        match kind {
            ItemKind::Versions => {
                asks(Topic::Versions)?;
                Some(self.named(kind, self.hearing.versions(), Topic::Versions))
            }
            ItemKind::ModernSuites | ItemKind::OlderSuites => {
                asks(Topic::Suites)?;
                Some(self.suites(kind))
            }
            ItemKind::Groups => {
                asks(Topic::Groups)?;
                Some(self.named(kind, self.hearing.groups(), Topic::Groups))
            }
            ItemKind::FiniteFields => (self.profile.asks(Topic::Groups)
                || self.profile.asks_for_field_sizes())
            .then(|| self.unnamed_exchanges()),
            ItemKind::Key => self.profile.asks_for_keys().then(|| self.key()),
            ItemKind::Signature => {
                asks(Topic::Signatures)?;
                Some(self.signature())
            }
            ItemKind::ChainSignatures => {
                asks(Topic::ChainSignatures)?;
                Some(self.chain_signatures())
            }
            ItemKind::MasterSecret => {
                let in_12 = |choice: &Choice| choice.version == TlsVersion::Tls12;
                self.feature(kind, Feature::ExtendedMasterSecret, in_12)
            }
            ItemKind::Renegotiation => {
                let older = |choice: &Choice| choice.version < TlsVersion::Tls13;
                self.feature(kind, Feature::SecureRenegotiation, older)
            }
            ItemKind::Compression => {
                let older = |choice: &Choice| choice.version < TlsVersion::Tls13;
                self.feature(kind, Feature::Compression, older)
            }
        }
    }

    fn named<T: fmt::Display>(
        &self,
        kind: ItemKind,
        taken: Taken<'a, T>,
        topic: Topic,
    ) -> Item<'a> {
        let rank = |name: &str| self.profile.rank(topic, name);
        let readings = taken.seen.into_iter().filter_map(|(visit, value)| {
            let saw = value.to_string();
            Some(Reading { visit, rank: rank(&saw)?, saw })
        });
        let open = taken.open.iter().filter_map(|value| rank(&value.to_string())).max();
        Item::new(kind, readings, open)
    }

    fn suites(&self, kind: ItemKind) -> Item<'a> {
        let taken = self.hearing.suites(kind == ItemKind::ModernSuites);
        let minds = self.profile.minds_the_mac();
        // Only CBC suites authenticate apart from encrypting. RFC 7366 §3.
        let name = |suite: &Suite| match (suite.name(), self.hearing.has_mac_last(*suite)) {
            (name, _) if !minds || !name.contains("_CBC_") => name,
            (name, true) => name + MAC_LAST,
            (name, false) => name + MAC_FIRST,
        };
        let seen = taken.seen.iter().map(|(visit, suite)| (*visit, name(suite))).collect();
        let open = taken.open.iter().map(name).collect();
        self.named(kind, Taken { seen, open }, Topic::Suites)
    }

    /// Whether finite fields are agreed on at all, the names of suites tell.
    fn unnamed_exchanges(&self) -> Item<'a> {
        let readings = self.hearing.unnamed_exchanges().filter_map(|(visit, exchange)| {
            let rank = match exchange {
                KeyExchange::Field { bits, prime } => {
                    self.profile.rank_of_field(*bits, prime.as_deref())
                }
                KeyExchange::ExplicitCurve => self.profile.rank(Topic::Groups, ""),
                // Is graded as a suite.
                KeyExchange::Curve { .. } | KeyExchange::ShortRsa { .. } => None,
            };
            Some(Reading { visit, saw: exchange.to_string(), rank: rank? })
        });
        let field =
            |suite: &Suite| ["_DHE_", "_DH_anon_"].iter().any(|part| suite.name().contains(part));
        let is_open = self.hearing.suites(false).open.iter().any(field);
        let open = is_open.then(|| self.profile.rank_of_field(0, None)).flatten();
        Item::new(ItemKind::FiniteFields, readings, open)
    }

    fn key(&self) -> Item<'a> {
        let shaken = self.hearing.handshakes().map(|(visit, made)| (visit, &made.leaf().key));
        let chosen = self.leaves().map(|(visit, leaf)| (visit, &leaf.key));
        let keys: Vec<(&Observation, &KeyKind)> = shaken.chain(chosen).collect();
        let rank = |key: &KeyKind| self.profile.rank_of_key(key);
        let known = keys.iter().filter_map(|(visit, key)| {
            Some(Reading { visit, saw: key.to_string(), rank: rank(key)? })
        });
        // A size that could not be read leaves it as open as no certificate at all.
        let is_open = keys.is_empty()
            || keys.iter().any(|(_, key)| rank(key).is_none())
            || !self.hearing.has_every_certificate();
        Item::new(ItemKind::Key, known, is_open.then_some(self.worst_level()))
    }

    fn signature(&self) -> Item<'a> {
        let shaken = self.hearing.handshakes();
        let shaken = shaken.map(|(visit, made)| (visit, made.leaf().signature.as_str()));
        let chosen = self.leaves().map(|(visit, leaf)| (visit, leaf.signature.as_str()));
        let seen: Vec<_> = shaken.chain(chosen).collect();
        let is_open = seen.is_empty() || !self.hearing.has_every_certificate();
        self.signatures(ItemKind::Signature, Topic::Signatures, seen, is_open)
    }

    /// What a root says of itself convinces nobody, and may be signed in any way.
    fn chain_signatures(&self) -> Item<'a> {
        let links = self.hearing.handshakes().flat_map(|(visit, made)| {
            let links = made.chain.iter().skip(1).filter(|certificate| !certificate.self_issued);
            links.map(move |certificate| (visit, certificate.signature.as_str()))
        });
        // A server's own certificate may be all that it sends. Single hellos show no more than that.
        let chained = |algorithm: &str| {
            let mut all = self.hearing.handshakes();
            all.any(|(_, made)| made.leaf().key.algorithm == algorithm)
        };
        let is_open = self.hearing.handshakes().next().is_none()
            || !self.hearing.has_every_certificate()
            || self.leaves().any(|(_, leaf)| !chained(&leaf.key.algorithm));
        let links = links.collect();
        self.signatures(ItemKind::ChainSignatures, Topic::ChainSignatures, links, is_open)
    }

    fn signatures(
        &self,
        kind: ItemKind,
        topic: Topic,
        seen: Vec<(&'a Observation, &'a str)>,
        is_open: bool,
    ) -> Item<'a> {
        let item = self.named(kind, Taken { seen, open: Vec::new() }, topic);
        Item { open: is_open.then_some(self.worst_level()), ..item }
    }

    fn worst_level(&self) -> Rank {
        self.profile.levels.len() - 1
    }

    /// Something that is agreed on or not in the versions of `counts`.
    fn feature(
        &self,
        kind: ItemKind,
        feature: Feature,
        counts: impl Fn(&Choice) -> bool,
    ) -> Option<Item<'a>> {
        let no = format!("no {feature}");
        let rank = |name: &str| self.profile.rank(Topic::Features, name);
        let worst = rank(&no).max(rank(&feature.to_string()))?;
        // Nobody agrees to what was not on offer.
        let choices: Vec<_> = match feature {
            Feature::Compression => self.hearing.compressible().collect(),
            _ => self.hearing.choices().collect(),
        };
        let choices = choices.into_iter().filter(|(_, choice)| counts(choice));
        let said = choices.filter_map(|(visit, choice)| {
            let saw = if choice.has(feature) { feature.to_string() } else { no.clone() };
            Some(Reading { visit, rank: rank(&saw)?, saw })
        });
        let mut item = Item::new(kind, said, None);
        let versions = self.hearing.versions();
        let seen = versions.seen.iter().map(|(_, version)| version);
        let in_question = seen.chain(&versions.open).any(|version| match kind {
            ItemKind::MasterSecret => *version == TlsVersion::Tls12,
            _ => *version < TlsVersion::Tls13,
        });
        if item.readings.is_empty() && in_question {
            item.open = Some(worst);
        }
        Some(item)
    }

    fn leaves(&self) -> impl Iterator<Item = (&'a Observation, &'a Leaf)> {
        self.hearing.choices().filter_map(|(visit, choice)| Some((visit, choice.leaf.as_ref()?)))
    }
}

impl<'a> Item<'a> {
    /// Each thing that was read stands once.
    fn new(kind: ItemKind, seen: impl Iterator<Item = Reading<'a>>, open: Option<Rank>) -> Self {
        let mut readings: Vec<Reading<'a>> = Vec::new();
        for reading in seen {
            if readings.iter().all(|known| known.saw != reading.saw) {
                readings.push(reading);
            }
        }
        readings.sort_by_key(|reading| std::cmp::Reverse(reading.rank));
        Self { kind, readings, open }
    }
}

#[cfg(test)]
mod tests;
