//! The SPF record of a domain, as syntax: is there one, and do its terms hold?
//!
//! Background to the report. Evaluates nothing, and follows no include.

use std::net::{Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{Reading, RecordFault};
use crate::smtp::Text;

/// More terms that ask DNS than this are a permanent error for receivers; those of included records
/// count too. RFC 7208 §4.6.4.
pub const MOST_LOOKUPS: usize = 10;

/// The TXT record of the domain that begins with `v=spf1`. RFC 7208 §4.5.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SpfRecord {
    /// What `all` says of every other sender; `None` without `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Qualifier>,
    /// It ends in a `redirect` to another domain's record.
    pub redirects: bool,
    /// Its own terms that ask DNS; see [`MOST_LOOKUPS`].
    pub lookups: usize,
}

/// What a match means. RFC 7208 §4.6.2.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// How a mechanism is written, and whether it asks DNS. RFC 7208 §5.
struct Mechanism {
    name: &'static str,
    asks: bool,
    argument: fn(&str) -> bool,
}

const MECHANISMS: &[Mechanism] = &[
    Mechanism { name: "all", asks: false, argument: str::is_empty },
    Mechanism { name: "include", asks: true, argument: is_colon_domain },
    Mechanism { name: "a", asks: true, argument: is_domain_and_lengths },
    Mechanism { name: "mx", asks: true, argument: is_domain_and_lengths },
    Mechanism { name: "ptr", asks: true, argument: |a| a.is_empty() || is_colon_domain(a) },
    Mechanism { name: "ip4", asks: false, argument: |a| is_network::<Ipv4Addr>(a, 32) },
    Mechanism { name: "ip6", asks: false, argument: |a| is_network::<Ipv6Addr>(a, 128) },
    Mechanism { name: "exists", asks: true, argument: is_colon_domain },
];

/// Modifiers that may not come again. RFC 7208 §6.
const ONCE: &[&[u8]] = &[b"redirect=", b"exp="];

/// What the TXT records of a domain amount to.
pub fn read(texts: &[Text]) -> Reading<SpfRecord> {
    let mut ours = texts.iter().map(Text::as_bytes).filter(|text| begins(text));
    let Some(text) = ours.next() else { return Reading::Missing };
    let others = ours.count();
    if others > 0 {
        return Reading::Several(others + 1);
    }
    let mut record = SpfRecord { all: None, redirects: false, lookups: 0 };
    let mut faults = Vec::new();
    let terms = text.split(|c| *c == b' ').skip(1).filter(|term| !term.is_empty());
    for term in terms.clone() {
        let known = std::str::from_utf8(term).is_ok_and(|term| record.take(term));
        // One is enough to know that the record does not hold.
        if !known && faults.is_empty() {
            faults.push(RecordFault::syntax(term));
        }
    }
    faults.extend(ONCE.iter().filter_map(|modifier| {
        let is_it = |term: &&[u8]| {
            term.get(..modifier.len()).is_some_and(|head| head.eq_ignore_ascii_case(modifier))
        };
        terms.clone().filter(is_it).nth(1).map(RecordFault::syntax)
    }));
    Reading::of(text, Some(record), faults)
}

/// Whether the version is exactly that, and stands by itself. RFC 7208 §4.5.
fn begins(text: &[u8]) -> bool {
    let version = text.split(|c| *c == b' ').next();
    version.is_some_and(|version| version.eq_ignore_ascii_case(b"v=spf1"))
}

impl SpfRecord {
    /// Takes note of a term; `false` when it is none. RFC 7208 §4.6.1.
    fn take(&mut self, term: &str) -> bool {
        let ends_the_name = |c: char| ":/=".contains(c);
        let (head, argument) = term.split_at(term.find(ends_the_name).unwrap_or(term.len()));
        if let Some(value) = argument.strip_prefix('=') {
            return self.modify(&head.to_ascii_lowercase(), value);
        }
        let (qualifier, name) = qualified(head);
        let name = name.to_ascii_lowercase();
        let Some(mechanism) = MECHANISMS.iter().find(|mechanism| mechanism.name == name) else {
            return false;
        };
        self.lookups += usize::from(mechanism.asks);
        if mechanism.name == "all" {
            self.all = self.all.or(Some(qualifier));
        }
        (mechanism.argument)(argument)
    }

    /// RFC 7208 §6; an unknown modifier is ignored.
    fn modify(&mut self, name: &str, value: &str) -> bool {
        match name {
            "redirect" => {
                self.redirects = true;
                self.lookups += 1;
                is_domain(value)
            }
            "exp" => is_domain(value),
            _ => {
                name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
                    && is_macro_string(value)
            }
        }
    }
}

fn qualified(head: &str) -> (Qualifier, &str) {
    let rows = [
        ('+', Qualifier::Pass),
        ('-', Qualifier::Fail),
        ('~', Qualifier::SoftFail),
        ('?', Qualifier::Neutral),
    ];
    let found =
        rows.iter().find_map(|(sign, qualifier)| Some((*qualifier, head.strip_prefix(*sign)?)));
    found.unwrap_or((Qualifier::Pass, head))
}

fn is_colon_domain(argument: &str) -> bool {
    argument.strip_prefix(':').is_some_and(is_domain)
}

/// `:domain`, `/24`, `//64`, in this order, each or none. RFC 7208 §5.3.
fn is_domain_and_lengths(argument: &str) -> bool {
    let (domain, lengths) = argument.split_at(lengths_at(argument));
    let (four, six) = match lengths.split_once("//") {
        Some((four, six)) => (four, Some(six)),
        None => (lengths, None),
    };
    (domain.is_empty() || is_colon_domain(domain))
        && (four.is_empty() || four.strip_prefix('/').is_some_and(|four| is_length(four, 32)))
        && six.is_none_or(|six| is_length(six, 128))
}

/// Where the lengths begin: at the first of the slashes that nothing but digits follows.
fn lengths_at(argument: &str) -> usize {
    let head = argument.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/').len();
    argument[head..].find('/').map_or(argument.len(), |slash| head + slash)
}

fn is_network<A: std::str::FromStr>(argument: &str, most: u8) -> bool {
    let Some(network) = argument.strip_prefix(':') else { return false };
    match network.split_once('/') {
        Some((address, length)) => address.parse::<A>().is_ok() && is_length(length, most),
        None => network.parse::<A>().is_ok(),
    }
}

fn is_length(digits: &str, most: u8) -> bool {
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    canonical && digits.parse().is_ok_and(|length: u8| length <= most)
}

/// A name, or something that macros make one of. RFC 7208 §7.1.
fn is_domain(spec: &str) -> bool {
    let name = spec.strip_suffix('.').unwrap_or(spec);
    let last = name.rsplit('.').next().unwrap_or_default();
    let a_name = name.contains('.')
        && !last.bytes().all(|c| c.is_ascii_digit())
        && last.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
        && !last.starts_with('-')
        && !last.ends_with('-');
    is_macro_string(spec) && !name.split('.').any(str::is_empty) && (a_name || name.ends_with('}'))
}

/// Visible characters, with `%` only as `%{...}`, `%%`, `%_` or `%-`. RFC 7208 §7.1.
fn is_macro_string(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let after = &rest[at + 1..];
        let Some(tail) = after.strip_prefix(['%', '_', '-']).or_else(|| after_macro(after)) else {
            return false;
        };
        rest = tail;
    }
    text.bytes().all(|c| c.is_ascii_graphic())
}

/// What follows `{letter digits r delimiters}`.
fn after_macro(text: &str) -> Option<&str> {
    let (inside, tail) = text.strip_prefix('{')?.split_once('}')?;
    let transformers = inside.strip_prefix(|c: char| "slodiphcrtvSLODIPHCRTV".contains(c))?;
    let delimiters = transformers.trim_start_matches(|c: char| c.is_ascii_digit());
    let delimiters = delimiters.strip_prefix(['r', 'R']).unwrap_or(delimiters);
    delimiters.chars().all(|c| ".-+,/_=".contains(c)).then_some(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Reading<SpfRecord> {
        read(&[text.into()])
    }

    #[test]
    fn a_record_says_what_it_makes_of_everybody_else() {
        use Qualifier::{Fail, Neutral, Pass, SoftFail};
        for (text, all, redirects, lookups) in [
            ("v=spf1 -all", Some(Fail), false, 0),
            ("V=SPF1 mx a:mail.example.org/24//64 ~ALL", Some(SoftFail), false, 2),
            ("v=spf1 a//64 mx/24 ptr ?all", Some(Neutral), false, 3),
            ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip4:192.0.2.1 all", Some(Pass), false, 0),
            ("v=spf1 include:_spf.example.org  redirect=example.net", None, true, 2),
            ("v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all exp=why.%{d2}", Some(Fail), false, 1),
            ("v=spf1 unknown=anything%%/%_ -all", Some(Fail), false, 0),
            ("v=spf1 a:%{d/}.example.org/24 -all", Some(Fail), false, 1),
            ("v=spf1", None, false, 0),
        ] {
            let want = Reading::One(SpfRecord { all, redirects, lookups });
            assert_eq!(one(text), want, "{text}");
        }
    }

    #[test]
    fn a_term_that_does_not_hold_is_quoted() {
        for term in [
            "al",
            "-",
            "all:example.org",
            "include",
            "include:",
            "include:localhost",
            "ip4",
            "ip4:",
            "ip4:192.0.2",
            "ip4:192.0.2.0/33",
            "ip4:192.0.2.0/",
            "ip4:192.0.2.0/024",
            "ip6:192.0.2.1",
            "ip6:2001:db8::/129",
            "a/33",
            "a/24/64",
            "a//129",
            "mx:",
            "mx/",
            "ptr:a..b",
            "exists:%{x}.example.org",
            "exists:%{d",
            "exists:100%.example.org",
            "redirect=",
            "redirect=192.0.2.1",
            "exp=",
            "=x",
            "+include=example.org",
            "v=spf1\u{e9}",
            "include:b\u{fc}cher.example",
        ] {
            let text = format!("v=spf1 {term} -all");
            let faults = vec![RecordFault::syntax(term.as_bytes())];
            let want = Reading::Invalid { text: text.as_str().into(), faults };
            assert_eq!(one(&text), want, "{text}");
        }
    }

    #[test]
    fn a_modifier_that_comes_again_is_quoted() {
        for (text, again) in [
            ("v=spf1 redirect=a.example redirect=b.example", "redirect=b.example"),
            ("v=spf1 exp=a.example -all Exp=b.example", "Exp=b.example"),
        ] {
            let faults = vec![RecordFault::syntax(again.as_bytes())];
            assert_eq!(one(text), Reading::Invalid { text: text.into(), faults }, "{text}");
        }
        assert!(one("v=spf1 x=1 x=2 -all").record().is_some());
    }

    #[test]
    fn look_ups_are_counted_past_what_receivers_do() {
        let text = format!("v=spf1 {}-all", "include:a.example ".repeat(11));
        let reading = one(&text);
        assert_eq!(reading.record().unwrap().lookups, MOST_LOOKUPS + 1);
    }

    #[test]
    fn other_records_are_no_record_and_two_are_none() {
        for text in ["v=spf10 -all", "v=spf1;-all", "spf2.0/pra -all", "-all v=spf1", ""] {
            assert_eq!(one(text), Reading::Missing, "{text}");
        }
        assert_eq!(read(&["v=spf1 -all".into(), "V=SPF1".into()]), Reading::Several(2));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets: Vec<u8>, terms in ".{0,60}", shaped in "[-+~?]?(a|mx|ip4|x)[:/=%{}a-z0-9.]{0,20}") {
            let _ = read(&[Text::new(octets)]);
            let _ = one(&format!("v=spf1 {terms}"));
            if let Reading::Invalid { faults, .. } = one(&format!("v=spf1 {shaped}")) {
                prop_assert_eq!(faults, vec![RecordFault::syntax(shaped.as_bytes())]);
            }
        }
    }
}
