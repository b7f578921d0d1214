//! Every rule, one row each: code, name, severity, check. The page comes with the name.
//!
//! The order here is the order in reports and documents. Codes and names are never reused.

use Severity::{Critical, High, Info, Low, Medium, Unproven};

use super::{Case, Severity, View, cert, mx, net, rcpt, tls, us};

/// One rule.
pub struct Rule {
    /// Area and two digits.
    pub code: &'static str,
    /// The bad thing, in kebab-case.
    pub name: &'static str,
    /// The severity unless the check gives a case another.
    pub severity: Severity,
    /// One line: when it fires.
    pub summary: &'static str,
    /// Its explanation, in Markdown.
    pub page: &'static str,
    pub check: fn(&View<'_>) -> Vec<Case>,
}

/// A row; the page is named after the rule, so a rule without one does not build.
macro_rules! rules {
    ($($code:literal $name:literal $severity:ident $check:path: $summary:literal;)*) => {
        &[$(Rule {
            code: $code,
            name: $name,
            severity: $severity,
            summary: $summary,
            page: include_str!(concat!("pages/", $name, ".md")),
            check: $check,
        }),*]
    };
}

pub static CATALOGUE: &[Rule] = rules! {
    // MX: what DNS says.
    "MX01" "single-mail-host" Low mx::single_mail_host:
        "one host with one address: nothing to fail over to";
    "MX02" "single-tier" Info mx::single_tier:
        "several hosts, one preference: load sharing, no backup tier";
    "MX03" "null-mx-beside-others" Critical mx::null_mx_beside_others:
        "a null MX stands next to real ones: some senders then refuse all mail";
    "MX04" "null-mx-preference-not-zero" Low mx::null_mx_preference_not_zero:
        "the null MX has another preference than 0";
    "MX05" "mx-is-alias" Medium mx::mx_is_alias:
        "the exchange name is a CNAME";
    "MX06" "mx-is-address-literal" High mx::mx_is_address_literal:
        "the exchange looks like an IP address";
    "MX07" "mx-name-invalid" High mx::mx_name_invalid:
        "the exchange is not a host name";
    "MX08" "mx-without-address" High mx::mx_without_address:
        "the host has no A and no AAAA record; critical if none has";
    "MX09" "mx-name-unregistered" Critical mx::mx_name_unregistered:
        "the host's registrable domain does not exist: anyone may take it over";
    "MX10" "mx-address-not-public" High mx::mx_address_not_public:
        "the host has a special-purpose address, out of reach from the internet";
    "MX11" "hosts-share-address" Medium mx::hosts_share_address:
        "two names of different tiers end on one address: no real failover";
    "MX12" "duplicate-mx" Low mx::duplicate_mx:
        "one name stands under two preferences";
    "MX13" "hosts-share-network" Low mx::hosts_share_network:
        "all addresses stand in one /24 and one /48";
    "MX15" "mixed-providers" Medium mx::mixed_providers:
        "hosts of unrelated operators, none of them the domain's own: often an unfinished migration";
    "MX16" "crowded-preferences" Info mx::crowded_preferences:
        "consecutive preferences leave no room to insert a host";
    "MX17" "too-many-hosts" Info mx::too_many_hosts:
        "more than five hosts";
    "MX18" "implicit-mx" Info mx::implicit_mx:
        "no MX record: the domain's own address takes the mail";
    "MX19" "reverse-name-missing" Low mx::reverse_name_missing:
        "an address has no reverse name, or one that does not point back";
    "MX20" "backup-without-ipv6" Low mx::backup_without_ipv6:
        "primary answers on IPv6 and backup does not, or the reverse";
    "MX22" "old-host-still-accepts" Medium mx::old_host_still_accepts:
        "a host outside the MX set takes the domain's mail";
    "MX23" "domain-does-not-exist" Critical mx::domain_does_not_exist:
        "the domain does not exist";
    "MX26" "domain-without-mail-host" Critical mx::domain_without_mail_host:
        "the domain has neither MX nor address records: all mail bounces";

    // NET: reaching and greeting.

    // RCPT: who takes the mail.

    // TLS: what protects it on the way.

    // CERT: who it is handed to.

    // US: about the prober, never about them.
    "US01" "port-25-closed-here" Unproven us::port_25_closed_here:
        "our own port 25 seems closed: the control or every unrelated host fails at connect";
    "US02" "identity-unconfirmed" Info us::identity_unconfirmed:
        "EHLO name, reverse name or sender domain of this prober do not hold";
    "US03" "prober-rejected" Unproven us::prober_rejected:
        "a reply names our address, name, sender or a block list";
    "US04" "no-ipv6-here" Info us::no_ipv6_here:
        "no IPv6 from here: IPv6 addresses were not visited";
};

impl Rule {
    /// The rule of this code or name, whatever its case.
    pub fn find(word: &str) -> Option<&'static Self> {
        let matches = |rule: &&Self| {
            rule.code.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word)
        };
        CATALOGUE.iter().find(matches)
    }
}
