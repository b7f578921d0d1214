//! Signatures that today's libraries no longer make: RSA with 1024 bits, and SHA-1.
//!
//! So that the fleet can show what old hosts still show. Signs with public demo keys only; guards
//! nothing, and is written to be short, not fast or free of side channels.

use num_bigint::BigUint;
use rcgen::PublicKeyData;
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::Signer,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::der_parser::der::parse_der_sequence;

use super::words::SignatureWord;

/// `DigestInfo` in front of a hash. RFC 8017 §9.2, note 1.
const SHA1_INFO: &[u8] =
    &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// An RSA key of any size.
#[derive(Clone, Debug)]
pub struct Key {
    modulus: BigUint,
    private: BigUint,
    /// `RSAPublicKey`, RFC 8017 §A.1.1.
    public: Vec<u8>,
}

/// A key that signs certificates with a hash of choice.
#[derive(Clone, Debug)]
pub struct Pen {
    pub key: Key,
    pub hash: SignatureWord,
}

impl Key {
    /// Reads a PKCS #1 key; `None` for anything else.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let PrivateKeyDer::Pkcs1(key) = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? else {
            return None;
        };
        let (_, parsed) = parse_der_sequence(key.secret_pkcs1_der()).ok()?;
        let number = |at: usize| parsed.as_sequence().ok()?.get(at)?.as_biguint().ok();
        let (modulus, exponent, private) = (number(1)?, number(2)?, number(3)?);
        let public = der(0x30, &[integer(&modulus), integer(&exponent)].concat());
        Some(Self { modulus, private, public })
    }

    /// RSASSA-PKCS1-v1_5, RFC 8017 §8.2.1.
    fn sign(&self, message: &[u8], hash: SignatureWord) -> Vec<u8> {
        let (info, digest) = match hash {
            SignatureWord::Sha1 => (SHA1_INFO, Sha1::digest(message).to_vec()),
            SignatureWord::Sha256 => (SHA256_INFO, Sha256::digest(message).to_vec()),
        };
        let length = self.modulus.to_bytes_be().len();
        let padding = vec![0xff; length - 3 - info.len() - digest.len()];
        let block = [&[0, 1], padding.as_slice(), &[0], info, &digest].concat();
        let signature = BigUint::from_bytes_be(&block).modpow(&self.private, &self.modulus);
        let bytes = signature.to_bytes_be();
        [vec![0; length - bytes.len()], bytes].concat()
    }
}

/// Rewrites the algorithm of a certificate, or of the part that is signed, from
/// sha256WithRSAEncryption to sha1WithRSAEncryption: their OIDs differ in the last octet.
pub fn relabelled(certificate: &[u8]) -> Vec<u8> {
    const SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let mut bytes = certificate.to_vec();
    let places = certificate.windows(SHA256.len()).enumerate().filter(|(_, at)| *at == SHA256);
    for (at, _) in places {
        bytes[at + SHA256.len() - 1] = 0x05;
    }
    bytes
}

/// One DER value, of at most 65,535 octets.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let length: &[u8] = match (high, low) {
        (0, 0..=127) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, content].concat()
}

fn integer(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    // A leading one would make the number negative.
    let sign: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
    der(0x02, &[sign, &bytes].concat())
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl PublicKeyData for Pen {
    fn der_bytes(&self) -> &[u8] {
        &self.key.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Pen {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let relabel = self.hash == SignatureWord::Sha1;
        let message = if relabel { relabelled(message) } else { message.to_vec() };
        Ok(self.key.sign(&message, self.hash))
    }
}

/// For the handshake: TLS 1.2 takes this scheme, TLS 1.3 wants another. RFC 8446 §4.2.3.
impl rustls::sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = || Box::new(self.clone()) as Box<dyn Signer>;
        offered.contains(&SignatureScheme::RSA_PKCS1_SHA256).then(signer)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(Self::sign(self, message, SignatureWord::Sha256))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PKCS1_SHA256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_here_verifies_elsewhere() {
        let pem = include_str!("keys/leaf-rsa2048.pem");
        let key = Key::from_pem(pem).unwrap();
        let theirs = rcgen::KeyPair::from_pem_and_sign_algo(pem, &rcgen::PKCS_RSA_SHA256).unwrap();
        assert_eq!(key.der_bytes(), theirs.der_bytes());
        // This kind of signature has no chance in it: two makers must agree to the bit.
        let want = rcgen::SigningKey::sign(&theirs, b"message").unwrap();
        assert_eq!(key.sign(b"message", SignatureWord::Sha256), want);
    }

    #[test]
    fn lengths_are_written_as_der_wants_them() {
        for (length, head) in [(0, vec![4, 0]), (127, vec![4, 127]), (128, vec![4, 0x81, 128])]
            .into_iter()
            .chain([(300, vec![4, 0x82, 1, 44])])
        {
            assert_eq!(der(4, &vec![7; length]), [head, vec![7; length]].concat());
        }
    }
}
