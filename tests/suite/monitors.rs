//! The program as monitors call it: one answer in their form whatever happens, in time, and from a
//! stored report where that is wanted.
//!
//! Runs the real binary. What the forms look like is held by `scenarios`.

use std::net::TcpListener;

use crate::{
    command_line::{mxparity, run, text},
    support::{empty_dns::empty_dns, golden},
};

#[test]
fn an_error_is_an_answer_to_a_monitor_too() {
    for (words, want) in [
        (&["check", "--format", "nagios", "a..example"][..], "each part between dots"),
        (&["judge", "--format=nagios", "/no/such/report.json"], "cannot read /no/such/report.json"),
        (
            &["check", "--format", "nagios", "a.example", "--from-state", "/no/such/report.json"],
            "cannot read /no/such/report.json: no such file",
        ),
    ] {
        let output = run(words);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.starts_with("SMTP FAILOVER UNKNOWN - ") && said.contains(want), "{said}");
        assert_eq!((said.lines().count(), text(&output.stderr)), (1, ""), "{words:?}: {said}");
    }
}

#[test]
fn a_stored_report_is_judged_while_it_is_fresh_and_nobody_is_visited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let file = file.to_str().unwrap();
    assert_eq!(run(&["demo", "--format", "json", "--output", file]).status.code(), Some(0));
    let old = golden::fixture("scenarios/even/report.json");
    let old = old.to_str().unwrap();
    for (domain, file, status, want) in [
        ("weak-backup.example", file, 2, "CRITICAL - weak-backup.example: mx2.weak-backup.example"),
        ("other.example", file, 3, "report.json holds no report on other.example"),
        ("even.example", old, 3, "is of 2026-11-23 12:00 UTC, and only 26h may have passed"),
    ] {
        let output = run(&["check", domain, "--format", "nagios", "--from-state", file]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{said}{}", text(&output.stderr));
        assert!(said.starts_with("SMTP FAILOVER ") && said.contains(want), "{said}");
    }
}

#[test]
fn metrics_in_a_file_are_the_alarm_and_the_exit_status_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mxparity.prom");
    let file = file.to_str().unwrap();
    let report = golden::fixture("scenarios/weak-backup/report.json");
    let words = ["judge", report.to_str().unwrap(), "--format", "prometheus"];
    for (more, status) in [
        (&["--output", file][..], 0),
        (&["--output", file, "--fail-on", "medium"], 2),
        (&["--output", file, "--quiet"], 0),
        (&[], 2),
    ] {
        let output = run(&[&words[..], more].concat());
        assert_eq!(output.status.code(), Some(status), "{more:?}: {}", text(&output.stderr));
    }
    let written = std::fs::read_to_string(file).unwrap();
    assert!(
        written.contains("smtp_failover_findings{domain=\"weak.example\",severity=\"high\"} 1.0")
    );
    let mut left = std::fs::read_dir(folder.path()).unwrap();
    assert!(left.next().is_some() && left.next().is_none(), "something beside the file");
}

#[test]
fn an_example_is_printed_as_it_is_kept() {
    for (name, file) in [
        ("alert-rules", "examples/alert-rules.yml"),
        ("grafana-dashboard", "examples/grafana-dashboard.json"),
    ] {
        let output = run(&["example", name]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        golden::compare(file, text(&output.stdout));
    }
    let dashboard = std::fs::read_to_string(golden::fixture("examples/grafana-dashboard.json"));
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard.unwrap()).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 5);
}

#[test]
fn a_schedule_is_printed_for_the_domains_that_were_named() {
    let program = env!("CARGO_BIN_EXE_mxparity");
    for (word, file) in [
        ("service", "examples/mxparity.service"),
        ("timer", "examples/mxparity.timer"),
        ("cron", "examples/mxparity.cron"),
    ] {
        let output = run(&["units", "--only", word]);
        assert_eq!(output.status.code(), Some(0), "{word}");
        golden::compare(file, &text(&output.stdout).replace(program, "/usr/local/bin/mxparity"));
    }
    let all = run(&["units", "a.example", "b.example"]);
    let said = text(&all.stdout);
    assert_eq!(said.matches("check a.example b.example --").count(), 3, "{said}");
    assert!(!said.contains("example.org"), "{said}");
}

#[test]
fn what_changed_between_two_reports_is_the_exit_status_too() {
    let report = |name: &str| golden::fixture(&format!("scenarios/{name}/report.json"));
    let (even, blind) = (report("even"), report("all-dead"));
    let (even, blind) = (even.to_str().unwrap(), blind.to_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    let changed =
        std::fs::read_to_string(even).unwrap().replace("\"preference\": 20", "\"preference\": 30");
    std::fs::write(&other, changed).unwrap();
    let other = other.to_str().unwrap();
    for (before, after, status, want) in [
        (even, even, 0, "0 changes"),
        (even, other, 1, "b.even.example preference: 20 → 30"),
        (even, blind, 1, "domain: reported on → none"),
        (even, "/no/such/report.json", 3, ""),
    ] {
        let output = run(&["diff", before, after]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(want), "{said}");
    }
    let json = run(&["diff", even, other, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["changes"][0]["fact"], "preference");
    assert_eq!(
        (&json["changes"][0]["before"], &json["changes"][0]["after"]),
        (&"20".into(), &"30".into())
    );
}

#[test]
fn a_host_that_says_nothing_cannot_keep_a_monitor_waiting() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let by_hand = format!("10:mx.example:{}@127.0.0.1", host.local_addr().unwrap().port());
    let dns = empty_dns();
    let words = ["check", "--resolver", &dns, "--allow-private", "--mx", &by_hand];
    let more = ["--helo", "probe.example", "--format", "nagios", "--timeout", "1", "a.example"];
    let output = mxparity(&[&words[..], &more].concat()).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.starts_with("SMTP FAILOVER UNKNOWN - "), "{said}");
    let told = text(&output.stderr);
    assert_eq!(told, "mxparity: stopped after 1s, as --timeout has it\n");
}
