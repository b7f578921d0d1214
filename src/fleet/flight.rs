//! A server's first words in TLS, made up: so that the fleet can have hosts with versions, suites and
//! keys that no library serves any more.
//!
//! Pure: a hello in, a flight out. Knows no key, so that no handshake can be finished with it.

use serde::{Deserialize, Deserializer, de::Error};

use crate::tls::{Feature, Group, Suite, SuiteClass, TlsVersion};

/// What a host takes, where no library could play it. Everything not said is as a sound host has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FloorWords {
    /// Such as `["1.0", "1.2"]`; SSL 3.0 is `"ssl3"`.
    #[serde(deserialize_with = "versions")]
    pub versions: Vec<TlsVersion>,
    /// By their IANA names, in the order of preference.
    pub suites: Vec<Suite>,
    pub groups: Vec<Group>,
    /// Bits of the prime of finite-field suites, which is home-made.
    pub dh: usize,
    /// What is agreed to in TLS up to 1.2, of what a hello offers.
    pub agrees: Vec<Feature>,
    /// Chooses by the client's order.
    pub obliging: bool,
    /// Refuses a hello that calls itself a second try, if there is something better. RFC 7507 §3.
    pub notices_downgrade: bool,
    /// Says in its random that it could do better, where it could. RFC 8446 §4.1.3.
    pub marks_downgrade: bool,
    /// The alert for a hello that has nothing for us.
    pub alert: u8,
}

impl Default for FloorWords {
    fn default() -> Self {
        let suites = [
            "TLS_AES_256_GCM_SHA384",
            "TLS_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ];
        Self {
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            suites: suites.into_iter().filter_map(Suite::named).collect(),
            groups: vec![Group::X25519_MLKEM768, Group::X25519, Group(0x0017)],
            dh: 2048,
            agrees: vec![Feature::ExtendedMasterSecret, Feature::SecureRenegotiation],
            obliging: false,
            notices_downgrade: true,
            marks_downgrade: true,
            alert: 40,
        }
    }
}

/// What matters of a client's hello.
struct Hello {
    version: TlsVersion,
    suites: Vec<Suite>,
    groups: Vec<Group>,
    compression: bool,
    /// Calls itself a second try.
    fallback: bool,
    /// TLS 1.3 with a key: somebody means to finish the handshake.
    is_earnest: bool,
}

/// The answer to the record `hello`; `None` where a real handshake should be tried. `chain` is the
/// certificates, DER.
pub fn answer(words: &FloorWords, hello: &[u8], chain: &[Vec<u8>]) -> Option<Vec<u8>> {
    let Some(hello) = Hello::read(hello) else { return Some(alert(50)) };
    let newest = words.versions.iter().max().copied();
    if hello.fallback && words.notices_downgrade && newest > Some(hello.version) {
        return Some(alert(INAPPROPRIATE_FALLBACK));
    }
    // The library's own suites.
    let is_current = |suite: &Suite| {
        suite.class() == Some(SuiteClass::AeadFs) && !suite.name().contains("_DHE_")
    };
    let is_able = newest >= Some(TlsVersion::Tls12) && words.suites.iter().any(is_current);
    if hello.is_earnest && is_able {
        return None;
    }
    // A client that comes in earnest can do with anything from 1.2 up, and says 1.2 in its hello.
    let allowed = |version: &&TlsVersion| match hello.version {
        TlsVersion::Tls13 if !hello.is_earnest => **version == TlsVersion::Tls13,
        highest => **version <= highest,
    };
    let Some(version) = words.versions.iter().filter(allowed).max().copied() else {
        return Some(alert(70)); // protocol_version, RFC 8446 §6.2.
    };
    let group = words.groups.iter().find(|group| hello.groups.contains(group)).copied();
    let can = |suite: &&Suite| {
        let curved = version == TlsVersion::Tls13 || suite.name().contains("_ECDHE_");
        fits(**suite, version)
            && words.suites.contains(suite)
            && hello.suites.contains(suite)
            && (group.is_some() || !curved)
    };
    let order = if words.obliging { &hello.suites } else { &words.suites };
    let Some(suite) = order.iter().find(can) else { return Some(alert(words.alert)) };
    Some(flight(words, &hello, (version, *suite, group), chain))
}

/// The answer of a sound host to a second try; `None` where the hello does not call itself one. The
/// library knows no such hellos, and whoever sends one has seen something better here.
pub fn notice(hello: &[u8]) -> Option<Vec<u8>> {
    Hello::read(hello)?.fallback.then(|| alert(INAPPROPRIATE_FALLBACK))
}

/// RFC 7507 §2.
const INAPPROPRIATE_FALLBACK: u8 = 86;
const FALLBACK: Suite = Suite(0x5600);

/// Whether a suite exists in a version: AEAD and SHA-2 came with 1.2. RFC 5246 §1.2.
fn fits(suite: Suite, version: TlsVersion) -> bool {
    let name = suite.name();
    let young = ["GCM", "CCM", "CHACHA20", "SHA256", "SHA384"];
    let young = young.iter().any(|part| name.contains(part));
    suite.is_tls13() == (version == TlsVersion::Tls13) && (!young || version >= TlsVersion::Tls12)
}

/// RFC 5246 §7.3, RFC 8446 §4.1.4.
fn flight(
    words: &FloorWords,
    hello: &Hello,
    (version, suite, group): (TlsVersion, Suite, Option<Group>),
    chain: &[Vec<u8>],
) -> Vec<u8> {
    let modern = version == TlsVersion::Tls13;
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, data: &[u8]| {
        extensions.extend([&kind.to_be_bytes()[..], &sized(2, data)].concat());
    };
    if modern {
        extension(43, &[3, 4]);
        extension(51, &group.unwrap_or(Group::X25519).0.to_be_bytes());
    } else {
        for feature in &words.agrees {
            match feature {
                Feature::Compression => {}
                Feature::EncryptThenMac => extension(22, &[]),
                Feature::ExtendedMasterSecret => extension(23, &[]),
                Feature::SecureRenegotiation => extension(0xff01, &[0]),
                Feature::SessionTicket => extension(35, &[]),
            }
        }
    }
    let mut random = if modern { RETRY } else { [0x5a; 32] };
    let better = words.versions.iter().any(|other| *other > version && *other >= TlsVersion::Tls12);
    if better && words.marks_downgrade && !modern {
        let below = u8::from(version == TlsVersion::Tls12);
        random[24..].copy_from_slice(&[b'D', b'O', b'W', b'N', b'G', b'R', b'D', below]);
    }
    let compressed = hello.compression && words.agrees.contains(&Feature::Compression) && !modern;
    let server_hello = [
        &version.min(TlsVersion::Tls12).to_wire().to_be_bytes()[..],
        &random,
        &[0],
        &suite.0.to_be_bytes(),
        &[u8::from(compressed)],
        &sized(2, &extensions),
    ];
    let mut messages = message(2, &server_hello.concat());
    if !modern {
        let name = suite.name();
        if !name.contains("_anon_") {
            let certificates: Vec<u8> = chain.iter().flat_map(|der| sized(3, der)).collect();
            messages.extend(message(11, &sized(3, &certificates)));
        }
        if let Some(parameters) = parameters(words, &name, group) {
            messages.extend(message(12, &parameters));
        }
        messages.extend(message(14, &[]));
    }
    // Long chains break into several records. RFC 8446 §5.1.
    let record = |fragment: &[u8]| {
        let version = version.min(TlsVersion::Tls12).to_wire().to_be_bytes();
        [&[22], &version[..], &sized(2, fragment)].concat()
    };
    messages.chunks(1 << 14).flat_map(record).collect()
}

/// The parameters of a key exchange, with nothing for a signature: nobody checks it.
fn parameters(words: &FloorWords, suite: &str, group: Option<Group>) -> Option<Vec<u8>> {
    if suite.contains("_ECDHE_") {
        return Some([&[3], &group?.0.to_be_bytes()[..], &[1, 4]].concat());
    }
    let ephemeral = suite.contains("_DHE_") || suite.contains("_DH_anon_");
    ephemeral.then(|| {
        let mut prime = vec![0xff; words.dh.div_ceil(8)];
        prime[0] >>= (8 - words.dh % 8) % 8;
        [sized(2, &prime), sized(2, &[2]), sized(2, &[4])].concat()
    })
}

/// A fatal alert in a record of its own. RFC 8446 §6.
fn alert(number: u8) -> Vec<u8> {
    vec![21, 3, 1, 0, 2, 2, number]
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], sized(3, body)].concat()
}

/// Bytes behind their length in so many octets.
fn sized(octets: usize, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().to_be_bytes();
    [&length[length.len() - octets..], bytes].concat()
}

/// The random that makes a `ServerHello` a `HelloRetryRequest`. RFC 8446 §4.1.3.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl Hello {
    /// RFC 8446 §4.1.2, RFC 5246 §7.4.1.2.
    fn read(record: &[u8]) -> Option<Self> {
        // Behind the headers of record and message: 5 octets and 4.
        let mut rest = record.get(9..)?;
        let version = TlsVersion::from_wire(number(take(&mut rest, 2)?))?;
        take(&mut rest, 32)?;
        vector(&mut rest, 1)?;
        let suites: Vec<Suite> = numbers(vector(&mut rest, 2)?).map(Suite).collect();
        let fallback = suites.contains(&FALLBACK);
        let compression = vector(&mut rest, 1)?.contains(&1);
        let groups = Vec::new();
        let mut hello = Self { version, suites, groups, compression, fallback, is_earnest: false };
        if rest.is_empty() {
            return Some(hello);
        }
        let mut extensions = vector(&mut rest, 2)?;
        while !extensions.is_empty() {
            let kind = number(take(&mut extensions, 2)?);
            let mut data = vector(&mut extensions, 2)?;
            match kind {
                10 => hello.groups = numbers(vector(&mut data, 2)?).map(Group).collect(),
                43 => {
                    let versions = numbers(vector(&mut data, 1)?);
                    hello.version = versions.filter_map(TlsVersion::from_wire).max()?;
                }
                51 => hello.is_earnest = !vector(&mut data, 2)?.is_empty(),
                _ => {}
            }
        }
        Some(hello)
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

/// What stands behind its length in one or two octets.
fn vector<'a>(rest: &mut &'a [u8], octets: usize) -> Option<&'a [u8]> {
    let length = number(take(rest, octets)?);
    take(rest, usize::from(length))
}

fn number(octets: &[u8]) -> u16 {
    octets.iter().fold(0, |number, octet| number << 8 | u16::from(*octet))
}

fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    list.chunks_exact(2).map(number)
}

fn versions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TlsVersion>, D::Error> {
    let version = |word: String| match word.as_str() {
        "ssl3" => Ok(TlsVersion::Ssl3),
        "1.0" => Ok(TlsVersion::Tls10),
        "1.1" => Ok(TlsVersion::Tls11),
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        _ => Err(D::Error::custom(format_args!("no TLS version: {word}"))),
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{FlightReader, KeyExchange, Question, ServerFlight, SuiteClass};

    fn read(words: &FloorWords, question: &Question) -> ServerFlight {
        let hello = question.hello(Some("mx.example".to_owned())).to_record([7; 32]);
        let answer = answer(words, &hello, &[vec![0x30; 20_000]]).unwrap();
        FlightReader::default().push(&answer).unwrap().unwrap()
    }

    #[test]
    fn what_is_answered_is_what_the_world_says() {
        let words = FloorWords {
            versions: vec![TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls13],
            suites: ["TLS_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"]
                .into_iter()
                .filter_map(Suite::named)
                .collect(),
            dh: 1023,
            agrees: vec![Feature::Compression, Feature::SessionTicket],
            ..FloorWords::default()
        };
        let question = Question { compression: true, ..Question::any(TlsVersion::Tls12) };
        let ServerFlight::Chose(choice) = read(&words, &question) else { panic!() };
        assert_eq!(choice.version, TlsVersion::Tls10);
        assert_eq!(choice.agreed, [Feature::Compression, Feature::SessionTicket]);
        assert_eq!(choice.key_exchange, Some(KeyExchange::Field { bits: 1023, prime: None }));
        assert_eq!(choice.certificates, 1);
        let ServerFlight::Chose(choice) = read(&words, &Question::any(TlsVersion::Tls13)) else {
            panic!()
        };
        assert_eq!(
            (choice.version, choice.group),
            (TlsVersion::Tls13, Some(Group::X25519_MLKEM768))
        );
        let weak = Question::of(TlsVersion::Tls12, [SuiteClass::Null]);
        assert_eq!(read(&words, &weak), ServerFlight::Refused { alert: 40 });
        let sound = FloorWords::default();
        let old = Question::any(TlsVersion::Tls11);
        assert_eq!(read(&sound, &old), ServerFlight::Refused { alert: 70 });
    }
}
