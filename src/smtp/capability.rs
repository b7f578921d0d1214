//! What a server says it can do: the lines of its EHLO reply, in order, with their parameters.
//!
//! Keeps unknown keywords and odd parameters as they came; decides nothing from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Reply, Text};

/// The extensions of one EHLO reply, in the server's order. RFC 5321 §4.1.1.1.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Capabilities(Vec<Capability>);

/// One line: a keyword in upper case and what followed it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Capability {
    pub keyword: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Text>,
}

/// What SIZE promised. RFC 1870 §3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SizeLimit {
    /// SIZE with a number of octets.
    Octets(u64),
    /// SIZE with 0 or without a number: no fixed limit is in force or declared.
    Unbounded,
    /// SIZE with something that is no number.
    Unreadable,
}

impl Capabilities {
    /// Every line of `reply` but the first, which is the server's name and greeting.
    pub fn of(reply: &Reply) -> Self {
        Self(reply.lines.iter().skip(1).filter_map(Capability::of).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }

    /// The first line with this keyword, given in upper case.
    pub fn find(&self, keyword: &str) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.keyword.as_bytes() == keyword.as_bytes())
    }

    pub fn has(&self, keyword: &str) -> bool {
        self.find(keyword).is_some()
    }

    /// `None` when SIZE is not offered at all.
    pub fn size(&self) -> Option<SizeLimit> {
        let parameter = self.find("SIZE")?.parameters.first();
        let number = parameter.map(|text| text.to_string().parse::<u64>());
        Some(match number {
            None | Some(Ok(0)) => SizeLimit::Unbounded,
            Some(Ok(octets)) => SizeLimit::Octets(octets),
            Some(Err(_)) => SizeLimit::Unreadable,
        })
    }

    /// A keyword blotted out on the way, as firewalls do: `XXXXXXXA` for STARTTLS, or all X.
    pub fn masked(&self) -> Option<&Text> {
        let blot = |capability: &&Capability| {
            let word = capability.keyword.as_bytes();
            let marks = word.iter().filter(|byte| matches!(byte, b'X' | b'*')).count();
            word.len() >= 7 && marks + 1 >= word.len()
        };
        self.0.iter().find(blot).map(|capability| &capability.keyword)
    }
}

impl Capability {
    fn of(line: &Text) -> Option<Self> {
        // Some servers of old write AUTH=LOGIN; the keyword ends at the sign.
        let end = |byte: &u8| matches!(byte, b' ' | b'\t' | b'=');
        let mut words = line.as_bytes().split(end).filter(|word| !word.is_empty());
        let keyword = Text::new(words.next()?.to_ascii_uppercase());
        Some(Self { keyword, parameters: words.map(Text::new).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Capabilities {
        let mut reply = Reply::new(250, "mx.example hello");
        reply.lines.extend(lines.iter().map(|line| Text::from(*line)));
        Capabilities::of(&reply)
    }

    #[test]
    fn size_has_four_answers() {
        for (line, want) in [
            ("SIZE 1000", Some(SizeLimit::Octets(1000))),
            ("size 0", Some(SizeLimit::Unbounded)),
            ("SIZE", Some(SizeLimit::Unbounded)),
            ("SIZE abc", Some(SizeLimit::Unreadable)),
            ("8BITMIME", None),
        ] {
            assert_eq!(offered(&[line]).size(), want, "{line}");
        }
    }

    #[test]
    fn a_blotted_keyword_is_recognised() {
        for (line, want) in [
            ("XXXXXXXA", true),
            ("XXXXXXXX", true),
            ("********", true),
            ("XCLIENT NAME", false),
            ("X-EXPS", false),
        ] {
            assert_eq!(offered(&[line]).masked().is_some(), want, "{line}");
        }
    }

    #[test]
    fn the_greeting_line_is_no_capability_and_unknown_ones_stay() {
        let all = offered(&["X-NEW a b", "AUTH=LOGIN PLAIN"]);
        assert!(!all.has("MX.EXAMPLE"));
        assert_eq!(all.find("X-NEW").unwrap().parameters.len(), 2);
        assert_eq!(all.find("AUTH").unwrap().parameters[0], Text::from("LOGIN"));
    }
}
