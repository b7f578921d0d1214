//! Reads what a server answers to a [`ClientHello`](super::`ClientHello`): records, alerts,
//! `ServerHello` or `HelloRetryRequest` and, up to TLS 1.2, certificate and key exchange.
//!
//! Bounded: at most [`MAX_FLIGHT`] octets in all. Never panics, decrypts nothing, answers nothing.
//! Longer than most: what a flight can hold stands beside how it is read.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Certificate, KeyKind, TlsVersion,
    groups::Group,
    key_exchange::{self, KeyExchange},
    suites::Suite,
};
use crate::smtp::Text;

/// More than the largest chain anybody sends; past it the peer is hostile or lost.
pub const MAX_FLIGHT: usize = 256 * 1024;

/// The random of a `ServerHello` that is a `HelloRetryRequest`. RFC 8446 §4.1.3.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The level of alerts that end nothing. RFC 5246 §7.2.
const WARNING: u8 = 1;

/// Alerts that end a connection and refuse nothing. RFC 5246 §7.2.1, §7.2.2.
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// The one alert that servers send at that level and then go on: they have no certificate for the
/// name asked for, but another. RFC 6066 §3.
const UNRECOGNIZED_NAME: u8 = 112;

/// How a server answered a hello.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerFlight {
    /// It would go on: this is what it chose.
    Chose(Box<Choice>),
    /// It refused with an alert, which need not tell the true reason. RFC 8446 §6.
    Refused { alert: u8 },
}

/// What a server chose.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Choice {
    pub version: TlsVersion,
    pub suite: Suite,
    /// The group of a `HelloRetryRequest` or key share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// What else it agreed to, in the order of the enumeration.
    pub agreed: Vec<Feature>,
    /// The server says that it could do better: the last octets of its random. RFC 8446 §4.1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downgrade_sentinel: Option<Sentinel>,
    /// Certificates in the chain; none from TLS 1.3 on, where it is encrypted.
    pub certificates: usize,
    /// The server's own certificate, if there is one that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Leaf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<KeyExchange>,
}

/// A part of TLS up to 1.2 that a server takes up or leaves.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// DEFLATE, RFC 3749.
    Compression,
    /// RFC 7366.
    EncryptThenMac,
    /// RFC 7627.
    ExtendedMasterSecret,
    /// RFC 5746.
    SecureRenegotiation,
    /// RFC 5077.
    SessionTicket,
}

/// What the server's own certificate says, as far as it matters to a choice.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Leaf {
    pub subject: Text,
    pub key: KeyKind,
    pub signature: String,
    pub not_after: Timestamp,
    /// SHA-256 of the whole certificate, hexadecimal.
    pub sha256: String,
}

/// Which version a server is held below.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sentinel {
    /// Knows TLS 1.3, was held to 1.2.
    To12,
    /// Knows TLS 1.2 or later, was held to 1.1 or older.
    To11,
}

/// Why bytes were not an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FlightFault {
    /// The server took its leave before it had answered.
    Left,
    /// Not a TLS record, or a record where it may not stand.
    NotTls,
    /// A record or message says lengths that do not fit each other.
    Malformed,
    /// The server chose what was not on offer.
    NotOffered,
    /// More than [`MAX_FLIGHT`] octets.
    TooLong,
}

/// Collects bytes until the answer is whole.
#[derive(Debug, Default)]
pub struct FlightReader {
    /// Bytes of records not taken apart yet.
    pending: Vec<u8>,
    /// Bytes of handshake messages not taken apart yet.
    messages: Vec<u8>,
    seen: usize,
    choice: Option<Choice>,
}

impl FlightReader {
    /// Takes bytes as they come; `Some` once the answer is whole.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<ServerFlight>, FlightFault> {
        self.seen = self.seen.saturating_add(bytes.len());
        if self.seen > MAX_FLIGHT {
            return Err(FlightFault::TooLong);
        }
        self.pending.extend_from_slice(bytes);
        while let Some((kind, fragment)) = self.record()? {
            match kind {
                21 => {
                    if let Some(flight) = self.alerts(&fragment)? {
                        return Ok(Some(flight));
                    }
                }
                22 => self.messages.extend(fragment),
                // Change cipher spec, RFC 8446 §D.4: middlebox decoration.
                20 => continue,
                _ => return Err(FlightFault::NotTls),
            }
            if let Some(choice) = self.take_messages()? {
                return Ok(Some(chose(choice)));
            }
        }
        Ok(None)
    }

    /// Whether enough was said for an answer, should the peer end the stream here.
    pub fn has_answer(&self) -> bool {
        self.choice.is_some()
    }

    /// What is known when the peer ends the stream: the choice, if it got as far as making one.
    pub fn end(self) -> Option<ServerFlight> {
        self.choice.map(chose)
    }

    /// What the alerts of one record come to; `None` where the server may go on.
    fn alerts(&mut self, fragment: &[u8]) -> Result<Option<ServerFlight>, FlightFault> {
        // An alert after the hello leaves what the hello said: the server did choose.
        if let Some(choice) = self.choice.take() {
            return Ok(Some(chose(choice)));
        }
        let (alerts, rest) = fragment.as_chunks::<2>();
        if alerts.is_empty() || !rest.is_empty() {
            return Err(FlightFault::Malformed);
        }
        let last = alerts.iter().find(|alert| **alert != [WARNING, UNRECOGNIZED_NAME]);
        match last {
            None => Ok(None),
            Some([_, CLOSE_NOTIFY | USER_CANCELED]) => Err(FlightFault::Left),
            Some([_, alert]) => Ok(Some(ServerFlight::Refused { alert: *alert })),
        }
    }

    /// The next whole record.
    fn record(&mut self) -> Result<Option<(u8, Vec<u8>)>, FlightFault> {
        let [kind, major, _, high, low, ..] = self.pending[..] else {
            return match self.pending[..] {
                [kind, ..] if !(20..=23).contains(&kind) => Err(FlightFault::NotTls),
                [_, major, ..] if major != 3 => Err(FlightFault::NotTls),
                _ => Ok(None),
            };
        };
        if !(20..=23).contains(&kind) || major != 3 {
            return Err(FlightFault::NotTls);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        // RFC 8446 §5.1, §5.2: 2^14 octets and some room for old ciphers.
        if length > (1 << 14) + 2048 {
            return Err(FlightFault::Malformed);
        }
        let Some(fragment) = self.pending.get(5..5 + length).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.pending.drain(..5 + length);
        Ok(Some((kind, fragment)))
    }

    /// Takes whole handshake messages; `Some` when the last that matters was among them.
    fn take_messages(&mut self) -> Result<Option<Choice>, FlightFault> {
        loop {
            let [kind, a, b, c, ..] = self.messages[..] else { return Ok(None) };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MAX_FLIGHT {
                return Err(FlightFault::TooLong);
            }
            let Some(body) = self.messages.get(4..4 + length).map(<[u8]>::to_vec) else {
                return Ok(None);
            };
            self.messages.drain(..4 + length);
            let whole = self.message(kind, &body)?;
            if whole {
                return Ok(self.choice.take());
            }
        }
    }

    /// Reads one message; true when nothing that matters can follow. RFC 5246 §7.4.
    fn message(&mut self, kind: u8, body: &[u8]) -> Result<bool, FlightFault> {
        match (kind, &mut self.choice) {
            (2, None) => {
                let choice = server_hello(body).ok_or(FlightFault::Malformed)?;
                let modern = choice.version == TlsVersion::Tls13;
                self.choice = Some(choice);
                Ok(modern)
            }
            (11, Some(choice)) => {
                let chain = chain(body).ok_or(FlightFault::Malformed)?;
                choice.certificates = chain.len();
                choice.leaf = chain.first().and_then(|der| Leaf::read(der));
                Ok(false)
            }
            (12, Some(choice)) => {
                choice.key_exchange = key_exchange::read(body, choice.suite);
                Ok(false)
            }
            (14, Some(_)) => Ok(true),
            // Hello request, session ticket, certificate status, certificate request.
            (0 | 4 | 13 | 22, _) => Ok(false),
            _ => Err(FlightFault::Malformed),
        }
    }
}

impl Choice {
    /// The group agreed on, where that has a name.
    pub fn named_group(&self) -> Option<Group> {
        match self.key_exchange {
            Some(KeyExchange::Curve { group }) => Some(group),
            _ => self.group,
        }
    }

    pub fn has(&self, feature: Feature) -> bool {
        self.agreed.contains(&feature)
    }
}

impl Leaf {
    fn read(der: &[u8]) -> Option<Self> {
        let Certificate { subject, key, signature, not_after, sha256, .. } =
            Certificate::from_der(der).ok()?;
        Some(Self { subject, key, signature, not_after, sha256 })
    }
}

impl fmt::Display for ServerFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chose(choice) => choice.fmt(f),
            Self::Refused { alert } => write!(f, "refused (alert {alert})"),
        }
    }
}

/// One line for a transcript.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.suite)?;
        if let Some(group) = self.group {
            write!(f, " {group}")?;
        }
        if let Some(exchange) = &self.key_exchange {
            write!(f, ", {exchange}")?;
        }
        self.agreed.iter().try_for_each(|feature| write!(f, ", {feature}"))
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compression => "compression",
            Self::EncryptThenMac => "encrypt-then-MAC",
            Self::ExtendedMasterSecret => "extended master secret",
            Self::SecureRenegotiation => "secure renegotiation",
            Self::SessionTicket => "session ticket",
        })
    }
}

impl fmt::Display for FlightFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTls => "no TLS record",
            Self::Left => "no answer to the hello",
            Self::Malformed => "malformed answer to the hello",
            Self::NotOffered => "a choice that was not on offer",
            Self::TooLong => "endless answer to the hello",
        })
    }
}

fn chose(choice: Choice) -> ServerFlight {
    ServerFlight::Chose(Box::new(choice))
}

/// RFC 8446 §4.1.3, RFC 5246 §7.4.1.3.
fn server_hello(body: &[u8]) -> Option<Choice> {
    let mut rest = Bytes(body);
    let legacy = rest.u16()?;
    let random = rest.take(32)?;
    let id = usize::from(rest.u8()?);
    rest.take(id)?;
    let suite = Suite(rest.u16()?);
    let compression = rest.u8()? != 0;
    let mut choice = Choice {
        version: TlsVersion::from_wire(legacy)?,
        suite,
        group: None,
        agreed: if compression { vec![Feature::Compression] } else { Vec::new() },
        downgrade_sentinel: match random[24..] {
            [b'D', b'O', b'W', b'N', b'G', b'R', b'D', 1] => Some(Sentinel::To12),
            [b'D', b'O', b'W', b'N', b'G', b'R', b'D', 0] => Some(Sentinel::To11),
            _ => None,
        },
        certificates: 0,
        leaf: None,
        key_exchange: None,
    };
    let retry = random == RETRY;
    if rest.0.is_empty() {
        return Some(choice); // SSL 3.0 and servers that have nothing to add.
    }
    let mut extensions = Bytes(rest.vector16()?);
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let mut data = Bytes(extensions.vector16()?);
        match kind {
            22 => choice.agreed.push(Feature::EncryptThenMac),
            23 => choice.agreed.push(Feature::ExtendedMasterSecret),
            35 => choice.agreed.push(Feature::SessionTicket),
            43 => choice.version = TlsVersion::from_wire(data.u16()?)?,
            // A retry names the group alone, a share has a key behind it.
            51 if retry || data.0.len() >= 2 => choice.group = Some(Group(data.u16()?)),
            0xff01 => choice.agreed.push(Feature::SecureRenegotiation),
            _ => {}
        }
    }
    choice.agreed.sort_unstable();
    choice.agreed.dedup();
    Some(choice)
}

/// RFC 5246 §7.4.2.
fn chain(body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut list = Bytes(Bytes(body).vector24()?);
    let mut chain = Vec::new();
    while !list.0.is_empty() {
        chain.push(list.vector24()?);
    }
    Some(chain)
}

/// A cursor over bytes that never reads past their end.
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.u16()?);
        self.take(length)
    }

    fn vector24(&mut self) -> Option<&'a [u8]> {
        let length = self.take(3)?;
        self.take(u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
        let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3], &length[..], fragment].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    fn hello(version: u16, random: [u8; 32], suite: u16, extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body =
            [&version.to_be_bytes()[..], &random, &[0], &suite.to_be_bytes(), &[0]].concat();
        let mut list = Vec::new();
        for (kind, data) in extensions {
            let length = u16::try_from(data.len()).unwrap().to_be_bytes();
            list.extend([&kind.to_be_bytes()[..], &length, data].concat());
        }
        body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
        body.extend(list);
        message(2, &body)
    }

    /// A TLS 1.2 flight with two certificates and a key exchange over x25519.
    fn flight() -> Vec<u8> {
        let mut random = [9; 32];
        random[24..].copy_from_slice(b"DOWNGRD\x01");
        let certificates = [&[0, 0, 3][..], b"one", &[0, 0, 3], b"two"].concat();
        let list = [&[0, 0, 12][..], &certificates].concat();
        let messages = [
            hello(0x0303, random, 0xc02f, &[(23, &[]), (0xff01, &[0]), (35, &[])]),
            message(11, &list),
            message(12, &[3, 0, 0x1d, 1, 0xaa, 4, 1, 0, 0]),
            message(14, &[]),
        ];
        // The second record breaks a message in the middle.
        let all = messages.concat();
        [record(22, &all[..50]), record(22, &all[50..])].concat()
    }

    fn read(bytes: &[u8]) -> Result<Option<ServerFlight>, FlightFault> {
        FlightReader::default().push(bytes)
    }

    #[test]
    fn a_flight_tells_what_the_server_chose() {
        let Ok(Some(ServerFlight::Chose(choice))) = read(&flight()) else { panic!() };
        assert_eq!((choice.version, choice.suite), (TlsVersion::Tls12, Suite(0xc02f)));
        assert_eq!((choice.certificates, choice.leaf), (2, None), "the first is no certificate");
        assert_eq!(choice.key_exchange, Some(KeyExchange::Curve { group: Group::X25519 }));
        let agreed =
            [Feature::ExtendedMasterSecret, Feature::SecureRenegotiation, Feature::SessionTicket];
        assert_eq!(choice.agreed, agreed);
        assert_eq!(choice.downgrade_sentinel, Some(Sentinel::To12));
    }

    #[test]
    fn a_retry_request_tells_version_suite_and_group_in_clear() {
        let extensions: [(u16, &[u8]); 2] = [(43, &[3, 4]), (51, &[0x11, 0xec])];
        let answer = record(22, &hello(0x0303, RETRY, 0x1301, &extensions));
        let Ok(Some(ServerFlight::Chose(choice))) = read(&answer) else { panic!() };
        assert_eq!((choice.version, choice.suite), (TlsVersion::Tls13, Suite(0x1301)));
        assert_eq!(choice.group, Some(Group::X25519_MLKEM768));
    }

    #[test]
    fn refusals_and_rubbish_are_told_apart() {
        let early_certificate = record(22, &message(11, &[0, 0, 0]));
        for (bytes, want) in [
            (&record(21, &[2, 70])[..], Ok(Some(ServerFlight::Refused { alert: 70 }))),
            (&record(21, &[2])[..], Err(FlightFault::Malformed)),
            (&record(21, &[1, 0]), Err(FlightFault::Left)),
            (&record(21, &[2, 0]), Err(FlightFault::Left)),
            (&record(21, &[1, 90]), Err(FlightFault::Left)),
            (&record(21, &[1, 112, 1, 0]), Err(FlightFault::Left)),
            (&record(21, &[1, 112, 2, 40]), Ok(Some(ServerFlight::Refused { alert: 40 }))),
            (b"250 ok\r\n", Err(FlightFault::NotTls)),
            (&[22, 2, 0], Err(FlightFault::NotTls)),
            (&[22, 3, 3, 0xff, 0xff], Err(FlightFault::Malformed)),
            (&early_certificate, Err(FlightFault::Malformed)),
            (&[22, 3], Ok(None)),
        ] {
            assert_eq!(read(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn a_server_that_chose_and_then_stopped_did_choose() {
        let mut reader = FlightReader::default();
        let half = record(22, &hello(0x0301, [9; 32], 0x000a, &[]));
        assert_eq!(reader.push(&half), Ok(None));
        let Some(ServerFlight::Chose(choice)) = reader.end() else { panic!() };
        assert_eq!((choice.version, choice.suite), (TlsVersion::Tls10, Suite(0x000a)));
    }

    #[test]
    fn a_warning_about_the_name_is_no_refusal() {
        let warning = record(21, &[1, 112]);
        let Ok(Some(ServerFlight::Chose(choice))) = read(&[&warning[..], &flight()].concat())
        else {
            panic!()
        };
        assert_eq!(choice.suite, Suite(0xc02f));
        let refused = |alert| Ok(Some(ServerFlight::Refused { alert }));
        assert_eq!(read(&[&warning[..], &record(21, &[2, 40])].concat()), refused(40));
        assert_eq!(read(&record(21, &[2, 112])), refused(112), "fatal");
        assert_eq!(read(&record(21, &[1, 40])), refused(40), "nobody goes on after this one");
        let mut reader = FlightReader::default();
        assert_eq!(reader.push(&warning), Ok(None));
        assert!(!reader.has_answer());
        assert_eq!(reader.end(), None);
    }

    #[test]
    fn an_endless_flight_is_cut() {
        let mut reader = FlightReader::default();
        let ticket = record(22, &message(4, &[0; 10_000]));
        let end = (0..100).find_map(|_| reader.push(&ticket).err());
        assert_eq!(end, Some(FlightFault::TooLong));
    }

    proptest! {
        #[test]
        fn memory_stays_bounded_until_an_endless_answer_is_cut(
            claimed in 0u32..1 << 24,
            fragment in 1usize..1 << 14,
            piece in 64usize..4096,
        ) {
            let message = [&[4][..], &claimed.to_be_bytes()[1..], &vec![0; MAX_FLIGHT]].concat();
            let stream: Vec<u8> = message.chunks(fragment).flat_map(|part| record(22, part)).collect();
            let mut reader = FlightReader::default();
            let end = stream.chunks(piece).find_map(|piece| {
                let outcome = reader.push(piece);
                assert!(reader.pending.len() + reader.messages.len() <= MAX_FLIGHT);
                outcome.transpose()
            });
            prop_assert_eq!(end, Some(Err(FlightFault::TooLong)));
        }
    }
}
