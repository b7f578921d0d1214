//! Who runs a mail host, told from its name: several names of one operator count once, and some
//! operators only stand in front of somebody else's mailboxes, or behind them.
//!
//! To add an operator, add rows to [`OPERATORS`]. Knows names only and looks nothing up.

use std::collections::BTreeSet;

use crate::smtp::DomainName;

/// Who runs a host.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Operator {
    /// A registrable label: `provider` of `mx1.provider.example`.
    pub name: String,
    pub trade: Trade,
}

/// What an operator does with mail.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Trade {
    /// Filters, and passes on to mailboxes kept elsewhere.
    Gateway,
    /// Keeps mailboxes, or forwards: where mail is meant to end. Also whoever is not in the table.
    Mailboxes,
    /// Keeps mail while the domain's own hosts are away.
    Spool,
}

use Trade::{Gateway, Mailboxes, Spool};

impl Operator {
    pub fn of(host: &DomainName) -> Self {
        let name = host.as_str();
        let below =
            |suffix: &str| name.strip_suffix(suffix).is_some_and(|head| head.ends_with('.'));
        let row = OPERATORS.iter().find(|(suffix, ..)| name == *suffix || below(suffix));
        match row {
            Some((_, name, trade)) => Self { name: (*name).to_owned(), trade: *trade },
            None => Self { name: label(host), trade: Mailboxes },
        }
    }
}

/// Whether hosts of these names belong to two operators or more; what is no name is left out.
pub fn unrelated<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let known = names.filter_map(|name| DomainName::parse(name).ok());
    known.map(|name| Operator::of(&name).name).collect::<BTreeSet<String>>().len() > 1
}

/// Whether two operators do the same work for one domain: a gateway in front of mailboxes, or a
/// spool behind them, is one part of a whole, two keepers of mailboxes are not.
pub fn are_mixed<'a>(operators: impl Iterator<Item = &'a Operator>) -> bool {
    let (mut gateways, mut keepers) = (BTreeSet::new(), BTreeSet::new());
    for Operator { name, trade } in operators {
        match trade {
            Gateway => _ = gateways.insert(name),
            Mailboxes => _ = keepers.insert(name),
            Spool => {}
        }
    }
    gateways.len() > 1 || keepers.len() > 1
}

/// `provider` of both `mx1.provider.example` and `mx2.provider.test`: one operator likes to have
/// its name under several suffixes.
fn label(host: &DomainName) -> String {
    let registrable = host.registrable();
    let name = registrable.as_ref().unwrap_or(host).as_str();
    name.split('.').next().unwrap_or(name).to_owned()
}

/// The suffix of a host's name, the operator behind it, and its trade; by suffix.
///
/// An operator goes by the registrable label of its best-known name, so that other hosts under
/// that label need no row unless their trade is not mailboxes.
const OPERATORS: &[(&str, &str, Trade)] = &[
    ("1and1.co.uk", "ionos", Mailboxes),
    ("1and1.com", "ionos", Mailboxes),
    ("antispamcloud.com", "spamexperts", Gateway),
    ("antispameurope.com", "hornetsecurity", Gateway),
    ("arsmtp.com", "zix", Gateway),
    ("barracudanetworks.com", "barracuda", Gateway),
    ("cudamail.com", "barracuda", Gateway),
    ("dnsexit.com", "dnsexit", Spool),
    ("expurgate.de", "expurgate", Gateway),
    ("expurgate.net", "expurgate", Gateway),
    ("fireeyecloud.com", "trellix", Gateway),
    ("fortimail.com", "fortinet", Gateway),
    ("fortimailcloud.com", "fortinet", Gateway),
    ("googlemail.com", "google", Mailboxes),
    ("gpphosted.com", "proofpoint", Gateway),
    ("hornetsecurity.com", "hornetsecurity", Gateway),
    ("hotmail.com", "outlook", Mailboxes),
    ("iphmx.com", "cisco", Gateway),
    ("kundenserver.de", "ionos", Mailboxes),
    ("mailcontrol.com", "forcepoint", Gateway),
    ("mailhop.org", "dyn", Spool),
    ("mailroute.net", "mailroute", Gateway),
    ("messagelabs.com", "messagelabs", Gateway),
    ("mimecast-offshore.com", "mimecast", Gateway),
    ("mimecast.co.za", "mimecast", Gateway),
    ("mimecast.com", "mimecast", Gateway),
    ("mx.microsoft", "outlook", Mailboxes),
    ("mxhichina.com", "aliyun", Mailboxes),
    ("mxrecord.io", "cloudflare", Gateway),
    ("mxrecord.mx", "cloudflare", Gateway),
    ("nospamproxy.com", "nospamproxy", Gateway),
    ("office365.us", "outlook", Mailboxes),
    ("perfora.net", "ionos", Mailboxes),
    ("ppe-hosted.com", "proofpoint", Gateway),
    ("pphosted.com", "proofpoint", Gateway),
    ("reflexion.net", "sophos", Gateway),
    ("retarus.com", "retarus", Gateway),
    ("rollernet.us", "rollernet", Spool),
    ("seppmail.cloud", "seppmail", Gateway),
    ("sophos.com", "sophos", Gateway),
    ("spamexperts.com", "spamexperts", Gateway),
    ("spamexperts.eu", "spamexperts", Gateway),
    ("spamexperts.net", "spamexperts", Gateway),
    ("spamhero.com", "spamhero", Gateway),
    ("spamtitan.com", "spamtitan", Gateway),
    ("trendmicro.co.jp", "trendmicro", Gateway),
    ("trendmicro.com", "trendmicro", Gateway),
    ("trendmicro.eu", "trendmicro", Gateway),
    ("vadesecure.com", "hornetsecurity", Gateway),
    ("zixmail.net", "zix", Gateway),
    ("zixsmbhosted.com", "zix", Gateway),
    ("zohomail.com", "zoho", Mailboxes),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(host: &str) -> Operator {
        Operator::of(&DomainName::parse(host).unwrap())
    }

    #[test]
    fn every_row_is_found_and_none_hides_another() {
        assert!(OPERATORS.is_sorted_by(|one, next| one.0 < next.0));
        for (suffix, name, trade) in OPERATORS {
            let want = Operator { name: (*name).to_owned(), trade: *trade };
            assert_eq!(operator(&format!("mx1.{suffix}")), want, "{suffix}");
        }
    }

    #[test]
    fn a_suffix_ends_at_a_label() {
        for (suffix, name, _) in OPERATORS {
            assert_ne!(operator(&format!("mx1.not{suffix}")).name, *name);
        }
    }

    #[test]
    fn a_gateway_in_front_or_a_spool_behind_is_not_mixed() {
        let first = |trade| OPERATORS.iter().find(|row| row.2 == trade).unwrap().0;
        let other =
            |name| OPERATORS.iter().find(|row| row.2 == Gateway && row.1 != name).unwrap().0;
        let (gateway, spool) = (first(Gateway), first(Spool));
        let second = other(operator(gateway).name.as_str());
        for (hosts, want) in [
            ([gateway, "mx.one.example"], false),
            (["mx.one.example", spool], false),
            (["mx1.one.example", "mx2.one.example"], false),
            ([gateway, second], true),
            (["mx.one.example", "mx.two.example"], true),
        ] {
            let operators = hosts.map(operator);
            assert_eq!(are_mixed(operators.iter()), want, "{hosts:?}");
        }
    }

    #[test]
    fn hosts_of_nobody_known_are_told_apart_by_their_registrable_label() {
        for (one, other, same) in [
            ("mx1.one.example", "mx2.one.example", true),
            ("mx1.one.example", "mx1.one.co.uk", true),
            ("mx1.one.example", "mx1.two.example", false),
        ] {
            assert_eq!(operator(one) == operator(other), same, "{one} and {other}");
        }
        assert_eq!(operator("mx1.one.example").trade, Mailboxes);
    }
}
