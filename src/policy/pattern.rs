//! One `mx` of an MTA-STS policy: which hosts it names.
//!
//! Knows nothing of certificates; their names are compared in [`super::names`].

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::is_child_of;
use crate::smtp::DomainName;

/// A host, or with `*.` all hosts one label below a name. RFC 8461 §4.1.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    wildcard: bool,
    name: DomainName,
}

/// A word is no pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAPattern;

impl Pattern {
    /// Whether it names the host: in any case, with or without the trailing dot, as A-labels or
    /// U-labels.
    pub fn matches(&self, host: &str) -> bool {
        DomainName::parse(host).is_ok_and(|host| {
            if self.wildcard {
                is_child_of(host.as_str(), self.name.as_str())
            } else {
                host == self.name
            }
        })
    }
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    /// A-labels only, no trailing dot, and no wildcard elsewhere. RFC 8461 §3.2.
    fn from_str(word: &str) -> Result<Self, NotAPattern> {
        let (wildcard, name) = match word.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, word),
        };
        let foreign = |c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c));
        if name.ends_with('.') || name.contains(foreign) {
            return Err(NotAPattern);
        }
        let name = DomainName::parse(name).map_err(|_| NotAPattern)?;
        Ok(Self { wildcard, name })
    }
}

impl TryFrom<String> for Pattern {
    type Error = NotAPattern;

    fn try_from(word: String) -> Result<Self, NotAPattern> {
        word.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

impl std::error::Error for NotAPattern {}

impl fmt::Display for NotAPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a host name nor \"*.\" and a name")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.wildcard { "*." } else { "" }, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_one_host_or_one_label_below_a_name() {
        for (pattern, host, want) in [
            // The examples of RFC 8461 §4.1.
            ("*.example.com", "mail.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "foo.bar.example.com", false),
            ("mail.example.com", "mail.example.com", true),
            ("mail.example.com", "example.com", false),
            ("example.com", "mail.example.com", false),
            ("mail.example.com", "MAIL.Example.COM", true),
            ("MAIL.example.com", "mail.example.com", true),
            ("*.EXAMPLE.com", "mail.example.com", true),
            ("mail.example.com", "mail.example.com.", true),
            ("*.example.com", "mail.example.com.", true),
            ("*.example.com", "mail.example.com..", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "mailexample.com", false),
            ("*.example", "mail.example", true),
            ("*.mail.example.com", "a.mail.example.com", true),
            ("xn--bcher-kva.example", "b\u{fc}cher.example", true),
            ("*.example.com", "b\u{fc}cher.example.com", true),
            ("*.xn--bcher-kva.example", "mx.xn--bcher-kva.example", true),
            ("*.0.2.1", "192.0.2.1", false),
            ("*.example.com", "[192.0.2.1]", false),
            ("*.example.com", "2001:db8::1", false),
            ("*.example.com", "", false),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(host), want, "{pattern} {host}");
            assert_eq!(parsed.to_string(), pattern.to_ascii_lowercase());
        }
    }

    #[test]
    fn other_words_are_no_pattern() {
        for word in [
            "",
            "*",
            "*.",
            ".",
            "**.example.com",
            "*.*.example.com",
            "mail.*.com",
            "m*.example.com",
            "*example.com",
            "mail.example.com.",
            ".example.com",
            "192.0.2.1",
            "[192.0.2.1]",
            "2001:db8::1",
            "b\u{fc}cher.example",
            "mail example.com",
            "mail.example.com,",
            "a_b.example",
            "<mail.example.com>",
            "-a.example",
        ] {
            assert_eq!(word.parse::<Pattern>(), Err(NotAPattern), "{word}");
        }
    }
}
