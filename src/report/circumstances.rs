//! What a report says of the run itself: who was asked about, from where, how much traffic it was.
//!
//! For every form that people read. Says nothing of the hosts.

use std::fmt::Write as _;

use super::words;
use crate::survey::{Asked, Control, Ending, Presence, Reverse, Survey, Vantage};

/// Each circumstance with its name.
pub fn of(survey: &Survey) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if survey.mx.hosts().next().is_some() {
        all.push(("Asked for", asked(&survey.asked)));
    }
    all.push(("Seen from", vantage(&survey.vantage)));
    all.push(("Visits", visits(survey)));
    all
}

/// Who was asked about, and on whose behalf.
fn asked(asked: &Asked) -> String {
    let mut parts: Vec<String> = asked.recipients.iter().map(ToString::to_string).collect();
    parts.extend(asked.nonsense.iter().map(|mailbox| format!("{mailbox} (made up)")));
    parts.extend(asked.relay.iter().map(|mailbox| format!("{mailbox} (relay test)")));
    if asked.recipients.is_empty() {
        parts = vec!["nobody (--no-rcpt)".to_owned()];
    }
    format!("{}, from {}", parts.join(", "), asked.sender)
}

/// Where we stood.
fn vantage(vantage: &Vantage) -> String {
    // Servers judge a sender by these names; a reader must be able to judge the run by them.
    let mut parts = vec![vantage.helo.to_string()];
    parts.extend(vantage.sources.iter().map(|source| match &source.reverse {
        Reverse::Confirmed(name) => format!("{} ({name})", source.address),
        Reverse::Unconfirmed(_) => format!("{} (reverse name does not point back)", source.address),
        Reverse::Missing => format!("{} (no reverse name)", source.address),
        Reverse::Failed(_) | Reverse::NotAsked => source.address.to_string(),
    }));
    match vantage.ipv6 {
        Presence::Absent => parts.push("no IPv6 here".to_owned()),
        Presence::Present | Presence::Unknown => {}
    }
    if let Some(control) = &vantage.control {
        let state = if Control::answered(control) { "answers" } else { "does not answer" };
        parts.push(format!("control {} {state}", control.host));
    }
    parts.join(", ")
}

/// How much traffic the run was, and when.
fn visits(survey: &Survey) -> String {
    let published = survey.mx.hosts().map(|(_, _, host)| host);
    let endpoints = published.chain(&survey.also).flat_map(|host| &host.addresses);
    let (visits, taken_over): (Vec<_>, Vec<_>) = endpoints
        .flat_map(|endpoint| &endpoint.observations)
        .partition(|visit| visit.made_for.is_none());
    let mut text = format!(
        "{} in {}, {}",
        words::count(visits.len(), "visit", "visits"),
        words::took(survey.took_ms),
        words::moment(survey.began),
    );
    if !taken_over.is_empty() {
        let shared = words::count(taken_over.len(), "visit", "visits");
        let _ = write!(text, "; {shared} made for another domain of this call tell of TLS too");
    }
    if survey.ending == Ending::Interrupted {
        text.push_str("; interrupted, so incomplete");
    }
    text
}
