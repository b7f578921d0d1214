//! What an address was seen to do over all its visits: the answers that count.
//!
//! Chooses between visits, never between good and bad.

use std::cmp::Reverse;

use super::{
    Endpoint, Fault, Host, Observation, RecipientKind, Stage,
    observation::{Greeting, Hello, HelloVerb},
};
use crate::{
    smtp::{Reply, Text, cause},
    tls::Handshake,
};

/// Whether an address offers STARTTLS, over all visits that asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offer<'a> {
    /// Every visit that got an EHLO answer saw it.
    Always,
    /// Some did, some did not.
    Sometimes,
    /// No visit saw it, and this many asked.
    Never { visits: usize },
    /// No visit saw it, and a keyword or the greeting was blotted out on the way.
    Masked(&'a Text),
    /// No visit got as far as an EHLO answer; HELO has none to show.
    Unknown,
}

/// Whether STARTTLS is on offer, over the visits of one address.
pub fn offer(visits: &[Observation]) -> Offer<'_> {
    let heard = || visits.iter().filter(|visit| visit.hello.reached().is_some());
    let hellos = || heard().filter_map(|visit| visit.hello.reached());
    let asked = hellos().filter(|hello| hello.verb == HelloVerb::Ehlo).count();
    let offers = hellos().filter(|hello| hello.capabilities.has("STARTTLS")).count();
    // A blot beside STARTTLS hides something else.
    let mask = heard().find_map(Observation::masked);
    if let Some(mask) = mask.filter(|_| offers == 0) {
        return Offer::Masked(mask);
    }
    match (asked, offers) {
        (0, _) => Offer::Unknown,
        (visits, 0) => Offer::Never { visits },
        (visits, offers) if visits == offers => Offer::Always,
        _ => Offer::Sometimes,
    }
}

/// Whether the server asked us to go away: a 421, or a reply about our rate.
pub fn stopped(visits: &[Observation]) -> bool {
    visits.iter().any(|visit| {
        // An answer to QUIT asks for nothing that is not done already; one in place of RSET does.
        let early = visit.replies().filter(|(fact, ..)| *fact != "quit").map(|(_, _, reply)| reply);
        early.chain(visit.quit.declined()).any(cause::asks_to_stop)
    })
}

impl Endpoint {
    /// Visits whose connection stood.
    pub fn connected(&self) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(|visit| visit.connect.reached().is_some())
    }

    /// Whether any connection stood; `None` when none was tried.
    pub fn answers(&self) -> Option<bool> {
        let mut tried =
            self.observations.iter().filter(|visit| visit.connect.was_tried()).peekable();
        tried.peek()?;
        Some(tried.any(|visit| visit.connect.reached().is_some()))
    }

    /// The first fault that kept us from connecting, if nothing ever connected.
    pub fn connect_fault(&self) -> Option<&Fault> {
        if self.connected().next().is_some() {
            return None;
        }
        self.observations.iter().find_map(|visit| visit.connect.broke())
    }

    /// The first greeting.
    pub fn greeting(&self) -> Option<(&Observation, &Greeting)> {
        self.observations.iter().find_map(|visit| Some((visit, visit.greeting.reached()?)))
    }

    /// The first answer to EHLO or HELO in clear.
    pub fn hello(&self) -> Option<(&Observation, &Hello)> {
        self.observations.iter().find_map(|visit| Some((visit, visit.hello.reached()?)))
    }

    /// The EHLO answer that senders act on: inside TLS where a visit got there, and of several the
    /// richest, because a guard withholds extensions from clients it has yet to test.
    pub fn best_hello(&self) -> Option<(&Observation, &Hello)> {
        let richest = |stage: fn(&Observation) -> &Stage<Hello>| {
            let visits = self.observations.iter();
            let answers = visits.filter_map(|visit| Some((visit, stage(visit).reached()?)));
            // Of equals the first.
            answers.min_by_key(|(_, hello)| Reverse(hello.capabilities.iter().count()))
        };
        richest(|visit| &visit.hello_secured).or_else(|| richest(|visit| &visit.hello))
    }

    /// The first finished handshake.
    pub fn handshake(&self) -> Option<(&Observation, &Handshake)> {
        self.observations.iter().find_map(|visit| Some((visit, visit.tls.reached()?)))
    }

    /// Every certificate that was shown in a finished handshake: the first one, and the one of the other
    /// algorithm where there is one; each with the fact it is.
    pub fn certificates(&self) -> impl Iterator<Item = (&Observation, &'static str, &Handshake)> {
        let first = self.handshake().map(|(visit, handshake)| (visit, "tls", handshake));
        let others = self.observations.iter().filter_map(|visit| {
            let other = visit.other_certificate.as_ref()?.reached()?;
            Some((visit, "other_certificate", other))
        });
        first.into_iter().chain(others)
    }

    /// Whether STARTTLS is on offer.
    pub fn starttls(&self) -> Offer<'_> {
        offer(&self.observations)
    }

    /// Every outcome for recipients of `kind`, with the visit it came from, in order.
    pub fn recipients(
        &self,
        kind: RecipientKind,
    ) -> impl Iterator<Item = (&Observation, &super::Recipient)> {
        self.observations.iter().flat_map(move |visit| {
            let of_kind = visit.recipients.iter().filter(move |recipient| recipient.kind == kind);
            of_kind.map(move |recipient| (visit, recipient))
        })
    }

    /// The first reply of any kind, good or bad, to a recipient of `kind`.
    pub fn recipient_reply(&self, kind: RecipientKind) -> Option<(&Observation, &Reply)> {
        self.recipients(kind).find_map(|(visit, recipient)| match &recipient.outcome {
            Stage::Reached(reply) | Stage::Declined(reply) => Some((visit, reply)),
            Stage::Broke(_) | Stage::NotTried(_) => None,
        })
    }
}

impl Host {
    /// Whether any address answers; `None` when none was tried.
    pub fn answers(&self) -> Option<bool> {
        self.addresses.iter().filter_map(Endpoint::answers).reduce(|one, other| one || other)
    }
}
