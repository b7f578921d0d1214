//! Dated TLS guidelines as data: levels in the guideline's own words, and what each of them names.
//!
//! The files stand in `profiles/`, one a guideline; a new one is a file and a name in [`FILES`].
//! Knows which level a thing has, not what a host was seen to take: `grade` brings the two together.

use std::{collections::BTreeMap, sync::LazyLock};

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
#[derive(Debug, Default, Deserialize, PartialEq)]
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
mod tests {
    use super::*;
    use crate::tls::{Group, Suite, TlsVersion};

    #[test]
    fn every_file_reads_and_says_where_it_comes_from() {
        assert!(Profile::all().len() >= 4);
        for profile in Profile::all() {
            let name = profile.name;
            assert!(profile.title.len() > 10 && !profile.edition.is_empty(), "{name}");
            assert!(profile.source.starts_with("https://"), "{name}: {}", profile.source);
            let mut date = profile.date.split('-').map(str::len);
            assert_eq!(date.next(), Some(4), "{name}: {}", profile.date);
            assert!(date.all(|digits| digits == 2), "{name}: {}", profile.date);
            let best = profile.levels.first().unwrap();
            assert_eq!(best.severity, None, "{name}: the best level is no finding");
            let worst = profile.levels.last().unwrap();
            assert!(worst.severity >= Some(Severity::Low), "{name}: the worst level is one");
            assert!(profile.levels.is_sorted_by_key(|level| level.severity), "{name}");
        }
    }

    #[test]
    fn everything_that_can_be_seen_has_a_level_in_every_profile() {
        for profile in Profile::all() {
            let ranked = |topic, name: &str| {
                let rank = profile.rank(topic, name);
                assert!(rank.is_some() || !profile.asks(topic), "{}: {name}", profile.name);
            };
            TlsVersion::ALL.iter().for_each(|it| ranked(Topic::Versions, &it.to_string()));
            Suite::all().for_each(|suite| ranked(Topic::Suites, &suite.name()));
            Group::all().for_each(|group| ranked(Topic::Groups, &group.name()));
            for signature in ["sha256WithRSA", "md5WithRSA", "1.2.3.4"] {
                ranked(Topic::Signatures, signature);
                ranked(Topic::ChainSignatures, signature);
            }
            if profile.asks(Topic::Features) {
                for feature in ["extended master secret", "secure renegotiation", "compression"] {
                    ranked(Topic::Features, feature);
                    ranked(Topic::Features, &format!("no {feature}"));
                }
            }
            for (algorithm, bits) in [("RSA", 512), ("EC", 160), ("1.2.3.4", 0)] {
                let key = KeyKind { algorithm: algorithm.to_owned(), bits: Some(bits) };
                assert!(profile.rank_of_key(&key).is_some(), "{}: {key}", profile.name);
            }
            assert!(profile.rank_of_field(512, None).is_some(), "{}", profile.name);
        }
    }

    #[test]
    fn every_name_in_a_file_means_something() {
        let versions: Vec<String> = TlsVersion::ALL.map(|it| it.to_string()).to_vec();
        let suites: Vec<String> = Suite::all().map(Suite::name).collect();
        let macs = [MAC_LAST, MAC_FIRST];
        let suites: Vec<String> = macs
            .iter()
            .flat_map(|mac| suites.iter().map(move |name| format!("{name}{mac}")))
            .collect();
        let groups: Vec<String> = Group::all().map(Group::name).collect();
        for profile in Profile::all() {
            for level in &profile.levels {
                for (names, known) in [
                    (&level.versions, &versions),
                    (&level.suites, &suites),
                    (&level.groups, &groups),
                ] {
                    for name in names.0.iter().filter(|name| *name != REST) {
                        let alone = Names(vec![name.clone()]);
                        let is_known = known.iter().any(|known| alone.name(known));
                        assert!(is_known, "{}: {name} is nothing", profile.name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, want) in [
            ("x25519", "x25519", true),
            ("x25519", "x25519mlkem", false),
            ("TLS_*_WITH_*_GCM_*", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true),
            ("TLS_*_CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", false),
            ("*SHA256*", "sha256WithRSA", true),
            ("*_NULL", "TLS_RSA_WITH_NULL_SHA", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} and {name}");
        }
    }

    /// The name of the level, or what is missing.
    fn level(profile: &str, rank: impl Fn(&Profile) -> Option<Rank>) -> String {
        let profile = Profile::find(profile).unwrap();
        rank(profile).map_or("unknown", |rank| profile.levels[rank].name.as_str()).to_owned()
    }

    #[test]
    fn a_name_has_the_level_that_the_guideline_gives_it() {
        use Topic::{ChainSignatures, Features, Groups, Signatures, Suites, Versions};
        for (profile, topic, name, want) in [
            ("ncsc-2025-05", Versions, "TLSv1.3", "good"),
            ("ncsc-2025-05", Versions, "TLSv1.2", "sufficient"),
            ("ncsc-2025-05", Versions, "TLSv1.1", "insufficient"),
            ("ncsc-2025-05", Suites, "TLS_AES_256_GCM_SHA384", "good"),
            ("ncsc-2025-05", Suites, "TLS_AES_128_CCM_SHA256", "sufficient"),
            ("ncsc-2025-05", Suites, "TLS_AES_128_CCM_8_SHA256", "insufficient"),
            ("ncsc-2025-05", Suites, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "sufficient"),
            ("ncsc-2025-05", Suites, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "insufficient"),
            ("ncsc-2025-05", Suites, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "phase out"),
            ("ncsc-2025-05", Suites, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "insufficient"),
            ("ncsc-2025-05", Suites, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "phase out"),
            ("ncsc-2025-05", Suites, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", "insufficient"),
            ("ncsc-2025-05", Suites, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256", "phase out"),
            ("ncsc-2025-05", Suites, "TLS_RSA_WITH_AES_128_GCM_SHA256", "insufficient"),
            ("ncsc-2025-05", Groups, "X25519MLKEM768", "good"),
            ("ncsc-2025-05", Groups, "brainpoolP384r1", "sufficient"),
            ("ncsc-2025-05", Groups, "secp224r1", "phase out"),
            ("ncsc-2025-05", Groups, "ffdhe2048", "insufficient"),
            ("ncsc-2025-05", Signatures, "ecdsa-with-SHA384", "good"),
            ("ncsc-2025-05", Signatures, "sha224WithRSA", "phase out"),
            ("ncsc-2025-05", ChainSignatures, "sha1WithRSA", "insufficient"),
            ("ncsc-2025-05", Features, "no extended master secret", "insufficient"),
            ("mozilla-intermediate-6", Versions, "TLSv1.2", "meets"),
            ("mozilla-modern-6", Versions, "TLSv1.2", "does not meet"),
            ("mozilla-modern-6", Signatures, "sha256WithRSA", "does not meet"),
            ("bcp195", Suites, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "RECOMMENDED"),
            ("bcp195", Suites, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "allowed"),
            ("bcp195", Suites, "TLS_RSA_WITH_AES_128_GCM_SHA256", "SHOULD NOT"),
            ("bcp195", Suites, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "SHOULD NOT"),
            ("bcp195", Suites, "TLS_RSA_WITH_DES_CBC_SHA", "MUST NOT"),
            ("bcp195", Suites, "TLS_RSA_WITH_NULL_SHA", "MUST NOT"),
            (
                "bcp195",
                Suites,
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA with encrypt-then-MAC",
                "allowed",
            ),
            (
                "bcp195",
                Suites,
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA without encrypt-then-MAC",
                "SHOULD NOT",
            ),
            ("bcp195", Groups, "secp192r1", "MUST NOT"),
            ("bcp195", Features, "compression", "SHOULD NOT"),
        ] {
            assert_eq!(level(profile, |it| it.rank(topic, name)), want, "{profile}: {name}");
        }
    }

    #[test]
    fn sizes_decide_over_keys_and_finite_fields() {
        for (profile, algorithm, bits, want) in [
            ("ncsc-2025-05", "RSA", Some(4096), "sufficient"),
            ("ncsc-2025-05", "RSA", Some(3071), "phase out"),
            ("ncsc-2025-05", "RSA", Some(2047), "insufficient"),
            ("ncsc-2025-05", "RSA-PSS", None, "unknown"),
            ("ncsc-2025-05", "EC", Some(224), "phase out"),
            ("ncsc-2025-05", "1.2.840.10040.4.1", None, "insufficient"),
            ("mozilla-intermediate-6", "RSA", Some(2048), "meets"),
            ("mozilla-modern-6", "RSA", Some(4096), "does not meet"),
            ("bcp195", "RSA", Some(1024), "MUST NOT"),
            ("bcp195", "Ed25519", Some(256), "allowed"),
        ] {
            let key = KeyKind { algorithm: algorithm.to_owned(), bits };
            assert_eq!(level(profile, |it| it.rank_of_key(&key)), want, "{profile}: {key}");
        }
        for (profile, bits, prime, want) in [
            ("ncsc-2025-05", 4096, Some("ffdhe4096"), "phase out"),
            ("ncsc-2025-05", 4096, Some("modp4096"), "insufficient"),
            ("ncsc-2025-05", 8192, None, "insufficient"),
            ("mozilla-intermediate-6", 2048, None, "meets"),
            ("bcp195", 2048, None, "allowed"),
            ("bcp195", 1024, Some("modp1024"), "MUST NOT"),
        ] {
            let found = level(profile, |it| it.rank_of_field(bits, prime));
            assert_eq!(found, want, "{profile}: {bits} {prime:?}");
        }
    }
}
