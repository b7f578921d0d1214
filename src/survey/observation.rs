//! One visit: what was asked, how each question ended, and the words that were said.
//!
//! A visit is at most one connection. Merging visits is the work of [`super::reading`].

use std::{fmt, net::SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exchange, Fault, Stage};
use crate::{
    smtp::{Capabilities, DomainName, Mailbox, Reply, Text, Transcript},
    tls::Handshake,
};

/// One connection to one address, or the attempt at one.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Observation {
    pub purpose: Purpose,
    /// The other domain of the same call for whose survey the visit was made: what was learned there of
    /// the host's TLS holds here too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<DomainName>,
    /// From the beginning of the run to the beginning of this visit.
    pub began_ms: u64,
    pub took_ms: u64,
    pub connect: Stage<Connected>,
    pub greeting: Stage<Greeting>,
    pub hello: Stage<Hello>,
    /// STARTTLS and the handshake behind it: declined is the refusal of the command.
    pub tls: Stage<Handshake>,
    /// Bytes that came in clear behind the reply to STARTTLS. RFC 3207 §4.2 wants them discarded.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub unasked_before_tls: Text,
    /// The one hello for whose answer the visit was made, where it was made for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Exchange>,
    /// The handshake in which only the other algorithm was offered for certificates, where the visit
    /// was made for that: declined is the refusal of STARTTLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_certificate: Option<Stage<Handshake>>,
    /// What became of the command sent in clear right behind STARTTLS, where the visit was made for
    /// that: declined is the refusal of STARTTLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injection: Option<Stage<Injected>>,
    pub hello_secured: Stage<Hello>,
    pub sender: Stage<Reply>,
    /// In the order they were asked.
    pub recipients: Vec<Recipient>,
    /// How QUIT was answered; reached with any reply. Declined where RSET was answered with 421.
    pub quit: Stage<Reply>,
    pub transcript: Transcript,
}

/// Why a visit was made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The first: everything in one session.
    Session,
    /// After a failed handshake: the same with a small hello.
    ClassicalHello,
    /// After TLS could not be spoken at all: the same without STARTTLS.
    Clear,
    /// Before a grave finding: ask once more.
    Confirm,
    /// One TLS hello and its answer: what is the oldest and weakest the server takes?
    Floor,
    /// A command in clear in one packet with STARTTLS: is it carried out inside TLS?
    Injection,
    /// A handshake without the algorithm of the certificate already seen: is there one more?
    OtherCertificate,
    /// The null sender with one recipient, on its own.
    NullSender,
    /// The opt-in relay test.
    Relay,
}

/// What became of a command that was sent in clear right behind STARTTLS. RFC 3207 §4.2 has the
/// server forget what it heard before TLS.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Injected {
    /// Nothing ever came back for it.
    Dropped,
    /// It was taken for what it was, and answered before TLS began.
    AnsweredInClear(Reply),
    /// It was carried out as if it had come inside TLS.
    AnsweredInside(Reply),
}

/// A connection stands.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Connected {
    pub local: Option<SocketAddr>,
    pub after_ms: u64,
}

/// A 220 greeting. RFC 5321 §4.2.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Greeting {
    pub reply: Reply,
    /// From connect to the first line.
    pub first_line_ms: u64,
    /// From connect to the last line.
    pub after_ms: u64,
}

/// A server's answer to EHLO or HELO.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Hello {
    pub verb: HelloVerb,
    pub reply: Reply,
    /// Empty after HELO.
    pub capabilities: Capabilities,
    /// The refusal of EHLO that made us say HELO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ehlo_refused: Option<Reply>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HelloVerb {
    Ehlo,
    Helo,
}

/// One RCPT and its end.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Recipient {
    pub kind: RecipientKind,
    pub mailbox: Mailbox,
    pub outcome: Stage<Reply>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientKind {
    /// One that the domain should take.
    Real,
    Postmaster,
    /// One that does not exist.
    Nonsense,
    /// One at somebody else's domain: the opt-in relay test.
    Relay,
}

impl Greeting {
    /// The name the server gives itself: the first word, if it looks like a host name or an
    /// address literal. RFC 5321 §4.2.
    pub fn name(&self) -> Option<DomainName> {
        let words = self.reply.lines[0].to_string();
        DomainName::parse(words.split(' ').next()?).ok().filter(DomainName::is_host_name)
    }

    /// The greeting, if little but asterisks is left of it: some firewalls keep a few digits.
    pub fn masked(&self) -> Option<&Text> {
        let text = &self.reply.lines[0];
        let blots = text.to_string().matches('*').count();
        (blots >= 8 && blots * 4 >= text.as_bytes().len() * 3).then_some(text)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Session => "session",
            Self::ClassicalHello => "classical hello",
            Self::Clear => "in clear",
            Self::Confirm => "confirm",
            Self::Floor => "TLS floor",
            Self::Injection => "STARTTLS injection",
            Self::OtherCertificate => "other certificate",
            Self::NullSender => "null sender",
            Self::Relay => "relay test",
        })
    }
}

impl Purpose {
    /// Whether the visit asks about TLS alone, so that its answers are the same for every domain.
    pub fn is_about_tls(self) -> bool {
        matches!(self, Self::Floor | Self::Injection | Self::OtherCertificate)
    }

    /// Whether the visit asks what any sender would; the others have a question of their own.
    pub fn is_ordinary(self) -> bool {
        matches!(self, Self::Session | Self::ClassicalHello | Self::Clear | Self::Confirm)
    }
}

impl Observation {
    /// A keyword or a greeting that was blotted out on the way, as firewalls do.
    pub fn masked(&self) -> Option<&Text> {
        let keyword = self.hello.reached().and_then(|hello| hello.capabilities.masked());
        keyword.or_else(|| self.greeting.reached()?.masked())
    }

    /// The refusal of EHLO, where HELO was taken in its place.
    pub fn ehlo_refused(&self) -> Option<&Reply> {
        self.hello.reached()?.ehlo_refused.as_ref()
    }

    /// Every reply of the visit, with the fact it is and the command it answers.
    pub fn replies(&self) -> impl Iterator<Item = (&'static str, &'static str, &Reply)> {
        let hellos = [("hello", &self.hello), ("hello_secured", &self.hello_secured)];
        let hellos = hellos.into_iter().flat_map(|(fact, stage)| {
            let refused = stage.reached().and_then(|hello| hello.ehlo_refused.as_ref());
            let refused = refused.or(stage.declined()).map(|reply| (fact, "EHLO", reply));
            let answer = stage.reached().map(|hello| match hello.verb {
                HelloVerb::Ehlo => (fact, "EHLO", &hello.reply),
                HelloVerb::Helo => (fact, "HELO", &hello.reply),
            });
            refused.into_iter().chain(answer)
        });
        let greeting = self.greeting.reached().map(|greeting| &greeting.reply);
        let greeting = greeting.or(self.greeting.declined()).map(|reply| ("greeting", "", reply));
        let tls = self.starttls_declined().map(|reply| ("tls", "STARTTLS", reply));
        let sender = said(&self.sender).map(|reply| ("sender", "MAIL", reply));
        let recipients = self
            .recipients
            .iter()
            .filter_map(|recipient| Some(("recipients", "RCPT", said(&recipient.outcome)?)));
        let quit = said(&self.quit).map(|reply| ("quit", "QUIT", reply));
        greeting.into_iter().chain(hellos).chain(tls).chain(sender).chain(recipients).chain(quit)
    }

    /// The refusal of STARTTLS, whatever it was said for.
    pub fn starttls_declined(&self) -> Option<&Reply> {
        let asked = self.floor.as_ref().and_then(|exchange| exchange.answer.declined());
        let injection = self.injection.as_ref().and_then(Stage::declined);
        let certificate = self.other_certificate.as_ref().and_then(Stage::declined);
        self.tls.declined().or(asked).or(injection).or(certificate)
    }

    /// Everything that broke off in the visit.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        let stages = [
            self.connect.broke(),
            self.greeting.broke(),
            self.hello.broke(),
            self.tls.broke(),
            self.floor.as_ref().and_then(|exchange| exchange.answer.broke()),
            self.other_certificate.as_ref().and_then(Stage::broke),
            self.injection.as_ref().and_then(Stage::broke),
            self.hello_secured.broke(),
            self.sender.broke(),
            self.quit.broke(),
        ];
        let recipients = self.recipients.iter().filter_map(|recipient| recipient.outcome.broke());
        stages.into_iter().flatten().chain(recipients)
    }

    /// The outcome for the first recipient of `kind`, if one was planned.
    pub fn recipient(&self, kind: RecipientKind) -> Option<&Recipient> {
        self.recipients.iter().find(|recipient| recipient.kind == kind)
    }

    /// The EHLO answer that counts: inside TLS if there, else in clear.
    pub fn best_hello(&self) -> Option<&Hello> {
        self.hello_secured.reached().or(self.hello.reached())
    }
}

/// The answer of a stage that has none but a reply, good or bad.
fn said(stage: &Stage<Reply>) -> Option<&Reply> {
    stage.reached().or(stage.declined())
}
