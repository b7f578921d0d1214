//! The words of a world file: each stands for one behaviour of DNS, a network or a server.
//!
//! Parsed into types that cannot be wrong. Does nothing of what the words say.

use std::{fmt, time::Duration};

use serde::{Deserialize, de::IntoDeserializer};

use crate::{policy::TlsaFault, survey::Phase};

/// How the MX question is answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum LookupWord {
    /// With the records of `mx`.
    #[default]
    Records,
    /// No MX; the domain's own addresses are those of the only `mx` entry.
    Implicit,
    /// The single record is `0 .`; other preferences by an `mx` entry with host `.`.
    Null,
    /// The name exists, nothing else does.
    Absent,
    NoSuchDomain,
    Servfail,
    Timeout,
}

/// How a question for a host's addresses is answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum HostWord {
    #[default]
    Found,
    NoData,
    NoSuchName,
    Servfail,
    Timeout,
}

/// What the PTR of an address says.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ReverseWord {
    #[default]
    Confirmed,
    Missing,
    Unconfirmed,
    Servfail,
}

/// How far DNSSEC vouches for an answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityWord {
    #[default]
    Insecure,
    Secure,
    /// The signature has expired.
    Bogus,
    /// Nobody answers for the keys.
    Undetermined,
}

/// How questions for texts fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum TxtFaultWord {
    Servfail,
    Timeout,
}

/// How the question for TLSA records fails.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum TlsaFaultWord {
    Bogus,
    Servfail,
    Timeout,
}

/// What a name server does in place of answering.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ServerFaultWord {
    /// Answers, but not for the zone.
    Lame,
    Refused,
    Servfail,
    Timeout,
    Unreachable,
}

/// At which name of a host behind a CNAME its TLSA records stand.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum TlsaPlace {
    Own,
    #[default]
    Target,
}

/// What happens to a connection attempt.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectWord {
    #[default]
    Accept,
    /// Never answered.
    Drop,
    Refuse,
    Reset,
    Unreachable,
}

/// What the certificate is worth.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum CertWord {
    Expired,
    /// From the fleet's authority through its intermediate, for the host's name.
    #[default]
    Good,
    /// The intermediate is not sent, and the certificate names a place to fetch it.
    MissingIntermediate,
    NotYetValid,
    SelfSigned,
    UnknownIssuer,
    WrongName,
}

/// The key of a certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWord {
    P256,
    /// Too short for today's TLS libraries; such a server speaks TLS 1.2 at most.
    Rsa1024,
    #[default]
    Rsa2048,
}

/// What a server can do wrong, by one word each.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub enum FaultWord {
    /// Ends lines in LF alone.
    BareLf,
    /// Closes in order in place of the answer.
    Close,
    /// Sends the answer a byte a second.
    Drip,
    /// Talks before it is asked: an unasked reply right behind the answer of the phase.
    EarlyTalk,
    /// Never ends the answer.
    EndlessReply,
    /// Sends half a line and nothing more.
    HalfReply,
    /// Answers the client hello with noise.
    JunkHandshake,
    /// Puts another code on the last line.
    MixedCodes,
    /// Answers as another protocol would.
    NotSmtp,
    /// Sends a reply in clear right behind the 220 of STARTTLS.
    PlaintextAfterStarttls,
    Reset,
    /// Answers 421 and closes.
    #[serde(rename = "shutdown-421")]
    Shutdown421,
    /// Never answers.
    Stall,
    /// Answers the client hello with the alert of this number (the value is the number).
    TlsAlert,
    /// Answers with a code that does not fit.
    WrongCode,
}

/// What becomes of a command that comes in one packet with STARTTLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum InjectionWord {
    /// It is carried out inside TLS, as CVE-2011-0411 was about.
    CarryOut,
    #[default]
    Drop,
    /// STARTTLS is refused for it.
    Refuse,
}

/// The hash under the issuer's signature.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureWord {
    Sha1,
    #[default]
    Sha256,
}

/// A TLS version that a server of the fleet can speak.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub enum VersionWord {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum FaultPlace {
    /// The handshake, with the alert of this number.
    Alert(u8),
    In(Phase),
}

/// What a policy host does wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum WebWord {
    /// Says that the policy comes in pieces, and sends none.
    BadChunk,
    /// Answers the client hello with noise.
    BrokenTls,
    /// Closes half-way through the policy.
    Cut,
    /// Sends the policy an octet a second.
    Drip,
    /// Sends a policy without end.
    Huge,
    /// Answers as a mail server would.
    NotHttp,
    /// Never answers the request.
    Silent,
    /// Never answers the client hello.
    SilentTls,
}

/// A span of time: `6s`, `500ms`, `2m`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Delay(pub Duration);

/// A word that stands for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WordFault {
    Delay(String),
    Exchange(String),
    Place(String),
    Tlsa(String, TlsaFault),
    /// Names a certificate where selector or matching type say nothing of any.
    TlsaOf(String),
}

impl FaultWord {
    /// Whether the fault can strike at `place`.
    pub fn fits(self, place: FaultPlace) -> bool {
        match (self, place) {
            (Self::TlsAlert, place) => matches!(place, FaultPlace::Alert(_)),
            (_, FaultPlace::Alert(_) | FaultPlace::In(Phase::Connect)) => false,
            (Self::JunkHandshake, FaultPlace::In(phase)) => phase == Phase::Handshake,
            (Self::PlaintextAfterStarttls, FaultPlace::In(phase)) => phase == Phase::StartTls,
            (Self::Close | Self::Reset | Self::Stall, FaultPlace::In(_)) => true,
            (_, FaultPlace::In(phase)) => phase != Phase::Handshake,
        }
    }
}

impl TryFrom<String> for FaultPlace {
    type Error = WordFault;

    fn try_from(word: String) -> Result<Self, WordFault> {
        if let Ok(number) = word.parse() {
            return Ok(Self::Alert(number));
        }
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            word.as_str().into_deserializer();
        Phase::deserialize(name).map(Self::In).map_err(|_| WordFault::Place(word))
    }
}

impl TryFrom<String> for Delay {
    type Error = WordFault;

    fn try_from(word: String) -> Result<Self, WordFault> {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number = digits.parse();
        let span = match (&word[digits.len()..], number) {
            ("ms", Ok(number)) => Duration::from_millis(number),
            ("s", Ok(number)) => Duration::from_secs(number),
            ("m", Ok(number)) => Duration::from_secs(number.saturating_mul(60)),
            _ => return Err(WordFault::Delay(word)),
        };
        Ok(Self(span))
    }
}

impl std::error::Error for WordFault {}

impl fmt::Display for WordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(word) => write!(f, "{word:?} is no delay; write 6s, 500ms or 2m"),
            Self::Exchange(word) => write!(f, "{word:?} is no MX record; write 10 mx.a.example"),
            Self::Place(word) => {
                write!(f, "{word:?} is neither a phase nor the number of an alert")
            }
            Self::Tlsa(word, fault) => {
                write!(f, "{word:?} is no TLSA record ({fault}); write 3 1 1 own, or hexadecimal")
            }
            Self::TlsaOf(word) => {
                write!(f, "{word:?}: no selector above 1 or matching type above 2 with a name")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_delays_are_read_from_words() {
        for (word, want) in [
            ("hello_secured", Some(FaultPlace::In(Phase::HelloSecured))),
            ("start_tls", Some(FaultPlace::In(Phase::StartTls))),
            ("70", Some(FaultPlace::Alert(70))),
            ("starttls", None),
            ("700", None),
        ] {
            assert_eq!(FaultPlace::try_from(word.to_owned()).ok(), want, "{word}");
        }
        for (word, want) in [("6s", Some(6000)), ("500ms", Some(500)), ("2m", Some(120_000))]
            .into_iter()
            .chain([("6", None), ("s", None), ("", None), ("6 s", None)])
        {
            let want = want.map(|ms| Delay(Duration::from_millis(ms)));
            assert_eq!(Delay::try_from(word.to_owned()).ok(), want, "{word}");
        }
    }

    #[test]
    fn faults_strike_only_where_they_make_sense() {
        for (fault, place, want) in [
            (FaultWord::TlsAlert, FaultPlace::Alert(70), true),
            (FaultWord::TlsAlert, FaultPlace::In(Phase::Handshake), false),
            (FaultWord::Stall, FaultPlace::In(Phase::Handshake), true),
            (FaultWord::Stall, FaultPlace::In(Phase::Connect), false),
            (FaultWord::BareLf, FaultPlace::In(Phase::Handshake), false),
            (FaultWord::JunkHandshake, FaultPlace::In(Phase::Hello), false),
            (FaultWord::PlaintextAfterStarttls, FaultPlace::In(Phase::StartTls), true),
        ] {
            assert_eq!(fault.fits(place), want, "{fault:?} at {place:?}");
        }
    }
}
