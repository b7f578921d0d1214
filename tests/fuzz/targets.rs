//! What must hold for any octets a server sends: one function a target, which panics where it does not.
//!
//! Run by the fuzzer in this folder, and by `tests/suite/hostile.rs` over recorded answers and
//! mutations of them. Goes through the public doors of the crate; makes up no input.

use std::{
    fmt::{Debug, Display},
    net::IpAddr,
    path::Path,
    sync::LazyLock,
};

use mxparity::{
    policy::{
        TlsaFault, TlsaRecord,
        sts_policy::{self, Effect},
    },
    smtp::{
        Capabilities, HelloName, Mailbox, Reply, ReplyFault, ReplyReader, ReversePath,
        cause::{self, Context, Diagnosis, Moment},
    },
    tls::{Certificate, FlightFault, FlightReader, KeyExchange, ServerFlight, TlsVersion},
};
use serde::{Serialize, de::DeserializeOwned};

use super::seeds;

/// One parser, and what is known of its input.
pub struct Target {
    pub name: &'static str,
    /// Panics where `octets` make the parser break a promise.
    pub hold: fn(octets: &[u8]),
    /// Inputs to begin with, from the folder of fixtures.
    pub seeds: fn(fixtures: &Path) -> Vec<Vec<u8>>,
}

/// Every target, by the name of its binary.
pub const TARGETS: &[Target] = &[
    Target { name: "certificate", hold: certificate, seeds: seeds::certificates },
    Target { name: "key_exchange", hold: key_exchange, seeds: seeds::key_exchanges },
    Target { name: "record", hold: record, seeds: seeds::records },
    Target { name: "reply", hold: reply, seeds: seeds::replies },
    Target { name: "server_hello", hold: server_hello, seeds: seeds::server_hellos },
    Target { name: "sts_policy", hold: sts_policy, seeds: seeds::sts_policies },
    Target { name: "tlsa", hold: tlsa, seeds: seeds::tlsa_records },
];

/// What a reader of flights made of octets: its answer, and what was known when they ended.
pub type Reading = (Result<Option<ServerFlight>, FlightFault>, Option<ServerFlight>);

/// Reads pieces until there is an answer or a fault.
pub fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut reader = FlightReader::default();
    for piece in pieces {
        match reader.push(piece) {
            Ok(None) => {}
            outcome => return (outcome, None),
        }
    }
    (Ok(None), reader.end())
}

/// The record layer. The first octet says how long the pieces are in which the rest arrives.
pub fn record(octets: &[u8]) {
    let Some((length, flight)) = octets.split_first() else { return };
    let whole = read([flight]);
    assert_eq!(read(flight.chunks(usize::from(*length).max(1))), whole, "in pieces of {length}");
    for seen in [whole.0.ok().flatten(), whole.1].iter().flatten() {
        observed(seen);
    }
}

/// The body of a `ServerHello`.
pub fn server_hello(octets: &[u8]) {
    let (answer, end) = read([&records(&message(2, octets))[..]]);
    let choice = match (answer, end) {
        (Err(fault), _) => return assert_eq!(fault, FlightFault::Malformed),
        // TLS 1.3 says no more in clear; before it, certificates follow.
        (Ok(Some(ServerFlight::Chose(choice))), _) if choice.version == TlsVersion::Tls13 => choice,
        (Ok(None), Some(ServerFlight::Chose(choice))) if choice.version < TlsVersion::Tls13 => {
            choice
        }
        other => panic!("neither a choice nor a fault: {other:?}"),
    };
    assert_eq!((choice.certificates, &choice.leaf, &choice.key_exchange), (0, &None, &None));
    assert!(choice.agreed.is_sorted_by(|one, next| one < next), "{:?}", choice.agreed);
    observed(&ServerFlight::Chose(choice));
}

/// A certificate in DER, alone and as the first and last of a chain.
pub fn certificate(octets: &[u8]) {
    let alone = Certificate::from_der(octets);
    if let Ok(facts) = &alone {
        let json = stored(facts);
        // An octet may become "\\xff", a short object identifier many digits: no more than that.
        assert!(json.len() <= 1024 + 16 * octets.len(), "{} octets: {json}", octets.len());
        for text in [&facts.subject, &facts.issuer].into_iter().chain(&facts.names) {
            shown(text);
        }
        for word in [&facts.serial, &facts.key.to_string(), &facts.signature] {
            shown(word);
        }
    }
    let chain = [vector24(octets), vector24(octets)].concat();
    let messages = [hello(0xc02f), message(11, &vector24(&chain)), message(14, &[])].concat();
    let choice = match read([&records(&messages)[..]]) {
        (Ok(Some(ServerFlight::Chose(choice))), None) => choice,
        (Err(FlightFault::TooLong), None) => return,
        other => panic!("a chain of two was not read: {other:?}"),
    };
    assert_eq!(choice.certificates, 2);
    let leaf = choice.leaf.as_ref().map(|leaf| &leaf.sha256);
    assert_eq!(leaf, alone.as_ref().ok().map(|facts| &facts.sha256));
    observed(&ServerFlight::Chose(choice));
}

/// A `ServerKeyExchange`: the suite in two octets, then the body of the message.
pub fn key_exchange(octets: &[u8]) {
    let Some((suite, body)) = octets.split_first_chunk() else { return };
    let suite = u16::from_be_bytes(*suite);
    let messages = [hello(suite), message(12, body), message(14, &[])].concat();
    let choice = match read([&records(&messages)[..]]) {
        (Ok(Some(ServerFlight::Chose(choice))), None) => choice,
        (Err(FlightFault::TooLong), None) => return,
        other => panic!("a key exchange was not read or left out: {other:?}"),
    };
    assert_eq!((choice.suite.0, choice.certificates), (suite, 0));
    if let Some(KeyExchange::Field { bits, .. } | KeyExchange::ShortRsa { bits }) =
        choice.key_exchange
    {
        assert!((1..=8 * body.len()).contains(&bits), "{bits} bits out of {}", body.len());
    }
    observed(&ServerFlight::Chose(choice));
}

/// A stream of SMTP replies. The first octet says how long the pieces are in which the rest arrives.
pub fn reply(octets: &[u8]) {
    let Some((length, stream)) = octets.split_first() else { return };
    let whole = replies([stream]);
    assert_eq!(replies(stream.chunks(usize::from(*length).max(1))), whole, "pieces of {length}");
    for reply in &whole.0 {
        stored(reply);
        shown(reply);
        stored(&Capabilities::of(reply));
        let _ = (Capabilities::of(reply).size(), Capabilities::of(reply).masked().is_some());
        let _ = (cause::asks_to_stop(reply), diagnosed(reply));
    }
}

/// The policy file of MTA-STS.
pub fn sts_policy(octets: &[u8]) {
    let reading = sts_policy::read(octets);
    stored(&reading);
    let unusable = reading.effect() == Some(Effect::Unusable);
    assert_eq!(reading.policy.is_none(), unusable, "{reading:?}");
    assert!(reading.deviations.len() < 60, "{} deviations", reading.deviations.len());
    for deviation in &reading.deviations {
        shown(deviation);
    }
    if let Some(policy) = reading.policy {
        let printed = policy.to_string();
        assert_eq!(
            sts_policy::read(printed.as_bytes()).policy.as_ref(),
            Some(&policy),
            "{printed}"
        );
        for pattern in &policy.mx {
            let word = pattern.to_string();
            assert!(word.starts_with('*') || policy.pattern_for(&word).is_some(), "{word}");
        }
    }
}

/// A TLSA record: from the wire, and as written in a zone file.
pub fn tlsa(octets: &[u8]) {
    let written = std::str::from_utf8(octets).ok().map(str::parse);
    for reading in [Some(TlsaRecord::from_rdata(octets)), written].into_iter().flatten() {
        match reading {
            Ok(record) => {
                assert_eq!(record.to_string().parse(), Ok(record.clone()));
                stored(&record);
                shown(&record);
                if let Err(why) = record.usable() {
                    stored(&why);
                    shown(&why);
                }
            }
            Err(TlsaFault::TooLong(length)) => assert!(length <= octets.len(), "{length} octets"),
            Err(fault) => shown(&fault),
        }
    }
}

/// What a reply to RCPT is taken to be about.
fn diagnosed(reply: &Reply) -> Diagnosis {
    static ASKED: LazyLock<(Mailbox, ReversePath, HelloName)> = LazyLock::new(|| {
        let (recipient, sender) = ("postmaster@domain.example", "check@sender.example");
        let asked = (recipient.parse(), sender.parse(), "probe.example".parse());
        (asked.0.unwrap(), asked.1.unwrap(), asked.2.unwrap())
    });
    let (recipient, sender, helo) = &*ASKED;
    let ours = [IpAddr::from([203, 0, 113, 7])];
    let (moment, recipient) = (Moment::Recipient, Some(recipient));
    cause::diagnose(reply, &Context { moment, recipient, sender, helo, ours: &ours, theirs: &[] })
}

/// All replies of a stream, the fault that ended it, and what was left of it.
fn replies<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Reply>, Option<ReplyFault>, Vec<u8>) {
    let mut reader = ReplyReader::default();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut outcome = reader.push(piece);
        while let Ok(Some(reply)) = outcome {
            replies.push(reply);
            outcome = reader.push(&[]);
        }
        if let Err(fault) = outcome {
            return (replies, Some(fault), Vec::new());
        }
    }
    (replies, None, reader.take_rest())
}

/// An observation can be stored, and what is shown of it is safe for a screen.
fn observed(flight: &ServerFlight) {
    stored(flight);
    shown(flight);
    if let ServerFlight::Chose(choice) = flight {
        let _ = choice.key_exchange.as_ref().and_then(KeyExchange::strength);
        if let Some(leaf) = &choice.leaf {
            shown(&leaf.subject);
            shown(&leaf.key);
            shown(&leaf.signature);
        }
    }
}

/// What is written as JSON reads back the same.
fn stored<T: Debug + DeserializeOwned + PartialEq + Serialize>(fact: &T) -> String {
    let json = serde_json::to_string(fact).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(&back, fact, "{json}");
    json
}

/// Nothing of a server reaches a screen but printable ASCII.
fn shown(fact: &impl Display) {
    let shown = fact.to_string();
    assert!(shown.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{shown:?}");
}

/// A `ServerHello` of TLS 1.2 that chooses `suite` and says no more.
fn hello(suite: u16) -> Vec<u8> {
    message(2, &[&[3, 3][..], &[9; 32], &[0], &suite.to_be_bytes(), &[0]].concat())
}

/// A handshake message. RFC 5246 §7.4.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector24(body)].concat()
}

/// Octets behind their length in three; longer ones than that are cut.
fn vector24(octets: &[u8]) -> Vec<u8> {
    let octets = &octets[..octets.len().min(0x00ff_ffff)];
    let length = u32::try_from(octets.len()).unwrap().to_be_bytes();
    [&length[1..], octets].concat()
}

/// Handshake messages in as many records as they need. RFC 5246 §6.2.1.
fn records(messages: &[u8]) -> Vec<u8> {
    let record = |fragment: &[u8]| {
        let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
        [&[22, 3, 3], &length[..], fragment].concat()
    };
    messages.chunks(1 << 14).flat_map(record).collect()
}
