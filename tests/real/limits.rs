//! Limits of Postfix on how often a client may come and how much it may ask: hosts then left alone.

use crate::{host::Server, world::World};

/// The relay test is a visit of its own, which a host that has had enough must not get.
#[test]
fn a_host_that_has_had_enough_is_left_alone_and_nothing_is_said_of_it() {
    let limited = |limit| Server::postfix().with("anvil_rate_time_unit = 1h").with(limit);
    let mut world = World::open([
        Server::postfix(),
        limited("smtpd_client_connection_rate_limit = 1"),
        limited("smtpd_client_recipient_rate_limit = 3"),
        limited("smtpd_client_message_rate_limit = 1"),
    ]);
    world.check(&[]).verdict("works", "even", "info", 0);
    let report = world.check(&["--relay-test", "check@elsewhere.example"]);
    for (host, words) in [
        ("mx2", "421 4.7.0 mx2.even.example Error: too many connections from 198.51.100.7"),
        ("mx3", "450 4.7.1 Error: too many recipients from 198.51.100.7"),
        ("mx4", "450 4.7.1 Error: too much mail from 198.51.100.7"),
    ] {
        let (why, blame) = report.unseen(host);
        assert!(why.starts_with("rate limit: ") && why.contains(words), "{host}: {why}");
        assert_eq!((blame, report.visits(host).len()), ("peer", 1), "{host}");
    }
    assert_eq!(report.rules_from("low"), [""; 0]);
    report.verdict("unproven", "unproven", "info", 3);
    world.close(&[("mx2", 1)]);
}
