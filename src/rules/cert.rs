//! CERT rules: whom the mail is handed to, as far as the server's certificate proves it.
//!
//! Graded as for senders to whom nothing was promised, who encrypt to any certificate and check none;
//! certificates under a promise are for `dane` and `sts`. The
//! server's own certificate counts, the rest of the chain for weak keys and signatures only.
//! Verifies nothing itself: what a verifying sender would object to arrives as facts. Whether
//! certificates are renewed in time is for `renewal`.

use std::fmt;

use super::{Case, Evidence, Spot, View, promise, strength};
use crate::{
    survey::{Observation, Role},
    tls::{Certificate, Handshake, TrustFlaw},
};

pub fn certificate_expired(view: &View<'_>) -> Vec<Case> {
    distrusted(view, |flaw| matches!(flaw, TrustFlaw::Expired { .. }))
}

pub fn certificate_untrusted(view: &View<'_>) -> Vec<Case> {
    distrusted(view, |flaw| {
        matches!(
            flaw,
            TrustFlaw::NotYetValid { .. }
                | TrustFlaw::Other { .. }
                | TrustFlaw::SelfSigned
                | TrustFlaw::UnknownIssuer { .. }
        )
    })
}

pub fn certificate_name_mismatch(view: &View<'_>) -> Vec<Case> {
    distrusted(view, |flaw| matches!(flaw, TrustFlaw::WrongName { .. }))
}

/// Takes the place of CERT01, CERT03, CERT04 and CERT08 on a backup: its evidence has each reason.
pub fn backup_certificate_weaker(view: &View<'_>) -> Vec<Case> {
    let Some(primary) = verified_primary(view) else {
        return Vec::new();
    };
    let reference = primary
        .endpoint
        .handshake()
        .map(|(visit, _)| primary.exchange(visit, "tls.trust", "verified", "STARTTLS"));
    let opportunistic = view.backups().filter(|seat| !promise::covers(view, *seat));
    let weaker = opportunistic.flat_map(|seat| seat.cases(|spot| flawed(spot, |_| true)));
    let compared = weaker.map(|case| case.against(primary.seat.subject()));
    compared.map(|case| reference.iter().cloned().fold(case, Case::seen)).collect()
}

pub fn certificate_key_short(view: &View<'_>) -> Vec<Case> {
    let short = |position: usize, certificate: &Certificate, _: usize| {
        let key = &certificate.key;
        let floor = match key.algorithm.as_str() {
            "EC" => 256,
            "RSA" => 2048,
            _ => return None,
        };
        // A root is trusted for being in the store; the server's own certificate never for that.
        let root = position > 0 && certificate.self_issued;
        (!root && key.bits? < floor).then(|| key.to_string())
    };
    weak_links(view, "key", short)
}

pub fn certificate_signature_weak(view: &View<'_>) -> Vec<Case> {
    let weak = |position: usize, certificate: &Certificate, length: usize| {
        let signature = certificate.signature.to_ascii_lowercase();
        let broken = ["md2", "md5", "sha1"].iter().any(|hash| signature.contains(hash));
        // Nobody is convinced by what a certificate says of itself, so that a root's signature
        // may be anything.
        let root = position + 1 == length && certificate.self_issued;
        (broken && !root).then(|| certificate.signature.clone())
    };
    weak_links(view, "signature", weak)
}

pub fn certificate_chain_incomplete(view: &View<'_>) -> Vec<Case> {
    distrusted(view, |flaw| matches!(flaw, TrustFlaw::MissingIntermediate { .. }))
}

/// Cases of a certificate that a verifying sender would not accept, for those of its flaws that
/// `pick` wants. Backups are left to CERT05 where the primary tier verifies.
///
/// Where DANE or MTA-STS say what a certificate has to be, their own rules judge it: it is worse
/// than here, or nothing at all.
fn distrusted(view: &View<'_>, pick: fn(&TrustFlaw) -> bool) -> Vec<Case> {
    let compared = verified_primary(view).is_some();
    let seats = view.seats().filter(|seat| seat.role == Role::Primary || !compared);
    seats
        .filter(|seat| !promise::covers(view, *seat))
        .flat_map(|seat| seat.cases(|spot| flawed(spot, pick)))
        .collect()
}

fn flawed(spot: &Spot<'_>, pick: fn(&TrustFlaw) -> bool) -> Option<Case> {
    let flaws = spot.endpoint.certificates().flat_map(|(visit, fact, handshake)| {
        let flaws = handshake.trust.iter().filter(|flaw| pick(flaw));
        flaws.map(move |flaw| spot.exchange(visit, &format!("{fact}.trust"), flaw, "STARTTLS"))
    });
    flaws.fold(None, |case, seen| Some(case.unwrap_or_else(|| spot.case()).seen(seen)))
}

/// An address of the primary tier, if every known certificate of that tier verifies.
fn verified_primary<'a>(view: &View<'a>) -> Option<Spot<'a>> {
    let verified = |spot: &Spot<'a>| {
        let shown = spot.endpoint.certificates().map(|(_, _, handshake)| handshake.is_verified());
        shown.reduce(|one, other| one && other)
    };
    let (spot, verified) = strength::reference(view, verified)?;
    verified.then_some(spot)
}

/// Cases of certificates anywhere in a chain that `weak` has something to say of, given the
/// place, the certificate and the length of the chain.
fn weak_links(
    view: &View<'_>,
    part: &str,
    weak: impl Fn(usize, &Certificate, usize) -> Option<String>,
) -> Vec<Case> {
    view.cases(|spot| {
        // Two chains may end alike: each certificate counts once.
        let mut known: Vec<&str> = Vec::new();
        let mut evidence: Vec<Evidence> = Vec::new();
        for (visit, fact, Handshake { chain, .. }) in spot.endpoint.certificates() {
            for (at, link) in chain.iter().enumerate() {
                if known.contains(&link.sha256.as_str()) {
                    continue;
                }
                let saw = weak(at, link, chain.len());
                evidence.extend(saw.map(|saw| of_chain(spot, visit, fact, (at, part), saw)));
            }
            known.extend(chain.iter().map(|link| link.sha256.as_str()));
        }
        (!evidence.is_empty()).then(|| evidence.into_iter().fold(spot.case(), Case::seen))
    })
}

/// One part of one certificate of a chain, as evidence; `fact` is the handshake that showed it.
pub fn of_chain<'a>(
    spot: &Spot<'a>,
    visit: &'a Observation,
    fact: &str,
    (position, part): (usize, &str),
    saw: impl fmt::Display,
) -> Evidence {
    spot.exchange(visit, &format!("{fact}.chain.{position}.{part}"), saw, "STARTTLS")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{super::sketch::*, *};
    use crate::{smtp::Text, tls::KeyKind};

    fn root(certificate: Certificate) -> Certificate {
        Certificate { self_issued: true, ..certificate }
    }

    #[test]
    fn each_reason_has_its_rule_and_a_better_primary_gathers_them() {
        let flaws = || {
            vec![
                TrustFlaw::Expired { not_after: Timestamp::UNIX_EPOCH },
                TrustFlaw::UnknownIssuer { issuer: Text::from("CN=Own") },
                TrustFlaw::WrongName {
                    asked: "mx.even.example".to_owned(),
                    presented: vec![Text::from("localhost")],
                },
                TrustFlaw::MissingIntermediate { issuer: Text::from("CN=Own") },
            ]
        };
        let saw = [
            "tls.trust expired on 1970-01-01",
            "tls.trust unknown issuer CN=Own",
            "tls.trust for localhost, not mx.even.example",
            "tls.trust issuer CN=Own not sent",
        ];
        let checks: [fn(&View<'_>) -> Vec<Case>; 4] = [
            certificate_expired,
            certificate_untrusted,
            certificate_name_mismatch,
            certificate_chain_incomplete,
        ];
        let alone = alone(vec![doubted(flaws())]);
        let behind = survey(vec![vec![vec![doubted(vec![])]], vec![vec![doubted(flaws())]]]);
        for (check, saw) in checks.into_iter().zip(saw) {
            assert_eq!(judged(&alone, check), [format!("High mx1.even.example: {saw}")]);
            assert!(judged(&behind, check).is_empty(), "{saw}");
        }
        assert!(judged(&alone, backup_certificate_weaker).is_empty());
        let all = saw.join("; ");
        let want =
            format!("High mx2.even.example against mx1.even.example: {all}; tls.trust verified");
        assert_eq!(judged(&behind, backup_certificate_weaker), [want]);
    }

    #[test]
    fn only_the_address_that_shows_it_is_named() {
        let seen =
            survey(vec![vec![vec![doubted(vec![])], vec![doubted(vec![TrustFlaw::SelfSigned])]]]);
        let want = "High mx1.even.example [192.0.2.11]: tls.trust self-signed";
        assert_eq!(judged(&seen, certificate_untrusted), [want]);
    }

    #[test]
    fn short_keys_count_below_the_root() {
        let with = |algorithm: &str, bits| Certificate {
            key: KeyKind { algorithm: algorithm.to_owned(), bits },
            ..certificate(30, 90)
        };
        for (chain, want) in [
            (vec![with("RSA", Some(1024))], vec!["0.key RSA 1024"]),
            (vec![with("RSA", Some(2047))], vec!["0.key RSA 2047"]),
            (vec![with("RSA", Some(2048))], vec![]),
            (vec![with("EC", Some(224))], vec!["0.key EC 224"]),
            (vec![with("EC", None)], vec![]),
            (vec![with("Ed25519", Some(256))], vec![]),
            (vec![root(with("RSA", Some(1024)))], vec!["0.key RSA 1024"]),
            (vec![with("EC", Some(256)), root(with("RSA", Some(1024)))], vec![]),
            (vec![with("EC", Some(256)), with("RSA", Some(1024))], vec!["1.key RSA 1024"]),
        ] {
            let seen = alone(vec![shows(&chain)]);
            let want: Vec<String> =
                want.iter().map(|saw| format!("High mx1.even.example: tls.chain.{saw}")).collect();
            assert_eq!(judged(&seen, certificate_key_short), want);
        }
    }

    #[test]
    fn broken_hashes_count_below_the_root() {
        let with = |signature: &str| Certificate {
            signature: signature.to_owned(),
            ..certificate(30, 90)
        };
        for (chain, places) in [
            (vec![with("sha1WithRSA")], vec![0]),
            (vec![with("RSASSA-PSS-SHA1")], vec![0]),
            (vec![with("md5WithRSA"), with("ecdsa-with-SHA1")], vec![0, 1]),
            (vec![with("sha256WithRSA"), root(with("sha1WithRSA"))], vec![]),
            // Self-issued in the middle is a link like any other.
            (
                vec![with("sha256WithRSA"), root(with("sha1WithRSA")), with("sha256WithRSA")],
                vec![1],
            ),
            (vec![root(with("sha1WithRSA"))], vec![]),
        ] {
            let seen = alone(vec![shows(&chain)]);
            let view = View::of(&seen);
            let cases = certificate_signature_weak(&view);
            let facts: Vec<&str> = cases
                .iter()
                .flat_map(|case| &case.evidence)
                .map(|seen| seen.fact.as_str())
                .collect();
            let want: Vec<String> =
                places.iter().map(|at| format!("tls.chain.{at}.signature")).collect();
            assert_eq!(facts, want);
        }
    }
}
