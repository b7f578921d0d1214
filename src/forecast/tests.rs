//! What senders do, on landscapes drawn by hand: one fact changed at a time.
//!
//! Asks the models for what their sources say; the real programs are asked in `tests/real/senders.rs`.

use std::time::Duration;

use super::{
    Attempt::{First, Later},
    Fate::{self, Bounced, Deferred, Delivered, Unproven},
    Forecast, MODELS, Outlook,
    Privacy::{Clear, Encrypted, Verified},
    Scenario, Supposed,
    landscape::{
        Address, Certificate, Exchangers, Fit, Host, Known, Landscape, Lost, Null, Step, Tier, Tls,
        Tlsa,
    },
    models::Model,
    outlooks, reaches,
};

/// Hosts `a`, `b`, … with one address each; a word for each tier says what its hosts are like.
fn drawn(tiers: &[&[&str]]) -> Landscape {
    let (mut letters, mut number) = (b'a'.., 0);
    let mut host = |words: &str| {
        let mut address = Address {
            address: "192.0.2.0".parse().unwrap(),
            port: 25,
            connect: Step::Passes,
            greeting: Step::Passes,
            hello: Step::Passes,
            tls: Tls::Spoken(Certificate { pkix: Fit::Fits, dane: Fit::Fits }),
            sender: Step::Passes,
            recipient: Step::Passes,
        };
        let mut host = Host {
            name: format!("{}.even.example", letters.next().map(char::from).unwrap()),
            lost: None,
            addresses: Vec::new(),
            tlsa: Tlsa::None,
            listed: Known::Yes,
        };
        let why = || words.to_owned();
        let mut copies = 1;
        for word in words.split(' ') {
            match word {
                "fine" => {}
                "dead" => address.connect = Step::Silent(why()),
                "refuses" => address.connect = Step::Gone(why()),
                "unseen" => address.recipient = Step::Unknown(why()),
                "greets-4xx" => address.greeting = Step::Soft(why()),
                "greets-5xx" => address.greeting = Step::Hard(why()),
                "hello-5xx" => address.hello = Step::Hard(why()),
                "mail-4xx" => address.sender = Step::Soft(why()),
                "mail-5xx" => address.sender = Step::Hard(why()),
                "rcpt-4xx" => address.recipient = Step::Soft(why()),
                "rcpt-5xx" => address.recipient = Step::Hard(why()),
                "bare" => address.tls = Tls::Missing,
                "tls-454" => address.tls = Tls::Refused { permanent: false, reply: why() },
                "tls-554" => address.tls = Tls::Refused { permanent: true, reply: why() },
                "tls-lost" => address.tls = Tls::Lost(why()),
                "tls-broken" => address.tls = Tls::Broken(why()),
                "untrusted" => spoken(&mut address).pkix = Fit::Fails(why()),
                "stale" => spoken(&mut address).dane = Fit::Fails(why()),
                "tlsa" => host.tlsa = Tlsa::Usable,
                "unusable" => host.tlsa = Tlsa::Unusable,
                "tlsa-fails" => host.tlsa = Tlsa::Failing(why()),
                "unlisted" => host.listed = Known::No,
                "nowhere" => host.lost = Some(Lost::Nowhere(why())),
                "unresolved" => host.lost = Some(Lost::Failing(why())),
                number => copies = number.parse().unwrap(),
            }
        }
        let many = (0..copies).map(|_| {
            number += 1;
            Address { address: format!("192.0.2.{number}").parse().unwrap(), ..address.clone() }
        });
        host.addresses = many.collect();
        host
    };
    let tier = |words: &&[&str]| Tier { hosts: words.iter().map(|words| host(words)).collect() };
    let tiers = tiers.iter().map(tier).collect();
    Landscape {
        exchangers: Exchangers::Hosts { tiers, null: None },
        signed: Known::Yes,
        sts: Known::No,
    }
}

fn spoken(address: &mut Address) -> &mut Certificate {
    match &mut address.tls {
        Tls::Spoken(certificate) => certificate,
        _ => panic!("no TLS there"),
    }
}

fn model(name: &str) -> &'static Model {
    MODELS.iter().find(|model| model.name == name).unwrap()
}

/// Fate and first letter of the host of every outlook, best first.
fn ends(name: &str, landscape: &Landscape) -> Vec<(Fate, String)> {
    let letter =
        |outlook: &Outlook| outlook.host.clone().unwrap_or_default().chars().take(1).collect();
    outlooks(model(name), landscape).iter().map(|one| (one.fate, letter(one))).collect()
}

#[test]
fn senders_do_at_a_fault_what_they_were_seen_to_do() {
    const TLS: Fate = Delivered(Encrypted, First);
    const CLEAR: Fate = Delivered(Clear, First);
    const VERIFIED: Fate = Delivered(Verified, First);
    // Tiers of one host each, and where mail of Postfix, Postfix with DANE and Exim ends.
    for (hosts, want) in [
        (&["fine", "fine"][..], [(TLS, "a"), (TLS, "a"), (TLS, "a")]),
        (&["refuses", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["refuses", "dead"], [(Deferred, ""), (Deferred, ""), (Deferred, "")]),
        (&["greets-4xx", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["greets-5xx", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["greets-5xx", "greets-5xx"], [(Deferred, ""), (Deferred, ""), (Bounced, "b")]),
        (&["refuses", "greets-5xx"], [(Deferred, ""), (Deferred, ""), (Bounced, "b")]),
        (&["greets-5xx", "refuses"], [(Deferred, ""), (Deferred, ""), (Deferred, "")]),
        (&["hello-5xx", "fine"], [(Bounced, "a"), (Bounced, "a"), (TLS, "b")]),
        (&["bare", "fine"], [(CLEAR, "a"), (CLEAR, "a"), (CLEAR, "a")]),
        (&["tls-454", "fine"], [(CLEAR, "a"), (CLEAR, "a"), (CLEAR, "a")]),
        (&["tls-lost", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["tls-lost"], [(Deferred, ""), (Deferred, ""), (Deferred, "")]),
        (&["tls-broken", "fine"], [(TLS, "b"), (TLS, "b"), (CLEAR, "a")]),
        (
            &["tls-broken", "tls-broken"],
            [(Delivered(Clear, Later), "a"), (Delivered(Clear, Later), "a"), (CLEAR, "a")],
        ),
        // The first attempt decides where it bounces.
        (&["tls-broken", "rcpt-5xx"], [(Bounced, "b"), (Bounced, "b"), (CLEAR, "a")]),
        (&["untrusted", "fine"], [(TLS, "a"), (TLS, "a"), (TLS, "a")]),
        (&["tlsa", "fine"], [(TLS, "a"), (VERIFIED, "a"), (VERIFIED, "a")]),
        (&["tlsa untrusted", "fine"], [(TLS, "a"), (VERIFIED, "a"), (VERIFIED, "a")]),
        (&["tlsa stale", "fine"], [(TLS, "a"), (TLS, "b"), (TLS, "b")]),
        (&["tlsa bare", "bare"], [(CLEAR, "a"), (CLEAR, "b"), (CLEAR, "b")]),
        (&["tlsa tls-454", "fine"], [(CLEAR, "a"), (TLS, "b"), (TLS, "b")]),
        (&["tlsa tls-554", "fine"], [(CLEAR, "a"), (Bounced, "a"), (TLS, "b")]),
        (&["unusable untrusted", "fine"], [(TLS, "a"), (TLS, "a"), (TLS, "a")]),
        (&["unusable bare", "fine"], [(CLEAR, "a"), (TLS, "b"), (TLS, "b")]),
        (&["tlsa-fails", "fine"], [(TLS, "a"), (TLS, "b"), (TLS, "b")]),
        (&["mail-4xx", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["mail-5xx", "fine"], [(Bounced, "a"), (Bounced, "a"), (Bounced, "a")]),
        (&["rcpt-4xx", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["rcpt-5xx", "fine"], [(Bounced, "a"), (Bounced, "a"), (Bounced, "a")]),
        // Two sessions are all that Postfix makes of one attempt; a greeting is none.
        (&["rcpt-4xx", "rcpt-4xx", "fine"], [(Deferred, ""), (Deferred, ""), (TLS, "c")]),
        (&["greets-4xx", "greets-4xx", "rcpt-4xx", "fine"], [(TLS, "d"), (TLS, "d"), (TLS, "d")]),
        (&["refuses 4", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["refuses 5", "fine"], [(Deferred, ""), (Deferred, ""), (TLS, "b")]),
        (&["unseen", "fine"], [(Unproven, "a"), (Unproven, "a"), (Unproven, "a")]),
        (&["nowhere", "fine"], [(TLS, "b"), (TLS, "b"), (TLS, "b")]),
        (&["nowhere", "nowhere"], [(Bounced, ""), (Bounced, ""), (Bounced, "")]),
        (&["nowhere", "unresolved"], [(Deferred, ""), (Deferred, ""), (Deferred, "")]),
    ] {
        let tiers: Vec<&[&str]> = hosts.iter().map(std::slice::from_ref).collect();
        let landscape = drawn(&tiers);
        for (name, (fate, host)) in ["postfix", "postfix-dane", "exim"].iter().zip(want) {
            assert_eq!(ends(name, &landscape), [(fate, host.to_owned())], "{name} {hosts:?}");
        }
    }
}

#[test]
fn senders_of_mta_sts_pass_over_what_the_policy_does_not_name_or_does_not_verify() {
    for (hosts, want) in [
        (["fine", "fine"], (Delivered(Verified, First), "a")),
        (["untrusted", "fine"], (Delivered(Verified, First), "b")),
        (["unlisted", "fine"], (Delivered(Verified, First), "b")),
        (["bare", "unlisted"], (Deferred, "")),
        (["tls-broken", "untrusted"], (Deferred, "")),
    ] {
        let mut landscape = drawn(&[&hosts[..1], &hosts[1..]]);
        landscape.sts = Known::Yes;
        for name in ["sts-sender", "stalwart"] {
            assert_eq!(ends(name, &landscape), [(want.0, want.1.to_owned())], "{name} {hosts:?}");
        }
        // Who does not look at the policy is not bound by it.
        let careless = outlooks(model("postfix"), &landscape);
        assert!(careless.iter().all(Outlook::is_delivered), "{hosts:?}");
    }
}

#[test]
fn what_was_not_seen_is_never_delivered_nor_bounced() {
    let mut unknown_policy = drawn(&[&["fine"], &["fine"]]);
    unknown_policy.sts = Known::Unknown("no answer in time".to_owned());
    let mut unknown_signature = drawn(&[&["tlsa"], &["fine"]]);
    unknown_signature.signed = Known::Unknown("no answer for DNSKEY".to_owned());
    let unseen = Landscape {
        exchangers: Exchangers::Unknown("no answer in time".to_owned()),
        ..unknown_policy.clone()
    };
    for (name, landscape) in [
        ("sts-sender", &unknown_policy),
        ("stalwart", &unknown_policy),
        ("exim", &unknown_signature),
        ("verifying", &unknown_signature),
        ("postfix", &unseen),
        ("postfix", &drawn(&[&["refuses"], &["unseen"]])),
    ] {
        let fates: Vec<Fate> =
            outlooks(model(name), landscape).iter().map(|one| one.fate).collect();
        assert_eq!(fates, [Unproven], "{name}");
    }
}

#[test]
fn records_of_hosts_that_an_unsigned_mx_names_bind_postfix_and_verify_nobody() {
    for (hosts, postfix, exim) in [(["tlsa", "fine"], "a", "a"), (["tlsa stale", "fine"], "b", "a")]
    {
        let mut landscape = drawn(&[&hosts[..1], &hosts[1..]]);
        landscape.signed = Known::No;
        let end = |name| ends(name, &landscape);
        let tls = |host: &str| [(Delivered(Encrypted, First), host.to_owned())];
        assert_eq!((end("postfix-dane"), end("exim")), (tls(postfix).into(), tls(exim).into()));
    }
}

#[test]
fn chance_among_equals_is_told_with_its_shares() {
    const TLS: Fate = Delivered(Encrypted, First);
    let share = |name: &str, landscape: &Landscape| -> Vec<(Fate, f64)> {
        let all = outlooks(model(name), landscape);
        all.iter().map(|one| (one.fate, (one.share * 1000.0).round() / 1000.0)).collect()
    };
    for (hosts, want) in [
        (&["fine", "rcpt-5xx"][..], vec![(TLS, 0.5), (Bounced, 0.5)]),
        (&["fine", "bare", "bare", "bare"], vec![(TLS, 0.25), (Delivered(Clear, First), 0.75)]),
        (&["fine", "refuses"], vec![(TLS, 1.0)]),
        // One good address behind six bad ones in one order of seven by seven: it comes back until it is
        // among the first five.
        (
            &["fine", "refuses", "refuses", "refuses", "refuses", "refuses", "refuses"],
            vec![(TLS, 0.714), (Delivered(Encrypted, Later), 0.286)],
        ),
        (&["fine", "unseen"], vec![(TLS, 0.5), (Unproven, 0.5)]),
    ] {
        assert_eq!(share("postfix", &drawn(&[hosts])), want, "{hosts:?}");
    }
    // Two of three hosts are tried: with one good one it waits a third of the time, and comes back.
    let three = drawn(&[&["fine", "refuses", "refuses"]]);
    let want = vec![(TLS, 0.667), (Delivered(Encrypted, Later), 0.333)];
    assert_eq!(share("stalwart", &three), want);
}

#[test]
fn a_null_mx_among_others_is_taken_in_three_ways() {
    let with = |first_and_alone| {
        let mut landscape = drawn(&[&["fine"]]);
        if let Exchangers::Hosts { null, .. } = &mut landscape.exchangers {
            *null = Some(Null { first_and_alone });
        }
        landscape
    };
    for (name, first, elsewhere) in [
        ("postfix", Bounced, Bounced),
        ("exim", Delivered(Encrypted, First), Delivered(Encrypted, First)),
        ("stalwart", Bounced, Delivered(Encrypted, First)),
    ] {
        let fate = |landscape| outlooks(model(name), &landscape)[0].fate;
        assert_eq!((fate(with(true)), fate(with(false))), (first, elsewhere), "{name}");
    }
}

#[test]
fn a_scenario_changes_what_it_says_and_nothing_else() {
    let landscape = drawn(&[&["fine"], &["bare"]]);
    let forecast = Forecast::of(&landscape, &["tls-broken=a.even.example".parse().unwrap()]);
    let told = |scenario: &str| {
        let of = forecast.predictions.iter().filter(|one| one.model.name == "exim");
        let one = of.filter(|one| one.scenario.to_string() == scenario).collect::<Vec<_>>();
        assert_eq!(one.len(), 1, "{scenario}");
        let best = one[0].best();
        (best.fate, best.host.clone().unwrap_or_default(), best.why.clone())
    };
    let (a, b) = ("a.even.example".to_owned(), "b.even.example".to_owned());
    for (scenario, want) in [
        ("today", (Delivered(Encrypted, First), &a, "a.even.example takes it, encrypted")),
        (
            "primary-down",
            (
                Delivered(Clear, First),
                &b,
                "b.even.example takes it in clear: no STARTTLS (a.even.example: does not answer)",
            ),
        ),
        (
            "primary-refuses-connection",
            (
                Delivered(Clear, First),
                &b,
                "b.even.example takes it in clear: no STARTTLS (a.even.example: refuses connections)",
            ),
        ),
        (
            "primary-defers",
            (
                Delivered(Clear, First),
                &b,
                "b.even.example takes it in clear: no STARTTLS (a.even.example: defers recipients)",
            ),
        ),
        (
            "primary-tls-broken",
            (Delivered(Clear, First), &a, "a.even.example takes it in clear: TLS fails"),
        ),
        (
            "down=b.even.example",
            (Delivered(Encrypted, First), &a, "a.even.example takes it, encrypted"),
        ),
        (
            "tls-broken=a.even.example",
            (Delivered(Clear, First), &a, "a.even.example takes it in clear: TLS fails"),
        ),
    ] {
        let (fate, host, why) = want;
        assert_eq!(told(scenario), (fate, host.clone(), why.to_owned()), "{scenario}");
    }
}

#[test]
fn only_a_handshake_that_comes_about_can_break() {
    for (word, want) in [
        ("fine", Delivered(Clear, First)),
        ("bare", Delivered(Clear, First)),
        ("tls-454", Delivered(Clear, First)),
        ("unknown-tls", Unproven),
    ] {
        let mut landscape = drawn(&[&[if word == "unknown-tls" { "fine" } else { word }]]);
        if let (Exchangers::Hosts { tiers, .. }, "unknown-tls") = (&mut landscape.exchangers, word)
        {
            tiers[0].hosts[0].addresses[0].tls = Tls::Unknown(word.to_owned());
        }
        let happened = Scenario::PrimaryTlsBroken.happened(&landscape);
        assert_eq!(ends("exim", &happened), [(want, "a".to_owned())], "{word}");
    }
}

#[test]
fn a_host_that_stands_where_another_stands_goes_down_with_it() {
    let mut landscape = drawn(&[&["fine"], &["fine"]]);
    if let Exchangers::Hosts { tiers, .. } = &mut landscape.exchangers {
        tiers[1].hosts[0].addresses = tiers[0].hosts[0].addresses.clone();
    }
    let happened = Scenario::PrimaryDown.happened(&landscape);
    assert_eq!(ends("postfix", &happened), [(Deferred, String::new())]);
}

#[test]
fn words_suppose_something_of_a_host_or_say_what_is_wrong() {
    for (words, want) in [
        ("down=MX1.even.example.", Ok("down=mx1.even.example")),
        ("tls-broken=mx1.even.example", Ok("tls-broken=mx1.even.example")),
        ("mx1.even.example", Err("no host in it; give down=HOST or tls-broken=HOST")),
        ("slow=mx1.even.example", Err("give down=HOST or tls-broken=HOST")),
    ] {
        let supposed = words.parse::<Supposed>();
        let said = supposed.map(|one| one.to_string()).map_err(|fault| fault.to_string());
        assert_eq!(said, want.map(str::to_owned).map_err(str::to_owned), "{words}");
    }
}

#[test]
fn how_far_senders_go_is_told_host_by_host() {
    for (tiers, misses) in [
        (&[&["fine"][..], &["fine"], &["fine"]][..], &["stalwart"][..]),
        (&[&["fine 5"], &["fine"]], &["postfix", "postfix-dane"]),
        (&[&["fine"], &["fine", "fine"]], &[]),
    ] {
        let landscape = drawn(tiers);
        let host = landscape.hosts().last().map(|last| last.name.clone()).unwrap();
        let missing: Vec<&str> = MODELS
            .iter()
            .filter(|model| !reaches(model, &landscape, &host))
            .map(|model| model.name)
            .collect();
        assert_eq!(missing, misses, "{tiers:?}");
    }
}

#[test]
fn silence_ahead_costs_the_patience_of_the_sender() {
    // Beyond five addresses Exim tries no more of the first preference.
    let seven = drawn(&[&["dead 7"], &["fine"]]);
    let delay = outlooks(model("exim"), &seven)[0].delay;
    assert_eq!(delay, Some(Duration::from_secs(5 * 134)));
    let landscape = drawn(&[&["dead 3"], &["fine"]]);
    for (name, want) in
        [("postfix", Some(90)), ("exim", Some(402)), ("stalwart", Some(600)), ("verifying", None)]
    {
        let delay = outlooks(model(name), &landscape)[0].delay;
        assert_eq!(delay, want.map(Duration::from_secs), "{name}");
    }
}
