//! The names that DANE for mail turns on: where TLSA records are looked for, and what a certificate
//! under a trust anchor may be called.
//!
//! Knows names and what DNSSEC vouches for; looks nothing up.

use crate::smtp::DomainName;

/// One name on the way from a host to its addresses: the host, then each name a CNAME leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step<'a> {
    pub name: &'a str,
    /// Whether DNSSEC vouches for what this name leads to: its CNAME, or, of the last, its addresses.
    pub secure: bool,
}

/// The TLSA base domains of a host, in the order they are asked; the next is asked only where the one
/// before it has none. None at all where the host's own name is not secure. An alias that is secure
/// all the way is asked for under its last name first. RFC 7672 §2.2.2, §2.2.3; RFC 7671 §7.
pub fn tlsa_bases<'a>(way: &[Step<'a>]) -> Vec<&'a str> {
    let (Some(first), Some(last)) = (way.first(), way.last()) else { return Vec::new() };
    if !first.secure {
        return Vec::new();
    }
    if way.len() > 1 && way.iter().all(|step| step.secure) {
        vec![last.name, first.name]
    } else {
        vec![first.name]
    }
}

/// What a certificate under a trust anchor (usage 2) may be called, the TLSA base domain first.
///
/// `next_hop` is the domain of the address, and `expanded` the name behind it where it is a secure
/// alias. Neither counts where the MX answer was not secure. RFC 7672 §3.2.2.
pub fn references(
    base: &DomainName,
    next_hop: &DomainName,
    expanded: Option<&DomainName>,
    secure_mx: bool,
) -> Vec<DomainName> {
    let mut names = vec![base.clone()];
    for name in [Some(next_hop), expanded].into_iter().flatten().filter(|_| secure_mx) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlsa_is_asked_under_the_expanded_name_first_and_only_where_it_is_secure() {
        let (host, middle, end) = ("mx.example.org", "mx.example.net", "a.example.net");
        for (way, want) in [
            (&[(host, true)][..], &[host][..]),
            (&[(host, false)], &[]),
            (&[(host, true), (end, true)], &[end, host]),
            (&[(host, true), (middle, true), (end, true)], &[end, host]),
            (&[(host, true), (end, false)], &[host]),
            (&[(host, true), (middle, false), (end, true)], &[host]),
            (&[(host, true), (middle, true), (end, false)], &[host]),
            (&[(host, false), (end, true)], &[]),
            (&[], &[]),
        ] {
            let steps: Vec<_> = way.iter().map(|&(name, secure)| Step { name, secure }).collect();
            assert_eq!(tlsa_bases(&steps), want, "{way:?}");
        }
    }

    #[test]
    fn the_names_of_the_domain_count_only_under_a_secure_mx_answer() {
        let name = |word| DomainName::parse(word).unwrap();
        let (base, domain, behind) =
            (name("mx.example.net"), name("example.org"), name("example.com"));
        for (expanded, secure, want) in [
            (None, true, vec![base.clone(), domain.clone()]),
            (Some(&behind), true, vec![base.clone(), domain.clone(), behind.clone()]),
            (Some(&domain), true, vec![base.clone(), domain.clone()]),
            (Some(&behind), false, vec![base.clone()]),
        ] {
            assert_eq!(references(&base, &domain, expanded, secure), want);
        }
        // A domain without MX is its own host, and so its own base domain.
        assert_eq!(references(&domain, &domain, None, true), std::slice::from_ref(&domain));
    }
}
