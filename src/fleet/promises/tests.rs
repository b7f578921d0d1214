//! The words of a world about DNS, each held against what it gives.

use data_encoding::HEXLOWER;
use futures_util::FutureExt as _;

use super::*;
use crate::{
    fleet::{Carrier, Fleet, certificates::Authority, world::Server, zone::sites},
    probe::Resolver as _,
    tls::Certificate,
};

const NOW: &str = "2026-11-23T12:00:00Z";

fn zone(rest: &str) -> Zone {
    let world = World::parse(&format!("domain = 'a.example'\n{rest}")).unwrap();
    Zone::of(&world, &sites(&world))
}

fn bogus() -> Security {
    Security::Bogus("signature expired".to_owned())
}

fn unknown() -> Security {
    Security::Undetermined("no answer for DNSKEY".to_owned())
}

#[test]
fn words_that_stand_for_nothing_are_refused_by_name() {
    let world = |rest: &str| World::parse(&format!("domain = 'a.example'\n{rest}"));
    let host = |keys: &str| world(&format!("[[mx]]\nhost = 'mx.a.example'\n{keys}"));
    let dns = |keys: &str| world(&format!("lookup = 'absent'\n[dns]\n{keys}"));
    for (outcome, want) in [
        (dns("colour = 1"), "unknown field `colour`"),
        (dns("security = 'signed'"), "unknown variant `signed`"),
        (dns("txt-fault = 'lame'"), "unknown variant `lame`"),
        (dns("server = [{ host = 'b.example', fault = 'bogus' }]"), "unknown variant `bogus`"),
        (dns("server = [{ host = 'b.example', mx = ['mx.a.example'] }]"), "no MX record"),
        (
            dns(
                "server = [{ host = 'b.example' }, { host = 'c.example', address = '203.0.113.53' }]",
            ),
            "two name servers at 203.0.113.53",
        ),
        (world("lookup = 'servfail'\n[[dns.server]]\nhost = 'b.example'"), "nobody learns"),
        (host("tlsa = ['3 1 own']"), "\"3 1 own\" is no TLSA record (usage"),
        (host("tlsa = ['3 1 1 mine']"), "\"3 1 1 mine\" is no TLSA record (the data"),
        (host("tlsa = ['3 2 1 own']"), "\"3 2 1 own\": no selector above 1"),
        (host("tlsa-at = 'alias'"), "unknown variant `alias`"),
        (host("tlsa-security = 'maybe'"), "unknown variant `maybe`"),
        (host("tlsa-fault = 'lame'"), "unknown variant `lame`"),
    ] {
        let fault = outcome.unwrap_err().to_string();
        assert!(fault.contains(want), "{fault}");
    }
}

#[test]
fn the_word_for_the_domain_is_about_its_own_records_alone() {
    use RecordKind::{A, Mx, Tlsa, Txt};
    let about = [
        ("a.example", Mx),
        ("a.example", Txt),
        ("_mta-sts.a.example", Txt),
        ("_smtp._tls.a.example", Txt),
        ("_dmarc.a.example", Txt),
    ];
    for (words, want) in [
        ("", Security::Insecure),
        ("security = 'insecure'", Security::Insecure),
        ("security = 'secure'", Security::Secure),
        ("security = 'bogus'", bogus()),
        ("security = 'undetermined'", unknown()),
    ] {
        let zone = zone(&format!(
            "[dns]\n{words}\ndmarc = ['v=DMARC1; p=none']\n[[mx]]\nhost = 'mx.b.example'"
        ));
        for (name, kind) in about {
            let proven = zone.proven(name, kind);
            assert_eq!(proven.security, want, "{words}: {name}");
            // A bogus answer keeps its records; who does not validate sees them.
            assert_eq!(proven.answer, zone.answer(name, kind), "{words}: {name}");
        }
        assert!(matches!(zone.answer("a.example", Mx), Answer::Records(_)));
        let owners: &[&str] = if want == Security::Secure { &["a.example"] } else { &[] };
        assert_eq!(zone.proven("a.example", Mx).secure, owners, "{words}");
        assert_eq!(zone.proven("mx.b.example", A).security, Security::Insecure);
        assert_eq!(zone.proven("_25._tcp.mx.b.example", Tlsa).security, Security::Insecure);
    }
}

#[test]
fn the_words_for_a_host_are_about_its_addresses_and_its_tlsa_records() {
    use RecordKind::{A, Aaaa, Tlsa};
    for (words, addresses, tlsa) in [
        ("", Security::Insecure, Security::Insecure),
        ("security = 'secure'", Security::Secure, Security::Secure),
        ("security = 'bogus'", bogus(), bogus()),
        ("security = 'undetermined'", unknown(), unknown()),
        ("security = 'secure'\ntlsa-security = 'insecure'", Security::Secure, Security::Insecure),
        ("security = 'secure'\ntlsa-fault = 'bogus'", Security::Secure, bogus()),
    ] {
        let zone = zone(&format!("[[mx]]\nhost = 'mx.a.example'\n{words}"));
        for kind in [A, Aaaa] {
            assert_eq!(zone.proven("mx.a.example", kind).security, addresses, "{words}");
        }
        assert_eq!(zone.proven("_25._tcp.mx.a.example", Tlsa).security, tlsa, "{words}");
        assert_eq!(zone.proven("a.example", RecordKind::Mx).security, Security::Insecure);
    }
    for (word, fault) in [("servfail", servfail()), ("timeout", DnsFault::TimedOut)] {
        let zone = zone(&format!("[[mx]]\nhost = 'mx.a.example'\ntlsa-fault = '{word}'"));
        let proven = zone.proven("_25._tcp.mx.a.example", Tlsa);
        assert_eq!(proven.security, Security::unanswered(&fault), "{word}");
        assert_eq!(proven.answer, Answer::Failed(fault), "{word}");
    }
    let aliased = zone("[[mx]]\nhost = 'mx.a.example'\nalias = 'b.example'\nsecurity = 'secure'");
    for (kind, secure) in [(A, &["mx.a.example", "b.example"][..]), (Aaaa, &["mx.a.example"])] {
        let proven = aliased.proven("mx.a.example", kind);
        assert_eq!(proven.security, Security::Secure);
        assert_eq!(proven.secure, secure);
    }
}

#[test]
fn texts_stand_where_they_are_looked_for_or_all_of_them_fail() {
    const WORDS: &str = "lookup = 'absent'\n[dns]\nspf = ['v=spf1 -all']\n\
        dmarc = ['v=DMARC1; p=none']\ntls-rpt = ['v=TLSRPTv1; rua=mailto:a@b.example', 'two']\n";
    let zone_with = |fault: &str| zone(&format!("{WORDS}{fault}"));
    let texts = |words: &[&str], owner: &str| {
        let record = |word: &&str| Record {
            owner: owner.to_owned(),
            data: RecordData::Txt(word.as_bytes().to_vec()),
        };
        Answer::Records(words.iter().map(record).collect())
    };
    let names: [(&str, &[&str]); 3] = [
        ("a.example", &["v=spf1 -all"]),
        ("_dmarc.a.example", &["v=DMARC1; p=none"]),
        ("_smtp._tls.a.example", &["v=TLSRPTv1; rua=mailto:a@b.example", "two"]),
    ];
    let sound = zone_with("");
    for (name, want) in names {
        assert_eq!(sound.answer(name, RecordKind::Txt), texts(want, name), "{name}");
    }
    for (word, fault) in [("servfail", servfail()), ("timeout", DnsFault::TimedOut)] {
        let zone = zone_with(&format!("txt-fault = '{word}'"));
        for (name, _) in names.into_iter().chain([("_mta-sts.a.example", &[][..])]) {
            let want = Answer::Failed(fault.clone());
            assert_eq!(zone.answer(name, RecordKind::Txt), want, "{name}");
        }
        assert_eq!(zone.answer("a.example", RecordKind::Mx), Answer::NoData(Vec::new()));
    }
}

#[test]
fn a_name_server_answers_as_dns_does_or_as_its_words_say() {
    let mx = |host: &str| {
        let data = RecordData::Exchange { preference: 10, exchange: host.to_owned() };
        Answer::Records(vec![Record { owner: "a.example".to_owned(), data }])
    };
    let said = |zone: &Zone, at: &str| {
        let address = at.parse().unwrap();
        zone.ask_server(address, "a.example", RecordKind::Mx).now_or_never().unwrap()
    };
    let with =
        |words: &str| zone(&format!("{words}\n[[mx]]\npreference = 10\nhost = 'mx.a.example'"));
    let servers = |zone: &Zone| match zone.answer("a.example", RecordKind::Ns) {
        Answer::Records(records) => {
            records.into_iter().map(|record| record.data).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let name = |word: &str| RecordData::NameServer(word.to_owned());
    let usual = with("");
    assert_eq!(servers(&usual), [name("ns1.a.example")]);
    let address = usual.answer("ns1.a.example", RecordKind::A);
    let at = RecordData::Address([203, 0, 113, 53].into());
    let record = Record { owner: "ns1.a.example".to_owned(), data: at };
    assert_eq!(address, Answer::Records(vec![record]));
    assert_eq!(said(&usual, "203.0.113.53"), mx("mx.a.example"));

    for (words, want) in [
        ("", mx("mx.a.example")),
        ("mx = ['10 OLD.a.example.']", mx("old.a.example")),
        ("mx = []", Answer::NoData(Vec::new())),
        ("fault = 'lame'", DnsFault::Lame.into()),
        ("fault = 'refused'", DnsFault::Lame.into()),
        ("fault = 'servfail'", servfail().into()),
        ("fault = 'timeout'", DnsFault::TimedOut.into()),
        ("fault = 'unreachable'", DnsFault::Unreachable("host unreachable".into()).into()),
    ] {
        let zone = with(&format!(
            "[[dns.server]]\nhost = 'ns1.a.example'\n\
             [[dns.server]]\nhost = 'NS.b.example'\naddress = '192.0.2.53'\n{words}"
        ));
        assert_eq!(servers(&zone), [name("ns1.a.example"), name("ns.b.example")]);
        assert_eq!(said(&zone, "192.0.2.53"), want, "{words}");
        assert_eq!(said(&zone, "203.0.113.53"), mx("mx.a.example"), "{words}");
        assert_eq!(zone.answer("a.example", RecordKind::Mx), mx("mx.a.example"), "{words}");
    }
    let none = zone("lookup = 'no-such-domain'");
    assert_eq!(none.answer("a.example", RecordKind::Ns), Answer::NoSuchName(Vec::new()));
}

/// What TLSA records stand at `base` in a world with one host.
fn tlsa(base: &str, words: &str) -> Vec<String> {
    let text = format!("domain = 'a.example'\n[[mx]]\nhost = 'mx.a.example'\n{words}");
    let world = World::parse(&text).unwrap();
    let fleet = Fleet::new(&world, NOW.parse().unwrap(), Carrier::Loopback).unwrap();
    let record = |record: Record| match record.data {
        RecordData::Tlsa(record) => record.to_string(),
        other => panic!("{other:?}"),
    };
    match fleet.zone.answer(&below(base), RecordKind::Tlsa) {
        Answer::Records(records) => records.into_iter().map(record).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn tlsa_words_stand_for_the_certificates_of_the_fleet() {
    let authority = Authority::new(NOW.parse().unwrap()).unwrap();
    let sent = authority.chain("mx.a.example", &Server::default()).unwrap();
    let [own, issuer] = [0, 1].map(|at| Certificate::from_der(&sent[at]).unwrap());
    let root = Certificate::from_der(authority.root()).unwrap();
    for (word, want) in [
        ("3 0 1 own", format!("3 0 1 {}", own.sha256)),
        ("3 1 1 own", format!("3 1 1 {}", own.spki_sha256)),
        ("3 0 2 own", format!("3 0 2 {}", own.sha512)),
        ("3 1 2 own", format!("3 1 2 {}", own.spki_sha512)),
        ("3 0 0 own", format!("3 0 0 {}", HEXLOWER.encode(&sent[0]))),
        ("0 0 1 own", format!("0 0 1 {}", own.sha256)),
        ("2 1 1 issuer", format!("2 1 1 {}", issuer.spki_sha256)),
        ("2 0 1 root", format!("2 0 1 {}", root.sha256)),
        ("3 1 1 00FF", "3 1 1 00ff".to_owned()),
        ("4 7 9 00ff", "4 7 9 00ff".to_owned()),
    ] {
        assert_eq!(tlsa("mx.a.example", &format!("tlsa = ['{word}']")), [want], "{word}");
    }
    for word in ["3 0 0 other", "3 1 1 other", "3 1 2 other"] {
        let [record] = &tlsa("mx.a.example", &format!("tlsa = ['{word}']"))[..] else {
            panic!("{word}");
        };
        let record: TlsaRecord = record.parse().unwrap();
        assert_eq!(record.usable(), Ok(()), "{word}");
        let known = [&own, &issuer, &root].map(|one| [&one.spki_sha256, &one.spki_sha512]);
        let data = HEXLOWER.encode(&record.data);
        assert!(!known.concat().contains(&&data), "{word}");
    }
}

#[test]
fn tlsa_records_are_those_of_the_server_at_the_first_address_and_stand_behind_its_alias() {
    let words = "tlsa = ['3 1 1 own']\naddresses = ['192.0.2.1', '192.0.2.2']\n";
    let at = |address: &str| format!("{words}at = {{ '{address}' = {{ key = 'p256' }} }}");
    let usual = tlsa("mx.a.example", words);
    assert_eq!(tlsa("mx.a.example", &at("192.0.2.2")), usual);
    assert_ne!(tlsa("mx.a.example", &at("192.0.2.1")), usual);
    for (word, own, target) in [("", 0, 1), ("tlsa-at = 'target'", 0, 1), ("tlsa-at = 'own'", 1, 0)]
    {
        let words = format!("tlsa = ['3 1 1 own']\nalias = 'b.example'\n{word}");
        let found = ["mx.a.example", "b.example"].map(|base| tlsa(base, &words).len());
        assert_eq!(found, [own, target], "{word}");
    }
}
