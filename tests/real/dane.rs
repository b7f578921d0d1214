//! DANE against real hosts in a signed zone, each verdict held to that of Postfix's own client in the
//! same run.
//!
//! Where it finds no usable record that client asks for a certificate from an authority instead; a
//! sending Postfix encrypts and asks for no proof (RFC 7672 §2.2), so that this counts as delivery here.

use serde_json::Value;

use crate::{
    certificate::{
        Certificate::{Chained, ChainedExpired, ChainedWrongName, Expired, Good, WrongName},
        Whose::{Intermediate, Own, Root},
    },
    host::Server,
    report::Report,
    world::World,
};

/// A host, its DANE verdict at its last address, whether senders deliver to it, and what is found.
struct Case {
    server: Server,
    verdict: &'static str,
    delivers: Option<bool>,
    rule: Option<&'static str>,
}

fn case(
    server: Server,
    verdict: &'static str,
    delivers: Option<bool>,
    rule: impl Into<Option<&'static str>>,
) -> Case {
    Case { server, verdict, delivers, rule: rule.into() }
}

fn cases() -> Vec<Case> {
    let showing = |certificate| Server::postfix().showing(certificate);
    let (yes, no) = (Some(true), Some(false));
    vec![
        case(showing(Good).promising("3 1 1", Own), "matched", yes, "tlsa-no-spare"),
        // One key at the first address, another at the second.
        case(
            showing(Good).showing_elsewhere(Good).promising("3 1 1", Own),
            "no_match",
            no,
            "tlsa-mismatch",
        ),
        // A rollover: the key that was or will be, and the one that is.
        case(showing(Good).promising("3 1 1", Root).promising("3 1 1", Own), "matched", yes, None),
        case(showing(Chained).promising("2 1 1", Intermediate), "matched", yes, "tlsa-no-spare"),
        case(showing(Good).promising("2 1 1", Root), "issuer_not_sent", no, "tlsa-issuer-not-sent"),
        case(showing(Good).promising("1 1 1", Own), "none_usable", yes, "tlsa-unusable"),
        case(showing(Expired).promising("3 1 1", Own), "matched", yes, "tlsa-no-spare"),
        case(
            showing(ChainedExpired).promising("2 1 1", Intermediate),
            "matched_but",
            no,
            "tlsa-mismatch",
        ),
        case(
            showing(ChainedWrongName).promising("2 0 1", Intermediate),
            "matched_but",
            no,
            "tlsa-mismatch",
        ),
        case(showing(WrongName).promising("3 0 2", Own), "matched", yes, "tlsa-no-spare"),
        // Of two digests the stronger one counts, and it is not that of this key.
        case(
            showing(Good).promising("3 1 1", Own).promising("3 1 2", Root),
            "matched_but",
            no,
            "tlsa-mismatch",
        ),
        // The root that is not sent is in the record: some verify with it, some cannot.
        case(
            showing(Good).promising("2 0 0", Root),
            "issuer_in_record",
            None,
            "tlsa-issuer-not-sent",
        ),
    ]
}

/// One address of a host, with what both say of it.
struct Spot {
    host: String,
    family: &'static str,
    address: String,
    verdict: String,
    delivers: Option<bool>,
}

/// The verdicts about a host, IPv4 first.
fn spots(report: &Report, host: &str) -> Vec<Spot> {
    let dane = report.promises(host)["dane"].as_array().into_iter().flatten();
    let spot = |(one, family): (&Value, _)| Spot {
        host: host.to_owned(),
        family,
        address: one["address"].as_str().unwrap_or_default().to_owned(),
        verdict: one["verdict"].as_object().and_then(|kind| kind.keys().next()).unwrap().clone(),
        delivers: one["delivers"].as_bool(),
    };
    dane.zip(["ipv4", "ipv6"]).map(spot).collect()
}

/// Whether Postfix delivers, after what its client said.
fn postfix_delivers(said: &str) -> bool {
    said.contains(": Verified TLS connection established")
        || said.contains("unsupported TLSA certificate usage")
}

#[test]
fn every_verdict_is_the_one_that_postfix_comes_to() {
    let cases = cases();
    let bare = Server::postfix();
    let servers = cases.iter().map(|case| case.server.clone()).chain([bare]);
    let mut world = World::open_signed(servers, "");
    let report = world.check_validating();
    let mut all = Vec::new();
    for (number, case) in (1..).zip(&cases) {
        let name = format!("mx{number}");
        let spots = spots(&report, &name);
        let last = spots.last().unwrap_or_else(|| panic!("no verdict: {name}\n{}", report.json));
        assert_eq!((last.verdict.as_str(), last.delivers), (case.verdict, case.delivers), "{name}");
        let found = report.rules_from("info");
        let about_it = found.iter().filter_map(|found| found.split_once(' '));
        let about_it = about_it.filter(|(rule, host)| *host == name && rule.starts_with("tlsa"));
        let rules: Vec<&str> = about_it.map(|(rule, _)| rule).collect();
        assert!(case.rule.is_none_or(|rule| rules.contains(&rule)), "{name}: {rules:?}");
        assert!(case.rule.is_some() || rules.is_empty(), "{name}: {rules:?}");
        all.extend(spots);
    }
    // The address that the record was made for is all right.
    assert_eq!((all[1].host.as_str(), all[1].verdict.as_str()), ("mx2", "matched"));
    report.found("tlsa-mismatch", "mx2").saw("nothing that was sent matches 3 1 1");
    report.found("backup-without-tlsa", "mx13").against("mx1");

    let asked = all.iter().map(|spot| (spot.host.as_str(), spot.family));
    let said = world.finger(&asked.chain([("mx13", "ipv4")]).collect::<Vec<_>>());
    assert_eq!(said.len(), all.len() + 1);
    for (Spot { address, verdict, delivers, .. }, said) in all.iter().zip(&said) {
        assert!(said.contains(&format!("[{address}]:25")), "{address}: {said}");
        // Where senders differ, Postfix is one of those that take the root out of the record.
        let delivers = delivers.unwrap_or(verdict == "issuer_in_record");
        assert_eq!(delivers, postfix_delivers(said), "{verdict} at {address}: {said}");
    }
    // Without records that client turns to authorities, of which it knows none.
    assert!(said[all.len()].contains("untrusted issuer"), "{}", said[all.len()]);
    world.close(&[]);
}
