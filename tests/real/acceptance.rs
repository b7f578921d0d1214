//! Who takes the mail: each server refusing the domain, refusing the recipient, taking anyone.

use crate::{
    host::{Server, Takes},
    world::World,
};

/// A healthy Postfix with `backup` behind it must end with this rule about the backup.
#[track_caller]
fn backup_shows(backup: Server, rule: &str, words: &str, verdict: [&str; 3]) {
    let mut world = World::open([Server::postfix(), backup]);
    let report = world.check(&[]);
    report.found(rule, "mx2").saw(words);
    let [failover, parity, severity] = verdict;
    report.verdict(failover, parity, severity, 2);
    world.close(&[]);
}

/// Debian's Postfix refuses to relay for now (454), an older or stricter one for good (554).
#[test]
fn a_backup_that_does_not_relay_refuses_the_domain() {
    let strict = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination";
    let denied = "<anna@even.example>: Relay access denied";
    for (backup, words, severity) in [
        (Server::postfix(), format!("454 4.7.1 {denied}"), "high"),
        (Server::postfix().with(strict), format!("554 5.7.1 {denied}"), "critical"),
        (Server::exim(), "550 relay not permitted".to_owned(), "critical"),
    ] {
        let backup = backup.taking(Takes::OtherDomain);
        backup_shows(backup, "backup-refuses-domain", &words, ["broken", "uneven", severity]);
    }
}

/// `OpenSMTPD` says the same of a domain it does not serve and of a user it does not know.
#[test]
fn a_backup_whose_words_do_not_tell_domain_from_user_refuses_the_recipient() {
    let backup = Server::opensmtpd().taking(Takes::OtherDomain);
    let words = "550 Invalid recipient: <anna@even.example>";
    backup_shows(backup, "backup-refuses-recipient", words, ["broken", "uneven", "critical"]);
}

#[test]
fn a_backup_that_does_not_know_the_recipient_refuses_it() {
    for (backup, words) in [
        (
            Server::postfix(),
            "550 5.1.1 <anna@even.example>: Recipient address rejected: \
             User unknown in relay recipient table",
        ),
        (Server::exim(), "550 Unrouteable address"),
        (Server::opensmtpd(), "550 Invalid recipient: <anna@even.example>"),
    ] {
        let backup = backup.taking(Takes::Others);
        backup_shows(backup, "backup-refuses-recipient", words, ["broken", "uneven", "critical"]);
    }
}

#[test]
fn a_backup_without_a_list_of_recipients_accepts_anyone() {
    for (backup, words) in [
        (Server::postfix(), "250 2.1.5 Ok"),
        (Server::exim(), "250 Accepted"),
        (Server::opensmtpd(), "250 2.1.5 Destination address valid: Recipient ok"),
    ] {
        let backup = backup.taking(Takes::Anyone);
        backup_shows(backup, "backup-accepts-anyone", words, ["works", "uneven", "high"]);
    }
}

#[test]
fn a_primary_that_does_not_know_the_recipient_defeats_its_backup() {
    for (primary, words) in [
        (
            Server::postfix(),
            "550 5.1.1 <anna@even.example>: Recipient address rejected: \
             User unknown in local recipient table",
        ),
        (Server::exim(), "550 Unrouteable address"),
        (Server::opensmtpd(), "524 5.2.4 Mailing list expansion problem: <anna@even.example>"),
    ] {
        let mut world = World::open([primary.taking(Takes::Others), Server::postfix()]);
        let report = world.check(&[]);
        report.found("primary-refuses-recipient", "mx1").saw(words);
        assert_eq!(report.status, 2);
        world.close(&[]);
    }
}
