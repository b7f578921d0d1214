//! What a rule has to see before its silence is a pass, and whether that was seen.
//!
//! A row a rule or a family of rules. Judges nothing.

use crate::{
    report::{Failover, Report},
    rules::{Rule, View, attribution::Acceptance, promise, view::Seat},
    survey::{MxLookup, NameServers, Published, Purpose, RecipientKind},
};

/// What a rule has to see at a place before its silence means anything.
#[derive(Clone, Copy)]
pub enum Need {
    /// That the host was visited at all.
    Contact,
    Expectation,
    /// That failover is known.
    Forecast,
    /// Hellos made for the weakest that is taken.
    Floor,
    Handshake,
    Hello,
    Injection,
    Memory,
    Mx,
    NameServers,
    NullSender,
    Profile,
    Recipient(RecipientKind),
    StsPolicy,
    StsRecord,
    /// TLSA records that senders go by.
    Tlsa,
    TlsRpt,
}

/// Codes, whole or by their beginning, with what the rules look at: at every host, or at the domain as
/// a whole. The first that fits counts.
const NEEDS: &[(&str, Place, Need)] = &[
    ("MX14", Place::Domain, Need::NameServers),
    ("MX25", Place::Domain, Need::NameServers),
    ("MX21", Place::Domain, Need::Expectation),
    ("MX27", Place::Domain, Need::Expectation),
    ("MX", Place::Domain, Need::Mx),
    ("NET01", Place::Host, Need::Contact),
    ("NET02", Place::Host, Need::Contact),
    ("NET03", Place::Host, Need::Contact),
    ("NET14", Place::Domain, Need::Mx),
    ("NET", Place::Host, Need::Hello),
    ("RCPT04", Place::Domain, Need::Mx),
    ("RCPT05", Place::Host, Need::Recipient(RecipientKind::Nonsense)),
    ("RCPT06", Place::Host, Need::Recipient(RecipientKind::Nonsense)),
    ("RCPT07", Place::Domain, Need::Mx),
    ("RCPT08", Place::Host, Need::NullSender),
    ("RCPT09", Place::Host, Need::Recipient(RecipientKind::Postmaster)),
    ("RCPT11", Place::Host, Need::Memory),
    ("RCPT13", Place::Host, Need::Recipient(RecipientKind::Relay)),
    ("RCPT15", Place::Host, Need::Expectation),
    ("RCPT17", Place::Domain, Need::Mx),
    ("RCPT", Place::Host, Need::Recipient(RecipientKind::Real)),
    ("TLS01", Place::Host, Need::Hello),
    ("TLS02", Place::Host, Need::Hello),
    ("TLS03", Place::Host, Need::Hello),
    ("TLS04", Place::Host, Need::Hello),
    ("TLS18", Place::Host, Need::Hello),
    ("TLS19", Place::Host, Need::Injection),
    ("TLS20", Place::Host, Need::Profile),
    ("TLS05", Place::Host, Need::Handshake),
    ("TLS06", Place::Host, Need::Handshake),
    ("TLS09", Place::Host, Need::Handshake),
    ("TLS16", Place::Host, Need::Handshake),
    ("TLS17", Place::Host, Need::Handshake),
    ("TLS", Place::Host, Need::Floor),
    ("CERT", Place::Host, Need::Handshake),
    ("DANE", Place::Host, Need::Tlsa),
    ("FAIL", Place::Domain, Need::Forecast),
    ("STS01", Place::Domain, Need::StsRecord),
    ("STS02", Place::Domain, Need::StsRecord),
    ("STS04", Place::Host, Need::StsPolicy),
    ("STS05", Place::Host, Need::StsPolicy),
    ("STS", Place::Domain, Need::StsPolicy),
    ("RPT", Place::Domain, Need::TlsRpt),
    ("US", Place::Domain, Need::Mx),
];

#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Place {
    Domain,
    Host,
}

/// Where a rule looks, and what for.
pub fn need(rule: &Rule) -> (Place, Need) {
    let row = NEEDS.iter().find(|(code, ..)| rule.code.starts_with(code));
    row.map_or((Place::Domain, Need::Mx), |(_, place, need)| (*place, *need))
}

/// Why the silence of a rule about the domain means nothing, where that is so.
pub fn unseen_domain(report: &Report, view: &View<'_>, need: Need) -> Option<String> {
    let survey = &report.survey;
    let policies = &survey.policies;
    if let MxLookup::Failed { fault } = &survey.mx {
        return Some(format!("MX look-up failed: {fault}"));
    }
    match need {
        Need::Expectation => survey
            .asked
            .expected
            .hosts
            .is_empty()
            .then(|| "no hosts are named in the settings".to_owned()),
        Need::Forecast => (report.verdict.failover == Failover::Unproven)
            .then(|| "what senders would do is unproven".to_owned()),
        Need::NameServers => match &policies.name_servers {
            NameServers::Asked(_) => None,
            NameServers::Failed(fault) => Some(format!("name servers unknown: {fault}")),
            NameServers::NotAsked => Some("name servers not asked".to_owned()),
        },
        Need::StsPolicy if view.sts().is_none() => Some("no MTA-STS policy was read".to_owned()),
        Need::StsRecord => unpublished(&policies.sts.record),
        Need::TlsRpt => unpublished(&policies.tls_rpt),
        _ => None,
    }
}

fn unpublished<T>(published: &Published<T>) -> Option<String> {
    match published {
        Published::Found { .. } | Published::Absent { .. } => None,
        Published::Failed(fault) => Some(format!("look-up failed: {fault}")),
        Published::NotAsked => Some("not looked up".to_owned()),
    }
}

/// Why the silence of a rule about a host means nothing, where that is so.
pub fn unseen_host(
    report: &Report,
    view: &View<'_>,
    seat: &Seat<'_>,
    need: Need,
) -> Option<String> {
    let visits = || seat.host.addresses.iter().flat_map(|endpoint| &endpoint.observations);
    let endpoints = || seat.host.addresses.iter();
    let survey = &report.survey;
    let (is_seen, else_why) = match need {
        Need::Contact => {
            (endpoints().any(|endpoint| endpoint.answers() == Some(true)), "no address answered")
        }
        Need::Expectation => (
            survey.asked.expected.of(&seat.host.name).is_some(),
            "nothing is expected of it in the settings",
        ),
        Need::Floor => (
            endpoints().any(|endpoint| endpoint.exchanges().next().is_some()),
            "no TLS hellos were tried",
        ),
        Need::Handshake => {
            (endpoints().any(|endpoint| endpoint.handshake().is_some()), "no TLS session was seen")
        }
        Need::Hello => {
            (endpoints().any(|endpoint| endpoint.hello().is_some()), "EHLO was not answered")
        }
        Need::Injection => {
            (visits().any(|visit| visit.injection.is_some()), "only tried with --depth full")
        }
        Need::Memory => (survey.asked.memory.is_some(), "only known to runs with --state"),
        Need::NullSender => (
            visits().any(|visit| visit.purpose == Purpose::NullSender),
            "the null sender was not tried",
        ),
        Need::Profile => (report.profile.is_some(), "no guideline was chosen with --profile"),
        Need::Recipient(kind) => {
            let seen = |spot| view.acceptance(&spot, kind).acceptance != Acceptance::Unseen;
            (seat.spots().any(seen), "such a recipient was not asked about, or without an answer")
        }
        Need::StsPolicy => (view.sts().is_some(), "no MTA-STS policy was read"),
        Need::Tlsa => (promise::tlsa(seat.host).is_some(), "no TLSA record that senders go by"),
        Need::Forecast | Need::Mx | Need::NameServers | Need::StsRecord | Need::TlsRpt => {
            return unseen_domain(report, view, need);
        }
    };
    if is_seen {
        return None;
    }
    // Why it was not seen says more than what was not seen.
    let unseen = report.coverage.unseen.iter().find(|unseen| unseen.host == seat.host.name);
    let visited = matches!(
        need,
        Need::Contact | Need::Floor | Need::Handshake | Need::Hello | Need::Recipient(_)
    );
    Some(match unseen.filter(|_| visited) {
        Some(unseen) => format!("{else_why}: {}", unseen.why),
        None => else_why.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::CATALOGUE;

    #[test]
    fn every_rule_has_a_row_that_says_what_it_looks_at() {
        for rule in CATALOGUE {
            assert!(NEEDS.iter().any(|(code, ..)| rule.code.starts_with(code)), "{}", rule.code);
        }
    }
}
