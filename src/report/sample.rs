//! Surveys made by hand, for the tests of this room.
//!
//! Small on purpose: whole worlds are run by the scenarios of the integration tests.

use std::{net::IpAddr, time::Duration};

use crate::{
    smtp::{Capabilities, Reply, Speaker, Text, Transcript},
    survey::{
        Access, AddressAnswer, Asked, Connected, Depth, Endpoint, Expected, Families, Fault,
        FaultKind, Host, MxLookup, MxRecord, MxSet, Observation, Phase, Policies, Presence,
        Published, Purpose, Recipient, RecipientKind, Reverse, Security, Source, Stage, Sts,
        Survey, Tier, Vantage, Why,
        observation::{Greeting, Hello, HelloVerb},
        vantage::SourceAddress,
    },
    tls::{self, Certificate, Handshake, KeyKind, TlsVersion, TrustFlaw, handshake::KeyProof},
};

pub const NAME: &str = "even.example";

/// How one address answers, as far as these tests care.
#[derive(Clone, Copy)]
pub struct Server<'a> {
    pub greeting: &'a str,
    pub real: &'a str,
    pub nonsense: &'a str,
    pub keywords: &'a [&'a str],
}

pub const SERVER: Server<'_> = Server {
    greeting: "mx ESMTP Postfix",
    real: "250 2.1.5 Ok",
    nonsense: "550 5.1.1 User unknown",
    keywords: &["PIPELINING", "SIZE 10240000", "STARTTLS", "8BITMIME"],
};

/// A session as [`session`] that also speaks TLS.
pub fn secured(server: Server<'_>, version: TlsVersion, trust: Vec<TrustFlaw>) -> Observation {
    let mut visit = session(server);
    let certificate = Certificate {
        subject: Text::from("CN=mx.example"),
        issuer: Text::from("CN=Example Authority"),
        issuer_organisation: None,
        serial: "01".to_owned(),
        not_before: "2026-10-01T00:00:00Z".parse().unwrap(),
        not_after: "2026-12-24T00:00:00Z".parse().unwrap(),
        names: vec![Text::from("mx.example")],
        key: KeyKind { algorithm: "RSA".to_owned(), bits: Some(2048) },
        signature: "sha256WithRSA".to_owned(),
        self_issued: false,
        issuer_elsewhere: None,
        sha256: "00".repeat(32),
        spki_sha256: "00".repeat(32),
        sha512: "00".repeat(64),
        spki_sha512: "00".repeat(64),
        as_anchor: None,
    };
    visit.tls = Stage::Reached(Handshake {
        hello: tls::Hello::Hybrid,
        version,
        suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
        group: Some("X25519MLKEM768".to_owned()),
        chain: vec![certificate],
        trust,
        proof: KeyProof::Shown,
    });
    visit.hello_secured = visit.hello.clone();
    visit
}

/// A survey of hosts by preference, one tier each.
pub fn survey(tiers: Vec<(u16, Vec<Host>)>) -> Survey {
    let record =
        |preference, host: &Host| MxRecord { preference, exchange: Text::from(host.name.as_str()) };
    let records = tiers.iter().flat_map(|(preference, hosts)| {
        hosts.iter().map(|host| record(*preference, host)).collect::<Vec<_>>()
    });
    let records = records.collect();
    let tiers = tiers.into_iter().map(|(preference, hosts)| Tier { preference, hosts }).collect();
    with_mx(MxLookup::Published(MxSet { source: Source::Dns, records, tiers, left_out: 0 }))
}

pub fn with_mx(mx: MxLookup) -> Survey {
    let domain = NAME.parse().unwrap();
    Survey {
        began: "2026-11-23T06:00:00Z".parse().unwrap(),
        took_ms: 1234,
        ending: crate::survey::Ending::Complete,
        vantage: Vantage {
            version: "0.1.0".to_owned(),
            helo: "probe.example".parse().unwrap(),
            helo_resolves: Presence::Present,
            sources: Vec::new(),
            sender_domain: Presence::Present,
            ipv6: Presence::Present,
            control: None,
            port25: Presence::Unknown,
        },
        asked: Asked {
            sender: "probe@probe.example".parse().unwrap(),
            recipients: vec!["postmaster@even.example".parse().unwrap()],
            nonsense: Some("nonsense@even.example".parse().unwrap()),
            relay: None,
            by_hand: Vec::new(),
            also: Vec::new(),
            port: 25,
            families: Families::Both,
            depth: Depth::Session,
            allow_private: false,
            allow_net: Vec::new(),
            resolver: None,
            expected: Expected::default(),
            memory: None,
        },
        mx,
        also: Vec::new(),
        policies: Policies {
            mx: Security::Insecure,
            sts: Sts { record: Published::Absent { security: Security::Insecure }, policy: None },
            ..Policies::default()
        },
        domain,
    }
}

pub fn host(name: &str, addresses: Vec<Endpoint>) -> Host {
    let answer = if addresses.is_empty() { AddressAnswer::NoData } else { AddressAnswer::Found };
    Host {
        a: answer,
        aaaa: AddressAnswer::NoData,
        security: Security::Insecure,
        addresses,
        ..Host::unresolved(name.to_owned())
    }
}

/// An address with the visits made to it.
pub fn at(address: &str, observations: Vec<Observation>) -> Endpoint {
    let address: IpAddr = address.parse().unwrap();
    Endpoint { address, port: 25, reverse: Reverse::NotAsked, access: Access::Open, observations }
}

/// A host with one address that answers.
pub fn answering(name: &str, address: &str, server: Server<'_>) -> Host {
    host(name, vec![at(address, vec![secured(server, TlsVersion::Tls13, Vec::new())])])
}

/// A host whose one address takes no connection.
pub fn silent(name: &str, address: &str, kind: FaultKind) -> Host {
    host(name, vec![at(address, vec![unconnected(kind)])])
}

pub fn unconnected(kind: FaultKind) -> Observation {
    let fault = Fault::new(Phase::Connect, kind, Duration::from_secs(30));
    Observation { connect: Stage::Broke(fault), ..untried() }
}

pub fn session(server: Server<'_>) -> Observation {
    let mut hello = Reply::new(250, "mx.example");
    hello.lines.extend(server.keywords.iter().map(|word| Text::from(*word)));
    let mut transcript = Transcript::default();
    for (at, (who, text)) in (0..).zip([
        (Speaker::Event, "connected"),
        (Speaker::Server, server.greeting),
        (Speaker::Client, "EHLO probe.example"),
        (Speaker::Server, server.real),
    ]) {
        transcript.push(Duration::from_millis(at * 20), who, Text::from(text));
    }
    let recipients =
        [(RecipientKind::Real, server.real), (RecipientKind::Nonsense, server.nonsense)];
    let mailbox = |kind| match kind {
        RecipientKind::Real => "postmaster@even.example".parse().unwrap(),
        _ => "nonsense@even.example".parse().unwrap(),
    };
    Observation {
        took_ms: 200,
        connect: Stage::Reached(Connected { local: None, after_ms: 20 }),
        greeting: Stage::Reached(Greeting {
            reply: Reply::new(220, server.greeting),
            first_line_ms: 20,
            after_ms: 20,
        }),
        hello: Stage::Reached(Hello {
            verb: HelloVerb::Ehlo,
            capabilities: Capabilities::of(&hello),
            reply: hello,
            ehlo_refused: None,
        }),
        sender: Stage::Reached(Reply::new(250, "2.1.0 Ok")),
        recipients: recipients
            .map(|(kind, line)| Recipient { kind, mailbox: mailbox(kind), outcome: reply(line) })
            .to_vec(),
        transcript,
        ..untried()
    }
}

fn reply(line: &str) -> Stage<Reply> {
    let (code, text) = line.split_once(' ').unwrap();
    let reply = Reply::new(code.parse().unwrap(), text);
    if reply.is_positive() { Stage::Reached(reply) } else { Stage::Declined(reply) }
}

fn untried() -> Observation {
    Observation {
        purpose: Purpose::Session,
        made_for: None,
        began_ms: 0,
        took_ms: 0,
        connect: Stage::NotTried(Why::EarlierFailed),
        greeting: Stage::NotTried(Why::EarlierFailed),
        hello: Stage::NotTried(Why::EarlierFailed),
        tls: Stage::NotTried(Why::NotOffered),
        unasked_before_tls: Text::default(),
        floor: None,
        other_certificate: None,
        injection: None,
        hello_secured: Stage::NotTried(Why::EarlierFailed),
        sender: Stage::NotTried(Why::EarlierFailed),
        recipients: Vec::new(),
        quit: Stage::NotTried(Why::EarlierFailed),
        transcript: Transcript::default(),
    }
}

/// A survey in which everything a stranger can choose is `bytes` or `words`.
pub fn hostile(bytes: &[u8], words: &str) -> Survey {
    let text = || Text::new(bytes);
    let mut reply = Reply::new(550, "5.1.1 no");
    reply.lines = vec![text(), text()];
    let other = TrustFlaw::Other { reason: words.to_owned() };
    let mut visit = secured(SERVER, TlsVersion::Tls13, vec![other]);
    let Stage::Reached(greeting) = &mut visit.greeting else { unreachable!("sample greets") };
    greeting.reply = reply.clone();
    let Stage::Reached(hello) = &mut visit.hello else { unreachable!("sample says hello") };
    hello.reply = reply.clone();
    hello.capabilities = Capabilities::of(&reply);
    visit.hello_secured = visit.hello.clone();
    visit.recipients[0].outcome = Stage::Declined(reply);
    let Stage::Reached(handshake) = &mut visit.tls else { unreachable!("sample speaks TLS") };
    handshake.group = Some(words.to_owned());
    handshake.chain[0].subject = text();
    handshake.chain[0].key.algorithm = words.to_owned();
    visit.transcript.push(Duration::ZERO, Speaker::Server, text());
    let named = host(words, vec![at("192.0.2.1", vec![visit])]);
    let dead = silent(words, "192.0.2.2", FaultKind::Io(words.to_owned()));
    let mut survey = survey(vec![(10, vec![named]), (20, vec![dead])]);
    survey.vantage.sources.push(SourceAddress {
        address: "198.51.100.7".parse().unwrap(),
        reverse: Reverse::Confirmed(words.to_owned()),
    });
    survey
}
