//! CERT rules about time: whether certificates are renewed before they run out.
//!
//! Counts from the beginning of the survey and reads no clock. What a certificate is worth today is
//! for `cert`.

use std::fmt;

use jiff::SignedDuration;

use super::{Case, Severity, Spot, View, cert::of_chain, strength, view::Seat};
use crate::{
    survey::Observation,
    tls::{Certificate, Handshake},
};

/// Days in hours, since a day is no fixed span to the calendar.
const DAY: i64 = 24;

pub fn certificate_expiring(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let expiring = spot.endpoint.certificates().filter_map(|(visit, fact, handshake)| {
            let leaf = handshake.leaf();
            let left = leaf.not_after.duration_since(view.survey.began);
            // What no verifying sender accepts today cannot get worse by running out.
            if !handshake.is_verified() || !left.is_positive() {
                return None;
            }
            let severity = urgency(left, lifetime(leaf))?;
            let saw = Remaining { leaf, left };
            Some((severity, of_chain(spot, visit, fact, (0, "not_after"), saw)))
        });
        let expiring: Vec<_> = expiring.collect();
        let worst = expiring.iter().map(|(severity, _)| *severity).max()?;
        let evidence = expiring.into_iter().map(|(_, evidence)| evidence);
        Some(evidence.fold(spot.case().graded(worst), Case::seen))
    })
}

pub fn renewal_lags_on_backup(view: &View<'_>) -> Vec<Case> {
    let lagging = |seat: Seat<'_>| seat.cases(|spot| lags(view, spot));
    view.backups().flat_map(lagging).collect()
}

/// From the first to the last moment.
pub fn lifetime(certificate: &Certificate) -> SignedDuration {
    certificate.not_after.duration_since(certificate.not_before)
}

/// How pressing a renewal is. Counted in shares of the lifetime, so that a certificate of a week
/// that is renewed in time is never reported, and in days for those of a year.
fn urgency(left: SignedDuration, lifetime: SignedDuration) -> Option<Severity> {
    let (medium, high) = pressing(lifetime);
    match () {
        () if left < high => Some(Severity::High),
        () if left < medium => Some(Severity::Medium),
        () => None,
    }
}

/// With less than this left of a lifetime a certificate is a medium and a high finding.
pub fn pressing(lifetime: SignedDuration) -> (SignedDuration, SignedDuration) {
    let within =
        |share: i32, days: i64| (lifetime / share).min(SignedDuration::from_hours(days * DAY));
    (within(4, 30), within(10, 10))
}

/// Whether the address still shows a certificate whose like the primary has renewed: from the same
/// authority and made for the same span.
///
/// Two hosts with certificates of their own renew on different days, so that some difference in
/// age is no lag. Renewal is due when a third of the lifetime is left: a difference of more than
/// the other two thirds means that it was done on the primary and forgotten here. Where both show
/// the same names, it is one certificate that is carried from host to host, and a day is enough.
fn lags<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Case> {
    let cases = spot.endpoint.certificates().filter_map(|own| lag(view, spot, own));
    cases.reduce(|mut first, other| {
        first.evidence.extend(other.evidence);
        first
    })
}

/// A certificate as [`crate::survey::Endpoint::certificates`] has it.
type Shown<'a> = (&'a Observation, &'static str, &'a Handshake);

fn lag<'a>(view: &View<'a>, spot: &Spot<'a>, shown: Shown<'a>) -> Option<Case> {
    let (visit, fact, handshake) = shown;
    let own = handshake.leaf();
    let issued = |primary: &Spot<'a>| {
        let (_, _, other) = counterpart(primary, handshake)?;
        Some(other.leaf().not_before)
    };
    let (primary, _) = strength::reference(view, issued)?;
    let (there, as_fact, renewed) = counterpart(&primary, handshake)?;
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
    let case = case.seen(of_chain(spot, visit, fact, (0, "not_before"), begins(own)));
    Some(case.seen(of_chain(&primary, there, as_fact, (0, "not_before"), begins(newer))))
}

/// What a primary shows of the same routine: of the same algorithm where it has that.
fn counterpart<'a>(primary: &Spot<'a>, own: &Handshake) -> Option<Shown<'a>> {
    let comparable = |(_, _, other): &Shown<'a>| {
        own.is_verified() && other.is_verified() && alike(own.leaf(), other.leaf())
    };
    let differs =
        |(_, _, other): &Shown<'a>| other.leaf().key.algorithm != own.leaf().key.algorithm;
    primary.endpoint.certificates().filter(comparable).min_by_key(differs)
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
    use super::{super::sketch::*, *};
    use crate::{
        smtp::Text,
        survey::{Stage, Survey},
        tls::{KeyKind, TrustFlaw},
    };

    fn pair(primary: Certificate, backup: Certificate) -> Survey {
        survey(vec![vec![vec![shows(&[primary])]], vec![vec![shows(&[backup])]]])
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
            let seen = alone(vec![shows(&[certificate(age, days)])]);
            assert_eq!(judged(&seen, certificate_expiring), [want]);
        }
        let mut doubtful = doubted(vec![TrustFlaw::SelfSigned]);
        if let Stage::Reached(handshake) = &mut doubtful.tls {
            handshake.chain = vec![certificate(85, 90)];
        }
        assert!(judged(&alone(vec![doubtful]), certificate_expiring).is_empty());
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
        // Each against the one of its algorithm.
        let rsa = |leaf| Certificate {
            key: KeyKind { algorithm: "RSA".to_owned(), bits: Some(2048) },
            ..leaf
        };
        let both = |first: Certificate, other: Certificate| Observation {
            other_certificate: Some(Stage::Reached(handshake(&[other]))),
            ..shows(&[first])
        };
        let new = || both(certificate(2, 90), rsa(certificate(2, 90)));
        let old = || both(certificate(2, 90), rsa(certificate(60, 90)));
        for (primary, backup, want) in [
            (
                new(),
                old(),
                vec![
                    "High mx2.even.example against mx1.even.example: \
                     other_certificate.chain.0.not_before 2026-04-02; \
                     other_certificate.chain.0.not_before 2026-05-30",
                ],
            ),
            (old(), old(), vec![]),
            (old(), shows(&[rsa(certificate(60, 90))]), vec![]),
        ] {
            let seen = survey(vec![vec![vec![primary]], vec![vec![backup]]]);
            assert_eq!(judged(&seen, renewal_lags_on_backup), want);
        }
        let seen = pair(certificate(2, 90), certificate(60, 90));
        let want = "High mx2.even.example against mx1.even.example: tls.chain.0.not_before \
                    2026-04-02; tls.chain.0.not_before 2026-05-30";
        assert_eq!(judged(&seen, renewal_lags_on_backup), [want]);
    }
}
