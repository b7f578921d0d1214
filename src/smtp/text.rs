//! Bytes from a server, kept whole and shown only escaped.
//!
//! The one place that decides how a foreign byte looks on a screen or in a file. Never interprets them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes a server chose. Printing and serialising escape everything but printable ASCII, so that
/// no server can move a cursor, close a tag or reverse a line; the escaped form reads back whole.
#[derive(Clone, Default, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(from = "String", into = "String")]
pub struct Text(Vec<u8>);

impl Text {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes as words to compare with: lower case, anything not ASCII replaced, white space
    /// folded to single blanks.
    pub fn folded(&self) -> String {
        let lower = String::from_utf8_lossy(&self.0).to_lowercase();
        lower.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The first `limit` bytes.
    #[must_use]
    pub fn bounded(bytes: &[u8], limit: usize) -> Self {
        Self(bytes[..bytes.len().min(limit)].to_vec())
    }

    /// The bytes that [`Display`](fmt::Display) wrote as `escaped`; `None` for anything it never writes.
    pub fn unescape(escaped: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(escaped.len());
        let mut rest = escaped.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            rest = match (first, after) {
                (b'\\', [b'\\', after @ ..]) => {
                    bytes.push(b'\\');
                    after
                }
                (b'\\', [b'x', high, low, after @ ..]) => {
                    let digits = [*high, *low];
                    let digits = std::str::from_utf8(&digits).ok()?;
                    bytes.push(u8::from_str_radix(digits, 16).ok()?);
                    after
                }
                (b' '..=b'[' | b']'..=b'~', after) => {
                    bytes.push(first);
                    after
                }
                _ => return None,
            };
        }
        Some(Self(bytes))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in &self.0 {
            match byte {
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let escaped = String::deserialize(deserializer)?;
        Self::unescape(&escaped).ok_or_else(|| {
            de::Error::custom(format!("\"{}\" is not escaped text", escaped.escape_default()))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Text;

    #[test]
    fn foreign_bytes_are_shown_escaped() {
        for (bytes, want) in [
            (&b"250 ok"[..], "250 ok"),
            (b"\x1b[2J", "\\x1b[2J"),
            (b"a\\b", "a\\\\b"),
            ("é".as_bytes(), "\\xc3\\xa9"),
            (b"\xff\r\n", "\\xff\\x0d\\x0a"),
        ] {
            assert_eq!(Text::new(bytes).to_string(), want);
        }
    }

    #[test]
    fn what_display_never_writes_is_refused() {
        for bad in ["\\", "\\x1", "\\xzz", "\n", "é", "\\n"] {
            assert_eq!(Text::unescape(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn escaping_reads_back_whole(bytes: Vec<u8>) {
            let text = Text::new(bytes);
            let shown = text.to_string();
            prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(Text::unescape(&shown), Some(text));
        }
    }
}
