//! CERT rules: whom the mail is handed to, as far as the server's certificate proves it.
//!
//! Graded as for senders without a promise, who encrypt to any certificate and check none. The
//! server's own certificate counts, the rest of the chain for weak keys and signatures only.
//! Verifies nothing itself: what a verifying sender would object to arrives as facts.

use std::fmt;

use jiff::SignedDuration;

use super::{Case, Evidence, Severity, Spot, View, strength, view::Seat};
use crate::{
    survey::{Observation, Role},
    tls::{Certificate, Handshake, TrustFlaw},
};

/// Days in hours, since a day is no fixed span to the calendar.
const DAY: i64 = 24;

pub fn certificate_expired(view: &View<'_>) -> Vec<Case> {
    distrusted(view, |flaw| matches!(flaw, TrustFlaw::Expired { .. }))
}

pub fn certificate_expiring(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, handshake) = spot.endpoint.handshake()?;
        let leaf = handshake.leaf();
        let left = leaf.not_after.duration_since(view.survey.began);
        // What no verifying sender accepts today cannot get worse by running out.
        if !handshake.is_verified() || !left.is_positive() {
            return None;
        }
        let severity = urgency(left, lifetime(leaf))?;
        let saw = Remaining { leaf, left };
        Some(spot.case().graded(severity).seen(of_chain(spot, visit, 0, "not_after", saw)))
    })
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
    let weaker = view.backups().flat_map(|seat| seat.cases(|spot| flawed(spot, |_| true)));
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

pub fn renewal_lags_on_backup(view: &View<'_>) -> Vec<Case> {
    let lagging = |seat: Seat<'_>| seat.cases(|spot| lags(view, spot));
    view.backups().flat_map(lagging).collect()
}

/// Cases of a certificate that a verifying sender would not accept, for those of its flaws that
/// `pick` wants. Backups are left to CERT05 where the primary tier verifies.
///
/// Where the domain promises more than encryption (DANE, MTA-STS), each of these is worse, or none
/// at all, than its rule says by itself: a grade by promise belongs here, and for CERT05.
fn distrusted(view: &View<'_>, pick: fn(&TrustFlaw) -> bool) -> Vec<Case> {
    let compared = verified_primary(view).is_some();
    let seats = view.seats().filter(|seat| seat.role == Role::Primary || !compared);
    seats.flat_map(|seat| seat.cases(|spot| flawed(spot, pick))).collect()
}

fn flawed(spot: &Spot<'_>, pick: fn(&TrustFlaw) -> bool) -> Option<Case> {
    let (visit, handshake) = spot.endpoint.handshake()?;
    let mut flaws = handshake.trust.iter().filter(|flaw| pick(flaw)).peekable();
    flaws.peek()?;
    Some(flaws.fold(spot.case(), |case, flaw| {
        case.seen(spot.exchange(visit, "tls.trust", flaw, "STARTTLS"))
    }))
}

/// An address of the primary tier, if every known certificate of that tier verifies.
fn verified_primary<'a>(view: &View<'a>) -> Option<Spot<'a>> {
    let verified = |spot: &Spot<'a>| Some(spot.endpoint.handshake()?.1.is_verified());
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
        let (visit, Handshake { chain, .. }) = spot.endpoint.handshake()?;
        let links = chain.iter().enumerate();
        let found = links.filter_map(|(at, link)| Some((at, weak(at, link, chain.len())?)));
        let shown = |(at, saw)| of_chain(spot, visit, at, part, saw);
        let evidence: Vec<Evidence> = found.map(shown).collect();
        (!evidence.is_empty()).then(|| evidence.into_iter().fold(spot.case(), Case::seen))
    })
}

fn of_chain<'a>(
    spot: &Spot<'a>,
    visit: &'a Observation,
    position: usize,
    part: &str,
    saw: impl fmt::Display,
) -> Evidence {
    spot.exchange(visit, &format!("tls.chain.{position}.{part}"), saw, "STARTTLS")
}

fn lifetime(certificate: &Certificate) -> SignedDuration {
    certificate.not_after.duration_since(certificate.not_before)
}

/// How pressing a renewal is. Counted in shares of the lifetime, so that a certificate of a week
/// that is renewed in time is never reported, and in days for those of a year.
fn urgency(left: SignedDuration, lifetime: SignedDuration) -> Option<Severity> {
    let within = |share: i32, days: i64| {
        left < (lifetime / share).min(SignedDuration::from_hours(days * DAY))
    };
    match () {
        () if within(10, 10) => Some(Severity::High),
        () if within(4, 30) => Some(Severity::Medium),
        () => None,
    }
}

/// Whether the address still shows a certificate whose like the primary has renewed: from the same
/// authority and made for the same span.
///
/// Two hosts with certificates of their own renew on different days, so that some difference in
/// age is no lag. Renewal is due when a third of the lifetime is left: a difference of more than
/// the other two thirds means that it was done on the primary and forgotten here. Where both show
/// the same names, it is one certificate that is carried from host to host, and a day is enough.
fn lags<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Case> {
    let (visit, handshake) = spot.endpoint.handshake()?;
    let own = handshake.leaf();
    let issued = |primary: &Spot<'a>| {
        let (_, other) = primary.endpoint.handshake()?;
        let comparable = handshake.is_verified() && other.is_verified() && alike(own, other.leaf());
        comparable.then(|| other.leaf().not_before)
    };
    let (primary, _) = strength::reference(view, issued)?;
    let (seen_at, renewed) = primary.endpoint.handshake()?;
    let newer = renewed.leaf();
    let grace = if newer.names == own.names {
        SignedDuration::from_hours(DAY)
    } else {
        lifetime(own) * 2 / 3
    };
    if newer.not_before.duration_since(own.not_before) <= grace {
        return None;
    }
    let begins = |leaf: &Certificate| leaf.not_before.strftime("%F").to_string();
    let case = spot.case().against(primary.seat.subject());
    let case = case.seen(of_chain(spot, visit, 0, "not_before", begins(own)));
    Some(case.seen(of_chain(&primary, seen_at, 0, "not_before", begins(newer))))
}

/// Whether two certificates come out of the same routine: one authority, one span, give or take a
/// tenth.
fn alike(one: &Certificate, other: &Certificate) -> bool {
    let issuer = |certificate: &Certificate| {
        // An authority signs with several intermediates in turn; its organisation stays.
        certificate.issuer_organisation.clone().unwrap_or_else(|| certificate.issuer.clone())
    };
    let (span, other_span) = (lifetime(one), lifetime(other));
    issuer(one) == issuer(other) && (span - other_span).abs() * 10 <= span
}

/// `2026-12-03, 10 of 90 days left`.
struct Remaining<'a> {
    leaf: &'a Certificate,
    left: SignedDuration,
}

impl fmt::Display for Remaining<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, whole) = (self.left.as_hours(), lifetime(self.leaf).as_hours());
        write!(f, "{}, ", self.leaf.not_after.strftime("%F"))?;
        // Days are too coarse for certificates that live for a few.
        if whole < 10 * DAY {
            return write!(f, "{left} of {whole} hours left");
        }
        write!(f, "{} of {} days left", left / DAY, whole / DAY)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{super::sketch::*, *};
    use crate::{
        smtp::Text,
        survey::{Stage, Survey},
        tls::KeyKind,
    };

    fn shows(chain: Vec<Certificate>) -> Observation {
        tls(Stage::Reached(handshake(chain)))
    }

    fn pair(primary: Certificate, backup: Certificate) -> Survey {
        survey(vec![vec![vec![shows(vec![primary])]], vec![vec![shows(vec![backup])]]])
    }

    #[test]
    fn renewal_is_pressing_by_share_and_by_days() {
        use Severity::{High, Medium};

        for (lifetime, left, want) in [
            (90, 23, None),
            (90, 22, Some(Medium)),
            (90, 8, Some(High)),
            (398, 31, None),
            (398, 29, Some(Medium)),
            (398, 9, Some(High)),
            (45, 12, None),
            (45, 11, Some(Medium)),
            (45, 4, Some(High)),
            (6, 2, None),
            (6, 1, Some(Medium)),
        ] {
            let days = |days: i64| SignedDuration::from_hours(24 * days);
            assert_eq!(urgency(days(left), days(lifetime)), want, "{left} of {lifetime} days");
        }
    }

    #[test]
    fn what_ends_soon_says_when_in_a_fitting_unit() {
        for (age, days, want) in [
            (
                80,
                90,
                "medium High mx1.even.example: tls.chain.0.not_after 2026-06-11, 10 of 90 days left",
            ),
            (
                5,
                6,
                "medium High mx1.even.example: tls.chain.0.not_after 2026-06-02, 24 of 144 hours left",
            ),
        ] {
            let seen = survey(vec![vec![vec![shows(vec![certificate(age, days)])]]]);
            assert_eq!(judged(&seen, certificate_expiring), [want]);
        }
        let mut doubtful = doubted(vec![TrustFlaw::SelfSigned]);
        if let Stage::Reached(handshake) = &mut doubtful.tls {
            handshake.chain = vec![certificate(85, 90)];
        }
        assert!(judged(&survey(vec![vec![vec![doubtful]]]), certificate_expiring).is_empty());
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
        let alone = survey(vec![vec![vec![doubted(flaws())]]]);
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
        let root = |certificate| Certificate { self_issued: true, ..certificate };
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
            let seen = survey(vec![vec![vec![shows(chain)]]]);
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
        let root = |certificate| Certificate { self_issued: true, ..certificate };
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
            let seen = survey(vec![vec![vec![shows(chain)]]]);
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

    #[test]
    fn a_renewal_lags_by_its_own_measure() {
        let other_name = |leaf| Certificate { names: vec![Text::from("mx2.example")], ..leaf };
        let by = |issuer: &str, leaf| Certificate {
            issuer: Text::from(format!("O={issuer}, CN=R9").as_str()),
            issuer_organisation: Some(Text::from(issuer)),
            ..leaf
        };
        for (primary, backup, lags) in [
            // One certificate, carried from host to host.
            (certificate(2, 90), certificate(60, 90), true),
            (certificate(59, 90), certificate(60, 90), false),
            // Certificates of their own.
            (certificate(2, 90), other_name(certificate(63, 90)), true),
            (certificate(2, 90), other_name(certificate(61, 90)), false),
            // Another intermediate of the same authority, then another authority.
            (by("Example Trust", certificate(2, 90)), certificate(60, 90), true),
            (by("Other Trust", certificate(2, 90)), certificate(60, 90), false),
            // Another span, another routine.
            (certificate(2, 90), certificate(60, 365), false),
        ] {
            let seen = pair(primary, backup);
            assert_eq!(judged(&seen, renewal_lags_on_backup).len(), usize::from(lags));
        }
        let seen = pair(certificate(2, 90), certificate(60, 90));
        let want = "High mx2.even.example against mx1.even.example: tls.chain.0.not_before \
                    2026-04-02; tls.chain.0.not_before 2026-05-30";
        assert_eq!(judged(&seen, renewal_lags_on_backup), [want]);
    }
}
