//! How a question put to a server ended, so that "no" and "never asked" cannot be confused.
//!
//! Carries no severity.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fault;
use crate::smtp::Reply;

/// One question, answered, refused, broken off, or never put.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage<T> {
    Reached(T),
    Declined(Reply),
    Broke(Fault),
    NotTried(Why),
}

/// Why a question was not put.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// An earlier question of the same visit was refused or broke.
    EarlierFailed,
    /// Two recipients were refused already; a third would look like harvesting.
    EnoughRefusals,
    /// The user switched it off, or nothing called for it.
    NotAsked,
    /// The server does not offer it.
    NotOffered,
    /// The purpose of the visit did not include it.
    NotThisVisit,
    /// The server asked us to stop (421, or a rate reply).
    Stopped,
    /// The user interrupted the run.
    Interrupted,
}

impl<T> Stage<T> {
    /// What was reached.
    pub fn reached(&self) -> Option<&T> {
        match self {
            Self::Reached(value) => Some(value),
            _ => None,
        }
    }

    /// The refusal.
    pub fn declined(&self) -> Option<&Reply> {
        match self {
            Self::Declined(reply) => Some(reply),
            _ => None,
        }
    }

    /// What broke it off.
    pub fn broke(&self) -> Option<&Fault> {
        match self {
            Self::Broke(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether the question was put at all.
    pub fn was_tried(&self) -> bool {
        !matches!(self, Self::NotTried(_))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EarlierFailed => "an earlier step failed",
            Self::EnoughRefusals => "two recipients were refused already",
            Self::NotAsked => "not asked",
            Self::NotOffered => "not offered",
            Self::NotThisVisit => "not part of this visit",
            Self::Stopped => "the server asked to stop",
            Self::Interrupted => "interrupted",
        })
    }
}
