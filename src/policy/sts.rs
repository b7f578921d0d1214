//! The TXT record of MTA-STS: that a domain has a policy, and which edition.
//!
//! What the policy says is in [`super::sts_policy`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{self, Reading, RecordFault};
use crate::smtp::Text;

/// The record at `_mta-sts`. RFC 8461 §3.1.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct StsRecord {
    /// Changes with the policy: 1 to 32 letters and digits.
    pub id: String,
}

/// What the TXT records at `_mta-sts` amount to.
pub fn read(texts: &[Text]) -> Reading<StsRecord> {
    record::read(texts, "v=STSv1", |fields, faults| {
        let Some(id) = record::first(fields, "id") else {
            faults.push(RecordFault::Missing("id".to_owned()));
            return None;
        };
        if !(1..=32).contains(&id.len()) || !id.bytes().all(|c| c.is_ascii_alphanumeric()) {
            faults.push(RecordFault::bad_value("id", id.as_bytes()));
        }
        Some(StsRecord { id: id.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Reading<StsRecord> {
        read(&[text.into()])
    }

    #[test]
    fn a_record_says_its_id() {
        let id = |id: &str| Reading::One(StsRecord { id: id.to_owned() });
        for (text, want) in [
            // The example of RFC 8461 §3.1.
            ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
            ("v=STSv1;id=1", "1"),
            ("v=STSv1 \t; id=1 ;", "1"),
            ("v=STSv1; future=a-b.c; id=1", "1"),
            ("v=STSv1; id=1; id=2", "1"),
        ] {
            assert_eq!(one(text), id(want), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told() {
        let value = |value: &str| RecordFault::bad_value("id", value.as_bytes());
        let syntax = |part: &str| RecordFault::syntax(part.as_bytes());
        let missing = || RecordFault::Missing("id".to_owned());
        let long = "a".repeat(33);
        for (text, want) in [
            ("v=STSv1", vec![missing()]),
            ("v=STSv1;", vec![missing()]),
            ("v=STSv1; ID=1", vec![missing()]),
            ("v=STSv1; id=", vec![syntax("id="), missing()]),
            ("v=STSv1; id=2016-08", vec![value("2016-08")]),
            ("v=STSv1; id=1 2", vec![value("1 2")]),
            (&format!("v=STSv1; id={long}"), vec![value(&long)]),
            ("v=STSv1; id=1;;", vec![syntax("")]),
            ("v=STSv1; id=1; what", vec![syntax("what")]),
            ("v=STSv1; id=1; \u{e9}=1", vec![syntax("\u{e9}=1")]),
            ("id=1; v=STSv1", vec![RecordFault::VersionNotFirst]),
            (" v=STSv1; id=1", vec![RecordFault::VersionNotFirst]),
            ("v = STSv1; id=1", vec![RecordFault::VersionNotFirst]),
            ("v=stsv1; id=1", vec![RecordFault::VersionNotFirst]),
        ] {
            assert_eq!(one(text), Reading::Invalid { text: text.into(), faults: want }, "{text}");
        }
    }

    #[test]
    fn other_records_are_no_record_and_two_are_none() {
        let (ours, other) = (Text::from("v=STSv1; id=1"), Text::from("v=spf1 -all"));
        assert_eq!(read(&[]), Reading::Missing);
        assert_eq!(read(std::slice::from_ref(&other)), Reading::Missing);
        assert_eq!(read(&["v=STSv12; id=1".into()]), Reading::Missing);
        assert_eq!(read(&[other, ours.clone()]).record().unwrap().id, "1");
        assert_eq!(read(&[ours.clone(), ours]), Reading::Several(2));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets: Vec<u8>, rest in "(v=STSv1)?[;= a-z0-9]{0,40}") {
            for text in [octets, rest.into_bytes()] {
                if let Reading::Invalid { faults, .. } = read(&[Text::new(text)]) {
                    prop_assert!((1..=2).contains(&faults.len()));
                }
            }
        }
    }
}
