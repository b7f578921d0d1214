//! A TXT record that there may be one of: which of several strings it is, and its fields.
//!
//! The common part of MTA-STS, TLS-RPT and DMARC records. Knows no field by name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::smtp::Text;

/// Longest part of a record that a fault quotes.
const MOST_QUOTED: usize = 80;

/// Longest record that is kept as it was; a TXT record can have 64 kB.
pub const MOST_KEPT: usize = 2048;

/// What the TXT records of a name amount to, as a record of one kind.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// There are none of this kind.
    Missing,
    One(T),
    /// This many where one may be: for senders, there is none.
    Several(usize),
    /// One, that does not hold; what is wrong with it is never empty.
    Invalid {
        text: Text,
        faults: Vec<RecordFault>,
    },
}

/// What is wrong with a record.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFault {
    /// The version does not come first, word for word: senders do not see the record at all.
    VersionNotFirst,
    /// A field that has to be there is not.
    Missing(String),
    /// A field whose value is not one that it can have.
    BadValue { field: String, value: Text },
    /// Something that is neither a field nor a term.
    Syntax(Text),
}

impl<T> Reading<T> {
    pub fn record(&self) -> Option<&T> {
        match self {
            Self::One(record) => Some(record),
            Self::Missing | Self::Several(_) | Self::Invalid { .. } => None,
        }
    }

    /// From a record that was read and what is wrong with it.
    pub(super) fn of(text: &[u8], record: Option<T>, faults: Vec<RecordFault>) -> Self {
        match record {
            Some(record) if faults.is_empty() => Self::One(record),
            _ => Self::Invalid { text: Text::bounded(text, MOST_KEPT), faults },
        }
    }
}

impl RecordFault {
    pub(super) fn bad_value(field: &str, value: &[u8]) -> Self {
        Self::BadValue { field: field.to_owned(), value: Text::bounded(value, MOST_QUOTED) }
    }

    pub(super) fn syntax(part: &[u8]) -> Self {
        Self::Syntax(Text::bounded(part, MOST_QUOTED))
    }
}

/// Reads the one record that begins with `version`, such as `v=STSv1`. Others are none of ours
/// (RFC 8461 §3.1, RFC 8460 §3, RFC 7489 §6.6.3), except that a record which has the version in
/// another place or case is told as the fault that it is.
pub(super) fn read<T>(
    texts: &[Text],
    version: &str,
    parse: impl Fn(&[(&str, &str)], &mut Vec<RecordFault>) -> Option<T>,
) -> Reading<T> {
    let all = || texts.iter().map(Text::as_bytes);
    let mut ours = all().filter(|text| begins(text, version));
    let Some(text) = ours.next() else {
        return match all().find(|text| mentions(text, version)) {
            Some(text) => Reading::of(text, None, vec![RecordFault::VersionNotFirst]),
            None => Reading::Missing,
        };
    };
    let others = ours.count();
    if others > 0 {
        return Reading::Several(others + 1);
    }
    let mut faults = Vec::new();
    let fields = fields(text, &mut faults);
    let record = parse(&fields, &mut faults);
    Reading::of(text, record, faults)
}

/// The first value of a field: those that follow do not count (RFC 8461 §3.2).
pub(super) fn first<'a>(fields: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Whether the version stands first, by itself.
fn begins(text: &[u8], version: &str) -> bool {
    let rest = text.strip_prefix(version.as_bytes());
    rest.is_some_and(|rest| matches!(rest.trim_ascii_start(), [] | [b';', ..]))
}

fn mentions(text: &[u8], version: &str) -> bool {
    let spaceless = |part: &[u8]| {
        let part: Vec<u8> = part.iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
        part.eq_ignore_ascii_case(version.as_bytes())
    };
    text.split(|c| *c == b';').any(spaceless)
}

/// The fields behind the version. A delimiter at the end is allowed, an empty field is not.
fn fields<'a>(text: &'a [u8], faults: &mut Vec<RecordFault>) -> Vec<(&'a str, &'a str)> {
    let mut parts: Vec<_> = text.split(|c| *c == b';').skip(1).map(<[u8]>::trim_ascii).collect();
    if parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let field = |part: &'a [u8]| {
        let (name, value) = std::str::from_utf8(part).ok()?.split_once('=')?;
        let (name, value) = (name.trim_ascii_end(), value.trim_ascii_start());
        let printable = value.bytes().all(|c| (b' '..=b'~').contains(&c));
        (is_name(name) && !value.is_empty() && printable).then_some((name, value))
    };
    let mut fields = Vec::new();
    for part in parts {
        match field(part) {
            Some(field) => fields.push(field),
            // One is enough to know that the record does not hold.
            None if faults.is_empty() => faults.push(RecordFault::syntax(part)),
            None => {}
        }
    }
    fields
}

/// RFC 8461 §3.1: 1 to 32 letters, digits, and inside hyphen, underscore or dot.
pub(super) fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c))
}

impl std::error::Error for RecordFault {}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VersionNotFirst => f.write_str("it does not begin with its version"),
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::BadValue { field, value } => write!(f, "{field} cannot be \"{value}\""),
            Self::Syntax(part) => write!(f, "\"{part}\" is not understood"),
        }
    }
}
