//! Hosts that put strangers off once: Postfix's postscreen and postgrey, on the first run and the next.

use crate::{
    host::{KNOWN, Server},
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
