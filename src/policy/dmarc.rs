//! The DMARC record of a domain, as syntax: is there one, and does it hold?
//!
//! Background to the report. Evaluates nothing and looks up no report address.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{self, Reading, RecordFault};
use crate::smtp::Text;

/// The record at `_dmarc`. RFC 7489 §6.3.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DmarcRecord {
    /// `p`: what receivers are to do with mail that fails.
    pub policy: Request,
    /// `sp`: the same for names below the domain, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdomains: Option<Request>,
    /// `rua`: where summaries go, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rua: Vec<Text>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    None,
    Quarantine,
    Reject,
}

type Shape = fn(&str) -> bool;

/// What the values of the other tags look like; unknown tags are ignored. RFC 7489 §6.3, §6.4.
const SHAPES: &[(&str, Shape)] = &[
    ("adkim", is_alignment),
    ("aspf", is_alignment),
    ("fo", |value| value.split(':').all(|word| ["0", "1", "d", "s"].contains(&word.trim()))),
    ("pct", |value| value.len() <= 3 && value.parse().is_ok_and(|percent: u8| percent <= 100)),
    ("ri", |value| value.parse::<u32>().is_ok()),
    ("rua", are_uris),
    ("ruf", are_uris),
];

/// What the TXT records at `_dmarc` amount to.
pub fn read(texts: &[Text]) -> Reading<DmarcRecord> {
    record::read(texts, "v=DMARC1", |fields, faults| {
        let mut request = |tag: &str| {
            let value = record::first(fields, tag)?;
            let request = Request::named(value);
            if request.is_none() {
                faults.push(RecordFault::bad_value(tag, value.as_bytes()));
            }
            request
        };
        let (policy, subdomains) = (request("p"), request("sp"));
        if record::first(fields, "p").is_none() {
            faults.push(RecordFault::Missing("p".to_owned()));
        }
        for (tag, shaped) in SHAPES {
            if let Some(value) = record::first(fields, tag).filter(|value| !shaped(value)) {
                faults.push(RecordFault::bad_value(tag, value.as_bytes()));
            }
        }
        let places = record::first(fields, "rua").into_iter().flat_map(|value| value.split(','));
        let rua = places.map(|place| Text::from(place.trim())).collect();
        Some(DmarcRecord { policy: policy?, subdomains, rua })
    })
}

impl Request {
    fn named(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "quarantine" => Some(Self::Quarantine),
            "reject" => Some(Self::Reject),
            _ => None,
        }
    }
}

fn is_alignment(value: &str) -> bool {
    ["r", "s"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn are_uris(value: &str) -> bool {
    value.split(',').map(str::trim).all(|uri| {
        uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
                && !rest.is_empty()
                && rest.bytes().all(|c| c.is_ascii_graphic())
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_says_what_it_requests() {
        for (text, policy, subdomains, rua) in [
            ("v=DMARC1; p=none", Request::None, None, &[][..]),
            ("v=DMARC1;p=Reject;", Request::Reject, None, &[]),
            (
                "v=DMARC1; p=quarantine; sp=none; adkim=s; aspf=R; pct=100; fo=1:d; ri=86400; \
                 rua=mailto:a@example.com!10m, mailto:b@example.com; np=reject",
                Request::Quarantine,
                Some(Request::None),
                &["mailto:a@example.com!10m", "mailto:b@example.com"],
            ),
        ] {
            let rua = rua.iter().map(|place| Text::from(*place)).collect();
            let want = Reading::One(DmarcRecord { policy, subdomains, rua });
            assert_eq!(read(&[text.into()]), want, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told() {
        let value = |field, value: &str| RecordFault::bad_value(field, value.as_bytes());
        for (text, want) in [
            ("v=DMARC1", vec![RecordFault::Missing("p".to_owned())]),
            ("v=DMARC1; p=deny", vec![value("p", "deny")]),
            ("v=DMARC1; p=none; sp=all", vec![value("sp", "all")]),
            ("v=DMARC1; p=none; pct=101", vec![value("pct", "101")]),
            ("v=DMARC1; p=none; adkim=x; fo=2", vec![value("adkim", "x"), value("fo", "2")]),
            ("v=DMARC1; p=none; rua=a@example.com", vec![value("rua", "a@example.com")]),
            ("v=DMARC1; p=none; reject", vec![RecordFault::syntax(b"reject")]),
            ("p=none; v=DMARC1", vec![RecordFault::VersionNotFirst]),
        ] {
            let want = Reading::Invalid { text: text.into(), faults: want };
            assert_eq!(read(&[text.into()]), want, "{text}");
        }
        let text = Text::from("v=DMARC1; p=none");
        assert_eq!(read(&[text.clone(), text]), Reading::Several(2));
        assert_eq!(read(&[]), Reading::Missing);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets: Vec<u8>, tags in ".{0,60}") {
            let _ = read(&[Text::new(octets)]);
            if let Reading::Invalid { faults, .. } = read(&[format!("v=DMARC1;{tags}").as_str().into()]) {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
