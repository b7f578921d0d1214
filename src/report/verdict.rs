//! The verdict: does failover work, are the hosts even, how bad is the worst finding?
//!
//! A plain reading of acceptance; says nothing that was not seen, and unknown never turns into
//! works or broken.

use serde::Serialize;

use super::coverage;
use crate::{
    rules::{Finding, Severity, Spot, View, attribution::Takes, finding::SubjectKind, view::Seat},
    survey::{RecipientKind, Survey},
};

/// The three words on top of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    pub failover: Failover,
    pub parity: Parity,
    /// The worst finding that is not waived; what only makes a run unproven is no grade.
    pub severity: Option<Severity>,
}

/// Whether mail still arrives with the primary tier gone; where all hosts are of one preference,
/// with any one of them gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failover {
    Works,
    /// Some backups or addresses would not take it.
    Fragile,
    /// No backup takes it, or the first that answers refuses for good, so that mail bounces.
    Broken,
    /// There is nothing to fail over to.
    None,
    Unproven,
}

/// Whether every backup is as safe and strict as the primary.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    Even,
    Uneven,
    /// There is nothing to compare with.
    Alone,
    Unproven,
}

/// What can happen to a message that is handed to a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Refused for good: the sender bounces.
    Bounced,
    Delivered,
    /// Nobody there, or deferred: the sender goes on to the next host.
    PassedOn,
    Unknown,
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

/// The hosts that must carry the mail when the primary is gone, tier by tier; equal hosts carry it
/// for each other.
fn fallback<'a>(view: &View<'a>) -> Vec<Vec<Seat<'a>>> {
    let mut tiers: Vec<Vec<Seat<'a>>> = Vec::new();
    let backups: Vec<Seat<'a>> = view.backups().collect();
    if backups.is_empty() {
        let peers: Vec<Seat<'a>> = view.primaries().collect();
        return if peers.len() > 1 { vec![peers] } else { Vec::new() };
    }
    for seat in backups {
        match tiers.last_mut().filter(|tier| tier[0].role == seat.role) {
            Some(tier) => tier.push(seat),
            None => tiers.push(vec![seat]),
        }
    }
    tiers
}

fn failover(view: &View<'_>) -> Failover {
    let tiers = fallback(view);
    if tiers.is_empty() {
        return Failover::None;
    }
    let of_tier = |tier: Vec<Seat<'_>>| tier.iter().flat_map(|seat| ends(view, seat)).collect();
    let tiers: Vec<Vec<End>> = tiers.into_iter().map(of_tier).collect();
    // Senders go past a tier that is dead or defers; the first other one decides.
    let decides = tiers.iter().find(|tier| tier.iter().any(|end| *end != End::PassedOn));
    let Some(decides) = decides else {
        return Failover::Broken;
    };
    let fails = |end: &End| matches!(end, End::Bounced | End::PassedOn);
    let mut all = tiers.iter().flatten();
    if decides.iter().all(fails) {
        Failover::Broken
    } else if all.clone().any(|end| *end == End::Delivered) && all.any(fails) {
        Failover::Fragile
    } else if decides.iter().all(|end| *end == End::Delivered) {
        Failover::Works
    } else {
        Failover::Unproven
    }
}

/// What happens at a host, over all its addresses. An address that bounces counts beside one that
/// delivers, because senders cannot know which to choose.
fn ends<'a>(view: &View<'a>, seat: &Seat<'a>) -> Vec<End> {
    let refuses_for_good = |spot: &Spot<'a>| {
        view.takes(spot) == Takes::No && view.acceptance(spot, RecipientKind::Real).is_lasting()
    };
    let bounces = seat.spots().any(|spot| refuses_for_good(&spot));
    match (view.seat_takes(seat), bounces) {
        (Takes::No, false) => vec![End::PassedOn],
        (Takes::No, true) => vec![End::Bounced],
        (Takes::Unknown, _) => vec![End::Unknown],
        (Takes::Yes, false) => vec![End::Delivered],
        (Takes::Yes, true) => vec![End::Bounced, End::Delivered],
    }
}

fn parity(view: &View<'_>, findings: &[Finding]) -> Parity {
    if view.seats().count() < 2 {
        return Parity::Alone;
    }
    if uneven(findings).next().is_some() {
        return Parity::Uneven;
    }
    // Every host must have been seen through at least one of its addresses.
    let seen = |seat: Seat<'_>| seat.spots().any(|spot| coverage::is_observed(view, &spot));
    if view.seats().all(seen) { Parity::Even } else { Parity::Unproven }
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
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, host, silent},
        rules::Subject,
        survey::{FaultKind, Host},
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
            crate::survey::MxLookup::Published(set) => &mut set.tiers,
            _ => unreachable!("published above"),
        } {
            tier.hosts[0].addresses[0].observations[0].recipients.clear();
        }
        let verdict = Verdict::of(&survey, &[]);
        assert_eq!((verdict.failover, verdict.parity), (Failover::Unproven, Parity::Even));
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
