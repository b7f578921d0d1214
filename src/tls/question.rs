//! What is asked of a server by one hello: a version, classes of suites, and what is left out.
//!
//! Becomes a [`ClientHello`]; keeps no answer and asks nobody.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Choice, ClientHello, Feature, Group, Suite, SuiteClass, TlsVersion};

/// One question.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Question {
    /// The highest version on offer. TLS 1.3 is offered alone, any other with all below it.
    pub version: TlsVersion,
    /// Every suite of these classes is on offer, in the order of [`Question::suites`].
    pub classes: Vec<SuiteClass>,
    /// Suites of those classes that are left out all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_suites: Vec<Suite>,
    /// All groups are on offer but these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_groups: Vec<Group>,
    /// Groups that stand behind all others, for it is known that they are taken: a server that goes
    /// by the order of the hello then tells another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_groups: Vec<Group>,
    /// DEFLATE is on offer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compression: bool,
    /// The hello calls itself a second try with a lower version. RFC 7507.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fallback: bool,
}

impl Question {
    /// Every suite of `classes`, with `version` at most.
    pub fn of(version: TlsVersion, classes: impl IntoIterator<Item = SuiteClass>) -> Self {
        Self {
            version,
            classes: classes.into_iter().collect(),
            without_suites: Vec::new(),
            without_groups: Vec::new(),
            known_groups: Vec::new(),
            compression: false,
            fallback: false,
        }
    }

    /// Whether a refusal means that nothing of `version` and `classes` is taken, but for the suites
    /// that were left out.
    pub fn is_plain(&self) -> bool {
        self.without_groups.is_empty() && !self.fallback
    }

    /// Whether both put the same on offer, in whatever order.
    pub fn is_like(&self, other: &Self) -> bool {
        // Most differ in the first two.
        self.version == other.version
            && self.without_suites == other.without_suites
            && self.without_groups == other.without_groups
            && self.classes == other.classes
            && self.compression == other.compression
            && self.fallback == other.fallback
    }

    /// Every suite there is, with `version` at most.
    pub fn any(version: TlsVersion) -> Self {
        Self::of(version, SuiteClass::ALL)
    }

    /// The suites on offer, weakest first, but those without a certificate behind all others: a
    /// server that was told to take them and has nothing to take them with turns down the whole
    /// hello when it comes to one (Exim with `GnuTLS`).
    pub fn suites(&self) -> Vec<Suite> {
        let modern = self.version == TlsVersion::Tls13;
        let offered = |(class, suite): &(SuiteClass, Suite)| {
            suite.is_tls13() == modern
                && self.classes.contains(class)
                && !self.without_suites.contains(suite)
        };
        let classed = Suite::all().filter_map(|suite| Some((suite.class()?, suite)));
        let mut suites: Vec<_> = classed.filter(offered).collect();
        suites.sort_by_key(|(class, suite)| (suite.is_anonymous(), *class));
        suites.into_iter().map(|(_, suite)| suite).collect()
    }

    /// The groups on offer, weakest first. Finite fields stand before all others: only in TLS 1.3 do
    /// they have names, and servers have few suites there to ask again with.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> =
            Group::all().filter(|group| !self.without_groups.contains(group)).collect();
        groups.sort_by_key(|group| {
            (self.known_groups.contains(group), !group.is_finite_field(), group.strength())
        });
        groups
    }

    /// Whether a server may choose so: every part of it was on offer. RFC 8446 §4.1.3, §4.2.8.
    pub fn allows(&self, choice: &Choice) -> bool {
        let modern = self.version == TlsVersion::Tls13;
        let version = choice.version == self.version || (!modern && choice.version < self.version);
        // A hello of SSL 3.0 has no room to name groups.
        let unnamed = self.version == TlsVersion::Ssl3;
        let offered = |group: Group| unnamed || self.groups().contains(&group);
        version
            && self.suites().contains(&choice.suite)
            && choice.named_group().is_none_or(offered)
            && (self.compression || !choice.has(Feature::Compression))
    }

    /// The hello that puts the question to a host of this name, if it has one.
    pub fn hello(&self, server_name: Option<String>) -> ClientHello {
        ClientHello {
            version: self.version,
            suites: self.suites(),
            groups: self.groups(),
            server_name,
            compression: self.compression,
            fallback: self.fallback,
        }
    }
}

/// One line for a transcript.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at most", self.version)?;
        if self.classes.len() == SuiteClass::ALL.len() {
            f.write_str(", every suite")?;
        } else {
            let classes: Vec<String> = self.classes.iter().map(ToString::to_string).collect();
            write!(f, ", suites of {}", classes.join(", "))?;
        }
        let except = |f: &mut fmt::Formatter<'_>, count: usize, what: &str| match count {
            0 => Ok(()),
            1 => write!(f, ", but for one {what}"),
            several => write!(f, ", but for {several} {what}s"),
        };
        except(f, self.without_suites.len(), "suite")?;
        except(f, self.without_groups.len(), "group")?;
        f.write_str(if self.fallback { ", as a second try" } else { "" })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::KeyExchange;

    #[test]
    fn a_server_may_choose_only_what_was_on_offer() {
        let choice = |version, suite| Choice {
            version,
            suite: Suite(suite),
            group: None,
            agreed: Vec::new(),
            downgrade_sentinel: None,
            certificates: 0,
            leaf: None,
            key_exchange: None,
        };
        let (v10, v12, v13) = (TlsVersion::Tls10, TlsVersion::Tls12, TlsVersion::Tls13);
        let over = |group| Choice {
            key_exchange: Some(KeyExchange::Curve { group }),
            ..choice(v12, 0xc02f)
        };
        let retry = |group| Choice { group: Some(group), ..choice(v13, 0x1301) };
        let squeezed = || Choice { agreed: vec![Feature::Compression], ..choice(v12, 0xc02f) };
        let any = Question::any;
        let aead = || Question::of(v12, [SuiteClass::AeadFs]);
        let no_gcm = || Question { without_suites: vec![Suite(0xc02f)], ..any(v12) };
        let other = |version| Question { without_groups: vec![Group::X25519], ..any(version) };
        let small = || Question { compression: true, ..any(v12) };
        for (question, choice, want) in [
            (any(v12), choice(v12, 0xc02f), true),
            (any(v12), choice(v10, 0x0005), true),
            (any(v13), choice(v13, 0x1301), true),
            (aead(), choice(v12, 0x0001), false),
            (no_gcm(), choice(v12, 0xc02f), false),
            (any(v12), choice(v12, 0xfafa), false),
            // The signal of RFC 5746 §3.3 is no suite.
            (any(TlsVersion::Ssl3), choice(TlsVersion::Ssl3, 0x00ff), false),
            (any(v10), choice(v12, 0xc02f), false),
            (any(v13), choice(v12, 0x1301), false),
            (any(v12), choice(v13, 0xc02f), false),
            (any(v12), over(Group::X25519), true),
            (other(v12), over(Group::X25519), false),
            (other(v12), over(Group(0x0017)), true),
            (any(v12), over(Group(0xeeee)), false),
            (other(v13), retry(Group::X25519), false),
            (any(v13), retry(Group::X25519), true),
            (any(v12), squeezed(), false),
            (small(), squeezed(), true),
        ] {
            assert_eq!(question.allows(&choice), want, "{question} -> {choice}");
        }
    }

    #[test]
    fn suites_come_weakest_first_and_only_those_asked_for() {
        let all = Question::any(TlsVersion::Tls12).suites();
        assert!(all.is_sorted_by_key(|suite| (suite.is_anonymous(), suite.class())));
        assert_eq!(all.last().map(|suite| suite.name().contains("_anon_")), Some(true));
        assert!(all.iter().all(|suite| !suite.is_tls13()));
        let left_out = Suite::named("TLS_DHE_RSA_WITH_AES_128_CCM").unwrap();
        let aead = Question {
            without_suites: vec![left_out],
            ..Question::of(TlsVersion::Tls12, [SuiteClass::AeadFs])
        };
        let aead = aead.suites();
        assert!(aead.iter().all(|suite| suite.class() == Some(SuiteClass::AeadFs)));
        assert!(!aead.contains(&left_out) && !aead.is_empty());
        assert!(Question::any(TlsVersion::Tls13).suites().iter().all(|suite| suite.is_tls13()));
    }

    #[test]
    fn groups_come_weakest_first_and_what_is_known_last() {
        let known = |names: &[&str]| Question {
            known_groups: names.iter().filter_map(|name| Group::named(name)).collect(),
            ..Question::any(TlsVersion::Tls13)
        };
        let plain = known(&[]);
        let [first, second] = [plain.groups()[0], plain.groups()[5]].map(Group::name);
        assert_eq!((first.as_str(), second.as_str()), ("ffdhe2048", "sect163r2"));
        let asked = known(&["ffdhe2048", "x25519"]);
        assert!(asked.is_like(&plain) && asked != plain);
        let groups = asked.groups();
        assert_eq!(groups.len(), Group::all().count());
        assert_eq!(groups[groups.len() - 2..], [Group(0x0100), Group::X25519]);
    }

    #[test]
    fn a_question_comes_back_from_json_as_it_went() {
        let question = Question {
            without_suites: vec![Suite(0xc02f), Suite(0xfafa)],
            without_groups: vec![Group::X25519, Group(0xeeee)],
            known_groups: vec![Group(0x0017)],
            compression: true,
            ..Question::of(TlsVersion::Tls11, [SuiteClass::Rc4])
        };
        let json = serde_json::to_string(&question).unwrap();
        let want = "{\"version\":\"TLSv1.1\",\"classes\":[\"rc4\"],\
                    \"without_suites\":[\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\"0xfafa\"],\
                    \"without_groups\":[\"x25519\",\"0xeeee\"],\"known_groups\":[\"secp256r1\"],\"compression\":true}";
        assert_eq!(json, want);
        assert_eq!(serde_json::from_str::<Question>(&json).unwrap(), question);
    }
}
