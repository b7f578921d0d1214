//! What other programs say of the forms made for them: promtool of the metrics and of the alert rules,
//! systemd of the units.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::ground;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Runs a checker on `input` and demands that it finds nothing to say.
#[track_caller]
fn check(mut command: Command, input: &[u8]) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    assert!(!said.contains("error") && !said.contains("FAILED"), "{command:?}: {said}");
}

fn promtool(words: &[&str]) -> Command {
    ground::packages();
    let mut command = ground::tool("promtool");
    command.args(words);
    command
}

#[test]
fn promtool_finds_nothing_to_say_of_the_metrics() {
    let scenarios = fs::read_dir(fixtures().join("scenarios")).unwrap();
    let files = scenarios.map(|entry| entry.unwrap().path().join("metrics.prom"));
    let files: Vec<PathBuf> = files.filter(|file| file.exists()).collect();
    assert!(files.len() >= 5, "{files:?}");
    assert!(files.iter().any(|file| file.to_string_lossy().contains("hostile-banner")));
    for file in files {
        let metrics = fs::read(&file).unwrap();
        assert!(metrics.len() > 500, "{}", file.display());
        check(promtool(&["check", "metrics"]), &metrics);
    }
}

#[test]
fn promtool_reads_every_alert_rule() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    let mut example = Command::new(env!("CARGO_BIN_EXE_mxparity"));
    let rules = example.args(["example", "alert-rules"]).output().unwrap().stdout;
    assert_eq!(rules, fs::read(fixtures().join("examples/alert-rules.yml")).unwrap());
    fs::write(&file, rules).unwrap();
    check(promtool(&["check", "rules", file.to_str().unwrap()]), b"");
}

/// Above this systemd no longer calls a service well shut off.
const EXPOSED: &str = "--threshold=20";

#[test]
fn systemd_takes_the_units_and_calls_the_service_well_shut_off() {
    ground::packages();
    let folder = tempfile::tempdir().unwrap();
    for word in ["service", "timer"] {
        let mut units = Command::new(env!("CARGO_BIN_EXE_mxparity"));
        let unit = units.args(["units", "--only", word]).output().unwrap().stdout;
        fs::write(folder.path().join(format!("mxparity.{word}")), unit).unwrap();
    }
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (service, timer) = (at("mxparity.service"), at("mxparity.timer"));
    let systemd = |words: &[&str]| {
        let mut command = ground::tool("systemd-analyze");
        command.args(words);
        command
    };
    check(systemd(&["verify", &service, &timer]), b"");
    check(systemd(&["security", "--offline=true", EXPOSED, &service]), b"");
}
