//! Surveys drawn by hand, for what no simulated server can be made to do.
//!
//! Only for tests. What can be played belongs into the worlds of the rules' pages instead.

use serde_json::json;

use crate::{
    smtp::{Reply, Text},
    survey::{
        Exchange, Fault, FaultKind, Observation, Phase, Purpose, Recipient, RecipientKind, Stage,
        Survey, Why,
    },
    tls::{
        Certificate, Choice, Feature, Handshake, Question, ServerFlight, Suite, TlsVersion,
        TrustFlaw,
    },
};

/// When every sketched survey began.
const BEGAN: &str = "2026-06-01T00:00:00Z";

/// A survey of hosts `mx1.even.example`, `mx2.even.example`, … at preferences 10, 20, …; each is the
/// list of its addresses, each address the list of its visits.
pub fn survey(hosts: Vec<Vec<Vec<Observation>>>) -> Survey {
    let endpoint = |host: usize, (at, visits): (usize, Vec<Observation>)| {
        json!({
            "address": format!("192.0.2.{}", 10 * host + at), "port": 25,
            "reverse": "not_asked", "access": "open", "observations": visits,
        })
    };
    let tier = |(position, addresses): (usize, Vec<Vec<Observation>>)| {
        let number = position + 1;
        let addresses = addresses.into_iter().enumerate();
        let addresses: Vec<_> = addresses.map(|address| endpoint(number, address)).collect();
        let host = json!({
            "name": format!("mx{number}.even.example"), "a": "found", "aaaa": "no_data",
            "addresses": addresses,
        });
        json!({ "preference": 10 * number, "hosts": [host] })
    };
    let tiers: Vec<_> = hosts.into_iter().enumerate().map(tier).collect();
    let survey = json!({
        "domain": "even.example", "began": BEGAN, "took_ms": 0, "ending": "complete",
        "vantage": {
            "version": "0", "helo": "probe.example", "helo_resolves": "present", "sources": [],
            "sender_domain": "present", "ipv6": "present",
        },
        "asked": {
            "sender": "postmaster@probe.example", "recipients": ["postmaster@even.example"],
            "by_hand": [], "also": [], "port": 25, "families": "both", "depth": "session",
            "allow_private": false, "allow_net": [],
        },
        "mx": { "kind": "published", "source": "dns", "records": [], "tiers": tiers },
        "policies": {},
    });
    serde_json::from_value(survey).expect("a sketched survey is one")
}

/// A survey of one host with one address.
pub fn alone(visits: Vec<Observation>) -> Survey {
    survey(vec![vec![visits]])
}

/// A visit that got an answer to EHLO, with STARTTLS on offer, and then stopped asking.
pub fn visit() -> Observation {
    let reply = json!({ "code": 250, "lines": ["mx.even.example", "STARTTLS"] });
    let visit = json!({
        "purpose": "session", "began_ms": 0, "took_ms": 0,
        "connect": { "reached": { "local": null, "after_ms": 0 } },
        "greeting": { "reached": {
            "reply": { "code": 220, "lines": ["mx.even.example ESMTP"] },
            "first_line_ms": 0, "after_ms": 0,
        } },
        "hello": { "reached": {
            "verb": "ehlo", "reply": reply, "capabilities": [{ "keyword": "STARTTLS" }],
        } },
        "tls": { "not_tried": "not_asked" },
        "hello_secured": { "not_tried": "not_asked" },
        "sender": { "not_tried": "not_asked" },
        "recipients": [],
        "quit": { "not_tried": "not_asked" },
        "transcript": [],
    });
    serde_json::from_value(visit).expect("a sketched visit is one")
}

/// A visit whose STARTTLS ended so.
pub fn tls(outcome: Stage<Handshake>) -> Observation {
    Observation { tls: outcome, ..visit() }
}

/// A visit made for one hello, which was answered so.
pub fn asked(question: Question, answer: ServerFlight) -> Observation {
    let floor = Some(Exchange { question, answer: Stage::Reached(answer) });
    Observation { purpose: Purpose::Floor, floor, ..visit() }
}

/// The answer that takes this up, with nothing but secure renegotiation agreed on.
pub fn chose(version: TlsVersion, suite: &str) -> ServerFlight {
    ServerFlight::Chose(Box::new(choice(version, suite)))
}

pub fn choice(version: TlsVersion, suite: &str) -> Choice {
    Choice {
        version,
        suite: Suite::named(suite).expect("a suite"),
        group: None,
        agreed: vec![Feature::SecureRenegotiation],
        downgrade_sentinel: None,
        certificates: 1,
        leaf: None,
        key_exchange: None,
    }
}

/// A refusal: `protocol_version`, RFC 8446 §6.2.
pub const NO: ServerFlight = ServerFlight::Refused { alert: 70 };

/// A visit whose handshake broke so.
pub fn broke(kind: FaultKind) -> Observation {
    let fault = Fault::new(Phase::Handshake, kind, std::time::Duration::from_secs(1));
    tls(Stage::Broke(fault))
}

/// A visit that was refused STARTTLS.
pub fn refused(code: u16, text: &str) -> Observation {
    tls(Stage::Declined(Reply::new(code, text)))
}

/// A visit without STARTTLS on offer.
pub fn clear() -> Observation {
    let mut visit = Observation { tls: Stage::NotTried(Why::NotOffered), ..visit() };
    if let Stage::Reached(hello) = &mut visit.hello {
        hello.reply.lines.truncate(1);
        hello.capabilities = crate::smtp::Capabilities::of(&hello.reply);
    }
    visit
}

/// A visit that did not get as far as a greeting.
pub fn unreached(kind: FaultKind) -> Observation {
    let fault = Fault::new(Phase::Connect, kind, std::time::Duration::ZERO);
    Observation {
        purpose: Purpose::Confirm,
        connect: Stage::Broke(fault),
        greeting: Stage::NotTried(Why::EarlierFailed),
        hello: Stage::NotTried(Why::EarlierFailed),
        ..visit()
    }
}

/// A visit in which the real recipient, and one that does not exist, were answered so.
pub fn answered(real: &str, nonsense: Option<&str>) -> Observation {
    let recipient = |kind, mailbox: &str, line: &str| {
        let (code, text) = line.split_once(' ').expect("a code and a text");
        let reply = Reply::new(code.parse().expect("a code"), text);
        let positive = reply.is_positive();
        let outcome = if positive { Stage::Reached(reply) } else { Stage::Declined(reply) };
        Recipient { kind, mailbox: mailbox.parse().expect("an address"), outcome }
    };
    let real = recipient(RecipientKind::Real, "postmaster@even.example", real);
    let made_up = |line| recipient(RecipientKind::Nonsense, "nobody@even.example", line);
    Observation {
        sender: Stage::Reached(Reply::new(250, "Ok")),
        recipients: [real].into_iter().chain(nonsense.map(made_up)).collect(),
        ..visit()
    }
}

/// TLS 1.3 with everything in order, and a chain of such certificates.
pub fn handshake(chain: &[Certificate]) -> Handshake {
    let handshake = json!({
        "hello": "hybrid", "version": "TLSv1.3", "suite": "TLS_AES_256_GCM_SHA384",
        "group": "X25519MLKEM768", "chain": chain, "trust": [], "proof": "shown",
    });
    serde_json::from_value(handshake).expect("a sketched handshake is one")
}

/// A visit that was shown this chain and finds nothing wrong with it.
pub fn shows(chain: &[Certificate]) -> Observation {
    tls(Stage::Reached(handshake(chain)))
}

/// A visit with a certificate that has these flaws.
pub fn doubted(flaws: Vec<TrustFlaw>) -> Observation {
    let trust = Handshake { trust: flaws, ..handshake(&[certificate(30, 90)]) };
    tls(Stage::Reached(trust))
}

/// A certificate for `mx.even.example` of so many days, the first of which have passed.
pub fn certificate(age: i64, days: i64) -> Certificate {
    let began: jiff::Timestamp = BEGAN.parse().expect("an instant");
    let not_before = began - jiff::SignedDuration::from_hours(24 * age);
    Certificate {
        subject: Text::from("CN=mx.even.example"),
        issuer: Text::from("O=Example Trust, CN=E1"),
        issuer_organisation: Some(Text::from("Example Trust")),
        serial: "01".to_owned(),
        not_before,
        not_after: not_before + jiff::SignedDuration::from_hours(24 * days),
        names: vec![Text::from("mx.even.example")],
        key: crate::tls::KeyKind { algorithm: "EC".to_owned(), bits: Some(256) },
        signature: "ecdsa-with-SHA256".to_owned(),
        self_issued: false,
        issuer_elsewhere: None,
        sha256: String::new(),
        spki_sha256: String::new(),
        sha512: String::new(),
        spki_sha512: String::new(),
        as_anchor: None,
    }
}

/// What `check` finds, a line a case: severity where it is not the rule's own, confidence,
/// subject, and evidence.
pub fn judged(survey: &Survey, check: fn(&super::View<'_>) -> Vec<super::Case>) -> Vec<String> {
    let line = |case: super::Case| {
        let severity = case.severity.map(|severity| format!("{severity} ")).unwrap_or_default();
        let against = case.against.map(|other| format!(" against {other}")).unwrap_or_default();
        let seen = case.evidence.iter().map(|seen| format!("{} {}", seen.fact, seen.saw));
        let seen = seen.collect::<Vec<_>>().join("; ");
        format!("{severity}{:?} {}{against}: {seen}", case.confidence, case.subject)
    };
    check(&super::View::of(survey)).into_iter().map(line).collect()
}
