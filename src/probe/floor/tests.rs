//! Whole inquiries, held with servers that are a few lines each.

use std::time::Duration;

use TlsVersion::{Ssl3, Tls10, Tls11, Tls12, Tls13};
use proptest::prelude::*;

use super::*;
use crate::{
    smtp::Transcript,
    survey::{Exchange, Fault, FaultKind, Phase, Purpose, Stage, Why},
    tls::KeyExchange,
};

/// A server as far as an inquiry can see it.
#[derive(Clone, Debug)]
struct Taker {
    /// Each version with its suites, in the server's order.
    versions: Vec<(TlsVersion, Vec<Suite>)>,
    groups: Vec<Group>,
    /// Chooses by the client's order.
    obliging: bool,
    /// Turns down the whole hello when its choice falls on a suite without a certificate.
    keyless: bool,
}

impl Taker {
    fn of(versions: &[TlsVersion], suites: &[&str]) -> Self {
        let suites: Vec<Suite> = suites.iter().map(|name| Suite::named(name).unwrap()).collect();
        let fitting = |version: &TlsVersion| {
            let modern = *version == Tls13;
            let fits = suites.iter().copied().filter(|suite| suite.is_tls13() == modern);
            (*version, fits.collect())
        };
        Self {
            versions: versions.iter().map(fitting).collect(),
            groups: vec![Group::X25519_MLKEM768, Group::X25519, Group(0x17)],
            obliging: false,
            keyless: false,
        }
    }

    fn answer(&self, question: &Question) -> ServerFlight {
        let modern = question.version == Tls13;
        let allowed = |version: TlsVersion| {
            if modern { version == Tls13 } else { version <= question.version }
        };
        let versions = self.versions.iter().filter(|(version, _)| allowed(*version));
        let Some((version, suites)) = versions.max_by_key(|(version, _)| *version) else {
            return ServerFlight::Refused { alert: 70 };
        };
        let at_hand = |group: &&Group| self.groups.contains(group) && group.is_for(*version);
        let (wanted, on_offer) = (&self.groups, question.groups());
        let group = if self.obliging {
            on_offer.iter().find(at_hand)
        } else {
            wanted.iter().filter(|group| on_offer.contains(group)).find(at_hand)
        };
        let offered = question.suites();
        let can = |suite: &&Suite| {
            let curve = modern || suite.name().contains("_ECDHE_");
            offered.contains(suite) && suites.contains(suite) && (group.is_some() || !curve)
        };
        let picked = if self.obliging { offered.iter().find(can) } else { suites.iter().find(can) };
        let able = picked.filter(|suite| !(self.keyless && suite.is_anonymous()));
        let Some(suite) = able else { return ServerFlight::Refused { alert: 40 } };
        let exchange = || Some(KeyExchange::Curve { group: *group? });
        let curved = suite.name().contains("_ECDHE_");
        ServerFlight::Chose(Box::new(Choice {
            version: *version,
            suite: *suite,
            group: group.copied().filter(|_| modern),
            agreed: Vec::new(),
            downgrade_sentinel: None,
            certificates: 0,
            leaf: None,
            key_exchange: if curved { exchange() } else { None },
        }))
    }
}

fn visit(question: Question, answer: Stage<ServerFlight>) -> Observation {
    Observation {
        purpose: Purpose::Floor,
        made_for: None,
        began_ms: 0,
        took_ms: 0,
        connect: Stage::NotTried(Why::NotAsked),
        greeting: Stage::NotTried(Why::NotAsked),
        hello: Stage::NotTried(Why::NotAsked),
        tls: Stage::NotTried(Why::NotThisVisit),
        unasked_before_tls: crate::smtp::Text::default(),
        floor: Some(Exchange { question, answer }),
        other_certificate: None,
        injection: None,
        hello_secured: Stage::NotTried(Why::NotThisVisit),
        sender: Stage::NotTried(Why::NotAsked),
        recipients: Vec::new(),
        quit: Stage::NotTried(Why::NotThisVisit),
        transcript: Transcript::default(),
    }
}

/// The whole inquiry.
fn inquire(depth: Depth, taker: &Taker) -> Vec<Observation> {
    let mut seen = Vec::new();
    while let Some(question) = next(depth, &seen) {
        assert!(seen.len() < 1000, "an inquiry without end");
        let answer = taker.answer(&question);
        if let ServerFlight::Chose(choice) = &answer {
            assert!(question.allows(choice), "{question} -> {choice}");
        }
        seen.push(visit(question, Stage::Reached(answer)));
    }
    seen
}

fn questions(seen: &[Observation]) -> Vec<String> {
    let shown = |visit: &Observation| {
        let exchange = visit.floor.as_ref().unwrap();
        format!("{} -> {}", exchange.question, exchange.answer.reached().unwrap())
    };
    seen.iter().map(shown).collect()
}

const CLEAN: [&str; 3] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

#[test]
fn a_clean_server_is_asked_three_times() {
    for versions in [&[Tls12, Tls13][..], &[Tls12], &[Tls13]] {
        for obliging in [false, true] {
            let taker = Taker { obliging, ..Taker::of(versions, &CLEAN) };
            let seen = inquire(Depth::Floor, &taker);
            assert_eq!(seen.len(), 3, "{:#?}", questions(&seen));
        }
    }
}

#[test]
fn a_weak_server_is_asked_six_times_at_most_and_the_worst_is_found() {
    let suites = [
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_WITH_NULL_SHA",
    ];
    for (versions, obliging, oldest, worst) in [
        (&[Tls12, Tls13][..], true, Tls12, SuiteClass::Null),
        (&[Tls12, Tls13], false, Tls12, SuiteClass::Null),
        (&[Tls10, Tls11, Tls12], true, Tls10, SuiteClass::Null),
        (&[Ssl3, Tls10, Tls11, Tls12], true, Ssl3, SuiteClass::Null),
        (&[Tls10], true, Tls10, SuiteClass::Null),
        // By the server's order the visits do not reach to the bottom.
        (&[Ssl3, Tls10, Tls11, Tls12], false, Ssl3, SuiteClass::SmallBlock),
    ] {
        let taker = Taker { obliging, ..Taker::of(versions, &suites) };
        let seen = inquire(Depth::Floor, &taker);
        let inquiry = Inquiry::of(&seen).unwrap();
        let found = inquiry.choices().filter_map(|choice| choice.suite.class()).min();
        let shown = questions(&seen);
        assert_eq!(
            inquiry.choices().map(|choice| choice.version).min(),
            Some(oldest),
            "{shown:#?}"
        );
        assert_eq!(found, Some(worst), "{shown:#?}");
        assert!(seen.len() <= MOST_FOR_FLOOR, "{shown:#?}");
    }
}

/// As Exim does with `GnuTLS` where its settings name such suites.
#[test]
fn a_server_that_breaks_off_at_suites_without_certificate_hides_no_others() {
    let suites = [
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_RC4_128_SHA",
        "TLS_DH_anon_WITH_AES_128_CBC_SHA",
        "TLS_ECDH_anon_WITH_NULL_SHA",
    ];
    let of = Taker::of(&[Tls11, Tls12], &suites);
    let taker = Taker { obliging: true, keyless: true, ..of };
    for depth in [Depth::Floor, Depth::Full] {
        let seen = inquire(depth, &taker);
        let inquiry = Inquiry::of(&seen).unwrap();
        let worst = inquiry.choices().filter_map(|choice| choice.suite.class()).min();
        let oldest = inquiry.choices().map(|choice| choice.version).min();
        let want = (Some(SuiteClass::Rc4), Some(Tls11));
        assert_eq!((worst, oldest), want, "{:#?}", questions(&seen));
    }
}

#[test]
fn an_answer_unlike_tls_ends_the_inquiry() {
    let question = next(Depth::Floor, &[]).unwrap();
    for kind in [FaultKind::Closed, FaultKind::TimedOut, FaultKind::Reset] {
        let fault = Fault::new(Phase::Handshake, kind, Duration::ZERO);
        let seen = [visit(question.clone(), Stage::Broke(fault))];
        assert_eq!(next(Depth::Floor, &seen), None);
        assert_eq!(next(Depth::Full, &seen), None);
    }
}

#[test]
fn the_session_depth_asks_nothing() {
    assert_eq!(next(Depth::Session, &[]), None);
}

/// Such answers are faults by the time they come here; this is what holds if one ever does not.
#[test]
fn a_server_that_makes_up_suites_is_not_asked_for_ever() {
    let taker = Taker::of(&[Tls12], &CLEAN);
    let ServerFlight::Chose(odd) = taker.answer(&Question::any(Tls12)) else { panic!() };
    let most = Suite::all().count() * TlsVersion::ALL.len() + MOST_FOR_FULL;
    for (depth, most) in [(Depth::Floor, MOST_FOR_FLOOR), (Depth::Full, most)] {
        let made_up = (0..u16::MAX).map(|number| {
            let answer = Choice { suite: Suite(number), ..(*odd).clone() };
            visit(Question::any(Tls11), Stage::Reached(ServerFlight::Chose(Box::new(answer))))
        });
        let seen: Vec<Observation> = made_up.take(most).collect();
        assert!(next(depth, &seen[..most - 1]).is_some(), "{depth:?}");
        assert_eq!(next(depth, &seen), None, "{depth:?}");
    }
}

/// The ten that OpenSSL has unless it is told otherwise. One that goes by its own order tells a group a
/// hello, for which there are not visits enough: then the end of the list stays open.
#[test]
fn the_groups_of_a_server_that_goes_by_the_hello_are_all_found() {
    let groups = ["x25519", "secp256r1", "x448", "secp521r1", "secp384r1"];
    let fields = ["ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"];
    let groups: Vec<Group> =
        groups.iter().chain(&fields).filter_map(|name| Group::named(name)).collect();
    let suites: Vec<String> = Suite::all()
        .map(Suite::name)
        .filter(|name| {
            ["TLS_ECDHE_RSA_WITH_AES", "TLS_RSA_WITH_AES"]
                .iter()
                .any(|start| name.starts_with(start))
        })
        .collect();
    let modern =
        ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];
    let suites: Vec<&str> = modern.into_iter().chain(suites.iter().map(String::as_str)).collect();
    let mut sorted = groups.clone();
    sorted.sort_unstable();
    for obliging in [true, false] {
        let of = Taker::of(&[Tls12, Tls13], &suites);
        let seen = inquire(Depth::Full, &Taker { obliging, groups: groups.clone(), ..of });
        let inquiry = Inquiry::of(&seen).unwrap();
        let mut found = inquiry.groups();
        found.sort_unstable();
        assert_eq!(found == sorted, obliging, "{:#?}", questions(&seen));
        let ends = |version| {
            inquiry.0.iter().any(|(question, answer)| {
                question.version == version
                    && matches!(answer, ServerFlight::Refused { .. })
                    && !question.without_groups.is_empty()
            })
        };
        assert_eq!(ends(Tls12) && ends(Tls13), obliging, "{:#?}", questions(&seen));
        assert!(seen.len() <= suites.len() + MOST_FOR_FULL, "{:#?}", questions(&seen));
    }
}

/// As one does that was set up with `ADH` or `NULL-SHA` alone.
#[test]
fn what_only_weak_classes_show_is_asked_of_the_newest_version_too() {
    for suite in ["TLS_DH_anon_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_NULL_SHA"] {
        for obliging in [false, true] {
            let taker = Taker { obliging, ..Taker::of(&[Tls10, Tls11, Tls12], &[suite]) };
            let seen = inquire(Depth::Floor, &taker);
            let inquiry = Inquiry::of(&seen).unwrap();
            let versions: Vec<_> = inquiry.choices().map(|choice| choice.version).collect();
            assert!(versions.contains(&Tls12) && versions.contains(&Tls10), "{versions:?}");
        }
    }
}

fn any_taker() -> impl Strategy<Value = Taker> {
    let versions = prop::sample::subsequence(TlsVersion::ALL.to_vec(), 0..=5);
    let all: Vec<Suite> = Suite::all().collect();
    let suites = prop::sample::subsequence(all, 0..40).prop_shuffle();
    let modern = prop::sample::subsequence(vec![0x1301, 0x1302, 0x1303, 0x1304, 0x1305], 1..=5);
    let groups: Vec<Group> = Group::all().collect();
    let groups = prop::sample::subsequence(groups, 1..8).prop_shuffle();
    (versions, suites, modern.prop_shuffle(), groups, any::<bool>()).prop_map(
        |(versions, suites, modern, mut groups, obliging)| {
            // One at least that every version can agree on.
            groups.push(Group::X25519);
            let old: Vec<Suite> = suites.into_iter().filter(|suite| !suite.is_tls13()).collect();
            let modern: Vec<Suite> = modern.into_iter().map(Suite).collect();
            let of =
                |version| (version, if version == Tls13 { modern.clone() } else { old.clone() });
            let versions = versions.into_iter().map(of).collect();
            Taker { versions, groups, obliging, keyless: false }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// With only as many visits as were announced.
    #[test]
    fn every_suite_of_every_version_is_found_in_the_servers_order(taker in any_taker()) {
        let seen = inquire(Depth::Full, &taker);
        let inquiry = Inquiry::of(&seen).unwrap();
        let mut taken = 0;
        for (version, suites) in &taker.versions {
            let found = inquiry.suites(*version);
            taken += found.len();
            if taker.obliging {
                let (mut found, mut suites) = (found, suites.clone());
                found.sort_unstable();
                suites.sort_unstable();
                prop_assert_eq!(found, suites);
            } else {
                prop_assert_eq!(&found, suites);
            }
        }
        prop_assert!(seen.len() <= taken + MOST_FOR_FULL, "{:#?}", questions(&seen));
    }

    #[test]
    fn a_floor_inquiry_finds_the_oldest_version_in_six_visits(taker in any_taker()) {
        let seen = inquire(Depth::Floor, &taker);
        prop_assert!(seen.len() <= MOST_FOR_FLOOR);
        let inquiry = Inquiry::of(&seen).unwrap();
        let oldest = taker.versions.iter().filter(|(version, suites)| {
            *version < Tls13 && !suites.is_empty()
        });
        let oldest = oldest.map(|(version, _)| *version).min();
        let found = inquiry.choices().map(|choice| choice.version).min();
        prop_assert_eq!(found, oldest, "{:#?}", questions(&seen));
    }
}
