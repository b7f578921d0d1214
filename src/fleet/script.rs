//! What one server is told to do: its words for every occasion, ready for the wire.
//!
//! Chooses replies; speaks none of them.

use std::{net::IpAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;

use super::{
    words::{FaultPlace, FaultWord},
    world::{OneOrMore, Server},
};
use crate::{
    smtp::{DomainName, Mailbox, ReversePath},
    survey::{Asked, Phase},
};

/// A server's part in the play.
pub struct Script {
    pub host: String,
    pub server: Server,
    /// There where STARTTLS can succeed.
    pub tls: Option<Arc<ServerConfig>>,
    /// The certificates it sends where `floor` is set, DER.
    pub chain: Vec<Vec<u8>>,
    /// The questions of the run, by which mailboxes are known.
    pub asked: Arc<Asked>,
    pub domain: DomainName,
    /// The prober's address, as the server sees it.
    pub client: IpAddr,
}

/// The lines of a reply, each with its code and without its line end.
pub type Lines = Vec<Vec<u8>>;

impl Script {
    pub fn greeting(&self) -> Lines {
        self.lines(&self.server.greeting)
    }

    pub fn hello(&self, secured: bool) -> Lines {
        if let Some(reply) = &self.server.ehlo_reply {
            return self.lines(reply);
        }
        let Server { ehlo, ehlo_secured, .. } = &self.server;
        let keywords = ehlo_secured.as_ref().filter(|_| secured).unwrap_or(ehlo);
        let starttls = (self.server.starttls && !secured).then_some("STARTTLS");
        let words = keywords.iter().map(String::as_str).chain(starttls);
        let words: Vec<&str> = std::iter::once("{host}").chain(words).collect();
        let last = words.len() - 1;
        let line = |(at, word): (usize, &&str)| {
            self.line(&format!("250{}{word}", if at == last { ' ' } else { '-' }))
        };
        words.iter().enumerate().map(line).collect()
    }

    pub fn helo(&self) -> Lines {
        self.or(self.server.helo_reply.as_ref(), "250 {host}")
    }

    pub fn starttls(&self) -> Lines {
        let offered = if self.tls.is_some() { "220 2.0.0 Ready to start TLS" } else { NOT_HERE };
        self.or(self.server.starttls_reply.as_ref(), offered)
    }

    pub fn mail(&self, from: &ReversePath, secured: bool) -> Lines {
        if self.server.require_tls && !secured {
            return self.plain("530 5.7.0 Must issue a STARTTLS command first");
        }
        let null = self.server.mail_null.as_ref().filter(|_| *from == ReversePath::Null);
        self.lines(null.unwrap_or(&self.server.mail))
    }

    pub fn rcpt(&self, to: &Mailbox) -> Lines {
        let Server { rcpt, postmaster, nonsense, relay, .. } = &self.server;
        let real = self.asked.recipients.contains(to);
        let to_postmaster =
            to.domain() == &self.domain && to.local().eq_ignore_ascii_case("postmaster");
        match (to_postmaster, real) {
            (true, true) => self.lines(postmaster.as_ref().unwrap_or(rcpt)),
            (true, false) => self.or(postmaster.as_ref(), "250 2.1.5 Ok"),
            (false, true) => self.lines(rcpt),
            (false, false) if self.asked.relay.as_ref() == Some(to) => self.lines(relay),
            (false, false) => self.lines(nonsense),
        }
    }

    /// A reply that no world changes.
    pub fn plain(&self, reply: &str) -> Lines {
        vec![self.line(reply)]
    }

    /// What goes wrong in `phase`, if anything does.
    pub fn fault(&self, phase: Phase) -> Option<FaultWord> {
        let here = |place: &FaultPlace| match place {
            FaultPlace::Alert(_) => phase == Phase::Handshake,
            FaultPlace::In(strikes) => *strikes == phase,
        };
        self.server.faults.iter().find(|(_, place)| here(place)).map(|(word, _)| *word)
    }

    /// The number of the alert that answers the client hello.
    pub fn alert(&self) -> Option<u8> {
        self.server.faults.values().find_map(|place| match place {
            FaultPlace::Alert(number) => Some(*number),
            FaultPlace::In(_) => None,
        })
    }

    pub fn delay(&self, phase: Phase) -> Option<Duration> {
        self.server.delays.get(&phase).map(|delay| delay.0)
    }

    fn or(&self, reply: Option<&OneOrMore>, otherwise: &str) -> Lines {
        reply.map_or_else(|| self.plain(otherwise), |reply| self.lines(reply))
    }

    fn lines(&self, reply: &OneOrMore) -> Lines {
        match reply {
            OneOrMore::One(line) => vec![self.line(line)],
            OneOrMore::More(lines) => lines.iter().map(|line| self.line(line)).collect(),
        }
    }

    /// The octets of one line, with names filled in and `\xff` read as that octet.
    fn line(&self, line: &str) -> Vec<u8> {
        let line = line.replace("{host}", &self.host).replace("{client}", &self.client.to_string());
        let mut pieces = line.split("\\x");
        let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
        for piece in pieces {
            match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(octet) => {
                    bytes.push(octet);
                    bytes.extend(&piece.as_bytes()[2..]);
                }
                None => bytes.extend(format!("\\x{piece}").as_bytes()),
            }
        }
        bytes
    }
}

const NOT_HERE: &str = "502 5.5.1 Command not implemented";
