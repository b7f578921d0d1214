//! The MTA-STS policy over HTTPS, from policy hosts of every worth: each way to fail is a fault of its
//! own, with what was seen, and is over within the limit.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use mxparity::{
    config::{LARGEST_POLICY, Limits, POLICY},
    fleet::{Carrier, Fleet, World},
    probe::{Clock, Means, fetch::fetch, resolve::Names},
    smtp::Text,
    survey::{
        Access, Blame, DnsFault, FaultKind, FetchFault, FetchPhase, Fetched, Missed, PolicyFetch,
        PolicyFile,
    },
    tls::TrustFlaw,
};
use tokio::{runtime::Builder, sync::watch};

/// When all certificates are judged.
const NOW: Timestamp = Timestamp::constant(1_811_851_200, 0);

const DAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Where the policy host of a world stands unless it says otherwise.
const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 80));

/// Fetches the policy of a domain with these `keys` for its policy host, interrupted after `until`.
async fn fetched(keys: &str, carrier: Carrier, until: Duration) -> PolicyFetch {
    let text = format!("domain = 'a.example'\n[[mx]]\nhost = 'mx.a.example'\n{keys}");
    let world = World::parse(&text).unwrap_or_else(|fault| panic!("{keys}: {fault}"));
    let fleet = Fleet::new(&world, NOW, carrier).unwrap();
    let (interrupt, stop) = watch::channel(false);
    let (limits, clock) = (Limits::default(), Clock::begin(NOW));
    let means = Means { dialer: &fleet, trust: fleet.trust(), limits, clock, stop };
    let names = Names { resolver: fleet.resolver(), machine: &fleet, asked: fleet.asked() };
    let user = async {
        tokio::time::sleep(until).await;
        interrupt.send_replace(true);
        std::future::pending::<()>().await;
    };
    let fetch = tokio::select! {
        fetch = fetch(&world.domain, names, &means) => fetch,
        () = user => unreachable!("the user goes on waiting"),
    };
    assert_eq!(fetch.url, "https://mta-sts.a.example/.well-known/mta-sts.txt");
    let stored = serde_json::to_string(&fetch).unwrap();
    assert_eq!(serde_json::from_str::<PolicyFetch>(&stored).unwrap(), fetch, "{keys}");
    let called = fleet.ledger().visits().into_keys().map(|to| (to.ip(), to.port()));
    let mut told: Vec<IpAddr> = fetch.missed.iter().map(|missed| missed.address).collect();
    told.extend(fetch.address);
    told.sort_unstable();
    assert!(called.eq(told.into_iter().map(|address| (address, 443))), "{keys}");
    let alarms = fleet.ledger().alarms();
    assert!(alarms.is_empty(), "{keys}: {alarms:#?}");
    fetch
}

/// The same in memory and without waiting.
fn at_once(keys: &str) -> PolicyFetch {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let carrier = Carrier::Memory { round_trip: Duration::ZERO };
    runtime.block_on(fetched(keys, carrier, POLICY * 2))
}

fn fault(fetch: &PolicyFetch) -> &FetchFault {
    match &fetch.outcome {
        Fetched::Failed(fault) => fault,
        Fetched::Policy(file) => panic!("{file:?}"),
    }
}

fn policy(fetch: &PolicyFetch) -> &PolicyFile {
    match &fetch.outcome {
        Fetched::Policy(file) => file,
        Fetched::Failed(fault) => panic!("{fault}"),
    }
}

fn address(word: &str) -> IpAddr {
    word.parse().unwrap()
}

#[test]
fn a_policy_comes_over_either_carrier_as_it_was_served() {
    let sound = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n";
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let memory = Carrier::Memory { round_trip: Duration::ZERO };
    for carrier in [memory, Carrier::Loopback] {
        let fetch = runtime.block_on(fetched("[sts]", carrier, POLICY * 2));
        assert_eq!((fetch.address, fetch.missed.len()), (Some(HOST), 0));
        let file = policy(&fetch);
        assert_eq!(file.body, Text::from(sound), "{carrier:?}");
        assert_eq!(
            (&file.media_type, file.is_plain_text()),
            (&Some(Text::from("text/plain")), true)
        );
    }
}

#[test]
fn what_is_served_is_kept_byte_by_byte_whatever_it_is_called() {
    for (keys, media_type, body) in [
        ("policy = \"a: \\u001b[2J\\r\\n\"", Some("text/plain"), "a: \u{1b}[2J\r\n"),
        ("policy = ''", Some("text/plain"), ""),
        (
            "policy = 'x'\nmedia-type = 'text/html; charset=utf-8'",
            Some("text/html; charset=utf-8"),
            "x",
        ),
        ("policy = 'x'\nmedia-type = ''", None, "x"),
    ] {
        let fetch = at_once(&format!("[sts]\n{keys}"));
        let want = PolicyFile { media_type: media_type.map(Text::from), body: Text::from(body) };
        assert_eq!(*policy(&fetch), want, "{keys}");
    }
    let largest = "x".repeat(LARGEST_POLICY);
    let fetch = at_once(&format!("[sts]\npolicy = '{largest}'"));
    assert_eq!(policy(&fetch).body, Text::from(largest.as_str()));
}

#[test]
fn every_answer_that_is_no_policy_has_a_fault_of_its_own() {
    let location = |to: &str| Some(Text::from(to));
    let one_more = format!("policy = '{}'", "x".repeat(LARGEST_POLICY + 1));
    for (keys, want) in [
        ("status = 404", FetchFault::Status(404)),
        ("status = 204", FetchFault::Status(204)),
        ("status = 503", FetchFault::Status(503)),
        (
            "redirect = 'https://elsewhere.example/'",
            FetchFault::Redirect { status: 301, location: location("https://elsewhere.example/") },
        ),
        (
            "redirect = '/policy'\nstatus = 307",
            FetchFault::Redirect { status: 307, location: location("/policy") },
        ),
        ("status = 302", FetchFault::Redirect { status: 302, location: None }),
        ("fault = 'huge'", FetchFault::TooLarge(LARGEST_POLICY)),
        (&one_more, FetchFault::TooLarge(LARGEST_POLICY)),
        (
            "fault = 'bad-chunk'",
            FetchFault::NotHttp("Invalid chunk size line: missing size digit".to_owned()),
        ),
        ("fault = 'not-http'", FetchFault::NotHttp("invalid HTTP version parsed".to_owned())),
    ] {
        let fetch = at_once(&format!("[sts]\n{keys}"));
        assert_eq!(*fault(&fetch), want);
        assert_eq!((fetch.address, fetch.took_ms), (Some(HOST), 0), "{want}");
        assert_eq!(want.blame(), Blame::Peer, "{want}");
    }
}

#[test]
fn what_never_ends_is_cut_off_in_its_phase() {
    use FaultKind::{Closed, Refused, Reset, TimedOut, TlsFailed, Unreachable};
    use FetchPhase::{Body, Connect, Handshake, Response};
    let noise = || TlsFailed("received corrupt message of type InvalidContentType".to_owned());
    for (keys, phase, kind, after, blame) in [
        ("connect = 'drop'", Connect, TimedOut, 20_000, Blame::Path),
        ("connect = 'refuse'", Connect, Refused, 0, Blame::Path),
        ("connect = 'reset'", Connect, Reset, 0, Blame::Path),
        ("connect = 'unreachable'", Connect, Unreachable, 0, Blame::Path),
        ("fault = 'broken-tls'", Handshake, noise(), 0, Blame::Peer),
        ("fault = 'silent-tls'", Handshake, TimedOut, 20_000, Blame::Path),
        ("fault = 'silent'", Response, TimedOut, 20_000, Blame::Path),
        ("fault = 'drip'", Body, TimedOut, 20_000, Blame::Path),
        ("fault = 'cut'", Body, Closed, 0, Blame::Peer),
    ] {
        let fetch = at_once(&format!("[sts]\n{keys}"));
        let want = FetchFault::Broke { phase, kind, after_ms: after };
        assert_eq!(*fault(&fetch), want, "{keys}");
        assert_eq!((fetch.took_ms, want.blame()), (after, blame), "{keys}");
        let reached = (phase != Connect).then_some(HOST);
        assert_eq!(fetch.address, reached, "{keys}");
    }
}

#[test]
fn nothing_is_asked_of_a_host_that_does_not_prove_its_name() {
    let asked = "mta-sts.a.example".to_owned();
    let presented = vec![Text::from("somewhere.provider.example")];
    let stranger = || Text::from("CN=Unheard-of Root");
    let between = || Text::from("CN=Fleet Intermediate");
    for (word, want) in [
        ("expired", TrustFlaw::Expired { not_after: NOW - DAY * 10 }),
        ("not-yet-valid", TrustFlaw::NotYetValid { not_before: NOW + DAY * 10 }),
        ("self-signed", TrustFlaw::SelfSigned),
        ("unknown-issuer", TrustFlaw::UnknownIssuer { issuer: stranger() }),
        ("missing-intermediate", TrustFlaw::MissingIntermediate { issuer: between() }),
        ("wrong-name", TrustFlaw::WrongName { asked, presented }),
    ] {
        // The host of the fleet raises an alarm at a request, and has a policy.
        let fetch = at_once(&format!("[sts]\ncert = '{word}'"));
        assert_eq!(*fault(&fetch), FetchFault::Certificate(vec![want]), "{word}");
        assert_eq!(fetch.address, Some(HOST), "{word}");
    }
}

#[test]
fn a_name_that_leads_nowhere_says_how() {
    let servfail = DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None };
    let private = Access::SpecialPurpose("Private-Use".to_owned());
    let off = "[ask]\nfamilies = 'v6'\n[sts]";
    // Whoever is called beside those that are told of fails the test.
    for (keys, want) in [
        ("", FetchFault::NoSuchName),
        ("[sts]\ndns = 'no-such-name'", FetchFault::NoSuchName),
        ("[sts]\ndns = 'no-data'", FetchFault::NoAddress),
        ("[sts]\ndns = 'servfail'", FetchFault::LookupFailed(servfail)),
        ("[sts]\ndns = 'timeout'", FetchFault::LookupFailed(DnsFault::TimedOut)),
        (
            "[sts]\naddresses = ['10.0.0.1', '10.0.0.2']",
            FetchFault::NotAllowed { address: address("10.0.0.1"), access: private },
        ),
        // What we switched off might have worked.
        (
            "[ask]\nfamilies = 'v4'\n[sts]\naddresses = ['10.0.0.1', '2001:db8::80']",
            FetchFault::NotAllowed { address: address("2001:db8::80"), access: Access::FamilyOff },
        ),
        (off, FetchFault::NotAllowed { address: HOST, access: Access::FamilyOff }),
    ] {
        let fetch = at_once(keys);
        assert_eq!(*fault(&fetch), want, "{keys}");
        assert_eq!((fetch.address, fetch.missed.len()), (None, 0), "{keys}");
    }
}

#[test]
fn a_dead_address_leaves_time_for_the_others() {
    let two = "addresses = ['192.0.2.80', '2001:db8::80']";
    let five =
        "addresses = ['192.0.2.80', '192.0.2.81', '192.0.2.82', '192.0.2.83', '2001:db8::80']";
    let barred = "addresses = ['10.0.0.1', '192.0.2.80']";
    for (keys, missed, reached, took) in [
        (
            format!("{two}\nconnect-at = {{ '192.0.2.80' = 'drop' }}"),
            vec![("192.0.2.80", FaultKind::TimedOut)],
            "2001:db8::80",
            10_000,
        ),
        (
            format!("{two}\nconnect-at = {{ '192.0.2.80' = 'refuse' }}"),
            vec![("192.0.2.80", FaultKind::Refused)],
            "2001:db8::80",
            0,
        ),
        (
            format!("{five}\nconnect-at = {{ '192.0.2.80' = 'drop' }}"),
            vec![("192.0.2.80", FaultKind::TimedOut)],
            "2001:db8::80",
            5_000,
        ),
        (barred.to_owned(), vec![], "192.0.2.80", 0),
    ] {
        let fetch = at_once(&format!("[sts]\n{keys}"));
        let missed: Vec<_> =
            missed.into_iter().map(|(at, kind)| Missed { address: address(at), kind }).collect();
        assert_eq!((&fetch.missed, fetch.address), (&missed, Some(address(reached))), "{keys}");
        assert!(policy(&fetch).is_plain_text(), "{keys}");
        assert_eq!(fetch.took_ms, took, "{keys}");
    }
}

#[test]
fn of_several_dead_addresses_four_are_tried_and_the_most_telling_is_told() {
    let lost = "connect = 'drop'\naddresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5']";
    let fetch = at_once(&format!("[sts]\n{lost}"));
    let tried: Vec<String> = fetch.missed.iter().map(|missed| missed.address.to_string()).collect();
    assert_eq!(tried, ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]);
    assert_eq!(fault(&fetch).to_string(), "no connect within 20 s");
    let ours = "[vantage]\nipv6 = false\n[sts]\nconnect = 'refuse'\naddresses = ['2001:db8::1', '192.0.2.1']";
    let fetch = at_once(ours);
    let kinds: Vec<_> = fetch.missed.iter().map(|missed| missed.kind.clone()).collect();
    assert_eq!(kinds, [FaultKind::Refused, FaultKind::NoRoute]);
    assert_eq!(fault(&fetch).to_string(), "connection refused at connect");
}

#[test]
fn an_interrupted_fetch_says_so() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let carrier = Carrier::Memory { round_trip: Duration::ZERO };
    let fetch = runtime.block_on(fetched("[sts]\nfault = 'drip'", carrier, Duration::from_secs(7)));
    let (phase, kind) = (FetchPhase::Body, FaultKind::Interrupted);
    assert_eq!(*fault(&fetch), FetchFault::Broke { phase, kind, after_ms: 7000 });
}
