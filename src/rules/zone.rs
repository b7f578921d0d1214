//! MX rules about the zone behind the answers: do its name servers answer, do they agree, and do the
//! signatures hold?
//!
//! Where no name server answered us at all, our own way out is the likelier fault: many networks let
//! nothing but their resolver ask. Judges no record itself; see `mx`.

use std::collections::BTreeMap;

use super::{Case, Evidence, Subject, View, finding::Confidence, promise, view::Seat};
use crate::survey::{DnsFault, MxRecord, NameServer, NameServers, OwnAnswer, Security};

pub fn nameservers_disagree_on_mx(view: &View<'_>) -> Vec<Case> {
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for server in servers(view) {
        let said = match &server.answer {
            OwnAnswer::Records(records) => words(records),
            OwnAnswer::NoSuchName => "no such name".to_owned(),
            OwnAnswer::Failed(_) | OwnAnswer::SpecialPurpose(_) => continue,
        };
        answers.entry(said).or_default().push(called(server));
    }
    if answers.len() < 2 {
        return Vec::new();
    }
    let shown = |(said, servers): (String, Vec<String>)| {
        Evidence::plain("policies.name_servers", format_args!("{}: {said}", servers.join(", ")))
    };
    vec![answers.into_iter().map(shown).fold(Case::about(Subject::domain()), Case::seen)]
}

pub fn nameserver_fails(view: &View<'_>) -> Vec<Case> {
    // What answers in place of every server may stand in our own network.
    if !servers(view).any(answered) {
        return Vec::new();
    }
    let heard = |v4: bool| {
        let same =
            |server: &&NameServer| server.address.is_none_or(|address| address.is_ipv4() == v4);
        servers(view).filter(same).any(answered)
    };
    let (v4, v6) = (heard(true), heard(false));
    let mut evidence = Vec::new();
    let mut confidence = Confidence::High;
    for server in servers(view) {
        let (said, sure) = match &server.answer {
            OwnAnswer::NoSuchName
            | OwnAnswer::Records(_)
            | OwnAnswer::Failed(DnsFault::Interrupted | DnsFault::Unreachable(_)) => continue,
            OwnAnswer::SpecialPurpose(registry) => {
                (format!("not a public address ({registry})"), Confidence::High)
            }
            OwnAnswer::Failed(fault @ DnsFault::TimedOut) => {
                // Silence counts only where another server of the same family was heard.
                let heard =
                    server.address.is_none_or(|address| if address.is_ipv4() { v4 } else { v6 });
                if !heard {
                    continue;
                }
                (fault.to_string(), Confidence::Medium)
            }
            OwnAnswer::Failed(fault) => (fault.to_string(), Confidence::High),
        };
        confidence = confidence.min(sure);
        let saw = format!("{}: {said}", called(server));
        evidence.push(Evidence::plain("policies.name_servers", saw));
    }
    let case = Case::about(Subject::domain()).sure(confidence);
    if evidence.is_empty() { Vec::new() } else { vec![evidence.into_iter().fold(case, Case::seen)] }
}

pub fn mx_lookup_bogus(view: &View<'_>) -> Vec<Case> {
    let mx = &view.survey.policies.mx;
    let bogus = matches!(mx, Security::Bogus(_));
    let case = || Case::about(Subject::domain()).seen(Evidence::plain("policies.mx", mx));
    if bogus { vec![case()] } else { Vec::new() }
}

pub fn host_lookup_bogus(view: &View<'_>) -> Vec<Case> {
    let bogus = view.hosts().filter(|seat| matches!(seat.host.security, Security::Bogus(_)));
    let case =
        |seat: Seat<'_>| seat.case().seen(Evidence::plain("host.security", &seat.host.security));
    let holds =
        |seat: Seat<'_>| matches!(seat.host.security, Security::Insecure | Security::Secure);
    promise::compared(view, bogus.map(case).collect(), holds)
}

fn answered(server: &NameServer) -> bool {
    matches!(server.answer, OwnAnswer::NoSuchName | OwnAnswer::Records(_))
}

fn servers<'a>(view: &View<'a>) -> impl Iterator<Item = &'a NameServer> {
    let servers: &[NameServer] = match &view.survey.policies.name_servers {
        NameServers::Asked(servers) => servers,
        NameServers::Failed(_) | NameServers::NotAsked => &[],
    };
    servers.iter()
}

fn called(server: &NameServer) -> String {
    match server.address {
        Some(address) => format!("{} [{address}]", server.name),
        None => server.name.clone(),
    }
}

fn words(records: &[MxRecord]) -> String {
    let record = |record: &MxRecord| format!("{} {}", record.preference, record.exchange);
    let words: Vec<String> = records.iter().map(record).collect();
    if words.is_empty() { "no MX record".to_owned() } else { words.join(", ") }
}
