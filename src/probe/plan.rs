//! Which visits an address gets: the first, and those that earlier visits call for.
//!
//! Pure. Makes no visit; `run` does, and `--plan` prints what stands here.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::{
    Opening, Visit,
    floor::{self, MOST_FOR_FLOOR, MOST_FOR_FULL},
};
use crate::{
    smtp::{Command, DomainName, HelloName, Mailbox, ReversePath},
    survey::{
        Asked, Depth, Observation, Phase, PlannedCommand, PlannedVisit, Purpose, RecipientKind,
        Times,
        reading::{self, Offer, stopped},
    },
    tls::{Handshake, Hello, Question, ServerFlight},
};

/// What every visit to one address has in common.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    pub asked: &'a Asked,
    pub domain: &'a DomainName,
    pub helo: &'a HelloName,
    pub host: &'a str,
    pub to: SocketAddr,
    pub standing: Standing,
}

/// Whether a host is in the MX set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Named by `--also`: asked for the real recipients only.
    Also,
    Published,
}

impl Errand<'_> {
    /// The visit that does everything in one session.
    pub fn first(&self) -> Visit {
        Visit {
            purpose: Purpose::Session,
            to: self.to,
            host: self.host.to_owned(),
            helo: self.helo.clone(),
            starttls: Some(Opening::Speak(Hello::Hybrid)),
            sender: self.asked.sender.clone(),
            recipients: self.recipients(),
        }
    }

    /// The visit that must follow at once, because the last one could not speak TLS.
    pub fn next(&self, seen: &[Observation]) -> Option<Visit> {
        let last = seen.last()?;
        if stopped(seen) {
            return None;
        }
        let fault = last.tls.broke()?;
        let recipients = self.recipients();
        match (last.purpose, fault.phase) {
            // A peer that hangs up on the handshake may dislike the size of the hello.
            (Purpose::Session, Phase::Handshake) => Some(Visit {
                purpose: Purpose::ClassicalHello,
                starttls: Some(Opening::Speak(Hello::Classical)),
                ..self.first()
            }),
            (Purpose::Session | Purpose::ClassicalHello, Phase::Handshake | Phase::StartTls) => {
                Some(Visit { purpose: Purpose::Clear, starttls: None, recipients, ..self.first() })
            }
            _ => None,
        }
    }

    /// The visit at the end of the run without which a grave finding would rest on one visit.
    pub fn confirmation(&self, seen: &[Observation]) -> Option<Visit> {
        if stopped(seen) || self.standing == Standing::Also {
            return None;
        }
        let once =
            |odd: fn(&Observation) -> bool| seen.iter().filter(|visit| odd(visit)).count() == 1;
        let unencrypted = matches!(reading::offer(seen), Offer::Never { visits: 1 })
            || once(|visit| visit.tls.declined().is_some())
            || once(|visit| visit.ehlo_refused().is_some());
        let turned_away = seen.iter().any(|visit| visit.greeting.declined().is_some());
        let mut recipients = self.refused(seen);
        if turned_away {
            // Let in this time, it may be asked what it was not asked before.
            recipients.extend(self.recipients());
        }
        recipients.truncate(1);
        let grave = unencrypted || turned_away || !recipients.is_empty();
        grave.then(|| Visit {
            purpose: Purpose::Confirm,
            starttls: opening(seen),
            recipients,
            ..self.first()
        })
    }

    /// Visits that answer a question of their own and were asked for.
    pub fn extras(&self, seen: &[Observation]) -> Vec<Visit> {
        if stopped(seen) || self.standing == Standing::Also {
            return Vec::new();
        }
        let base = Visit { starttls: opening(seen), ..self.first() };
        let null_sender = || Visit {
            purpose: Purpose::NullSender,
            sender: ReversePath::Null,
            recipients: self.recipients().into_iter().take(1).collect(),
            ..base.clone()
        };
        let relay = |mailbox: &Mailbox| Visit {
            purpose: Purpose::Relay,
            recipients: vec![(RecipientKind::Relay, mailbox.clone())],
            ..base.clone()
        };
        // Who was told to come back later is not asked about another recipient either.
        if self.put_off_until().is_some() {
            return Vec::new();
        }
        let wants_null = self.asked.depth == Depth::Full
            && self.asked.sender != ReversePath::Null
            && !self.asked.recipients.is_empty();
        let null_sender = wants_null.then(null_sender);
        null_sender.into_iter().chain(self.asked.relay.as_ref().map(relay)).collect()
    }

    /// The visit with the next question about the TLS of the server: the oldest and weakest it takes,
    /// then whether it has another certificate, and whether it carries out inside TLS what it was told
    /// in clear.
    pub fn inquiry(&self, seen: &[Observation]) -> Option<Visit> {
        let offered = matches!(reading::offer(seen), Offer::Always | Offer::Sometimes);
        if stopped(seen) || self.standing == Standing::Also || !offered {
            return None;
        }
        match floor::next(self.asked.depth, seen) {
            Some(question) => Some(self.asking(question)),
            None => self.last_questions(seen),
        }
    }

    /// Only where the server went along with all that was asked before, the rudest question last.
    fn last_questions(&self, seen: &[Observation]) -> Option<Visit> {
        let mut asked = seen.iter().filter_map(|visit| visit.floor.as_ref());
        let answered = asked.all(|exchange| exchange.answer.reached().is_some());
        let spoken = seen.iter().find_map(|visit| visit.tls.reached())?;
        if self.asked.depth < Depth::Full || !answered {
            return None;
        }
        let untried = |purpose| seen.iter().all(|visit| visit.purpose != purpose);
        let other = other_algorithm(spoken, seen).filter(|_| untried(Purpose::OtherCertificate));
        other
            .map(|hello| self.showing(hello))
            .or_else(|| untried(Purpose::Injection).then(|| self.injecting(spoken.hello)))
    }

    fn showing(&self, hello: Hello) -> Visit {
        Visit {
            purpose: Purpose::OtherCertificate,
            starttls: Some(Opening::Show(hello)),
            recipients: Vec::new(),
            ..self.first()
        }
    }

    fn injecting(&self, hello: Hello) -> Visit {
        Visit {
            purpose: Purpose::Injection,
            starttls: Some(Opening::Inject(hello)),
            recipients: Vec::new(),
            ..self.first()
        }
    }

    fn asking(&self, question: Question) -> Visit {
        Visit {
            purpose: Purpose::Floor,
            starttls: Some(Opening::Ask(Box::new(question))),
            recipients: Vec::new(),
            ..self.first()
        }
    }

    /// Everything that may happen at this address, in the order of a run, for `--plan`.
    pub fn foreseen(&self) -> Vec<PlannedVisit> {
        let first = self.first();
        let classical = Visit {
            purpose: Purpose::ClassicalHello,
            starttls: Some(Opening::Speak(Hello::Classical)),
            ..first.clone()
        };
        let clear = Visit { purpose: Purpose::Clear, starttls: None, ..first.clone() };
        let mut confirm = Visit { purpose: Purpose::Confirm, ..first.clone() };
        confirm.recipients.retain(|(kind, _)| *kind == RecipientKind::Real);
        let planned = |visit: &Visit, because: Option<&str>| PlannedVisit {
            host: self.host.to_owned(),
            address: self.to.ip(),
            port: self.to.port(),
            purpose: visit.purpose,
            commands: visit.commands(),
            only_if: because.map(str::to_owned),
            times: Times::Once,
            no_recipients_before: self.put_off_until().filter(|_| visit.purpose.is_ordinary()),
        };
        let mute = "STARTTLS breaks off, or the TLS handshake fails with a classical hello too";
        let mut plan = vec![
            planned(&first, None),
            planned(&classical, Some("the TLS handshake fails")),
            planned(&clear, Some(mute)),
        ];
        if self.standing == Standing::Published {
            let grave = "STARTTLS is missing, or greeting, EHLO, STARTTLS or recipient are refused";
            plan.push(planned(&confirm, Some(grave)));
        }
        plan.extend(self.extras(&[]).iter().map(|visit| planned(visit, None)));
        let times = match self.asked.depth {
            Depth::Session => None,
            Depth::Floor => Some(Times::AtMost(MOST_FOR_FLOOR)),
            Depth::Full => Some(Times::SuitesAnd(MOST_FOR_FULL)),
        };
        let first_question = floor::next(self.asked.depth, &[]);
        if let (Standing::Published, Some(times), Some(question)) =
            (self.standing, times, first_question)
        {
            let visit = self.asking(question);
            plan.push(PlannedVisit { times, ..planned(&visit, Some("STARTTLS is offered")) });
        }
        if self.standing == Standing::Published && self.asked.depth == Depth::Full {
            let sound = "TLS is spoken and every question about it was answered";
            let another = "TLS is spoken, every question about it was answered, and there may be a \
                           certificate of another algorithm";
            plan.push(planned(&self.showing(Hello::RsaOnly), Some(another)));
            plan.push(planned(&self.injecting(Hello::Hybrid), Some(sound)));
        }
        plan
    }

    /// Real recipients, then postmaster, the one that does not exist last: harvest counters look
    /// at refused recipients, so the likeliest refusal comes when all else is known. None where
    /// an earlier run was told to come back later than now.
    fn recipients(&self) -> Vec<(RecipientKind, Mailbox)> {
        let real =
            self.asked.recipients.iter().map(|mailbox| (RecipientKind::Real, mailbox.clone()));
        let mut all: Vec<_> = real.filter(|_| self.put_off_until().is_none()).collect();
        if all.is_empty() || self.standing == Standing::Also {
            return all;
        }
        let known = |mailbox: &Mailbox| all.iter().any(|(_, other)| other == mailbox);
        // RFC 5321 §4.5.1 wants this one taken by every domain that takes mail.
        let postmaster = Mailbox::new("postmaster", self.domain.clone()).ok();
        let postmaster = postmaster.filter(|mailbox| !known(mailbox));
        all.extend(postmaster.map(|mailbox| (RecipientKind::Postmaster, mailbox)));
        let nonsense = self.asked.nonsense.clone();
        all.extend(nonsense.map(|mailbox| (RecipientKind::Nonsense, mailbox)));
        all
    }

    /// Until when nobody is to be asked for here, where an earlier run was told to come back later.
    fn put_off_until(&self) -> Option<Timestamp> {
        self.asked.pending(self.to.ip()).map(|(_, _, due)| due)
    }

    /// The real recipients that were refused so far.
    fn refused(&self, seen: &[Observation]) -> Vec<(RecipientKind, Mailbox)> {
        let refused = |mailbox: &Mailbox| {
            seen.iter().flat_map(|visit| &visit.recipients).any(|recipient| {
                recipient.mailbox == *mailbox && recipient.outcome.declined().is_some()
            })
        };
        let real = self.asked.recipients.iter().filter(|mailbox| refused(mailbox));
        real.map(|mailbox| (RecipientKind::Real, mailbox.clone())).collect()
    }
}

impl Visit {
    /// All that the visit may say, in order. HELO stands in for an EHLO that is refused, and only
    /// what was refused is asked again.
    fn commands(&self) -> Vec<PlannedCommand> {
        let said = |command: Command| PlannedCommand { line: command.to_string(), only_if: None };
        let only_if = |because: &str, command: Command| PlannedCommand {
            only_if: Some(because.to_owned()),
            ..said(command)
        };
        let hail = || {
            let helo = Command::Helo(self.helo.clone());
            [said(Command::Ehlo(self.helo.clone())), only_if("EHLO is refused", helo)]
        };
        let mut commands = Vec::from(hail());
        if self.starttls.as_ref().is_some_and(|opening| opening.question().is_some()) {
            // The answer to the hello ends the visit.
            commands.push(said(Command::StartTls));
            commands.push(only_if("STARTTLS is missing or refused", Command::Quit));
            return commands;
        }
        if let Some(Opening::Inject(_)) = self.starttls {
            let inside = Command::Ehlo(self.helo.clone());
            commands.extend([Command::StartTls, Command::Noop, inside, Command::Quit].map(said));
            return commands;
        }
        if self.starttls.is_some() {
            commands.push(said(Command::StartTls));
            commands.extend(hail());
        }
        let again = self.purpose == Purpose::Confirm;
        let asked = |command| {
            if again {
                only_if("a recipient was refused or not asked", command)
            } else {
                said(command)
            }
        };
        if !self.recipients.is_empty() {
            commands.push(asked(Command::MailFrom(self.sender.clone())));
            for (place, (_, mailbox)) in self.recipients.iter().enumerate() {
                let rcpt = Command::RcptTo(mailbox.clone());
                commands.push(match (again, place) {
                    (false, _) => said(rcpt),
                    (true, 0) => only_if("it was refused or not asked", rcpt),
                    (true, _) => only_if("it was refused, and none before it", rcpt),
                });
            }
            commands.push(asked(Command::Rset));
        }
        commands.push(said(Command::Quit));
        commands
    }
}

/// The hello for a certificate of the other algorithm than the one `spoken` showed, if there is one. The
/// answers to single hellos up to TLS 1.2 tell, and where there are none it has to be tried.
fn other_algorithm(spoken: &Handshake, seen: &[Observation]) -> Option<Hello> {
    let (other, hello) = match spoken.leaf().key.algorithm.as_str() {
        "EC" => ("RSA", Hello::RsaOnly),
        _ => ("EC", Hello::EcdsaOnly),
    };
    let exchanges = seen.iter().filter_map(|visit| visit.floor.as_ref()?.answer.reached());
    let leaves = exchanges.filter_map(|flight| match flight {
        ServerFlight::Chose(choice) => choice.leaf.as_ref(),
        ServerFlight::Refused { .. } => None,
    });
    let mut algorithms = leaves.map(|leaf| leaf.key.algorithm.as_str()).peekable();
    let unknown = algorithms.peek().is_none();
    (unknown || algorithms.any(|algorithm| algorithm == other)).then_some(hello)
}

/// The hello that worked, or none where no hello did.
fn opening(seen: &[Observation]) -> Option<Opening> {
    let spoke = seen.iter().find_map(|visit| visit.tls.reached()).map(|done| done.hello);
    let broke = seen.iter().any(|visit| visit.tls.broke().is_some());
    (if broke { spoke } else { Some(Hello::Hybrid) }).map(Opening::Speak)
}

#[cfg(test)]
mod tests;
