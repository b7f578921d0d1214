//! Several domains in one call: shared hosts are asked about TLS once, and about recipients for each.

use std::{sync::Mutex, time::Duration};

use mxparity::{
    config::Limits,
    fleet::{Carrier, Fleet, Run, World},
    probe::Event,
    report::{self, Format, Layout, Report},
    rules::Severity,
    survey::{Purpose, RecipientKind, Survey},
};
use tokio::{runtime::Builder, sync::watch};

/// A domain whose mail two hosts take that others share, one of them old.
fn world(domain: &str) -> World {
    let text = format!(
        r#"
        domain = "{domain}"

        [ask]
        rcpt = ["info@{domain}"]
        depth = "floor"

        [[mx]]
        preference = 10
        host = "a.shared.example"
        addresses = ["192.0.2.10"]

        [[mx]]
        preference = 20
        host = "b.shared.example"
        addresses = ["198.51.100.20"]

        [mx.server]
        tls-max = "1.2"

        [mx.server.floor]
        versions = ["1.0", "1.1", "1.2"]
        suites = ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"]
        groups = ["x25519"]
        "#
    );
    World::parse(&text).unwrap()
}

/// The survey of a domain behind `earlier` ones of the same call, and every visit made for it.
fn survey(domain: &str, earlier: &[Survey]) -> (Survey, Vec<Purpose>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let carrier = Carrier::Memory { round_trip: Duration::ZERO };
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let fleet = Fleet::new(&world(domain), now, carrier).unwrap();
        let (_keep, stop) = watch::channel(false);
        let made = Mutex::new(Vec::new());
        let note = |event: Event<'_>| {
            if let Event::VisitBegan { purpose, .. } = event {
                made.lock().unwrap().push(purpose);
            }
        };
        let run = Run { limits: Limits::default(), earlier, stop, progress: &note };
        let survey = fleet.survey(run).await;
        let alarms = fleet.ledger().alarms();
        assert!(alarms.is_empty(), "{domain}: {alarms:#?}");
        (survey, made.into_inner().unwrap())
    })
}

#[test]
fn a_shared_host_is_asked_about_tls_once_and_about_recipients_for_each_domain() {
    let (one, for_one) = survey("one.example", &[]);
    let asked = for_one.iter().filter(|purpose| **purpose == Purpose::Floor).count();
    assert!(asked >= 6, "{for_one:?}");
    let surveys = [one];
    let (two, for_two) = survey("two.example", &surveys);
    assert_eq!(for_two, [Purpose::Session, Purpose::Session]);
    for ((_, _, first), (_, _, again)) in surveys[0].mx.hosts().zip(two.mx.hosts()) {
        let (first, again) = (&first.addresses[0], &again.addresses[0]);
        let oldest = first.oldest_version().unwrap().to_string();
        assert_eq!(oldest, again.oldest_version().unwrap().to_string(), "{}", again.address);
        let (_, reply) = again.recipient_reply(RecipientKind::Real).unwrap();
        assert!(reply.is_positive(), "{reply}");
        let asked = again.observations[0].recipient(RecipientKind::Real).unwrap();
        assert_eq!(asked.mailbox.to_string(), "info@two.example");
        let taken_over: Vec<_> =
            again.observations.iter().filter_map(|visit| visit.made_for.as_ref()).collect();
        assert!(taken_over.len() >= 3, "{taken_over:?}");
        assert!(taken_over.iter().all(|domain| domain.as_str() == "one.example"));
    }
    // What was found out once is found at every domain, and counted as a visit of the one it was.
    let [first, again] = [surveys[0].clone(), two].map(Report::of);
    let rules = |report: &Report| report.findings.iter().map(|it| it.rule).collect::<Vec<_>>();
    assert_eq!(rules(&first), rules(&again));
    assert!(rules(&first).contains(&"backup-lower-tls-floor"), "{:?}", rules(&first));
    let shown = again.render(Format::Text, 80);
    assert!(shown.contains("2 visits in"), "{shown}");
}

#[test]
fn every_domain_has_its_report_and_a_row_of_the_summary() {
    let reports: Vec<Report> =
        ["one.example", "two.example"].map(|domain| Report::of(survey(domain, &[]).0)).to_vec();
    let layout = Layout { width: 80, bar: Severity::Medium, transcript: false, earlier: "" };
    let shown = report::render(&reports, Format::Text, layout);
    let shown = anstream::adapter::strip_str(&shown).to_string();
    let (_, summary) = shown.split_once("\nSummary").unwrap();
    let rows: Vec<Vec<&str>> =
        summary.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            ["one.example", "works", "uneven", "medium", "1"],
            ["two.example", "works", "uneven", "medium", "1"],
        ],
        "{shown}"
    );
    let markdown = report::render(&reports, Format::Markdown, layout);
    assert!(markdown.starts_with("| domain |"), "{markdown}");
    assert!(markdown.contains("| `two.example` | works | uneven | medium |"), "{markdown}");
}
