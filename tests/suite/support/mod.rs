//! What the integration tests share.

pub mod authority;
pub mod golden;
pub mod play;
pub mod script;
