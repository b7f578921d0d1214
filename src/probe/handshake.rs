//! The TLS handshake that completes whatever the certificate is worth, and notes what it is worth.
//!
//! The only file that accepts an unverified certificate. Judges nothing: trust is a fact beside it.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jiff::Timestamp;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, NamedGroup,
    PeerIncompatible, ProtocolVersion, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, SupportedKxGroup,
        aws_lc_rs::{default_provider, kx_group},
        verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

use super::{Stream, Trust, dial, trust::Chain};
use crate::{
    survey::FaultKind,
    tls::{Certificate, Handshake, Hello, KeyProof, Question, TlsVersion},
};

/// Schemes that the library cannot check, offered so that a server which has nothing else still
/// answers: SHA-1, Ed448, and RSASSA-PSS with a key for that alone (RFC 8446 §4.2.3).
const UNCHECKED: [SignatureScheme; 6] = [
    SignatureScheme::ED448,
    SignatureScheme::Unknown(0x0809),
    SignatureScheme::Unknown(0x080a),
    SignatureScheme::Unknown(0x080b),
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SHA1_Legacy,
];

/// The hybrid group stands first, and only the first gets a key share, with its classical half.
static HYBRID: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    provider(&[
        kx_group::X25519MLKEM768,
        kx_group::X25519,
        kx_group::SECP256R1,
        kx_group::SECP384R1,
    ])
});

/// Short enough for middleboxes that choke on a hello of more than one segment.
static CLASSICAL: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| provider(&[kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1]));

/// Opens TLS over `stream` with the server called `host`; `now` dates the certificates.
pub async fn secure(
    stream: Box<dyn Stream>,
    hello: Hello,
    host: &str,
    trust: &Trust,
    now: Timestamp,
) -> Result<(Box<dyn Stream>, Handshake), FaultKind> {
    let (provider, algorithm) = match hello {
        Hello::Classical => (Arc::clone(&CLASSICAL), None),
        Hello::EcdsaOnly => (only("_ECDSA_"), Some("ECDSA_")),
        Hello::Hybrid => (Arc::clone(&HYBRID), None),
        Hello::RsaOnly => (only("_RSA_"), Some("RSA_")),
    };
    let witness =
        Arc::new(Witness { provider, algorithm, proof: Mutex::new(KeyProof::NotVerifiable) });
    let config = config(&witness).map_err(|error| failure(&error))?;
    // An address has no SNI (RFC 6066 §3); a host that is no name either is treated like one.
    let name = ServerName::try_from(host.to_owned())
        .unwrap_or(ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into()));
    // Dropping this future half-way drops the connection, which is what a broken handshake means.
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.map_err(|error| fault(&error))?;
    let handshake = facts(stream.get_ref().1, hello, host, trust, now);
    let handshake = handshake.ok_or_else(|| {
        FaultKind::TlsFailed("the server's certificate cannot be read".to_owned())
    })?;
    let handshake = Handshake { proof: witness.proof(), ..handshake };
    Ok((Box::new(stream), handshake))
}

/// The record that puts `question` to the server called `host`. No keys come of it.
pub fn hello_record(question: &Question, host: &str) -> Vec<u8> {
    // An address has no SNI, as above.
    let name = ServerName::try_from(host.to_owned()).ok();
    let name = name.filter(|name| matches!(name, ServerName::DnsName(_)));
    let mut chance = [0; 32];
    // Without chance the hello is still a hello: nothing is kept secret by it.
    let _ = CLASSICAL.secure_random.fill(&mut chance);
    question.hello(name.map(|name| name.to_str().into_owned())).to_record(chance)
}

/// What an error of a stream means, which may be one of TLS.
pub fn fault(error: &io::Error) -> FaultKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner.map_or_else(|| dial::fault(error), failure) {
        // Not the system's, so the library's own: what it was sent was more than it takes in.
        FaultKind::Io(words) if error.raw_os_error().is_none() => FaultKind::TlsFailed(words),
        kind => kind,
    }
}

/// What the library says, as far as people ask for it by name.
fn failure(error: &Error) -> FaultKind {
    match error {
        Error::AlertReceived(alert) => FaultKind::TlsAlert(u8::from(*alert)),
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            FaultKind::TlsTooOld
        }
        other => FaultKind::TlsFailed(other.to_string()),
    }
}

/// The provider is named, never taken from the process: a dependency may install another one.
fn provider(groups: &[&'static dyn SupportedKxGroup]) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: groups.to_vec(), ..default_provider() })
}

/// The classical one with such suites of TLS 1.2 alone; those of TLS 1.3 name no certificate.
fn only(part: &str) -> Arc<CryptoProvider> {
    let mut provider = CryptoProvider::clone(&CLASSICAL);
    provider.cipher_suites.retain(|suite| {
        let name = suite.suite().as_str().unwrap_or_default();
        name.starts_with("TLS13_") || name.contains(part)
    });
    Arc::new(provider)
}

fn config(witness: &Arc<Witness>) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&witness.provider))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as _)
        .with_no_client_auth();
    // Each visit stands for a sender that comes for the first time.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// `None` where a finished handshake left no certificate that can be read.
fn facts(
    connection: &ClientConnection,
    hello: Hello,
    host: &str,
    trust: &Trust,
    now: Timestamp,
) -> Option<Handshake> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
        ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
        _ => return None,
    };
    // The library writes TLS13_ where the registry has TLS_.
    let suite = connection.negotiated_cipher_suite()?.suite();
    let suite = suite.as_str()?.replacen("TLS13_", "TLS_", 1);
    let group = connection.negotiated_key_exchange_group();
    let sent = connection.peer_certificates()?;
    let chain = Chain::read(sent)?;
    let trust = trust.flaws(&chain, host, now);
    Some(Handshake {
        hello,
        version,
        suite,
        group: group.map(|group| group_name(group.name())),
        chain: chain.into_facts(now),
        trust,
        proof: KeyProof::NotVerifiable,
    })
}

/// By the registry's name; the library's own differ in case.
fn group_name(group: NamedGroup) -> String {
    match group {
        NamedGroup::X25519 => "x25519".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Stands where others verify. Lets every certificate through, and remembers whether the server
/// showed that it holds the key.
#[derive(Debug)]
struct Witness {
    /// Checks what it can.
    provider: Arc<CryptoProvider>,
    /// How the names of the schemes begin that are offered; `None` offers all.
    algorithm: Option<&'static str>,
    proof: Mutex<KeyProof>,
}

impl Witness {
    fn proof(&self) -> KeyProof {
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only a signature that is false by a key that can be checked ends the handshake: no sender
    /// could go on there.
    fn testify(
        &self,
        certificate: &CertificateDer<'_>,
        verdict: &Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        let proof = match verdict {
            Ok(_) => KeyProof::Shown,
            Err(Error::InvalidCertificate(CertificateError::BadSignature))
                if is_checkable(certificate) =>
            {
                return Err(CertificateError::BadSignature.into());
            }
            Err(_) => KeyProof::NotVerifiable,
        };
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) = proof;
        Ok(HandshakeSignatureValid::assertion())
    }
}

/// The library calls signatures of RSA keys outside these sizes bad, without a look at them.
fn is_checkable(certificate: &CertificateDer<'_>) -> bool {
    Certificate::from_der(certificate).is_ok_and(|facts| {
        facts.key.algorithm != "RSA"
            || facts.key.bits.is_some_and(|bits| (2048..=8192).contains(&bits))
    })
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verdict = verify_tls12_signature(message, certificate, signed, algorithms);
        self.testify(certificate, &verdict)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verdict = verify_tls13_signature(message, certificate, signed, algorithms);
        self.testify(certificate, &verdict)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let checked = self.provider.signature_verification_algorithms.supported_schemes();
        // Of those without a name of their own all are for RSA.
        let name = |scheme: SignatureScheme| scheme.as_str().unwrap_or("RSA_");
        let is_wanted = |scheme: &SignatureScheme| {
            self.algorithm.is_none_or(|algorithm| name(*scheme).starts_with(algorithm))
        };
        checked.into_iter().chain(UNCHECKED).filter(is_wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, pki_types::pem::PemObject};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn what_the_library_says_without_a_name_is_still_about_tls() {
        let full = io::Error::other("message buffer full");
        assert_eq!(fault(&full), FaultKind::TlsFailed("message buffer full".to_owned()));
        let odd = io::Error::from_raw_os_error(22);
        assert!(matches!(fault(&odd), FaultKind::Io(_)));
    }

    #[tokio::test]
    async fn a_server_that_picks_an_old_version_is_told_from_one_that_fails() {
        for version in [1, 2] {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            let server = async move {
                // TLS 1.0 is version 3.1 on the wire, TLS 1.1 is 3.2.
                let hello = [&[3, version], &[7; 32][..], &[0, 0x00, 0x2f, 0]].concat();
                let record = [&[22, 3, version, 0, 42, 2, 0, 0, 38][..], &hello].concat();
                let mut heard = [0; 5];
                theirs.read_exact(&mut heard).await.unwrap();
                theirs.write_all(&record).await.unwrap();
                // Whatever else is said, until we hang up.
                let _ = theirs.read_to_end(&mut Vec::new()).await;
            };
            let visit = async {
                let (trust, now) = (Trust::builtin(), Timestamp::UNIX_EPOCH);
                let done = secure(Box::new(ours), Hello::Hybrid, "mx.example", &trust, now).await;
                done.map(|(_, handshake)| handshake)
            };
            let (outcome, ()) = tokio::join!(visit, server);
            assert_eq!(outcome, Err(FaultKind::TlsTooOld), "TLS 3.{version}");
        }
    }

    fn bad_signature(certificate: &CertificateDer<'_>) -> Result<KeyProof, Error> {
        let witness = Witness {
            provider: Arc::clone(&CLASSICAL),
            algorithm: None,
            proof: Mutex::new(KeyProof::NotVerifiable),
        };
        witness.testify(certificate, &Err(CertificateError::BadSignature.into()))?;
        Ok(witness.proof())
    }

    #[test]
    fn a_bad_signature_ends_the_handshake_only_by_a_key_that_can_be_checked() {
        let short = include_bytes!("../../fixtures/certificates/rsa1024.pem");
        let short = CertificateDer::from_pem_slice(short).unwrap();
        assert_eq!(bad_signature(&short), Ok(KeyProof::NotVerifiable));
        let key = rcgen::KeyPair::generate().unwrap();
        let sound = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        assert_eq!(bad_signature(sound.der()), Err(CertificateError::BadSignature.into()));
    }

    #[test]
    fn alerts_keep_their_number_and_other_faults_their_words() {
        let wrapped = |error: Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (error, want) in [
            (
                wrapped(Error::AlertReceived(AlertDescription::HandshakeFailure)),
                FaultKind::TlsAlert(40),
            ),
            (
                wrapped(Error::DecryptError),
                FaultKind::TlsFailed("cannot decrypt peer's message".to_owned()),
            ),
            (io::ErrorKind::UnexpectedEof.into(), FaultKind::Closed),
            (io::ErrorKind::ConnectionReset.into(), FaultKind::Reset),
        ] {
            assert_eq!(fault(&error), want);
        }
    }
}
