//! Coverage of promises: what could not be looked up, and whose fault that can be.
//!
//! Of what was looked up it says nothing.

use super::Unseen;
use crate::survey::{Blame, Host, MxLookup, NameServers, OwnAnswer, Published, Security, Survey};

/// What could not be learnt of the domain's promises. Each of these alone keeps no other back.
pub fn of_domain(survey: &Survey) -> Vec<Unseen> {
    let (domain, policies) = (survey.domain.as_str(), &survey.policies);
    let mut all = Vec::new();
    // A look-up that failed is told of by itself.
    if !matches!(survey.mx, MxLookup::Failed { .. }) {
        all.extend(unvalidated(domain, &policies.mx));
    }
    for (label, texts) in [
        ("_mta-sts.", &policies.sts.record),
        ("_smtp._tls.", &policies.tls_rpt),
        ("", &policies.spf),
        ("_dmarc.", &policies.dmarc),
    ] {
        let name = format!("{label}{domain}");
        match texts {
            Published::Failed(fault) => {
                all.push(about(&name, format!("TXT look-up failed: {fault}"), fault.blame()));
            }
            // Why nothing at all can be validated is said once.
            Published::Absent { security } | Published::Found { security, .. }
                if security.doubt() != policies.mx.doubt() =>
            {
                all.extend(unvalidated(&name, security));
            }
            Published::Absent { .. } | Published::Found { .. } | Published::NotAsked => {}
        }
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
    let servers = match servers {
        NameServers::Asked(servers) => servers,
        NameServers::Failed(fault) => {
            let why = format!("NS look-up failed: {fault}");
            return vec![about(domain, why, fault.blame())];
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
            Some(Unseen { address: server.address, ..about(&server.name, why, blame) })
        }
        OwnAnswer::SpecialPurpose(registry) => {
            let why = format!("name server not asked: not a public address ({registry})");
            Some(Unseen { address: server.address, ..about(&server.name, why, Blame::Peer) })
        }
        OwnAnswer::NoSuchName | OwnAnswer::Records(_) => None,
    });
    unseen.collect()
}

/// What could not be learnt of one host's.
pub fn of_host(host: &Host) -> Vec<Unseen> {
    let name = &host.name;
    // A look-up that failed is told of by itself.
    let addresses = unvalidated(name, &host.security).filter(|_| !host.is_unresolved());
    let tlsa = host.tlsa.iter().filter_map(|lookup| match &lookup.answer {
        Published::Absent { security } | Published::Found { security, .. } => {
            unvalidated(name, security)
        }
        Published::Failed(fault) => {
            Some(about(name, format!("TLSA look-up failed: {fault}"), fault.blame()))
        }
        Published::NotAsked => None,
    });
    addresses.into_iter().chain(tlsa).collect()
}

fn unvalidated(name: &str, security: &Security) -> Option<Unseen> {
    let (why, blame) = security.doubt()?;
    Some(about(name, format!("DNSSEC could not be validated: {why}"), blame))
}

fn about(host: &str, why: String, blame: Blame) -> Unseen {
    Unseen { host: host.to_owned(), address: None, why, blame }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample,
        smtp::Text,
        survey::{AddressAnswer, DnsFault, NameServer, Policies, TlsaLookup},
    };

    const OURS: &str = "the resolver passes no signatures on";

    fn ours() -> Security {
        Security::Undetermined(OURS.to_owned())
    }

    fn theirs() -> Security {
        Security::Unanswered { why: "DS of even.example: SERVFAIL".to_owned(), blame: Blame::Peer }
    }

    fn told(unseen: &[Unseen]) -> Vec<String> {
        unseen
            .iter()
            .map(|unseen| format!("{:?} {}: {}", unseen.blame, unseen.host, unseen.why))
            .collect()
    }

    fn domain(policies: Policies) -> Vec<String> {
        let host = sample::host("mx1.even.example", Vec::new());
        let mut survey = sample::survey(vec![(10, vec![host])]);
        survey.policies = policies;
        told(&of_domain(&survey))
    }

    #[test]
    fn what_cannot_be_validated_says_whose_fault_it_is_and_texts_say_it_where_they_differ() {
        let absent = |security| Published::Absent { security };
        let found = |security| Published::Found { records: vec![Text::from("v=spf1")], security };
        let policies = |mx, spf, dmarc| Policies { mx, spf, dmarc, ..Policies::default() };
        let why = "DNSSEC could not be validated:";
        for (policies, want) in [
            (
                policies(ours(), found(ours()), absent(ours())),
                vec![format!("Us even.example: {why} {OURS}")],
            ),
            (
                policies(Security::Secure, found(theirs()), absent(Security::Secure)),
                vec![format!("Peer even.example: {why} DS of even.example: SERVFAIL")],
            ),
            (
                policies(Security::Insecure, found(Security::Insecure), absent(ours())),
                vec![format!("Us _dmarc.even.example: {why} {OURS}")],
            ),
            (
                policies(
                    Security::Secure,
                    Published::Failed(DnsFault::TimedOut),
                    found(Security::Secure),
                ),
                vec!["Path even.example: TXT look-up failed: no answer in time".to_owned()],
            ),
        ] {
            assert_eq!(domain(policies), want);
        }
    }

    #[test]
    fn a_look_up_that_failed_is_not_told_of_again_as_one_that_was_not_validated() {
        let fault = DnsFault::TimedOut;
        let mut host = sample::host("mx1.even.example", Vec::new());
        host.security = Security::unanswered(&fault);
        assert_eq!(told(&of_host(&host)).len(), 1);
        host.aaaa = AddressAnswer::Failed(fault.clone());
        assert_eq!(told(&of_host(&host)), Vec::<String>::new());
        let lookup = |answer| TlsaLookup { base: host.name.clone(), answer };
        let answers = [Published::Failed(fault.clone()), Published::Absent { security: theirs() }];
        host.tlsa = answers.map(lookup).to_vec();
        let want = [
            "Path mx1.even.example: TLSA look-up failed: no answer in time",
            "Peer mx1.even.example: DNSSEC could not be validated: DS of even.example: SERVFAIL",
        ];
        assert_eq!(told(&of_host(&host)), want);
        let mut survey = sample::with_mx(MxLookup::Failed { fault: fault.clone() });
        survey.policies.mx = Security::unanswered(&fault);
        assert_eq!(told(&of_domain(&survey)), Vec::<String>::new());
    }

    /// A name server that was not asked has not been heard.
    #[test]
    fn where_no_name_server_was_heard_the_way_to_them_is_in_doubt() {
        let server = |number: u8, answer| NameServer {
            name: format!("ns{number}.even.example"),
            address: Some([192, 0, 2, 50 + number].into()),
            answer,
        };
        let private = || OwnAnswer::SpecialPurpose("Private-Use".to_owned());
        let lame = || OwnAnswer::Failed(DnsFault::Lame);
        for (other, blame) in [(private(), "Path"), (OwnAnswer::NoSuchName, "Peer")] {
            let servers = vec![server(1, lame()), server(2, other)];
            let policies =
                Policies { name_servers: NameServers::Asked(servers), ..Policies::default() };
            let want = format!(
                "{blame} ns1.even.example: name server told nothing: does not answer for the zone"
            );
            assert_eq!(domain(policies)[0], want);
        }
    }
}
