//! Where we stand: what a server sees of the prober, and whether our own line is sound.
//!
//! Facts about us. A poor vantage is never a finding about anybody's mail host.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fault, Reverse, Stage, observation::Connected};
use crate::smtp::HelloName;

/// The prober, as far as it could be told.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Vantage {
    /// Version of this program.
    pub version: String,
    /// What EHLO says.
    pub helo: HelloName,
    /// Whether the EHLO name resolves to an address we connect from.
    pub helo_resolves: Presence,
    /// Our source addresses as the machine sees them, with their reverse names.
    pub sources: Vec<SourceAddress>,
    /// Whether the domain of our sender address takes mail (bounces, callouts).
    pub sender_domain: Presence,
    pub ipv6: Presence,
    /// The known-good host that proves our port 25, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// Whether port 25 is open here, as far as the hosts of all domains of the run tell.
    #[serde(default = "Presence::unknown", skip_serializing_if = "Presence::is_unknown")]
    pub port25: Presence,
}

/// One address we connect from.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SourceAddress {
    pub address: IpAddr,
    pub reverse: Reverse,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Present,
    Absent,
    /// Not looked at, or the look failed.
    Unknown,
}

impl Presence {
    /// For facts that older reports do not have.
    fn unknown() -> Self {
        Self::Unknown
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// What the control host did.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Control {
    pub host: String,
    pub tried: Vec<(SocketAddr, Stage<Connected>)>,
    /// Set where the name could not be resolved or barred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Control {
    /// Whether port 25 is proven open from here.
    pub fn answered(&self) -> bool {
        self.tried.iter().any(|(_, stage)| stage.reached().is_some())
    }
}
