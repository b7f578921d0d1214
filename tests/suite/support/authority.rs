//! Certificates of every worth, made on the spot by an authority of the tests.
//!
//! All of them are dated around [`NOON`]. Writes no file.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use mxparity::probe::Trust;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};

/// 2027-06-01, when all tests take place.
pub const NOON: Timestamp = Timestamp::constant(1_811_851_200, 0);

/// The name every server certificate is for, unless it is wrong.
pub const HOST: &str = "mx.example";

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A root, an intermediate, and a root that nobody knows.
pub struct Authority {
    root: Ca,
    intermediate: Ca,
    stranger: Ca,
}

impl Authority {
    pub fn new() -> Self {
        let root = CertifiedIssuer::self_signed(issuing("Root"), key()).unwrap();
        let intermediate =
            CertifiedIssuer::signed_by(issuing("Intermediate"), key(), &root).unwrap();
        let stranger = CertifiedIssuer::self_signed(issuing("Stranger"), key()).unwrap();
        Self { root, intermediate, stranger }
    }

    /// The built-in anchors and this root.
    pub fn trust(&self) -> Trust {
        Trust::builtin().and_pem(self.root.pem().as_bytes()).unwrap()
    }

    /// A chain of the worth that `word` names, with its key.
    pub fn chain(&self, word: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = key();
        let name = if word.contains("wrong-name") { "other.example" } else { HOST };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let days = if word.contains("expired") {
            (-90, -1)
        } else if word.contains("not-yet") {
            (1, 90)
        } else {
            (-30, 60)
        };
        date(&mut params, days);
        if word.contains("missing-intermediate") {
            params.custom_extensions.push(issuer_elsewhere("http://ca.example/i.der"));
        }
        let (leaf, above) = if word.contains("self-signed") {
            if word.contains("issuing") {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            (params.self_signed(&key).unwrap(), vec![])
        } else if word.contains("unknown-issuer") {
            let root = self.stranger.der().clone();
            (params.signed_by(&key, &self.stranger).unwrap(), vec![root])
        } else if word.contains("missing-intermediate") {
            (params.signed_by(&key, &self.intermediate).unwrap(), vec![])
        } else if word.contains("lapsed-issuer") {
            let mut lapsed = issuing("Lapsed Intermediate");
            date(&mut lapsed, (-400, -10));
            let lapsed = CertifiedIssuer::signed_by(lapsed, self::key(), &self.root).unwrap();
            (params.signed_by(&key, &lapsed).unwrap(), vec![lapsed.der().clone()])
        } else {
            let above = self.intermediate.der().clone();
            (params.signed_by(&key, &self.intermediate).unwrap(), vec![above])
        };
        let chain = std::iter::once(leaf.der().clone()).chain(above).collect();
        (chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    /// A server that shows such a chain; `word` may also say `1.2` or `classical`.
    pub fn server(&self, word: &str) -> Arc<ServerConfig> {
        let (chain, key) = self.chain(word);
        let mut provider = aws_lc_rs::default_provider();
        if word.contains("classical") {
            provider.kx_groups = vec![aws_lc_rs::kx_group::SECP256R1];
        }
        let versions = if word.contains("1.2") { vec![&TLS12] } else { vec![&TLS13, &TLS12] };
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config)
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn issuing(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, format!("Example {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    date(&mut params, (-1000, 1000));
    params
}

/// Dates, in days from [`NOON`].
fn date(params: &mut CertificateParams, (from, to): (i64, i64)) {
    let at = |days: i64| {
        let seconds = (NOON + SignedDuration::from_hours(24 * days)).as_second();
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap())
    };
    (params.not_before, params.not_after) = (at(from), at(to));
}

/// Authority information access with id-ad-caIssuers and a URI. RFC 5280 §4.2.2.1.
fn issuer_elsewhere(uri: &str) -> CustomExtension {
    let wrap =
        |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let method = wrap(0x06, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);
    let place = wrap(0x86, uri.as_bytes());
    let access = wrap(0x30, &wrap(0x30, &[method, place].concat()));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access)
}
