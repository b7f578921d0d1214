//! Refusals that are about the prober: they never become findings about the host.

use crate::{host::Server, world::World};

#[test]
fn a_host_that_refuses_the_prober_stays_unproven() {
    for (settings, words) in [
        (
            "smtpd_helo_restrictions = check_helo_access inline:{ probe.example=REJECT }",
            "554 5.7.1 <probe.example>: Helo command rejected: Access denied",
        ),
        (
            "smtpd_sender_restrictions = check_sender_access inline:{ postmaster@probe.example=REJECT }",
            "554 5.7.1 <postmaster@probe.example>: Sender address rejected: Access denied",
        ),
        (
            "smtpd_client_restrictions = check_client_access inline:{ 198.51.100.7=REJECT }",
            "Client host rejected: Access denied",
        ),
    ] {
        let mut world = World::open([Server::postfix(), Server::postfix().with(settings)]);
        let report = world.check(&[]);
        report.found("prober-rejected", "").saw(words);
        report.verdict("unproven", "unproven", "info", 3);
        world.close(&[]);
    }
}

#[test]
fn a_backup_whose_recipient_list_is_out_of_order_defers() {
    let broken = "relay_recipient_maps = hash:/etc/postfix/missing";
    let mut world = World::open([Server::postfix(), Server::postfix().with(broken)]);
    let report = world.check(&[]);
    report
        .found("backup-defers", "mx2")
        .saw("451 4.3.0 <anna@even.example>: Temporary lookup failure");
    world.close(&[]);
}

/// Postscreen shows half a greeting and drops whoever speaks before the rest of it is there.
#[test]
fn a_guard_that_waits_sees_a_patient_client() {
    let waiting = "postscreen_greet_action = enforce";
    let guarded = || Server::postfix().guarded().with(waiting);
    let mut world = World::open([guarded(), guarded()]);
    let report = world.check(&[]);
    report.verdict("works", "even", "info", 0);
    world.close(&[]);
}

/// Its deeper tests end in a refusal for now, once: the next visit gets through to the server.
#[test]
fn a_guard_that_defers_the_first_visit_is_not_a_backup_that_defers() {
    let tests = "postscreen_pipelining_enable = yes\npostscreen_bare_newline_enable = yes";
    let mut world = World::open([Server::postfix(), Server::postfix().guarded().with(tests)]);
    let report = world.check(&[]);
    assert_eq!(report.rules_from("medium"), [""; 0]);
    world.close(&[]);
}
