//! Repetition over time: what runs leave behind for those that follow.
//!
//! Folds surveys, and is told the time. Writes no file and visits nobody.

pub mod state;

pub use state::State;
