//! The fleet's authorities and the certificates of its servers.
//!
//! Keys are fixed and public; dates count from the `now` that is passed in, so that equal worlds at
//! equal times have equal certificates. Trusted by nobody but a run over the fleet.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SerialNumber, SignatureAlgorithm,
};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version,
};
use sha2::{Digest, Sha256, Sha512};
use x509_parser::parse_x509_certificate;

use super::{
    promises::{TlsaWord, Whose},
    short::{self, der},
    words::{CertWord, KeyWord, SignatureWord, VersionWord},
    world::{Second, Server, WorldFault},
};
use crate::policy::TlsaRecord;

const DAY: i64 = 24 * 60 * 60;

/// What a certificate lasts beyond its days, so that a demo does not show a day less.
const GRACE: i64 = 60;

/// Where a certificate without its intermediate says that it could be fetched.
const ISSUER_PLACE: &str = "http://ca.fleet.example/intermediate.der";

/// The authorities of the fleet.
pub struct Authority {
    now: i64,
    root: CertificateDer<'static>,
    intermediate: Party,
    intermediate_sent: CertificateDer<'static>,
    stranger: Party,
    stranger_sent: CertificateDer<'static>,
}

/// Shows the first certificate that a client can do with.
#[derive(Debug)]
struct FirstFit(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for FirstFit {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |certified: &&Arc<CertifiedKey>| {
            certified.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        // Whom none fits is told so by the library.
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}

/// Somebody with a name and a key.
struct Party {
    params: CertificateParams,
    key: Key,
    pem: &'static str,
}

enum Key {
    Common(KeyPair),
    Short(short::Key),
}

impl Authority {
    pub fn new(now: Timestamp) -> Result<Self, WorldFault> {
        let now = now.as_second();
        let root = Party::authority("Fleet Root", include_str!("keys/root.pem"), now)?;
        let mut intermediate =
            Party::authority("Fleet Intermediate", include_str!("keys/intermediate.pem"), now)?;
        intermediate.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let stranger = Party::authority("Unheard-of Root", include_str!("keys/stranger.pem"), now)?;
        let sha256 = SignatureWord::Sha256;
        Ok(Self {
            now,
            root: root.sign(&root, sha256)?,
            intermediate_sent: root.sign(&intermediate, sha256)?,
            intermediate,
            stranger_sent: stranger.sign(&stranger, sha256)?,
            stranger,
        })
    }

    /// The anchor that a run over the fleet has to trust.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// How `server`, by the name of `host`, speaks TLS.
    pub fn config(&self, host: &str, server: &Server) -> Result<Arc<ServerConfig>, WorldFault> {
        let mut provider = aws_lc_rs::default_provider();
        if !server.post_quantum {
            provider.kx_groups.retain(|group| !format!("{:?}", group.name()).contains("MLKEM"));
        }
        let highest = match server.key {
            KeyWord::Rsa1024 => VersionWord::Tls12,
            KeyWord::P256 | KeyWord::Rsa2048 => server.tls_max.unwrap_or(VersionWord::Tls13),
        };
        let lowest = server.tls_min.unwrap_or(VersionWord::Tls12);
        let versions: Vec<_> =
            [(VersionWord::Tls12, &version::TLS12), (VersionWord::Tls13, &version::TLS13)]
                .into_iter()
                .filter(|(word, _)| (lowest..=highest).contains(word))
                .map(|(_, version)| version)
                .collect();
        let mut certified = vec![Arc::new(self.certified(host, server, &provider)?)];
        if let Some(Second { cert, key }) = server.second {
            let second = Server { cert, key, ..server.clone() };
            certified.push(Arc::new(self.certified(host, &second, &provider)?));
        }
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)
            .map_err(fault)?;
        let resolver = Arc::new(FirstFit(certified));
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.send_tls13_tickets = 0; // Nobody comes back with one.
        Ok(Arc::new(config))
    }

    /// The certificates that `server`, by the name of `host`, sends.
    pub fn chain(&self, host: &str, server: &Server) -> Result<Vec<Vec<u8>>, WorldFault> {
        let certified = self.certified(host, server, &aws_lc_rs::default_provider())?;
        Ok(certified.cert.iter().map(|der| der.to_vec()).collect())
    }

    /// The TLSA record that `word` stands for at `server`, by the name of `host`.
    pub fn tlsa(
        &self,
        word: &TlsaWord,
        host: &str,
        server: &Server,
    ) -> Result<TlsaRecord, WorldFault> {
        let Some(whose) = word.of else { return Ok(word.record.clone()) };
        let sent = self.chain(host, server)?;
        let certificate = match whose {
            Whose::Own => sent[0].clone(),
            Whose::Issuer => sent.get(1).cloned().unwrap_or(self.intermediate_sent.to_vec()),
            Whose::Root => self.root.to_vec(),
            Whose::Other => der(0x30, b"something else"),
        };
        let selected = match word.record.selector {
            1 if whose != Whose::Other => {
                parse_x509_certificate(&certificate).map_err(fault)?.1.public_key().raw.to_vec()
            }
            _ => certificate,
        };
        let data = match word.record.matching {
            1 => Sha256::digest(&selected).to_vec(),
            2 => Sha512::digest(&selected).to_vec(),
            _ => selected,
        };
        Ok(TlsaRecord { data, ..word.record })
    }

    fn certified(
        &self,
        host: &str,
        server: &Server,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, WorldFault> {
        let leaf = self.leaf(host, server)?;
        let signed = |by: &Party| by.sign(&leaf, server.signature);
        let chain = match server.cert {
            CertWord::SelfSigned => vec![signed(&leaf)?],
            CertWord::UnknownIssuer => vec![signed(&self.stranger)?, self.stranger_sent.clone()],
            CertWord::MissingIntermediate => vec![signed(&self.intermediate)?],
            CertWord::Expired | CertWord::Good | CertWord::NotYetValid | CertWord::WrongName => {
                vec![signed(&self.intermediate)?, self.intermediate_sent.clone()]
            }
        };
        let key = match leaf.key {
            Key::Common(_) => {
                let key = PrivateKeyDer::from_pem_slice(leaf.pem.as_bytes()).map_err(fault)?;
                provider.key_provider.load_private_key(key).map_err(fault)?
            }
            Key::Short(key) => Arc::new(key),
        };
        Ok(CertifiedKey::new(chain, key))
    }

    fn leaf(&self, host: &str, server: &Server) -> Result<Party, WorldFault> {
        let lifetime = server.lifetime.unwrap_or(90) * DAY;
        let not_after = match server.cert {
            CertWord::Expired => self.now - 10 * DAY,
            CertWord::NotYetValid => self.now + 10 * DAY + lifetime,
            _ => self.now + server.days_left.unwrap_or(60) * DAY + GRACE,
        };
        let name = match server.cert {
            CertWord::WrongName => "somewhere.provider.example",
            _ => host,
        };
        let pem = match server.key {
            KeyWord::P256 => include_str!("keys/leaf-p256.pem"),
            KeyWord::Rsa1024 => include_str!("keys/leaf-rsa1024.pem"),
            KeyWord::Rsa2048 => include_str!("keys/leaf-rsa2048.pem"),
        };
        let mut leaf = Party::new(name, pem, not_after - lifetime..not_after)?;
        let params = &mut leaf.params;
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().map_err(fault)?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        if server.cert == CertWord::MissingIntermediate {
            params.custom_extensions = vec![issuer_elsewhere()];
        }
        Ok(leaf)
    }
}

impl Party {
    fn new(
        name: &str,
        pem: &'static str,
        validity: std::ops::Range<i64>,
    ) -> Result<Self, WorldFault> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.start);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(validity.end);
        let identity = Sha256::digest(format!("{name} {validity:?}"));
        params.serial_number = Some(SerialNumber::from_slice(&identity[..16]));
        let key = match KeyPair::from_pem_and_sign_algo(pem, &rcgen::PKCS_RSA_SHA256) {
            Ok(key) => Key::Common(key),
            Err(_) => match short::Key::from_pem(pem) {
                Some(key) => Key::Short(key),
                None => Key::Common(KeyPair::from_pem(pem).map_err(fault)?),
            },
        };
        Ok(Self { params, key, pem })
    }

    fn authority(name: &str, pem: &'static str, now: i64) -> Result<Self, WorldFault> {
        let mut party = Self::new(name, pem, now - 1000 * DAY..now + 1000 * DAY)?;
        party.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        party.params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(party)
    }

    /// A certificate for `other`, from this one.
    fn sign(
        &self,
        other: &Self,
        hash: SignatureWord,
    ) -> Result<CertificateDer<'static>, WorldFault> {
        let (params, public) = (&other.params, &other.key);
        if let (Key::Common(key), SignatureWord::Sha256) = (&self.key, hash) {
            let made = params.signed_by(public, &Issuer::from_params(&self.params, key));
            return Ok(made.map_err(fault)?.der().clone());
        }
        let Some(key) = short::Key::from_pem(self.pem) else {
            return Err(WorldFault("only RSA keys sign with SHA-1 here".to_owned()));
        };
        let pen = short::Pen { key, hash };
        let made = params.signed_by(public, &Issuer::from_params(&self.params, &pen));
        let made = made.map_err(fault)?;
        Ok(match hash {
            SignatureWord::Sha1 => short::relabelled(made.der()).into(),
            SignatureWord::Sha256 => made.der().clone(),
        })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Common(key) => key.der_bytes(),
            Self::Short(key) => key.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Common(key) => key.algorithm(),
            Self::Short(key) => PublicKeyData::algorithm(key),
        }
    }
}

/// The authority information access extension. RFC 5280 §4.2.2.1.
fn issuer_elsewhere() -> CustomExtension {
    const EXTENSION: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let access = [der(0x06, CA_ISSUERS), der(0x86, ISSUER_PLACE.as_bytes())].concat();
    CustomExtension::from_oid_content(EXTENSION, der(0x30, &der(0x30, &access)))
}

/// Certificates of the fleet begin after 1970, whatever a world asks for.
fn since_epoch(second: i64) -> Duration {
    Duration::from_secs(u64::try_from(second).unwrap_or(0))
}

fn fault(error: impl std::fmt::Display) -> WorldFault {
    WorldFault(format!("certificate cannot be made: {error}"))
}
