//! Greylisting on one tier only, told by how the same triplet fared in earlier runs.
//!
//! One run cannot tell it from other deferrals, so without a memory nothing is said.

use super::{
    Case, Evidence, Spot, View,
    attribution::{Acceptance, Attribution},
    finding::Confidence,
    view::Seat,
};
use crate::{
    smtp::cause::Cause,
    survey::{RecipientKind, memory::Standing},
};

/// What an address does with strangers, and what shows it.
struct Habit {
    greylists: bool,
    sure: Confidence,
    seen: Vec<Evidence>,
}

pub fn greylisting_differs(view: &View<'_>) -> Vec<Case> {
    let habits = |seat: Seat<'_>| -> Vec<Habit> {
        seat.spots().filter_map(|spot| habit(view, &spot)).collect()
    };
    let known = view.primaries().find(|seat| !habits(*seat).is_empty());
    let reference = unanimous(view.primaries().flat_map(habits));
    let (Some(known), Some(reference)) = (known, reference) else {
        return Vec::new();
    };
    let case = |seat: Seat<'_>| {
        let habit = unanimous(habits(seat).into_iter())?;
        let case = seat.case().sure(habit.sure.min(reference.sure)).against(known.subject());
        let seen = habit.seen.into_iter().chain(reference.seen.iter().cloned());
        (habit.greylists != reference.greylists).then(|| seen.fold(case, Case::seen))
    };
    view.backups().filter_map(case).collect()
}

/// What all of them do, if they do the same.
fn unanimous(mut habits: impl Iterator<Item = Habit>) -> Option<Habit> {
    let first = habits.next()?;
    habits.try_fold(first, |mut all, next| {
        all.sure = all.sure.min(next.sure);
        all.seen.extend(next.seen);
        (all.greylists == next.greylists).then_some(all)
    })
}

fn habit<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Habit> {
    let asked = &view.survey.asked;
    asked.memory.as_ref()?;
    let now = view.acceptance(spot, RecipientKind::Real);
    let accepted = now.acceptance == Acceptance::Accepted;
    let Some(contact) = asked.contacts(spot.endpoint.address).next() else {
        // Nobody asked before, so this was the first contact.
        let said = view.said(spot, RecipientKind::Real);
        let at_once = said.first().is_some_and(|first| first.reply.is_positive());
        return at_once.then(|| shown(false, Confidence::Medium, spot, &now, None));
    };
    let earlier = |what: &str| {
        let (who, day) = (&spot.seat.host.name, contact.first.strftime("%F %R UTC"));
        Some(Evidence::plain("memory.contacts", format!("{who}: {what}, first on {day}")))
    };
    let cause = match contact.standing {
        Standing::TakenAtOnce => {
            return Some(shown(false, Confidence::High, spot, &now, earlier("taken at once")));
        }
        Standing::Deferred { cause, .. } if accepted => cause,
        Standing::Deferred { .. } => return None,
        Standing::TakenLater { cause } => cause,
    };
    let sure = match cause {
        Cause::Greylist => Confidence::High,
        // A refusal without a reason that time alone mends is greylisting in all but words.
        Cause::Ambiguous => Confidence::Medium,
        _ => return None,
    };
    Some(shown(true, sure, spot, &now, earlier("deferred, later taken")))
}

fn shown<'a>(
    greylists: bool,
    sure: Confidence,
    spot: &Spot<'a>,
    now: &Attribution<'a>,
    earlier: Option<Evidence>,
) -> Habit {
    let seen = earlier.into_iter().chain(now.evidence(spot, "recipients.real")).collect();
    Habit { greylists, sure, seen }
}
