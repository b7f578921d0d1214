//! What the integration tests share.

pub mod authority;
pub mod empty_dns;
pub mod golden;
pub mod host;
pub mod play;
pub mod script;
