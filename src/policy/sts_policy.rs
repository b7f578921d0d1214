//! The policy file of MTA-STS: what it demands, everything in it that is not as it should be, and
//! which hosts it names.
//!
//! Bounded by [`MOST_OCTETS`]. Fetches nothing, and keeps no policy from one run to the next.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    pattern::{NotAPattern, Pattern},
    record::is_name,
};
use crate::smtp::Text;

/// RFC 8461 §3.3 suggests this as the most that a sender reads.
pub const MOST_OCTETS: usize = 64 * 1024;

/// The longest life a policy may claim, in seconds. RFC 8461 §3.2.
pub const LONGEST_LIFE: u64 = 31_557_600;

/// Deviations past this many are left out, unless they spoil the policy.
const MOST_DEVIATIONS: usize = 50;

/// Longest part of a line that a deviation quotes.
const MOST_QUOTED: usize = 80;

/// A policy that senders can use. Prints as the file that says it. RFC 8461 §3.2.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct StsPolicy {
    pub mode: Mode,
    /// How long senders keep it, in seconds, as written; see [`LONGEST_LIFE`].
    pub max_age: u64,
    /// Empty only in mode `none`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mx: Vec<Pattern>,
}

/// What senders do where a host fails. RFC 8461 §5.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They pass the host over.
    Enforce,
    /// They deliver, and report it.
    Testing,
    /// There is no policy any more.
    None,
}

/// What a file is worth as a policy.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyReading {
    /// `None` where a deviation spoils it: for senders, there is no policy.
    pub policy: Option<StsPolicy>,
    /// In the order of the file, what is missing last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
}

/// Something in the file that is not as in the examples.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Deviation {
    /// From 1; `None` where it is about the file as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    pub kind: DeviationKind,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    Empty,
    /// More than [`MOST_OCTETS`]; it has this many.
    TooLong(usize),
    /// A web page instead of a policy.
    Html,
    BlankLine,
    /// Neither a key with a value nor blank.
    NotAField(Text),
    /// White space before a key, or between it and its colon.
    StraySpace,
    UnknownKey(String),
    /// The first one counts.
    DuplicateKey(String),
    VersionNotFirst,
    BadVersion(Text),
    BadMode(Text),
    /// Not 1 to 10 digits.
    BadMaxAge(Text),
    /// More than [`LONGEST_LIFE`].
    MaxAgeTooLong(u64),
    BadPattern(Text),
    /// A required key is not there.
    MissingKey(String),
    /// No pattern, in a mode that needs one.
    NoMx,
}

/// What a deviation does to the policy.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// RFC 8461 allows it.
    Allowed,
    /// Against the grammar: some senders refuse the policy, others pass it over.
    SomeRefuse,
    /// No sender can use the policy.
    Unusable,
}

impl DeviationKind {
    pub fn effect(&self) -> Effect {
        match self {
            Self::UnknownKey(_) | Self::DuplicateKey(_) | Self::VersionNotFirst => Effect::Allowed,
            Self::BlankLine
            | Self::NotAField(_)
            | Self::StraySpace
            | Self::MaxAgeTooLong(_)
            | Self::BadPattern(_) => Effect::SomeRefuse,
            Self::Empty
            | Self::TooLong(_)
            | Self::Html
            | Self::BadVersion(_)
            | Self::BadMode(_)
            | Self::BadMaxAge(_)
            | Self::MissingKey(_)
            | Self::NoMx => Effect::Unusable,
        }
    }
}

impl PolicyReading {
    /// The worst that was found; `None` where everything is as it should be.
    pub fn effect(&self) -> Option<Effect> {
        self.deviations.iter().map(|deviation| deviation.kind.effect()).max()
    }
}

impl StsPolicy {
    /// Its patterns in a row, `most` of them by name: a hostile policy has thousands.
    pub fn patterns(&self, most: usize) -> String {
        let shown: Vec<String> = self.mx.iter().take(most).map(ToString::to_string).collect();
        match self.mx.len() - shown.len() {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// The pattern that names a host. An address literal or a name that is none has no pattern.
    pub fn pattern_for(&self, host: &str) -> Option<&Pattern> {
        self.mx.iter().find(|pattern| pattern.matches(host))
    }
}

/// What the octets of a policy file are worth.
pub fn read(file: &[u8]) -> PolicyReading {
    let mut reader = Reader::default();
    if file.trim_ascii().is_empty() {
        reader.note(None, DeviationKind::Empty);
    } else if file.len() > MOST_OCTETS {
        reader.note(None, DeviationKind::TooLong(file.len()));
    } else if file.trim_ascii_start().starts_with(b"<") {
        reader.note(None, DeviationKind::Html);
    } else {
        // Lines end in LF or CRLF, the last one or not. RFC 8461 §3.2.
        let body = file.strip_suffix(b"\n").unwrap_or(file);
        for (index, line) in body.split(|c| *c == b'\n').enumerate() {
            reader.line(index + 1, line.strip_suffix(b"\r").unwrap_or(line));
        }
        reader.missing();
    }
    let Reader { mode, max_age, mx, deviations, spoiled, .. } = reader;
    let policy = match (mode, max_age) {
        (Some(mode), Some(max_age)) if !spoiled => Some(StsPolicy { mode, max_age, mx }),
        _ => None,
    };
    PolicyReading { policy, deviations }
}

#[derive(Default)]
struct Reader {
    /// The keys that had a line, those that may come again left out.
    seen: Vec<&'static str>,
    fields: usize,
    mode: Option<Mode>,
    max_age: Option<u64>,
    mx: Vec<Pattern>,
    deviations: Vec<Deviation>,
    spoiled: bool,
}

impl Reader {
    fn note(&mut self, line: Option<usize>, kind: DeviationKind) {
        let spoils = kind.effect() == Effect::Unusable;
        self.spoiled |= spoils;
        if spoils || self.deviations.len() < MOST_DEVIATIONS {
            self.deviations.push(Deviation { line, kind });
        }
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        let at = Some(number);
        if line.trim_ascii().is_empty() {
            return self.note(at, DeviationKind::BlankLine);
        }
        let field = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'));
        let sound = |(key, value): &(&str, &str)| {
            is_name(key.trim_ascii()) && !value.trim_ascii().contains(char::is_control)
        };
        let Some((key, value)) = field.filter(sound) else {
            return self.note(at, DeviationKind::NotAField(quoted(line)));
        };
        if key.trim_ascii() != key {
            self.note(at, DeviationKind::StraySpace);
        }
        self.fields += 1;
        self.field(at, key.trim_ascii(), value.trim_ascii());
    }

    fn field(&mut self, at: Option<usize>, key: &str, value: &str) {
        let text = || quoted(value.as_bytes());
        let Some(known) = ["version", "mode", "max_age", "mx"].iter().find(|known| **known == key)
        else {
            return self.note(at, DeviationKind::UnknownKey(key.to_owned()));
        };
        if *known == "mx" {
            return match value.parse() {
                Ok(pattern) => self.mx.push(pattern),
                Err(NotAPattern) => self.note(at, DeviationKind::BadPattern(text())),
            };
        }
        if self.seen.contains(known) {
            return self.note(at, DeviationKind::DuplicateKey(key.to_owned()));
        }
        self.seen.push(known);
        match *known {
            "version" if value != "STSv1" => self.note(at, DeviationKind::BadVersion(text())),
            "version" if self.fields > 1 => self.note(at, DeviationKind::VersionNotFirst),
            "mode" => match Mode::named(value) {
                Some(mode) => self.mode = Some(mode),
                None => self.note(at, DeviationKind::BadMode(text())),
            },
            "max_age" => match seconds(value) {
                Some(age) => {
                    self.max_age = Some(age);
                    if age > LONGEST_LIFE {
                        self.note(at, DeviationKind::MaxAgeTooLong(age));
                    }
                }
                None => self.note(at, DeviationKind::BadMaxAge(text())),
            },
            _ => {}
        }
    }

    fn missing(&mut self) {
        for key in ["version", "mode", "max_age"] {
            if !self.seen.contains(&key) {
                self.note(None, DeviationKind::MissingKey(key.to_owned()));
            }
        }
        if self.mx.is_empty() && matches!(self.mode, Some(Mode::Enforce | Mode::Testing)) {
            self.note(None, DeviationKind::NoMx);
        }
    }
}

/// RFC 8461 §3.2 writes 1 to 10 digits.
fn seconds(value: &str) -> Option<u64> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| value.parse().ok())?
}

fn quoted(part: &[u8]) -> Text {
    Text::bounded(part, MOST_QUOTED)
}

impl Mode {
    fn named(word: &str) -> Option<Self> {
        [Self::Enforce, Self::Testing, Self::None].into_iter().find(|mode| mode.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for StsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version: STSv1\r\nmode: {}\r\n", self.mode)?;
        self.mx.iter().try_for_each(|pattern| write!(f, "mx: {pattern}\r\n"))?;
        write!(f, "max_age: {}\r\n", self.max_age)
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for DeviationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::TooLong(octets) => write!(f, "{octets} octets; {MOST_OCTETS} is the most"),
            Self::Html => f.write_str("a web page, where a policy is wanted"),
            Self::BlankLine => f.write_str("a blank line"),
            Self::NotAField(line) => write!(f, "\"{line}\" is no key with a value"),
            Self::StraySpace => f.write_str("white space before the key or before its colon"),
            Self::UnknownKey(key) => write!(f, "unknown key {key}"),
            Self::DuplicateKey(key) => write!(f, "{key} stands there again; the first one counts"),
            Self::VersionNotFirst => f.write_str("version is not the first key"),
            Self::BadVersion(value) => write!(f, "version is \"{value}\", not STSv1"),
            Self::BadMode(value) => {
                write!(f, "mode is \"{value}\", not enforce, testing or none")
            }
            Self::BadMaxAge(value) => write!(f, "max_age is \"{value}\", not a number of seconds"),
            Self::MaxAgeTooLong(age) => {
                write!(f, "max_age is {age} seconds; {LONGEST_LIFE}, a year, is the most")
            }
            Self::BadPattern(value) => write!(f, "mx \"{value}\": {NotAPattern}"),
            Self::MissingKey(key) => write!(f, "{key} is missing"),
            Self::NoMx => f.write_str("no mx, and the mode is not none"),
        }
    }
}

#[cfg(test)]
mod tests;
