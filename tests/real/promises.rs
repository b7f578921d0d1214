//! What a domain promises besides: MTA-STS from a real web server, and what is left of a report when a
//! promise cannot be looked up.

use crate::{
    certificate::{Certificate::Good, Whose::Own},
    host::Server,
    report::Report,
    world::{
        World,
        around::{policy_records, second_name_server_records},
    },
};

/// A host whose certificate and TLSA record are in order.
fn host() -> Server {
    Server::postfix().showing(Good).promising("3 1 1", Own)
}

fn policy(hosts: &[&str]) -> String {
    let mx: Vec<_> = hosts.iter().map(|host| format!("mx: {host}.even.example\r\n")).collect();
    format!("version: STSv1\r\nmode: enforce\r\n{}max_age: 604800\r\n", mx.concat())
}

/// Both hosts were seen whole, whatever else was not.
fn assert_hosts_seen(report: &Report) {
    let coverage = &report.json["coverage"];
    assert_eq!((&coverage["planned"], &coverage["observed"]), (&2.into(), &2.into()), "{coverage}");
    for host in ["mx1", "mx2"] {
        assert!(report.answers(host, 1)[0].starts_with("250 "), "{host}");
    }
}

/// Whether DANE has a verdict that lets mail through at each host.
fn assert_dane_holds(report: &Report) {
    for host in ["mx1", "mx2"] {
        let dane = &report.promises(host)["dane"];
        assert_eq!(dane[0]["delivers"], true, "{host}: {dane}");
    }
}

#[test]
fn a_policy_that_names_both_hosts_is_kept_by_both() {
    let mut world = World::open_signed([host(), host()], &policy_records());
    world.start_policy_host(&policy(&["mx1", "mx2"]));
    let report = world.check_validating();
    assert_hosts_seen(&report);
    assert_dane_holds(&report);
    assert_eq!(report.json["coverage"]["unseen"], serde_json::json!([]));
    assert_eq!(report.json["verdict"]["failover"], "works");
    // That the tests' hosts do without reports and a spare key is all there is to say.
    assert_eq!(report.rules_from("low"), ["tlsrpt-missing"]);
    for name in ["mx1", "mx2"] {
        assert_eq!(report.promises(name)["sts_pattern"], format!("{name}.even.example"));
    }
    world.close(&[]);
}

#[test]
fn a_policy_that_leaves_the_backup_out_is_found() {
    let mut world = World::open_with([host(), host()], &policy_records());
    world.start_policy_host(&policy(&["mx1"]));
    let report = world.check(&[]);
    report.found("host-missing-from-sts-policy", "mx2").saw("mx: mx1.even.example");
    // Senders that go by the policy have nowhere to turn.
    assert_eq!(report.json["verdict"]["failover"], "fragile");
    assert_hosts_seen(&report);
    world.close(&[]);
}

#[test]
fn without_its_policy_host_the_rest_of_the_report_is_whole() {
    let mut world = World::open_signed([host(), host()], &policy_records());
    let report = world.check_validating();
    report.found("sts-policy-unavailable", "").saw("connection refused");
    let (why, blame) = report.unlearnt("https://mta-sts.even.example/");
    assert_eq!(why, "MTA-STS policy not fetched: connection refused at connect");
    // Whoever closed the port may stand in between.
    assert_eq!(blame, "path");
    assert_hosts_seen(&report);
    assert_dane_holds(&report);
    world.close(&[]);
}

/// NSD itself is asked, which serves no root and signs nothing.
#[test]
fn without_dnssec_at_the_resolver_the_rest_of_the_report_is_whole() {
    let mut world = World::open_with([host(), host()], &policy_records());
    world.start_policy_host(&policy(&["mx1", "mx2"]));
    let report = world.check(&[]);
    for name in ["even.example", "mx1", "mx2"] {
        let (why, blame) = report.unlearnt(name);
        assert!(why.starts_with("DNSSEC could not be validated: "), "{name}: {why}");
        assert_eq!(blame, "us", "{name}: the resolver is on our side");
    }
    assert_hosts_seen(&report);
    for name in ["mx1", "mx2"] {
        assert_eq!(report.promises(name)["sts_pattern"], format!("{name}.even.example"));
        assert!(report.promises(name)["dane"].is_null(), "nobody vouches for its addresses");
    }
    world.close(&[]);
}

#[test]
fn with_one_of_two_name_servers_lame_the_rest_of_the_report_is_whole() {
    let records = policy_records() + &second_name_server_records();
    let mut world = World::open_signed([host(), host()], &records);
    world.start_policy_host(&policy(&["mx1", "mx2"]));
    world.start_lame_name_server();
    let report = world.check_validating();
    report.found("nameserver-fails", "").saw("ns2.example");
    let (why, blame) = report.unseen("ns2.example");
    assert!(why.starts_with("name server told nothing: "), "{why}");
    assert_eq!(blame, "peer", "{why}");
    assert_hosts_seen(&report);
    assert_dane_holds(&report);
    world.close(&[]);
}
