//! Every way a server can go wrong, in every phase where it can: the visit ends within its limits,
//! and what is written down is what went wrong, where it went wrong.

use std::time::Duration;

use mxparity::{
    config::Limits,
    fleet::World,
    survey::{Ending, Observation, Phase, Stage, Survey},
};

use crate::support::play::{Played, play, play_until};

/// In the order of a visit.
const PHASES: [Phase; 9] = [
    Phase::Greeting,
    Phase::Hello,
    Phase::StartTls,
    Phase::Handshake,
    Phase::HelloSecured,
    Phase::Sender,
    Phase::Recipient,
    Phase::Reset,
    Phase::Quit,
];

/// A fault, how the question ends that it strikes, and what the transcript shows of it. `{phase}`
/// and `{limit}` stand for those of the phase.
const FAULTS: [(&str, &str, &str); 13] = [
    ("bare-lf", "reached", ""),
    ("close", "connection closed at {phase}", "-- connection closed at {phase}"),
    ("drip", "reached", ""),
    ("early-talk", "reached", "S: 250 2.0.0 Nobody asked"),
    ("endless-reply", "a reply of more than 128 lines at {phase}", "-and another thing"),
    ("half-reply", "no {phase} within {limit}", "-- no {phase} within {limit}"),
    ("mixed-codes", "declined 550", "S: 550 on the other"),
    ("not-smtp", "not an SMTP reply at {phase}", "S: HTTP/1.1 400 Bad Request"),
    ("plaintext-after-starttls", "reached", "S: 250 2.0.0 Nobody asked"),
    ("reset", "connection reset at {phase}", "-- connection reset at {phase}"),
    ("shutdown-421", "declined 421", "S: 421 4.3.2 mx.a.example Service shutting down"),
    ("stall", "no {phase} within {limit}", "-- no {phase} within {limit}"),
    ("wrong-code", "declined 354", "S: 354 Go ahead"),
];

#[test]
fn every_fault_is_written_down_where_it_strikes() {
    let mut struck = 0;
    for (word, outcome, line) in FAULTS {
        for phase in PHASES {
            let name = serde_json::to_value(phase).unwrap();
            let text = world(&format!("faults = {{ {word} = {name} }}"));
            if World::parse(&text).is_err() {
                continue; // It cannot strike there.
            }
            struck += 1;
            let title = format!("{word} at {phase}");
            let limit = match phase {
                Phase::Recipient => "90 s",
                Phase::Quit => "10 s",
                _ => "60 s",
            };
            let fill =
                |text: &str| text.replace("{phase}", &phase.to_string()).replace("{limit}", limit);
            let outcome = match (word, phase) {
                // These answers have more octets than there are seconds.
                ("drip", Phase::Hello | Phase::HelloSecured | Phase::Quit) => {
                    "no {phase} within {limit}"
                }
                // Any reply to QUIT will do.
                ("mixed-codes" | "shutdown-421" | "wrong-code", Phase::Quit) => "reached",
                _ => outcome,
            };
            let survey = play(&title, &text).survey;
            let visits = visits(&survey);
            if let Some(ended) = ending(&visits[0], phase) {
                assert_eq!(ended, fill(outcome), "{title}");
            }
            let transcript = visits[0].transcript.lines();
            let shown: Vec<String> = transcript.map(|(_, line)| line.to_string()).collect();
            assert!(shown.iter().any(|at| at.contains(&fill(line))), "{title}: {shown:#?}");
            if word == "bare-lf" && !matches!(phase, Phase::StartTls | Phase::Reset) {
                let noted = serde_json::to_string(&visits[0]).unwrap();
                assert!(noted.contains("\"bare_lf\""), "{title}: {noted}");
            }
            within_limits(&title, visits);
        }
    }
    assert_eq!(struck, 12 * 8 + 3 + 1, "twelve words strike every answer, three the handshake too");
}

#[test]
fn a_handshake_fails_in_as_many_ways() {
    for (keys, want) in [
        (
            "faults = { junk-handshake = 'handshake' }",
            "TLS failed (received corrupt message of type InvalidContentType) at TLS handshake",
        ),
        ("faults = { tls-alert = '40' }", "TLS alert 40 (handshake_failure) at TLS handshake"),
        ("faults = { tls-alert = '70' }", "TLS alert 70 (protocol_version) at TLS handshake"),
        ("hello-limit = 100", "connection closed at TLS handshake"),
    ] {
        let survey = play(keys, &world(keys)).survey;
        let [first, classical, clear] = visits(&survey) else {
            panic!("{keys}: {} visits", visits(&survey).len());
        };
        for visit in [first, classical] {
            assert_eq!(ending(visit, Phase::Handshake).as_deref(), Some(want), "{keys}");
        }
        // Acceptance is seen all the same.
        assert_eq!(ending(clear, Phase::Recipient).as_deref(), Some("reached"), "{keys}");
        within_limits(keys, visits(&survey));
    }
}

#[test]
fn a_connection_fails_in_as_many_ways() {
    for (keys, want) in [
        ("connect = 'drop'", "no connect within 30 s"),
        ("connect = 'refuse'", "connection refused at connect"),
        ("connect = 'reset'", "connection reset at connect"),
        ("connect = 'unreachable'", "host unreachable at connect"),
        ("delays = { connect = '31s' }", "no connect within 30 s"),
        ("delays = { greeting = '61s' }", "no greeting within 60 s"),
    ] {
        let survey = play(keys, &world(keys)).survey;
        let visit = &visits(&survey)[0];
        let ended = [ended(&visit.connect), ended(&visit.greeting)];
        assert!(ended.iter().any(|ended| ended == want), "{keys}: {ended:?}");
        within_limits(keys, visits(&survey));
    }
}

#[test]
fn a_slow_server_is_waited_for() {
    let survey = play("slow", &world("delays = { greeting = '59s', recipient = '40s' }")).survey;
    let visit = &visits(&survey)[0];
    assert_eq!(visit.greeting.reached().map(|greeting| greeting.after_ms), Some(59_000));
    assert_eq!(ending(visit, Phase::Recipient).as_deref(), Some("reached"));
    within_limits("slow", visits(&survey));
}

#[test]
fn an_interrupted_run_takes_its_leave() {
    let text = world("delays = { recipient = '30s' }");
    let Played { survey, fleet, .. } = play_until(Duration::from_secs(10), "interrupted", &text);
    assert_eq!(survey.ending, Ending::Interrupted);
    let visit = &visits(&survey)[0];
    assert_eq!(ending(visit, Phase::Sender).as_deref(), Some("reached"));
    assert_eq!(ending(visit, Phase::Recipient).as_deref(), Some("interrupted at RCPT"));
    let heard = fleet.ledger().heard();
    assert_eq!(heard.last().map(|heard| heard.line.to_string()).as_deref(), Some("QUIT"));
    assert!(survey.took_ms < 60_000, "{} ms", survey.took_ms);
}

/// A domain with one host, whose server has these `keys`.
fn world(keys: &str) -> String {
    format!("domain = 'a.example'\n[[mx]]\nhost = 'mx.a.example'\nserver = {{ {keys} }}")
}

fn visits(survey: &Survey) -> &[Observation] {
    let (_, _, host) = survey.mx.hosts().next().unwrap();
    &host.addresses[0].observations
}

/// How the question of `phase` ended; nothing is kept of RSET but the transcript.
fn ending(visit: &Observation, phase: Phase) -> Option<String> {
    Some(match phase {
        Phase::Connect => ended(&visit.connect),
        Phase::Greeting => ended(&visit.greeting),
        Phase::Hello => ended(&visit.hello),
        Phase::StartTls | Phase::Handshake => ended(&visit.tls),
        Phase::HelloSecured => ended(&visit.hello_secured),
        Phase::Sender => ended(&visit.sender),
        Phase::Recipient => ended(&visit.recipients[0].outcome),
        Phase::Reset => return None,
        Phase::Quit => ended(&visit.quit),
    })
}

fn ended<T>(stage: &Stage<T>) -> String {
    match stage {
        Stage::Reached(_) => "reached".to_owned(),
        Stage::Declined(reply) => format!("declined {}", reply.code),
        Stage::Broke(fault) => fault.to_string(),
        Stage::NotTried(why) => why.to_string(),
    }
}

fn within_limits(title: &str, visits: &[Observation]) {
    let limit = u64::try_from(Limits::default().visit.as_millis()).unwrap();
    for visit in visits {
        assert!(visit.took_ms <= limit, "{title}: a visit of {} ms", visit.took_ms);
    }
}
