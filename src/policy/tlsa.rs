//! One TLSA record: read from the wire, written as in a zone file, usable for mail or not.
//!
//! Bounded: the data may have at most [`MOST_DATA`] octets. Compares nothing; see [`super::dane`].

use std::{fmt, str::FromStr};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Certificates of mail hosts have 1 to 4 kB; past this a record is a mistake or an attack.
pub const MOST_DATA: usize = 16 * 1024;

/// Octets of SHA-512.
const LONGEST_DIGEST: usize = 64;

/// A certificate association. RFC 6698 §2.1.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct TlsaRecord {
    /// What the certificate must be to the server: 2 is a trust anchor, 3 the server's own.
    pub usage: u8,
    /// 0: the whole certificate; 1: its public key.
    pub selector: u8,
    /// 0: as it is; 1: its SHA-256; 2: its SHA-512.
    pub matching: u8,
    /// In JSON in hexadecimal.
    #[serde(with = "hexadecimal")]
    #[schemars(with = "String")]
    pub data: Vec<u8>,
}

/// Why a sender of mail passes a record over.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// Usage 0 or 1, which lean on public authorities: not for mail. RFC 7672 §3.1.3.
    PkixUsage(u8),
    UnknownUsage(u8),
    UnknownSelector(u8),
    UnknownMatching(u8),
    /// A digest of another length than its algorithm has.
    DigestLength {
        want: usize,
        got: usize,
    },
    /// Matching type 0 with data that is no single DER structure, as certificates and keys are.
    NotDer,
}

/// Why something is no TLSA record at all.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsaFault {
    /// Fewer than the three octets or words that stand before the data.
    Short,
    /// The data has this many octets.
    TooLong(usize),
    /// Usage, selector or matching type is no number from 0 to 255.
    NotANumber,
    NotHexadecimal,
}

impl TlsaRecord {
    /// From the octets on the wire. RFC 6698 §2.1.
    pub fn from_rdata(rdata: &[u8]) -> Result<Self, TlsaFault> {
        let [usage, selector, matching, data @ ..] = rdata else { return Err(TlsaFault::Short) };
        if data.len() > MOST_DATA {
            return Err(TlsaFault::TooLong(data.len()));
        }
        Ok(Self { usage: *usage, selector: *selector, matching: *matching, data: data.to_vec() })
    }

    /// As in a zone file, cut behind the length of any digest: whole certificates are for nobody's
    /// eyes.
    pub fn brief(&self) -> String {
        let Self { usage, selector, matching, data } = self;
        let shown = &data[..data.len().min(LONGEST_DIGEST)];
        let rest = if shown.len() < data.len() { "..." } else { "" };
        format!("{usage} {selector} {matching} {}{rest}", HEXLOWER.encode(shown))
    }

    /// Whether a sender of mail can use it, and why not. Records that are not usable are passed
    /// over, but they still demand TLS. RFC 7672 §2.2.
    pub fn usable(&self) -> Result<(), Unusable> {
        match self.usage {
            0 | 1 => return Err(Unusable::PkixUsage(self.usage)),
            2 | 3 => {}
            other => return Err(Unusable::UnknownUsage(other)),
        }
        if self.selector > 1 {
            return Err(Unusable::UnknownSelector(self.selector));
        }
        let want = match self.matching {
            0 if is_one_sequence(&self.data) => return Ok(()),
            0 => return Err(Unusable::NotDer),
            1 => 32,
            2 => 64,
            other => return Err(Unusable::UnknownMatching(other)),
        };
        let got = self.data.len();
        if got == want { Ok(()) } else { Err(Unusable::DigestLength { want, got }) }
    }
}

/// Whether the octets are exactly one DER sequence, by its head alone. X.690 §8.1.3, §10.1.
fn is_one_sequence(data: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = data else { return false };
    if *first < 0x80 {
        return rest.len() == usize::from(*first);
    }
    let octets = usize::from(*first & 0x7f);
    if !(1..=3).contains(&octets) || rest.len() < octets {
        return false;
    }
    let (length, rest) = rest.split_at(octets);
    let length = length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    rest.len() == length
}

/// The presentation form, `3 1 1 ab12...`. RFC 6698 §2.2.
impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { usage, selector, matching, data } = self;
        write!(f, "{usage} {selector} {matching}")?;
        if data.is_empty() { Ok(()) } else { write!(f, " {}", HEXLOWER.encode(data)) }
    }
}

/// The presentation form, in which white space may divide the hexadecimal. RFC 6698 §2.2.
impl FromStr for TlsaRecord {
    type Err = TlsaFault;

    fn from_str(written: &str) -> Result<Self, TlsaFault> {
        let mut words = written.split_ascii_whitespace();
        let mut number = || {
            let word = words.next().ok_or(TlsaFault::Short)?;
            word.parse::<u8>().map_err(|_| TlsaFault::NotANumber)
        };
        let (usage, selector, matching) = (number()?, number()?, number()?);
        let digits: String = words.collect();
        if digits.len() > 2 * MOST_DATA {
            return Err(TlsaFault::TooLong(digits.len().div_ceil(2)));
        }
        let data = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        let data = data.map_err(|_| TlsaFault::NotHexadecimal)?;
        Ok(Self { usage, selector, matching, data })
    }
}

impl std::error::Error for Unusable {}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PkixUsage(usage) => write!(f, "usage {usage} is not for mail, only 2 and 3 are"),
            Self::UnknownUsage(usage) => write!(f, "unknown usage {usage}"),
            Self::UnknownSelector(selector) => write!(f, "unknown selector {selector}"),
            Self::UnknownMatching(matching) => write!(f, "unknown matching type {matching}"),
            Self::DigestLength { want, got } => {
                write!(f, "the digest has {got} octets where its algorithm has {want}")
            }
            Self::NotDer => f.write_str("the data is no certificate and no key"),
        }
    }
}

impl std::error::Error for TlsaFault {}

impl fmt::Display for TlsaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("usage, selector or matching type is missing"),
            Self::TooLong(octets) => write!(f, "{octets} octets of data; {MOST_DATA} is the most"),
            Self::NotANumber => {
                f.write_str("usage, selector and matching type are numbers from 0 to 255")
            }
            Self::NotHexadecimal => f.write_str("the data is not hexadecimal"),
        }
    }
}

/// Data in JSON as hexadecimal.
mod hexadecimal {
    use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(data: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(data))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let digits = String::deserialize(deserializer)?;
        HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_reads_in_every_form() {
        let data = [0xab; 32];
        let record = TlsaRecord { usage: 3, selector: 1, matching: 1, data: data.to_vec() };
        assert_eq!(TlsaRecord::from_rdata(&[&[3, 1, 1][..], &data].concat()), Ok(record.clone()));
        let (half, digits) = ("AB".repeat(16), "ab".repeat(32));
        for written in [format!("3 1 1 {digits}"), format!("  3\t1 1  {half} \n {half} ")] {
            assert_eq!(written.parse(), Ok(record.clone()), "{written}");
        }
        assert_eq!(record.to_string(), format!("3 1 1 {digits}"));
        let json = serde_json::to_value(&record).unwrap();
        let want = serde_json::json!({"usage": 3, "selector": 1, "matching": 1, "data": digits});
        assert_eq!(json, want);
        assert_eq!(serde_json::from_value::<TlsaRecord>(json).unwrap(), record);
    }

    #[test]
    fn what_is_no_record_says_why() {
        for (written, want) in [
            ("", TlsaFault::Short),
            ("3 1", TlsaFault::Short),
            ("3 1 256 ab", TlsaFault::NotANumber),
            ("3 1 -1 ab", TlsaFault::NotANumber),
            ("3 1 1 abc", TlsaFault::NotHexadecimal),
            ("3 1 1 xy", TlsaFault::NotHexadecimal),
            ("3 1 1 \u{e9}\u{e9}", TlsaFault::NotHexadecimal),
        ] {
            assert_eq!(written.parse::<TlsaRecord>(), Err(want), "{written}");
        }
        let long = vec![0; MOST_DATA + 4];
        assert_eq!(TlsaRecord::from_rdata(&long), Err(TlsaFault::TooLong(MOST_DATA + 1)));
        let written = format!("3 0 0 {}", "ab".repeat(MOST_DATA + 1));
        assert_eq!(written.parse::<TlsaRecord>(), Err(TlsaFault::TooLong(MOST_DATA + 1)));
        assert_eq!(TlsaRecord::from_rdata(&[3, 1]), Err(TlsaFault::Short));
    }

    #[test]
    fn a_record_is_usable_for_mail_or_says_why_not() {
        let (sha256, sha512) = ("ab".repeat(32), "ab".repeat(64));
        let long = format!("30820103{}", "00".repeat(0x103));
        for (parameters, data, want) in [
            ("3 1 1", &sha256[..], Ok(())),
            ("3 0 2", &sha512, Ok(())),
            ("2 0 1", &sha256, Ok(())),
            ("2 1 0", "3003020105", Ok(())),
            ("3 0 0", "308103020105", Ok(())),
            ("3 0 0", &long, Ok(())),
            ("0 0 1", &sha256, Err(Unusable::PkixUsage(0))),
            ("1 1 1", &sha256, Err(Unusable::PkixUsage(1))),
            ("4 1 1", &sha256, Err(Unusable::UnknownUsage(4))),
            ("3 2 1", &sha256, Err(Unusable::UnknownSelector(2))),
            ("3 1 3", &sha256, Err(Unusable::UnknownMatching(3))),
            ("3 1 1", &sha512, Err(Unusable::DigestLength { want: 32, got: 64 })),
            ("3 1 2", &sha256, Err(Unusable::DigestLength { want: 64, got: 32 })),
            ("3 1 1", "", Err(Unusable::DigestLength { want: 32, got: 0 })),
            ("3 1 0", "", Err(Unusable::NotDer)),
            ("3 1 0", "30030201", Err(Unusable::NotDer)),
            ("3 1 0", "300302010500", Err(Unusable::NotDer)),
            ("3 1 0", "3082", Err(Unusable::NotDer)),
            ("3 1 0", "3080", Err(Unusable::NotDer)),
            ("3 0 0", &sha256, Err(Unusable::NotDer)),
        ] {
            let record: TlsaRecord = format!("{parameters} {data}").parse().unwrap();
            assert_eq!(record.usable(), want, "{record}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_a_record_or_a_fault(octets: Vec<u8>) {
            match TlsaRecord::from_rdata(&octets) {
                Ok(record) => {
                    let _ = record.usable();
                    prop_assert_eq!(record.to_string().parse(), Ok(record));
                }
                Err(fault) => prop_assert_eq!((fault, octets.len() < 3), (TlsaFault::Short, true)),
            }
        }

        #[test]
        fn any_words_are_a_record_or_a_fault(words in ".*", digits in "[0-9a-fA-F ]{0,99}") {
            let _ = words.parse::<TlsaRecord>();
            let written = format!("2 0 1 {digits}");
            if let Ok(record) = written.parse::<TlsaRecord>() {
                prop_assert_eq!(record.to_string().parse(), Ok(record));
            }
        }
    }
}
