//! The only room that touches the network or a clock: it resolves, dials, speaks and writes down.
//!
//! Collects facts and judges none; knows nothing of `rules` or `report`.

pub mod anchors;
mod diagnosis;
pub mod dial;
pub mod dialogue;
pub mod dns;
pub mod drive;
mod exchange;
pub mod fetch;
pub mod floor;
pub mod handshake;
pub mod lookup;
pub mod machine;
mod memo;
mod message;
mod notes;
mod patience;
pub mod plan;
pub mod promises;
pub mod resolve;
pub mod run;
pub mod seam;
mod second_hand;
pub mod special;
#[cfg(test)]
mod stand_in;
pub mod trust;
mod validate;
pub mod vantage;
pub mod visit;

pub use dial::{Proxy, TcpDialer};
pub use dns::{NameServers, NoResolver};
pub use drive::{Clock, Means, carry_out};
pub use machine::ThisMachine;
pub use run::{Event, Probe};
pub use seam::{
    Answer, Channel, Dialer, Machine, Proven, Record, RecordData, RecordKind, Resolver, Stream,
};
pub use trust::Trust;
pub use visit::{Opening, Visit};
