//! `mxparity` visits every mail exchanger (MX) of a domain the way a sending server would, stops
//! before any message data, and answers three questions:
//!
//! 1. **Failover**: if the primary is down, does mail still arrive?
//! 2. **Parity**: is every backup as safe and as strict as the primary?
//! 3. **Proof**: what could not be seen, and is that their fault, the path's, or ours?
#![forbid(unsafe_code)]

pub mod config;
pub mod fleet;
pub mod probe;
pub mod report;
pub mod rules;
pub mod smtp;
pub mod survey;
pub mod tls;
