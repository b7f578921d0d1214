//! Every rule, one row each: code, name, severity, check. The page comes with the name.
//!
//! The order here is the order in reports and documents. Codes and names are never reused.

use Severity::{Critical, High, Info, Low, Medium, Unproven};

use super::{
    Case, Severity, View, alike, cert, dane, expected, fail, floor, grade, greylisting, mx, net,
    rcpt, renewal, sts, tls, us, zone,
};

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
        "the exchange is not a host name; low for an underscore in a name that resolves";
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
    "MX14" "nameservers-disagree-on-mx" Medium zone::nameservers_disagree_on_mx:
        "the domain's own name servers give different MX sets";
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
    "MX21" "unexpected-host" High expected::unexpected_host:
        "a host stands in the MX set that its owner did not name";
    "MX22" "old-host-still-accepts" Medium mx::old_host_still_accepts:
        "a host outside the MX set takes the domain's mail";
    "MX23" "domain-does-not-exist" Critical mx::domain_does_not_exist:
        "the domain does not exist";
    "MX24" "mx-lookup-bogus" Critical zone::mx_lookup_bogus:
        "DNSSEC validation of the MX answer fails: senders that validate deliver nothing";
    "MX25" "nameserver-fails" Low zone::nameserver_fails:
        "one of the domain's name servers is lame, refuses or does not answer";
    "MX26" "domain-without-mail-host" Critical mx::domain_without_mail_host:
        "the domain has neither MX nor address records: all mail bounces";
    "MX27" "expected-host-missing" High expected::expected_host_missing:
        "a host that the owner named does not stand in the MX set";
    "MX28" "host-lookup-bogus" Critical zone::host_lookup_bogus:
        "DNSSEC validation of a host's addresses fails: senders that validate skip it";

    // NET: reaching and greeting.
    "NET01" "host-unreachable" High net::host_unreachable:
        "no address of the host takes a connection; critical if no host does";
    "NET02" "address-unreachable" Medium net::address_unreachable:
        "one address of a host takes no connection";
    "NET03" "greeting-refuses" High net::greeting_refuses:
        "the greeting is a refusal on all visits, and not about the prober";
    "NET04" "greeting-slow" Medium net::greeting_slow:
        "the greeting takes five seconds or more; info below thirty";
    "NET05" "greeting-without-name" Low net::greeting_without_name:
        "the first word of the greeting is no host name";
    "NET06" "software-version-shown" Info net::software_version_shown:
        "the greeting tells product and version";
    "NET07" "software-differs" Low net::software_differs:
        "the backup runs another product or version than the primary";
    "NET08" "ehlo-refused" High net::ehlo_refused:
        "EHLO is refused and HELO works: no extensions, so no STARTTLS";
    "NET09" "size-limit-smaller-on-backup" Medium net::size_limit_smaller_on_backup:
        "the backup takes smaller messages than the primary";
    "NET10" "extension-missing-on-backup" Low net::extension_missing_on_backup:
        "the backup lacks an extension of the primary; medium for SMTPUTF8 and 8BITMIME";
    "NET11" "auth-offered-in-clear" Medium net::auth_offered_in_clear:
        "AUTH is offered before TLS";
    "NET12" "reply-malformed" Low net::reply_malformed:
        "a reply breaks the form of SMTP: mixed codes, bare LF, over-long line";
    "NET13" "addresses-differ" Medium alike::addresses_differ:
        "addresses of one name differ in acceptance, TLS, certificate or extensions";
    "NET14" "tier-members-differ" Medium alike::tier_members_differ:
        "hosts of one preference differ in acceptance, TLS, certificate or extensions";
    "NET15" "requiretls-partial" Low net::requiretls_partial:
        "REQUIRETLS is offered by some hosts only";
    "NET16" "greeting-missing" High net::greeting_missing:
        "the connection stands, but no greeting comes; medium if another address greets";

    // RCPT: who takes the mail.
    "RCPT01" "backup-refuses-domain" Critical rcpt::backup_refuses_domain:
        "a backup does not serve the domain, while another host takes its mail";
    "RCPT02" "backup-refuses-recipient" Critical rcpt::backup_refuses_recipient:
        "a recipient is unknown to a backup, while another host takes it";
    "RCPT03" "primary-refuses-recipient" Critical rcpt::primary_refuses_recipient:
        "a primary refuses a recipient for good that a backup takes: nobody fails over on that";
    "RCPT04" "domain-refused-everywhere" Critical rcpt::domain_refused_everywhere:
        "every host that answered refuses the domain; high where all say only for now";
    "RCPT05" "backup-accepts-anyone" High rcpt::backup_accepts_anyone:
        "a backup takes recipients that do not exist, the primary refuses them";
    "RCPT06" "primary-accepts-anyone" Medium rcpt::primary_accepts_anyone:
        "a primary takes recipients that do not exist, a backup refuses them";
    "RCPT07" "every-host-accepts-anyone" Info rcpt::every_host_accepts_anyone:
        "every host takes recipients that do not exist: acceptance proves less";
    "RCPT08" "null-sender-refused" High rcpt::null_sender_refused:
        "the empty sender is refused: bounces cannot arrive";
    "RCPT09" "postmaster-refused" High rcpt::postmaster_refused:
        "postmaster is refused";
    "RCPT10" "backup-defers" Medium rcpt::backup_defers:
        "a backup defers a real recipient on two visits, and not by greylisting";
    "RCPT11" "greylisting-differs" Low greylisting::greylisting_differs:
        "strangers wait at one tier only, as earlier runs show";
    "RCPT12" "tls-required-before-mail" Info rcpt::tls_required_before_mail:
        "no mail is taken before STARTTLS";
    "RCPT13" "open-relay" Critical rcpt::open_relay:
        "the relay test was accepted";
    "RCPT14" "sacrificial-host" Info rcpt::sacrificial_host:
        "a host that defers on purpose: its answers say nothing about failover";
    "RCPT15" "expectation-broken" Medium expected::expectation_broken:
        "a host does not do what its owner said it does; high if it should take mail";
    "RCPT16" "primary-defers" Medium rcpt::primary_defers:
        "a primary defers a real recipient on two visits, and not by greylisting";
    "RCPT17" "recipient-refused-everywhere" High rcpt::recipient_refused_everywhere:
        "a recipient that should be taken is unknown to every host that answered";

    // TLS: what protects it on the way.
    "TLS01" "starttls-missing" High tls::starttls_missing: "STARTTLS is not offered: mail travels in clear text";
    "TLS02" "backup-without-starttls" High tls::backup_without_starttls: "the primary offers STARTTLS, the backup does not";
    "TLS03" "starttls-broken" High tls::starttls_broken: "STARTTLS is offered, but no TLS session comes of it";
    "TLS04" "starttls-intermittent" Medium tls::starttls_intermittent: "STARTTLS works on some visits and not on others";
    "TLS05" "plaintext-after-starttls" High tls::plaintext_after_starttls: "clear text arrives between the reply to STARTTLS and the handshake";
    "TLS06" "backup-lower-tls-version" Medium tls::backup_lower_tls_version: "the backup's best TLS version is older than the primary's";
    "TLS07" "backup-lower-tls-floor" Medium floor::backup_lower_tls_floor: "the backup takes an older TLS version than the primary does";
    "TLS08" "obsolete-tls-accepted" Medium floor::obsolete_tls_accepted: "TLS 1.0 or 1.1 is taken as well; high for SSL 3.0";
    "TLS09" "only-obsolete-tls" High tls::only_obsolete_tls: "nothing from TLS 1.2 up is spoken";
    "TLS10" "weak-cipher-accepted" Medium floor::weak_cipher_accepted: "static keys, CBC with SHA-1, 3DES or worse are taken; high for RC4, DES, export and none";
    "TLS11" "backup-weaker-ciphers" Medium floor::backup_weaker_ciphers: "the backup takes a weaker class of ciphers than the primary does";
    "TLS12" "weak-key-exchange" Medium floor::weak_key_exchange: "Diffie-Hellman below 2048 bits or with a home-made prime; high below 1024";
    "TLS13" "no-extended-master-secret" Low floor::no_extended_master_secret: "TLS 1.2 without the extended master secret";
    "TLS14" "insecure-renegotiation" Medium floor::insecure_renegotiation: "TLS 1.2 or older without secure renegotiation";
    "TLS15" "tls-compression" Medium floor::tls_compression: "TLS compression is taken";
    "TLS16" "large-hello-intolerant" Medium tls::large_hello_intolerant: "TLS works only when the client opens it with a small hello";
    "TLS17" "no-post-quantum-group" Info tls::no_post_quantum_group: "no key exchange that withstands quantum computers";
    "TLS18" "starttls-stripped" High tls::starttls_stripped: "a device on the way blots STARTTLS out";
    "TLS19" "starttls-injection" High tls::starttls_injection: "a command sent in clear right behind STARTTLS is carried out inside TLS";
    "TLS20" "profile-not-met" Medium grade::profile_not_met: "the host falls short of the TLS guideline that --profile names; how bad depends on the level";
    "TLS21" "downgrade-unnoticed" Low floor::downgrade_unnoticed: "a hello that calls itself a second try is taken below the best version; info where marked";

    // CERT: who it is handed to.
    "CERT01" "certificate-expired" Low cert::certificate_expired: "the certificate has run out";
    "CERT02" "certificate-expiring" Medium renewal::certificate_expiring: "the certificate runs out soon, measured by its lifetime";
    "CERT03" "certificate-untrusted" Info cert::certificate_untrusted: "the certificate comes from nobody that senders know";
    "CERT04" "certificate-name-mismatch" Info cert::certificate_name_mismatch: "the certificate is for other names than the MX name";
    "CERT05" "backup-certificate-weaker" Medium cert::backup_certificate_weaker: "the primary's certificate verifies, the backup's does not";
    "CERT06" "certificate-key-short" High cert::certificate_key_short: "a key of the chain is too short to resist";
    "CERT07" "certificate-signature-weak" High cert::certificate_signature_weak: "a certificate of the chain is signed with a broken hash";
    "CERT08" "certificate-chain-incomplete" Low cert::certificate_chain_incomplete: "the server does not send the issuer of its certificate";
    "CERT09" "renewal-lags-on-backup" Low renewal::renewal_lags_on_backup: "the primary's certificate was renewed, the backup's was not";

    // DANE: what TLSA records promise.
    "DANE01" "tlsa-mismatch" Critical dane::tlsa_mismatch:
        "no usable TLSA record matches the certificates of an address: senders that validate skip it";
    "DANE02" "backup-without-tlsa" Medium dane::backup_without_tlsa:
        "some hosts have TLSA records and this one has none: an attacker steers mail to it";
    "DANE03" "tlsa-unusable" Medium dane::tlsa_unusable:
        "no TLSA record of the host is usable for mail: wrong usage, or malformed";
    "DANE04" "tlsa-unsigned" Low dane::tlsa_unsigned:
        "TLSA records that DNSSEC does not vouch for: senders ignore them";
    "DANE05" "tlsa-lookup-fails" Critical dane::tlsa_lookup_fails:
        "the TLSA look-up fails for a signed host: senders that validate skip it";
    "DANE06" "tlsa-without-starttls" Critical dane::tlsa_without_starttls:
        "TLSA records demand TLS, and STARTTLS is not offered or does not work";
    "DANE07" "tlsa-issuer-not-sent" High dane::tlsa_issuer_not_sent:
        "the TLSA records name an issuer that the server does not send";
    "DANE08" "tlsa-no-spare" Info dane::tlsa_no_spare:
        "one TLSA record only: no room to change the key";
    "DANE09" "mx-zone-unsigned" Low dane::mx_zone_unsigned:
        "the domain is signed, the host's zone is not: no DANE for this host";

    // STS and RPT: what MTA-STS and TLS reports promise.
    "STS01" "sts-record-invalid" Medium sts::sts_record_invalid:
        "not exactly one valid _mta-sts record: senders see no policy";
    "STS02" "sts-policy-unavailable" Medium sts::sts_policy_unavailable:
        "the MTA-STS policy cannot be fetched";
    "STS03" "sts-policy-invalid" Medium sts::sts_policy_invalid:
        "the MTA-STS policy has faults that some or all senders stumble over";
    "STS04" "host-missing-from-sts-policy" High sts::host_missing_from_sts_policy:
        "no mx of the MTA-STS policy names the host";
    "STS05" "host-fails-sts" High sts::host_fails_sts:
        "the MTA-STS policy names the host, and its TLS or certificate fails";
    "STS06" "sts-pattern-unused" Info sts::sts_pattern_unused:
        "an mx of the policy names no host of the domain";
    "STS07" "sts-not-enforced" Info sts::sts_not_enforced:
        "the policy is in mode testing or none: it protects nothing";
    "STS08" "sts-max-age-short" Low sts::sts_max_age_short:
        "senders forget the policy within a day";
    "RPT01" "tlsrpt-missing" Low sts::tlsrpt_missing:
        "DANE or MTA-STS without TLS-RPT: nobody reports what fails";
    "RPT02" "tlsrpt-invalid" Low sts::tlsrpt_invalid:
        "the TLS-RPT record does not hold";

    // FAIL: what senders would do.
    "FAIL01" "failover-bounces" Critical fail::failover_bounces:
        "with the primary down a backup turns mail away for good: worse than no backup";
    "FAIL02" "hiccup-bounces" Critical fail::hiccup_bounces:
        "the primary defers, and the next host turns that into a bounce";
    "FAIL03" "failover-broken" Critical fail::failover_broken:
        "with the primary down no sender delivers";
    "FAIL04" "no-failover-for-verifying-senders" High fail::no_failover_for_verifying_senders:
        "with the primary down senders of DANE or MTA-STS have nowhere to go, although others do";
    "FAIL05" "failover-in-clear" High fail::failover_in_clear:
        "encrypted today, in clear text once the primary is down";
    "FAIL06" "host-never-reached" Medium fail::host_never_reached:
        "some senders stop before they get to the host; low where only rare ones do";
    "FAIL07" "slow-failover" Low fail::slow_failover:
        "silent addresses ahead of the backup cost senders minutes at every attempt";

    // US: about the prober, never about them.
    "US01" "port-25-closed-here" Unproven us::port_25_closed_here:
        "our own port 25 seems closed: the control or every unrelated host fails at connect";
    "US02" "identity-unconfirmed" Info us::identity_unconfirmed:
        "EHLO name, reverse name or sender domain of this prober do not hold";
    "US03" "prober-rejected" Unproven us::prober_rejected:
        "a reply names our address, name, sender or a block list";
    "US04" "no-ipv6-here" Info us::no_ipv6_here:
        "no IPv6 from here: IPv6 addresses were not visited";
    "US05" "waiver-expired" Low expected::waiver_expired:
        "the last day of a waiver has passed: it hides nothing any more";
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
