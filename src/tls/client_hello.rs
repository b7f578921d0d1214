//! Writes a `ClientHello` for any version from SSL 3.0 to TLS 1.3, to see what a server makes of it.
//!
//! Carries no key: a TLS 1.3 hello has an empty `key_share`, so that a willing server must answer in
//! clear with `HelloRetryRequest` (RFC 8446 §4.2.8). No handshake can be finished from here.

use super::{TlsVersion, groups::Group, suites::Suite};

/// Signature schemes offered: everything a server may have a certificate for, old ones included.
const SIGNATURE_SCHEMES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401,
    0x0501, 0x0601, 0x081a, 0x081b, 0x081c, 0x0301, 0x0303, 0x0203, 0x0201, 0x0402, 0x0202,
];

/// `TLS_FALLBACK_SCSV`, RFC 7507 §2.
const FALLBACK: u16 = 0x5600;

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV`, RFC 5746 §3.3: for SSL 3.0, which knows no extensions.
const RENEGOTIATION: u16 = 0x00ff;

/// What a hello offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientHello {
    /// The highest version offered; in TLS 1.3 also the only one.
    pub version: TlsVersion,
    /// In order of preference.
    pub suites: Vec<Suite>,
    /// In order of preference; empty leaves the extension out.
    pub groups: Vec<Group>,
    /// The name for SNI; `None` sends none.
    pub server_name: Option<String>,
    /// Offers DEFLATE too; never in TLS 1.3, where servers must refuse such a hello.
    pub compression: bool,
    /// Says that this hello is a second try with a lower version.
    pub fallback: bool,
}

impl ClientHello {
    /// The hello in one record. `chance` fills the random and the session id.
    pub fn to_record(&self, chance: [u8; 32]) -> Vec<u8> {
        let mut body = Vec::with_capacity(512);
        body.extend(self.legacy_version().to_be_bytes());
        body.extend(chance);
        if self.version == TlsVersion::Tls13 {
            // RFC 8446 §D.4: middleboxes want to see a session id.
            vector8(&mut body, |id| id.extend(chance));
        } else {
            body.push(0);
        }
        vector16(&mut body, |suites| {
            suites.extend(self.suites.iter().flat_map(|suite| suite.0.to_be_bytes()));
            if self.version == TlsVersion::Ssl3 {
                suites.extend(RENEGOTIATION.to_be_bytes());
            }
            if self.fallback {
                suites.extend(FALLBACK.to_be_bytes());
            }
        });
        let deflate = self.compression && self.version < TlsVersion::Tls13;
        body.extend_from_slice(if deflate { &[2, 1, 0] } else { &[1, 0] });
        if self.version > TlsVersion::Ssl3 {
            vector16(&mut body, |all| self.extensions(all));
        }
        let mut message = vec![1]; // client_hello, RFC 8446 §4.
        message.extend(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes()[1..]);
        message.extend(body);
        let record_version: u16 = if self.version == TlsVersion::Ssl3 { 0x0300 } else { 0x0301 };
        let mut record = vec![22]; // handshake, RFC 8446 §5.1.
        record.extend(record_version.to_be_bytes());
        vector16(&mut record, |fragment| fragment.extend(message));
        record
    }

    fn legacy_version(&self) -> u16 {
        self.version.min(TlsVersion::Tls12).to_wire()
    }

    fn extensions(&self, all: &mut Vec<u8>) {
        let modern = self.version == TlsVersion::Tls13;
        if let Some(name) = &self.server_name {
            extension(all, 0, |data| {
                vector16(data, |list| {
                    list.push(0);
                    vector16(list, |host| host.extend(name.as_bytes()));
                });
            });
        }
        if !self.groups.is_empty() {
            extension(all, 10, |data| {
                let groups = self.groups.iter().flat_map(|group| group.0.to_be_bytes());
                vector16(data, |list| list.extend(groups));
            });
            if !modern {
                extension(all, 11, |data| data.extend([1, 0])); // Uncompressed points.
            }
        }
        if self.version >= TlsVersion::Tls12 {
            extension(all, 13, |data| {
                let schemes = SIGNATURE_SCHEMES.iter().flat_map(|scheme| scheme.to_be_bytes());
                vector16(data, |list| list.extend(schemes));
            });
        }
        if modern {
            extension(all, 43, |data| data.extend([2, 3, 4])); // TLS 1.3 and nothing else.
            extension(all, 51, |data| data.extend([0, 0])); // No key at all.
        } else {
            extension(all, 22, |_| {}); // Encrypt-then-MAC, RFC 7366.
            extension(all, 23, |_| {}); // Extended master secret, RFC 7627.
            extension(all, 35, |_| {}); // Session ticket, RFC 5077.
            extension(all, 0xff01, |data| data.push(0)); // Renegotiation info, RFC 5746.
        }
    }
}

fn extension(all: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    all.extend(kind.to_be_bytes());
    vector16(all, fill);
}

/// What `fill` writes, behind its length in one octet.
fn vector8(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    fill(out);
    out[start] = u8::try_from(out.len() - start - 1).unwrap_or(u8::MAX);
}

/// What `fill` writes, behind its length in two octets.
fn vector16(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0, 0]);
    fill(out);
    let length = u16::try_from(out.len() - start - 2).unwrap_or(u16::MAX);
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: TlsVersion) -> ClientHello {
        ClientHello {
            version,
            suites: vec![Suite(0x1301), Suite(0xc02f)],
            groups: vec![Group::X25519],
            server_name: Some("mx.example".to_owned()),
            compression: true,
            fallback: false,
        }
    }

    #[test]
    fn lengths_agree_at_every_level() {
        for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls12, TlsVersion::Tls13] {
            let record = hello(version).to_record([7; 32]);
            let fragment = usize::from(u16::from_be_bytes([record[3], record[4]]));
            assert_eq!(fragment + 5, record.len(), "{version}");
            let message = u32::from_be_bytes([0, record[6], record[7], record[8]]) as usize;
            assert_eq!(message + 9, record.len(), "{version}");
        }
    }

    #[test]
    fn versions_show_where_the_standard_wants_them() {
        for (version, record_version, hello_version) in [
            (TlsVersion::Ssl3, [3, 0], [3, 0]),
            (TlsVersion::Tls10, [3, 1], [3, 1]),
            (TlsVersion::Tls12, [3, 1], [3, 3]),
            (TlsVersion::Tls13, [3, 1], [3, 3]),
        ] {
            let record = hello(version).to_record([7; 32]);
            assert_eq!((&record[1..3], &record[9..11]), (&record_version[..], &hello_version[..]));
        }
    }

    #[test]
    fn tls13_offers_neither_compression_nor_a_key() {
        let record = hello(TlsVersion::Tls13).to_record([7; 32]);
        assert!(record.windows(6).any(|part| part == [0, 51, 0, 2, 0, 0]), "empty key_share");
        // Random, session id and two suites stand before the compression methods.
        assert_eq!(record[9 + 2 + 32 + 33 + 6..][..2], [1, 0]);
    }

    #[test]
    fn ssl3_has_no_extensions_and_says_renegotiation_by_suite() {
        let record = hello(TlsVersion::Ssl3).to_record([7; 32]);
        assert_eq!(record[record.len() - 3..], [2, 1, 0]);
        assert!(record.windows(2).any(|part| part == [0x00, 0xff]));
    }
}
