//! Limits of Postfix on how often a client may come and how much it may ask: hosts then left alone.

use serde_json::json;

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
    world.check(&[]).verdict("works", "even", "low", 0);
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
    // Stalwart tries two hosts, whatever these say.
    assert_eq!(report.rules_from("low"), ["host-never-reached mx3", "host-never-reached mx4"]);
    report.verdict("unproven", "unproven", "low", 3);
    world.close(&[("mx2", 1)]);
}

#[test]
fn a_host_that_has_had_enough_rests_and_is_visited_again_when_its_rest_is_over() {
    let limited = |limit| Server::postfix().with("anvil_rate_time_unit = 1h").with(limit);
    let mut world = World::open([
        Server::postfix(),
        limited("smtpd_client_connection_rate_limit = 1"),
        limited("smtpd_client_message_rate_limit = 1"),
    ]);
    let file = world.state_file();
    let options = ["--state", &file];
    world.check(&options).verdict("works", "even", "low", 0);
    assert_eq!(world.state()["resting"], json!([]));

    let limited = world.check(&options);
    assert!(limited.unseen("mx2").0.contains("too many connections from 198.51.100.7"));
    assert!(limited.unseen("mx3").0.contains("too much mail from 198.51.100.7"));
    let resting = world.state()["resting"].clone();
    let addresses = resting.as_array().unwrap().iter().map(|one| &one["address"]);
    assert_eq!(addresses.collect::<Vec<_>>(), ["192.0.2.30", "203.0.113.20"]);

    let early = world.check(&options);
    for host in ["mx2", "mx3"] {
        let (why, blame) = early.unseen(host);
        assert!(why.starts_with("it asked for rest until "), "{host}: {why}");
        assert_eq!((blame, early.visits(host).len()), ("us", 0), "{host}");
    }
    assert_eq!(early.rules_from("low"), ["host-never-reached mx3"]);
    early.verdict("unproven", "unproven", "low", 3);
    assert_eq!(world.state()["resting"], resting);

    world.age_state(30);
    world.lift_rate_limits();
    world.check(&options).verdict("works", "even", "low", 0);
    assert_eq!(world.state()["resting"], json!([]));
    // What the logs say of connections proves that nobody came while the hosts were to rest.
    world.close(&[("mx2", 1)]);
}
