//! Whole runs: a world in, a report out, compared to the letter.
//!
//! A scenario is a folder of `fixtures/scenarios` with a `world.toml`; `UPDATE=1` writes the rest.

use mxparity::{
    report::{Format, Report},
    rules,
    survey::Survey,
};

use crate::support::{
    golden,
    play::{self, play, play_over_loopback},
};

/// Those that show a form what can come its way: all well, findings, doubt, nobody there, no hosts,
/// and words chosen to do harm.
const TELLING: [&str; 8] = [
    "all-dead",
    "dns-failure",
    "even",
    "hostile-banner",
    "one-address-dead",
    "prober-blocked",
    "profile",
    "weak-backup",
];

/// Every form but those for people and JSON, which all scenarios have, with its file.
const FORMS: [(Format, &str); 4] = [
    (Format::Junit, "junit.xml"),
    (Format::Markdown, "report.md"),
    (Format::Nagios, "nagios.txt"),
    (Format::Prometheus, "metrics.prom"),
];

/// Wide enough for every matrix, narrow enough to read.
const WIDTH: usize = 100;

#[test]
fn every_scenario_gives_its_report() {
    let scenarios = play::scenarios();
    assert!(scenarios.len() >= 15, "{} scenarios", scenarios.len());
    for (name, text) in scenarios {
        let played = play(&name, &text);
        let report = Report::under(played.survey, played.profile);
        let styled = report.render(Format::Text, WIDTH);
        let plain = anstream::adapter::strip_str(&styled).to_string();
        golden::compare(&format!("scenarios/{name}/report.txt"), &unversioned(&plain));
        let json = report.render(Format::Json, WIDTH);
        golden::compare(&format!("scenarios/{name}/report.json"), &unversioned(&json));
        for (format, file) in FORMS.iter().filter(|_| TELLING.contains(&name.as_str())) {
            let shown = report.render(*format, WIDTH);
            golden::compare(&format!("scenarios/{name}/{file}"), &unversioned(&shown));
        }
    }
}

#[test]
fn a_demo_finds_over_loopback_what_it_finds_in_memory() {
    for (name, text) in play::demos() {
        let facts = |survey: &Survey| {
            let finding = |finding: rules::Finding| {
                let seen =
                    finding.evidence.into_iter().map(|evidence| (evidence.fact, evidence.lines));
                (finding.rule, finding.severity, finding.subject, seen.collect::<Vec<_>>())
            };
            rules::judge(survey).into_iter().map(finding).collect::<Vec<_>>()
        };
        let memory = facts(&play(&name, &text).survey);
        assert_eq!(facts(&play_over_loopback(&name, &text).survey), memory, "{name}");
    }
}

/// A new version number is no difference.
fn unversioned(report: &str) -> String {
    report.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}
