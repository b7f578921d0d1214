//! The TXT record of TLS-RPT: where senders report what failed.
//!
//! Whether anybody reads the reports is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{self, Reading, RecordFault};
use crate::smtp::Text;

/// The record at `_smtp._tls`. RFC 8460 §3.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RptRecord {
    /// `mailto:` and `https:` addresses, as written; never empty.
    pub rua: Vec<Text>,
}

/// What the TXT records at `_smtp._tls` amount to.
pub fn read(texts: &[Text]) -> Reading<RptRecord> {
    record::read(texts, "v=TLSRPTv1", |fields, faults| {
        // The grammar allows the field more than once.
        let values = fields.iter().filter(|(name, _)| *name == "rua").map(|(_, value)| value);
        let places: Vec<_> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        if places.is_empty() {
            faults.push(RecordFault::Missing("rua".to_owned()));
            return None;
        }
        // One is enough to know that the record does not hold.
        if let Some(bad) = places.iter().find(|place| !takes_reports(place)) {
            faults.push(RecordFault::bad_value("rua", bad.as_bytes()));
        }
        Some(RptRecord { rua: places.into_iter().map(Text::from).collect() })
    })
}

/// Whether it is an address of one of the two kinds. Commas, semicolons and exclamation marks would
/// be percent-encoded, white space as well.
fn takes_reports(place: &str) -> bool {
    let Some((scheme, rest)) = place.split_once(':') else { return false };
    let shaped = match scheme.to_ascii_lowercase().as_str() {
        "mailto" => rest.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        }),
        "https" => {
            rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        }
        _ => false,
    };
    shaped && place.bytes().all(|c| c.is_ascii_graphic() && !b"!\"<>\\^`{|}".contains(&c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Reading<RptRecord> {
        read(&[text.into()])
    }

    #[test]
    fn a_record_says_where_reports_go() {
        let (mail, web) = ("mailto:reports@example.com", "https://reporting.example.com/v1/tlsrpt");
        for (text, want) in [
            // The two examples of RFC 8460.
            (format!("v=TLSRPTv1;rua={mail}"), vec![mail]),
            (format!("v=TLSRPTv1; rua={web}"), vec![web]),
            (format!("v=TLSRPTv1; rua={mail} , {web} ;"), vec![mail, web]),
            (format!("v=TLSRPTv1; rua={mail}; rua={web}"), vec![mail, web]),
            (format!("v=TLSRPTv1; next=1; rua={mail}"), vec![mail]),
        ] {
            let rua = want.into_iter().map(Text::from).collect();
            assert_eq!(one(&text), Reading::One(RptRecord { rua }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told() {
        let value = |value: &str| RecordFault::bad_value("rua", value.as_bytes());
        for (text, want) in [
            ("v=TLSRPTv1", RecordFault::Missing("rua".to_owned())),
            ("v=TLSRPTv1; ruf=mailto:a@example.com", RecordFault::Missing("rua".to_owned())),
            ("v=TLSRPTv1; rua=a@example.com", value("a@example.com")),
            ("v=TLSRPTv1; rua=mailto:a@example.com,", value("")),
            ("v=TLSRPTv1; rua=mailto:example.com", value("mailto:example.com")),
            ("v=TLSRPTv1; rua=mailto:a b@example.com", value("mailto:a b@example.com")),
            ("v=TLSRPTv1; rua=http://example.com/", value("http://example.com/")),
            ("v=TLSRPTv1; rua=https:///tlsrpt", value("https:///tlsrpt")),
            ("rua=mailto:a@example.com; v=TLSRPTv1", RecordFault::VersionNotFirst),
            ("v=TLSRPTV1; rua=mailto:a@example.com", RecordFault::VersionNotFirst),
        ] {
            let want = Reading::Invalid { text: text.into(), faults: vec![want] };
            assert_eq!(one(text), want, "{text}");
        }
    }

    #[test]
    fn two_records_are_none() {
        let text = Text::from("v=TLSRPTv1; rua=mailto:a@example.com");
        assert_eq!(read(&[text.clone(), text]), Reading::Several(2));
        assert_eq!(one("v=spf1 -all"), Reading::Missing);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets: Vec<u8>, rua in ".{0,40}") {
            let _ = read(&[Text::new(octets)]);
            let text = format!("v=TLSRPTv1; rua={rua}");
            if let Reading::One(record) = one(&text) {
                prop_assert!(!record.rua.is_empty());
            }
        }
    }
}
