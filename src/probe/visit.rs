//! One visit: what it is for, what it will ask, and how it is carried out.
//!
//! A visit is at most one connection and always tries to end with QUIT. Chooses no visit itself:
//! that is the work of `run`.

use std::net::SocketAddr;

use crate::{
    smtp::{HelloName, Mailbox, ReversePath},
    survey::{Purpose, RecipientKind},
    tls::Hello,
};

/// A visit as planned; nothing is asked that does not stand here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    pub purpose: Purpose,
    pub to: SocketAddr,
    /// The MX name: what SNI asks for and the certificate is compared with.
    pub host: String,
    pub helo: HelloName,
    /// How to open TLS where it is offered; `None` stays in clear.
    pub starttls: Option<Hello>,
    pub sender: ReversePath,
    /// In the order they are asked; empty: no MAIL either.
    pub recipients: Vec<(RecipientKind, Mailbox)>,
}
