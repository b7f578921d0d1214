//! What a run ends with, in the four states that monitoring systems know.
//!
//! A reading of a report. Exits nothing itself.

use super::{Failover, Parity, Report};
use crate::{
    rules::Severity,
    survey::{Ending, MxLookup},
};

/// The end of a run, the worse one later: what is proven outranks what could not be.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// Nothing at or above the bar.
    Fine,
    /// Something that was to be proven could not be, and nothing at or above the bar was.
    Unproven,
    /// The worst finding at or above the bar is of medium severity or less.
    Warning,
    /// The worst finding at or above the bar is high or critical.
    Critical,
}

impl Status {
    /// How `report` ends when findings from `bar` up count.
    ///
    /// 1. A high or critical finding decides, however little else was seen.
    /// 2. A run that saw no host at all has not done its job, whatever DNS told: unproven.
    /// 3. A lesser finding decides.
    /// 4. Doubt about failover or parity, or an interruption, makes it unproven; with `--no-rcpt`
    ///    doubt about failover was chosen and is none.
    pub fn of(report: &Report, bar: Severity) -> Self {
        let worst = report.verdict.severity.filter(|severity| *severity >= bar);
        match worst.map(Self::graded) {
            Some(Self::Critical) => Self::Critical,
            _ if is_blind(report) => Self::Unproven,
            Some(graded) => graded,
            None if is_in_doubt(report) => Self::Unproven,
            None => Self::Fine,
        }
    }

    /// What a finding of this severity that counts amounts to.
    pub(super) fn graded(severity: Severity) -> Self {
        match severity {
            Severity::High | Severity::Critical => Self::Critical,
            _ => Self::Warning,
        }
    }

    /// The process exit status.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unproven => 3,
        }
    }
}

fn is_blind(report: &Report) -> bool {
    let coverage = &report.coverage;
    let failed = matches!(report.survey.mx, MxLookup::Failed { .. });
    failed || ((coverage.planned > 0 || takes_mail(report)) && coverage.observed == 0)
}

fn is_in_doubt(report: &Report) -> bool {
    let chosen = report.survey.asked.recipients.is_empty();
    let unproven = report
        .findings
        .iter()
        .any(|finding| !finding.waived && finding.severity == Severity::Unproven);
    let verdict = report.verdict;
    let doubt =
        verdict.parity == Parity::Unproven || (verdict.failover == Failover::Unproven && !chosen);
    unproven || report.survey.ending == Ending::Interrupted || (takes_mail(report) && doubt)
}

/// Whether DNS names hosts for the domain's mail.
fn takes_mail(report: &Report) -> bool {
    matches!(report.survey.mx, MxLookup::Published(_) | MxLookup::Implicit { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, answering, silent},
        survey::{Access, AddressAnswer, DnsFault, Endpoint, FaultKind, Host},
    };

    fn pair(backup: Host) -> Report {
        let primary = answering("mx1.even.example", "192.0.2.1", SERVER);
        Report::of(sample::survey(vec![(10, vec![primary]), (20, vec![backup])]))
    }

    fn even() -> Report {
        pair(answering("mx2.even.example", "192.0.2.2", SERVER))
    }

    /// With this as the worst finding.
    fn graded(mut report: Report, severity: Option<Severity>) -> Report {
        report.verdict.severity = severity;
        report.findings.clear();
        report
    }

    #[test]
    fn the_worst_finding_from_the_bar_up_decides() {
        for (worst, bar, want) in [
            (None, Severity::Medium, 0),
            (Some(Severity::Low), Severity::Medium, 0),
            (Some(Severity::Low), Severity::Low, 1),
            (Some(Severity::Medium), Severity::Medium, 1),
            (Some(Severity::High), Severity::Medium, 2),
            (Some(Severity::High), Severity::Critical, 0),
            (Some(Severity::Critical), Severity::Critical, 2),
        ] {
            let report = graded(even(), worst);
            assert_eq!(Status::of(&report, bar).code(), want, "{worst:?} at {bar}");
        }
    }

    #[test]
    fn what_is_proven_outranks_what_is_not() {
        let dead = || pair(silent("mx2.even.example", "192.0.2.2", FaultKind::TimedOut));
        for (worst, want) in [(None, 3), (Some(Severity::Medium), 1), (Some(Severity::Critical), 2)]
        {
            assert_eq!(Status::of(&graded(dead(), worst), Severity::Medium).code(), want);
        }
    }

    #[test]
    fn a_run_that_saw_nobody_is_unproven_unless_something_grave_is_known() {
        let alone = || silent("mx1.even.example", "192.0.2.1", FaultKind::TimedOut);
        let blind = || Report::of(sample::survey(vec![(10, vec![alone()])]));
        for (worst, want) in [(None, 3), (Some(Severity::Medium), 3), (Some(Severity::High), 2)] {
            assert_eq!(Status::of(&graded(blind(), worst), Severity::Medium).code(), want);
        }
    }

    #[test]
    fn hosts_that_could_not_be_resolved_or_were_not_to_be_visited_are_unproven() {
        let unresolved = Host {
            a: AddressAnswer::Failed(DnsFault::TimedOut),
            ..sample::host("mx1.even.example", Vec::new())
        };
        let off = Endpoint { access: Access::FamilyOff, ..sample::at("2001:db8::1", Vec::new()) };
        for host in [unresolved, sample::host("mx1.even.example", vec![off])] {
            let report = graded(Report::of(sample::survey(vec![(10, vec![host])])), None);
            assert_eq!(Status::of(&report, Severity::Medium), Status::Unproven);
        }
    }

    #[test]
    fn an_interruption_is_unproven_and_a_null_mx_is_fine() {
        let mut stopped = even().survey;
        stopped.ending = Ending::Interrupted;
        let stopped = graded(Report::of(stopped), None);
        assert_eq!(Status::of(&stopped, Severity::Medium), Status::Unproven);
        let null = Report::of(sample::with_mx(MxLookup::Null { preference: 0 }));
        assert_eq!(Status::of(&null, Severity::Medium), Status::Fine);
    }

    #[test]
    fn doubt_by_choice_is_none() {
        let mut survey = even().survey;
        survey.asked.recipients.clear();
        if let MxLookup::Published(set) = &mut survey.mx {
            for tier in &mut set.tiers {
                tier.hosts[0].addresses[0].observations[0].recipients.clear();
            }
        }
        let report = graded(Report::of(survey), None);
        assert_eq!(report.verdict.failover, Failover::Unproven);
        assert_eq!(Status::of(&report, Severity::Medium), Status::Fine);
    }
}
