//! Whether a name that a certificate presents covers the name that was asked for.
//!
//! DNS names only, and a wildcard only as the whole left-most label. Consults no authority.

use crate::smtp::{DomainName, Text};

/// Whether one of the presented names covers `reference`. RFC 9525 §6.3, RFC 7672 §3.2.3.
pub fn covers(presented: &[Text], reference: &DomainName) -> bool {
    presented.iter().any(|name| matches(name, reference))
}

/// As the verifying libraries do it, a wildcard needs two labels behind it: `*.example` is none.
fn matches(presented: &Text, reference: &DomainName) -> bool {
    let Ok(presented) = std::str::from_utf8(presented.as_bytes()) else { return false };
    let reference = reference.as_str();
    match presented.strip_prefix("*.") {
        Some(parent) => parent.contains('.') && is_child_of(reference, parent),
        None => presented.eq_ignore_ascii_case(reference),
    }
}

/// Whether `name` has exactly one label more than `parent`.
pub(super) fn is_child_of(name: &str, parent: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presented_name_covers_the_same_name_and_a_wildcard_one_label() {
        for (presented, reference, want) in [
            ("mx.example.org", "mx.example.org", true),
            ("MX.Example.ORG", "mx.example.org", true),
            ("*.example.org", "mx.example.org", true),
            ("*.example.org", "example.org", false),
            ("*.example.org", "a.mx.example.org", false),
            ("*.EXAMPLE.org", "mx.example.org", true),
            ("m*.example.org", "mx.example.org", false),
            ("*x.example.org", "mx.example.org", false),
            ("mx.*.org", "mx.example.org", false),
            ("*.example", "mx.example", false),
            ("*", "example", false),
            ("*.", "example.org", false),
            ("", "example.org", false),
            ("mx.example.org.", "mx.example.org", false),
            ("xn--bcher-kva.example.org", "bücher.example.org", true),
            ("bücher.example.org", "bücher.example.org", false),
            ("*.example.org", "bücher.example.org", true),
            ("192.0.2.1", "mx.example.org", false),
            ("mx.example.org\0.test", "mx.example.org", false),
        ] {
            let reference = DomainName::parse(reference).unwrap();
            assert_eq!(covers(&[presented.into()], &reference), want, "{presented} {reference}");
        }
    }

    #[test]
    fn one_of_several_names_is_enough_and_none_is_not() {
        let reference = DomainName::parse("mx.example.org").unwrap();
        assert!(covers(&["other.example".into(), "mx.example.org".into()], &reference));
        assert!(!covers(&[Text::new(*b"\xff"), "other.example".into()], &reference));
        assert!(!covers(&[], &reference));
    }
}
