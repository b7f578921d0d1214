//! How the question for a domain's MTA-STS policy ended, at the web host of RFC 8461 §3.3.
//!
//! Plain facts: the policy stands here as the bytes that came. Reads none of them.

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Blame, DnsFault, FaultKind, fault::Seconds};
use crate::{smtp::Text, tls::TrustFlaw};

/// One attempt to get a policy over HTTPS.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyFetch {
    pub url: String,
    /// Addresses that could not be connected to, in the order they were tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// The one that could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    pub took_ms: u64,
    pub outcome: Fetched,
}

/// An address with no connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Missed {
    pub address: IpAddr,
    pub kind: FaultKind,
}

/// How it ended.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetched {
    /// Status 200, and all of the body.
    Policy(PolicyFile),
    Failed(FetchFault),
}

/// What the policy host served.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyFile {
    /// The value of Content-Type, bounded; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Text>,
    /// As it came; bounded by the fetch.
    pub body: Text,
}

/// Why no policy came.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchFault {
    /// The name of the policy host does not exist.
    NoSuchName,
    /// The name exists, without an address.
    NoAddress,
    LookupFailed(DnsFault),
    /// None of its addresses may be visited; of several this is the first that may not for a reason of
    /// ours, if any.
    NotAllowed {
        address: IpAddr,
        access: Access,
    },
    /// The network, the peer or the user ended it in this phase; of several addresses with no
    /// connection, the one that says most of the host.
    Broke {
        phase: FetchPhase,
        kind: FaultKind,
        /// Since the beginning of the fetch.
        after_ms: u64,
    },
    /// TLS stands, but the certificate is not valid for the policy host: nothing was asked then.
    /// Never empty.
    Certificate(Vec<TrustFlaw>),
    /// The answer is not HTTP, in the library's words.
    NotHttp(String),
    /// A redirection, which senders must not follow. RFC 8461 §3.3.
    Redirect {
        status: u16,
        /// Where to, bounded.
        location: Option<Text>,
    },
    /// Any other status than 200.
    Status(u16),
    /// The body is larger than this, in octets.
    TooLarge(usize),
}

/// The part of a fetch, in order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchPhase {
    LookUp,
    Connect,
    Handshake,
    Response,
    Body,
}

impl PolicyFetch {
    /// Why there is no policy, if there is none.
    pub fn fault(&self) -> Option<&FetchFault> {
        match &self.outcome {
            Fetched::Policy(_) => None,
            Fetched::Failed(fault) => Some(fault),
        }
    }
}

impl PolicyFile {
    /// Whether it was served as what it is. Senders should look, and ignore all parameters.
    /// RFC 8461 §3.2.
    pub fn is_plain_text(&self) -> bool {
        let value = self.media_type.as_ref().map_or(&b""[..], Text::as_bytes);
        let bare = value.split(|octet| *octet == b';').next().unwrap_or_default();
        bare.trim_ascii().eq_ignore_ascii_case(b"text/plain")
    }
}

impl FetchFault {
    /// Whose fault this can be, by itself.
    pub fn blame(&self) -> Blame {
        match self {
            Self::LookupFailed(fault) => fault.blame(),
            Self::NotAllowed { access, .. } => {
                access.barred().map_or(Blame::Us, |(_, blame)| blame)
            }
            // Many networks let port 443 out through a proxy alone: a connection that is refused may
            // never have left ours.
            Self::Broke { phase: FetchPhase::Connect, kind, .. } => kind.blame().max(Blame::Path),
            Self::Broke { kind, .. } => kind.blame(),
            Self::NoSuchName
            | Self::NoAddress
            | Self::Certificate(_)
            | Self::NotHttp(_)
            | Self::Redirect { .. }
            | Self::Status(_)
            | Self::TooLarge(_) => Blame::Peer,
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName => f.write_str("the name does not exist"),
            Self::NoAddress => f.write_str("the name has no address"),
            Self::LookupFailed(fault) => write!(f, "look-up failed: {fault}"),
            Self::NotAllowed { address, access } => match access.barred() {
                Some((why, _)) => write!(f, "{address} not visited: {why}"),
                None => write!(f, "{address} not visited"),
            },
            Self::Broke { phase, kind: FaultKind::TimedOut, after_ms } => {
                write!(f, "no {phase} within {}", Seconds(*after_ms))
            }
            Self::Broke { phase, kind, .. } => write!(f, "{kind} at {phase}"),
            Self::Certificate(flaws) => {
                f.write_str("certificate not valid for the policy host")?;
                for (at, flaw) in flaws.iter().enumerate() {
                    write!(f, "{}{flaw}", if at == 0 { ": " } else { ", " })?;
                }
                Ok(())
            }
            Self::NotHttp(words) => write!(f, "the answer is not HTTP ({words})"),
            Self::Redirect { status, location: Some(location) } => {
                write!(f, "status {status}, a redirection to {location}, which no sender follows")
            }
            Self::Redirect { status, location: None } => {
                write!(f, "status {status}, a redirection to nowhere")
            }
            Self::Status(status) => write!(f, "status {status} in place of 200"),
            Self::TooLarge(limit) => write!(f, "a policy of more than {} KiB", limit / 1024),
        }
    }
}

impl fmt::Display for FetchPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LookUp => "look-up",
            Self::Connect => "connect",
            Self::Handshake => "TLS handshake",
            Self::Response => "HTTP response",
            Self::Body => "HTTP body",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_told_by_type_and_subtype_alone() {
        for (value, want) in [
            ("text/plain", true),
            ("Text/PLAIN ; charset=utf-8", true),
            ("text/plain;", true),
            ("text/plainer", false),
            ("text/html; a=text/plain", false),
            ("", false),
        ] {
            let media_type = Some(Text::from(value));
            let file = PolicyFile { media_type, body: Text::default() };
            assert_eq!(file.is_plain_text(), want, "{value}");
        }
        assert!(!PolicyFile { media_type: None, body: Text::default() }.is_plain_text());
    }

    #[test]
    fn every_fault_says_what_happened_and_whose_it_can_be() {
        use FetchPhase::{Body, Connect, Handshake, LookUp, Response};
        let broke = |phase, kind, after_ms| FetchFault::Broke { phase, kind, after_ms };
        let barred = |access| FetchFault::NotAllowed { address: [10, 0, 0, 1].into(), access };
        let private = Access::SpecialPurpose("Private-Use".to_owned());
        let redirect = |location: Option<&str>| FetchFault::Redirect {
            status: 301,
            location: location.map(Text::from),
        };
        let flaws = vec![TrustFlaw::SelfSigned, TrustFlaw::Other { reason: "odd".to_owned() }];
        for (fault, want, blame) in [
            (FetchFault::NoSuchName, "the name does not exist", Blame::Peer),
            (FetchFault::NoAddress, "the name has no address", Blame::Peer),
            (
                FetchFault::LookupFailed(DnsFault::TimedOut),
                "look-up failed: no answer in time",
                Blame::Path,
            ),
            (
                barred(private),
                "10.0.0.1 not visited: not a public address (Private-Use)",
                Blame::Peer,
            ),
            (barred(Access::Own), "10.0.0.1 not visited: an address of this machine", Blame::Us),
            (broke(LookUp, FaultKind::TimedOut, 20_000), "no look-up within 20 s", Blame::Path),
            (broke(Connect, FaultKind::Refused, 0), "connection refused at connect", Blame::Path),
            (broke(Connect, FaultKind::NoRoute, 0), "no route from here at connect", Blame::Us),
            (
                broke(Handshake, FaultKind::TlsAlert(112), 0),
                "TLS alert 112 (unrecognized_name) at TLS handshake",
                Blame::Peer,
            ),
            (
                broke(Response, FaultKind::TimedOut, 4500),
                "no HTTP response within 4.5 s",
                Blame::Path,
            ),
            (broke(Body, FaultKind::Closed, 0), "connection closed at HTTP body", Blame::Peer),
            (
                FetchFault::Certificate(flaws),
                "certificate not valid for the policy host: self-signed, odd",
                Blame::Peer,
            ),
            (FetchFault::NotHttp("odd".to_owned()), "the answer is not HTTP (odd)", Blame::Peer),
            (
                redirect(Some("https://\x1b/")),
                "status 301, a redirection to https://\\x1b/, which no sender follows",
                Blame::Peer,
            ),
            (redirect(None), "status 301, a redirection to nowhere", Blame::Peer),
            (FetchFault::Status(404), "status 404 in place of 200", Blame::Peer),
            (FetchFault::TooLarge(65_536), "a policy of more than 64 KiB", Blame::Peer),
        ] {
            assert_eq!((fault.to_string().as_str(), fault.blame()), (want, blame));
        }
    }
}
