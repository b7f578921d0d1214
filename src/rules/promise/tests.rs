//! Promises of sketched surveys: which records count, whom senders pass over, and against what hosts
//! given by hand are held.

use super::{
    super::{sketch::*, tls},
    *,
};
use crate::{
    survey::{FaultKind, Fetched, PolicyFetch, PolicyFile, Survey},
    tls::{Certificate, Handshake, TrustFlaw},
};

/// A certificate whose digests are this octet, 32 times.
fn keyed(octet: u8) -> Certificate {
    let digest = format!("{octet:02x}").repeat(32);
    Certificate { sha256: digest.clone(), spki_sha256: digest, ..certificate(30, 90) }
}

fn record(usage: u8, octet: u8) -> TlsaRecord {
    TlsaRecord { usage, selector: 1, matching: 1, data: vec![octet; 32] }
}

fn found(base: &str, security: Security, records: Vec<TlsaRecord>) -> TlsaLookup {
    TlsaLookup { base: base.to_owned(), answer: Published::Found { records, security } }
}

fn hosts(survey: &mut Survey) -> Vec<&mut Host> {
    survey.mx.hosts_mut().collect()
}

/// Signed, with these records under its own name.
fn promise(host: &mut Host, records: Vec<TlsaRecord>) {
    host.security = Security::Secure;
    host.tlsa = vec![found(&host.name, Security::Secure, records)];
}

fn enforce(survey: &mut Survey, patterns: &[&str]) {
    let mx = patterns.join("\nmx: ");
    let body = format!("version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 604800\n");
    let file = PolicyFile { media_type: Some("text/plain".into()), body: body.as_str().into() };
    survey.policies.sts.policy = Some(PolicyFetch {
        url: "https://mta-sts.even.example/.well-known/mta-sts.txt".to_owned(),
        missed: Vec::new(),
        address: None,
        took_ms: 0,
        outcome: Fetched::Policy(file),
    });
}

fn by_hand(survey: &mut Survey) {
    let MxLookup::Published(set) = &mut survey.mx else { panic!("no set of hosts") };
    set.source = Source::ByHand;
}

fn skipped(survey: &Survey) -> Vec<Vec<Verifier>> {
    let view = View::of(survey);
    view.seats().map(|seat| passed_over_by(&view, seat)).collect()
}

#[test]
fn a_signed_alias_keeps_the_records_of_its_own_name_when_it_leads_out_of_what_is_signed() {
    let own = || found("mx1.even.example", Security::Secure, vec![record(3, 1)]);
    let behind = || found("mx.provider.example", Security::Secure, vec![record(3, 1)]);
    for (alias, security, lookup, counts) in [
        (true, Security::Insecure, own(), true),
        (true, Security::Secure, behind(), true),
        (true, Security::Insecure, behind(), false),
        (false, Security::Insecure, own(), false),
        (true, Security::Undetermined("no answer in time".to_owned()), own(), false),
    ] {
        let mut survey = alone(vec![shows(&[keyed(1)])]);
        let host = hosts(&mut survey).remove(0);
        host.alias = Vec::from_iter(alias.then(|| "mx.provider.example".to_owned()));
        (host.security, host.tlsa) = (security, vec![lookup]);
        let case = format!("{:?} {:?}", host.security, host.tlsa);
        assert_eq!(tlsa(host).is_some(), counts, "{case}");
        assert!(!counts || !is_bare(host), "{case}");
    }
}

#[test]
fn senders_of_dane_pass_over_whoever_breaks_it_at_each_address_that_answers() {
    let broken = || broke(FaultKind::TlsAlert(80));
    for (case, addresses, over) in [
        ("matches", vec![vec![shows(&[keyed(1)])]], false),
        ("mismatch", vec![vec![shows(&[keyed(2)])]], true),
        ("one address of two", vec![vec![shows(&[keyed(1)])], vec![shows(&[keyed(2)])]], false),
        ("TLS that breaks", vec![vec![broken(), broken()]], true),
        ("in clear", vec![vec![clear(), clear()]], true),
        ("not reached", vec![vec![unreached(FaultKind::TimedOut)]], false),
    ] {
        let mut survey = survey(vec![addresses]);
        promise(hosts(&mut survey).remove(0), vec![record(3, 1)]);
        let want = if over { vec![Verifier::Dane] } else { Vec::new() };
        assert_eq!(skipped(&survey), [want], "{case}");
    }
}

/// Nobody who validates gets an address of it.
#[test]
fn a_host_whose_addresses_are_bogus_is_passed_over() {
    let mut survey = alone(vec![shows(&[keyed(1)])]);
    hosts(&mut survey)[0].security = Security::Bogus("signature expired".to_owned());
    assert_eq!(skipped(&survey), [[Verifier::Dane]]);
}

#[test]
fn a_second_certificate_that_alone_fails_is_a_finding_and_keeps_no_sender_away() {
    let other = |handshake| {
        let mut visit = shows(&[keyed(1)]);
        visit.other_certificate = Some(crate::survey::Stage::Reached(handshake));
        alone(vec![visit])
    };
    let mut dane = other(handshake(&[keyed(2)]));
    promise(hosts(&mut dane).remove(0), vec![record(3, 1)]);
    let found = judged(&dane, dane::tlsa_mismatch);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains(": other_certificate.dane nothing that was sent"), "{found:?}");
    assert_eq!(skipped(&dane), [[]]);

    let flawed = Handshake { trust: vec![TrustFlaw::SelfSigned], ..handshake(&[keyed(2)]) };
    let mut sts = other(flawed);
    enforce(&mut sts, &["mx1.even.example"]);
    let want = "critical High mx1.even.example: other_certificate.trust self-signed; \
                policies.sts.policy mode: enforce";
    assert_eq!(judged(&sts, sts::host_fails_sts), [want]);
    assert_eq!(skipped(&sts), [[]]);
}

#[test]
fn only_usable_records_and_a_policy_that_names_the_host_cover_a_certificate() {
    let covered = |survey: &Survey| {
        let view = View::of(survey);
        view.seats().map(|seat| covers(&view, seat)).collect::<Vec<_>>()
    };
    for (records, want) in [
        (vec![record(3, 1)], true),
        (vec![record(1, 1), record(2, 1)], true),
        (vec![record(1, 1), TlsaRecord { data: vec![1], ..record(3, 1) }], false),
    ] {
        let mut survey = alone(vec![shows(&[keyed(1)])]);
        promise(hosts(&mut survey).remove(0), records);
        assert_eq!(covered(&survey), [want]);
    }
    let mut survey = survey(vec![vec![vec![]], vec![vec![]]]);
    enforce(&mut survey, &["mx2.even.example"]);
    assert_eq!(covered(&survey), [false, true]);
}

/// What is published stands for what is published: the set that is to come may be worth more or less.
#[test]
fn hosts_by_hand_are_not_held_against_the_security_of_the_published_set() {
    let pair = || vec![vec![vec![shows(&[keyed(1)])]], vec![vec![shows(&[keyed(1)])]]];
    let mut bare = survey(pair());
    bare.policies.mx = Security::Secure;
    bare.policies.tls_rpt = Published::Absent { security: Security::Secure };
    promise(hosts(&mut bare).remove(0), vec![record(3, 1)]);
    hosts(&mut bare)[1].security = Security::Insecure;
    let mut unsigned = survey(pair());
    unsigned.policies.mx = Security::Secure;
    hosts(&mut unsigned)[1].security = Security::Insecure;
    let count = |bare: &Survey, unsigned: &Survey| {
        [
            judged(bare, dane::backup_without_tlsa).len(),
            judged(unsigned, dane::mx_zone_unsigned).len(),
            judged(bare, sts::tlsrpt_missing).len(),
        ]
    };
    assert_eq!(count(&bare, &unsigned), [1, 1, 1]);
    by_hand(&mut bare);
    by_hand(&mut unsigned);
    assert_eq!(count(&bare, &unsigned), [0, 0, 0]);
}

/// Whether the name of the domain will do on a certificate depends on a record that is not there yet.
#[test]
fn no_certificate_is_accused_by_an_mx_record_that_is_to_come() {
    let of_domain = |security| {
        let leaf = Certificate { names: vec![Text::from("even.example")], ..keyed(1) };
        let issuer = Certificate { as_anchor: Some(AsAnchor::Holds), ..keyed(2) };
        let mut survey = alone(vec![shows(&[leaf, issuer])]);
        survey.policies.mx = security;
        promise(hosts(&mut survey).remove(0), vec![record(2, 2)]);
        survey
    };
    let mismatch = |survey: &Survey| judged(survey, dane::tlsa_mismatch).len();
    assert_eq!(mismatch(&of_domain(Security::Secure)), 0);
    let mut unsigned = of_domain(Security::Insecure);
    assert_eq!(mismatch(&unsigned), 1);
    by_hand(&mut unsigned);
    assert_eq!(mismatch(&unsigned), 0);
}

/// No sender tries them yet, and a policy comes before the records that it is about.
#[test]
fn a_host_by_hand_that_the_policy_leaves_out_is_worth_saying_and_no_more() {
    let mut survey = survey(vec![vec![vec![shows(&[keyed(1)])]], vec![vec![shows(&[keyed(1)])]]]);
    enforce(&mut survey, &["mx1.even.example"]);
    let missing = |survey: &Survey| judged(survey, sts::host_missing_from_sts_policy);
    let seen = "High mx2.even.example against mx1.even.example: policies.sts.policy mode: enforce; \
                policies.sts.policy mx: mx1.even.example";
    assert_eq!(missing(&survey), [format!("high {seen}")]);
    by_hand(&mut survey);
    assert_eq!(missing(&survey), [format!("medium {seen}")]);
}

#[test]
fn hosts_of_one_preference_are_held_against_the_one_that_keeps_the_promise() {
    let mut peers = survey(vec![
        vec![vec![shows(&[keyed(1)])]],
        vec![vec![shows(&[keyed(2)])]],
        vec![vec![shows(&[keyed(2)])]],
    ]);
    for host in hosts(&mut peers) {
        promise(host, vec![record(3, 1)]);
    }
    let MxLookup::Published(set) = &mut peers.mx else { panic!("no set of hosts") };
    let second = set.tiers.remove(1).hosts.remove(0);
    set.tiers[0].hosts.push(second);
    let found = judged(&peers, dane::tlsa_mismatch);
    let subjects: Vec<_> = found.iter().filter_map(|case| case.split_once(": ")).collect();
    let against = |host: &str| format!("critical High {host} against mx1.even.example");
    let subjects: Vec<_> = subjects.into_iter().map(|(subject, _)| subject.to_owned()).collect();
    assert_eq!(subjects, [against("mx2.even.example"), against("mx3.even.example")]);
}

type Check = fn(&View<'_>) -> Vec<Case>;
type Promise<'a> = &'a dyn Fn(&mut Survey);

/// Where no TLS can be had, the rule of the promise says so, and the rules for everybody are silent.
#[test]
fn each_fault_of_starttls_has_one_rule_under_a_promise() {
    let checks: [(&str, Check); 7] = [
        ("TLS01", tls::starttls_missing),
        ("TLS02", tls::backup_without_starttls),
        ("TLS03", tls::starttls_broken),
        ("TLS09", tls::only_obsolete_tls),
        ("TLS18", tls::starttls_stripped),
        ("DANE06", dane::tlsa_without_starttls),
        ("STS05", sts::host_fails_sts),
    ];
    let masked = || {
        let mut visit = clear();
        if let crate::survey::Stage::Reached(hello) = &mut visit.hello {
            hello.reply.lines.push(Text::from("XXXXXXXA"));
            hello.capabilities = crate::smtp::Capabilities::of(&hello.reply);
        }
        visit
    };
    let twice = |visit: fn() -> Observation| vec![visit(), visit()];
    let plain = |survey: &mut Survey| _ = hosts(survey);
    let with_tlsa = |survey: &mut Survey| {
        for host in hosts(survey) {
            promise(host, vec![record(3, 1)]);
        }
    };
    let with_policy = |survey: &mut Survey| enforce(survey, &["*.even.example"]);
    let with_both = |survey: &mut Survey| {
        with_tlsa(survey);
        with_policy(survey);
    };
    let elsewhere = |survey: &mut Survey| enforce(survey, &["mx1.even.example"]);
    let broken = || broke(FaultKind::TlsAlert(80));
    let obsolete = || broke(FaultKind::TlsAlert(70));
    let promises: [(&str, Promise<'_>); 5] = [
        ("nothing", &plain),
        ("TLSA", &with_tlsa),
        ("MTA-STS", &with_policy),
        ("both", &with_both),
        ("MTA-STS of others", &elsewhere),
    ];
    for (fault, visits, want) in [
        (
            "not offered",
            twice(clear),
            ["TLS02 rule's", "DANE06 rule's", "STS05 high", "DANE06 rule's", "TLS02 rule's"],
        ),
        (
            "broken",
            twice(broken),
            ["TLS03 rule's", "DANE06 rule's", "STS05 high", "DANE06 rule's", "TLS03 rule's"],
        ),
        (
            "only obsolete",
            twice(obsolete),
            ["TLS09 rule's", "TLS09 critical", "TLS09 critical", "TLS09 critical", "TLS09 rule's"],
        ),
        ("masked", vec![masked()], ["TLS18 rule's"; 5]),
    ] {
        for ((promised, promise), want) in promises.iter().zip(want) {
            let good = vec![vec![shows(&[keyed(1)])]];
            let mut survey = survey(vec![good, vec![visits.clone()]]);
            promise(&mut survey);
            let view = View::of(&survey);
            let said = checks.iter().flat_map(|(code, check)| {
                check(&view).into_iter().map(move |case| {
                    let severity = case.severity.map(|severity| severity.to_string());
                    format!("{code} {}", severity.as_deref().unwrap_or("rule's"))
                })
            });
            assert_eq!(said.collect::<Vec<_>>(), [want], "{fault} under {promised}");
        }
    }
}
