//! What a run has to say: facts, findings and a verdict, and every form they are printed in.
//!
//! To add a format: a file here with one function from [`Report`] to text, a word in [`Format`] and
//! a line in [`render`]. Pure: prints nothing itself.

pub mod catalogue;
mod circumstances;
pub mod coverage;
pub mod diff;
mod drill;
pub mod examples;
pub mod exit;
pub mod explain;
mod findings;
mod forecast;
mod format;
mod headline;
mod html;
mod ink;
pub mod json;
mod junit;
mod markdown;
mod matrix;
pub mod nagios;
mod page;
pub mod plan;
pub mod profile;
pub mod prometheus;
pub mod promises;
#[cfg(test)]
mod sample;
pub mod schema;
mod standing;
mod summary;
pub mod text;
mod traits;
pub mod transcript;
pub mod verdict;
mod words;

use schemars::JsonSchema;
use serde::Serialize;

pub use coverage::Coverage;
pub use drill::Drill;
pub use exit::Status;
pub use format::{Format, Layout, Plain, render};
pub(crate) use ink::wrap;
pub use json::StoredFault;
pub use profile::Graded;
pub use promises::Promises;
pub use verdict::{Failover, Parity, Verdict};

use crate::{
    forecast::{self as foreseen, Forecast, Supposed},
    rules::{self, Finding, Profile, View},
    survey::Survey,
};

/// The number of the JSON form; fields may be added under one number.
pub const SCHEMA: u32 = 1;

/// A survey, judged.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Report {
    pub schema: u32,
    pub tool: Tool,
    pub domain: String,
    pub began: jiff::Timestamp,
    pub took_ms: u64,
    pub verdict: Verdict,
    pub coverage: Coverage,
    pub findings: Vec<Finding>,
    /// How every host's TLS stands under the guideline that was chosen, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Graded>,
    pub promises: Promises,
    /// What senders would do.
    #[schemars(with = "Vec<foreseen::Line>")]
    pub forecast: Forecast,
    /// How the forecast of an earlier report holds now, where a drill was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    pub survey: Survey,
}

/// Which program judged.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

impl Report {
    /// Judges `survey` by today's rules.
    pub fn of(survey: Survey) -> Self {
        Self::under(survey, None)
    }

    /// The same, with TLS held against a guideline as well.
    pub fn under(survey: Survey, profile: Option<&'static Profile>) -> Self {
        Self::supposing(survey, profile, &[])
    }

    /// The same, with a scenario of the user's own in the forecast.
    pub fn supposing(
        survey: Survey,
        profile: Option<&'static Profile>,
        supposed: &[Supposed],
    ) -> Self {
        let findings = rules::judge_under(&survey, profile);
        let forecast = View::of(&survey).forecast_of(supposed);
        Self {
            schema: SCHEMA,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            domain: survey.domain.to_string(),
            began: survey.began,
            took_ms: survey.took_ms,
            verdict: Verdict::of(&survey, &findings),
            coverage: Coverage::of(&survey),
            findings,
            profile: profile.map(|profile| Graded::of(&survey, profile)),
            promises: Promises::of(&survey),
            forecast,
            drill: None,
            survey,
        }
    }

    /// The same, with the forecast of an earlier survey held against it.
    #[must_use]
    pub fn drilled(self, before: &Survey) -> Self {
        Self { drill: Some(Drill::of(before, &self.survey)), ..self }
    }
}
