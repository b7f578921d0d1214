//! The lines about promises, and what JSON has of them.

use super::*;
use crate::{
    report::sample::{self, SERVER, Server, answering, at, host},
    survey::{
        Blame, Endpoint, Fetched, Host, MxRecord, NameServer, PolicyFetch, PolicyFile, Sts,
        TlsaLookup,
    },
    tls::TlsVersion,
};

fn drawn(policies: Policies) -> String {
    let primary = answering("mx1.even.example", "192.0.2.1", SERVER);
    let mut survey = sample::survey(vec![(10, vec![primary])]);
    survey.policies = policies;
    survey.mx.hosts_mut().for_each(|host| host.security = Security::NotAsked);
    let mut sheet = Sheet::default();
    draw(&mut sheet, &Promises::of(&survey), 80);
    anstream::adapter::strip_str(&sheet.to_string()).to_string()
}

/// A host of these addresses, with a record for the key of [`sample::secured`] or another.
fn promising(name: &str, octet: u8, addresses: Vec<Endpoint>) -> Host {
    let record = TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![octet; 32] };
    let answer = Published::Found { records: vec![record], security: Security::Secure };
    let tlsa = vec![TlsaLookup { base: name.to_owned(), answer }];
    Host { security: Security::Secure, tlsa, ..host(name, addresses) }
}

/// An address that shows two certificates, with the same key.
fn twofold(address: &str) -> Endpoint {
    let mut visit = sample::secured(SERVER, TlsVersion::Tls13, Vec::new());
    visit.other_certificate = Some(visit.tls.clone());
    at(address, vec![visit])
}

#[test]
fn what_was_not_asked_or_promised_takes_no_line() {
    assert_eq!(drawn(Policies::default()), "");
    let none = || Published::Absent { security: Security::Insecure };
    let policies = Policies {
        sts: Sts { record: none(), policy: None },
        tls_rpt: none(),
        spf: none(),
        ..Policies::default()
    };
    assert_eq!(drawn(policies), "");
}

#[test]
fn what_could_not_be_looked_up_is_said_to_be_unknown() {
    let failed = || Published::Failed(DnsFault::TimedOut);
    let policies = Policies {
        mx: Security::Undetermined("no answer for DNSKEY".to_owned()),
        name_servers: NameServers::Failed(DnsFault::TimedOut),
        sts: Sts { record: failed(), policy: None },
        tls_rpt: failed(),
        ..Policies::default()
    };
    let want = "\
Promises   DNSSEC        unknown (no answer for DNSKEY)
           MTA-STS       unknown (no answer in time)
           TLS reports   unknown (no answer in time)
           name servers  unknown (no answer in time)
";
    assert_eq!(drawn(policies), want);
}

#[test]
fn name_servers_are_counted_and_compared() {
    let server = |number: u8, answer| NameServer {
        name: format!("ns{number}.even.example"),
        address: Some([192, 0, 2, 50 + number].into()),
        answer,
    };
    let records = |exchange: &str| {
        OwnAnswer::Records(vec![MxRecord { preference: 10, exchange: Text::from(exchange) }])
    };
    let lame = || OwnAnswer::Failed(DnsFault::Lame);
    for (answers, want) in [
        (vec![records("a"), records("a")], "2 addresses answered, and gave the same MX set"),
        (vec![records("a"), records("b")], "2 addresses answered, and gave different MX sets"),
        (vec![records("a"), lame()], "1 of 2 addresses answered"),
        (vec![records("a")], "1 address answered"),
        (vec![lame(), lame()], "2 addresses, none of which answered us"),
        (vec![lame()], "1 address, which did not answer us"),
    ] {
        let servers = (1..).zip(answers).map(|(number, answer)| server(number, answer)).collect();
        let policies =
            Policies { name_servers: NameServers::Asked(servers), ..Policies::default() };
        assert_eq!(drawn(policies), format!("Promises   name servers  {want}\n"));
    }
}

#[test]
fn dane_is_counted_by_address_and_told_of_every_host() {
    let clear = Server { keywords: &["PIPELINING"], ..SERVER };
    let clear = || at("192.0.2.9", vec![sample::session(clear), sample::session(clear)]);
    let unseen = || at("2001:db8::9", Vec::new());
    let bare = |name| Host { security: Security::Insecure, ..host(name, Vec::new()) };
    let bogus = |name| Host {
        security: Security::Bogus("signature expired".to_owned()),
        ..host(name, Vec::new())
    };
    let open = |name| Host {
        security: Security::Unanswered { why: "DS: SERVFAIL".to_owned(), blame: Blame::Peer },
        ..host(name, Vec::new())
    };
    let answer = |host: &Host| promise::tlsa_answer(host);
    for (hosts, want) in [
        (vec![promising("a.even.example", 0, vec![twofold("192.0.2.1")])], "kept at 1 address"),
        (
            vec![promising("a.even.example", 7, vec![twofold("192.0.2.1"), twofold("192.0.2.2")])],
            "broken at 2 addresses",
        ),
        (
            vec![promising("a.even.example", 0, vec![twofold("192.0.2.1"), clear(), unseen()])],
            "kept at 1 address; broken at 1; unknown at 1",
        ),
        (
            vec![
                promising("a.even.example", 0, vec![twofold("192.0.2.1")]),
                bare("b.even.example"),
                open("c.even.example"),
            ],
            "kept at 1 address; none for b.even.example; unknown for c.even.example",
        ),
        // Passed over, though nobody promised anything.
        (
            vec![bogus("a.even.example"), bare("b.even.example")],
            "look-up fails for a.even.example; none for b.even.example",
        ),
        (vec![bare("a.even.example"), open("b.even.example")], ""),
    ] {
        let answers: Vec<TlsaAnswer> = hosts.iter().map(answer).collect();
        let survey = sample::survey(vec![(10, hosts)]);
        let promises = Promises::of(&survey);
        let said = told(&promises).find(|(name, _)| *name == "DANE");
        assert_eq!(said.map_or_else(String::new, |(_, said)| said), want);
        let json = serde_json::to_value(promises).unwrap();
        let told = json["hosts"].as_array().unwrap().iter().map(|host| &host["tlsa_answer"]);
        let answers = answers.iter().map(|answer| serde_json::to_value(answer).unwrap());
        assert!(told.eq(&answers.collect::<Vec<_>>()), "{json}");
    }
}

#[test]
fn a_policy_is_kept_for_a_time_that_is_not_nothing_and_names_the_first_of_its_patterns() {
    let policy = |max_age: u32, count: usize| {
        let mx: String =
            (0..count).fold(String::new(), |all, at| format!("{all}mx: m{at}.example\n"));
        let body = format!("version: STSv1\nmode: enforce\n{mx}max_age: {max_age}\n");
        let file = PolicyFile { media_type: None, body: Text::from(body.as_str()) };
        let fetch = PolicyFetch {
            url: String::new(),
            missed: Vec::new(),
            address: None,
            took_ms: 0,
            outcome: Fetched::Policy(file),
        };
        let sts = Sts { policy: Some(fetch), ..Sts::default() };
        drawn(Policies { sts, ..Policies::default() })
    };
    for (max_age, want) in [
        (0, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (7_199, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (604_800, "7 days"),
    ] {
        let want =
            format!("Promises   MTA-STS       mode enforce, kept for {want}, mx m0.example\n");
        assert_eq!(policy(max_age, 1), want);
    }
    assert!(policy(1, 10).ends_with(" m7.example and 2 more\n"), "{}", policy(1, 10));
}
