//! Whole runs: a world in, a report out, compared to the letter.
//!
//! A scenario is a folder of `fixtures/scenarios` with a `world.toml`; `UPDATE=1` writes the rest.

use mxparity::report::{Format, Report};

use crate::support::{
    golden,
    play::{self, play},
};

/// Wide enough for every matrix, narrow enough to read.
const WIDTH: usize = 100;

#[test]
fn every_scenario_gives_its_report() {
    let scenarios = play::scenarios();
    assert!(scenarios.len() >= 15, "{} scenarios", scenarios.len());
    for (name, text) in scenarios {
        let report = Report::of(play(&name, &text).survey);
        let styled = report.render(Format::Text, WIDTH);
        let plain = anstream::adapter::strip_str(&styled).to_string();
        golden::compare(&format!("scenarios/{name}/report.txt"), &unversioned(&plain));
        let json = report.render(Format::Json, WIDTH);
        golden::compare(&format!("scenarios/{name}/report.json"), &unversioned(&json));
    }
}

/// A new version number is no difference.
fn unversioned(report: &str) -> String {
    report.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}
