//! Whether a command sent in clear right behind STARTTLS is carried out inside TLS, told by counting.
//!
//! Inside TLS each of our commands has one answer. One answer more is the answer to what was sent in
//! clear, whatever it says, so that nobody has to wait for something that may not come. Grades nothing.

use super::{Scene, State, Step};
use crate::{
    probe::{notes::End, visit::Opening},
    smtp::{Command, Reply, ReplyReader, cause},
    survey::{FaultKind, Injected, Phase, Stage, Why},
};

/// Whether there are as many answers as commands, EHLO and QUIT.
pub(super) fn is_even(replies: &[Reply]) -> bool {
    replies.len() == 2
}

impl Scene {
    /// NOOP, because it has no effect wherever it is carried out. RFC 5321 §4.1.1.9.
    pub(super) fn inject(&mut self) -> (State, Step) {
        let commands = [Command::StartTls, Command::Noop];
        for command in &commands {
            self.notes.said(self.now, command);
        }
        self.notes.event(self.now, "both in one packet");
        self.expect(State::StartTls, Step::SayTogether(commands))
    }

    /// Whether what came with the leave to begin TLS is the answer to the command in clear, which was
    /// then taken for what it was.
    pub(super) fn is_answer_in_clear(&mut self, opening: &Opening, unasked: &[u8]) -> bool {
        let reply = ReplyReader::default().push(unasked).ok().flatten();
        match (opening, reply) {
            (Opening::Inject(_), Some(reply)) => {
                self.notes.injected(Injected::AnsweredInClear(reply));
                true
            }
            _ => false,
        }
    }

    /// Answers inside TLS: to EHLO first, once that is here to QUIT, and perhaps one more.
    pub(super) fn inside(
        &mut self,
        mut replies: Vec<Reply>,
        parting: bool,
        bytes: &[u8],
    ) -> (State, Step) {
        self.notes.heard(self.now, bytes);
        let mut next = self.reader.push(bytes);
        // No byte is dropped between two answers: each of them counts.
        while let Ok(Some(reply)) = next {
            replies.push(reply);
            next = self.reader.push(&[]);
        }
        if let Err(fault) = next {
            return self.broke(&State::Inside { replies, parting }, FaultKind::NotSmtp(fault));
        }
        let Some(last) = replies.last() else {
            return (State::Inside { replies, parting }, Step::Listen);
        };
        // Nobody has said goodbye yet but the server, of its own accord: that answers nothing.
        let leaves = |reply: &&Reply| reply.code == 221 || cause::asks_to_stop(reply);
        if let Some(farewell) = replies.iter().find(leaves).filter(|_| !parting) {
            self.notes.end(Phase::HelloSecured, End::Declined(farewell.clone()));
            self.notes.leave(Why::Stopped);
            return self.part();
        }
        let commands = 1 + usize::from(parting);
        if replies.len() > commands {
            self.notes.injected(Injected::AnsweredInside(replies[0].clone()));
            return match parting {
                true if last.code == 221 => self.parted(last.clone()),
                true => (State::Quit, Step::Listen),
                false => self.say(State::Quit, Command::Quit),
            };
        }
        match parting {
            false => self.say(State::Inside { replies, parting: true }, Command::Quit),
            true if is_even(&replies) && last.code == 221 => self.dropped(replies),
            // The answer to EHLO, if the first one was to the command in clear.
            true => (State::Inside { replies, parting }, Step::Listen),
        }
    }

    /// There were as many answers as commands.
    pub(super) fn dropped(&mut self, mut replies: Vec<Reply>) -> (State, Step) {
        self.notes.injected(Injected::Dropped);
        match replies.pop() {
            Some(farewell) => self.parted(farewell),
            None => self.over(), // Never without answers.
        }
    }

    fn parted(&mut self, farewell: Reply) -> (State, Step) {
        self.notes.farewell(Stage::Reached(farewell));
        self.over()
    }
}
