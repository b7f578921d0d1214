//! What a `ServerKeyExchange` says: which curve, or how large a prime and whose.
//!
//! Reads TLS up to 1.2 only; later versions say the group in their hello. Verifies no signature.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{certificate::hex, groups::Group, server_flight::Bytes, suites::Suite};

/// How keys are agreed in a TLS 1.2 handshake.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyExchange {
    /// Over a named curve. RFC 8422 §5.4.
    Curve { group: Group },
    /// Over a curve that the server spelled out itself.
    ExplicitCurve,
    /// Over a finite field. RFC 5246 §7.4.3.
    Field {
        bits: usize,
        /// The published group the prime belongs to; `None` is home-made.
        prime: Option<String>,
    },
    /// An RSA key made short for export. RFC 2246 §7.4.3.
    ShortRsa { bits: usize },
}

/// Published primes by the SHA-256 of their octets. RFC 7919 §A, RFC 3526, RFC 2409 §6, RFC 5114 §2;
/// then those that come with mail servers: Postfix as of 3.5 and as of 3.7, and Exim.
const PRIMES: &[(&str, &str)] = &[
    ("ffdhe2048", "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966"),
    ("ffdhe3072", "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17"),
    ("ffdhe4096", "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e"),
    ("ffdhe6144", "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7"),
    ("ffdhe8192", "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833"),
    ("modp768", "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d"),
    ("modp1024", "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"),
    ("modp1536", "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"),
    ("modp2048", "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"),
    ("modp3072", "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"),
    ("modp4096", "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"),
    ("modp6144", "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd"),
    ("modp8192", "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf"),
    ("dh1024-160", "44c55cfee5c075927cf682da5b681bdecbd5c3eb0784c14f5dce7610f0ef133d"),
    ("dh2048-224", "bfe545862ca102ad1eeddb5fbfa5bf855ac4995c56a8b408ce3fe099dce93a9d"),
    ("dh2048-256", "0b7835722cb619827610c2549fdda5587421686c4409a13865e76225522ddcc9"),
    ("postfix-old", "4e1f16b0a537becf0398e0d6049ed82850ef799626db1771a9aa4901e84385c3"),
    ("postfix", "450349830c07b0225c8fd0b123ca8febdf0c28fde698258de7cab092b9045a94"),
    ("exim.dev.20160529.1", "358856fb52a59bf901826fedcadd2b2d3aa0a82a16338229a109ed20f855f948"),
    ("exim.dev.20160529.2", "b091c26ef6f88b88ed2c5f4da0cfe3291633f370a225d080f7bd5b8be83177eb"),
    ("exim.dev.20160529.3", "4597b6c988bdc12aad6aa71840f7206907346f1f5d95edb661e8282281f5577e"),
];

/// Reads the parameters in front of the signature; `None` for what cannot be read.
pub(super) fn read(body: &[u8], suite: Suite) -> Option<KeyExchange> {
    let name = suite.name();
    let mut rest = Bytes(body);
    if name.contains("_ECDHE_") || name.contains("_ECDH_") {
        // 3 is a named curve, the others were forbidden by RFC 8422 §5.4.
        return match rest.u8()? {
            3 => Some(KeyExchange::Curve { group: Group(rest.u16()?) }),
            _ => Some(KeyExchange::ExplicitCurve),
        };
    }
    let number = rest.vector16()?;
    let first = number.iter().position(|octet| *octet != 0)?;
    let number = &number[first..];
    let bits = number.len() * 8 - number[0].leading_zeros() as usize;
    if name.contains("_DHE_") || name.contains("_DH_") {
        let digest = hex(&Sha256::digest(number));
        let known = PRIMES.iter().find(|(_, prime)| *prime == digest);
        return Some(KeyExchange::Field { bits, prime: known.map(|(name, _)| (*name).to_owned()) });
    }
    Some(KeyExchange::ShortRsa { bits })
}

impl KeyExchange {
    /// Whether it would withstand a quantum computer as well.
    pub fn is_post_quantum(&self) -> bool {
        matches!(self, Self::Curve { group } if group.is_post_quantum())
    }

    /// Security in bits against a classical attacker, after NIST SP 800-57; `None` if unknown.
    pub fn strength(&self) -> Option<u16> {
        match self {
            Self::Curve { group } => group.strength(),
            Self::ExplicitCurve => None,
            Self::Field { bits, .. } | Self::ShortRsa { bits } => Some(match bits {
                ..1024 => 0,
                ..2048 => 80,
                ..3072 => 112,
                _ => 128,
            }),
        }
    }
}

impl fmt::Display for KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Curve { group } => group.fmt(f),
            Self::ExplicitCurve => f.write_str("a curve of its own"),
            Self::Field { bits, prime: Some(name) } => write!(f, "DH {bits} ({name})"),
            Self::Field { bits, prime: None } => write!(f, "DH {bits} (home-made prime)"),
            Self::ShortRsa { bits } => write!(f, "RSA {bits} made for export"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prime_is_published_or_home_made() {
        // The largest number of 1,024 bits is no prime anybody published.
        let home_made = [&[0, 129, 0][..], &[0xff; 128]].concat();
        let suite = Suite::named("TLS_DHE_RSA_WITH_AES_128_CBC_SHA").unwrap();
        assert_eq!(read(&home_made, suite), Some(KeyExchange::Field { bits: 1024, prime: None }));
    }

    #[test]
    fn the_suite_says_how_parameters_are_read() {
        let short_rsa = [&[0, 64][..], &[0x80; 64]].concat();
        for (name, body, want) in [
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", &[3, 0, 0x17][..], "secp256r1"),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", &[1, 0, 0x17], "a curve of its own"),
            ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", &short_rsa, "RSA 512 made for export"),
        ] {
            let read = read(body, Suite::named(name).unwrap()).unwrap();
            assert_eq!(read.to_string(), want, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let suite = Suite::named("TLS_DHE_RSA_WITH_AES_128_CBC_SHA").unwrap();
        for body in [&[][..], &[0, 0], &[0, 2, 0, 0], &[0, 9, 1]] {
            assert_eq!(read(body, suite), None, "{body:?}");
        }
    }
}
