//! The verdict: does failover work, are the hosts even, how bad is the worst finding?
//!
//! A plain reading of acceptance; says nothing that was not seen, and unknown never turns into
//! works or broken.

use std::{collections::BTreeSet, net::SocketAddr};

use serde::Serialize;

use super::coverage;
use crate::{
    rules::{
        Finding, Severity, Spot, View,
        attribution::{Acceptance, Takes},
        finding::SubjectKind,
        promise::{self, Verifier},
        starttls::{self, Encryption},
        view::Seat,
    },
    smtp::{Mailbox, cause::Cause},
    survey::{MxLookup, RecipientKind, Survey},
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
/// for each other. A host that stands where the primaries stand goes down with them.
fn fallback<'a>(view: &View<'a>) -> Vec<Vec<Seat<'a>>> {
    let mut tiers: Vec<Vec<Seat<'a>>> = Vec::new();
    let peers: Vec<Seat<'a>> = view.primaries().collect();
    let taken: BTreeSet<SocketAddr> = peers.iter().flat_map(places).collect();
    let nowhere = |seat: &Seat<'a>| seat.host.addresses.is_empty();
    let apart =
        |seat: &Seat<'a>| nowhere(seat) || places(seat).any(|place| !taken.contains(&place));
    let backups: Vec<Seat<'a>> = view.backups().filter(apart).collect();
    if backups.is_empty() {
        let several = taken.len() > 1 || peers.iter().any(nowhere);
        return if peers.len() > 1 && several { vec![peers] } else { Vec::new() };
    }
    for seat in backups {
        match tiers.last_mut().filter(|tier| tier[0].role == seat.role) {
            Some(tier) => tier.push(seat),
            None => tiers.push(vec![seat]),
        }
    }
    tiers
}

/// Where a host listens.
fn places<'a>(seat: &Seat<'a>) -> impl Iterator<Item = SocketAddr> + use<'a> {
    let addresses = seat.host.addresses.iter();
    addresses.map(|endpoint| SocketAddr::new(endpoint.address, endpoint.port))
}

/// Whether DNS did not even say who the hosts are.
fn is_unknown(view: &View<'_>) -> bool {
    matches!(view.survey.mx, MxLookup::Failed { .. })
}

fn failover(view: &View<'_>) -> Failover {
    if is_unknown(view) {
        return Failover::Unproven;
    }
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
        if verifiers_without_backup(view).is_empty() { Failover::Works } else { Failover::Fragile }
    } else {
        Failover::Unproven
    }
}

/// The senders that verify promises and deliver today, for whom no host is left when the primaries
/// are gone.
pub(super) fn verifiers_without_backup(view: &View<'_>) -> Vec<Verifier> {
    let passes = |seat: Seat<'_>, by| promise::passed_over_by(view, seat).contains(&by);
    let left_out = |by: &Verifier| {
        let backups = fallback(view);
        let mut backups = backups.into_iter().flatten();
        let today = view.primaries().any(|seat| !passes(seat, *by));
        today && backups.all(|seat| passes(seat, *by))
    };
    [Verifier::Dane, Verifier::Sts].into_iter().filter(left_out).collect()
}

/// What happens at a host, over all its addresses. An address that bounces counts beside one that
/// delivers, because senders cannot know which to choose.
fn ends<'a>(view: &View<'a>, seat: &Seat<'a>) -> Vec<End> {
    let refuses_for_good = |spot: &Spot<'a>| {
        view.takes(spot) == Takes::No && view.acceptance(spot, RecipientKind::Real).is_lasting()
    };
    let bounces =
        seat.spots().any(|spot| refuses_for_good(&spot)) || refused_recipient(view, seat).is_some();
    match (view.seat_takes(seat), bounces) {
        (Takes::No, false) => vec![End::PassedOn],
        (Takes::No, true) => vec![End::Bounced],
        (Takes::Unknown, _) => vec![End::Unknown],
        (Takes::Yes, false) => vec![End::Delivered],
        (Takes::Yes, true) => vec![End::Bounced, End::Delivered],
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
        survey::{DnsFault, Fault, FaultKind, Host, Phase, Recipient, Stage},
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
