//! Coverage of promises: what could not be looked up, and whose fault that can be.
//!
//! Of what was looked up it says nothing.

use super::Unseen;
use crate::survey::{Blame, DnsFault, Host, NameServers, OwnAnswer, Published, Security, Survey};

/// What could not be learnt of the domain's promises. Each of these alone keeps no other back.
pub fn of_domain(survey: &Survey) -> Vec<Unseen> {
    let (domain, policies) = (survey.domain.as_str(), &survey.policies);
    let about = |name: &str, why: String, blame| Unseen {
        host: name.to_owned(),
        address: None,
        why,
        blame,
    };
    let mut all = Vec::new();
    all.extend(unvalidated(domain, &policies.mx));
    for (label, texts) in [
        ("_mta-sts.", &policies.sts.record),
        ("_smtp._tls.", &policies.tls_rpt),
        ("", &policies.spf),
        ("_dmarc.", &policies.dmarc),
    ] {
        let fault = texts.fault();
        let failed = |fault: &DnsFault| {
            let why = format!("TXT look-up failed: {fault}");
            about(&format!("{label}{domain}"), why, fault.blame())
        };
        all.extend(fault.map(failed));
    }
    let fetch = policies.sts.policy.as_ref();
    let missed = fetch.and_then(|fetch| Some((&fetch.url, fetch.fault()?)));
    all.extend(missed.map(|(url, fault)| {
        about(url, format!("MTA-STS policy not fetched: {fault}"), fault.blame())
    }));
    all.extend(silent_servers(domain, &policies.name_servers));
    all
}

/// Name servers that told nothing. Where none answered, it is our way out that is in doubt.
fn silent_servers(domain: &str, servers: &NameServers) -> Vec<Unseen> {
    let about = |host: &str, address, why: String, blame| Unseen {
        host: host.to_owned(),
        address,
        why,
        blame,
    };
    let servers = match servers {
        NameServers::Asked(servers) => servers,
        NameServers::Failed(fault) => {
            let why = format!("NS look-up failed: {fault}");
            return vec![about(domain, None, why, fault.blame())];
        }
        NameServers::NotAsked => return Vec::new(),
    };
    let heard =
        |answer: &OwnAnswer| matches!(answer, OwnAnswer::NoSuchName | OwnAnswer::Records(_));
    let none = !servers.iter().any(|server| heard(&server.answer));
    let unseen = servers.iter().filter_map(|server| match &server.answer {
        OwnAnswer::Failed(fault) => {
            let why = format!("name server told nothing: {fault}");
            let blame = if none { fault.blame().max(Blame::Path) } else { fault.blame() };
            Some(about(&server.name, server.address, why, blame))
        }
        OwnAnswer::SpecialPurpose(registry) => {
            let why = format!("name server not asked: not a public address ({registry})");
            Some(about(&server.name, server.address, why, Blame::Peer))
        }
        OwnAnswer::NoSuchName | OwnAnswer::Records(_) => None,
    });
    unseen.collect()
}

/// What could not be learnt of one host's.
pub fn of_host(host: &Host) -> Vec<Unseen> {
    let failed = host.tlsa.iter().filter_map(|lookup| {
        let fault = lookup.answer.fault()?;
        Some(Unseen {
            host: host.name.clone(),
            address: None,
            why: format!("TLSA look-up failed: {fault}"),
            blame: fault.blame(),
        })
    });
    let unproven = host.tlsa.iter().filter_map(|lookup| match &lookup.answer {
        Published::Absent { security } | Published::Found { security, .. } => {
            unvalidated(&host.name, security)
        }
        Published::Failed(_) | Published::NotAsked => None,
    });
    unvalidated(&host.name, &host.security).into_iter().chain(failed).chain(unproven).collect()
}

/// The resolver, or the way to it, did not let us validate: ours to mend.
fn unvalidated(name: &str, security: &Security) -> Option<Unseen> {
    let Security::Undetermined(why) = security else { return None };
    Some(Unseen {
        host: name.to_owned(),
        address: None,
        why: format!("DNSSEC could not be validated: {why}"),
        blame: Blame::Us,
    })
}
