//! The verdict: does failover work, are the hosts even, how bad is the worst finding?
//!
//! Failover comes from the forecast. Says nothing that was not seen, and unknown never turns into works
//! or broken.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::coverage;
use crate::{
    forecast::{Fate, Model, Outlook, Prediction, Scenario, models::Trust},
    rules::{
        Finding, Severity, Spot, View,
        attribution::Acceptance,
        carriers::{carriers, has_backups},
        finding::SubjectKind,
        starttls::{self, Encryption},
        view::Seat,
    },
    smtp::{Mailbox, cause::Cause},
    survey::{MxLookup, Survey},
};

/// The three words on top of a report.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Verdict {
    pub failover: Failover,
    pub parity: Parity,
    /// The worst finding that is not waived; what only makes a run unproven is no grade.
    pub severity: Option<Severity>,
}

/// Whether mail still arrives with the primary tier gone; where all hosts are of one preference,
/// with any one of them gone.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failover {
    /// Of every sender that delivers today.
    Works,
    /// Of some senders, or only at some of equal hosts.
    Fragile,
    /// Of none, or mail bounces.
    Broken,
    /// There is nothing to fail over to.
    None,
    Unproven,
}

/// Whether every backup is as safe and strict as the primary.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    Even,
    Uneven,
    /// There is nothing to compare with.
    Alone,
    Unproven,
}

/// What becomes of the mail of one kind of sender when hosts fail, worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Way {
    /// It bounces.
    Bounces,
    Waits,
    /// It depends on which of equal hosts is chosen.
    Partly,
    Unknown,
    Through,
}

impl Verdict {
    pub fn of(survey: &Survey, findings: &[Finding]) -> Self {
        let view = View::of(survey);
        let standing = findings.iter().filter(|finding| !finding.waived);
        let graded = standing.filter(|finding| finding.severity != Severity::Unproven);
        Self {
            failover: failover(&view),
            parity: parity(&view, findings),
            severity: graded.map(|finding| finding.severity).max(),
        }
    }
}

/// Whether DNS did not even say who the hosts are.
fn is_unknown(view: &View<'_>) -> bool {
    matches!(view.survey.mx, MxLookup::Failed { .. })
}

fn failover(view: &View<'_>) -> Failover {
    if is_unknown(view) {
        return Failover::Unproven;
    }
    let carriers = carriers(view);
    if carriers.is_empty() {
        return Failover::None;
    }
    let ways: Vec<Way> = ways(view).into_iter().map(|(_, way)| way).collect();
    let fails = |way: &Way| *way <= Way::Waits;
    if ways.contains(&Way::Bounces) || !ways.is_empty() && ways.iter().all(fails) {
        return Failover::Broken;
    }
    let some_fail = ways.iter().any(|way| *way <= Way::Partly);
    let some_arrive = ways.iter().any(|way| matches!(way, Way::Partly | Way::Through));
    let refused = || {
        let mut carriers = carriers.iter().flatten();
        carriers.any(|seat| refused_recipient(view, seat).is_some())
    };
    if some_fail && some_arrive {
        Failover::Fragile
    } else if !ways.is_empty() && ways.iter().all(|way| *way == Way::Through) {
        if refused() { Failover::Fragile } else { Failover::Works }
    } else {
        Failover::Unproven
    }
}

/// How each sender that delivers today fares when the primary tier is gone; among equals, when any one
/// of them is. Where none is known to deliver today, how those fare that demand nothing, as far as that is
/// known.
pub(super) fn ways(view: &View<'_>) -> Vec<(&'static Model, Way)> {
    let forecast = view.forecast();
    let scenarios: Vec<&Scenario> = forecast
        .scenarios()
        .filter(|scenario| match scenario {
            Scenario::PrimaryDown => has_backups(view),
            Scenario::Faults(_) => !has_backups(view),
            _ => false,
        })
        .collect();
    let way = |model: &Model| {
        let mine = |one: &&Prediction| one.model.name == model.name;
        let of = scenarios.iter().filter_map(|scenario| forecast.when(scenario).find(mine));
        let ways: Vec<Way> = of.map(way).collect();
        match (ways.iter().min(), ways.iter().max()) {
            // With one of the equals gone it fails, with another it does not.
            (Some(Way::Bounces | Way::Waits), Some(Way::Through)) => Way::Partly,
            (worst, _) => worst.copied().unwrap_or(Way::Unknown),
        }
    };
    let today: Vec<&Prediction> = forecast.when(&Scenario::Today).collect();
    let delivers = |one: &&&Prediction| one.best().is_delivered();
    let none = !today.iter().any(|one| delivers(&one));
    let counts = |one: &&&Prediction| {
        if none { one.model.trust == Trust::Opportunistic } else { delivers(one) }
    };
    let counted = today.iter().filter(counts);
    let mut ways: Vec<_> = counted.map(|one| (one.model, way(one.model))).collect();
    if none && ways.iter().any(|(_, way)| *way != Way::Unknown) {
        ways.retain(|(_, way)| *way != Way::Unknown);
    }
    ways
}

fn way(prediction: &Prediction) -> Way {
    let arrives = |outlook: &Outlook| outlook.is_delivered();
    match (prediction.best(), prediction.worst()) {
        (_, worst) if arrives(worst) => Way::Through,
        (best, _) if best.fate == Fate::Bounced => Way::Bounces,
        (best, _) if best.fate == Fate::Deferred => Way::Waits,
        (best, worst) if arrives(best) && worst.fate != Fate::Unproven => Way::Partly,
        _ => Way::Unknown,
    }
}

/// A recipient whose mail bounces at a host although another host takes it.
pub(super) fn refused_recipient<'a>(view: &View<'a>, seat: &Seat<'a>) -> Option<&'a Mailbox> {
    let refused = |cause: Cause| cause == Cause::UserUnknown || cause.refuses_domain();
    view.survey.asked.recipients.iter().find(|mailbox| {
        let answer = |spot: Spot<'a>| view.acceptance_of(&spot, mailbox);
        seat.spots().any(|spot| answer(spot).refused_for_good(refused))
            && view.spots().any(|spot| answer(spot).acceptance == Acceptance::Accepted)
    })
}

fn parity(view: &View<'_>, findings: &[Finding]) -> Parity {
    if is_unknown(view) {
        return Parity::Unproven;
    }
    let names: BTreeSet<&str> = view.seats().map(|seat| seat.host.name.as_str()).collect();
    if names.len() < 2 {
        return Parity::Alone;
    }
    if uneven(findings).next().is_some() {
        return Parity::Uneven;
    }
    // Every host must have been seen through at least one of its addresses.
    let known = |spot: Spot<'_>| coverage::is_observed(view, &spot) && is_tls_known(view, &spot);
    let seen = |seat: Seat<'_>| seat.spots().any(known);
    if view.seats().all(seen) { Parity::Even } else { Parity::Unproven }
}

/// Whether a try at TLS, if there was one, told anything: one that ran out of time does not.
fn is_tls_known(view: &View<'_>, spot: &Spot<'_>) -> bool {
    match starttls::encryption(view, spot) {
        None | Some(Encryption::Never) => true,
        Some(Encryption::Always | Encryption::Sometimes) => {
            let tried = spot.endpoint.observations.iter().any(|visit| visit.tls.was_tried());
            !tried || spot.endpoint.handshake().is_some()
        }
    }
}

/// The findings that make hosts uneven: those that compare, or say that equals are not equal, from
/// medium up.
pub(super) fn uneven(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    let compares =
        |finding: &Finding| finding.against.is_some() || finding.subject.kind == SubjectKind::Tier;
    findings.iter().filter(move |finding| {
        !finding.waived && finding.severity >= Severity::Medium && compares(finding)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, host, silent},
        rules::Subject,
        smtp::Reply,
        survey::{DnsFault, Fault, FaultKind, Host, Phase, Recipient, RecipientKind, Stage},
    };

    const YES: &str = "250 2.1.5 Ok";
    const NO: &str = "550 5.1.1 <postmaster@even.example>: User unknown";
    const US: &str = "554 5.7.1 Client host [198.51.100.7] blocked using zen.example";

    fn tiers(ends: &[(u16, &str)]) -> Vec<(u16, Vec<Host>)> {
        let mut tiers: Vec<(u16, Vec<Host>)> = Vec::new();
        for (at, (preference, end)) in ends.iter().enumerate() {
            let (name, address) = (format!("mx{at}.even.example"), format!("192.0.2.{at}"));
            let host = match *end {
                "dead" => silent(&name, &address, FaultKind::Refused),
                "bare" => host(&name, Vec::new()),
                real => answering(&name, &address, Server { real, ..SERVER }),
            };
            match tiers.last_mut().filter(|(last, _)| last == preference) {
                Some((_, hosts)) => hosts.push(host),
                None => tiers.push((*preference, vec![host])),
            }
        }
        tiers
    }

    #[test]
    fn failover_is_what_happens_with_the_primary_gone() {
        for (ends, want) in [
            (&[(10, YES), (20, YES)][..], Failover::Works),
            (&[(10, NO), (20, YES)], Failover::Works),
            (&[(10, YES), (20, NO)], Failover::Broken),
            (&[(10, YES), (20, "dead")], Failover::Broken),
            (&[(10, YES), (20, "bare")], Failover::Broken),
            (&[(10, YES), (20, US)], Failover::Unproven),
            (&[(10, YES), (20, YES), (20, NO)], Failover::Fragile),
            (&[(10, YES), (20, "dead"), (30, YES)], Failover::Fragile),
            // The first backup bounces; nobody gets to the second.
            (&[(10, YES), (20, NO), (30, YES)], Failover::Broken),
            (&[(10, YES), (20, YES), (30, US)], Failover::Works),
            (&[(10, YES), (20, US), (30, NO)], Failover::Unproven),
            (&[(10, YES)], Failover::None),
            // Equal hosts stand in for each other.
            (&[(10, YES), (10, YES)], Failover::Works),
            (&[(10, YES), (10, "dead")], Failover::Fragile),
            (&[(10, US), (10, YES)], Failover::Unproven),
        ] {
            let survey = sample::survey(tiers(ends));
            assert_eq!(Verdict::of(&survey, &[]).failover, want, "{ends:?}");
        }
    }

    #[test]
    fn without_recipients_failover_is_unproven_and_parity_is_not() {
        let mut survey = sample::survey(tiers(&[(10, YES), (20, YES)]));
        survey.asked.recipients.clear();
        for tier in match &mut survey.mx {
            MxLookup::Published(set) => &mut set.tiers,
            _ => unreachable!("published above"),
        } {
            tier.hosts[0].addresses[0].observations[0].recipients.clear();
        }
        let verdict = Verdict::of(&survey, &[]);
        assert_eq!((verdict.failover, verdict.parity), (Failover::Unproven, Parity::Even));
    }

    #[test]
    fn hosts_at_one_address_are_nothing_to_fail_over_to() {
        let at = |name: &str, address: &str| answering(name, address, SERVER);
        let one = || at("mx1.even.example", "192.0.2.1");
        let again = || at("mx2.even.example", "192.0.2.1");
        let other = || at("mx3.even.example", "192.0.2.3");
        for (tiers, failover, parity) in [
            (vec![(10, vec![one()]), (20, vec![one()])], Failover::None, Parity::Alone),
            (vec![(10, vec![one()]), (20, vec![again()])], Failover::None, Parity::Even),
            (vec![(10, vec![one(), again()])], Failover::None, Parity::Even),
            (vec![(10, vec![one()]), (20, vec![again(), other()])], Failover::Works, Parity::Even),
            (vec![(10, vec![one(), other()]), (20, vec![again()])], Failover::Works, Parity::Even),
        ] {
            let survey = sample::survey(tiers);
            let verdict = Verdict::of(&survey, &[]);
            assert_eq!((verdict.failover, verdict.parity), (failover, parity), "{:?}", survey.mx);
        }
    }

    #[test]
    fn a_failed_mx_lookup_proves_nothing() {
        let failed = MxLookup::Failed { fault: DnsFault::TimedOut };
        let verdict = Verdict::of(&sample::with_mx(failed), &[]);
        assert_eq!((verdict.failover, verdict.parity), (Failover::Unproven, Parity::Unproven));
        let absent = Verdict::of(&sample::with_mx(MxLookup::Absent), &[]);
        assert_eq!((absent.failover, absent.parity), (Failover::None, Parity::Alone));
    }

    #[test]
    fn a_try_at_tls_that_told_nothing_leaves_parity_unproven() {
        let mut survey = sample::survey(tiers(&[(10, YES), (20, YES)]));
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("published above") };
        let fault = Fault::new(Phase::Handshake, FaultKind::OutOfTime, Duration::from_secs(9));
        set.tiers[1].hosts[0].addresses[0].observations[0].tls = Stage::Broke(fault);
        assert_eq!(Verdict::of(&survey, &[]).parity, Parity::Unproven);
    }

    #[test]
    fn failover_is_fragile_where_one_of_the_recipients_bounces() {
        let mut survey = sample::survey(tiers(&[(10, YES), (20, YES)]));
        survey.asked.recipients.push("ann@even.example".parse().unwrap());
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("published above") };
        for (tier, line) in set.tiers.iter_mut().zip(["2.1.5 Ok", "5.1.1 User unknown"]) {
            let reply = Reply::new(if line.starts_with('2') { 250 } else { 550 }, line);
            let outcome =
                if reply.is_positive() { Stage::Reached(reply) } else { Stage::Declined(reply) };
            let mailbox = "ann@even.example".parse().unwrap();
            let ann = Recipient { kind: RecipientKind::Real, mailbox, outcome };
            tier.hosts[0].addresses[0].observations[0].recipients.push(ann);
        }
        let report = crate::report::Report::of(survey);
        assert_eq!(report.verdict.failover, Failover::Fragile);
        let sentence = crate::report::headline::sentence(&report);
        assert!(sentence.contains(": mx1.even.example refuses ann@even.example"), "{sentence}");
        let mut survey = sample::survey(tiers(&[(10, YES), (20, YES)]));
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("published above") };
        let no = sample::session(Server { real: NO, ..SERVER });
        set.tiers[1].hosts[0].addresses.push(sample::at("192.0.2.9", vec![no]));
        let sentence = crate::report::headline::sentence(&crate::report::Report::of(survey));
        let want = ": one address of mx1.even.example refuses postmaster@even.example";
        assert!(sentence.contains(want), "{sentence}");
    }

    #[test]
    fn parity_needs_every_host_to_be_seen() {
        for (ends, want) in [
            (&[(10, YES), (20, YES)][..], Parity::Even),
            (&[(10, YES), (20, "dead")], Parity::Unproven),
            (&[(10, YES), (20, US)], Parity::Unproven),
            (&[(10, YES)], Parity::Alone),
        ] {
            let survey = sample::survey(tiers(ends));
            assert_eq!(Verdict::of(&survey, &[]).parity, want, "{ends:?}");
        }
    }

    #[test]
    fn only_grades_are_graded_and_only_comparisons_make_uneven() {
        let survey = sample::survey(tiers(&[(10, YES), (20, YES)]));
        let backup = View::of(&survey).backups().next().unwrap().subject();
        let finding = |severity, against: bool, waived| {
            let mut case = crate::rules::Case::about(backup.clone()).graded(severity);
            if against {
                case = case.against(backup.clone());
            }
            let rule = &crate::rules::CATALOGUE[0];
            Finding { waived, ..Finding::new(rule, case) }
        };
        for (finding, severity, parity) in [
            (finding(Severity::High, true, false), Some(Severity::High), Parity::Uneven),
            (finding(Severity::Low, true, false), Some(Severity::Low), Parity::Even),
            (finding(Severity::High, false, false), Some(Severity::High), Parity::Even),
            (finding(Severity::High, true, true), None, Parity::Even),
            (finding(Severity::Unproven, false, false), None, Parity::Even),
            (
                Finding { subject: Subject::tier(10), ..finding(Severity::Medium, false, false) },
                Some(Severity::Medium),
                Parity::Uneven,
            ),
        ] {
            let verdict = Verdict::of(&survey, std::slice::from_ref(&finding));
            assert_eq!((verdict.severity, verdict.parity), (severity, parity), "{finding:?}");
        }
    }
}
