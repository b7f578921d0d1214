//! RCPT rules: who takes the domain's mail, who takes more than that, and who defers.
//!
//! Grave findings stand on two visits; on one only where no second was to be had, and then less
//! surely. What a refusal is about is told in `attribution`, never here.

use super::{
    Case, Evidence, Spot, Subject, View,
    attribution::{Acceptance, Attribution},
    finding::{Confidence, Severity},
    said::Said,
    strength,
    view::Seat,
};
use crate::{
    smtp::{Command, Mailbox, Reply, ReversePath, cause::Cause},
    survey::{Observation, Purpose, Recipient, RecipientKind, Role, Stage},
};

/// Hosts that never take mail and are listed to keep spammers busy, by the end of their names.
const SACRIFICIAL: &[&str] = &["tarbaby.junkemailfilter.com", "fakemx.net"];

const REAL: &str = "recipients.real";

pub fn backup_refuses_domain(view: &View<'_>) -> Vec<Case> {
    let others = |seat: &Seat<'_>, other: &Seat<'_>| other.host.name != seat.host.name;
    // For now or for good: what Postfix says of strangers by default is a 454.
    let refused = |answer: &Attribution<'_>| answer.refused(Cause::refuses_domain);
    refused_but_taken(view, view.backups(), others, refused)
}

pub fn backup_refuses_recipient(view: &View<'_>) -> Vec<Case> {
    let others = |seat: &Seat<'_>, other: &Seat<'_>| other.host.name != seat.host.name;
    let unknown =
        |answer: &Attribution<'_>| answer.refused_for_good(|cause| cause == Cause::UserUnknown);
    refused_but_taken(view, view.backups(), others, unknown)
}

pub fn primary_refuses_recipient(view: &View<'_>) -> Vec<Case> {
    let behind = |_: &Seat<'_>, other: &Seat<'_>| other.role != Role::Primary;
    let refused = |answer: &Attribution<'_>| {
        answer.refused_for_good(|cause| cause.refuses_domain() || cause == Cause::UserUnknown)
    };
    refused_but_taken(view, view.primaries(), behind, refused)
}

pub fn domain_refused_everywhere(view: &View<'_>) -> Vec<Case> {
    let real = |spot| (spot, view.acceptance(&spot, RecipientKind::Real));
    let mut answers: Vec<(Spot<'_>, Attribution<'_>)> = view.spots().map(real).collect();
    answers.retain(|(_, answer)| answer.seen.is_some());
    let refused = |answer: &Attribution<'_>| answer.refused(Cause::refuses_domain);
    if view.is_put_off() || answers.is_empty() || !answers.iter().all(|(_, one)| refused(one)) {
        return Vec::new();
    }
    let sure = answers.iter().map(|(_, answer)| answer.confidence).min();
    let case = Case::about(Subject::domain()).sure(sure.unwrap_or(Confidence::Low));
    // Where every host says "not now", mail waits some days before it bounces.
    let lasting = answers.iter().any(|(_, answer)| answer.is_lasting());
    let case = if lasting { case } else { case.graded(Severity::High) };
    let seen = answers.iter().filter_map(|(spot, answer)| answer.evidence(spot, REAL));
    vec![seen.fold(case, Case::seen)]
}

pub fn backup_accepts_anyone(view: &View<'_>) -> Vec<Case> {
    let stricter = strength::weaker_backups(view, |spot| is_strict(view, spot));
    let case = |weaker: strength::Weaker<'_, bool>| {
        let seen = [weaker.spot, weaker.reference].into_iter();
        seen.filter_map(|spot| nonsense(view, &spot)).fold(weaker.case(), Case::seen)
    };
    stricter.into_iter().map(case).collect()
}

pub fn primary_accepts_anyone(view: &View<'_>) -> Vec<Case> {
    let mut backups = view.backups().flat_map(Seat::spots);
    let Some(strict) = backups.find(|spot| is_strict(view, spot) == Some(true)) else {
        return Vec::new();
    };
    let lax = |spot: &Spot<'_>| {
        (is_strict(view, spot) == Some(false)).then(|| {
            let seen = [*spot, strict].into_iter().filter_map(|spot| nonsense(view, &spot));
            seen.fold(spot.case().against(strict.seat.subject()), Case::seen)
        })
    };
    view.primaries().flat_map(|seat| seat.cases(lax)).collect()
}

pub fn every_host_accepts_anyone(view: &View<'_>) -> Vec<Case> {
    // A host that put the question off may well be strict.
    let answered = |spot: &Spot<'_>| nonsense(view, spot).is_some();
    let known: Vec<Spot<'_>> = view.spots().filter(answered).collect();
    if known.is_empty() || known.iter().any(|spot| is_strict(view, spot) != Some(false)) {
        return Vec::new();
    }
    let seen = known.iter().filter_map(|spot| nonsense(view, spot));
    vec![seen.fold(Case::about(Subject::domain()), Case::seen)]
}

pub fn null_sender_refused(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let visits = spot.endpoint.observations.iter();
        let from_nobody = visits.filter(|visit| {
            let always = view.survey.asked.sender == ReversePath::Null;
            visit.purpose == Purpose::NullSender || always && visit.purpose != Purpose::Relay
        });
        let refused: Vec<Evidence> =
            from_nobody.filter_map(|visit| bounce_refused(view, spot, visit)).collect();
        (!refused.is_empty()).then(|| refused.into_iter().fold(spot.case(), Case::seen))
    })
}

pub fn postmaster_refused(view: &View<'_>) -> Vec<Case> {
    let elsewhere = [backup_refuses_recipient(view), primary_refuses_recipient(view)].concat();
    let kinds = [RecipientKind::Postmaster, RecipientKind::Real];
    let mut cases = view.cases(|spot| {
        let said = kinds.into_iter().flat_map(|kind| view.said(spot, kind));
        let said: Vec<Said<'_>> = said.filter(|one| is_postmaster(view, one)).collect();
        let taken = said.iter().any(|one| one.reply.is_positive());
        let refused = said.iter().find(|one| one.reply.is_permanent())?;
        let answer = view.acceptance(spot, refused.recipient.kind);
        // Words that say nothing of the reason still do when another recipient is taken.
        let real = view.acceptance(spot, RecipientKind::Real).acceptance;
        let about_it = |cause| {
            cause == Cause::UserUnknown || cause == Cause::Ambiguous && real == Acceptance::Accepted
        };
        let stands = !taken && answer.refused_for_good(about_it);
        stands.then(|| {
            let fact = "recipients.postmaster";
            spot.case().sure(answer.confidence).seen(refused.evidence(spot, fact))
        })
    });
    // A postmaster that was the real recipient, and taken elsewhere, is reported already.
    cases.retain(|case| !elsewhere.iter().any(|other| other.subject == case.subject));
    cases
}

pub fn backup_defers(view: &View<'_>) -> Vec<Case> {
    deferred(view, view.backups(), |_| false)
}

/// A backup that does not serve the domain for now has a rule of its own, and so has a domain that
/// no host serves.
pub fn primary_defers(view: &View<'_>) -> Vec<Case> {
    let everywhere = !domain_refused_everywhere(view).is_empty();
    deferred(view, view.primaries(), |cause| cause.refuses_domain() && !everywhere)
}

/// Postmaster has a rule of its own, and so has a domain that no host serves.
pub fn recipient_refused_everywhere(view: &View<'_>) -> Vec<Case> {
    let recipients = view.survey.asked.recipients.iter();
    let refusals = |mailbox: &Mailbox| {
        let answers = view.spots().map(|spot| (spot, view.acceptance_of(&spot, mailbox)));
        let mut answers: Vec<(Spot<'_>, Attribution<'_>)> = answers.collect();
        answers.retain(|(_, answer)| answer.seen.is_some());
        let unknown = |cause| cause == Cause::UserUnknown;
        let refused = answers.iter().all(|(_, answer)| {
            answer.refused_for_good(|cause| unknown(cause) || cause.refuses_domain())
        });
        let named = answers.iter().any(|(_, answer)| answer.refused_for_good(unknown));
        if refused && named { answers } else { Vec::new() }
    };
    let named = recipients.filter(|one| !view.is_put_off() && !names_postmaster(view, one));
    let refusals: Vec<(Spot<'_>, Attribution<'_>)> = named.flat_map(refusals).collect();
    let Some(sure) = refusals.iter().map(|(_, answer)| answer.confidence).min() else {
        return Vec::new();
    };
    let seen = refusals.iter().filter_map(|(spot, answer)| answer.evidence(spot, REAL));
    vec![seen.fold(Case::about(Subject::domain()).sure(sure), Case::seen)]
}

/// The hosts of `seats` that put a real recipient off on two visits, for a reason of their own.
fn deferred<'a>(
    view: &View<'a>,
    seats: impl Iterator<Item = Seat<'a>>,
    also: impl Fn(Cause) -> bool,
) -> Vec<Case> {
    let defers = |spot: &Spot<'a>| {
        let answer = view.acceptance(spot, RecipientKind::Real);
        let Acceptance::Refused(cause) = answer.acceptance else {
            return None;
        };
        let theirs =
            matches!(cause, Cause::HostTemporary | Cause::RecipientUnverified) || also(cause);
        let said = view.said(spot, RecipientKind::Real);
        let temporary: Vec<&Said<'_>> =
            said.iter().filter(|one| one.reply.is_temporary() && one.cause == cause).collect();
        let (first, last) = (temporary.first()?, temporary.last()?);
        let twice = !std::ptr::eq(first.visit, last.visit);
        let stands = theirs && twice && !answer.is_lasting();
        stands.then(|| {
            let seen = temporary.iter().map(|one| one.evidence(spot, REAL));
            seen.fold(spot.case().sure(answer.confidence), Case::seen)
        })
    };
    seats.flat_map(|seat| seat.cases(defers)).collect()
}

pub fn tls_required_before_mail(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let clear = |visit: &&Observation| visit.tls.reached().is_none();
        let seen = spot.endpoint.observations.iter().filter(clear).find_map(|visit| {
            // RFC 3207 §4.
            let reply = visit.sender.declined().filter(|reply| reply.code == 530)?;
            Some(spot.exchange(visit, "sender", reply, "MAIL"))
        });
        // 530 is also what those say who want a password.
        let real = view.acceptance(spot, RecipientKind::Real).acceptance;
        let closed = real == Acceptance::Refused(Cause::ClosedToPublic);
        seen.filter(|_| !closed).map(|seen| spot.case().seen(seen))
    })
}

pub fn open_relay(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let elsewhere = |said: &Said<'_>| said.recipient.mailbox.domain() != &view.survey.domain;
        let said = view.said(spot, RecipientKind::Relay);
        let taken = said.iter().rfind(|one| one.reply.is_positive() && elsewhere(one))?;
        Some(spot.case().seen(taken.evidence(spot, "recipients.relay")))
    })
}

pub fn sacrificial_host(view: &View<'_>) -> Vec<Case> {
    let of_seat = |seat: Seat<'_>| {
        let name = &seat.host.name;
        let below = |service: &&&str| {
            name.strip_suffix(**service).is_some_and(|head| head.is_empty() || head.ends_with('.'))
        };
        if let Some(service) = SACRIFICIAL.iter().find(below) {
            return vec![seat.case().seen(Evidence::plain("host", service))];
        }
        seat.cases(|spot| {
            let said = view.said(spot, RecipientKind::Real);
            let deferring = said.iter().rfind(|one| one.cause == Cause::ByDesignDefer)?;
            let case = spot.case().sure(deferring.confidence);
            Some(case.seen(deferring.evidence(spot, REAL)))
        })
    };
    view.seats().flat_map(of_seat).collect()
}

/// The hosts of `seats` that have `refused` a recipient while one of the `others` takes the same.
fn refused_but_taken<'a>(
    view: &View<'a>,
    seats: impl Iterator<Item = Seat<'a>>,
    others: impl Fn(&Seat<'a>, &Seat<'a>) -> bool,
    refused: impl Fn(&Attribution<'a>) -> bool,
) -> Vec<Case> {
    let of_seat = |seat: Seat<'a>| {
        let takers: Vec<Seat<'a>> = view.seats().filter(|other| others(&seat, other)).collect();
        seat.cases(|spot| {
            let recipients = &view.survey.asked.recipients;
            recipients.iter().find_map(|mailbox| {
                let answer = view.acceptance_of(spot, mailbox);
                let elsewhere = refused(&answer).then(|| taken_by(view, &takers, mailbox));
                let (other, taken) = elsewhere.flatten()?;
                let (sure, seen) = confirmed(view, spot, mailbox, answer);
                let case = spot.case().sure(sure).against(other.seat.subject());
                // Senders who are told "not now" keep the mail until another host takes it.
                let case = if answer.is_lasting() { case } else { case.graded(Severity::High) };
                Some(seen.into_iter().chain(taken.evidence(&other, REAL)).fold(case, Case::seen))
            })
        })
    };
    seats.flat_map(of_seat).collect()
}

/// The first of `seats`, in the order of senders, that takes `mailbox`.
fn taken_by<'a>(
    view: &View<'a>,
    seats: &[Seat<'a>],
    mailbox: &Mailbox,
) -> Option<(Spot<'a>, Attribution<'a>)> {
    let spots = seats.iter().copied().flat_map(Seat::spots);
    let answers = spots.map(|spot| (spot, view.acceptance_of(&spot, mailbox)));
    answers.into_iter().find(|(_, answer)| answer.acceptance == Acceptance::Accepted)
}

/// How sure a refusal is with regard to the visits it stands on, and each of them as evidence.
fn confirmed<'a>(
    view: &View<'a>,
    spot: &Spot<'a>,
    mailbox: &Mailbox,
    answer: Attribution<'a>,
) -> (Confidence, Vec<Evidence>) {
    let mut said = view.said(spot, RecipientKind::Real);
    said.retain(|one| one.recipient.mailbox == *mailbox);
    let lasting = answer.is_lasting();
    let alike = |one: &&Said<'_>| !one.reply.is_positive() && one.reply.is_permanent() == lasting;
    let refusals: Vec<&Said<'_>> = said.iter().filter(alike).collect();
    let sure = match (refusals.len(), said.len()) {
        (2.., _) => answer.confidence,
        // No second answer was to be had.
        (_, 0 | 1) => answer.confidence.min(Confidence::Medium),
        // The second answer was no acceptance, and another one than the first.
        _ => Confidence::Low,
    };
    let mut seen: Vec<Evidence> = refusals.iter().map(|one| one.evidence(spot, REAL)).collect();
    if seen.is_empty() {
        seen.extend(answer.evidence(spot, REAL));
    }
    (sure, seen)
}

/// Whether an address refuses recipients that do not exist; `None` where that cannot be told.
fn is_strict(view: &View<'_>, spot: &Spot<'_>) -> Option<bool> {
    let answer = view.acceptance(spot, RecipientKind::Nonsense);
    if answer.acceptance == Acceptance::Accepted {
        return Some(false);
    }
    // Refused for good, and not because everybody is: the name itself was looked at.
    let taken = [RecipientKind::Real, RecipientKind::Postmaster]
        .into_iter()
        .any(|kind| view.acceptance(spot, kind).acceptance == Acceptance::Accepted);
    let looked_at = |cause| cause == Cause::UserUnknown || cause == Cause::Ambiguous && taken;
    answer.refused_for_good(looked_at).then_some(true)
}

fn nonsense(view: &View<'_>, spot: &Spot<'_>) -> Option<Evidence> {
    view.acceptance(spot, RecipientKind::Nonsense).evidence(spot, "recipients.nonsense")
}

/// The refusal of a bounce in one visit from the null sender, if it is the sender that was refused.
fn bounce_refused<'a>(
    view: &View<'a>,
    spot: &Spot<'a>,
    visit: &'a Observation,
) -> Option<Evidence> {
    let others = || {
        let others = spot.endpoint.observations.iter();
        others.filter(|other| other.purpose.is_ordinary())
    };
    let said_so = |refused: &Reply| {
        let mut refusals = view.refusals(spot).into_iter();
        refusals.any(|refusal| {
            std::ptr::eq(refusal.reply, refused) && refusal.diagnosis.cause == Cause::NullSender
        })
    };
    let from_somebody = view.survey.asked.sender != ReversePath::Null;
    if let Some(reply) = visit.sender.declined().filter(|reply| reply.is_permanent()) {
        let taken = from_somebody && others().any(|other| other.sender.reached().is_some());
        return (taken || said_so(reply)).then(|| spot.exchange(visit, "sender", reply, "MAIL"));
    }
    let mut refused = visit.recipients.iter().filter_map(|recipient| {
        let reply = recipient.outcome.declined().filter(|reply| reply.is_permanent())?;
        let real = recipient.kind == RecipientKind::Real;
        let same = |other: &&Recipient| other.mailbox == recipient.mailbox;
        let taken = from_somebody
            && others().any(|other| {
                let mut again = other.recipients.iter().filter(same);
                again.any(|other| matches!(other.outcome, Stage::Reached(_)))
            });
        (real && (taken || said_so(reply))).then(|| {
            let command = Command::RcptTo(recipient.mailbox.clone()).to_string();
            spot.exchange(visit, REAL, reply, &command)
        })
    });
    refused.next()
}

fn is_postmaster(view: &View<'_>, said: &Said<'_>) -> bool {
    names_postmaster(view, &said.recipient.mailbox)
}

fn names_postmaster(view: &View<'_>, mailbox: &Mailbox) -> bool {
    // RFC 5321 §4.5.1: whatever the case of its letters.
    mailbox.local().eq_ignore_ascii_case("postmaster") && *mailbox.domain() == view.survey.domain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sketch;

    #[test]
    fn a_refused_domain_stands_on_two_visits() {
        const RELAY: &str = "554 5.7.1 <postmaster@even.example>: Relay access denied";
        const BLOCKED: &str = "554 5.7.1 Client host blocked using list.example";
        for (backup, want) in [
            (&[RELAY, RELAY][..], Some((Confidence::High, 3))),
            // The second visit got no answer.
            (&[RELAY], Some((Confidence::Medium, 2))),
            // It got another one that contradicts nothing.
            (&[RELAY, "450 4.2.0 Greylisted"], Some((Confidence::Low, 2))),
            // It was taken after all.
            (&[RELAY, "250 2.1.5 Ok"], None),
            (&[BLOCKED, BLOCKED], None),
        ] {
            let visits = |answers: &[&str]| {
                vec![answers.iter().map(|answer| sketch::answered(answer, None)).collect()]
            };
            let survey = sketch::survey(vec![visits(&["250 2.1.5 Ok"]), visits(backup)]);
            let cases = backup_refuses_domain(&View::of(&survey));
            let found = cases.first().map(|case| (case.confidence, case.evidence.len()));
            assert_eq!(found, want, "{backup:?}");
        }
    }
}
