//! Dated TLS guidelines as data: levels in the guideline's own words, and what each of them names.
//!
//! The files stand in `profiles/`, one a guideline; a new one is a file and a name in `FILES`.
//! Knows which level a thing has, not what a host was seen to take: `grade` brings the two together.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::Severity;
use crate::tls::KeyKind;

/// A guideline of one edition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// What it is called on the command line.
    #[serde(skip)]
    pub name: &'static str,
    /// Who wrote it and what it is called there.
    pub title: String,
    pub edition: String,
    /// The year, and the month where it is known.
    pub date: String,
    /// Where it can be read.
    pub source: String,
    #[serde(default)]
    pub note: Option<String>,
    /// What it asks as well, and no visit of ours shows.
    #[serde(default)]
    pub not_graded: Vec<String>,
    /// Best first.
    #[serde(rename = "level")]
    pub levels: Vec<Level>,
}

/// One level and what it names.
#[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[schemars(from = "String", into = "String")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Level {
    pub name: String,
    /// Of the finding about a host at this level; none, no finding.
    pub severity: Option<Severity>,
    versions: Names,
    suites: Names,
    groups: Names,
    /// The least size of a finite field; where no level has one, `groups` names the primes.
    dh_bits: Option<usize>,
    /// The least size of a key, by its algorithm.
    keys: BTreeMap<String, u32>,
    signatures: Names,
    chain_signatures: Names,
    features: Names,
}

/// The place of a level, the best being 0.
pub type Rank = usize;

/// What a profile can be asked about; each a list of names in its levels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    ChainSignatures,
    Features,
    Groups,
    Signatures,
    Suites,
    Versions,
}

/// Names, in which `*` stands for any characters; alone, for whatever no level names.
#[derive(Debug, Default, Deserialize, PartialEq)]
struct Names(Vec<String>);

/// What no level names.
const REST: &str = "*";

/// How a suite is named whose messages were to be encrypted before they are authenticated; RFC 7366.
pub const MAC_LAST: &str = " with encrypt-then-MAC";
/// The same where that was not agreed on.
pub const MAC_FIRST: &str = " without encrypt-then-MAC";

/// Every guideline, by the name it has on the command line.
const FILES: &[(&str, &str)] = &[
    ("bcp195", include_str!("profiles/bcp195.toml")),
    ("mozilla-intermediate-6", include_str!("profiles/mozilla-intermediate-6.toml")),
    ("mozilla-modern-6", include_str!("profiles/mozilla-modern-6.toml")),
    ("ncsc-2025-05", include_str!("profiles/ncsc-2025-05.toml")),
];

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    // The files are part of the program; a test reads them all.
    let read = |(name, text): &(&'static str, &str)| {
        let profile: Profile = toml::from_str(text).expect("a built-in profile reads");
        Profile { name, ..profile }
    };
    FILES.iter().map(read).collect()
});

impl Profile {
    /// All, by name.
    pub fn all() -> &'static [Self] {
        &PROFILES
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|profile| profile.name == name)
    }

    /// Whether any level says something of the kind.
    pub fn asks(&self, topic: Topic) -> bool {
        self.levels.iter().any(|level| !level.names(topic).0.is_empty())
    }

    pub fn asks_for_field_sizes(&self) -> bool {
        self.levels.iter().any(|level| level.dh_bits.is_some())
    }

    pub fn asks_for_keys(&self) -> bool {
        self.levels.iter().any(|level| !level.keys.is_empty())
    }

    /// Whether it makes a difference that encrypt-then-MAC was agreed on.
    pub fn minds_the_mac(&self) -> bool {
        let minds = |name: &String| name.ends_with(MAC_LAST) || name.ends_with(MAC_FIRST);
        self.levels.iter().any(|level| level.suites.0.iter().any(minds))
    }

    /// The level of `name`: the worst that names it, else the one that takes the rest; `None` where
    /// there is neither.
    pub fn rank(&self, topic: Topic, name: &str) -> Option<Rank> {
        let names = |level: &Level| level.names(topic).name(name);
        let rest = |level: &Level| level.names(topic).0.iter().any(|name| name == REST);
        self.levels.iter().rposition(names).or_else(|| self.levels.iter().position(rest))
    }

    /// The level of a key: the best whose least size it has. `None` where nobody knows its size.
    pub fn rank_of_key(&self, key: &KeyKind) -> Option<Rank> {
        let algorithm = key.algorithm.as_str();
        let least = |level: &Level| level.keys.get(algorithm).copied();
        let named = self.levels.iter().any(|level| least(level).is_some());
        let algorithm = if named { algorithm } else { REST };
        let bits = if named { key.bits? } else { 0 };
        let holds = |level: &Level| level.keys.get(algorithm).is_some_and(|least| *least <= bits);
        let rest = |level: &Level| level.keys.contains_key(REST);
        let rank = self.levels.iter().position(holds);
        rank.or_else(|| self.levels.iter().rposition(rest))
    }

    /// The level of a key exchange over a finite field.
    pub fn rank_of_field(&self, bits: usize, prime: Option<&str>) -> Option<Rank> {
        if self.asks_for_field_sizes() {
            let holds = |level: &Level| level.dh_bits.is_some_and(|least| least <= bits);
            return self.levels.iter().position(holds);
        }
        // A prime of one's own has no name, and no level names it.
        self.rank(Topic::Groups, prime.unwrap_or_default())
    }
}

/// Goes by its name.
impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl Level {
    fn names(&self, topic: Topic) -> &Names {
        match topic {
            Topic::ChainSignatures => &self.chain_signatures,
            Topic::Features => &self.features,
            Topic::Groups => &self.groups,
            Topic::Signatures => &self.signatures,
            Topic::Suites => &self.suites,
            Topic::Versions => &self.versions,
        }
    }
}

impl Names {
    /// Whether `name` is among them, whatever its case; what is said of its MAC counts only for
    /// names that say something of it too.
    fn name(&self, name: &str) -> bool {
        let bare = name.strip_suffix(MAC_LAST).or(name.strip_suffix(MAC_FIRST)).unwrap_or(name);
        let fits = |pattern: &String| {
            let minds = pattern.ends_with(MAC_LAST) || pattern.ends_with(MAC_FIRST);
            pattern != REST && fits(pattern, if minds { name } else { bare })
        };
        self.0.iter().any(fits)
    }
}

/// Whether `name` is as `pattern` has it, where `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    // There is always one part.
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
