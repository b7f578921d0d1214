//! The built-in guidelines: whole, sourced, and giving the levels that they should.

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
        for version in TlsVersion::ALL {
            ranked(Topic::Versions, &version.to_string());
        }
        for suite in Suite::all() {
            ranked(Topic::Suites, &suite.name());
        }
        for group in Group::all() {
            ranked(Topic::Groups, &group.name());
        }
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
    let suites: Vec<String> =
        macs.iter().flat_map(|mac| suites.iter().map(move |name| format!("{name}{mac}"))).collect();
    let groups: Vec<String> = Group::all().map(Group::name).collect();
    for profile in Profile::all() {
        for level in &profile.levels {
            for (names, known) in
                [(&level.versions, &versions), (&level.suites, &suites), (&level.groups, &groups)]
            {
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
        ("bcp195", Suites, "TLS_SHA256_SHA256", "MUST NOT"),
        ("bcp195", Suites, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA with encrypt-then-MAC", "allowed"),
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
        ("bcp195", "RSA-PSS", None, "unknown"),
        ("bcp195", "Ed25519", Some(256), "allowed"),
    ] {
        let key = KeyKind { algorithm: algorithm.to_owned(), bits };
        assert_eq!(level(profile, |it| it.rank_of_key(&key)), want, "{profile}: {key}");
    }
    for (profile, bits, prime, want) in [
        ("ncsc-2025-05", 4096, Some("ffdhe4096"), "phase out"),
        ("ncsc-2025-05", 4096, Some("modp4096"), "insufficient"),
        ("ncsc-2025-05", 2048, Some("postfix"), "insufficient"),
        ("ncsc-2025-05", 2048, Some("exim.dev.20160529.3"), "insufficient"),
        ("ncsc-2025-05", 8192, None, "insufficient"),
        ("mozilla-intermediate-6", 2048, None, "meets"),
        ("bcp195", 2048, None, "allowed"),
        ("bcp195", 1024, Some("modp1024"), "MUST NOT"),
    ] {
        let found = level(profile, |it| it.rank_of_field(bits, prime));
        assert_eq!(found, want, "{profile}: {bits} {prime:?}");
    }
}
