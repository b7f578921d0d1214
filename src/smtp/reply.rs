//! Turns server bytes into replies, a line at a time, and keeps whatever was odd about them.
//!
//! Bounded: a reply has at most [`MAX_LINES`] lines of at most [`MAX_LINE`] bytes.
//! Does no reading itself and forgives nothing in silence: see [`Flaw`] and [`ReplyFault`].
//!
//! Longer than most by its tests: every way to be wrong stands in one table.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// More lines than any EHLO reply we expect; past it the peer is hostile or lost.
pub const MAX_LINES: usize = 128;

/// Octets a line may have, its end included, before it is a flaw. RFC 5321 §4.5.3.1.5.
pub const LINE_LIMIT: usize = 512;

/// Octets a line may have before we stop listening.
pub const MAX_LINE: usize = 4096;

/// What a server said to one command, or its greeting.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Reply {
    pub code: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<Enhanced>,
    /// The text after code and separator, one entry a line, never empty.
    #[serde(deserialize_with = "some_lines")]
    pub lines: Vec<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<Flaw>,
}

/// An enhanced status code such as 5.7.1. RFC 3463 §2.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(from = "String", into = "String")]
pub struct Enhanced {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

/// What is wrong with a reply that could be understood all the same.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// A line ended in LF alone. RFC 5321 §2.3.8.
    BareLf,
    /// A line had more than [`LINE_LIMIT`] octets.
    LongLine,
    /// The lines of one reply carried different codes. RFC 5321 §4.2.1.
    MixedCodes,
    /// More bytes stood behind the reply, before anything was asked.
    Unasked,
}

/// Why bytes were not a reply.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyFault {
    /// A line did not begin with a code from 200 to 599 and a separator. RFC 5321 §4.2.
    NotAReply,
    /// A line passed [`MAX_LINE`] octets.
    LineTooLong,
    /// The reply passed [`MAX_LINES`] lines.
    TooManyLines,
}

/// Collects bytes until a reply is whole.
#[derive(Debug, Default)]
pub struct ReplyReader {
    buffer: Vec<u8>,
    parsed: usize,
    code: u16,
    lines: Vec<Text>,
    flaws: Vec<Flaw>,
}

impl Reply {
    /// A reply as a server would send it in one line; the enhanced code is read from the text.
    pub fn new(code: u16, text: &str) -> Self {
        let lines = vec![Text::from(text)];
        Self { code, enhanced: Enhanced::of(code, &lines[0]), lines, flaws: Vec::new() }
    }

    /// 2yz: the server did what was asked.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4yz: asking again later may help.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5yz: asking again will not help.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// All lines as one, folded for comparison.
    pub fn folded(&self) -> String {
        self.lines.iter().map(Text::folded).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

impl Enhanced {
    /// The enhanced code that opens `text`, if its class is the first digit of `code`. RFC 2034 §4.
    fn of(code: u16, text: &Text) -> Option<Self> {
        let word = text.as_bytes().split(|byte| !byte.is_ascii_digit() && *byte != b'.').next()?;
        let found = Self::parse(std::str::from_utf8(word).ok()?)?;
        (u16::from(found.class) == code / 100).then_some(found)
    }

    /// Reads `5.7.1`; each later part has one to three digits.
    pub fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let short = |part: &str| (1..=3).contains(&part.len()).then(|| part.parse().ok()).flatten();
        let class = matches!(class, "2" | "4" | "5").then(|| class.parse().ok()).flatten()?;
        parts.next().is_none().then_some(Self {
            class,
            subject: short(subject)?,
            detail: short(detail)?,
        })
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Serialize for Enhanced {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Enhanced {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("not an enhanced status code"))
    }
}

/// A stored reply without a line was not written by us.
fn some_lines<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
    let lines = Vec::deserialize(deserializer)?;
    if lines.is_empty() {
        return Err(serde::de::Error::custom("a reply without lines"));
    }
    Ok(lines)
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLf => "a line ends in LF without CR",
            Self::LongLine => "a line is longer than 512 octets",
            Self::MixedCodes => "the lines carry different codes",
            Self::Unasked => "more bytes followed before anything was asked",
        })
    }
}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReply => f.write_str("not an SMTP reply"),
            Self::LineTooLong => write!(f, "a reply line of more than {MAX_LINE} octets"),
            Self::TooManyLines => write!(f, "a reply of more than {MAX_LINES} lines"),
        }
    }
}

impl ReplyReader {
    /// Takes bytes as they come; `Some` once a reply is whole. Bytes behind it stay for [`Self::rest`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        self.buffer.extend_from_slice(bytes);
        while let Some(length) = self.buffer[self.parsed..].iter().position(|byte| *byte == b'\n') {
            let line = self.parsed..self.parsed + length;
            self.parsed = line.end + 1;
            if self.line(line)? {
                return Ok(Some(self.finish()));
            }
        }
        // A peer that never ends its line is known to be no mail server by its first bytes.
        bounded(&self.buffer[self.parsed..]).map(|()| None)
    }

    /// Bytes received that no reply has used: a half reply, or talk out of turn.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops and returns [`Self::rest`].
    pub fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(self).buffer
    }

    /// Reads one line, given without its LF; true when it is the last of its reply.
    fn line(&mut self, range: std::ops::Range<usize>) -> Result<bool, ReplyFault> {
        let line = &self.buffer[range];
        bounded(line)?;
        if self.lines.len() == MAX_LINES {
            return Err(ReplyFault::TooManyLines);
        }
        let mut flaws = Vec::new();
        let line = line.strip_suffix(b"\r").unwrap_or_else(|| {
            flaws.push(Flaw::BareLf);
            line
        });
        if line.len() + 2 > LINE_LIMIT {
            flaws.push(Flaw::LongLine);
        }
        let (code, last, text) = split(line).ok_or(ReplyFault::NotAReply)?;
        if !self.lines.is_empty() && code != self.code {
            flaws.push(Flaw::MixedCodes);
        }
        self.lines.push(Text::new(text));
        self.code = code;
        self.flaws.extend(flaws);
        Ok(last)
    }

    fn finish(&mut self) -> Reply {
        let rest = self.buffer.split_off(self.parsed);
        let done = std::mem::replace(self, Self { buffer: rest, ..Self::default() });
        let mut flaws = done.flaws;
        flaws.sort_unstable();
        flaws.dedup();
        let enhanced = Enhanced::of(done.code, &done.lines[0]);
        Reply { code: done.code, enhanced, lines: done.lines, flaws }
    }
}

/// What the beginning of a line already tells against it, in the same order however it arrives.
fn bounded(line: &[u8]) -> Result<(), ReplyFault> {
    if !could_be_code(line) {
        return Err(ReplyFault::NotAReply);
    }
    if line.len() > MAX_LINE {
        return Err(ReplyFault::LineTooLong);
    }
    Ok(())
}

/// Code, whether the line is the last, text, of a line that [`bounded`] let through. The last line's
/// code stands for a mixed reply.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, after) = line.split_at_checked(3)?;
    let code = code.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    match after.split_first() {
        None => Some((code, true, &[])),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// Whether bytes can begin a reply line: a digit from 2 to 5, then digits.
fn could_be_code(bytes: &[u8]) -> bool {
    bytes.iter().take(3).enumerate().all(|(at, byte)| match at {
        0 => (b'2'..=b'5').contains(byte),
        _ => byte.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        ReplyReader::default().push(bytes)
    }

    /// Feeds `bytes` in two pieces and keeps what came out, with what was left.
    fn read_cut(bytes: &[u8], cut: usize) -> (Result<Option<Reply>, ReplyFault>, Vec<u8>) {
        let mut reader = ReplyReader::default();
        let (head, tail) = bytes.split_at(cut);
        let outcome = match reader.push(head) {
            Ok(None) => reader.push(tail),
            Ok(Some(reply)) => {
                reader.buffer.extend_from_slice(tail);
                Ok(Some(reply))
            }
            fault => fault,
        };
        let rest = if outcome.is_ok() { reader.take_rest() } else { Vec::new() };
        (outcome, rest)
    }

    #[test]
    fn enhanced_codes_keep_three_digits_and_must_fit_the_code() {
        for (line, want) in [
            ("550 5.7.515 Access denied\r\n", Some("5.7.515")),
            ("250 2.1.5 ok\r\n", Some("2.1.5")),
            ("550 4.7.1 liar\r\n", None),
            ("550 5.7\r\n", None),
            ("550 5.7.1234 no\r\n", None),
            ("550-5.1.1 first\r\n550 second\r\n", Some("5.1.1")),
        ] {
            let reply = read(line.as_bytes()).unwrap().unwrap();
            assert_eq!(reply.enhanced.map(|code| code.to_string()).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn oddities_are_kept_beside_the_reply() {
        let long = format!("250 {}\r\n", "x".repeat(600));
        for (bytes, code, flaws) in [
            ("250 ok\r\n", 250, vec![]),
            ("250\r\n", 250, vec![]),
            ("250 ok\n", 250, vec![Flaw::BareLf]),
            ("250-a\r\n550 b\r\n", 550, vec![Flaw::MixedCodes]),
            ("250-a\n550 b\n", 550, vec![Flaw::BareLf, Flaw::MixedCodes]),
            (&long, 250, vec![Flaw::LongLine]),
        ] {
            let reply = read(bytes.as_bytes()).unwrap().unwrap();
            assert_eq!((reply.code, reply.flaws), (code, flaws), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused_as_early_as_it_shows() {
        let endless = "220-".to_owned() + &"x".repeat(MAX_LINE + 1);
        let many = "250-a\r\n".repeat(MAX_LINES + 1);
        let foreign = "x".repeat(MAX_LINE + 1);
        for (bytes, want) in [
            ("SSH-2.0-OpenSSH", ReplyFault::NotAReply),
            (&foreign, ReplyFault::NotAReply),
            ("HTTP/1.1 400\r\n", ReplyFault::NotAReply),
            ("000 what\r\n", ReplyFault::NotAReply),
            ("999 what\r\n", ReplyFault::NotAReply),
            ("250_what\r\n", ReplyFault::NotAReply),
            ("25\r\n", ReplyFault::NotAReply),
            (&endless, ReplyFault::LineTooLong),
            (&many, ReplyFault::TooManyLines),
        ] {
            assert_eq!(read(bytes.as_bytes()), Err(want), "{}", &bytes[..bytes.len().min(20)]);
        }
    }

    #[test]
    fn talk_out_of_turn_stays_behind_the_reply() {
        let mut reader = ReplyReader::default();
        assert!(reader.push(b"220 go\r\n250 injected\r\n").unwrap().is_some());
        assert_eq!(reader.take_rest(), b"250 injected\r\n");
        assert_eq!(reader.rest(), b"");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_reply(
            bytes in prop::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b'-'), Just(b' '), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(bytes.len());
            let whole = read_cut(&bytes, bytes.len());
            prop_assert_eq!(read_cut(&bytes, cut), whole);
        }

        #[test]
        fn a_printed_reply_reads_back(code in 200u16..600, lines in prop::collection::vec("[ -~]{0,80}", 1..10)) {
            let last = lines.len() - 1;
            let mut wire = String::new();
            for (at, line) in lines.iter().enumerate() {
                let between = if at == last { ' ' } else { '-' };
                wire.extend([code.to_string(), between.to_string(), line.clone(), "\r\n".to_owned()]);
            }
            let reply = read(wire.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(reply.code, code);
            prop_assert_eq!(reply.lines, lines.iter().map(|line| Text::from(line.as_str())).collect::<Vec<_>>());
            prop_assert!(reply.flaws.is_empty());
        }

        #[test]
        fn memory_stays_bounded(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..40)) {
            let mut reader = ReplyReader::default();
            for piece in pieces {
                match reader.push(&piece) {
                    Ok(Some(_)) => { reader.take_rest(); }
                    Ok(None) => prop_assert!(reader.rest().len() <= (MAX_LINES + 1) * MAX_LINE),
                    Err(_) => break,
                }
            }
        }
    }
}
