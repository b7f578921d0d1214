//! Mail addresses as they stand in MAIL and RCPT.
//!
//! A [`Mailbox`] cannot hold a byte that would end a command. Judges no address deliverable.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DomainName, domain::NameFault};

/// `local-part@domain`, ASCII, within the limits of RFC 5321 §4.5.3.1.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox {
    local: String,
    domain: DomainName,
}

/// Who a message says it is from: a mailbox, or nobody (`<>`, used by bounces).
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum ReversePath {
    Mailbox(Mailbox),
    Null,
}

/// Why a word is not a mail address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MailboxFault {
    Domain(NameFault),
    Local,
    NoAt,
}

impl Mailbox {
    /// Takes a dot-atom before the `@`; quoted local parts are refused, no probe needs one.
    pub fn parse(word: &str) -> Result<Self, MailboxFault> {
        let word = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or(word);
        let (local, domain) = word.rsplit_once('@').ok_or(MailboxFault::NoAt)?;
        Ok(Self {
            local: dot_atom(local).ok_or(MailboxFault::Local)?.to_owned(),
            domain: DomainName::parse(domain).map_err(MailboxFault::Domain)?,
        })
    }

    pub fn new(local: &str, domain: DomainName) -> Result<Self, MailboxFault> {
        let local = dot_atom(local).ok_or(MailboxFault::Local)?.to_owned();
        Ok(Self { local, domain })
    }

    pub fn local(&self) -> &str {
        &self.local
    }

    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

/// RFC 5322 §3.2.3, at most 64 octets (RFC 5321 §4.5.3.1.1).
fn dot_atom(local: &str) -> Option<&str> {
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let sound = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext));
    (sound && local.len() <= 64).then_some(local)
}

impl FromStr for Mailbox {
    type Err = MailboxFault;

    fn from_str(word: &str) -> Result<Self, MailboxFault> {
        Self::parse(word)
    }
}

impl TryFrom<String> for Mailbox {
    type Error = MailboxFault;

    fn try_from(word: String) -> Result<Self, MailboxFault> {
        Self::parse(&word)
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> Self {
        mailbox.to_string()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl FromStr for ReversePath {
    type Err = MailboxFault;

    fn from_str(word: &str) -> Result<Self, MailboxFault> {
        if matches!(word, "" | "<>") {
            return Ok(Self::Null);
        }
        Mailbox::parse(word).map(Self::Mailbox)
    }
}

impl TryFrom<String> for ReversePath {
    type Error = MailboxFault;

    fn try_from(word: String) -> Result<Self, MailboxFault> {
        word.parse()
    }
}

impl From<ReversePath> for String {
    fn from(path: ReversePath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
            Self::Null => f.write_str("<>"),
        }
    }
}

impl std::error::Error for MailboxFault {}

impl fmt::Display for MailboxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(fault) => write!(f, "the part behind the @ is {fault}"),
            Self::Local => f.write_str(
                "the part before the @ must be letters, digits and .!#$%&'*+-/=?^_`{|}~, at most 64",
            ),
            Self::NoAt => f.write_str("no @; give an address such as postmaster@example.org"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ends_a_command_gets_in() {
        for word in
            ["a\r\nDATA@example.org", "a b@example.org", "a>b@example.org", "@example.org", "a@"]
        {
            assert!(Mailbox::parse(word).is_err(), "{word:?}");
        }
    }

    #[test]
    fn addresses_read_and_print_back() {
        for (word, want) in [
            ("Post.Master@Example.ORG", "Post.Master@example.org"),
            ("<a@b.example>", "a@b.example"),
        ] {
            assert_eq!(Mailbox::parse(word).unwrap().to_string(), want);
        }
        assert_eq!("<>".parse(), Ok(ReversePath::Null));
        assert_eq!("a@b.example".parse::<ReversePath>().unwrap().to_string(), "<a@b.example>");
    }
}
