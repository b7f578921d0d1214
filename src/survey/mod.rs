//! The facts of one run: what DNS said, what every address did, where we stood and what we asked.
//!
//! Plain data that goes to JSON and comes back whole. Holds no opinion: `rules` and `forecast` do.

pub mod asked;
pub mod fault;
pub mod fetched;
pub mod floor;
pub mod host;
pub mod memory;
pub mod mx;
pub mod observation;
pub mod plan;
pub mod promise;
pub mod reading;
pub mod stage;
pub mod taken;
pub mod vantage;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use asked::{Asked, Depth, Expected, Families};
pub use fault::{Blame, Fault, FaultKind, Phase};
pub use fetched::{FetchFault, FetchPhase, Fetched, Missed, PolicyFetch, PolicyFile};
pub use floor::{Exchange, Least, SecondTry};
pub use host::{Access, AddressAnswer, Endpoint, Host, Reverse};
pub use memory::Memory;
pub use mx::{DnsFault, MxLookup, MxRecord, MxSet, Role, Source, Tier};
pub use observation::{Connected, Injected, Observation, Purpose, Recipient, RecipientKind};
pub use plan::{Plan, PlannedCommand, PlannedVisit, Times};
pub use promise::{
    NameServer, NameServers, OwnAnswer, Policies, Published, Security, Sts, TlsaLookup,
};
pub use stage::{Stage, Why};
pub use taken::{Hearing, Taken};
pub use vantage::{Control, Presence, Vantage};

use crate::smtp::DomainName;

/// Everything one run found out about one domain.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Survey {
    pub domain: DomainName,
    pub began: Timestamp,
    pub took_ms: u64,
    pub ending: Ending,
    pub vantage: Vantage,
    pub asked: Asked,
    pub mx: MxLookup,
    /// Hosts outside the MX set that were asked whether they still take the mail (`--also`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Host>,
    #[serde(default)]
    pub policies: Policies,
}

/// Whether the run came to its own end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Complete,
    /// Stopped by the user; what was seen until then stands.
    Interrupted,
}
