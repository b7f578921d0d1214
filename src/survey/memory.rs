//! What earlier runs left behind for this one: who deferred us and until when, who wants rest.
//!
//! Facts of the past, kept with the survey because they shaped what was asked. Written to no file
//! here; `monitor` folds surveys into it.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Asked;
use crate::smtp::{Mailbox, ReversePath, cause::Cause};

/// The past of one domain, as this run found it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Memory {
    /// When it was recalled; what is due later is not asked in this run.
    pub at: Timestamp,
    /// In no order that matters, one for each triplet.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    #[serde(default)]
    pub resting: Vec<Resting>,
}

impl Memory {
    /// Whether some address is to be left alone.
    pub fn has_rests(&self) -> bool {
        !self.resting.is_empty()
    }
}

/// One triplet at one address, as greylisting knows it: from where, from whom, to whom.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Contact {
    /// The server's.
    pub address: IpAddr,
    /// Ours, where known.
    #[serde(default)]
    pub source: Option<IpAddr>,
    pub sender: ReversePath,
    pub recipient: Mailbox,
    /// The first run that got an answer.
    pub first: Timestamp,
    /// The last that did.
    pub last: Timestamp,
    pub standing: Standing,
}

/// How a triplet fared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Refused for now, in so many runs on end; to be asked again from `due` on.
    Deferred {
        cause: Cause,
        times: u32,
        due: Timestamp,
    },
    TakenAtOnce,
    /// Deferred first, for this cause, and taken when asked again.
    TakenLater {
        cause: Cause,
    },
}

/// An address that asked us to stop.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Resting {
    pub address: IpAddr,
    /// How often it asked, on end.
    pub times: u32,
    pub until: Timestamp,
}

impl Asked {
    /// The contact that must not be renewed yet at `address`, if there is one; of several the one that
    /// is due last.
    pub fn pending(&self, address: IpAddr) -> Option<(&Contact, Cause, Timestamp)> {
        let memory = self.memory.as_ref()?;
        let waiting = self.contacts(address).filter_map(|contact| match contact.standing {
            Standing::Deferred { cause, due, .. } if due > memory.at => Some((contact, cause, due)),
            _ => None,
        });
        waiting.max_by_key(|(_, _, due)| *due)
    }

    /// Until when `address` is not to be visited, where it asked for that.
    pub fn rests_until(&self, address: IpAddr) -> Option<Timestamp> {
        let memory = self.memory.as_ref()?;
        let resting = memory.resting.iter().find(|resting| resting.address == address)?;
        Some(resting.until).filter(|until| *until > memory.at)
    }

    /// What is known of the triplets of this run at `address`.
    pub fn contacts(&self, address: IpAddr) -> impl Iterator<Item = &Contact> {
        let ours = move |contact: &&Contact| {
            contact.address == address
                && contact.sender == self.sender
                && self.recipients.contains(&contact.recipient)
        };
        self.memory.iter().flat_map(|memory| &memory.contacts).filter(ours)
    }
}
