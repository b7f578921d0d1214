//! Where addresses of one name, or hosts of one preference, do not behave alike.
//!
//! Senders choose among them by chance, so none of them is the reference. Traits nobody saw take
//! no part.

use std::collections::BTreeMap;

use super::{
    Case, Evidence, Spot, Subject, View,
    attribution::Acceptance,
    net::size_limit,
    starttls::{Encryption, encryption},
    view::Seat,
};
use crate::{
    smtp::{Capabilities, Capability, cause::Cause},
    survey::{RecipientKind, Role, observation::HelloVerb},
};

/// One trait of one address: what it is, what it was, and where that was seen.
struct Trait {
    fact: &'static str,
    value: String,
    evidence: Evidence,
}

/// What was seen of one trait, each value once, by value.
type Values = BTreeMap<String, Evidence>;

pub fn addresses_differ(view: &View<'_>) -> Vec<Case> {
    let differing = |seat: Seat<'_>| {
        let values = of_seat(view, seat).into_iter().flat_map(|(_, values)| several(values));
        differences(Case::about(seat.subject()), values.flatten())
    };
    view.seats().filter_map(differing).collect()
}

pub fn tier_members_differ(view: &View<'_>) -> Vec<Case> {
    let mut tiers: BTreeMap<Role, Vec<Seat<'_>>> = BTreeMap::new();
    for seat in view.seats() {
        tiers.entry(seat.role).or_default().push(seat);
    }
    let differing = |seats: Vec<Seat<'_>>| {
        let mut all: BTreeMap<&'static str, Values> = BTreeMap::new();
        for (fact, values) in seats.iter().flat_map(|seat| of_seat(view, *seat)) {
            // A host that disagrees with itself is reported as such.
            if values.len() == 1 {
                for (value, evidence) in values {
                    all.entry(fact).or_default().entry(value).or_insert(evidence);
                }
            }
        }
        let preference = seats.first()?.preference?;
        let values = all.into_values().filter_map(several);
        differences(Case::about(Subject::tier(preference)), values.flatten())
    };
    tiers.into_values().filter_map(differing).collect()
}

fn differences(case: Case, seen: impl Iterator<Item = Evidence>) -> Option<Case> {
    let mut seen = seen.peekable();
    seen.peek()?;
    Some(seen.fold(case, Case::seen))
}

/// The evidence for each value where there is more than one.
fn several(values: Values) -> Option<Vec<Evidence>> {
    (values.len() > 1).then(|| values.into_values().collect())
}

fn of_seat<'a>(view: &View<'a>, seat: Seat<'a>) -> BTreeMap<&'static str, Values> {
    let mut all: BTreeMap<&'static str, Values> = BTreeMap::new();
    for Trait { fact, value, evidence } in seat.spots().flat_map(|spot| traits(view, &spot)) {
        all.entry(fact).or_default().entry(value).or_insert(evidence);
    }
    all
}

fn traits<'a>(view: &View<'a>, spot: &Spot<'a>) -> Vec<Trait> {
    let acceptance = [
        ("recipients.real", RecipientKind::Real),
        ("recipients.nonsense", RecipientKind::Nonsense),
    ];
    let acceptance =
        acceptance.into_iter().filter_map(|(fact, kind)| taken(view, spot, fact, kind));
    let rest = [starttls(view, spot), version(spot), trust(spot), extensions(spot), size(spot)];
    acceptance.chain(rest.into_iter().flatten()).collect()
}

fn taken<'a>(
    view: &View<'a>,
    spot: &Spot<'a>,
    fact: &'static str,
    kind: RecipientKind,
) -> Option<Trait> {
    let answer = view.acceptance(spot, kind);
    let final_no = |cause: Cause| cause.refuses_domain() || cause == Cause::UserUnknown;
    let value = match answer.acceptance {
        Acceptance::Accepted => "taken",
        Acceptance::Refused(_) if answer.refused_for_good(final_no) => "refused",
        Acceptance::Refused(_) | Acceptance::Unseen => return None,
    };
    Some(Trait { fact, value: value.to_owned(), evidence: answer.evidence(spot, fact)? })
}

fn starttls<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<Trait> {
    let value = match encryption(view, spot)? {
        Encryption::Always => "encrypted",
        Encryption::Never => "in clear",
        Encryption::Sometimes => return None,
    };
    let (visit, _) = spot.endpoint.hello()?;
    let fact = "starttls";
    let evidence = spot.exchange(visit, fact, value, "EHLO");
    Some(Trait { fact, value: value.to_owned(), evidence })
}

fn version(spot: &Spot<'_>) -> Option<Trait> {
    let (visit, handshake) = spot.endpoint.handshake()?;
    let fact = "tls.version";
    let evidence = spot.exchange(visit, fact, handshake.version, "STARTTLS");
    Some(Trait { fact, value: handshake.version.to_string(), evidence })
}

fn trust(spot: &Spot<'_>) -> Option<Trait> {
    let (visit, handshake) = spot.endpoint.handshake()?;
    let fact = "tls.trust";
    let value = if handshake.is_verified() { "verified" } else { "not verified" };
    let flaws: Vec<String> = handshake.trust.iter().map(ToString::to_string).collect();
    let saw = if flaws.is_empty() { value.to_owned() } else { flaws.join(", ") };
    let evidence = spot.exchange(visit, fact, saw, "STARTTLS");
    Some(Trait { fact, value: value.to_owned(), evidence })
}

fn extensions(spot: &Spot<'_>) -> Option<Trait> {
    let (visit, hello) = spot.endpoint.best_hello()?;
    if hello.verb != HelloVerb::Ehlo {
        return None;
    }
    let fact = "extensions";
    let value = keywords(&hello.capabilities).join(" ");
    let evidence = spot.exchange(visit, fact, &value, "EHLO");
    Some(Trait { fact, value, evidence })
}

fn size(spot: &Spot<'_>) -> Option<Trait> {
    let (visit, hello) = spot.endpoint.best_hello()?;
    let value = size_limit(&hello.capabilities)?.to_string();
    let fact = "extensions.size";
    let evidence = spot.exchange(visit, fact, &value, "EHLO");
    Some(Trait { fact, value, evidence })
}

/// What a server offers that matters to a sender and does not depend on whether TLS stands, sorted.
pub fn keywords(capabilities: &Capabilities) -> Vec<String> {
    let matters = |capability: &&Capability| {
        let word = capability.keyword.as_bytes();
        let house = word.starts_with(b"X");
        let known: [&[u8]; 5] = [b"AUTH", b"HELP", b"REQUIRETLS", b"SIZE", b"STARTTLS"];
        !house && !known.contains(&word)
    };
    let words = capabilities.iter().filter(matters);
    let mut words: Vec<String> = words.map(|capability| capability.keyword.to_string()).collect();
    words.sort_unstable();
    words.dedup();
    words
}
