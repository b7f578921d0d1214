//! What a finished handshake showed: version, suite, group, chain, and each reason to distrust it.
//!
//! Holds facts only; how bad a flaw is depends on what the domain promised, which `rules` know.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Certificate;
use crate::smtp::Text;

/// TLS versions, oldest first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum TlsVersion {
    #[serde(rename = "SSLv3")]
    Ssl3,
    #[serde(rename = "TLSv1.0")]
    Tls10,
    #[serde(rename = "TLSv1.1")]
    Tls11,
    #[serde(rename = "TLSv1.2")]
    Tls12,
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

/// Which hello we opened with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hello {
    /// With X25519MLKEM768 as first key share: about 1,500 octets, more than one segment holds.
    Hybrid,
    /// Without post-quantum groups: small enough for every middlebox.
    Classical,
    /// The same, and a server can only answer with a certificate whose key is for ECDSA.
    EcdsaOnly,
    /// The same, for RSA.
    RsaOnly,
}

/// A finished handshake.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Handshake {
    pub hello: Hello,
    pub version: TlsVersion,
    /// The suite by its IANA name.
    pub suite: String,
    /// The key exchange group by its IANA name; `None` where the library does not tell.
    pub group: Option<String>,
    /// As the server sent it, its own certificate first; never empty.
    #[serde(deserialize_with = "some_chain")]
    pub chain: Vec<Certificate>,
    /// Empty when a verifying sender would accept chain, dates and name.
    pub trust: Vec<TrustFlaw>,
    /// Whether the server proved that it holds the key of its certificate; short keys make this
    /// impossible to tell with today's libraries.
    pub proof: KeyProof,
}

/// Whether the handshake signature could be checked against the certificate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyProof {
    Shown,
    /// The library does not verify signatures of this kind or size.
    NotVerifiable,
}

/// One reason why a verifying sender would not trust a chain; several can hold at once.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustFlaw {
    Expired {
        not_after: Timestamp,
    },
    NotYetValid {
        not_before: Timestamp,
    },
    /// The server's own certificate is its own issuer.
    SelfSigned,
    /// The chain ends at an issuer that is not among the trust anchors.
    UnknownIssuer {
        issuer: Text,
    },
    /// The issuer was not sent, and the certificate names a place where it could be fetched.
    MissingIntermediate {
        issuer: Text,
    },
    /// No subject alternative name covers the name we asked for.
    WrongName {
        asked: String,
        presented: Vec<Text>,
    },
    /// Whatever else the verifier objects to, in its words.
    Other {
        reason: String,
    },
}

/// A stored handshake without a certificate was not written by us.
fn some_chain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Certificate>, D::Error> {
    let chain = Vec::deserialize(deserializer)?;
    if chain.is_empty() {
        return Err(serde::de::Error::custom("a handshake without a certificate"));
    }
    Ok(chain)
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ssl3 => "SSLv3",
            Self::Tls10 => "TLSv1.0",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

impl TlsVersion {
    /// All, oldest first.
    pub const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The one before; `None` for the oldest.
    pub fn previous(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|version| *version < self)
    }

    /// The number on the wire. RFC 8446 §4.1.2.
    pub fn to_wire(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version of this number.
    pub fn from_wire(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.to_wire() == number)
    }
}

impl Handshake {
    /// The server's own certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.chain[0] // A finished handshake has a chain; see the field.
    }

    pub fn is_verified(&self) -> bool {
        self.trust.is_empty()
    }

    /// Whether the group mixes in a post-quantum key encapsulation.
    pub fn is_post_quantum(&self) -> bool {
        self.group.as_deref().is_some_and(|group| group.contains("MLKEM"))
    }
}

/// One line for a transcript.
impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.suite)?;
        if let Some(group) = &self.group {
            write!(f, " {group}")?;
        }
        write!(f, ", {} certificate", self.leaf().key)?;
        if self.is_verified() {
            f.write_str(", verified")?;
        }
        for flaw in &self.trust {
            write!(f, ", {flaw}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TrustFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { not_after } => write!(f, "expired on {}", not_after.strftime("%F")),
            Self::NotYetValid { not_before } => {
                write!(f, "not valid before {}", not_before.strftime("%F"))
            }
            Self::SelfSigned => f.write_str("self-signed"),
            Self::UnknownIssuer { issuer } => write!(f, "unknown issuer {issuer}"),
            Self::MissingIntermediate { issuer } => write!(f, "issuer {issuer} not sent"),
            Self::WrongName { asked, presented } => match presented.as_slice() {
                [] => write!(f, "no name in it, {asked} asked"),
                [name] => write!(f, "for {name}, not {asked}"),
                [name, rest @ ..] => write!(f, "for {name} and {} more, not {asked}", rest.len()),
            },
            Self::Other { reason } => f.write_str(reason),
        }
    }
}
