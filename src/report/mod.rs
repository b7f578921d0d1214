//! What a run has to say: facts, findings and a verdict, and every form they are printed in.
//!
//! To add a format: a file here with one function from [`Report`] to text, and a word in `cli`.
//! Pure: prints nothing itself.

pub mod coverage;
pub mod verdict;

use serde::Serialize;

pub use coverage::Coverage;
pub use verdict::{Failover, Parity, Verdict};

use crate::{
    rules::{self, Finding},
    survey::Survey,
};

/// The number of the JSON form; fields may be added under one number.
pub const SCHEMA: u32 = 1;

/// A survey, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub schema: u32,
    pub tool: Tool,
    pub domain: String,
    pub began: jiff::Timestamp,
    pub took_ms: u64,
    pub verdict: Verdict,
    pub coverage: Coverage,
    pub findings: Vec<Finding>,
    /// What senders would do; empty until the forecast exists.
    pub forecast: [(); 0],
    pub survey: Survey,
}

/// Which program judged.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

impl Report {
    /// Judges `survey` by today's rules.
    pub fn of(survey: Survey) -> Self {
        let findings = rules::judge(&survey);
        Self {
            schema: SCHEMA,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            domain: survey.domain.to_string(),
            began: survey.began,
            took_ms: survey.took_ms,
            verdict: Verdict::of(&survey, &findings),
            coverage: Coverage::of(&survey),
            findings,
            forecast: [],
            survey,
        }
    }
}
