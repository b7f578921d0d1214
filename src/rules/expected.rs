//! What the domain's owner said beforehand, held against what was seen.
//!
//! An expectation that fails is a finding; one that holds lowers what it explains. A waiver hides
//! nothing: what it covers is marked and kept.

use jiff::{civil::Date, tz::TimeZone};

use super::{
    Case, Evidence, Finding, Rule, Severity, Spot, Subject, View,
    attribution::{Acceptance, Takes},
    view::Seat,
};
use crate::{
    smtp::{DomainName, Speaker, cause::Cause},
    survey::{
        MxLookup, RecipientKind, Source,
        asked::{Expectation, Waiver},
    },
};

/// What an expectation that holds says is meant to be.
const EXPLAINED: &[(Expectation, &[&str])] = &[
    (Expectation::Dead, &["address-unreachable", "greeting-missing", "host-unreachable"]),
    (Expectation::Defer, &["backup-defers"]),
    (
        Expectation::Refuse,
        &[
            "backup-refuses-domain",
            "backup-refuses-recipient",
            "greeting-refuses",
            "postmaster-refused",
        ],
    ),
    (
        Expectation::Tarpit,
        &[
            "backup-defers",
            "backup-refuses-domain",
            "backup-refuses-recipient",
            "greeting-missing",
            "greeting-refuses",
            "greeting-slow",
            "postmaster-refused",
        ],
    ),
];

/// How an expectation fared at one address.
enum Outcome {
    Broken(Evidence),
    Holds,
    /// What was seen decides neither way.
    Open,
}

pub fn unexpected_host(view: &View<'_>) -> Vec<Case> {
    let expected = &view.survey.asked.expected.hosts;
    let Some(published) = published(view).filter(|_| !expected.is_empty()) else {
        return Vec::new();
    };
    let unknown =
        published.iter().filter(|name| expected.iter().all(|host| host.as_str() != **name));
    let case = |name: &String| {
        let seat = view.seats().find(|seat| seat.host.name == *name);
        let subject = seat.map_or_else(|| Subject::host(name), |seat| seat.subject());
        let names: Vec<&str> = expected.iter().map(DomainName::as_str).collect();
        Case::about(subject).seen(Evidence::plain("asked.expected.hosts", names.join(", ")))
    };
    unknown.map(case).collect()
}

pub fn expected_host_missing(view: &View<'_>) -> Vec<Case> {
    let asked = &view.survey.asked;
    let Some(published) = published(view) else {
        return Vec::new();
    };
    let stated = asked.expected.states.keys().filter(|host| !asked.also.contains(host));
    let mut wanted: Vec<&str> =
        asked.expected.hosts.iter().chain(stated).map(DomainName::as_str).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted.retain(|host| !published.iter().any(|name| name == host));
    let saw = if published.is_empty() { "no mail host".to_owned() } else { published.join(", ") };
    let case = |host| Case::about(Subject::host(host)).seen(Evidence::plain("mx", &saw));
    wanted.into_iter().map(case).collect()
}

pub fn expectation_broken(view: &View<'_>) -> Vec<Case> {
    let of_seat = |seat: Seat<'_>| {
        let expectation = view.survey.asked.expected.of(&seat.host.name);
        seat.cases(|spot| {
            let expectation = expectation?;
            let Outcome::Broken(seen) = outcome(view, spot, expectation) else {
                return None;
            };
            let case = spot.case().seen(Evidence::plain("asked.expected", expectation)).seen(seen);
            // Mail that should be taken is not: the others cost less.
            let accept = expectation == Expectation::Accept;
            Some(if accept { case.graded(Severity::High) } else { case })
        })
    };
    view.seats().chain(view.also()).flat_map(of_seat).collect()
}

pub fn waiver_expired(view: &View<'_>) -> Vec<Case> {
    let today = today(view);
    let waivers = view.survey.asked.expected.waivers.iter();
    let expired = waivers.filter(|waiver| !in_force(waiver, today));
    let case = |waiver: &Waiver| {
        let subject = waiver.host.as_ref().map_or_else(Subject::domain, |host| {
            let seat = view.seats().chain(view.also()).find(|seat| seat.host.name == host.as_str());
            seat.map_or_else(|| Subject::host(host.as_str()), |seat| seat.subject())
        });
        Case::about(subject).seen(Evidence::plain("asked.expected.waivers", waiver))
    };
    expired.map(case).collect()
}

/// Whether this address does what its owner said it does, where that is other than taking mail.
pub fn is_as_declared(view: &View<'_>, spot: &Spot<'_>) -> bool {
    declared(view, spot).is_some()
}

/// Lowers a finding to info where an expectation that holds explains it, and says so in it.
pub(super) fn lower(view: &View<'_>, finding: &mut Finding) {
    let about = |spot: &Spot<'_>| {
        finding.subject.host.as_deref() == Some(spot.seat.host.name.as_str())
            && finding.subject.address.is_none_or(|address| address == spot.endpoint.address)
    };
    let spots: Vec<Spot<'_>> = view.spots().filter(about).collect();
    let declared = spots.iter().map(|spot| declared(view, spot));
    let Some(Some(expectation)) = declared.reduce(|one, next| one.filter(|_| one == next)) else {
        return;
    };
    let explains = EXPLAINED.iter().find(|(of, _)| *of == expectation);
    let explained = explains.is_some_and(|(_, rules)| rules.contains(&finding.rule));
    if explained && !is_all_declared(view) && finding.severity > Severity::Info {
        finding.severity = Severity::Info;
        let saw = format!("{expectation}, as it is");
        finding.evidence.push(Evidence::plain("asked.expected", saw));
    }
}

/// Marks a finding that is known and borne.
pub(super) fn waive(view: &View<'_>, finding: &mut Finding) {
    let today = today(view);
    let covers = |waiver: &&Waiver| {
        let host = waiver.host.as_ref();
        let named = Rule::find(&waiver.rule).is_some_and(|rule| rule.name == finding.rule);
        named
            && in_force(waiver, today)
            && host.is_none_or(|host| finding.subject.host.as_deref() == Some(host.as_str()))
    };
    finding.waiver = view.survey.asked.expected.waivers.iter().find(covers).cloned();
    finding.waived = finding.waiver.is_some();
}

/// What an address was said to do and does, where that is other than taking mail.
fn declared(view: &View<'_>, spot: &Spot<'_>) -> Option<Expectation> {
    let expectation = view.survey.asked.expected.of(&spot.seat.host.name)?;
    let holds = matches!(outcome(view, spot, expectation), Outcome::Holds);
    (holds && expectation != Expectation::Accept).then_some(expectation)
}

/// Whether no host is left that should take mail: then no word of the owner makes that harmless.
fn is_all_declared(view: &View<'_>) -> bool {
    let away = |seat: Seat<'_>| {
        let expectation = view.survey.asked.expected.of(&seat.host.name);
        expectation.is_some_and(|expectation| expectation != Expectation::Accept)
    };
    view.seats().all(away)
}

fn outcome(view: &View<'_>, spot: &Spot<'_>, expectation: Expectation) -> Outcome {
    let real = view.acceptance(spot, RecipientKind::Real);
    let (takes, silent) = (view.takes(spot), view.is_silent(spot));
    let refuses = takes == Takes::No && real.is_lasting();
    let defers = !real.is_lasting()
        && matches!(real.acceptance, Acceptance::Refused(cause) if is_deferral(cause));
    let (holds, broken) = match expectation {
        Expectation::Accept => (takes == Takes::Yes, takes == Takes::No),
        Expectation::Dead => (silent, greeted(spot).is_some()),
        Expectation::Defer => (defers, takes == Takes::Yes || silent || refuses),
        Expectation::Refuse => (refuses, takes == Takes::Yes || silent || takes == Takes::No),
        Expectation::Tarpit => {
            let reached = spot.endpoint.answers() == Some(true);
            (reached && takes != Takes::Yes, takes == Takes::Yes || silent)
        }
    };
    match (holds, broken) {
        (true, _) => Outcome::Holds,
        (false, true) => {
            let answer = if expectation == Expectation::Dead { greeted(spot) } else { None };
            let answer = answer.or_else(|| real.evidence(spot, "recipients.real"));
            answer.or_else(|| unanswered(spot)).map_or(Outcome::Open, Outcome::Broken)
        }
        (false, false) => Outcome::Open,
    }
}

/// A temporary refusal that is the host's own doing and not about us or our pace.
fn is_deferral(cause: Cause) -> bool {
    !cause.is_prober() && !matches!(cause, Cause::Greylist | Cause::Rate | Cause::TlsPolicy)
}

/// The first greeting of an address, good or bad.
fn greeted(spot: &Spot<'_>) -> Option<Evidence> {
    spot.endpoint.observations.iter().find_map(|visit| {
        let greeting = visit.greeting.reached().map(|greeting| &greeting.reply);
        let reply = greeting.or(visit.greeting.declined())?;
        Some(spot.exchange(visit, "greeting", reply, ""))
    })
}

/// The first fault that kept an address from answering.
fn unanswered(spot: &Spot<'_>) -> Option<Evidence> {
    spot.endpoint.observations.iter().find_map(|visit| {
        let (fact, fault) = match visit.connect.broke() {
            Some(fault) => ("connect", fault),
            None => ("greeting", visit.greeting.broke()?),
        };
        Some(spot.evidence(visit, fact, fault, |who, _| who == Speaker::Event))
    })
}

/// Every name in the MX set, in order; `None` where the set is not known or was given by hand.
fn published(view: &View<'_>) -> Option<Vec<String>> {
    let mut names: Vec<String> = view.seats().map(|seat| seat.host.name.clone()).collect();
    match &view.survey.mx {
        MxLookup::Failed { .. } | MxLookup::NoSuchDomain => return None,
        MxLookup::Published(set) if set.source == Source::ByHand => return None,
        MxLookup::Published(set) if set.left_out > 0 => {
            // Past the bound of what is visited, a name still counts.
            let records = set.records.iter().map(|record| record.exchange.to_string());
            names.extend(records.map(|name| name.to_ascii_lowercase()).filter(|name| name != "."));
        }
        MxLookup::Absent
        | MxLookup::Implicit { .. }
        | MxLookup::Null { .. }
        | MxLookup::Published(_) => {}
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Some(names)
}

/// The day of the run: a stored survey is judged by the waivers that held then.
fn today(view: &View<'_>) -> Date {
    view.survey.began.to_zoned(TimeZone::UTC).date()
}

fn in_force(waiver: &Waiver, today: Date) -> bool {
    waiver.until.is_none_or(|until| today <= until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::{Severity, judge, sketch},
        survey::{FaultKind, Observation, Survey},
    };

    /// A primary that answers and a backup that does not, with what their owner says.
    fn survey(expected: &str) -> Survey {
        let dead = || Observation { purpose: crate::survey::Purpose::Session, ..unreached() };
        let mut survey = sketch::survey(vec![vec![vec![sketch::visit()]], vec![vec![dead()]]]);
        survey.asked.expected = toml::from_str(expected).unwrap();
        survey
    }

    fn unreached() -> Observation {
        sketch::unreached(FaultKind::Refused)
    }

    fn of(survey: &Survey, rule: &str) -> Finding {
        judge(survey).into_iter().find(|finding| finding.rule == rule).unwrap()
    }

    const UNREACHABLE: &str = "host-unreachable";

    #[test]
    fn every_rule_that_is_explained_exists() {
        for name in EXPLAINED.iter().flat_map(|(_, rules)| *rules) {
            assert!(Rule::find(name).is_some_and(|rule| rule.name == *name), "{name}");
        }
    }

    #[test]
    fn an_expectation_that_holds_lowers_what_it_explains_and_says_so() {
        for (expected, severity, words) in [
            ("states = { 'mx2.even.example' = 'dead' }", Severity::Info, Some("dead, as it is")),
            ("states = { 'mx2.even.example' = 'defer' }", Severity::High, None),
            ("states = { 'mx3.even.example' = 'dead' }", Severity::High, None),
            // Nobody is left who should take the mail.
            (
                "states = { 'mx1.even.example' = 'refuse', 'mx2.even.example' = 'dead' }",
                Severity::High,
                None,
            ),
        ] {
            let finding = of(&survey(expected), UNREACHABLE);
            let said = finding.evidence.iter().find(|seen| seen.fact == "asked.expected");
            let said = said.map(|seen| seen.saw.as_str());
            assert_eq!((finding.severity, said), (severity, words), "{expected}");
        }
    }

    #[test]
    fn a_waiver_covers_its_rule_and_host_until_its_last_day() {
        // The survey is of 2026-06-01.
        for (waiver, covers) in [
            ("rule = 'host-unreachable', reason = 'x'", true),
            ("rule = 'NET01', reason = 'x', host = 'mx2.even.example'", true),
            ("rule = 'NET01', reason = 'x', host = 'mx1.even.example'", false),
            ("rule = 'NET02', reason = 'x'", false),
            ("rule = 'NET01', reason = 'x', until = '2026-06-01'", true),
            ("rule = 'NET01', reason = 'x', until = '2026-05-31'", false),
        ] {
            let survey = survey(&format!("waivers = [{{ {waiver} }}]"));
            let finding = of(&survey, UNREACHABLE);
            let reason = finding.waiver.map(|waiver| waiver.reason);
            assert_eq!(
                (finding.waived, reason),
                (covers, covers.then(|| "x".to_owned())),
                "{waiver}"
            );
        }
    }

    #[test]
    fn waived_findings_stand_behind_the_others() {
        let findings = judge(&survey("waivers = [{ rule = 'NET01', reason = 'x' }]"));
        let waived: Vec<bool> = findings.iter().map(|finding| finding.waived).collect();
        assert!(waived.is_sorted() && waived.len() > 1, "{findings:#?}");
    }

    #[test]
    fn a_set_given_by_hand_is_not_held_against_the_expected_one() {
        let mut survey = survey("hosts = ['mx9.even.example']");
        assert_eq!(sketch::judged(&survey, unexpected_host).len(), 2);
        assert_eq!(
            sketch::judged(&survey, expected_host_missing),
            ["High mx9.even.example: mx mx1.even.example, mx2.even.example"]
        );
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("sketched so") };
        set.source = Source::ByHand;
        assert!(sketch::judged(&survey, unexpected_host).is_empty());
        assert!(sketch::judged(&survey, expected_host_missing).is_empty());
    }

    #[test]
    fn a_record_past_the_bound_of_a_run_is_unexpected_too() {
        let mut survey = survey("hosts = ['mx1.even.example', 'mx2.even.example']");
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("sketched so") };
        set.left_out = 1;
        let exchange = crate::smtp::Text::from("Far.elsewhere.example");
        set.records.push(crate::survey::MxRecord { preference: 65535, exchange });
        assert_eq!(
            sketch::judged(&survey, unexpected_host),
            ["High far.elsewhere.example: asked.expected.hosts mx1.even.example, mx2.even.example"]
        );
    }
}
