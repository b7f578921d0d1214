//! The findings for people, worst first: what is wrong, with whom, what was seen, what to do.
//!
//! Findings of one rule and severity stand under one heading. Judges nothing, leaves none out.

use super::{
    Report,
    ink::{BOLD, DIM, GOOD, Line, PLAIN, Sheet},
    page::Page,
    text::severity_style,
    words,
};
use crate::{
    rules::{Evidence, Finding, Rule, Severity, Subject},
    survey::{Survey, asked::Waiver},
};

/// Columns of the severities, the longest of which is `critical`.
const MARGIN: usize = 10;

/// The tally, the findings, and where to read on.
pub fn list(sheet: &mut Sheet, report: &Report, width: usize) {
    sheet.line(tally(&report.findings));
    sheet.blank();
    let same = |one: &Finding, next: &Finding| {
        one.rule == next.rule && one.severity == next.severity && one.waived == next.waived
    };
    // Findings come sorted by severity and then by rule, so that groups stand together already.
    for group in report.findings.chunk_by(same) {
        entry(sheet, report, group, width);
        sheet.blank();
    }
    if let Some(worst) = report.findings.first() {
        let more = format!(
            "mxparity explain {} says why it matters and all of how to fix it; likewise for the rest.",
            worst.code
        );
        sheet.prose(width, Line::default(), DIM, &more);
        sheet.blank();
    }
}

/// How many of each severity.
fn tally(findings: &[Finding]) -> Line {
    let order = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
        Severity::Unproven,
    ];
    let standing = || findings.iter().filter(|finding| !finding.waived);
    let counted = |severity: Severity| {
        let number = standing().filter(|finding| finding.severity == severity).count();
        (number > 0).then(|| (severity, format!("{number} {severity}")))
    };
    let mut line = Line::new(BOLD, "Findings").pad(MARGIN + 1);
    for (at, (severity, text)) in order.into_iter().filter_map(counted).enumerate() {
        line = line.and(PLAIN, if at == 0 { "" } else { ", " }).and(severity_style(severity), text);
    }
    if standing().next().is_none() {
        line = line.and(GOOD, "none");
    }
    match findings.iter().filter(|finding| finding.waived).count() {
        0 => line,
        waived => line.and(DIM, format!(" ({waived} waived)")),
    }
}

/// One rule's findings of one severity; never empty.
fn entry(sheet: &mut Sheet, report: &Report, group: &[Finding], width: usize) {
    let Finding { rule: name, code, severity, waived, .. } = group[0];
    let head = Line::new(severity_style(severity), severity).pad(MARGIN);
    let head = head.and(BOLD, name).and(DIM, format!("  {code}"));
    sheet.line(if waived { head.and(DIM, "  waived") } else { head });
    let rule = Rule::find(name);
    let indent = || Line::default().pad(MARGIN);
    if let Some(rule) = rule {
        sheet.prose(width, indent(), PLAIN, rule.summary);
    }
    for finding in group {
        // High confidence is the rule, and is not said.
        let mut who = finding.subject.to_string();
        if let Some(against) = &finding.against {
            who = format!("{who}, compared with {against}");
        }
        if finding.confidence != crate::rules::finding::Confidence::High {
            who = format!("{who} ({} confidence)", words::confidence(finding.confidence));
        }
        sheet.prose(width, indent(), BOLD, &who);
        if let Some(Waiver { reason, until, .. }) = &finding.waiver {
            let until = until.map(|day| format!(" (until {day})")).unwrap_or_default();
            let head = indent().and(DIM, "waived: ");
            sheet.hanging(width, MARGIN + 4, head, (PLAIN, &format!("{reason}{until}")));
        }
        for alike in finding.evidence.chunk_by(says_the_same) {
            let word = if is_of_other(finding, &alike[0]) { "vs " } else { "saw" };
            let head = indent().and(DIM, format!("{word} {}: ", alike[0].fact));
            let text = format!("{}{}", alike[0].saw, places(&report.survey, finding, alike));
            sheet.hanging(width, MARGIN + 4, head, (PLAIN, &text));
        }
    }
    // The page's first sentence is the deed; the reasons and the alternatives stay on the page.
    if let Some(fix) = rule.and_then(|rule| Page::parse(rule.page).first_sentence("How to fix")) {
        sheet.prose(width, indent().and(DIM, "fix "), PLAIN, &fix);
    }
}

/// Whether it was seen at the host that the subject is compared with.
fn is_of_other(finding: &Finding, evidence: &Evidence) -> bool {
    let Some(place) = &evidence.at else { return false };
    let is = |subject: &Subject| {
        let address = subject.address.is_none_or(|address| address == place.address);
        subject.host.as_deref() == Some(place.host.as_str()) && address
    };
    finding.against.as_ref().is_some_and(is) && !is(&finding.subject)
}

/// Whether two pieces of evidence differ only in the visit.
fn says_the_same(one: &Evidence, next: &Evidence) -> bool {
    let place =
        |evidence: &Evidence| evidence.at.as_ref().map(|place| (place.host.clone(), place.address));
    one.fact == next.fact && one.saw == next.saw && place(one) == place(next)
}

/// Where to look it up in the transcripts. Host and address are named where the lines above leave
/// them open.
fn places(survey: &Survey, finding: &Finding, alike: &[Evidence]) -> String {
    let Some(first) = &alike[0].at else { return String::new() };
    let subjects = [Some(&finding.subject), finding.against.as_ref()];
    let of_host = |subject: &&Subject| subject.host.as_deref() == Some(first.host.as_str());
    let named = subjects.into_iter().flatten().find(of_host);
    let mut hosts = survey.mx.hosts().map(|(_, _, host)| host).chain(&survey.also);
    let is_single =
        hosts.any(|host| host.name == first.host && matches!(host.addresses.as_slice(), [_]));
    let host = if named.is_some() { "" } else { first.host.as_str() };
    let address = match named {
        Some(Subject { address: Some(_), .. }) => String::new(),
        _ if is_single => String::new(),
        _ => format!("[{}]", first.address),
    };
    let visits = alike.iter().filter_map(|evidence| {
        let place = evidence.at.as_ref()?;
        Some(format!("visit {}{}", place.visit, words::lines(&evidence.lines)))
    });
    let visits = visits.collect::<Vec<_>>().join("; ");
    let place = format!("{host} {address}");
    match place.trim() {
        "" => format!(" ({visits})"),
        place => format!(" ({place}, {visits})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, answering},
        rules::{CATALOGUE, Case, Place},
        survey::Purpose,
    };

    fn shown(findings: Vec<Finding>) -> String {
        let host = answering("mx1.even.example", "192.0.2.1", SERVER);
        let mut report = Report::of(sample::survey(vec![(10, vec![host])]));
        report.findings = findings;
        let mut sheet = Sheet::default();
        list(&mut sheet, &report, 80);
        anstream::adapter::strip_str(&sheet.to_string()).to_string()
    }

    fn about(host: &str) -> Subject {
        Subject { host: Some(host.to_owned()), ..Subject::tier(20) }
    }

    #[test]
    fn findings_of_one_rule_stand_under_one_heading_with_what_was_seen() {
        let rule = &CATALOGUE[0];
        let evidence = Evidence {
            at: Some(Place {
                host: "mx2.even.example".to_owned(),
                address: "192.0.2.2".parse().unwrap(),
                visit: 1,
                purpose: Purpose::Session,
            }),
            lines: vec![3, 4, 7],
            ..Evidence::plain("recipients.real", "550 5.7.1 no")
        };
        let against = Subject { host: Some("mx1.even.example".to_owned()), ..Subject::tier(10) };
        let again = Evidence {
            at: evidence.at.clone().map(|place| Place { visit: 2, ..place }),
            ..evidence.clone()
        };
        let one = Case::about(about("mx2.even.example")).against(against);
        let one = one.seen(evidence).seen(again);
        let two = Case::about(about("mx3.even.example"));
        let shown = shown(vec![Finding::new(rule, one), Finding::new(rule, two)]);
        assert_eq!(shown.matches(rule.name).count(), 1, "{shown}");
        assert!(shown.starts_with(&format!("Findings   2 {}\n", rule.severity)), "{shown}");
        let place = "([192.0.2.2], visit 1, lines 3–4, 7; visit 2, lines 3–4, 7)";
        let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("mx2.even.example, compared with mx1.even.example"), "{shown}");
        assert!(flat.contains(&format!("saw recipients.real: 550 5.7.1 no {place}")), "{shown}");
        assert!(flat.contains("mx3.even.example fix "), "{shown}");
    }

    #[test]
    fn nothing_found_and_everything_waived_are_told_apart() {
        assert_eq!(shown(Vec::new()), "Findings   none\n\n");
        let case = Case::about(about("mx2.even.example"));
        let waived = Finding { waived: true, ..Finding::new(&CATALOGUE[0], case) };
        let shown = shown(vec![waived]);
        assert!(shown.starts_with("Findings   none (1 waived)\n"), "{shown}");
    }
}
