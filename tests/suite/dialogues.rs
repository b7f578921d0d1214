//! Whole visits against a scripted server: `fixtures/dialogues/*.smtp`, each golden transcript and
//! test in one. Time is virtual, the connection is memory, TLS is real.

use std::{fs, future::pending, net::SocketAddr, sync::Mutex};

use mxparity::{
    config::Limits,
    probe::{Channel, Clock, Dialer, Means, Opening, Visit, carry_out, seam::Later},
    smtp::{Mailbox, ReversePath, Speaker},
    survey::{FaultKind, Injected, Observation, Purpose, RecipientKind, Stage},
    tls::Hello,
};
use tokio::sync::watch;

use crate::support::{
    authority::{Authority, HOST, NOON},
    golden,
    script::{ClientEnd, connection, play},
};

#[tokio::test(start_paused = true)]
async fn every_dialogue_goes_as_written() {
    let authority = Authority::new();
    let mut names: Vec<_> = fs::read_dir(golden::fixture("dialogues"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let path = format!("dialogues/{name}");
        let script = fs::read_to_string(golden::fixture(&path)).unwrap();
        let (played, observation) = perform(&script, &authority).await;
        assert_transcript_agrees(&name, &played, &observation);
        golden::compare(&path, &(played + &outcomes(&observation)));
    }
}

/// Runs one visit against `script`; what was played, and what was seen.
async fn perform(script: &str, authority: &Authority) -> (String, Observation) {
    let (client, server) = connection();
    let (sender, stop) = watch::channel(false);
    let dialer = OneConnection {
        trouble: direction(script, "connect").map(|word| match word {
            "refused" => Trouble::Refused,
            _ => Trouble::Silent,
        }),
        end: Mutex::new(Some(client)),
    };
    let trust = authority.trust();
    let (limits, clock) = (Limits::default(), Clock::begin(NOON));
    let means = Means { dialer: &dialer, trust: &trust, limits, clock, stop };
    let visit = visit(direction(script, "visit").unwrap_or_default());
    tokio::join!(play(script, server, authority, &sender), carry_out(&visit, &means))
}

fn direction<'a>(script: &'a str, word: &str) -> Option<&'a str> {
    let lines = script.lines().filter_map(|line| line.strip_prefix("-- "));
    lines.filter_map(|line| line.split_once(' ')).find(|(first, _)| *first == word).map(|two| two.1)
}

fn visit(words: &str) -> Visit {
    let recipients = [
        (RecipientKind::Real, "real@example.org"),
        (RecipientKind::Postmaster, "postmaster@example.org"),
        (RecipientKind::Nonsense, "nonsense@example.org"),
    ];
    let recipients = recipients.map(|(kind, word)| (kind, Mailbox::parse(word).unwrap()));
    Visit {
        purpose: Purpose::Session,
        to: "192.0.2.1:25".parse().unwrap(),
        host: HOST.to_owned(),
        helo: "probe.example".parse().unwrap(),
        starttls: match words {
            _ if words.contains("in-clear") => None,
            _ if words.contains("injection") => Some(Opening::Inject(Hello::Hybrid)),
            _ if words.contains("classical") => Some(Opening::Speak(Hello::Classical)),
            _ => Some(Opening::Speak(Hello::Hybrid)),
        },
        sender: ReversePath::Null,
        recipients: if ["injection", "no-recipients"].contains(&words) {
            vec![]
        } else {
            recipients.to_vec()
        },
    }
}

/// A dialer whose first connection is all there is.
struct OneConnection {
    end: Mutex<Option<ClientEnd>>,
    /// Set where there is none: it can be refused, or never answered.
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy)]
enum Trouble {
    Refused,
    Silent,
}

impl Dialer for OneConnection {
    fn dial(&self, _to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
        let end = self.end.lock().unwrap().take().expect("a visit is at most one connection");
        let channel = Channel { stream: Box::new(end), local: None };
        Box::pin(async move {
            match self.trouble {
                None => Ok(channel),
                Some(Trouble::Refused) => Err(FaultKind::Refused),
                Some(Trouble::Silent) => pending().await,
            }
        })
    }
}

/// Every stage and how it ended, neighbours that ended alike in one line; then how long it took.
fn outcomes(seen: &Observation) -> String {
    let mut lines = vec![
        ("connect".to_owned(), end(&seen.connect, |_| String::new())),
        ("greeting".to_owned(), end(&seen.greeting, |greeting| reply(&greeting.reply))),
        ("hello".to_owned(), end(&seen.hello, hello)),
        ("tls".to_owned(), end(&seen.tls, ToString::to_string)),
        ("hello_secured".to_owned(), end(&seen.hello_secured, hello)),
        ("sender".to_owned(), end(&seen.sender, reply)),
    ];
    for recipient in &seen.recipients {
        let name = format!("recipient {}", recipient.mailbox.local());
        lines.push((name, end(&recipient.outcome, reply)));
    }
    if let Some(injection) = &seen.injection {
        lines.push(("injection".to_owned(), end(injection, injected)));
    }
    lines.push(("quit".to_owned(), end(&seen.quit, reply)));
    if !seen.unasked_before_tls.is_empty() {
        lines.push(("unasked_before_tls".to_owned(), seen.unasked_before_tls.to_string()));
    }
    lines.push(("took".to_owned(), format!("{} s", (seen.took_ms + 500) / 1000)));
    let alike = lines.chunk_by(|(_, one), (_, other)| one == other);
    let line = |alike: &[(String, String)]| {
        let names: Vec<_> = alike.iter().map(|(name, _)| name.as_str()).collect();
        format!("=> {}: {}\n", names.join(", "), alike[0].1)
    };
    alike.map(line).collect()
}

fn end<T>(stage: &Stage<T>, show: impl Fn(&T) -> String) -> String {
    match stage {
        Stage::Reached(value) => format!("reached {}", show(value)).trim_end().to_owned(),
        Stage::Declined(refusal) => format!("declined {}", reply(refusal)),
        Stage::Broke(fault) if fault.heard.is_empty() => format!("broke, {fault}"),
        Stage::Broke(fault) => {
            let heard = fault.heard.to_string();
            format!("broke, {fault}; heard {}", heard.get(..40).unwrap_or(&heard))
        }
        Stage::NotTried(why) => format!("not tried, {why}"),
    }
}

fn injected(what: &Injected) -> String {
    match what {
        Injected::AnsweredInClear(answer) => format!("in clear, {}", reply(answer)),
        Injected::AnsweredInside(answer) => format!("inside TLS, {}", reply(answer)),
        Injected::Dropped => "dropped".to_owned(),
    }
}

fn hello(hello: &mxparity::survey::observation::Hello) -> String {
    format!("{} to {:?}", reply(&hello.reply), hello.verb)
}

fn reply(reply: &mxparity::smtp::Reply) -> String {
    let code = reply.code.to_string();
    reply.flaws.iter().fold(code, |shown, flaw| format!("{shown} ({flaw})"))
}

/// The transcript holds the words of both sides as they were said. Only a farewell may be said to a
/// server that has left, and only a client that has left misses words of the server.
fn assert_transcript_agrees(name: &str, played: &str, seen: &Observation) {
    let words = |who| move |line: &&str| line.starts_with(who);
    let spoken = seen.transcript.lines().filter(|(_, line)| line.who != Speaker::Event);
    let spoken: Vec<_> = spoken.map(|(_, line)| line.to_string()).collect();
    let noted = |who| spoken.iter().map(String::as_str).filter(words(who)).collect::<Vec<_>>();
    let said = |who| played.lines().filter(words(who)).collect::<Vec<_>>();
    let farewell = |words: &[&str]| words.is_empty() || words == ["C: QUIT"];
    let heard = said("C: ").len();
    assert_eq!(noted("C: ")[..heard], said("C: "), "{name}");
    assert!(farewell(&noted("C: ")[heard..]), "{name}");
    if !["-- raw", "-- endless", "-- drip"].iter().any(|aside| played.contains(aside)) {
        let (noted, said) = (noted("S: "), said("S: "));
        assert_eq!(noted, said[..noted.len()], "{name}");
    }
}
