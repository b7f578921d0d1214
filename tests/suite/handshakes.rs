//! Handshakes against servers of every worth: each is finished, and each reason for distrust is
//! named on its own. In memory, with real TLS.

use std::{fs, sync::Arc};

use mxparity::{
    probe::{
        Trust,
        handshake::secure,
        trust::{AnchorFault, Chain},
    },
    smtp::Text,
    survey::FaultKind,
    tls::{AsAnchor, Handshake, Hello, KeyProof, TlsVersion, TrustFlaw},
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    server::{Acceptor, ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::io::{AsyncReadExt, duplex};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::support::{
    authority::{Authority, HOST, NOON},
    golden,
};

/// A handshake for `host` with a server of this configuration.
async fn shake(
    server: Arc<ServerConfig>,
    hello: Hello,
    host: &str,
    trust: &Trust,
) -> Result<Handshake, FaultKind> {
    let (client, end) = duplex(1 << 16);
    let (outcome, _) = tokio::join!(
        secure(Box::new(client), hello, host, trust, NOON),
        TlsAcceptor::from(server).accept(end)
    );
    outcome.map(|(_, handshake)| handshake)
}

#[tokio::test]
async fn each_reason_for_distrust_stands_on_its_own() {
    let authority = Authority::new();
    let trust = authority.trust();
    let day = jiff::SignedDuration::from_hours(24);
    let expired = || TrustFlaw::Expired { not_after: NOON - day };
    let lapsed = || TrustFlaw::Expired { not_after: NOON - day * 10 };
    let early = || TrustFlaw::NotYetValid { not_before: NOON + day };
    let wrong = || {
        let presented = vec![Text::from("other.example")];
        TrustFlaw::WrongName { asked: HOST.to_owned(), presented }
    };
    let stranger = || TrustFlaw::UnknownIssuer { issuer: Text::from("CN=Example Stranger") };
    let missing =
        || TrustFlaw::MissingIntermediate { issuer: Text::from("CN=Example Intermediate") };
    for (worth, chain, want) in [
        ("good", 2, vec![]),
        ("expired", 2, vec![expired()]),
        ("not-yet-valid", 2, vec![early()]),
        ("lapsed-issuer", 2, vec![lapsed()]),
        ("lapsed-issuer wrong-name", 2, vec![lapsed(), wrong()]),
        ("wrong-name", 2, vec![wrong()]),
        ("self-signed", 1, vec![TrustFlaw::SelfSigned]),
        ("self-signed issuing", 1, vec![TrustFlaw::SelfSigned]),
        ("unknown-issuer", 2, vec![stranger()]),
        ("missing-intermediate", 1, vec![missing()]),
        ("expired unknown-issuer", 2, vec![expired(), stranger()]),
        ("not-yet-valid unknown-issuer wrong-name", 2, vec![early(), stranger(), wrong()]),
        ("expired missing-intermediate", 1, vec![expired(), missing()]),
        ("expired self-signed wrong-name", 1, vec![expired(), TrustFlaw::SelfSigned, wrong()]),
    ] {
        let seen = shake(authority.server(worth), Hello::Hybrid, HOST, &trust).await.unwrap();
        assert_eq!(seen.trust, want, "{worth}");
        assert_eq!((seen.chain.len(), seen.proof), (chain, KeyProof::Shown), "{worth}");
    }
}

/// What a TLSA record of usage 2 on a certificate above the server's own would come to.
#[tokio::test]
async fn each_certificate_above_the_servers_own_is_tried_as_anchor() {
    let authority = Authority::new();
    let trust = Trust::builtin();
    for (worth, want) in [
        ("good", vec![None, Some(AsAnchor::Holds)]),
        ("wrong-name", vec![None, Some(AsAnchor::Holds)]),
        ("unknown-issuer", vec![None, Some(AsAnchor::Holds)]),
        ("expired", vec![None, Some(AsAnchor::OutOfDate)]),
        ("lapsed-issuer", vec![None, Some(AsAnchor::OutOfDate)]),
        ("self-signed", vec![None]),
    ] {
        let seen = shake(authority.server(worth), Hello::Hybrid, HOST, &trust).await.unwrap();
        let anchors: Vec<_> = seen.chain.into_iter().map(|link| link.as_anchor).collect();
        assert_eq!(anchors, want, "{worth}");
    }
    let (good, _) = authority.chain("good");
    let (stranger, _) = authority.chain("self-signed issuing");
    let sent = [good[0].clone(), stranger[0].clone()];
    let facts = Chain::read(&sent).unwrap().into_facts(NOON);
    let reason = "it did not sign what stands below it".to_owned();
    assert_eq!(facts[1].as_anchor, Some(AsAnchor::Broken(reason)));
}

#[tokio::test]
async fn version_suite_and_group_are_what_both_agreed_on() {
    let authority = Authority::new();
    let trust = authority.trust();
    let (tls12, tls13) = (TlsVersion::Tls12, TlsVersion::Tls13);
    let old = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    for (server, hello, version, suite, group) in [
        ("", Hello::Hybrid, tls13, "TLS_AES_256_GCM_SHA384", "X25519MLKEM768"),
        ("", Hello::Classical, tls13, "TLS_AES_256_GCM_SHA384", "x25519"),
        ("classical", Hello::Hybrid, tls13, "TLS_AES_256_GCM_SHA384", "secp256r1"),
        ("classical 1.2", Hello::Hybrid, tls12, old, "secp256r1"),
        ("1.2", Hello::Classical, tls12, old, "x25519"),
    ] {
        let seen = shake(authority.server(server), hello, HOST, &trust).await.unwrap();
        assert_eq!((seen.hello, seen.version), (hello, version), "{server} {hello:?}");
        let agreed = (seen.suite.as_str(), seen.group.as_deref());
        assert_eq!(agreed, (suite, Some(group)), "{server} {hello:?}");
    }
}

#[tokio::test]
async fn the_classical_hello_fits_one_segment_and_the_hybrid_does_not() {
    for (hello, sizes) in [(Hello::Classical, 150..600), (Hello::Hybrid, 1200..2000)] {
        let (client, mut end) = duplex(1 << 16);
        let trust = Trust::builtin();
        let first = async {
            let mut buffer = vec![0; 1 << 14];
            end.read(&mut buffer).await.unwrap()
        };
        tokio::select! {
            size = first => assert!(sizes.contains(&size), "{hello:?}: {size} octets"),
            _ = secure(Box::new(client), hello, HOST, &trust, NOON) => unreachable!("no answer"),
        }
    }
}

#[tokio::test]
async fn the_name_asked_for_is_the_host_unless_that_is_an_address() {
    for (host, want) in [("mx.example", Some("mx.example")), ("192.0.2.1", None), ("a b", None)] {
        let (client, end) = duplex(1 << 16);
        let trust = Trust::builtin();
        let heard = async {
            let start = LazyConfigAcceptor::new(Acceptor::default(), end).await.unwrap();
            start.client_hello().server_name().map(str::to_owned)
        };
        let (_, name) =
            tokio::join!(secure(Box::new(client), Hello::Classical, host, &trust, NOON), heard);
        assert_eq!(name.as_deref(), want, "{host}");
    }
}

#[tokio::test]
async fn a_host_that_is_an_address_is_not_the_name_of_a_certificate() {
    let authority = Authority::new();
    let seen = shake(authority.server("good"), Hello::Hybrid, "192.0.2.1", &authority.trust())
        .await
        .unwrap();
    let presented = vec![Text::from(HOST)];
    let wrong = TrustFlaw::WrongName { asked: "192.0.2.1".to_owned(), presented };
    assert_eq!(seen.trust, [wrong]);
}

#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_is_no_server() {
    let authority = Authority::new();
    let ((chain, _), (_, key)) = (authority.chain("good"), authority.chain("good"));
    let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let impostor = Arc::new(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysThis(impostor)));
    let seen = shake(Arc::new(config), Hello::Hybrid, HOST, &authority.trust()).await;
    let want = "invalid peer certificate: BadSignature".to_owned();
    assert_eq!(seen, Err(FaultKind::TlsFailed(want)));
}

#[derive(Debug)]
struct AlwaysThis(Arc<CertifiedKey>);

impl ResolvesServerCert for AlwaysThis {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[test]
fn certificates_of_old_are_appraised_like_others() {
    let read = |name: &str| fs::read(golden::fixture(&format!("certificates/{name}"))).unwrap();
    let trust = Trust::builtin().and_pem(&read("ca.pem")).unwrap();
    let outdated = "signed in a way that is no longer accepted".to_owned();
    let nameless = TrustFlaw::WrongName { asked: HOST.to_owned(), presented: vec![] };
    for (name, key, signature, want) in [
        ("rsa1024.pem", "RSA 1024", "sha256WithRSA", vec![]),
        ("sha1.pem", "RSA 2048", "sha1WithRSA", vec![TrustFlaw::Other { reason: outdated }]),
        ("v1.pem", "RSA 2048", "sha256WithRSA", vec![TrustFlaw::SelfSigned, nameless]),
    ] {
        let sent = [CertificateDer::from_pem_slice(&read(name)).unwrap()];
        let chain = Chain::read(&sent).unwrap();
        assert_eq!(trust.flaws(&chain, HOST, NOON), want, "{name}");
        let facts = &chain.into_facts(NOON)[0];
        assert_eq!((facts.key.to_string().as_str(), facts.signature.as_str()), (key, signature));
    }
}

#[test]
fn an_anchor_of_the_user_makes_its_own_certificate_good() {
    let authority = Authority::new();
    for worth in ["self-signed", "self-signed issuing"] {
        let (sent, _) = authority.chain(worth);
        let mut roots = RootCertStore::empty();
        roots.add(sent[0].clone()).unwrap();
        let trust = Trust { roots: Arc::new(roots) };
        assert_eq!(trust.flaws(&Chain::read(&sent).unwrap(), HOST, NOON), [], "{worth}");
    }
}

#[test]
fn what_gives_no_anchors_says_why() {
    let block = |body| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let good = fs::read_to_string(golden::fixture("certificates/ca.pem")).unwrap();
    for (text, want) in [
        (String::new(), "no certificate in it; expected PEM"),
        ("hello".to_owned(), "no certificate in it; expected PEM"),
        (block("!!!"), "not PEM: base64 decode error"),
        (block("aGVsbG8="), "certificate 1 in it cannot be read as a trust anchor"),
        (good + &block("aGVsbG8="), "certificate 2 in it cannot be read as a trust anchor"),
    ] {
        let fault: AnchorFault = Trust::builtin().and_pem(text.as_bytes()).unwrap_err();
        assert!(fault.to_string().starts_with(want), "{fault}");
    }
}
