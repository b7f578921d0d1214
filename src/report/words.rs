//! Facts in a few words, for places where there is room for a few only.
//!
//! Plain English for people; what programs read keeps the words of `survey` and `rules`.

use super::{Failover, Parity};
use crate::{
    rules::view::Seat,
    smtp::cause::{Cause, Confidence},
    survey::Blame,
    tls::TrustFlaw,
};

/// A moment to the minute.
pub fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%F %R UTC").to_string()
}

impl Failover {
    pub const ALL: [Self; 5] =
        [Self::Works, Self::Fragile, Self::Broken, Self::None, Self::Unproven];
}

impl Parity {
    pub const ALL: [Self; 4] = [Self::Even, Self::Uneven, Self::Alone, Self::Unproven];
}

/// As in JSON.
pub fn failover(failover: Failover) -> &'static str {
    match failover {
        Failover::Works => "works",
        Failover::Fragile => "fragile",
        Failover::Broken => "broken",
        Failover::None => "none",
        Failover::Unproven => "unproven",
    }
}

/// As in JSON.
pub fn parity(parity: Parity) -> &'static str {
    match parity {
        Parity::Even => "even",
        Parity::Uneven => "uneven",
        Parity::Alone => "alone",
        Parity::Unproven => "unproven",
    }
}

/// What a refusal is about.
pub fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Ambiguous => "no clear reason",
        Cause::ByDesignDefer => "defers by design",
        Cause::ClosedToPublic => "closed to the public",
        Cause::DomainNotServed => "domain not served",
        Cause::Greylist => "greylisting",
        Cause::HostTemporary => "trouble of its own",
        Cause::MailboxFull => "mailbox full",
        Cause::NetworkFamily => "our address family",
        Cause::NullSender => "null sender",
        Cause::OneRecipient => "one recipient a session",
        Cause::Prober => "about this prober",
        Cause::Rate => "rate limit",
        Cause::RecipientUnverified => "recipient not verified",
        Cause::Smtputf8 => "wants SMTPUTF8",
        Cause::TakesNoMail => "takes no mail",
        Cause::TlsPolicy => "wants TLS first",
        Cause::TlsUnavailable => "TLS not available now",
        Cause::UserUnknown => "user unknown",
    }
}

/// Why a refusal leaves open what the host does with other people's mail.
pub fn why_unproven(cause: Cause) -> &'static str {
    match cause {
        Cause::Ambiguous => "it refuses without a reason we know",
        Cause::Greylist => "it makes strangers wait (greylisting)",
        Cause::HostTemporary => "it has trouble of its own now",
        Cause::NetworkFamily => "it dislikes our address family",
        Cause::Prober => "it refuses this prober",
        Cause::Rate => "it limits our rate",
        other => self::cause(other),
    }
}

/// A reason for distrust, without the names that stand in the finding.
pub fn flaw(flaw: &TrustFlaw) -> String {
    match flaw {
        TrustFlaw::Expired { .. } | TrustFlaw::NotYetValid { .. } => flaw.to_string(),
        TrustFlaw::Other { reason } => reason.clone(),
        _ => kind_of_flaw(flaw).to_owned(),
    }
}

/// The same without its dates: what two hosts can have in common.
pub fn kind_of_flaw(flaw: &TrustFlaw) -> &'static str {
    match flaw {
        TrustFlaw::Expired { .. } => "expired",
        TrustFlaw::MissingIntermediate { .. } => "intermediate not sent",
        TrustFlaw::NotYetValid { .. } => "not yet valid",
        TrustFlaw::Other { .. } => "not trusted",
        TrustFlaw::SelfSigned => "self-signed",
        TrustFlaw::UnknownIssuer { .. } => "unknown issuer",
        TrustFlaw::WrongName { .. } => "wrong name",
    }
}

/// A size in decimal units, cut and never rounded up: a limit must not look larger than it is.
pub fn octets(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} octets"),
        1_000..1_000_000 => format!("{} kB", octets / 1_000),
        _ => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
    }
}

/// A span of time that a person would wait for.
pub fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// `1 address`, `2 addresses`.
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// `, lines 3 to 5 and 9`; nothing for no line.
pub fn lines(numbers: &[u32]) -> String {
    // EHLO replies are cited line by line; as a run they fit where they are read.
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let said: Vec<String> = runs
        .iter()
        .map(
            |(first, last)| {
                if first == last { format!("{first}") } else { format!("{first}–{last}") }
            },
        )
        .collect();
    match numbers.len() {
        0 => String::new(),
        1 => format!(", line {}", said[0]),
        _ => format!(", lines {}", said.join(", ")),
    }
}

/// Whose fault it is.
pub fn blame(blame: Blame) -> &'static str {
    match blame {
        Blame::Path => "the path",
        Blame::Peer => "theirs",
        Blame::Us => "ours",
    }
}

/// Preference and role of a host of the MX set: `10 primary`.
pub fn seat(seat: &Seat<'_>) -> String {
    match seat.preference {
        Some(preference) => format!("{preference} {}", seat.role),
        None => "no MX record".to_owned(),
    }
}

/// How sure a finding is.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}
