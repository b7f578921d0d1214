//! What the fleet saw of its visitor: every connection, every line, and every breach of manners.
//!
//! Tests read it after a run; the demo ignores it. Changes nothing that a server does.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::smtp::{Command, HelloName, Mailbox, ReversePath, Text};

/// The record of one run, shared by all servers.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

/// One connection, or the attempt at one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Visit {
    pub to: SocketAddr,
    /// The how-manieth to that address, from 1.
    pub number: usize,
}

/// One line a server heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    pub visit: Visit,
    /// Whether it came inside TLS.
    pub secured: bool,
    /// Without its line end.
    pub line: Text,
}

#[derive(Default)]
struct Pages {
    visits: BTreeMap<SocketAddr, usize>,
    open: BTreeMap<SocketAddr, usize>,
    heard: Vec<Heard>,
    alarms: Vec<String>,
}

impl Ledger {
    /// Every line heard, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.pages().heard.clone()
    }

    /// Every breach of manners; empty after a sound run.
    pub fn alarms(&self) -> Vec<String> {
        self.pages().alarms.clone()
    }

    /// How many connections each address was asked for.
    pub fn visits(&self) -> BTreeMap<SocketAddr, usize> {
        self.pages().visits.clone()
    }

    pub(super) fn begin(&self, to: SocketAddr) -> Lease {
        let mut pages = self.pages();
        let count = pages.visits.entry(to).or_default();
        *count += 1;
        let visit = Visit { to, number: *count };
        let open = pages.open.entry(to).or_default();
        *open += 1;
        if *open > 1 {
            pages.alarms.push(format!("{visit}: a second connection beside an open one"));
        }
        Lease { ledger: self.clone(), visit }
    }

    /// Notes a line, and raises an alarm if it is no command of ours.
    pub(super) fn hear(&self, heard: Heard) -> Option<Command> {
        let command = std::str::from_utf8(heard.line.as_bytes()).ok().and_then(command);
        let mut pages = self.pages();
        if command.is_none() {
            pages.alarms.push(format!("{}: {} is no command of ours", heard.visit, heard.line));
        }
        pages.heard.push(heard);
        command
    }

    pub(super) fn alarm(&self, visit: Visit, what: &str) {
        self.pages().alarms.push(format!("{visit}: {what}"));
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // The pages stay sound even if a task panicked while it wrote.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The command that `line` is, if it is written exactly as we would write it.
fn command(line: &str) -> Option<Command> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let bracketed = |prefix: &str| rest.strip_prefix(prefix);
    let command = match verb {
        "EHLO" => Command::Ehlo(HelloName::parse(rest).ok()?),
        "HELO" => Command::Helo(HelloName::parse(rest).ok()?),
        "MAIL" => Command::MailFrom(bracketed("FROM:")?.parse::<ReversePath>().ok()?),
        "RCPT" => Command::RcptTo(Mailbox::parse(bracketed("TO:")?).ok()?),
        "RSET" => Command::Rset,
        "NOOP" => Command::Noop,
        "QUIT" => Command::Quit,
        "STARTTLS" => Command::StartTls,
        _ => return None,
    };
    (command.to_string() == line).then_some(command)
}

impl std::fmt::Display for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "visit {} to {}", self.number, self.to)
    }
}

/// A connection that counts as open until this is dropped.
pub(super) struct Lease {
    ledger: Ledger,
    pub visit: Visit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(open) = self.ledger.pages().open.get_mut(&self.visit.to) {
            *open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_of_command_pass() {
        for (line, sound) in [
            ("EHLO probe.example", true),
            ("HELO [192.0.2.1]", true),
            ("MAIL FROM:<>", true),
            ("MAIL FROM:<a@b.example>", true),
            ("RCPT TO:<a@b.example>", true),
            ("STARTTLS", true),
            ("RSET", true),
            ("QUIT", true),
            ("quit", false),
            ("QUIT now", false),
            ("MAIL FROM:a@b.example", false),
            ("MAIL FROM:<a@b.example> SIZE=1", false),
            ("RCPT TO: <a@b.example>", false),
            ("EHLO", false),
            ("DATA", false),
            ("BDAT 0 LAST", false),
            ("AUTH PLAIN", false),
            ("VRFY postmaster", false),
            ("", false),
        ] {
            assert_eq!(command(line).is_some(), sound, "{line}");
        }
    }

    #[test]
    fn a_second_connection_beside_an_open_one_raises_an_alarm() {
        let ledger = Ledger::default();
        let to = "192.0.2.1:25".parse().unwrap();
        let first = ledger.begin(to);
        drop(first);
        let _second = ledger.begin(to);
        assert!(ledger.alarms().is_empty());
        let _third = ledger.begin(to);
        assert_eq!(
            ledger.alarms(),
            ["visit 3 to 192.0.2.1:25: a second connection beside an open one"]
        );
        assert_eq!(ledger.visits()[&to], 3);
    }
}
