//! What a verifying sender would say to a chain: every reason against it, each on its own.
//!
//! The verifier stops at its first objection; here dates, path and name are asked separately, so
//! that an expired certificate of an unknown issuer shows both. Refuses nothing: see `handshake`.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime, pem, pem::PemObject},
};
use webpki::EndEntityCert;
use x509_parser::{
    extensions::{ParsedExtension, X509Extension},
    prelude::{FromDer, X509Certificate},
};

use crate::tls::{AsAnchor, Certificate, TrustFlaw};

/// The anchors a verifying sender would use.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Shared: a copy for each visit would be most of what a visit costs.
    pub roots: Arc<RootCertStore>,
}

/// Why bytes give no trust anchors; says which certificate of the file is at fault.
#[derive(Debug)]
pub enum AnchorFault {
    /// Not one certificate in it.
    Empty,
    /// The certificate of this number cannot be read, or not as an anchor.
    NotAnAnchor(usize),
    NotPem(pem::Error),
}

impl Trust {
    /// Mozilla's anchors, compiled in.
    pub fn builtin() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self { roots: Arc::new(roots) }
    }

    /// These anchors and every certificate of `text`, which is PEM.
    pub fn and_pem(self, text: &[u8]) -> Result<Self, AnchorFault> {
        let mut roots = Arc::unwrap_or_clone(self.roots);
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(text) {
            count += 1;
            let certificate = certificate.map_err(AnchorFault::NotPem)?;
            roots.add(certificate).map_err(|_| AnchorFault::NotAnAnchor(count))?;
        }
        if count == 0 { Err(AnchorFault::Empty) } else { Ok(Self { roots: Arc::new(roots) }) }
    }

    /// All that is wrong with a chain for `host` at `now`: dates first, then path, then name.
    pub fn flaws(&self, chain: &Chain<'_>, host: &str, now: Timestamp) -> Vec<TrustFlaw> {
        let mut flaws = Vec::new();
        let leaf = chain.leaf();
        if now > leaf.not_after {
            flaws.push(TrustFlaw::Expired { not_after: leaf.not_after });
        } else if now < leaf.not_before {
            flaws.push(TrustFlaw::NotYetValid { not_before: leaf.not_before });
        }
        // The verifier would stop at those dates: it is asked about a moment when they held.
        let moment = now.min(leaf.not_after).max(leaf.not_before);
        self.path_flaws(chain, moment, &mut flaws);
        flaws.extend(name_flaw(chain, host));
        flaws
    }

    /// What is wrong between the leaf and an anchor.
    fn path_flaws(&self, chain: &Chain<'_>, moment: Timestamp, flaws: &mut Vec<TrustFlaw>) {
        // Asked first: the verifier has several names for a certificate that signs itself, depending
        // on what else stands in it, and none of them says so.
        if chain.signs_itself() {
            if !self.holds(&chain.der[0]) {
                flaws.push(TrustFlaw::SelfSigned);
            }
            return;
        }
        let mut verdict = path(&chain.der, &self.roots.roots, unix(moment));
        // A date further up; the leaf's own are known to fit. Then the rest, as if it did too.
        let date = match &verdict {
            Err(webpki::Error::CertExpired { not_after, .. }) => {
                Some((TrustFlaw::Expired { not_after: stamp(*not_after) }, *not_after))
            }
            Err(webpki::Error::CertNotValidYet { not_before, .. }) => {
                Some((TrustFlaw::NotYetValid { not_before: stamp(*not_before) }, *not_before))
            }
            _ => None,
        };
        if let Some((flaw, inside)) = date {
            // With dates of the leaf wrong too, the moment is made up and this may be our own doing.
            if flaws.is_empty() {
                flaws.push(flaw);
            }
            verdict = path(&chain.der, &self.roots.roots, inside);
        }
        match verdict {
            Ok(()) => {}
            Err(error) if is_about_dates(&error) => {}
            Err(webpki::Error::UnknownIssuer) => flaws.push(chain.unknown_issuer()),
            Err(other) => flaws.push(TrustFlaw::Other { reason: reason(&other) }),
        }
    }

    /// Whether this very certificate is an anchor.
    fn holds(&self, der: &CertificateDer<'_>) -> bool {
        let own = webpki::anchor_from_trusted_cert(der);
        own.is_ok_and(|own| self.roots.roots.contains(&own.to_owned()))
    }
}

/// A chain as sent and as facts, one certificate each, the server's own first.
pub struct Chain<'a> {
    der: Vec<CertificateDer<'a>>,
    facts: Vec<Certificate>,
}

impl<'a> Chain<'a> {
    /// Leaves out what cannot be read above the server's own certificate; `None` if that cannot.
    pub fn read(sent: &'a [CertificateDer<'a>]) -> Option<Self> {
        Certificate::from_der(sent.first()?).ok()?;
        let pair = |der: &'a CertificateDer<'a>| {
            let facts = Certificate::from_der(der).ok()?;
            Some((CertificateDer::from(der.as_ref()), facts))
        };
        let (der, facts) = sent.iter().filter_map(pair).unzip();
        Some(Self { der, facts })
    }

    /// The facts, with how each certificate above the server's own would do as anchor at `now`.
    pub fn into_facts(mut self, now: Timestamp) -> Vec<Certificate> {
        for position in 1..self.der.len() {
            self.facts[position].as_anchor = Some(self.as_anchor(position, now));
        }
        self.facts
    }

    fn as_anchor(&self, position: usize, now: Timestamp) -> AsAnchor {
        let anchor = match webpki::anchor_from_trusted_cert(&self.der[position]) {
            Ok(anchor) => anchor,
            Err(error) => return AsAnchor::Broken(reason(&error)),
        };
        let leaf = self.leaf();
        let path = |at: Timestamp| path(&self.der, std::slice::from_ref(&anchor), unix(at));
        let dated = |facts: &Certificate| facts.not_before <= now && now <= facts.not_after;
        match path(now) {
            // The verifier does not look at the dates of an anchor, and mail servers do.
            Ok(()) if dated(&self.facts[position]) => AsAnchor::Holds,
            Ok(()) => AsAnchor::OutOfDate,
            Err(error) if is_about_dates(&error) => {
                // At a moment when the leaf held, the rest of the path may show what else is wrong.
                match path(now.min(leaf.not_after).max(leaf.not_before)) {
                    Err(error) if !is_about_dates(&error) => AsAnchor::Broken(reason(&error)),
                    _ => AsAnchor::OutOfDate,
                }
            }
            Err(webpki::Error::UnknownIssuer) => {
                AsAnchor::Broken("it did not sign what stands below it".to_owned())
            }
            Err(error) => AsAnchor::Broken(reason(&error)),
        }
    }

    fn leaf(&self) -> &Certificate {
        &self.facts[0] // Never empty: `read` refused that.
    }

    /// Whether the leaf is its own issuer: by name, and by key identifier where it has both. An
    /// authority that shares its name with the server it signs for differs in the key.
    fn signs_itself(&self) -> bool {
        self.leaf().self_issued
            && X509Certificate::from_der(&self.der[0])
                .is_ok_and(|(_, leaf)| !issuer_key_differs(&leaf))
    }

    /// Nobody we know signed this chain. What is missing: an anchor, or a certificate between?
    fn unknown_issuer(&self) -> TrustFlaw {
        let leaf = self.leaf();
        let issuer_of = |below: &Certificate| {
            let mut others = self.facts[1..].iter();
            others.find(|above| above.subject == below.issuer && above.sha256 != below.sha256)
        };
        // Only the leaf's own issuer counts as missing: higher up, a certificate that was not sent is
        // more often a root nobody trusts, and those name a place to fetch them too.
        if issuer_of(leaf).is_none() && leaf.issuer_elsewhere.is_some() {
            return TrustFlaw::MissingIntermediate { issuer: leaf.issuer.clone() };
        }
        // No longer than the chain, lest two certificates that name each other turn us in circles.
        let mut top = leaf;
        for _ in &self.facts {
            match issuer_of(top) {
                Some(above) if !top.self_issued => top = above,
                _ => break,
            }
        }
        TrustFlaw::UnknownIssuer { issuer: top.issuer.clone() }
    }
}

/// Whether a path leads from the first certificate to one of `anchors` at that time.
fn path(
    chain: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    time: UnixTime,
) -> Result<(), webpki::Error> {
    let (leaf, others) = (&chain[0], &chain[1..]); // A chain is never empty.
    let leaf = EndEntityCert::try_from(leaf)?;
    let (algorithms, usage) = (webpki::ALL_VERIFICATION_ALGS, webpki::KeyUsage::server_auth());
    leaf.verify_for_usage(algorithms, anchors, others, time, usage, None, None).map(drop)
}

fn is_about_dates(error: &webpki::Error) -> bool {
    matches!(error, webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. })
}

/// Whether the issuer's key is named and is another than the certificate's own. RFC 5280 §4.2.1.1.
fn issuer_key_differs(certificate: &X509Certificate<'_>) -> bool {
    let extensions = || certificate.extensions().iter().map(X509Extension::parsed_extension);
    let own = extensions().find_map(|one| match one {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key),
        _ => None,
    });
    let issuer = extensions().find_map(|one| match one {
        ParsedExtension::AuthorityKeyIdentifier(authority) => authority.key_identifier.as_ref(),
        _ => None,
    });
    own.zip(issuer).is_some_and(|(own, issuer)| own != issuer)
}

/// Only subject alternative names count (RFC 6125 §6.4.4 lets verifiers do without the common name,
/// and today's do). A certificate the verifier cannot read fits no name.
fn name_flaw(chain: &Chain<'_>, host: &str) -> Option<TrustFlaw> {
    let name = ServerName::try_from(host);
    let fits = EndEntityCert::try_from(&chain.der[0])
        .ok()
        .zip(name.ok())
        .is_some_and(|(leaf, name)| leaf.verify_is_valid_for_subject_name(&name).is_ok());
    let presented = chain.leaf().names.clone();
    (!fits).then(|| TrustFlaw::WrongName { asked: host.to_owned(), presented })
}

/// The verifier's other objections in words, where we have any.
fn reason(error: &webpki::Error) -> String {
    use webpki::Error as E;
    let words = match error {
        E::CaUsedAsEndEntity => "a certificate for issuing stands in for a server's",
        E::InvalidSignatureForPublicKey => "a signature in the chain is wrong",
        E::NameConstraintViolation => "its issuer may not vouch for this name",
        E::PathLenConstraintViolated => "its issuer may not be that far from the root",
        E::RequiredEkuNotFoundContext(_) => "not made for servers (extended key usage)",
        E::UnsupportedCertVersion => "an X.509 certificate of version 1 or 2",
        E::UnsupportedCriticalExtension => "a critical extension that nobody knows",
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "signed in a way that is no longer accepted"
        }
        other => return format!("not verifiable ({other:?})"),
    };
    words.to_owned()
}

/// The verifier's own way to write a moment; nothing is valid before 1970.
fn unix(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().try_into().unwrap_or(0)))
}

fn stamp(at: UnixTime) -> Timestamp {
    let seconds = i64::try_from(at.as_secs()).ok();
    seconds.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(Timestamp::MAX)
}

impl std::error::Error for AnchorFault {}

impl fmt::Display for AnchorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "no certificate in it; expected PEM, which begins with -----BEGIN CERTIFICATE-----",
            ),
            Self::NotAnAnchor(count) => {
                write!(f, "certificate {count} in it cannot be read as a trust anchor")
            }
            Self::NotPem(error) => write!(f, "not PEM: {error}"),
        }
    }
}
