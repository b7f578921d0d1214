//! The report as `JUnit` XML, for CI: one suite a domain, one case a host and rule.
//!
//! A case passes where what the rule looks at was seen and the rule had nothing to say. What could not
//! be looked at is skipped, with the reason, and so is what is waived. Judges nothing itself.

use std::{collections::BTreeMap, io};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

mod needs;

use needs::{Place, need, unseen_domain, unseen_host};

use super::{Report, findings, findings::Sight, headline, ink::printable};
use crate::{
    rules::{CATALOGUE, Finding, Rule, Severity, View, finding::SubjectKind, view::Seat},
    survey::Role,
};

/// One rule at one place, and what came of it.
struct Case {
    place: String,
    rule: &'static Rule,
    outcome: Outcome,
}

enum Outcome {
    /// With what was found below the bar.
    Passed(Option<String>),
    Failed {
        kind: String,
        message: String,
        details: String,
    },
    Skipped(String),
}

/// All reports as one file; findings from `bar` up fail their case.
pub fn text(reports: &[Report], bar: Severity) -> String {
    let mut octets = Vec::new();
    write(&mut octets, reports, bar).expect("a Vec takes everything");
    octets.push(b'\n');
    String::from_utf8(octets).expect("made of strings")
}

fn write(octets: &mut Vec<u8>, reports: &[Report], bar: Severity) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(octets, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&Report, Vec<Case>)> =
        reports.iter().map(|report| (report, cases(report, bar))).collect();
    let all: Vec<&Case> = suites.iter().flat_map(|(_, cases)| cases).collect();
    writer
        .create_element("testsuites")
        .with_attribute(("name", env!("CARGO_PKG_NAME")))
        .with_attributes(counts(&all).iter().map(|(name, value)| (*name, value.as_str())))
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(report, cases)| suite(writer, report, cases))
        })?;
    Ok(())
}

fn suite(writer: &mut Writer<&mut Vec<u8>>, report: &Report, cases: &[Case]) -> io::Result<()> {
    let (seconds, millis) = (report.took_ms / 1_000, report.took_ms % 1_000);
    writer
        .create_element("testsuite")
        .with_attribute(("name", printable(&report.domain).as_str()))
        .with_attributes(
            counts(&cases.iter().collect::<Vec<_>>())
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .with_attribute(("time", format!("{seconds}.{millis:03}").as_str()))
        .with_attribute(("timestamp", report.began.strftime("%FT%T").to_string().as_str()))
        .write_inner_content(|writer| {
            cases.iter().try_for_each(|case| element(writer, case))?;
            let sentence = printable(&headline::sentence(report));
            writer.create_element("system-out").write_text_content(BytesText::new(&sentence))?;
            Ok(())
        })?;
    Ok(())
}

fn element(writer: &mut Writer<&mut Vec<u8>>, case: &Case) -> io::Result<()> {
    let class = printable(&case.place);
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", case.rule.name));
    match &case.outcome {
        Outcome::Passed(None) => drop(element.write_empty()?),
        Outcome::Passed(Some(remark)) => {
            element.write_inner_content(|writer| {
                let remark = lines(remark);
                writer.create_element("system-out").write_text_content(BytesText::new(&remark))?;
                Ok(())
            })?;
        }
        Outcome::Skipped(why) => {
            element.write_inner_content(|writer| {
                let message = ("message", &*printable(why));
                writer.create_element("skipped").with_attribute(message).write_empty()?;
                Ok(())
            })?;
        }
        Outcome::Failed { kind, message, details } => {
            element.write_inner_content(|writer| {
                writer
                    .create_element("failure")
                    .with_attribute(("type", kind.as_str()))
                    .with_attribute(("message", printable(message).as_str()))
                    .write_text_content(BytesText::new(&lines(details)))?;
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn counts(cases: &[&Case]) -> [(&'static str, String); 4] {
    let count = |wanted: fn(&Outcome) -> bool| {
        cases.iter().filter(|case| wanted(&case.outcome)).count().to_string()
    };
    [
        ("tests", count(|_| true)),
        ("failures", count(|outcome| matches!(outcome, Outcome::Failed { .. }))),
        ("errors", "0".to_owned()),
        ("skipped", count(|outcome| matches!(outcome, Outcome::Skipped(_)))),
    ]
}

/// Text of ours over several lines, with nothing in it that XML has no place for.
fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Every rule at every place that it looks at, in the order of the catalogue.
fn cases(report: &Report, bar: Severity) -> Vec<Case> {
    let view = View::of(&report.survey);
    let seats: Vec<Seat<'_>> = view.hosts().chain(view.also()).collect();
    let mut cases = Vec::new();
    for rule in CATALOGUE {
        let mut found: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
        for finding in report.findings.iter().filter(|finding| finding.rule == rule.name) {
            found.entry(place(finding)).or_default().push(finding);
        }
        let (scope, need) = need(rule);
        let mut silent: Vec<(String, Outcome)> = Vec::new();
        if scope == Place::Domain && found.is_empty() {
            let outcome =
                unseen_domain(report, &view, need).map_or(Outcome::Passed(None), Outcome::Skipped);
            silent.push(("the domain".to_owned(), outcome));
        }
        let hosts = seats.iter().filter(|seat| scope == Place::Host && applies(rule, seat));
        for seat in hosts.filter(|seat| !found.contains_key(&seat.host.name)) {
            let outcome = unseen_host(report, &view, seat, need)
                .map_or(Outcome::Passed(None), Outcome::Skipped);
            silent.push((seat.host.name.clone(), outcome));
        }
        let spoken =
            found.into_iter().map(|(place, found)| (place, outcome(report, rule, &found, bar)));
        cases.extend(spoken.chain(silent).map(|(place, outcome)| Case { place, rule, outcome }));
    }
    cases
}

/// Whom a finding is about, without the address: a case is a host's.
fn place(finding: &Finding) -> String {
    let subject = &finding.subject;
    match (subject.kind, &subject.host) {
        (SubjectKind::Prober, _) => "this prober".to_owned(),
        (_, Some(host)) => host.clone(),
        (_, None) => subject.to_string(),
    }
}

/// A rule about backups has nothing to say of a primary, nor the other way round.
fn applies(rule: &Rule, seat: &Seat<'_>) -> bool {
    match seat.role {
        Role::Primary => !rule.name.contains("backup"),
        Role::Backup(_) => !rule.name.starts_with("primary-"),
    }
}

/// What findings of one rule about one place make of its case.
fn outcome(report: &Report, rule: &Rule, found: &[&Finding], bar: Severity) -> Outcome {
    let standing: Vec<&Finding> = found.iter().copied().filter(|finding| !finding.waived).collect();
    let Some(worst) = standing.iter().max_by_key(|finding| finding.severity) else {
        let waiver = found.first().and_then(|finding| findings::waiver(finding));
        return Outcome::Skipped(format!("waived: {}", waiver.unwrap_or_default()));
    };
    let mut details: Vec<String> = Vec::new();
    for finding in &standing {
        details.push(findings::who(finding));
        for sight in Sight::all(&report.survey, finding) {
            let word = if sight.is_of_other { "vs " } else { "saw" };
            let place =
                if sight.place.is_empty() { String::new() } else { format!(" ({})", sight.place) };
            details.push(format!("  {word} {}: {}{place}", sight.fact, sight.saw));
        }
    }
    details.extend(findings::fix(rule).map(|fix| format!("fix: {fix}")));
    let details = details.join("\n");
    match worst.severity {
        Severity::Unproven => Outcome::Skipped(format!("unproven: {}", rule.summary)),
        severity if severity >= bar => Outcome::Failed {
            kind: severity.to_string(),
            message: format!("{}: {}", worst.subject, rule.summary),
            details,
        },
        severity => Outcome::Passed(Some(format!("{severity}: {}\n{details}", rule.summary))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, silent},
        survey::{FaultKind, Survey},
    };

    fn outcomes(report: &Report, rule: &str) -> Vec<(String, String)> {
        let of = cases(report, Severity::Medium).into_iter().filter(|case| case.rule.name == rule);
        of.map(|case| {
            let said = match case.outcome {
                Outcome::Passed(None) => "passed".to_owned(),
                Outcome::Passed(Some(remark)) => format!("passed, {remark}"),
                Outcome::Failed { kind, .. } => format!("failed, {kind}"),
                Outcome::Skipped(why) => format!("skipped, {why}"),
            };
            (case.place, said)
        })
        .collect()
    }

    fn survey() -> Survey {
        let anyone = Server { nonsense: "250 2.1.5 Ok", ..SERVER };
        sample::survey(vec![
            (10, vec![answering("mx1.even.example", "192.0.2.1", SERVER)]),
            (20, vec![answering("mx2.even.example", "192.0.2.2", anyone)]),
            (30, vec![silent("mx3.even.example", "192.0.2.3", FaultKind::NoRoute)]),
        ])
    }

    #[test]
    fn a_case_fails_passes_or_says_why_it_could_not_be_tried() {
        let report = Report::of(survey());
        for (rule, want) in [
            (
                "backup-accepts-anyone",
                &[
                    ("mx2.even.example", "failed, high"),
                    ("mx3.even.example", "skipped, such a recipient"),
                ][..],
            ),
            (
                "ehlo-refused",
                &[
                    ("mx1.even.example", "passed"),
                    ("mx2.even.example", "passed"),
                    ("mx3.even.example", "skipped, EHLO was not answered: no route"),
                ],
            ),
            ("implicit-mx", &[("the domain", "passed")]),
            ("nameservers-disagree-on-mx", &[("the domain", "skipped, name servers not asked")]),
        ] {
            let found = outcomes(&report, rule);
            assert_eq!(found.len(), want.len(), "{rule}: {found:?}");
            for ((place, said), (at, begins)) in found.iter().zip(want) {
                assert!(place == at && said.starts_with(begins), "{rule}: {found:?}");
            }
        }
    }

    #[test]
    fn what_was_never_tried_does_not_pass() {
        let report = Report::of(survey());
        for rule in ["starttls-injection", "profile-not-met", "obsolete-tls-accepted", "open-relay"]
        {
            let found = outcomes(&report, rule);
            assert!(!found.is_empty(), "{rule}");
            assert!(found.iter().all(|(_, said)| said.starts_with("skipped, ")), "{found:?}");
        }
    }
}
