//! Runs that resume: what one leaves in the state, and what the next then does and leaves undone.
//!
//! Over the fleet under a virtual clock for the facts, with the real program for the file.

use std::{net::IpAddr, path::Path, process::Output};

use jiff::{SignedDuration, Timestamp};
use mxparity::{
    config::Limits,
    fleet::{Carrier, Fleet, World},
    monitor::State,
    probe::{Machine as _, Probe, vantage::Lookout},
    report::Coverage,
    rules,
    smtp::{DomainName, HelloName},
    survey::{Asked, Blame, Survey},
};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::support::{empty_dns::empty_dns, host::Host};

const DOMAIN: &str = "grey.example";

/// A world that several runs visit one after the other.
struct Stage {
    fleet: Fleet,
    began: Timestamp,
    state: State,
}

impl Stage {
    fn of(world: &str) -> Self {
        let began = "2026-11-23T12:00:00Z".parse().unwrap();
        let world = World::parse(world).unwrap();
        let fleet =
            Fleet::new(&world, began, Carrier::Memory { round_trip: std::time::Duration::ZERO });
        Self { fleet: fleet.unwrap(), began, state: State::default() }
    }

    /// One run, so many minutes after the first.
    fn run(&mut self, minutes: i64) -> Survey {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let now = self.began + SignedDuration::from_mins(minutes);
        let domain = DomainName::parse(DOMAIN).unwrap();
        let fleet = &self.fleet;
        let memory = Some(self.state.recall(&domain, now, |to| fleet.source(to)));
        let asked = Asked { memory, ..fleet.asked().clone() };
        let limits = Limits::default();
        let survey = runtime.unwrap().block_on(async {
            let lookout =
                Lookout { resolver: fleet.resolver(), machine: fleet, dialer: fleet, limits };
            let helo = HelloName::parse("probe.example").unwrap();
            let vantage = lookout.vantage(helo, &asked, None).await;
            let (_keep, stop) = tokio::sync::watch::channel(false);
            let probe = Probe {
                resolver: fleet.resolver(),
                machine: fleet,
                dialer: fleet,
                trust: fleet.trust(),
                limits,
                earlier: &[],
                asked: &asked,
                vantage: &vantage,
                stop,
                progress: &|_| {},
            };
            probe.survey(&domain, now).await
        });
        self.state.learn(&survey);
        let alarms = self.fleet.ledger().alarms();
        assert!(alarms.is_empty(), "{alarms:#?}");
        survey
    }

    fn visits(&self, address: &str) -> usize {
        let address: IpAddr = address.parse().unwrap();
        let visits = self.fleet.ledger().visits();
        visits.iter().filter(|(to, _)| to.ip() == address).map(|(_, count)| count).sum()
    }

    /// The recipients asked at `address` since its visit number `since`, and who they came from.
    fn triplets(&self, address: &str, since: usize) -> Vec<String> {
        let address: IpAddr = address.parse().unwrap();
        let heard = self.fleet.ledger().heard().into_iter();
        let heard = heard.filter(|line| line.visit.to.ip() == address && line.visit.number > since);
        let lines = heard.map(|line| line.line.to_string());
        lines.filter(|line| line.starts_with("MAIL") || line.starts_with("RCPT")).collect()
    }

    fn json(&self) -> Value {
        serde_json::to_value(&self.state).unwrap()
    }
}

fn fired(survey: &Survey, rule: &str) -> Vec<String> {
    let findings = rules::judge(survey).into_iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| finding.subject.to_string()).collect()
}

const PRIMARY: &str = "192.0.2.1";
const BACKUP: &str = "192.0.2.2";

/// The primary defers the first two visits: the session and its confirmation.
const GREYLISTING: &str = r#"
    domain = "grey.example"
    ask = { rcpt = ["ann@grey.example"] }

    [[mx]]
    preference = 10
    host = "a.grey.example"
    [[mx.visits]]
    rcpt = "450 4.2.0 <ann@grey.example>: Recipient address rejected: Greylisted"
    [[mx.visits]]
    rcpt = "450 4.2.0 <ann@grey.example>: Recipient address rejected: Greylisted"
    [[mx.visits]]

    [[mx]]
    preference = 20
    host = "b.grey.example"
"#;

#[test]
fn a_greylisted_address_is_finished_with_the_same_triplet_when_it_is_due_and_not_before() {
    let mut stage = Stage::of(GREYLISTING);
    let first = stage.run(0);
    assert!(fired(&first, "greylisting-differs").is_empty());
    let asked = stage.triplets(PRIMARY, 0);
    assert_eq!(stage.visits(PRIMARY), 2);
    let contacts = &stage.json()["domains"][DOMAIN];
    assert_eq!(contacts[0]["address"], PRIMARY);
    assert_eq!(contacts[0]["standing"]["deferred"]["cause"], "greylist");
    assert_eq!(contacts[1]["standing"], "taken_at_once");

    let early = stage.run(5);
    assert_eq!(stage.visits(PRIMARY), 3, "greeting and TLS are looked at all the same");
    assert!(stage.triplets(PRIMARY, 2).is_empty());
    assert!(!stage.triplets(BACKUP, 1).is_empty(), "others are asked as ever");
    let coverage = Coverage::of(&early);
    assert_eq!((coverage.planned, coverage.observed, coverage.unseen.len()), (2, 1, 1));
    assert_eq!(
        (coverage.unseen[0].why.as_str(), coverage.unseen[0].blame),
        (
            "deferred at 2026-11-23 12:00 UTC (greylisting), \
             not asked again before 2026-11-23 12:10 UTC",
            Blame::Us
        )
    );
    assert_eq!(contacts[0], stage.json()["domains"][DOMAIN][0], "the wait is as it was");

    let due = stage.run(15);
    let again = stage.triplets(PRIMARY, 3);
    assert_eq!(again[..2], asked[..2], "sender and recipient as in the first run");
    assert_eq!(Coverage::of(&due).observed, 2);
    assert_eq!(fired(&due, "greylisting-differs"), ["b.grey.example"]);
    let contacts = &stage.json()["domains"][DOMAIN];
    assert_eq!(contacts[0]["standing"], json!({ "taken_later": { "cause": "greylist" } }));

    let after = stage.run(75);
    assert_eq!(fired(&after, "greylisting-differs"), ["b.grey.example"], "from memory alone");
}

#[test]
fn a_deferral_that_stands_doubles_the_wait_up_to_an_hour() {
    let mut stage = Stage::of(
        r#"
        domain = "grey.example"
        [[mx]]
        host = "a.grey.example"
        server = { rcpt = "451 4.3.0 <postmaster@grey.example>: Temporary lookup failure" }
        "#,
    );
    let mut minutes = 0;
    for (times, wait) in [(1, 10), (2, 20), (3, 40), (4, 60), (5, 60)] {
        stage.run(minutes);
        let deferred = &stage.json()["domains"][DOMAIN][0]["standing"]["deferred"];
        assert_eq!(deferred["times"], times);
        let due: Timestamp = deferred["due"].as_str().unwrap().parse().unwrap();
        let want = stage.began + SignedDuration::from_mins(minutes + wait);
        assert!(due >= want && due < want + SignedDuration::from_mins(1), "{due}, not {want}");
        minutes += wait + 1;
    }
}

#[test]
fn a_host_that_asked_us_to_stop_rests_longer_each_time_and_is_not_visited() {
    let mut stage = Stage::of(
        r#"
        domain = "grey.example"
        [[mx]]
        preference = 10
        host = "a.grey.example"
        server = { greeting = "421 4.7.0 Too many connections from your address" }
        [[mx]]
        preference = 20
        host = "b.grey.example"
        "#,
    );
    let mut minutes = 0;
    for (times, rest) in
        [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 960), (7, 1440), (8, 1440)]
    {
        let visited = stage.visits(PRIMARY);
        stage.run(minutes);
        assert_eq!(stage.visits(PRIMARY), visited + 1);
        let resting = &stage.json()["resting"][0];
        assert_eq!((&resting["address"], &resting["times"]), (&json!(PRIMARY), &json!(times)));
        let until: Timestamp = resting["until"].as_str().unwrap().parse().unwrap();
        let want = stage.began + SignedDuration::from_mins(minutes + rest);
        assert!(
            until >= want && until < want + SignedDuration::from_mins(1),
            "{until}, not {want}"
        );

        let early = stage.run(minutes + rest - 1);
        assert_eq!(stage.visits(PRIMARY), visited + 1, "visited while it rests");
        let unseen = Coverage::of(&early).unseen;
        let until = until.strftime("%F %R UTC");
        assert_eq!(
            (unseen[0].why.as_str(), unseen[0].blame),
            (&*format!("it asked for rest until {until}, not visited"), Blame::Us)
        );
        minutes += rest + 1;
    }
}

#[test]
fn a_clock_that_was_years_ahead_silences_nobody() {
    let years = 10 * 365 * 24 * 60;
    let mut stage = Stage::of(GREYLISTING);
    stage.run(years);
    let visited = stage.visits(PRIMARY);
    stage.run(0);
    assert!(!stage.triplets(PRIMARY, visited).is_empty(), "asked again");

    let mut stage = Stage::of(
        r#"
        domain = "grey.example"
        [[mx]]
        host = "a.grey.example"
        server = { greeting = "421 4.7.0 Too many connections from your address" }
        "#,
    );
    for (minutes, visits) in [(years, 1), (0, 2), (5, 2)] {
        stage.run(minutes);
        assert_eq!(stage.visits(PRIMARY), visits, "after {minutes} minutes");
    }
}

#[test]
fn rest_is_over_with_the_first_visit_that_goes_well() {
    let mut stage = Stage::of(
        r#"
        domain = "grey.example"
        [[mx]]
        host = "a.grey.example"
        visits = [{ rcpt = "450 4.7.1 Error: too much mail from 203.0.113.25" }, {}]
        "#,
    );
    stage.run(0);
    assert_eq!(stage.json()["resting"][0]["times"], 1);
    stage.run(31);
    assert_eq!(stage.json()["resting"], json!([]));
}

#[test]
fn what_is_old_is_forgotten_and_another_address_of_ours_is_another_triplet() {
    let mut stage = Stage::of(GREYLISTING);
    stage.run(0);
    let domain = DomainName::parse(DOMAIN).unwrap();
    for (ours, known) in [(Some("203.0.113.25"), 2), (Some("203.0.113.26"), 0), (None, 2)] {
        let source = |_| ours.map(|word| word.parse().unwrap());
        let recalled = stage.state.recall(&domain, stage.began, source).contacts.len();
        assert_eq!(recalled, known, "{ours:?}");
    }
    // The backup is gone by then, and only those who answer are met again.
    let mut later = Stage::of(
        &GREYLISTING.replace("host = \"b.", "server = { connect = \"refuse\" }\nhost = \"b."),
    );
    later.state = stage.state;
    later.run(61 * 24 * 60);
    let known = &later.json()["domains"][DOMAIN];
    assert_eq!(known.as_array().unwrap().len(), 1, "{known:#}");
}

/// Checks a host by hand with a state in `folder`.
fn check(folder: &Path, host: &Host, words: &[&str]) -> Output {
    let (dns, by_hand) = (empty_dns(), host.by_hand());
    let usual = ["check", "--resolver", &dns, "--allow-private", "--pause", "0", "--mx", &by_hand];
    let more = ["--helo", "probe.example", "--state", "state.json", "a.example"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mxparity"));
    command.args(usual).args(more).args(words).current_dir(folder).output().unwrap()
}

fn said(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_program_resumes_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let host = Host::answering_rcpt("450 4.2.0 Greylisted, please try again in 20 minutes");
    let first = check(folder.path(), &host, &[]);
    assert_eq!(said(&first.stderr), "");
    assert!(host.heard().iter().any(|line| line == "RCPT TO:<postmaster@a.example>"));
    #[cfg(unix)]
    for name in ["state.json", "state.json.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "{name}");
    }
    let second = check(folder.path(), &host, &[]);
    let heard = host.heard();
    assert!(heard.iter().any(|line| line == "EHLO probe.example"), "{heard:?}");
    assert!(!heard.iter().any(|line| line.starts_with("MAIL") || line.starts_with("RCPT")));
    let flat = said(&second.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("(greylisting), not asked again before"), "{flat}");
    let plan = check(folder.path(), &host, &["--plan"]);
    let words = "no recipients: an earlier run was told to come back after 20";
    assert!(said(&plan.stdout).contains(words), "{}", said(&plan.stdout));
    // As if the twenty minutes had passed.
    let mut state: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let due = &mut state["domains"]["a.example"][0]["standing"]["deferred"]["due"];
    assert!(due.is_string(), "{due}");
    *due = json!("2026-01-01T00:00:00Z");
    std::fs::write(&file, state.to_string()).unwrap();
    check(folder.path(), &host, &[]);
    assert!(host.heard().iter().any(|line| line == "RCPT TO:<postmaster@a.example>"));
}

#[test]
fn a_state_in_use_and_a_state_of_a_newer_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::answering_rcpt("250 ok");
    let lock = std::fs::File::create(folder.path().join("state.json.lock")).unwrap();
    lock.lock().unwrap();
    let output = check(folder.path(), &host, &[]);
    assert_eq!(
        (output.status.code(), said(&output.stderr)),
        (
            Some(3),
            "mxparity: state.json is in use by another run; wait for it, \
             or give this one another --state\n"
        )
    );
    lock.unlock().unwrap();
    let newer = r#"{"schema": 2, "moons": []}"#;
    std::fs::write(folder.path().join("state.json"), newer).unwrap();
    let output = check(folder.path(), &host, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output.stderr).contains("a state of schema 2"), "{}", said(&output.stderr));
    assert_eq!(std::fs::read_to_string(folder.path().join("state.json")).unwrap(), newer);
    assert!(host.heard().is_empty(), "visited all the same");
}

#[test]
fn a_damaged_state_is_set_aside_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::answering_rcpt("250 ok");
    for damage in [&b"{\"schema\": 1, \"domains\": {"[..], b"\xff\xfe"] {
        std::fs::write(folder.path().join("state.json"), damage).unwrap();
        let output = check(folder.path(), &host, &[]);
        let warning = said(&output.stderr);
        assert!(warning.starts_with("mxparity: state.json is damaged ("), "{warning}");
        assert_eq!(warning.lines().count(), 1, "{warning}");
        assert!(said(&output.stdout).contains("a.example"), "the run goes on");
    }
    let kept = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.filter(|path| path.to_str().unwrap().contains("state.json.damaged-2"));
    let kept: Vec<Vec<u8>> = kept.map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|text| text == b"\xff\xfe"));
    let state = std::fs::read_to_string(folder.path().join("state.json")).unwrap();
    assert!(state.contains("\"taken_at_once\""), "{state}");
}

/// A device in place of the file would be read for ever, and be gone afterwards.
#[test]
#[cfg(unix)]
fn what_is_no_plain_file_is_neither_read_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::answering_rcpt("250 ok");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("state.json")).status();
    assert!(made.unwrap().success());
    let output = check(folder.path(), &host, &[]);
    assert_eq!(
        (output.status.code(), said(&output.stderr)),
        (
            Some(3),
            "mxparity: state.json is no plain file, so it cannot keep a state; \
             give another --state\n"
        )
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(host.heard().is_empty(), "visited all the same");
}

#[test]
fn a_plan_leaves_no_state_and_a_state_that_is_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::answering_rcpt("250 ok");
    let output = check(folder.path(), &host, &["--plan"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    assert!(!folder.path().join("state.json").exists());
    std::fs::create_dir(folder.path().join("state.json")).unwrap();
    let output = check(folder.path(), &host, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output.stderr).starts_with("mxparity: cannot read state.json"));
}
