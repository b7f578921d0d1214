//! What a visit has seen so far, written down as it happens.
//!
//! A stage that was never put stays empty until the end and then says why. Decides no next step.

use std::{iter::repeat, time::Duration};

use super::{Visit, visit::Opening};
use crate::{
    smtp::{Command, Reply, Speaker, Text, Transcript, reply::MAX_LINE},
    survey::{
        Connected, Exchange, Fault, Injected, Observation, Phase, Recipient, Stage, Why,
        observation::{Greeting, Hello},
    },
    tls::{Handshake, ServerFlight},
};

/// An observation in the making; `None` is a question that has not come up.
#[derive(Debug, Default)]
pub struct Notes {
    pub connect: Option<Stage<Connected>>,
    pub greeting: Option<Stage<Greeting>>,
    pub hello: Option<Stage<Hello>>,
    pub tls: Option<Stage<Handshake>>,
    /// Bytes in clear that came with the leave to begin TLS.
    pub unasked_before_tls: Text,
    /// What came of the one hello of a visit that is made for it.
    pub answer: Option<Stage<ServerFlight>>,
    /// The handshake for the other algorithm.
    pub other_certificate: Option<Stage<Handshake>>,
    /// What became of the command behind STARTTLS.
    pub injection: Option<Stage<Injected>>,
    pub hello_secured: Option<Stage<Hello>>,
    pub sender: Option<Stage<Reply>>,
    /// Of those asked so far, in the order of the plan.
    pub recipients: Vec<Stage<Reply>>,
    pub quit: Option<Stage<Reply>>,
    /// When the first line ever ended: the greeting is the only reply whose first line is timed.
    pub first_line: Option<Duration>,
    transcript: Transcript,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    aim: Aim,
    /// Why what is still open will not be asked.
    left: Option<Why>,
}

/// What STARTTLS is said for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Aim {
    /// The answer to one hello.
    Flight,
    /// What becomes of a command behind it.
    Injection,
    /// The certificate of the other algorithm.
    OtherCertificate,
    #[default]
    Session,
}

/// How a question ended that did not get the answer it wanted.
#[derive(Clone, Debug)]
pub enum End {
    Broke(Fault),
    Declined(Reply),
}

impl Notes {
    /// Before anything happened: only what the plan leaves out is settled.
    pub fn of(visit: &Visit) -> Self {
        let aim = match visit.starttls {
            Some(Opening::Ask(_)) => Aim::Flight,
            Some(Opening::Inject(_)) => Aim::Injection,
            Some(Opening::Show(_)) => Aim::OtherCertificate,
            Some(Opening::Speak(_)) | None => Aim::Session,
        };
        let mut notes = Self { aim, ..Self::default() };
        if visit.starttls.is_none() || aim != Aim::Session {
            notes.tls = Some(Stage::NotTried(Why::NotThisVisit));
            notes.hello_secured = Some(Stage::NotTried(Why::NotThisVisit));
        }
        if visit.recipients.is_empty() {
            notes.sender = Some(Stage::NotTried(Why::NotAsked));
        }
        notes
    }

    /// Writes down how the question of `phase` ended.
    pub fn end(&mut self, phase: Phase, end: End) {
        // The question is open until the last answer inside TLS.
        if self.aim == Aim::Injection && phase >= Phase::StartTls {
            self.injection.get_or_insert_with(|| end.clone().into());
        }
        match phase {
            Phase::Connect => self.connect = Some(end.into()),
            Phase::Greeting => self.greeting = Some(end.into()),
            Phase::Hello => self.hello = Some(end.into()),
            // Two phases, one question: does this server speak TLS with us?
            Phase::StartTls | Phase::Handshake => match self.aim {
                Aim::Flight => self.answer = Some(end.into()),
                Aim::Injection => {}
                Aim::OtherCertificate => self.other_certificate = Some(end.into()),
                Aim::Session => self.tls = Some(end.into()),
            },
            Phase::HelloSecured => self.hello_secured = Some(end.into()),
            Phase::Sender => self.sender = Some(end.into()),
            Phase::Recipient => self.recipients.push(end.into()),
            // Nobody asks how RSET went; a fault of it shows in what became of QUIT.
            Phase::Reset | Phase::Quit => self.farewell(end.into()),
        }
    }

    /// Writes down how the visit ended. That the server sent us away instead of answering RSET is
    /// more than what then became of QUIT.
    pub fn farewell(&mut self, end: Stage<Reply>) {
        if !matches!(self.quit, Some(Stage::Declined(_))) {
            self.quit = Some(end);
        }
    }

    /// Gives the reason for all that stays open; the first one given counts.
    pub fn leave(&mut self, why: Why) {
        self.left.get_or_insert(why);
    }

    /// Something that happened to the channel.
    pub fn event(&mut self, at: Duration, what: &str) {
        self.transcript.push(at, Speaker::Event, Text::from(what));
    }

    /// A command that is about to be said.
    pub fn said(&mut self, at: Duration, command: &Command) {
        self.transcript.push(at, Speaker::Client, Text::from(command.to_string().as_str()));
    }

    /// Writes down a finished handshake.
    pub fn secured(&mut self, handshake: Handshake) {
        let done = Some(Stage::Reached(handshake));
        match self.aim {
            Aim::OtherCertificate => self.other_certificate = done,
            // What it was like is no news.
            Aim::Flight | Aim::Injection => {}
            Aim::Session => self.tls = done,
        }
    }

    /// The visit learned what it was made for.
    pub fn injected(&mut self, what: Injected) {
        self.injection.get_or_insert(Stage::Reached(what));
    }

    /// STARTTLS is not on offer.
    pub fn lacks_starttls(&mut self) {
        match self.aim {
            Aim::Flight => self.answer = Some(Stage::NotTried(Why::NotOffered)),
            Aim::Injection => self.injection = Some(Stage::NotTried(Why::NotOffered)),
            Aim::OtherCertificate => {
                self.other_certificate = Some(Stage::NotTried(Why::NotOffered));
            }
            Aim::Session => {
                self.tls = Some(Stage::NotTried(Why::NotOffered));
                self.hello_secured = Some(Stage::NotTried(Why::NotOffered));
            }
        }
    }

    /// Takes server bytes as they come and writes down each line that ends in them.
    pub fn heard(&mut self, at: Duration, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.first_line.get_or_insert(at);
                self.end_line(at);
            }
        }
    }

    /// Writes down the line begun, if there is one; no more of it will be waited for.
    pub fn end_line(&mut self, at: Duration) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            // A line end that is LF alone shows as a flaw of the reply, not here.
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            self.transcript.push(at, Speaker::Server, Text::bounded(text, MAX_LINE));
        }
    }

    /// The finished observation: every stage has an end or a reason, every recipient has its line.
    pub fn into_observation(self, visit: Visit, began: Duration, took: Duration) -> Observation {
        let why = self.left.unwrap_or(Why::EarlierFailed);
        let answer = settled(self.answer, why);
        let floor = match visit.starttls {
            Some(Opening::Ask(question)) => Some(Exchange { question: *question, answer }),
            Some(Opening::Inject(_) | Opening::Show(_) | Opening::Speak(_)) | None => None,
        };
        let shows = self.aim == Aim::OtherCertificate;
        let other_certificate = shows.then(|| settled(self.other_certificate, why));
        let injection = (self.aim == Aim::Injection).then(|| settled(self.injection, why));
        let outcomes = self.recipients.into_iter().chain(repeat(Stage::NotTried(why)));
        let recipients = visit.recipients.into_iter().zip(outcomes);
        let recipient = |((kind, mailbox), outcome)| Recipient { kind, mailbox, outcome };
        Observation {
            purpose: visit.purpose,
            made_for: None,
            began_ms: millis(began),
            took_ms: millis(took),
            connect: settled(self.connect, why),
            greeting: settled(self.greeting, why),
            hello: settled(self.hello, why),
            tls: settled(self.tls, why),
            unasked_before_tls: self.unasked_before_tls,
            floor,
            other_certificate,
            injection,
            hello_secured: settled(self.hello_secured, why),
            sender: settled(self.sender, why),
            recipients: recipients.map(recipient).collect(),
            quit: settled(self.quit, why),
            transcript: self.transcript,
        }
    }
}

impl<T> From<End> for Stage<T> {
    fn from(end: End) -> Self {
        match end {
            End::Broke(fault) => Self::Broke(fault),
            End::Declined(reply) => Self::Declined(reply),
        }
    }
}

fn settled<T>(stage: Option<Stage<T>>, why: Why) -> Stage<T> {
    stage.unwrap_or(Stage::NotTried(why))
}

/// A duration as observations carry it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
