//! Whole fleets: pairings of the three servers, both address families, a primary that is gone.

use crate::{host::Server, world::World};

#[test]
fn two_postfixes_alike_are_an_even_pair() {
    let mut world = World::open([Server::postfix(), Server::postfix()]);
    let report = world.check(&[]);
    report.verdict("works", "even", "info", 0);
    assert_eq!(report.rules_from("low"), [""; 0]);
    world.close(&[]);
}

#[test]
fn two_exims_alike_are_an_even_pair() {
    let mut world = World::open([Server::exim(), Server::exim()]);
    let report = world.check(&[]);
    report.verdict("works", "even", "info", 0);
    assert_eq!(report.rules_from("low"), [""; 0]);
    world.close(&[]);
}

#[test]
fn an_opensmtpd_behind_an_exim_takes_the_mail_in_clear() {
    let mut world = World::open([Server::exim(), Server::opensmtpd()]);
    let report = world.check(&[]);
    report.verdict("works", "uneven", "high", 2);
    report.found("backup-without-starttls", "mx2").against("mx1");
    world.close(&[]);
}

#[test]
fn an_exim_behind_an_opensmtpd_is_the_safer_one() {
    let mut world = World::open([Server::opensmtpd(), Server::exim()]);
    let report = world.check(&[]);
    report.verdict("works", "even", "high", 2);
    report.found("starttls-missing", "mx1");
    assert_eq!(report.rules_from("medium"), ["starttls-missing mx1"]);
    world.close(&[]);
}

#[test]
fn both_families_are_visited_through_the_name_server_asked_for() {
    let mut world = World::open_with_ipv6([Server::postfix(), Server::postfix()]);
    let report = world.check(&["--resolver", "127.0.0.1:53"]);
    report.verdict("works", "even", "info", 0);
    assert_eq!(report.json["coverage"]["observed"], 4);
    world.close(&[]);
}
/// Hosts by hand: one port where nothing listens, one address that swallows every packet.
#[test]
fn a_dead_primary_leaves_the_backup_to_be_seen() {
    let mut world = World::open([Server::postfix(), Server::postfix()]);
    for (primary, words) in [
        ("10:mx1.even.example:2525@192.0.2.10", "connection refused"),
        ("10:mx1.even.example@192.0.2.77", "no connect within 2 s"),
    ] {
        let hosts = ["--mx", primary, "--mx", "20:mx2.even.example", "--connect-timeout", "2"];
        let report = world.check(&hosts);
        report.found("host-unreachable", "mx1").saw(words);
        report.verdict("works", "unproven", "high", 2);
    }
    world.close(&[]);
}
