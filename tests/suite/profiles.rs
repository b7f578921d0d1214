//! Surveys under TLS guidelines: one survey, several grades, and the report of them to the letter.
//!
//! Which level a thing has is for the unit tests of `rules/profile.rs`.

use mxparity::{
    report::{Format, Report},
    rules::{Profile, Severity},
    survey::Survey,
};

use crate::support::{
    golden,
    play::{self, play},
};

/// The demo of this name, played.
fn demo(name: &str) -> Survey {
    let demos = play::demos().into_iter();
    let (title, text) = demos.into_iter().find(|(title, _)| title.ends_with(name)).unwrap();
    play(&title, &text).survey
}

fn under(survey: &Survey, profile: &str) -> Report {
    Report::under(survey.clone(), Some(Profile::find(profile).unwrap()))
}

/// The worst level at each host, and whether it is settled.
fn levels(report: &Report) -> Vec<(String, bool)> {
    let grades = report.profile.as_ref().unwrap().hosts.iter().flat_map(|host| &host.grades);
    let level = |grade: &mxparity::report::profile::GradedAddresses| {
        let level = grade.standing.level.map(|level| level.name.clone());
        (level.unwrap_or_default(), grade.standing.settled)
    };
    grades.map(level).collect()
}

#[test]
fn one_survey_has_other_grades_under_other_guidelines() {
    let survey = demo("weak-backup");
    let named = |level: &str, settled| (level.to_owned(), settled);
    for (profile, primary, backup) in [
        ("ncsc-2025-05", named("phase out", false), named("insufficient", true)),
        ("bcp195", named("allowed", false), named("MUST NOT", true)),
        ("mozilla-intermediate-6", named("meets", false), named("does not meet", true)),
        ("mozilla-modern-6", named("does not meet", true), named("does not meet", true)),
    ] {
        let report = under(&survey, profile);
        assert_eq!(levels(&report), [primary, backup], "{profile}");
        assert_eq!(report.survey, survey, "{profile}: the facts stay as they are");
    }
}

#[test]
fn a_finding_is_as_bad_as_its_level() {
    let survey = demo("weak-backup");
    let report = under(&survey, "ncsc-2025-05");
    let findings = report.findings.iter().filter(|finding| finding.rule == "profile-not-met");
    let graded: Vec<_> =
        findings.map(|finding| (finding.severity, finding.subject.to_string())).collect();
    let at = |severity, host: &str| (severity, format!("{host}.weak-backup.example"));
    assert_eq!(graded, [at(Severity::Medium, "mx2"), at(Severity::Info, "mx1")]);
    let others = |report: &Report| {
        let others = report.findings.iter().filter(|finding| finding.rule != "profile-not-met");
        others.map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(others(&report), others(&Report::of(survey)), "no other finding changes");
}

#[test]
fn what_was_not_asked_is_neither_pass_nor_fail() {
    // One session and no more.
    let world = "domain = 'even.example'\n[[mx]]\nhost = 'mx1.even.example'";
    let survey = play("one session", world).survey;
    let report = under(&survey, "mozilla-intermediate-6");
    for grade in report.profile.unwrap().hosts.iter().flat_map(|host| &host.grades) {
        assert!(!grade.standing.settled);
        for item in &grade.items {
            // Not even of certificates: there may be one of another algorithm.
            assert!(!item.standing.settled && item.unseen.is_some(), "{}", item.item);
        }
    }
    assert!(report.findings.iter().all(|finding| finding.rule != "profile-not-met"));
}

#[test]
fn a_demo_under_a_guideline_reads_as_it_should() {
    let report = under(&demo("weak-backup"), "ncsc-2025-05");
    let text = report.render(Format::Text, 80);
    let text = anstream::adapter::strip_str(&text).to_string();
    golden::compare("profiles/weak-backup.txt", &text);
    let json = serde_json::to_string_pretty(report.profile.as_ref().unwrap()).unwrap();
    golden::compare("profiles/weak-backup.json", &format!("{json}\n"));
}
