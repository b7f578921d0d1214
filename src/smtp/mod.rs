//! The language of mail: what a client may say, what a server answers, and how both are written down.
//!
//! Pure. Opens no socket, reads no clock, and has no word for message data: see [`Command`].

pub mod address;
pub mod capability;
pub mod cause;
pub mod causes;
pub mod command;
pub mod domain;
pub mod pairs;
pub mod reply;
pub mod text;
pub mod transcript;

pub use address::{Mailbox, ReversePath};
pub use capability::{Capabilities, Capability, SizeLimit};
pub use command::Command;
pub use domain::{DomainName, HelloName};
pub use reply::{Enhanced, Flaw, Reply, ReplyFault, ReplyReader};
pub use text::Text;
pub use transcript::{Speaker, Transcript};
