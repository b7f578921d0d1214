//! Hosts that put strangers off once: Postfix's postscreen and postgrey, on the first run and the next.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    host::{KNOWN, Server},
    report::Report,
    world::World,
};

/// What postscreen says to every recipient of a client whose deeper tests are not over.
const NOT_YET: &str = "450 4.3.2 Service currently unavailable";

/// Every test that postscreen has, the waits before the greeting among them.
const DEEP: &str = "postscreen_greet_action = enforce\n\
    postscreen_pipelining_enable = yes\npostscreen_pipelining_action = enforce\n\
    postscreen_non_smtp_command_enable = yes\n\
    postscreen_bare_newline_enable = yes\npostscreen_bare_newline_action = enforce";

/// Postscreen shows half a greeting and drops whoever speaks before the rest of it is there. What
/// its deeper tests end in says nothing of the host, and is over with the next visit.
#[test]
fn a_guard_that_puts_the_first_visit_off_lets_later_ones_in() {
    let guarded = || Server::postfix().guarded().with(DEEP);
    let mut world = World::open([guarded(), guarded()]);
    let report = world.check(&[]);
    for host in ["mx1", "mx2"] {
        assert_eq!(report.answers(host, 1)[0], NOT_YET);
    }
    report.verdict("works", "even", "info", 0);
    let report = world.check(&[]);
    for host in ["mx1", "mx2"] {
        assert_eq!(report.answers(host, 1)[0], "250 2.1.5 Ok");
    }
    report.verdict("works", "even", "info", 0);
    world.close(&[]);
}

/// On an address where postscreen never lets new clients pass, the same reply comes for ever.
#[test]
fn a_guard_that_never_lets_strangers_in_is_not_held_against_the_backup() {
    let veto = "postscreen_allowlist_interfaces = !203.0.113.20, static:all";
    let backup = Server::postfix().guarded().with(DEEP).with(veto);
    let mut world = World::open([Server::postfix(), backup]);
    for _ in ["first", "second"] {
        let report = world.check(&[]);
        assert_eq!(report.unseen("mx2"), (&*format!("greylisting: {NOT_YET}"), "peer"));
        // Which is true of it, and what every stranger sees.
        report.found("extension-missing-on-backup", "mx2").saw("without PIPELINING");
        assert_eq!(report.rules_from("low"), ["extension-missing-on-backup mx2"]);
        report.verdict("unproven", "unproven", "low", 3);
    }
    world.close(&[]);
}

#[test]
fn a_greylisted_backup_is_unproven_first_and_takes_the_mail_later() {
    // More than the first run needs for its visits.
    let backup = Server::postfix().greylisting(8);
    let mut world = World::open([Server::postfix(), backup]);
    let report = world.check(&["--pause", "0"]);
    let greylisted = "Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch";
    let (why, blame) = report.unseen("mx2");
    assert!(why.contains(greylisted) && why.contains("450 4.2.0"), "{why}");
    assert_eq!(blame, "peer");
    assert_eq!(report.rules_from("low"), [""; 0]);
    report.verdict("unproven", "unproven", "info", 3);
    world.wait_until_greylist_opens();
    let report = world.check(&[]);
    assert_eq!(report.answers("mx2", 1)[0], "250 2.1.5 Ok", "{KNOWN}");
    report.verdict("works", "even", "info", 0);
    world.close(&[]);
}

/// The triplet that postgrey knows is the one that the first run left in the state: any other would
/// be put off anew.
#[test]
fn a_greylisted_backup_is_left_out_until_it_is_due_and_finished_then() {
    let mut world = World::open([Server::postfix(), Server::postfix().greylisting(8)]);
    let file = world.state_file();
    let options = ["--state", &file, "--pause", "0"];
    let rcpts = |world: &World, sessions: usize| {
        let lines = world.logged("mx2", "]: disconnect from ", sessions);
        lines[sessions - 1].contains(" rcpt=")
    };

    let first = world.check(&options);
    first.verdict("unproven", "unproven", "info", 3);
    let visits = first.visits("mx2").len();
    assert!(rcpts(&world, visits));
    assert_eq!(contact(&world, "192.0.2.10")["standing"], "taken_at_once");
    let deferred = contact(&world, "203.0.113.20");
    assert_eq!(deferred["source"], "198.51.100.7");
    assert_eq!(deferred["sender"], "<postmaster@probe.example>");
    assert_eq!(deferred["recipient"], "anna@even.example");
    let standing = &deferred["standing"]["deferred"];
    assert_eq!((&standing["cause"], &standing["times"]), (&json!("greylist"), &json!(1)));
    let due = moment(&deferred["last"]) + SignedDuration::from_mins(10);
    assert_eq!(moment(&standing["due"]), due);

    let early = world.check(&options);
    let (why, blame) = early.unseen("mx2");
    assert!(why.contains("(greylisting), not asked again before"), "{why}");
    assert_eq!((blame, early.answers("mx2", 1).len()), ("us", 0));
    assert!(!rcpts(&world, visits + 1));
    assert_eq!(early.rules_from("low"), [""; 0]);
    early.verdict("unproven", "unproven", "info", 3);
    assert_eq!(contact(&world, "203.0.113.20"), deferred, "the wait is as it was");

    world.age_state(10);
    world.wait_until_greylist_opens();
    let due = world.check(&options);
    assert_eq!(due.answers("mx2", 1)[0], "250 2.1.5 Ok");
    assert_eq!(due.rules_from("low"), ["greylisting-differs mx2"]);
    due.verdict("works", "even", "low", 0);
    world.close(&[]);
}

/// The confirmation of the first run is the second visit of a client that postscreen has tested. On an
/// address where it never lets new clients pass, each run that is due learns no more than to wait longer.
#[test]
fn a_guard_is_remembered_as_greylisting_where_it_lets_the_prober_in() {
    let guarded = || Server::postfix().guarded().with(DEEP);
    let veto = "postscreen_allowlist_interfaces = !192.0.2.30, static:all";
    let mut world = World::open([Server::postfix(), guarded(), guarded().with(veto)]);
    let file = world.state_file();
    let options = ["--state", &file];
    let standing = |world: &World, address: &str| contact(world, address)["standing"].clone();

    let first = world.check(&options);
    assert_eq!(first.answers("mx2", 1)[0], NOT_YET);
    assert_eq!(first.answers("mx2", 2)[0], "250 2.1.5 Ok");
    assert_eq!(standing(&world, "203.0.113.20"), json!({ "taken_later": { "cause": "greylist" } }));
    assert_eq!(standing(&world, "192.0.2.30")["deferred"]["times"], 1);

    let early = world.check(&options);
    assert_eq!(early.answers("mx2", 1)[0], "250 2.1.5 Ok");
    assert_eq!(early.answers("mx3", 1).len(), 0);
    let (why, blame) = early.unseen("mx3");
    assert!(why.contains("not asked again before") && blame == "us", "{blame}: {why}");
    early.found("greylisting-differs", "mx2").against("mx1");

    world.age_state(10);
    let due = world.check(&options);
    assert_eq!(due.answers("mx3", 1)[0], NOT_YET);
    let deferred = &standing(&world, "192.0.2.30")["deferred"];
    assert_eq!(deferred["times"], 2);
    let wait = moment(&deferred["due"]).duration_since(last_word(&due));
    assert!(wait > SignedDuration::from_mins(19), "{wait}");
    world.close(&[]);
}

/// What is remembered of the one triplet at `address`.
#[track_caller]
fn contact(world: &World, address: &str) -> Value {
    let state = world.state();
    let contacts = state["domains"]["even.example"].as_array().into_iter().flatten();
    let mut here = contacts.filter(|contact| contact["address"] == address);
    here.next().expect("a contact").clone()
}

fn moment(word: &Value) -> Timestamp {
    word.as_str().expect("a time").parse().unwrap()
}

/// When the run was over.
fn last_word(report: &Report) -> Timestamp {
    let took = report.json["took_ms"].as_i64().expect("a duration");
    moment(&report.json["began"]) + SignedDuration::from_millis(took)
}
