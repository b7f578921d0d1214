//! Refusals that are about the prober: they never become findings about the host.

use crate::{host::Server, world::World};

#[test]
fn a_host_that_refuses_the_prober_stays_unproven() {
    for (restriction, words) in [
        (
            "check_helo_access inline:{ probe.example=REJECT }",
            "554 5.7.1 <probe.example>: Helo command rejected: Access denied",
        ),
        (
            "check_sender_access inline:{ postmaster@probe.example=REJECT }",
            "554 5.7.1 <postmaster@probe.example>: Sender address rejected: Access denied",
        ),
        (
            "check_client_access inline:{ 198.51.100.7=REJECT }",
            "554 5.7.1 <probe.example[198.51.100.7]>: Client host rejected: Access denied",
        ),
    ] {
        let settings = format!("smtpd_recipient_restrictions = {restriction}");
        let mut world = World::open([Server::postfix(), Server::postfix().with(&settings)]);
        let file = world.state_file();
        for _ in ["first", "second"] {
            let report = world.check(&["--state", &file]);
            report.found("prober-rejected", "").saw(words);
            assert_eq!(report.rules_from("low"), [""; 0], "{restriction}");
            report.verdict("unproven", "unproven", "info", 3);
            // Time mends no refusal of the prober: there is nothing to wait for.
            let state = world.state();
            let contacts = state["domains"]["even.example"].as_array().unwrap();
            let known: Vec<_> = contacts.iter().map(|contact| &contact["address"]).collect();
            assert_eq!(known, ["192.0.2.10"], "{restriction}");
        }
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

/// The same refusals as early as Postfix can say them: in the greeting, to EHLO, to MAIL.
#[test]
fn hosts_that_turn_the_prober_away_are_not_judged_however_often_it_comes() {
    let early = |settings: &str| Server::postfix().with("smtpd_delay_reject = no").with(settings);
    let mut world = World::open([
        Server::postfix(),
        early(
            "smtpd_client_restrictions = check_client_access cidr:{ { 198.51.100.0/24 REJECT } }",
        ),
        early("smtpd_helo_restrictions = check_helo_access inline:{ nowhere.example=REJECT }"),
        early(
            "smtpd_sender_restrictions = check_sender_access inline:{ postmaster@nowhere.example=REJECT }",
        ),
        Server::postfix().with("smtpd_helo_restrictions = reject_unknown_helo_hostname"),
        Server::postfix().with("smtpd_sender_restrictions = reject_unknown_sender_domain"),
    ]);
    for _ in ["first", "second"] {
        let report = world.check(&["--helo", "nowhere.example"]);
        let rejected = report.found("prober-rejected", "");
        for words in [
            "Client host rejected: Access denied",
            "554 5.7.1 <nowhere.example>: Helo command rejected: Access denied",
            "554 5.7.1 <postmaster@nowhere.example>: Sender address rejected: Access denied",
            "450 4.7.1 <nowhere.example>: Helo command rejected: Host not found",
            "450 4.1.8 <postmaster@nowhere.example>: Sender address rejected: Domain not found",
        ] {
            rejected.saw(words);
        }
        for host in ["mx2", "mx3", "mx4", "mx5", "mx6"] {
            assert_eq!(report.unseen(host).1, "us", "{host}");
        }
        // Six preferences are more than most senders go through, whatever these hosts say.
        let late = ["mx6", "mx3", "mx4", "mx5"].map(|host| format!("host-never-reached {host}"));
        assert_eq!(report.rules_from("low"), late);
        report.verdict("unproven", "unproven", "medium", 1);
    }
    world.close(&[]);
}
