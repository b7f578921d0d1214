//! A simulated mail world: zones, servers, certificates and faults, for the demo and the tests.
//!
//! Uses documentation addresses and carries them over loopback or memory. Never leaves the machine.

pub mod words;
pub mod world;

pub use world::{World, WorldFault};
