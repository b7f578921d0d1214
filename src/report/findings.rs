//! The findings, worst first: what is wrong, with whom, what was seen, what to do. As parts for every
//! form, and drawn for people.
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
    rules::{Evidence, Finding, Place, Rule, Severity, Subject, finding},
    survey::Survey,
};

/// Columns of the severities, the longest of which is `critical`.
const MARGIN: usize = 10;

/// How many of each severity, worst first, and how many are waived.
pub struct Tally {
    pub standing: Vec<(Severity, usize)>,
    pub waived: usize,
}

/// A piece of evidence, with every visit that showed it.
pub struct Sight<'a> {
    /// Whether it was seen at the host that the subject is compared with.
    pub is_of_other: bool,
    pub fact: &'a str,
    pub saw: &'a str,
    /// Host and address, where the heading leaves them open.
    pub place: String,
    /// What to look up in the transcripts.
    pub visits: Vec<(&'a Place, &'a [u32])>,
}

impl Tally {
    pub fn of(findings: &[Finding]) -> Self {
        let order = [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
            Severity::Info,
            Severity::Unproven,
        ];
        let number = |severity: Severity| {
            let is = |finding: &&Finding| !finding.waived && finding.severity == severity;
            (severity, findings.iter().filter(is).count())
        };
        Self {
            standing: order.map(number).into_iter().filter(|(_, number)| *number > 0).collect(),
            waived: findings.iter().filter(|finding| finding.waived).count(),
        }
    }
}

/// Findings by rule and severity; no group is empty.
pub fn groups(findings: &[Finding]) -> impl Iterator<Item = &[Finding]> {
    // Findings come sorted by severity and then by rule, so that groups stand together already.
    findings.chunk_by(|one, next| {
        one.rule == next.rule && one.severity == next.severity && one.waived == next.waived
    })
}

/// Whom a finding is about, and compared with whom.
pub fn who(finding: &Finding) -> String {
    let mut who = finding.subject.to_string();
    if let Some(against) = &finding.against {
        who = format!("{who}, compared with {against}");
    }
    // High confidence is the rule, and is not said.
    if finding.confidence != finding::Confidence::High {
        who = format!("{who} ({} confidence)", words::confidence(finding.confidence));
    }
    who
}

/// Why a finding is borne, and how long.
pub fn waiver(finding: &Finding) -> Option<String> {
    let waiver = finding.waiver.as_ref()?;
    let until = waiver.until.map(|day| format!(" (until {day})")).unwrap_or_default();
    Some(format!("{}{until}", waiver.reason))
}

/// What to do about it. The page's first sentence is the deed; the reasons and the alternatives stay on
/// the page.
pub fn fix(rule: &Rule) -> Option<String> {
    Page::parse(rule.page).first_sentence("How to fix")
}

impl<'a> Sight<'a> {
    /// The evidence of a finding; what differs only in the visit is one sight.
    pub fn all(survey: &Survey, finding: &'a Finding) -> Vec<Self> {
        let alike = finding.evidence.chunk_by(says_the_same);
        alike.map(|alike| Self::of(survey, finding, alike)).collect()
    }

    fn of(survey: &Survey, finding: &Finding, alike: &'a [Evidence]) -> Self {
        let visit = |evidence: &'a Evidence| Some((evidence.at.as_ref()?, &evidence.lines[..]));
        Self {
            is_of_other: is_of_other(finding, &alike[0]),
            fact: &alike[0].fact,
            saw: &alike[0].saw,
            place: place(survey, finding, &alike[0]),
            visits: alike.iter().filter_map(visit).collect(),
        }
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

/// The host and the address that the finding's own words leave open.
fn place(survey: &Survey, finding: &Finding, evidence: &Evidence) -> String {
    let Some(place) = &evidence.at else { return String::new() };
    let subjects = [Some(&finding.subject), finding.against.as_ref()];
    let of_host = |subject: &&Subject| subject.host.as_deref() == Some(place.host.as_str());
    let named = subjects.into_iter().flatten().find(of_host);
    let mut hosts = survey.mx.hosts().map(|(_, _, host)| host).chain(&survey.also);
    let is_single =
        hosts.any(|host| host.name == place.host && matches!(host.addresses.as_slice(), [_]));
    let host = if named.is_some() { "" } else { place.host.as_str() };
    let address = match named {
        Some(Subject { address: Some(_), .. }) => String::new(),
        _ if is_single => String::new(),
        _ => format!("[{}]", place.address),
    };
    format!("{host} {address}").trim().to_owned()
}

/// The tally, the findings, and where to read on.
pub fn list(sheet: &mut Sheet, report: &Report, width: usize) {
    sheet.line(tally(&report.findings));
    sheet.blank();
    for group in groups(&report.findings) {
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

fn tally(findings: &[Finding]) -> Line {
    let Tally { standing, waived } = Tally::of(findings);
    let mut line = Line::new(BOLD, "Findings").pad(MARGIN + 1);
    for (at, (severity, number)) in standing.iter().enumerate() {
        let text = format!("{number} {severity}");
        line = line.and(PLAIN, if at == 0 { "" } else { ", " });
        line = line.and(severity_style(*severity), text);
    }
    if standing.is_empty() {
        line = line.and(GOOD, "none");
    }
    match waived {
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
        sheet.prose(width, indent(), BOLD, &who(finding));
        if let Some(waiver) = waiver(finding) {
            let head = indent().and(DIM, "waived: ");
            sheet.hanging(width, MARGIN + 4, head, (PLAIN, &waiver));
        }
        for sight in Sight::all(&report.survey, finding) {
            let word = if sight.is_of_other { "vs " } else { "saw" };
            let head = indent().and(DIM, format!("{word} {}: ", sight.fact));
            let text = format!("{}{}", sight.saw, cited(&sight));
            sheet.hanging(width, MARGIN + 4, head, (PLAIN, &text));
        }
    }
    if let Some(fix) = rule.and_then(fix) {
        sheet.prose(width, indent().and(DIM, "fix "), PLAIN, &fix);
    }
}

/// Where to look it up in the transcripts.
fn cited(sight: &Sight<'_>) -> String {
    let visit =
        |(place, lines): &(&Place, &[u32])| format!("visit {}{}", place.visit, words::lines(lines));
    let visits = sight.visits.iter().map(visit).collect::<Vec<_>>().join("; ");
    match (sight.visits.is_empty(), sight.place.as_str()) {
        (true, _) => String::new(),
        (false, "") => format!(" ({visits})"),
        (false, place) => format!(" ({place}, {visits})"),
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
