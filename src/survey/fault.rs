//! What can go wrong between us and a server, and whose fault each can be.
//!
//! A fault is data: it never stops a run. Errors of ours (options, files) are not here.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::smtp::{ReplyFault, Text};

/// A question broke off here, in this way.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Fault {
    pub phase: Phase,
    pub kind: FaultKind,
    /// Time since the phase began.
    pub after_ms: u64,
    /// What had been heard when it broke, bounded.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub heard: Text,
}

/// The part of a visit, in the order of a visit.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Connect,
    Greeting,
    Hello,
    StartTls,
    Handshake,
    HelloSecured,
    Sender,
    Recipient,
    Reset,
    Quit,
}

/// How it broke.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The peer closed the channel in order.
    Closed,
    /// The user interrupted the run.
    Interrupted,
    /// This machine has no address of that family, or no route at all.
    NoRoute,
    /// The reply could not be understood.
    NotSmtp(ReplyFault),
    /// The time for the whole visit was used up.
    OutOfTime,
    /// This machine forbade the connection.
    Forbidden,
    /// The SOCKS proxy failed or would not connect us.
    Proxy(String),
    /// The connection was refused.
    Refused,
    /// The connection was reset.
    Reset,
    /// No answer within the limit.
    TimedOut,
    /// The peer sent a TLS alert, by its number in RFC 8446 §6.
    TlsAlert(u8),
    /// TLS failed otherwise, in the library's words.
    TlsFailed(String),
    /// The peer went on with a TLS version older than any we offered.
    TlsTooOld,
    /// The network said that host or network cannot be reached.
    Unreachable,
    /// An operating system error without a name of its own here.
    Io(String),
}

/// Whose fault something can be.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    Peer,
    Path,
    Us,
}

impl FaultKind {
    /// Whose fault this can be, by itself; comparisons between hosts may tell more.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Closed
            | Self::NotSmtp(_)
            | Self::Refused
            | Self::Reset
            | Self::TlsAlert(_)
            | Self::TlsFailed(_)
            | Self::TlsTooOld => Blame::Peer,
            Self::TimedOut | Self::OutOfTime | Self::Unreachable | Self::Proxy(_) | Self::Io(_) => {
                Blame::Path
            }
            Self::Forbidden | Self::Interrupted | Self::NoRoute => Blame::Us,
        }
    }
}

impl Fault {
    pub fn new(phase: Phase, kind: FaultKind, after: Duration) -> Self {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Self { phase, kind, after_ms, heard: Text::default() }
    }

    pub fn blame(&self) -> Blame {
        self.kind.blame()
    }

    /// Whether it can say anything of the host. What a proxy does says nothing, whatever reason it
    /// gives: it may stand in another network and have rules of its own.
    pub fn may_be_theirs(&self) -> bool {
        self.blame() != Blame::Us && !matches!(self.kind, FaultKind::Proxy(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, kind, after_ms, .. } = self;
        match kind {
            FaultKind::TimedOut => write!(f, "no {phase} within {}", Seconds(*after_ms)),
            FaultKind::OutOfTime => write!(f, "time for the visit used up at {phase}"),
            _ => write!(f, "{kind} at {phase}"),
        }
    }
}

/// Milliseconds, said in seconds.
pub(super) struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenths) = (self.0 / 1000, self.0 % 1000 / 100);
        if tenths == 0 { write!(f, "{whole} s") } else { write!(f, "{whole}.{tenths} s") }
    }
}

/// The alerts with which servers end a handshake. RFC 8446 §6.2.
fn alert(number: u8) -> Option<&'static str> {
    Some(match number {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        47 => "illegal_parameter",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        116 => "certificate_required",
        _ => return None,
    })
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("connection closed"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::NoRoute => f.write_str("no route from here"),
            Self::NotSmtp(fault) => fault.fmt(f),
            Self::OutOfTime => f.write_str("time for the visit used up"),
            Self::Forbidden => f.write_str("forbidden on this machine"),
            Self::Proxy(what) => write!(f, "proxy: {what}"),
            Self::Refused => f.write_str("connection refused"),
            Self::Reset => f.write_str("connection reset"),
            Self::TimedOut => f.write_str("timed out"),
            Self::TlsAlert(number) => match alert(*number) {
                Some(name) => write!(f, "TLS alert {number} ({name})"),
                None => write!(f, "TLS alert {number}"),
            },
            Self::TlsFailed(what) => write!(f, "TLS failed ({what})"),
            Self::TlsTooOld => f.write_str("TLS version older than 1.2"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::Io(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Handshake => "TLS handshake",
            Self::HelloSecured => "EHLO inside TLS",
            Self::Sender => "MAIL",
            Self::Recipient => "RCPT",
            Self::Reset => "RSET",
            Self::Quit => "QUIT",
        })
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Peer => "theirs",
            Self::Path => "the path's",
            Self::Us => "ours",
        })
    }
}
