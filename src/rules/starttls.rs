//! What the visits tell of STARTTLS at one address: offered or not, refused, broken, or spoken.
//!
//! Tells what is the server's from what is ours. Grades nothing; that is for `tls`.

use std::fmt;

use super::{Case, Evidence, Spot, View, finding::Confidence, floor};
use crate::{
    smtp::{Reply, cause},
    survey::{
        Fault, FaultKind, Observation, Phase, Purpose, Stage, observation::HelloVerb,
        reading::Offer,
    },
    tls::{Choice, SuiteClass, TlsVersion},
};

/// How often mail to an address is encrypted, as far as the visits tell; least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Encryption {
    Never,
    Sometimes,
    Always,
}

/// A try at TLS that failed in a way that is the server's, or its network's.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    pub visit: &'a Observation,
    how: How<'a>,
}

#[derive(Clone, Copy)]
enum How<'a> {
    Broke(&'a Fault),
    Declined(&'a Reply),
}

pub fn encryption(view: &View<'_>, spot: &Spot<'_>) -> Option<Encryption> {
    match spot.endpoint.starttls() {
        Offer::Always if unspeakable(view, spot).is_some() => Some(Encryption::Never),
        Offer::Always => Some(Encryption::Always),
        Offer::Sometimes => Some(Encryption::Sometimes),
        Offer::Masked(_) | Offer::Never { .. } => Some(Encryption::Never),
        // HELO was answered: without extensions there is no STARTTLS.
        Offer::Unknown => spot.endpoint.hello().map(|_| Encryption::Never),
    }
}

/// No visit was offered STARTTLS, and that is more than one bad moment.
pub fn missing(view: &View<'_>, spot: &Spot<'_>) -> Option<Case> {
    let Offer::Never { visits } = spot.endpoint.starttls() else {
        return None;
    };
    let asked = spot.endpoint.observations.iter().filter(|visit| has_extensions(visit));
    let last = asked.clone().next_back()?;
    // A server that has enough of us may leave out what costs it most.
    let refusals = view.refusals(spot);
    let mut stops = refusals.iter().filter(|refusal| cause::asks_to_stop(refusal.reply));
    if stops.any(|stop| visits < 2 || !std::ptr::eq(stop.visit, last)) {
        return None;
    }
    let confidence = match visits {
        1 if confirmation_broke(spot) => Confidence::Medium,
        0 | 1 => return None,
        _ => Confidence::High,
    };
    let case = spot.case().sure(confidence);
    Some(asked.fold(case, |case, visit| case.seen(offer(spot, visit))))
}

/// STARTTLS is offered, and no handshake was ever finished, for another reason than the versions of TLS.
pub fn broken(view: &View<'_>, spot: &Spot<'_>) -> Option<Case> {
    let failures = unspeakable(view, spot)?;
    let case = spot.case().sure(surety(&failures));
    obsolete(view, spot).is_none().then(|| shown(case, spot, &failures))
}

/// No TLS can be had, whatever versions we know: it is not offered, or broken.
pub fn without(view: &View<'_>, spot: &Spot<'_>) -> Option<Case> {
    missing(view, spot).or_else(|| broken(view, spot))
}

/// Whether another visit was made that got no answer to EHLO: not for want of trying.
fn confirmation_broke(spot: &Spot<'_>) -> bool {
    let broke = |visit: &Observation| {
        visit.connect.broke().or(visit.greeting.broke()).or(visit.hello.broke()).is_some()
    };
    spot.endpoint.observations.iter().any(broke)
}

/// Whether the visit got an answer to EHLO in clear.
pub fn has_extensions(visit: &Observation) -> bool {
    visit.hello.reached().is_some_and(|hello| hello.verb == HelloVerb::Ehlo)
}

/// Whether one visit was offered STARTTLS, as evidence.
pub fn offer<'a>(spot: &Spot<'a>, visit: &'a Observation) -> Evidence {
    let offered = visit.hello.reached().is_some_and(|hello| hello.capabilities.has("STARTTLS"));
    let saw = if offered { "offered" } else { "not offered" };
    spot.exchange(visit, "hello.starttls", saw, "EHLO")
}

/// What failed each time, where STARTTLS is offered and nothing we said led to TLS of today.
pub fn unspeakable<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Vec<Failure<'a>>> {
    unfinished(view, spot).filter(|_| current_choice(spot).is_none())
}

/// The same where versions are what all of it comes from: by what the server picked of all versions
/// up to 1.2, else by its own word in each handshake.
pub fn obsolete<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Vec<Failure<'a>>> {
    unspeakable(view, spot).filter(|failures| match floor::newest_choice(spot) {
        Some(newest) => newest < TlsVersion::Tls12,
        None => failures.iter().all(Failure::is_version),
    })
}

/// What failed each time, and what a single hello was answered with all the same: TLS of today, with a
/// suite that ours of today does not have.
pub fn outmoded<'a>(
    view: &View<'a>,
    spot: &Spot<'a>,
) -> Option<(Vec<Failure<'a>>, &'a Observation, &'a Choice)> {
    let (visit, choice) = current_choice(spot)?;
    Some((unfinished(view, spot)?, visit, choice))
}

/// What failed each time, where no handshake was ever finished.
fn unfinished<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Vec<Failure<'a>>> {
    let failures = failures(view, spot);
    (!failures.is_empty() && spot.endpoint.handshake().is_none()).then_some(failures)
}

/// The first answer to a single hello that would have encrypted with TLS 1.2 or later.
fn current_choice<'a>(spot: &Spot<'a>) -> Option<(&'a Observation, &'a Choice)> {
    let encrypts = |choice: &Choice| choice.suite.class() != Some(SuiteClass::Null);
    spot.endpoint
        .choices()
        .find(|(_, choice)| choice.version >= TlsVersion::Tls12 && encrypts(choice))
}

pub fn failures<'a>(view: &View<'a>, spot: &Spot<'a>) -> Vec<Failure<'a>> {
    let about_us: Vec<&Reply> = view
        .refusals(spot)
        .iter()
        .filter(|refusal| refusal.diagnosis.cause.is_prober() || cause::asks_to_stop(refusal.reply))
        .map(|refusal| refusal.reply)
        .collect();
    let failure = |visit: &'a Observation| {
        let how = match &visit.tls {
            Stage::Broke(fault) if is_about_tls(fault) => How::Broke(fault),
            Stage::Declined(reply) if !about_us.iter().any(|us| std::ptr::eq(*us, reply)) => {
                How::Declined(reply)
            }
            _ => return None,
        };
        Some(Failure { visit, how })
    };
    spot.endpoint.observations.iter().filter_map(failure).collect()
}

/// Whether a fault says something about the server's TLS.
///
/// The connection stood and had carried replies until a moment ago. Silence or a hang-up right
/// behind STARTTLS is therefore about TLS, or about a device that does not let it through, and not
/// about the way there. What this machine broke off, or what ran out of time because of all that
/// went before, says nothing.
fn is_about_tls(fault: &Fault) -> bool {
    let theirs = matches!(
        fault.kind,
        FaultKind::Closed
            | FaultKind::NotSmtp(_)
            | FaultKind::Reset
            | FaultKind::TimedOut
            | FaultKind::TlsAlert(_)
            | FaultKind::TlsFailed(_)
            | FaultKind::TlsTooOld
    );
    theirs && matches!(fault.phase, Phase::Handshake | Phase::StartTls)
}

/// How sure it is that nobody can speak TLS there.
pub fn surety<'a>(failures: &[Failure<'a>]) -> Confidence {
    let all = |kind: fn(&Failure<'a>) -> bool| failures.iter().all(kind);
    // The server found nothing in common with us: it may still agree with older software.
    if all(Failure::is_mismatch) {
        return Confidence::Low;
    }
    match failures {
        [one] if one.is_temporary() => Confidence::Low,
        [_] => Confidence::Medium,
        _ if all(Failure::is_silence) || all(Failure::is_temporary) => Confidence::Medium,
        _ => Confidence::High,
    }
}

/// The failures as evidence.
pub fn shown<'a>(case: Case, spot: &Spot<'a>, failures: &[Failure<'a>]) -> Case {
    failures.iter().fold(case, |case, failure| {
        case.seen(spot.exchange(failure.visit, "tls", failure, "STARTTLS"))
    })
}

impl<'a> Failure<'a> {
    /// The refusal of STARTTLS, where it was refused.
    pub fn declined(&self) -> Option<&'a Reply> {
        match self.how {
            How::Declined(reply) => Some(reply),
            How::Broke(_) => None,
        }
    }

    pub fn in_handshake(&self) -> bool {
        matches!(self.how, How::Broke(fault) if fault.phase == Phase::Handshake)
    }

    /// The server knows none of our versions: it says `protocol_version` (RFC 8446 §6.2), or picks
    /// an older one.
    fn is_version(&self) -> bool {
        matches!(self.kind(), Some(FaultKind::TlsAlert(70) | FaultKind::TlsTooOld))
    }

    /// The server likes none of our suites, groups or signatures: `handshake_failure` or
    /// `insufficient_security`. RFC 8446 §6.2.
    fn is_mismatch(&self) -> bool {
        matches!(self.kind(), Some(FaultKind::TlsAlert(40 | 71)))
    }

    fn is_silence(&self) -> bool {
        matches!(self.kind(), Some(FaultKind::TimedOut))
    }

    fn kind(&self) -> Option<&FaultKind> {
        match self.how {
            How::Broke(fault) => Some(&fault.kind),
            How::Declined(_) => None,
        }
    }

    fn is_temporary(&self) -> bool {
        matches!(self.how, How::Declined(reply) if reply.is_temporary())
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_handshake() && self.visit.purpose == Purpose::ClassicalHello {
            f.write_str("classical hello: ")?;
        }
        match self.how {
            How::Broke(fault) => fault.fmt(f),
            How::Declined(reply) => reply.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{sketch::*, tls::starttls_broken},
        *,
    };
    use crate::tls::Question;

    #[test]
    fn tls_of_today_with_suites_of_yesterday_is_not_broken() {
        let v12 = TlsVersion::Tls12;
        let took = |version, suite| asked(Question::any(v12), chose(version, suite));
        let broken = || broke(FaultKind::TlsAlert(40));
        let dhe = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256";
        let alert = "tls TLS alert 40 (handshake_failure) at TLS handshake";
        for (visits, want, encrypts) in [
            (
                vec![broken(), took(v12, dhe)],
                format!(
                    "medium High mx1.even.example: {alert}; floor.suite TLSv1.2 with {dhe}, but \
                     with no suite that current senders want"
                ),
                Encryption::Always,
            ),
            (
                vec![broken(), took(v12, "TLS_RSA_WITH_NULL_SHA")],
                format!("Low mx1.even.example: {alert}"),
                Encryption::Never,
            ),
            (
                vec![broken(), asked(Question::any(v12), NO)],
                format!("Low mx1.even.example: {alert}"),
                Encryption::Never,
            ),
        ] {
            let seen = alone(visits);
            assert_eq!(judged(&seen, starttls_broken), [want]);
            let view = View::of(&seen);
            assert_eq!(encryption(&view, &view.spots().next().unwrap()), Some(encrypts));
        }
    }
}
