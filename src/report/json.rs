//! The report as JSON, schema 1, and the way back: the facts of a stored report.
//!
//! The way back takes the survey only; findings are judged anew. Forgives no other schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Report, SCHEMA};
use crate::survey::Survey;

/// For people and diffs.
pub fn pretty(report: &Report) -> String {
    print(report)
}

/// One line, its end included.
pub fn line(report: &Report) -> String {
    let mut text = serde_json::to_string(report).expect(SERIALISES);
    text.push('\n');
    text
}

/// Any of our own values, indented, with a line end.
pub(super) fn print(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect(SERIALISES);
    text.push('\n');
    text
}

/// Printing fails only on maps with keys that are no strings, and our types have none.
const SERIALISES: &str = "our types have string keys only";

/// Why a stored report could not be read.
#[derive(Debug)]
pub enum StoredFault {
    /// Nothing in it.
    Empty,
    /// Not JSON, or JSON that ends too early.
    NotJson(serde_json::Error),
    /// JSON of another kind: no schema number in it.
    NotAReport,
    /// A report of another schema.
    Schema(u64),
    /// A report whose facts are not as schema 1 has them.
    Survey(serde_json::Error),
}

/// The surveys of one or more stored reports, one behind the other as `json` or `jsonl` prints them.
pub fn surveys(text: &str) -> Result<Vec<Survey>, StoredFault> {
    #[derive(Deserialize)]
    struct Stored {
        survey: Survey,
    }

    // The schema number is looked at first: under another one, missing fields mean nothing.
    let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    for value in values {
        let value = value.map_err(StoredFault::NotJson)?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            None => return Err(StoredFault::NotAReport),
            Some(number) if number == u64::from(SCHEMA) => {}
            Some(other) => return Err(StoredFault::Schema(other)),
        }
    }
    // Read a second time, because an error out of a `Value` does not know its line.
    let stored = serde_json::Deserializer::from_str(text).into_iter::<Stored>();
    let surveys: Result<Vec<_>, _> = stored.map(|stored| stored.map(|it| it.survey)).collect();
    match surveys {
        Ok(surveys) if surveys.is_empty() => Err(StoredFault::Empty),
        Ok(surveys) => Ok(surveys),
        Err(error) => Err(StoredFault::Survey(error)),
    }
}

impl std::error::Error for StoredFault {}

impl fmt::Display for StoredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::NotJson(error) => write!(f, "not JSON: {error}"),
            Self::NotAReport => f.write_str(
                "no \"schema\" in it; give a report that `check --format json` or `jsonl` wrote",
            ),
            Self::Schema(other) => write!(
                f,
                "a report of schema {other}, and this version reads schema {SCHEMA}; \
                 use the version that wrote it"
            ),
            Self::Survey(error) => {
                write!(f, "its \"survey\" is not as schema {SCHEMA} has it: {error}")
            }
        }
    }
}
