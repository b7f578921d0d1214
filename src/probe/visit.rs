//! One visit: what it is for, what it will ask, and how it is carried out.
//!
//! A visit is at most one connection and always tries to end with QUIT. Chooses no visit itself:
//! that is the work of `run`.

use std::net::SocketAddr;

use crate::{
    smtp::{HelloName, Mailbox, ReversePath},
    survey::{Purpose, RecipientKind},
    tls::{Hello, Question},
};

/// A visit as planned; nothing is asked that does not stand here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    pub purpose: Purpose,
    pub to: SocketAddr,
    /// The MX name: what SNI asks for and the certificate is compared with.
    pub host: String,
    pub helo: HelloName,
    /// What to do with TLS where it is offered; `None` stays in clear.
    pub starttls: Option<Opening>,
    pub sender: ReversePath,
    /// In the order they are asked; empty: no MAIL either.
    pub recipients: Vec<(RecipientKind, Mailbox)>,
}

/// What follows the 220 to STARTTLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Opening {
    /// One hello, whose answer ends the visit.
    Ask(Box<Question>),
    /// A command in one packet with STARTTLS, then a handshake: is the command carried out inside?
    Inject(Hello),
    /// A handshake for the certificate alone.
    Show(Hello),
    /// A handshake, and the session goes on inside.
    Speak(Hello),
}

impl Opening {
    pub fn question(&self) -> Option<&Question> {
        match self {
            Self::Ask(question) => Some(question),
            Self::Inject(_) | Self::Show(_) | Self::Speak(_) => None,
        }
    }
}
