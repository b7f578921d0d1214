//! The report as JSON, schema 1, and the way back: the facts of a stored report.
//!
//! The way back takes the survey only; findings are judged anew. Forgives no other schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use crate::survey::Survey;

/// Any of our own values, indented, for people and diffs.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect(SERIALISES);
    text.push('\n');
    text
}

/// Any of our own values in one line, its end included.
pub(super) fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect(SERIALISES);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{
            Report,
            sample::{self, SERVER, answering, silent},
        },
        survey::{DnsFault, FaultKind, MxLookup},
    };

    fn report() -> Report {
        let backup = silent("mx2.even.example", "192.0.2.2", FaultKind::TimedOut);
        let primary = answering("mx1.even.example", "192.0.2.1", SERVER);
        Report::of(sample::survey(vec![(10, vec![primary]), (20, vec![backup])]))
    }

    #[test]
    fn a_stored_report_is_judged_again_to_the_same_report() {
        let fault = DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None };
        for report in [
            report(),
            Report::of(sample::with_mx(MxLookup::Null { preference: 0 })),
            Report::of(sample::with_mx(MxLookup::Failed { fault })),
        ] {
            for text in [pretty(&report), line(&report)] {
                let again = surveys(&text).unwrap().remove(0);
                assert_eq!(again, report.survey);
                assert_eq!(pretty(&Report::of(again)), pretty(&report));
            }
        }
    }

    #[test]
    fn several_reports_stand_one_behind_the_other() {
        let one = report();
        let text = format!("{}{}", line(&one), line(&one));
        assert_eq!(text.lines().count(), 2);
        assert_eq!(surveys(&text).unwrap().len(), 2);
    }

    #[test]
    fn schema_1_has_these_fields() {
        let value: serde_json::Value = serde_json::from_str(&pretty(&report())).unwrap();
        let keys = |at: &str| -> Vec<String> {
            let object = value.pointer(at).and_then(serde_json::Value::as_object);
            object.map(|object| object.keys().cloned().collect()).unwrap_or_default()
        };
        let all =
            ["began", "coverage", "domain", "findings", "forecast", "promises", "schema", "survey"];
        assert_eq!(keys(""), [&all[..], &["took_ms", "tool", "verdict"]].concat());
        assert_eq!(keys("/tool"), ["name", "version"]);
        assert_eq!(keys("/verdict"), ["failover", "parity", "severity"]);
        assert_eq!(keys("/coverage"), ["observed", "planned", "unseen"]);
        assert_eq!(keys("/coverage/unseen/0"), ["address", "blame", "host", "why"]);
        let finding = keys("/findings/0");
        for key in
            ["against", "code", "confidence", "evidence", "rule", "severity", "subject", "waived"]
        {
            assert!(finding.iter().any(|found| found == key), "{key} in {finding:?}");
        }
        assert_eq!(keys("/findings/0/subject"), ["address", "host", "kind", "preference"]);
        assert_eq!(value["survey"]["mx"]["kind"], "published");
        assert_eq!(value["survey"]["mx"]["tiers"][1]["hosts"][0]["name"], "mx2.even.example");
        let observations = "/survey/mx/tiers/0/hosts/0/addresses/0/observations/0";
        assert!(keys(observations).contains(&"connect".to_owned()));
        let line = keys("/forecast/0");
        for key in [
            "address", "attempt", "case", "delay_s", "host", "outcome", "privacy", "scenario",
            "sender", "share", "why",
        ] {
            assert!(line.iter().any(|found| found == key), "{key} in {line:?}");
        }
        let senders: std::collections::BTreeSet<&str> = value["forecast"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["sender"].as_str().unwrap())
            .collect();
        assert_eq!(senders.len(), crate::forecast::MODELS.len());
    }

    #[test]
    fn what_is_no_stored_report_says_what_is_wrong_with_it() {
        for (text, want) in [
            ("", "the file is empty"),
            ("even.example. MX 10 mx1.", "not JSON: expected value at line 1 column 1"),
            ("{\"schema\": 1", "not JSON: EOF while parsing an object at line 1 column 12"),
            (
                "{}",
                "no \"schema\" in it; give a report that `check --format json` or `jsonl` wrote",
            ),
            (
                "{\"schema\": 2}",
                "a report of schema 2, and this version reads schema 1; use the version that wrote it",
            ),
            (
                "{\"schema\": 1,\n \"survey\": {\"domain\": \"-\"}}",
                "its \"survey\" is not as schema 1 has it: each part between dots has 1 to 63 \
                 characters and no hyphen at either end at line 2 column 26",
            ),
            (
                "{\"schema\": 1}",
                "its \"survey\" is not as schema 1 has it: missing field `survey` at line 1 column 13",
            ),
        ] {
            assert_eq!(surveys(text).unwrap_err().to_string(), want, "{text}");
        }
    }
}
