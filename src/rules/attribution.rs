//! What each address does with each kind of recipient, and how sure that is: the reply's own
//! words first, then what other recipients and other hosts were told.
//!
//! A refusal that is about the prober never becomes one about the host.

use super::{Spot, View};
use crate::{
    smtp::{
        Reply,
        cause::{Cause, Confidence},
    },
    survey::{Observation, RecipientKind},
};

/// What became of one kind of recipient at one address.
pub struct Attribution<'a> {
    pub acceptance: Acceptance,
    pub confidence: Confidence,
    /// The visit and the reply it rests on; `None` when no reply was seen.
    pub seen: Option<(&'a Observation, &'a Reply)>,
}

/// The outcome, as far as it is about the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Acceptance {
    Accepted,
    /// Refused or deferred, for this cause.
    Refused(Cause),
    /// Nothing answered, or the question was not put.
    Unseen,
}

impl<'a> View<'a> {
    /// What `spot` does with recipients of `kind`.
    pub fn acceptance(&self, spot: &Spot<'a>, kind: RecipientKind) -> Attribution<'a> {
        let Some((visit, reply)) = spot.endpoint.recipient_reply(kind) else {
            return Attribution {
                acceptance: Acceptance::Unseen,
                confidence: Confidence::Low,
                seen: None,
            };
        };
        let (acceptance, confidence) = if reply.is_positive() {
            (Acceptance::Accepted, Confidence::High)
        } else {
            (Acceptance::Refused(Cause::Ambiguous), Confidence::Low)
        };
        Attribution { acceptance, confidence, seen: Some((visit, reply)) }
    }
}
