//! What was said in a visit, line by line, so that every finding can point at it.
//!
//! Bounded at [`MAX_LINES`]; the last line then says so. Keeps times as they are given, reads no clock.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// More lines than a whole visit needs.
pub const MAX_LINES: usize = 400;

/// The lines of one visit. Lines are counted from 1; evidence cites these numbers.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Transcript {
    lines: Vec<Line>,
}

/// One line and when it was said, counted from the first attempt to connect.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Line {
    pub at_ms: u64,
    pub who: Speaker,
    pub text: Text,
}

/// Who said a line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Speaker {
    #[serde(rename = "C")]
    Client,
    /// Neither: what happened to the channel (connected, TLS, closed, timed out).
    #[serde(rename = "--")]
    Event,
    #[serde(rename = "S")]
    Server,
}

impl Transcript {
    /// Adds a line and returns its number.
    pub fn push(&mut self, at: Duration, who: Speaker, text: Text) -> u32 {
        let at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        match self.lines.len() {
            0..MAX_LINES => self.lines.push(Line { at_ms, who, text }),
            MAX_LINES => {
                let text = Text::from("transcript full, the rest is left out");
                self.lines.push(Line { at_ms, who: Speaker::Event, text });
            }
            _ => {}
        }
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// The lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (u32, &Line)> {
        (1..).zip(&self.lines)
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "C:",
            Self::Event => "--",
            Self::Server => "S:",
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.who, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_stops_growing_and_says_so() {
        let mut transcript = Transcript::default();
        for _ in 0..MAX_LINES + 9 {
            transcript.push(Duration::ZERO, Speaker::Server, Text::from("250-more"));
        }
        let last = transcript.lines().last().unwrap();
        assert_eq!(last.0 as usize, MAX_LINES + 1);
        assert_eq!(last.1.to_string(), "-- transcript full, the rest is left out");
    }
}
