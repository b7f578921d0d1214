//! Every integration test, in one binary. One module a subject; helpers in `support`.
//!
//! A test belongs here when it goes through a public door of the crate; a test of one file's inside
//! stands in that file. Nothing here leaves loopback, sleeps, or retries.

mod budget;
mod command_line;
mod dialogues;
mod faults;
#[path = "../fuzz"]
mod fuzz {
    pub mod seeds;
    pub mod targets;
}
mod handshakes;
mod hostile;
mod html;
mod layers;
mod monitors;
mod pages;
mod policy_fetch;
mod profiles;
mod readme;
mod replies;
mod resolver;
mod scenarios;
mod schema;
mod settings;
mod several;
mod state;
mod support;
mod validation;
mod wire;
