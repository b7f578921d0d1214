//! Where addresses of one name, or hosts of one preference, do not behave alike.
//!
//! Senders choose among them by chance, so none of them is the reference. Traits nobody saw take
//! no part.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Case, Evidence, Spot, Subject, View,
    attribution::Acceptance,
    net::size_limit,
    starttls::{Encryption, encryption},
    view::Seat,
};
use crate::{
    smtp::{Capabilities, Capability, cause::Cause},
    survey::{Least, RecipientKind, Role, observation::HelloVerb},
};

/// One trait of one address: what it is, what it was, and where that was seen.
struct Trait {
    fact: &'static str,
    value: String,
    evidence: Evidence,
}

/// What was seen of one trait, each value once, in the order of senders.
#[derive(Default)]
struct Values(Vec<(String, Evidence)>);

pub fn addresses_differ(view: &View<'_>) -> Vec<Case> {
    let differing = |seat: Seat<'_>| {
        let values = of_seat(view, seat).into_values();
        differences(Case::about(seat.subject()), values)
    };
    view.seats().filter_map(differing).collect()
}

/// Behind the primary a difference counts only where the primary gives no measure; for the rest,
/// each host that falls below it is reported by itself.
pub fn tier_members_differ(view: &View<'_>) -> Vec<Case> {
    let measured: BTreeSet<&'static str> =
        view.primaries().flat_map(|seat| of_seat(view, seat).into_keys()).collect();
    let mut tiers: BTreeMap<Role, Vec<Seat<'_>>> = BTreeMap::new();
    for seat in view.seats() {
        tiers.entry(seat.role).or_default().push(seat);
    }
    let differing = |(role, seats): (Role, Vec<Seat<'_>>)| {
        let mut all: BTreeMap<&'static str, Values> = BTreeMap::new();
        for (fact, Values(values)) in seats.iter().flat_map(|seat| of_seat(view, *seat)) {
            let counts = role == Role::Primary || !measured.contains(fact);
            // A host that disagrees with itself is reported as such.
            if let ([(value, evidence)], true) = (values.as_slice(), counts) {
                all.entry(fact).or_default().add(value.clone(), evidence.clone());
            }
        }
        let preference = seats.first()?.preference?;
        differences(Case::about(Subject::tier(preference)), all.into_values())
    };
    tiers.into_iter().filter_map(differing).collect()
}

/// A case with the evidence for each value of every trait that has more than one.
fn differences(case: Case, traits: impl Iterator<Item = Values>) -> Option<Case> {
    let several = traits.filter(|values| values.0.len() > 1);
    let mut seen = several.flat_map(|values| values.0).map(|(_, evidence)| evidence).peekable();
    seen.peek()?;
    Some(seen.fold(case, Case::seen))
}

impl Values {
    fn add(&mut self, value: String, evidence: Evidence) {
        if self.0.iter().all(|(known, _)| *known != value) {
            self.0.push((value, evidence));
        }
    }
}

fn of_seat<'a>(view: &View<'a>, seat: Seat<'a>) -> BTreeMap<&'static str, Values> {
    let mut all: BTreeMap<&'static str, Values> = BTreeMap::new();
    for Trait { fact, value, evidence } in seat.spots().flat_map(|spot| traits(view, &spot)) {
        all.entry(fact).or_default().add(value, evidence);
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
    let rest = [
        starttls(view, spot),
        version(spot),
        floor(spot),
        trust(spot),
        extensions(spot),
        size(spot),
    ];
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

fn floor(spot: &Spot<'_>) -> Option<Trait> {
    let oldest = spot.endpoint.oldest_version().filter(Least::is_exact)?;
    let fact = "floor.version";
    let evidence = spot.exchange(oldest.visit, fact, oldest.value, "STARTTLS");
    Some(Trait { fact, value: oldest.value.to_string(), evidence })
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

/// Keywords with rules of their own, and those that no sender of mail has a use for.
const ASIDE: [&str; 8] = ["AUTH", "ETRN", "EXPN", "HELP", "REQUIRETLS", "SIZE", "STARTTLS", "VRFY"];

/// What a server offers that matters to a sender and does not depend on whether TLS stands, sorted.
pub fn keywords(capabilities: &Capabilities) -> Vec<String> {
    let matters = |capability: &&Capability| {
        let word = capability.keyword.as_bytes();
        // Letters, digits and hyphens make a keyword; an X in front makes it the house's own.
        let sound = word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        sound && !word.starts_with(b"X") && !ASIDE.iter().any(|other| other.as_bytes() == word)
    };
    let words = capabilities.iter().filter(matters);
    let mut words: Vec<String> = words.map(|capability| capability.keyword.to_string()).collect();
    words.sort_unstable();
    words.dedup();
    words
}
