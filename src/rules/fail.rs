//! FAIL rules: what becomes of mail when the primary is gone, for each kind of sender, and whom no
//! sender ever gets to.
//!
//! Reads the forecast and grades it. Knows no reply and no certificate.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Case, Evidence, Severity, Subject, View,
    carriers::{carriers, has_backups},
    finding::Confidence,
    view::Seat,
};
use crate::{
    forecast::{
        self, Fate, MODELS, Model, Outlook, Prediction, Privacy, Scenario,
        models::{Dane, Trust},
    },
    survey::{RecipientKind, Role},
};

/// A sender that waits this long for hosts that never answer notices it: minutes, not moments.
const SLOW: Duration = Duration::from_secs(120);

/// Senders that nearly everybody has mail from: what they cannot do matters more.
const COMMON: [&str; 3] = ["postfix", "postfix-dane", "exim"];

pub fn failover_bounces(view: &View<'_>) -> Vec<Case> {
    bounces(view, &Scenario::PrimaryDown)
}

pub fn hiccup_bounces(view: &View<'_>) -> Vec<Case> {
    bounces(view, &Scenario::PrimaryDefers)
}

pub fn failover_broken(view: &View<'_>) -> Vec<Case> {
    let down: Vec<&Prediction> = when(view, &Scenario::PrimaryDown).collect();
    let fails = |one: &&Prediction| one.best().fate < Fate::Unproven;
    let today = down.iter().any(|one| delivers_today(view, one.model));
    if down.is_empty() || !today || !down.iter().all(fails) {
        return Vec::new();
    }
    let groups = by_reason(down.iter().map(|one| (one.model, one.best())));
    let case = Case::about(Subject::domain()).sure(surety(view));
    vec![groups.into_iter().fold(case, Case::seen)]
}

pub fn no_failover_for_verifying_senders(view: &View<'_>) -> Vec<Case> {
    let waits = |one: &&Prediction| one.best().fate == Fate::Deferred;
    let promised = when(view, &Scenario::PrimaryDown)
        .filter(waits)
        .filter(|one| delivers_today(view, one.model) && is_for_its_promises(view, one.model));
    let groups = by_reason(promised.map(|one| (one.model, one.best())));
    let case = Case::about(Subject::domain());
    if groups.is_empty() { Vec::new() } else { vec![groups.into_iter().fold(case, Case::seen)] }
}

pub fn failover_in_clear(view: &View<'_>) -> Vec<Case> {
    let private = |model: &Model| {
        let today = when(view, &Scenario::Today).find(|one| one.model.name == model.name);
        today.is_some_and(|one| one.worst().privacy() >= Some(Privacy::Encrypted))
    };
    let clear = |outlook: &&Outlook| outlook.privacy() == Some(Privacy::Clear);
    let ends = when(view, &Scenario::PrimaryDown)
        .filter(|one| private(one.model))
        .flat_map(|one| one.outlooks.iter().filter(clear).map(|outlook| (one.model, outlook)));
    by_host(view, ends)
}

pub fn host_never_reached(view: &View<'_>) -> Vec<Case> {
    let landscape = view.landscape();
    let mut cases = Vec::new();
    for seat in view.hosts().filter(|seat| seat.role != Role::Primary) {
        let name = seat.host.name.as_str();
        if seat.host.addresses.is_empty() {
            continue;
        }
        let misses = |model: &&&Model| !forecast::reaches(model, landscape, name);
        let models: Vec<&Model> = MODELS.iter().filter(|model| misses(&model)).collect();
        if models.is_empty() {
            continue;
        }
        let common = models.iter().any(|model| COMMON.contains(&model.name));
        let case = seat.case().graded(if common { Severity::Medium } else { Severity::Low });
        let shown = models.iter().map(|model| {
            Evidence::plain("forecast", format_args!("{} {}", model.title, limits(model)))
        });
        cases.push(shown.fold(case, Case::seen));
    }
    cases
}

pub fn slow_failover(view: &View<'_>) -> Vec<Case> {
    let delays = |scenario| {
        when(view, scenario).filter_map(|one: &Prediction| {
            let delivered = one.outlooks.iter().find(|outlook| outlook.is_delivered())?;
            Some((one, delivered.delay?))
        })
    };
    // What is silent today costs every message; what would be, only once it is.
    let mut today: Vec<_> =
        delays(&Scenario::Today).filter(|(_, delay)| !delay.is_zero()).collect();
    let mut down: Vec<_> = delays(&Scenario::PrimaryDown).collect();
    today.retain(|_| has_backups(view));
    let ahead = view.primaries().flat_map(Seat::spots).count();
    if ahead < 2 || down.iter().any(|(_, delay)| *delay < SLOW) {
        down.clear();
    }
    let slow = if today.iter().any(|(_, delay)| *delay >= SLOW) { today } else { down };
    let shown = slow.iter().map(|(one, delay)| {
        let fact = format!("forecast.{}", one.scenario);
        let title = one.model.title;
        Evidence::plain(&fact, format_args!("{title} waits {} s for silence", delay.as_secs()))
    });
    let shown: Vec<Evidence> = shown.collect();
    let case = Case::about(Subject::domain());
    if shown.is_empty() { Vec::new() } else { vec![shown.into_iter().fold(case, Case::seen)] }
}

/// The predictions of one scenario; none where there is nothing to fail over to.
fn when<'a>(view: &'a View<'_>, scenario: &'a Scenario) -> impl Iterator<Item = &'a Prediction> {
    let wanted = has_backups(view).then(|| view.forecast().when(scenario));
    wanted.into_iter().flatten()
}

fn delivers_today(view: &View<'_>, model: &Model) -> bool {
    when(view, &Scenario::Today)
        .any(|one| one.model.name == model.name && one.best().is_delivered())
}

/// Hosts that turn mail away for good which is delivered today.
fn bounces(view: &View<'_>, scenario: &Scenario) -> Vec<Case> {
    let ends = when(view, scenario)
        .filter(|one| delivers_today(view, one.model))
        .flat_map(|one| one.outlooks.iter().map(|outlook| (one.model, outlook)))
        .filter(|(_, outlook)| outlook.fate == Fate::Bounced);
    by_host(view, ends)
}

/// Whether a sender would get through but for what it demands.
fn is_for_its_promises(view: &View<'_>, model: &Model) -> bool {
    let careless = Model { dane: Dane::Never, sts: false, ..*model };
    let happened = Scenario::PrimaryDown.happened(view.landscape());
    model.trust == Trust::Opportunistic
        && careless != *model
        && forecast::outlooks(&careless, &happened)[0].is_delivered()
}

/// One case a host: who ends there, and why.
fn by_host<'a>(view: &View<'_>, ends: impl Iterator<Item = (&'a Model, &'a Outlook)>) -> Vec<Case> {
    let mut hosts: BTreeMap<&str, Vec<(&Model, &Outlook)>> = BTreeMap::new();
    for (model, outlook) in ends {
        hosts
            .entry(outlook.host.as_deref().unwrap_or_default())
            .or_default()
            .push((model, outlook));
    }
    let seat = |name: &str| view.hosts().find(|seat| seat.host.name == name);
    let primary = view.primaries().next().map(|seat| seat.subject());
    let case = |(name, ends): (&str, Vec<(&Model, &Outlook)>)| {
        let mut case = Case::about(seat(name).map_or_else(Subject::domain, |seat| seat.subject()));
        if let Some(seat) = seat(name) {
            case = case.sure(surety_of(view, seat));
        }
        if let Some(primary) = primary.clone().filter(|primary| *primary != case.subject) {
            case = case.against(primary);
        }
        by_reason(ends.into_iter()).into_iter().fold(case, Case::seen)
    };
    hosts.into_iter().map(case).collect()
}

/// Outlooks as evidence: senders with the same one in one line.
fn by_reason<'a>(ends: impl Iterator<Item = (&'a Model, &'a Outlook)>) -> Vec<Evidence> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (model, outlook) in ends {
        let why = format!("{}: {}", outlook.fate, outlook.why);
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, titles)) => titles.push(model.title),
            None => reasons.push((why, vec![model.title])),
        }
    }
    let line = |(why, titles): (String, Vec<&str>)| {
        Evidence::plain("forecast", format_args!("{}: {why}", titles.join(", ")))
    };
    reasons.into_iter().map(line).collect()
}

/// How sure it is what the backups do: as sure as of the least sure of their refusals.
fn surety(view: &View<'_>) -> Confidence {
    let all = carriers(view).into_iter().flatten().map(|seat| surety_of(view, seat));
    all.min().unwrap_or(Confidence::High)
}

fn surety_of<'a>(view: &View<'a>, seat: Seat<'a>) -> Confidence {
    let answers = seat.spots().filter_map(|spot| {
        let answer = view.acceptance(&spot, RecipientKind::Real);
        answer.seen.map(|_| answer.confidence)
    });
    answers.min().unwrap_or(Confidence::High)
}

/// How far a sender goes.
fn limits(model: &Model) -> String {
    let reach = &model.reach;
    let count = |most: Option<u8>, what: &str| most.map(|most| format!("{most} {what}"));
    let parts = [
        count(reach.hosts, "hosts"),
        count(reach.addresses, "addresses"),
        count(reach.sessions, "sessions"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let verb = if model.plural { "try" } else { "tries" };
    format!("{verb} at most {}", parts.join(", "))
}
