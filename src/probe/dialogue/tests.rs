//! The machine alone: every stage with every kind of end, deadlines, and input that makes no sense.

mod flight;

use proptest::prelude::*;

use super::*;
use crate::{
    smtp::{Mailbox, ReversePath, Speaker},
    survey::{Injected, Purpose, RecipientKind},
    tls::{Certificate, KeyProof, TlsVersion},
};

const EHLO: &[u8] = b"250-mx.example\r\n250 STARTTLS\r\n";

fn visit() -> Visit {
    let recipient = |kind, word: &str| (kind, Mailbox::parse(word).unwrap());
    Visit {
        purpose: Purpose::Session,
        to: "192.0.2.1:25".parse().unwrap(),
        host: "mx.example".to_owned(),
        helo: "probe.example".parse().unwrap(),
        starttls: Some(Opening::Speak(tls::Hello::Hybrid)),
        sender: ReversePath::Null,
        recipients: vec![
            recipient(RecipientKind::Real, "real@example.org"),
            recipient(RecipientKind::Nonsense, "nonsense@example.org"),
        ],
    }
}

fn handshake() -> Handshake {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["mx.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Handshake {
        hello: tls::Hello::Hybrid,
        version: TlsVersion::Tls13,
        suite: "TLS_AES_256_GCM_SHA384".to_owned(),
        group: None,
        chain: vec![Certificate::from_der(certificate.der()).unwrap()],
        trust: vec![],
        proof: KeyProof::Shown,
    }
}

/// What a sound server answers, phase by phase, from the connection on.
fn sound() -> Vec<(Phase, Input<'static>)> {
    let ok = || Input::Heard(b"250 2.0.0 ok\r\n");
    vec![
        (Phase::Connect, Input::Connected(None)),
        (Phase::Greeting, Input::Heard(b"220 mx.example\r\n")),
        (Phase::Hello, Input::Heard(EHLO)),
        (Phase::StartTls, Input::Heard(b"220 go\r\n")),
        (Phase::Handshake, Input::Secured(Box::new(handshake()))),
        (Phase::HelloSecured, Input::Heard(EHLO)),
        (Phase::Sender, ok()),
        (Phase::Recipient, ok()),
        (Phase::Recipient, ok()),
        (Phase::Reset, ok()),
        (Phase::Quit, ok()),
    ]
}

/// A dialogue brought as far as `phase`, a second for each step before it.
fn at(phase: Phase) -> (Dialogue, Duration) {
    let (mut dialogue, _) = Dialogue::open(visit(), Limits::default());
    let mut now = Duration::ZERO;
    for (_, input) in sound().into_iter().take_while(|(reached, _)| *reached != phase) {
        now += Duration::from_secs(1);
        (dialogue, _) = dialogue.advance(now, input);
    }
    assert_eq!(dialogue.state.phase(), phase);
    (dialogue, now)
}

const PHASES: [Phase; 10] = [
    Phase::Connect,
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

/// Stages of an observation by phase: how each ended, in one letter, and the fault's phase.
fn letters(seen: &Observation) -> String {
    fn letter<T>(stage: &Stage<T>) -> char {
        match stage {
            Stage::Reached(_) => 'R',
            Stage::Declined(_) => 'D',
            Stage::Broke(_) => 'B',
            Stage::NotTried(Why::EarlierFailed) => '-',
            Stage::NotTried(Why::Interrupted) => 'i',
            Stage::NotTried(Why::Stopped) => 's',
            Stage::NotTried(_) => '?',
        }
    }
    let mut letters = vec![
        letter(&seen.connect),
        letter(&seen.greeting),
        letter(&seen.hello),
        letter(&seen.tls),
        letter(&seen.hello_secured),
        letter(&seen.sender),
    ];
    letters.extend(seen.recipients.iter().map(|recipient| letter(&recipient.outcome)));
    letters.push(letter(&seen.quit));
    letters.into_iter().collect()
}

#[test]
fn a_sound_visit_says_every_word_once_and_in_order() {
    let (mut dialogue, mut step) = Dialogue::open(visit(), Limits::default());
    let mut steps = vec![];
    for (_, input) in sound() {
        steps.push(step);
        (dialogue, step) = dialogue.advance(Duration::ZERO, input);
    }
    assert_eq!(step, Step::HangUp);
    let shown: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::Say(command) => command.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Dial",
            "Listen",
            "EHLO probe.example",
            "STARTTLS",
            "Secure(Hybrid)",
            "EHLO probe.example",
            "MAIL FROM:<>",
            "RCPT TO:<real@example.org>",
            "RCPT TO:<nonsense@example.org>",
            "RSET",
            "QUIT",
        ]
    );
    assert_eq!(letters(&dialogue.into_observation(Duration::ZERO, Duration::ZERO)), "RRRRRRRRR");
}

#[test]
fn an_end_at_any_phase_marks_that_phase_and_those_behind_it() {
    // A broken channel, a time-out, the user, and 421: what the stages say, and whether QUIT is said.
    let rows = [
        (Phase::Connect, "B--------", "B--------", "Biiiiiiii", ""),
        (Phase::Greeting, "RB-------", "RB-------", "RBiiiiiii", "RDssssssR"),
        (Phase::Hello, "RRB------", "RRB-----R", "RRBiiiiiR", "RRDsssssR"),
        (Phase::StartTls, "RRRB-----", "RRRB----R", "RRRBiiiiR", "RRRDssssR"),
        (Phase::Handshake, "RRRB-----", "RRRB-----", "RRRBiiiii", ""),
        (Phase::HelloSecured, "RRRRB----", "RRRRB---R", "RRRRBiiiR", "RRRRDsssR"),
        (Phase::Sender, "RRRRRB---", "RRRRRB--R", "RRRRRBiiR", "RRRRRDssR"),
        (Phase::Recipient, "RRRRRRB--", "RRRRRRB-R", "RRRRRRBiR", "RRRRRRDsR"),
        (Phase::Reset, "RRRRRRRRB", "RRRRRRRRR", "RRRRRRRRR", "RRRRRRRRD"),
        (Phase::Quit, "RRRRRRRRB", "RRRRRRRRB", "RRRRRRRRR", "RRRRRRRRR"),
    ];
    for (phase, broken, late, interrupted, stopped) in rows {
        for (input, want) in [
            (Input::Broke(FaultKind::Reset), broken),
            (Input::Due, late),
            (Input::Interrupted, interrupted),
            (Input::Heard(b"421 4.3.2 bye\r\n"), stopped),
        ] {
            if want.is_empty() {
                continue; // Nobody can say 421 before the connection or within the handshake.
            }
            let (dialogue, now) = at(phase);
            let shown = format!("{input:?} at {phase}");
            let (mut dialogue, mut step) = dialogue.advance(now, input);
            if step != Step::HangUp {
                assert!(matches!(step, Step::Say(Command::Quit) | Step::Listen), "{shown}");
                assert!(dialogue.deadline() <= now + PARTING, "{shown}");
                (dialogue, step) = dialogue.advance(now, Input::Heard(b"221 bye\r\n"));
                assert_eq!(step, Step::HangUp, "{shown}");
            }
            assert_eq!(letters(&dialogue.into_observation(now, now)), want, "{shown}");
        }
    }
}

#[test]
fn each_phase_has_its_own_time() {
    let limits = Limits::default();
    for (phase, want) in [
        (Phase::Connect, limits.connect),
        (Phase::Greeting, limits.greeting),
        (Phase::Hello, limits.command),
        (Phase::Handshake, limits.command),
        (Phase::Recipient, limits.recipient()),
        (Phase::Reset, limits.command),
        (Phase::Quit, FAREWELL),
    ] {
        let (dialogue, now) = at(phase);
        assert_eq!(dialogue.deadline(), now + want, "{phase}");
    }
}

#[test]
fn the_time_of_the_visit_cuts_the_time_of_a_phase() {
    let limits = Limits { visit: Duration::from_secs(10), ..Limits::default() };
    let (dialogue, _) = Dialogue::open(visit(), limits);
    assert_eq!(dialogue.deadline(), Duration::from_secs(10));
    let (dialogue, _) = dialogue.advance(Duration::from_secs(9), Input::Connected(None));
    assert_eq!(dialogue.deadline(), Duration::from_secs(10));
    let now = Duration::from_secs(10);
    let (dialogue, step) = dialogue.advance(now, Input::Due);
    assert_eq!(step, Step::HangUp);
    let seen = dialogue.into_observation(Duration::ZERO, now);
    assert_eq!(seen.greeting.broke().unwrap().kind, FaultKind::OutOfTime);
    assert_eq!(seen.greeting.broke().unwrap().after_ms, 1000);
}

#[test]
fn a_fault_carries_what_was_heard_but_not_all_of_it() {
    let (dialogue, now) = at(Phase::Hello);
    let half = [b"250-", &[b'x'; 3000][..]].concat();
    let (dialogue, step) = dialogue.advance(now, Input::Heard(&half));
    assert_eq!(step, Step::Listen);
    let (dialogue, _) = dialogue.advance(now, Input::Broke(FaultKind::Closed));
    let seen = dialogue.into_observation(now, now);
    assert_eq!(seen.hello.broke().unwrap().heard.as_bytes(), &half[..HEARD]);
    let last = seen.transcript.lines().last().unwrap().1;
    assert_eq!(last.to_string(), "-- connection closed at EHLO");
}

#[test]
fn a_greeting_has_two_times() {
    let (dialogue, _) = Dialogue::open(visit(), Limits::default());
    let second = Duration::from_secs;
    let (dialogue, _) = dialogue.advance(second(1), Input::Connected(None));
    let (dialogue, _) = dialogue.advance(second(3), Input::Heard(b"220-mx.example\r\n220"));
    let (dialogue, _) = dialogue.advance(second(7), Input::Heard(b" welcome\r\n"));
    let seen = dialogue.into_observation(second(0), second(7));
    let greeting = seen.greeting.reached().unwrap();
    assert_eq!((greeting.first_line_ms, greeting.after_ms), (2000, 6000));
    let times: Vec<_> = seen.transcript.lines().map(|(_, line)| line.at_ms).collect();
    assert_eq!(times, [1000, 3000, 7000, 7000]);
}

#[test]
fn what_cannot_happen_changes_nothing() {
    for phase in PHASES {
        for input in [Input::Connected(None), Input::Secured(Box::new(handshake()))] {
            let fits = matches!(
                (phase, &input),
                (Phase::Connect, Input::Connected(_)) | (Phase::Handshake, Input::Secured(_))
            );
            let (dialogue, now) = at(phase);
            let (dialogue, step) = dialogue.advance(now, input);
            assert_eq!(step == Step::Listen && dialogue.state.phase() == phase, !fits, "{phase}");
        }
    }
}

/// Something that might happen, sound or hostile.
fn anything() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let word = prop::sample::select(vec![
        &b"220 mx\r\n"[..],
        b"250 ok\r\n",
        EHLO,
        b"220 go\r\n250 more\r\n",
        b"354 what\r\n",
        b"421 bye\r\n",
        b"450 4.2.0 later\r\n",
        b"550 no\n",
        b"250-a\r\n550",
        b"\0",
        b"",
    ]);
    let bytes = prop_oneof![4 => word.prop_map(<[u8]>::to_vec), 1 => any::<Vec<u8>>()];
    (0u8..20, bytes)
}

proptest! {
    #[test]
    fn whatever_happens_the_visit_ends_and_says_nothing_out_of_order(
        happenings in prop::collection::vec(anything(), 0..60),
    ) {
        let (mut dialogue, mut step) = Dialogue::open(visit(), Limits::default());
        let finished = Box::new(handshake());
        let mut now = Duration::ZERO;
        let mut said = vec![];
        // Whoever does not answer any more runs out of time.
        let silence = std::iter::repeat_n((0, vec![]), 40);
        for (what, bytes) in happenings.into_iter().chain(silence) {
            if let Step::Say(command) = &step {
                said.push(command.clone());
            }
            if step == Step::HangUp {
                break;
            }
            now += Duration::from_millis(700);
            let input = match (what, &step) {
                (0, _) => {
                    now = now.max(dialogue.deadline());
                    Input::Due
                }
                (1, _) => Input::Interrupted,
                (2, _) => Input::Broke(FaultKind::Closed),
                (_, Step::Dial) => Input::Connected(None),
                (_, Step::Secure(_)) => Input::Secured(finished.clone()),
                _ => Input::Heard(&bytes),
            };
            (dialogue, step) = dialogue.advance(now, input);
        }
        prop_assert_eq!(step, Step::HangUp);
        let seen = dialogue.into_observation(Duration::ZERO, now);
        prop_assert_eq!(seen.recipients.len(), 2);
        let spoken = seen.transcript.lines().filter(|(_, line)| line.who == Speaker::Client);
        let spoken: Vec<_> = spoken.map(|(_, line)| line.text.to_string()).collect();
        let said: Vec<_> = said.iter().map(ToString::to_string).collect();
        prop_assert_eq!(&spoken, &said);
        // QUIT is said at most once and nothing after it; RSET only after MAIL.
        let place = |word: &str| said.iter().position(|line| line.starts_with(word));
        prop_assert!(place("QUIT").is_none_or(|at| at + 1 == said.len()));
        prop_assert!(place("RSET").is_none_or(|at| place("MAIL").is_some_and(|mail| mail < at)));
        prop_assert!(place("RCPT").is_none_or(|at| seen.sender.reached().is_some() && at > 0));
    }
}

/// What a command behind STARTTLS came to, with these answers inside TLS, cut in two at `cut`.
fn injection(answers: &[u8], cut: usize) -> Stage<Injected> {
    let starttls = Some(Opening::Inject(tls::Hello::Hybrid));
    let visit = Visit { starttls, recipients: vec![], ..visit() };
    let (mut dialogue, _) = Dialogue::open(visit, Limits::default());
    let now = Duration::ZERO;
    let beginning = sound().into_iter().take(5).map(|(_, input)| input);
    let (head, tail) = answers.split_at(cut);
    let pieces = [head, tail].into_iter().filter(|piece| !piece.is_empty()).map(Input::Heard);
    for input in beginning.chain(pieces).chain([Input::Broke(FaultKind::Closed)]) {
        (dialogue, _) = dialogue.advance(now, input);
    }
    dialogue.into_observation(now, now).injection.expect("what the visit was for")
}

#[test]
fn one_answer_too_many_inside_tls_is_told_however_the_bytes_come() {
    let ehlo = "250-mx.example\r\n250 SIZE 1\r\n";
    for (first, rest, carried_out) in [
        ("250 2.0.0 ok\r\n", format!("{ehlo}221 bye\r\n"), true),
        ("503 5.5.1 no\r\n", format!("{ehlo}250 odd\r\n"), true),
        (ehlo, "221 bye\r\n".to_owned(), false),
        ("250 mx.example\r\n", "250 bye\r\n".to_owned(), false),
    ] {
        let all = [first, &rest].concat();
        // The farewell answers QUIT, which is said once the first answer is whole.
        let farewell = all.trim_end().rfind('\n').unwrap() + 1;
        for cut in first.len()..=farewell {
            let seen = injection(all.as_bytes(), cut);
            let inside = matches!(seen, Stage::Reached(Injected::AnsweredInside(_)));
            assert_eq!(inside, carried_out, "{all:?} cut at {cut}: {seen:?}");
            assert!(carried_out || seen == Stage::Reached(Injected::Dropped), "{seen:?}");
        }
    }
}

#[test]
fn a_server_that_leaves_of_its_own_accord_has_answered_nothing() {
    for farewell in ["421 4.3.2 shutting down", "221 2.0.0 bye"] {
        let all = format!("250 mx.example\r\n{farewell}\r\n");
        let seen = injection(all.as_bytes(), 0);
        assert_eq!(seen.declined().map(ToString::to_string).as_deref(), Some(farewell));
    }
}
