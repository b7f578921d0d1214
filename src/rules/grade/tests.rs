//! Grades against sketched answers: each level, and each way not to know.

use super::{super::sketch::*, *};
use crate::{
    survey::{Exchange, FaultKind, Stage},
    tls::{Certificate, Group, Handshake, KeyKind, Question, ServerFlight, SuiteClass},
};

const V10: TlsVersion = TlsVersion::Tls10;
const V11: TlsVersion = TlsVersion::Tls11;
const V12: TlsVersion = TlsVersion::Tls12;
const V13: TlsVersion = TlsVersion::Tls13;
const AEAD: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
const CBC: &str = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256";
const DHE: &str = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256";
const MODERN: &str = "TLS_AES_128_GCM_SHA256";

/// What NCSC-NL says of one item: the worst level seen with what has it, and the level that it
/// may be at for all we know.
fn item(visits: Vec<Observation>, kind: ItemKind) -> String {
    item_under("ncsc-2025-05", visits, kind)
}

fn item_under(profile: &str, visits: Vec<Observation>, kind: ItemKind) -> String {
    let profile = Profile::find(profile).unwrap();
    let seen = alone(visits);
    let view = View::of(&seen);
    let endpoint = view.spots().next().unwrap().endpoint;
    let grade = Grade::of(profile, endpoint);
    let item = grade.items.iter().find(|item| item.kind == kind).unwrap();
    let level = |rank: Rank| profile.levels[rank].name.as_str();
    let worst = item.readings.first();
    let worst = worst.map(|reading| format!("{} {}", level(reading.rank), reading.saw));
    let open = item.open.map(|rank| format!(", maybe {}", level(rank)));
    format!("{}{}", worst.unwrap_or_default(), open.unwrap_or_default())
}

/// Every suite in turn, with `version` at most, and then a refusal of the rest.
fn exhausted(version: TlsVersion, suites: &[&str]) -> Vec<Observation> {
    let without = |number: usize| Question {
        without_suites: suites[..number].iter().filter_map(|name| Suite::named(name)).collect(),
        ..Question::any(version)
    };
    let chosen = suites.iter().enumerate();
    let mut visits: Vec<_> =
        chosen.map(|(at, suite)| asked(without(at), chose(version, suite))).collect();
    visits.push(asked(without(suites.len()), NO));
    visits
}

/// A visit that was refused a certificate of another algorithm.
fn no_other_certificate() -> Observation {
    let Stage::Broke(refusal) = broke(FaultKind::TlsAlert(40)).tls else { panic!() };
    Observation { other_certificate: Some(Stage::Broke(refusal)), ..visit() }
}

#[test]
fn every_item_has_a_row() {
    for (at, (kind, word, label)) in ITEMS.iter().enumerate() {
        assert_eq!((kind.word(), kind.to_string()), (*word, (*label).to_owned()));
        assert!(ITEMS[..at].iter().all(|(known, ..)| known != kind));
    }
}

#[test]
fn versions_are_settled_by_refusals_alone() {
    let silent = || Observation {
        floor: Some(Exchange {
            question: Question::any(V11),
            answer: Stage::Broke(broke(FaultKind::TimedOut).tls.broke().unwrap().clone()),
        }),
        ..visit()
    };
    let v12 = || asked(Question::any(V12), chose(V12, AEAD));
    let v13 = || asked(Question::any(V13), chose(V13, MODERN));
    let none_older = || asked(Question::any(V11), NO);
    for (visits, want) in [
        (vec![v13(), v12(), none_older()], "sufficient TLSv1.2"),
        (vec![v13(), v12()], "sufficient TLSv1.2, maybe insufficient"),
        (vec![v13(), v12(), silent()], "sufficient TLSv1.2, maybe insufficient"),
        (vec![v13()], "good TLSv1.3, maybe insufficient"),
        (vec![v12(), none_older()], "sufficient TLSv1.2, maybe good"),
        // Who turns down TLS 1.2 may take a hello that does not offer it.
        (vec![v13(), asked(Question::any(V12), NO)], "good TLSv1.3, maybe insufficient"),
        (vec![v13(), asked(Question::any(V12), NO), none_older()], "good TLSv1.3"),
        // Who answers with an older version does not have the ones between.
        (
            vec![asked(Question::any(V12), chose(V10, AEAD))],
            "insufficient TLSv1.0, maybe insufficient",
        ),
        // A refusal of some suites is none of the version.
        (
            vec![v12(), asked(Question::of(V11, [SuiteClass::Rc4]), NO)],
            "sufficient TLSv1.2, maybe insufficient",
        ),
        (vec![silent()], ", maybe insufficient"),
    ] {
        assert_eq!(item(visits, ItemKind::Versions), want);
    }
}

#[test]
fn a_handshake_shows_the_newest_version_there_is() {
    let made =
        Handshake { version: V12, suite: AEAD.to_owned(), ..handshake(&[certificate(30, 90)]) };
    let made = || tls(Stage::Reached(made.clone()));
    assert_eq!(item(vec![made()], ItemKind::ModernSuites), "");
    assert_eq!(
        item(vec![made()], ItemKind::OlderSuites),
        format!("sufficient {AEAD}, maybe insufficient")
    );
}

#[test]
fn one_certificate_leaves_open_whether_there_is_another() {
    let chain = |algorithm: &str, bits, link: &str| {
        let key = KeyKind { algorithm: algorithm.to_owned(), bits: Some(bits) };
        let own = Certificate { key, ..certificate(30, 90) };
        [own, Certificate { signature: link.to_owned(), ..certificate(30, 900) }]
    };
    let session = || shows(&chain("EC", 256, "sha256WithRSA"));
    let other = |answer| Observation { other_certificate: Some(answer), ..visit() };
    let weaker = handshake(&chain("RSA", 1024, "sha1WithRSA"));
    let silent = broke(FaultKind::TimedOut).tls.broke().unwrap().clone();
    let ecdsa = AEAD.replace("RSA", "ECDSA");
    let every_suite = || [exhausted(V12, &[&ecdsa]), vec![asked(Question::any(V11), NO)]].concat();
    let open = ["sufficient EC 256", "good ecdsa-with-SHA256", "good sha256WithRSA"];
    let open = open.map(|seen| format!("{seen}, maybe insufficient"));
    let settled = open.clone().map(|seen| seen.replace(", maybe insufficient", ""));
    for (visits, want) in [
        (vec![session()], open.clone()),
        // One suite of one version, as at floor depth.
        (vec![session(), asked(Question::any(V12), chose(V12, &ecdsa))], open.clone()),
        (vec![session(), other(Stage::Broke(silent))], open),
        (vec![session(), no_other_certificate()], settled.clone()),
        ([vec![session()], every_suite()].concat(), settled),
        (
            vec![session(), other(Stage::Reached(weaker))],
            ["insufficient RSA 1024", "good ecdsa-with-SHA256", "insufficient sha1WithRSA"]
                .map(str::to_owned),
        ),
    ] {
        let kinds = [ItemKind::Key, ItemKind::Signature, ItemKind::ChainSignatures];
        assert_eq!(kinds.map(|kind| item(visits.clone(), kind)), want);
    }
}

#[test]
fn suites_are_as_good_as_the_worst_and_open_until_the_rest_is_refused() {
    let none_older = || asked(Question::any(V11), NO);
    let weak = SuiteClass::ALL.into_iter().filter(|class| class.is_weak());
    let none_weak = asked(Question::of(V12, weak), NO);
    let v12 = || asked(Question::any(V12), chose(V12, AEAD));
    for (visits, want) in [
        (exhausted(V12, &[AEAD, CBC]), format!("phase out {CBC}, maybe insufficient")),
        ([exhausted(V12, &[AEAD, CBC]), vec![none_older()]].concat(), format!("phase out {CBC}")),
        // CCM with short tags counts among the good classes, and NCSC-NL calls it insufficient.
        (vec![v12(), none_older(), none_weak], format!("sufficient {AEAD}, maybe insufficient")),
        (vec![none_older(), asked(Question::any(V12), NO)], String::new()),
    ] {
        assert_eq!(item(visits, ItemKind::OlderSuites), want);
    }
    let modern = exhausted(V13, &[MODERN]);
    assert_eq!(item(modern, ItemKind::ModernSuites), format!("sufficient {MODERN}"));
}

#[test]
fn encrypt_then_mac_saves_a_cbc_suite_where_the_guideline_says_so() {
    let with = Choice { agreed: vec![Feature::EncryptThenMac], ..choice(V12, CBC) };
    let with = ServerFlight::Chose(Box::new(with));
    for (answer, want) in [
        (chose(V12, CBC), format!("SHOULD NOT {CBC} without encrypt-then-MAC, maybe MUST NOT")),
        (with, format!("allowed {CBC} with encrypt-then-MAC, maybe MUST NOT")),
    ] {
        let visits = vec![asked(Question::any(V12), answer)];
        assert_eq!(item_under("bcp195", visits, ItemKind::OlderSuites), want);
    }
}

#[test]
fn groups_are_open_until_a_hello_with_a_known_suite_is_refused() {
    let first = Choice { group: Some(Group::X25519), ..choice(V13, MODERN) };
    let first = || asked(Question::any(V13), ServerFlight::Chose(Box::new(first.clone())));
    let others = || Question { without_groups: vec![Group::X25519], ..Question::any(V13) };
    // Refused as well it may be for its suites.
    let neither = Question { without_suites: vec![Suite::named(MODERN).unwrap()], ..others() };
    let curve = Some(KeyExchange::Curve { group: Group::X25519 });
    let older = |suite| {
        let older = Choice { key_exchange: curve.clone(), ..choice(V12, suite) };
        asked(Question::any(V12), ServerFlight::Chose(Box::new(older)))
    };
    let is_for = |version| Group::all().filter(move |group| group.is_for(version)).collect();
    // Only what TLS 1.3 cannot say, such as secp192r1, which is worse.
    let rest = || asked(Question { without_groups: is_for(V13), ..Question::any(V12) }, NO);
    let no_12 = || vec![asked(Question::any(V12), NO), asked(Question::any(V11), NO)];
    let ecdsa = AEAD.replace("RSA", "ECDSA");
    let (seen, open) = ("sufficient x25519", "sufficient x25519, maybe insufficient");
    for (visits, want) in [
        (vec![first()], open),
        (vec![first(), asked(neither, NO)], open),
        // TLS 1.2 may be taken for all we know, and with a curve that TLS 1.3 does not have.
        (vec![first(), asked(others(), NO)], open),
        ([vec![first(), asked(others(), NO)], no_12()].concat(), seen),
        (vec![first(), asked(others(), NO), older(AEAD)], open),
        (vec![first(), asked(others(), NO), older(AEAD), rest()], seen),
        (vec![first(), older(AEAD), rest()], open),
        (vec![first(), asked(others(), NO), older(&ecdsa), rest()], open),
    ] {
        assert_eq!(item(visits, ItemKind::Groups), want);
    }
}

#[test]
fn the_certificate_of_the_other_algorithm_is_graded_like_the_first() {
    let short = Certificate {
        key: KeyKind { algorithm: "RSA".to_owned(), bits: Some(1024) },
        signature: "sha1WithRSA".to_owned(),
        sha256: "02".to_owned(),
        ..certificate(30, 90)
    };
    let mut visit = shows(&[certificate(30, 90)]);
    let alone = vec![visit.clone()];
    visit.other_certificate = Some(Stage::Reached(Handshake {
        version: V12,
        suite: AEAD.to_owned(),
        group: Some("x25519".to_owned()),
        ..handshake(&[short.clone(), short])
    }));
    let both = vec![visit];
    for (kind, want_alone, want) in [
        (ItemKind::Key, "sufficient EC 256, maybe insufficient", "insufficient RSA 1024"),
        (
            ItemKind::Signature,
            "good ecdsa-with-SHA256, maybe insufficient",
            "insufficient sha1WithRSA",
        ),
        (ItemKind::ChainSignatures, ", maybe insufficient", "insufficient sha1WithRSA"),
        (
            ItemKind::Versions,
            "good TLSv1.3, maybe insufficient",
            "sufficient TLSv1.2, maybe insufficient",
        ),
        (
            ItemKind::OlderSuites,
            ", maybe insufficient",
            "sufficient TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, maybe insufficient",
        ),
    ] {
        assert_eq!(item(alone.clone(), kind), want_alone, "{kind}");
        assert_eq!(item(both.clone(), kind), want, "{kind}");
    }
}

#[test]
fn finite_fields_go_by_their_primes_or_by_their_size() {
    let field = |bits, prime: Option<&str>| {
        let prime = prime.map(str::to_owned);
        let key_exchange = Some(KeyExchange::Field { bits, prime });
        let answer = Choice { key_exchange, ..choice(V12, DHE) };
        let mut visits = exhausted(V12, &[DHE]);
        visits[0] = asked(Question::any(V12), ServerFlight::Chose(Box::new(answer)));
        visits.push(asked(Question::any(V11), NO));
        visits
    };
    for (profile, bits, prime, want) in [
        ("ncsc-2025-05", 3072, Some("ffdhe3072"), "phase out DH 3072 (ffdhe3072)"),
        ("ncsc-2025-05", 3072, None, "insufficient DH 3072 (home-made prime)"),
        ("bcp195", 3072, None, "allowed DH 3072 (home-made prime)"),
        ("bcp195", 1024, None, "MUST NOT DH 1024 (home-made prime)"),
    ] {
        let found = item_under(profile, field(bits, prime), ItemKind::FiniteFields);
        assert_eq!(found, want, "{profile}");
    }
    let curves = [exhausted(V12, &[AEAD]), vec![asked(Question::any(V11), NO)]].concat();
    assert_eq!(item(curves, ItemKind::FiniteFields), "");
}

#[test]
fn what_is_agreed_counts_where_it_was_on_offer_and_has_a_meaning() {
    let v12 = |compression| Question { compression, ..Question::any(V12) };
    let chose_12 = || chose(V12, AEAD);
    let only_13 = || {
        let older = [asked(Question::any(V12), NO), asked(Question::any(V11), NO)];
        [exhausted(V13, &[MODERN]), older.to_vec()].concat()
    };
    for (visits, kind, want) in [
        (vec![asked(v12(true), chose_12())], ItemKind::Compression, "good no compression"),
        (vec![asked(v12(false), chose_12())], ItemKind::Compression, ", maybe insufficient"),
        (only_13(), ItemKind::Compression, ""),
        (
            vec![asked(v12(false), chose_12())],
            ItemKind::MasterSecret,
            "insufficient no extended master secret",
        ),
        (only_13(), ItemKind::MasterSecret, ""),
        (exhausted(V13, &[MODERN]), ItemKind::MasterSecret, ", maybe insufficient"),
        (vec![asked(v12(false), chose_12())], ItemKind::Renegotiation, "good secure renegotiation"),
    ] {
        assert_eq!(item(visits, kind), want, "{kind}");
    }
}

#[test]
fn a_key_whose_size_cannot_be_read_is_no_pass() {
    let mut strange = certificate(30, 90);
    for (algorithm, bits, want) in [
        ("RSA", Some(3072), "sufficient RSA 3072"),
        ("RSA", Some(2048), "phase out RSA 2048"),
        ("RSA", Some(1024), "insufficient RSA 1024"),
        ("RSA-PSS", None, ", maybe insufficient"),
    ] {
        strange.key = KeyKind { algorithm: algorithm.to_owned(), bits };
        let visits = vec![shows(std::slice::from_ref(&strange)), no_other_certificate()];
        assert_eq!(item(visits, ItemKind::Key), want);
    }
}

#[test]
fn a_root_may_be_signed_in_any_way() {
    let with = |signature: &str, self_issued| Certificate {
        signature: signature.to_owned(),
        self_issued,
        ..certificate(30, 90)
    };
    for (second, want) in [
        (with("sha1WithRSA", false), "insufficient sha1WithRSA"),
        (with("sha1WithRSA", true), ""),
        (with("sha256WithRSA", false), "good sha256WithRSA"),
    ] {
        let visits = vec![shows(&[certificate(30, 90), second]), no_other_certificate()];
        assert_eq!(item(visits, ItemKind::ChainSignatures), want);
    }
}
