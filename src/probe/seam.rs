//! Where the outside world comes in: three small traits, so that everything behind them can run on
//! a built-in fleet as well as on the internet.
//!
//! Implemented over sockets by `dns`, `dial` and `vantage`, over a world file by `fleet`. Decides
//! nothing.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    policy::TlsaRecord,
    survey::{DnsFault, FaultKind, Security},
};

/// A future behind a trait object.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks DNS one question.
pub trait Resolver: Send + Sync {
    /// `name` is in A-label form, without trailing dot.
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer>;

    /// Asks the same question so that DNSSEC can vouch for the answer; takes longer.
    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven>;

    /// Asks one of the servers that a zone names, which answers for its own zones alone.
    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer>;
}

/// The record types we ask for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecordKind {
    A,
    Aaaa,
    Mx,
    Ns,
    Ptr,
    Soa,
    Tlsa,
    Txt,
}

/// How a question to DNS ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// All records of the answer section, CNAMEs on the way included.
    Records(Vec<Record>),
    /// The name exists, without records of that kind; CNAMEs on the way are kept.
    NoData(Vec<Record>),
    /// NXDOMAIN; CNAMEs on the way are kept.
    NoSuchName(Vec<Record>),
    Failed(DnsFault),
}

/// An answer, and how far DNSSEC vouches for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proven {
    /// The records of a bogus answer are kept where there are any.
    pub answer: Answer,
    /// For all of it: aliases on the way, and that there is nothing where there is nothing.
    pub security: Security,
    /// Names on the way whose own records are secure, whatever they lead to.
    pub secure: Vec<String>,
}

/// One record of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The owner, lower case, without trailing dot.
    pub owner: String,
    pub data: RecordData,
}

impl From<DnsFault> for Answer {
    fn from(fault: DnsFault) -> Self {
        Self::Failed(fault)
    }
}

impl From<DnsFault> for Proven {
    fn from(fault: DnsFault) -> Self {
        Self { security: Security::unanswered(&fault), answer: fault.into(), secure: Vec::new() }
    }
}

/// What a record says. Names are lower case without trailing dot; the root is `.`; bytes that no
/// host name has are left as the DNS library prints them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecordData {
    Address(IpAddr),
    Alias(String),
    Exchange {
        preference: u16,
        exchange: String,
    },
    NameServer(String),
    Pointer(String),
    Tlsa(TlsaRecord),
    /// Its strings in one. RFC 7208 §3.3 and the like.
    Txt(Vec<u8>),
    /// Of a kind whose content nobody needs, such as SOA.
    Other,
}

/// What only the machine we run on can tell about us.
pub trait Machine: Send + Sync {
    /// The address that connections towards `to` come from; `None` where there is no way to it, or
    /// where a proxy stands between.
    fn source(&self, to: IpAddr) -> Option<IpAddr>;

    /// Whether `address` is one of the machine's own.
    fn owns(&self, address: IpAddr) -> bool;

    /// The name the machine gives itself, qualified or not.
    fn name(&self) -> Option<String>;
}

/// Opens connections to mail and policy hosts.
pub trait Dialer: Send + Sync {
    /// Takes as long as it takes; the caller sets the limit.
    fn dial(&self, to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>>;

    /// Whether another machine connects for us, so that its silence says nothing of the host.
    fn is_proxied(&self) -> bool {
        false
    }
}

/// A connection that stands.
pub struct Channel {
    pub stream: Box<dyn Stream>,
    /// Our end, where known.
    pub local: Option<SocketAddr>,
}

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
