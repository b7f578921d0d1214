//! `mxparity` visits every mail exchanger (MX) of a domain the way a sending server would, stops
//! before any message data, and answers three questions:
//!
//! 1. **Failover**: if the primary is down, does mail still arrive?
//! 2. **Parity**: is every backup as safe and as strict as the primary?
//! 3. **Proof**: what could not be seen, and is that their fault, the path's, or ours?
//!
//! # The way of a run
//!
//! 1. [`cli`] turns words into options and puts the rooms together (`cli/check.rs`).
//! 2. [`probe::resolve`] asks DNS for exchangers, addresses and reverse names.
//! 3. [`probe::run`] visits tier after tier; [`probe::plan`] says which visits an address gets.
//!    [`probe::promises`] looks up beside the visits what the domain promises; `probe::validate` says how
//!    far DNSSEC vouches for it.
//! 4. [`probe::dialogue`] is the conversation of one visit as a value; [`probe::drive`] moves its
//!    bytes; [`probe::handshake`] completes TLS whatever the certificate is worth.
//! 5. The facts come back as a [`survey::Survey`], plain data that can be stored.
//! 6. `rules/landscape.rs` draws the hosts as senders meet them, and [`forecast::Forecast`] says what each
//!    sender would do, today and when something fails.
//! 7. [`rules::judge`] goes through the [`rules::CATALOGUE`]; [`report::Report`] adds verdict and
//!    coverage and is printed in one of the forms of [`report`].
//!
//! # Where to add something
//!
//! - **A rule**: a row in `rules/catalogue.rs`, a check in the file of its area (`rules/mx.rs`,
//!   `net.rs`, `rcpt.rs`, `tls.rs`, `cert.rs`, `dane.rs`, `sts.rs`, `zone.rs`, `fail.rs`,
//!   `us.rs`, `expected.rs`), and `rules/pages/NAME.md`.
//!   The page's example worlds are executed by `tests/suite/pages.rs`.
//! - **A sender**: a table in `forecast/models.rs`, named in its list.
//! - **A TLS guideline**: a file in `rules/profiles/`, and its name in `rules/profile.rs`.
//! - **A reply pattern**: a row in `smtp/causes.rs`, with the reply that it must recognise.
//! - **A report format**: a file in `report/` with one function from [`report::Report`] (or several of
//!   them) to text, a word in [`report::Format`], and a line in [`report::render`].
//! - **Something on the HTML page**: a field in `report/html/section.rs`, and its place in the templates
//!   beside it, which escape whatever they print.
//! - **A demo**: a world file in `fleet/worlds/`, and a row in `fleet/demo.rs`.
//!
//! # Rooms, and who may know whom
//!
//! | room | what it holds |
//! |---|---|
//! | [`smtp`] | the language of mail: replies, commands, capabilities, transcripts, causes (pure) |
//! | [`tls`] | the language of TLS: versions, handshakes, certificates as facts (pure) |
//! | [`policy`] | the promises: DANE, MTA-STS, TLS-RPT; parse and match (pure) |
//! | [`survey`] | the facts of a run (plain data) |
//! | [`probe`] | the only room that touches network or clock |
//! | [`rules`] | judgement: catalogue, checks by area, pages (pure) |
//! | [`forecast`] | what senders would do: models, scenarios, one simulator (pure) |
//! | [`report`] | a judged survey and its forms, one file each (pure) |
//! | [`monitor`] | what runs leave behind for those that follow (a fold over surveys) |
//! | [`fleet`] | a simulated mail world for the demo and the tests |
//! | [`cli`] | words to options, outcomes to exit codes |
//! | [`config`] | every default and its reason |
//!
//! A test reads this table and holds every file to it:
//!
//! ```text
//! cli      -> everything
//! monitor  -> rules, survey, smtp
//! report   -> rules, forecast, survey, policy, tls, smtp
//! rules    -> forecast, survey, policy, tls, smtp
//! forecast -> smtp
//! probe    -> survey, policy, tls, smtp, config
//! fleet    -> probe, survey, policy, tls, smtp, config
//! config   -> survey, smtp
//! survey   -> policy, tls, smtp
//! policy   -> smtp
//! tls      -> smtp
//! smtp     -> nothing of ours
//! ```
//!
//! # What is absent
//!
//! - [`smtp::Command`] has no DATA, BDAT, AUTH or ETRN: message data cannot be sent.
//! - `probe` and `rules` do not know each other; facts and judgement meet in [`survey`] only.
//! - The pure rooms have no `async`, no `tokio`, no clock and no printing.
//! - Only `probe/dial.rs` connects to a mail or policy host; only `probe/handshake.rs` accepts an unverified
//!   certificate, and it records that it did.
//! - Only `cli` writes to standard output; only `main.rs` ends the process, or a
//!   second Ctrl-C in `cli/check.rs`.
//!
//! # Example
//!
//! ```
//! use mxparity::{rules::Rule, smtp::ReplyReader};
//!
//! let mut reader = ReplyReader::default();
//! let reply = reader.push(b"550 5.7.1 Relay access denied\r\n").unwrap().unwrap();
//! assert_eq!(reply.enhanced.unwrap().to_string(), "5.7.1");
//!
//! assert_eq!(Rule::find("implicit-mx").unwrap().code, "MX18");
//! ```
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod fleet;
pub mod forecast;
pub mod monitor;
pub mod policy;
pub mod probe;
pub mod report;
pub mod rules;
pub mod smtp;
pub mod survey;
pub mod tls;
