//! Names: the domain a mail address ends in, the host an MX record points at, the name we greet with.
//!
//! Parsed once into A-label form. Looks nothing up.

use std::{fmt, net::IpAddr, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fully qualified name of at least one label, lower case, A-labels, no trailing dot.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

/// What EHLO says we are: a name, or an address literal (RFC 5321 §4.1.1.1, §4.1.3).
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum HelloName {
    Literal(IpAddr),
    Name(DomainName),
}

/// Why a word is not a name; says how to mend it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameFault {
    AddressLiteral,
    Empty,
    /// The first character that no host name has.
    Forbidden(char),
    /// A label is empty, longer than 63 octets, or begins or ends with a hyphen.
    Label,
    NotConvertible,
    TooLong(usize),
}

impl DomainName {
    /// Accepts U-labels and A-labels, one trailing dot, and underscores (they occur in DNS names).
    pub fn parse(word: &str) -> Result<Self, NameFault> {
        let word = word.strip_suffix('.').unwrap_or(word);
        if word.is_empty() {
            return Err(NameFault::Empty);
        }
        if word.starts_with('[') || word.parse::<IpAddr>().is_ok() {
            return Err(NameFault::AddressLiteral);
        }
        let forbidden =
            |c: &char| c.is_ascii() && !(c.is_ascii_alphanumeric() || "-._".contains(*c));
        if let Some(c) = word.chars().find(forbidden) {
            return Err(NameFault::Forbidden(c));
        }
        let name = if word.is_ascii() {
            word.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(word).map_err(|_| NameFault::NotConvertible)?
        };
        // RFC 1035 §2.3.4 counts 255 octets on the wire, which is 253 characters.
        if name.len() > 253 {
            return Err(NameFault::TooLong(name.len()));
        }
        let sound = |label: &str| {
            (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        };
        if name.split('.').all(sound) { Ok(Self(name)) } else { Err(NameFault::Label) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part anyone could register: `example.co.uk` of `mx.example.co.uk`, from the public
    /// suffix list; `None` when the name is itself a public suffix.
    pub fn registrable(&self) -> Option<Self> {
        psl::domain_str(&self.0).map(|name| Self(name.to_owned()))
    }

    /// Whether it ends in a suffix of the public suffix list, under which anyone may register.
    pub fn has_listed_suffix(&self) -> bool {
        psl::suffix(self.0.as_bytes()).is_some_and(|suffix| suffix.is_known())
    }

    /// Whether this is `other` or a name below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.strip_suffix(&other.0).is_some_and(|head| head.ends_with('.'))
    }

    /// Whether a mail host may have this name: two labels or more, no underscore. RFC 5321 §2.3.5.
    pub fn is_host_name(&self) -> bool {
        self.0.contains('.') && !self.0.contains('_')
    }
}

impl FromStr for DomainName {
    type Err = NameFault;

    fn from_str(word: &str) -> Result<Self, NameFault> {
        Self::parse(word)
    }
}

impl TryFrom<String> for DomainName {
    type Error = NameFault;

    fn try_from(word: String) -> Result<Self, NameFault> {
        Self::parse(&word)
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl HelloName {
    pub fn parse(word: &str) -> Result<Self, NameFault> {
        let inside = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        match inside {
            Some(address) => {
                let address = address.strip_prefix("IPv6:").unwrap_or(address);
                address.parse().map(Self::Literal).map_err(|_| NameFault::AddressLiteral)
            }
            None => DomainName::parse(word).map(Self::Name),
        }
    }
}

impl FromStr for HelloName {
    type Err = NameFault;

    fn from_str(word: &str) -> Result<Self, NameFault> {
        Self::parse(word)
    }
}

impl TryFrom<String> for HelloName {
    type Error = NameFault;

    fn try_from(word: String) -> Result<Self, NameFault> {
        Self::parse(&word)
    }
}

impl From<HelloName> for String {
    fn from(name: HelloName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for HelloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(IpAddr::V4(address)) => write!(f, "[{address}]"),
            Self::Literal(IpAddr::V6(address)) => write!(f, "[IPv6:{address}]"),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl std::error::Error for NameFault {}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressLiteral => f.write_str("an address, where a domain name is wanted"),
            Self::Empty => f.write_str("empty; give a domain name such as example.org"),
            Self::Forbidden(c) => write!(f, "{c:?} cannot stand in a domain name"),
            Self::Label => f.write_str(
                "each part between dots has 1 to 63 characters and no hyphen at either end",
            ),
            Self::NotConvertible => f.write_str("not a valid internationalized name"),
            Self::TooLong(length) => write!(f, "{length} characters long; 253 is the most"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_a_labels_in_lower_case() {
        for (word, want) in [
            ("Example.ORG.", "example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("_mta-sts.example.org", "_mta-sts.example.org"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(DomainName::parse(word).unwrap().as_str(), want);
        }
    }

    #[test]
    fn what_is_no_name_says_why() {
        let long = format!("{}example", "a.".repeat(150));
        for (word, want) in [
            ("", NameFault::Empty),
            (".", NameFault::Empty),
            ("192.0.2.1", NameFault::AddressLiteral),
            ("[192.0.2.1]", NameFault::AddressLiteral),
            ("2001:db8::1", NameFault::AddressLiteral),
            ("user@example.org", NameFault::Forbidden('@')),
            ("exa mple.org", NameFault::Forbidden(' ')),
            ("a..example", NameFault::Label),
            ("-a.example", NameFault::Label),
            (&long, NameFault::TooLong(307)),
        ] {
            assert_eq!(DomainName::parse(word), Err(want), "{word}");
        }
    }

    #[test]
    fn within_respects_label_borders() {
        let name = |word| DomainName::parse(word).unwrap();
        assert!(name("mx.example.org").is_within(&name("example.org")));
        assert!(!name("mxexample.org").is_within(&name("example.org")));
        assert_eq!(name("mx.example.co.uk").registrable(), Some(name("example.co.uk")));
        assert_eq!(name("co.uk").registrable(), None);
        assert!(name("mx.example.co.uk").has_listed_suffix());
        assert!(!name("mx.example.local").has_listed_suffix());
    }

    #[test]
    fn hello_names_print_as_they_are_sent() {
        for (word, want) in [
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("Probe.Example", "probe.example"),
        ] {
            assert_eq!(HelloName::parse(word).unwrap().to_string(), want);
        }
    }
}
