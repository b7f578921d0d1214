//! A certificate as facts: whose, from whom, until when, with which key.
//!
//! Tolerant: a part that cannot be read is left out, the rest stays. Verifies nothing.

use std::{fmt, fmt::Write as _};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey,
    signature_algorithm::SignatureAlgorithm,
    x509::X509Name,
};

use crate::smtp::Text;

/// What one X.509 certificate says of itself. RFC 5280 §4.1.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Certificate {
    pub subject: Text,
    pub issuer: Text,
    /// The organisation in the issuer's name: it stays when an authority changes its intermediates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_organisation: Option<Text>,
    /// Hexadecimal.
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// DNS names and addresses of the subject alternative name, as written.
    pub names: Vec<Text>,
    pub key: KeyKind,
    /// The signature algorithm, by a common name such as `sha256WithRSA`, else its OID.
    pub signature: String,
    /// Subject and issuer are the same name.
    pub self_issued: bool,
    /// Where the issuer could be fetched from (authority information access).
    pub issuer_elsewhere: Option<Text>,
    /// SHA-256 of the whole certificate, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the subject public key info, hexadecimal: what `3 1 1` TLSA records carry.
    pub spki_sha256: String,
    /// The same in SHA-512.
    #[serde(default)]
    pub sha512: String,
    #[serde(default)]
    pub spki_sha512: String,
    /// How it would do as trust anchor for the server's certificate; `None` for that one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_anchor: Option<AsAnchor>,
}

/// How the path from the server's certificate up to another one fares if that is trusted, at the
/// time of the visit: what a TLSA record of usage 2 asks for. RFC 7671 §5.2.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AsAnchor {
    Holds,
    /// But for dates it holds.
    OutOfDate,
    /// It does not hold, for this reason.
    Broken(String),
}

/// A public key's algorithm and size in bits.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct KeyKind {
    /// `RSA`, `EC`, `Ed25519`, or an OID.
    pub algorithm: String,
    /// `None` where the size says nothing or could not be read.
    pub bits: Option<u32>,
}

/// Bytes were not a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotACertificate;

/// Signature algorithms by the names people know. RFC 8017, RFC 5758, RFC 8410.
const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "md2WithRSA"),
    ("1.2.840.113549.1.1.4", "md5WithRSA"),
    ("1.2.840.113549.1.1.5", "sha1WithRSA"),
    ("1.2.840.113549.1.1.11", "sha256WithRSA"),
    ("1.2.840.113549.1.1.12", "sha384WithRSA"),
    ("1.2.840.113549.1.1.13", "sha512WithRSA"),
    ("1.2.840.113549.1.1.14", "sha224WithRSA"),
    ("1.2.840.10040.4.3", "dsa-with-SHA1"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
    ("1.3.101.112", "Ed25519"),
];

/// RSASSA-PSS. RFC 4055 §3.1.
const PSS: &str = "1.2.840.113549.1.1.10";

/// Hashes under RSASSA-PSS, where they are a parameter. RFC 4055 §2.1, §3.1.
const PSS_HASHES: &[(&str, &str)] = &[
    ("1.3.14.3.2.26", "RSASSA-PSS-SHA1"),
    ("2.16.840.1.101.3.4.2.1", "RSASSA-PSS-SHA256"),
    ("2.16.840.1.101.3.4.2.2", "RSASSA-PSS-SHA384"),
    ("2.16.840.1.101.3.4.2.3", "RSASSA-PSS-SHA512"),
];

/// Named curves and their sizes in bits. RFC 5480 §2.1.1.1, RFC 5639 §4.1. Without secp256k1, which no
/// guideline means where it asks for 256 bits.
const CURVES: &[(&str, u32)] = &[
    ("1.2.840.10045.3.1.1", 192),
    ("1.3.132.0.33", 224),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.36.3.3.2.8.1.1.7", 256),
    ("1.3.132.0.34", 384),
    ("1.3.36.3.3.2.8.1.1.11", 384),
    ("1.3.36.3.3.2.8.1.1.13", 512),
    ("1.3.132.0.35", 521),
];

impl Certificate {
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| NotACertificate)?;
        Ok(Self {
            subject: Text::from(parsed.subject().to_string().as_str()),
            issuer: Text::from(parsed.issuer().to_string().as_str()),
            issuer_organisation: organisation(parsed.issuer()),
            serial: hex(parsed.raw_serial()),
            not_before: instant(parsed.validity().not_before.timestamp()),
            not_after: instant(parsed.validity().not_after.timestamp()),
            names: names(&parsed),
            key: key(&parsed),
            signature: signature(&parsed),
            self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            issuer_elsewhere: issuer_elsewhere(&parsed),
            sha256: hex(&Sha256::digest(der)),
            spki_sha256: hex(&Sha256::digest(parsed.public_key().raw)),
            sha512: hex(&Sha512::digest(der)),
            spki_sha512: hex(&Sha512::digest(parsed.public_key().raw)),
            as_anchor: None,
        })
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            Some(bits) => write!(f, "{} {bits}", self.algorithm),
            None => f.write_str(&self.algorithm),
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The end of the year 9999 stands for "never" (RFC 5280 §4.1.2.5) and lies a day behind the last
/// instant there is here.
fn instant(seconds: i64) -> Timestamp {
    let last = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(last)
}

fn organisation(name: &X509Name<'_>) -> Option<Text> {
    name.iter_organization().find_map(|part| part.as_str().ok()).map(Text::from)
}

fn signature(certificate: &X509Certificate<'_>) -> String {
    let algorithm = &certificate.signature_algorithm;
    let oid = algorithm.algorithm.to_id_string();
    // Debug builds of the library complain on standard error about algorithms they do not know.
    if oid == PSS
        && let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = algorithm.try_into()
    {
        return named(PSS_HASHES, &parameters.hash_algorithm_oid().to_id_string());
    }
    named(SIGNATURES, &oid)
}

fn names(certificate: &X509Certificate<'_>) -> Vec<Text> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let written = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(Text::from(*name)),
        GeneralName::IPAddress(octets) => Some(Text::from(address(octets)?.as_str())),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(written).collect()
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(octets).ok().map(|all| std::net::Ipv6Addr::from(all).to_string())
}

fn key(certificate: &X509Certificate<'_>) -> KeyKind {
    let spki = certificate.public_key();
    let kind = |algorithm: &str, bits| KeyKind { algorithm: algorithm.to_owned(), bits };
    match spki.parsed() {
        Ok(PublicKey::RSA(rsa)) => kind("RSA", u32::try_from(rsa.key_size()).ok()),
        // The size comes from the curve: the library rounds P-521 up to whole octets.
        Ok(PublicKey::EC(_)) => {
            let parameters = spki.algorithm.parameters.as_ref();
            let curve = parameters.and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
            let known = |oid: String| CURVES.iter().find(|(known, _)| *known == oid);
            kind("EC", curve.and_then(known).map(|(_, bits)| *bits))
        }
        _ => match spki.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => kind("Ed25519", Some(256)),
            "1.3.101.113" => kind("Ed448", Some(456)),
            PSS => kind("RSA-PSS", None),
            other => kind(other, None),
        },
    }
}

fn issuer_elsewhere(certificate: &X509Certificate<'_>) -> Option<Text> {
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        access.accessdescs.iter().find_map(|description| {
            // id-ad-caIssuers, RFC 5280 §4.2.2.1.
            let issuers = description.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2";
            match &description.access_location {
                GeneralName::URI(place) if issuers => Some(Text::from(*place)),
                _ => None,
            }
        })
    })
}

fn named(table: &[(&str, &str)], oid: &str) -> String {
    let row = table.iter().find(|(known, _)| *known == oid);
    row.map_or(oid, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(key: &rcgen::KeyPair) -> Certificate {
        let mut params =
            rcgen::CertificateParams::new(vec!["mx.example".to_owned(), "192.0.2.1".to_owned()])
                .unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "mx.example\u{1b}[2J");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Example Works");
        Certificate::from_der(params.self_signed(key).unwrap().der()).unwrap()
    }

    #[test]
    fn a_certificate_becomes_facts() {
        for (algorithm, name, bits, signature) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, "EC", 256, "ecdsa-with-SHA256"),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "EC", 384, "ecdsa-with-SHA384"),
            (&rcgen::PKCS_ED25519, "Ed25519", 256, "Ed25519"),
        ] {
            let facts = made(&rcgen::KeyPair::generate_for(algorithm).unwrap());
            assert_eq!(facts.key, KeyKind { algorithm: name.to_owned(), bits: Some(bits) });
            assert_eq!(facts.signature, signature);
            assert_eq!(facts.names, [Text::from("mx.example"), Text::from("192.0.2.1")]);
            assert!(facts.self_issued);
            assert_eq!(facts.issuer_organisation, Some(Text::from("Example Works")));
            assert_eq!(facts.sha256.len(), 64);
        }
    }

    #[test]
    fn a_hostile_name_is_text_like_any_other() {
        let facts = made(&rcgen::KeyPair::generate().unwrap());
        assert!(!facts.subject.to_string().contains('\u{1b}'), "{}", facts.subject);
    }

    #[test]
    fn a_certificate_without_end_is_one() {
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(Certificate::from_der(made.der()).unwrap().not_after, Timestamp::MAX);
    }

    #[test]
    fn rubbish_is_not_a_certificate() {
        assert_eq!(Certificate::from_der(b"rubbish"), Err(NotACertificate));
    }
}
