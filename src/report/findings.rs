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
use crate::rules::{Evidence, Finding, Rule, Severity};

/// Columns of the severities, the longest of which is `critical`.
const MARGIN: usize = 10;

pub fn list(sheet: &mut Sheet, report: &Report, width: usize) {
    sheet.line(tally(&report.findings));
    sheet.blank();
    let same = |one: &Finding, next: &Finding| {
        one.rule == next.rule && one.severity == next.severity && one.waived == next.waived
    };
    for group in report.findings.chunk_by(same) {
        entry(sheet, group, width);
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
    let title = Line::new(BOLD, "Findings").pad(MARGIN + 1);
    let counted = |severity: Severity| {
        let number = findings
            .iter()
            .filter(|finding| finding.severity == severity && !finding.waived)
            .count();
        (number > 0).then(|| (severity, format!("{number} {severity}")))
    };
    let mut line = title;
    for (at, (severity, text)) in order.into_iter().filter_map(counted).enumerate() {
        line = line.and(PLAIN, if at == 0 { "" } else { ", " }).and(severity_style(severity), text);
    }
    let waived = findings.iter().filter(|finding| finding.waived).count();
    match (findings.len(), waived) {
        (0, _) => line.and(GOOD, "none"),
        (_, 0) => line,
        (_, waived) => line.and(DIM, format!(" ({waived} waived)")),
    }
}

/// One rule's findings of one severity; never empty.
fn entry(sheet: &mut Sheet, group: &[Finding], width: usize) {
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
        let mut who = finding.subject.to_string();
        if let Some(against) = &finding.against {
            who = format!("{who}, compared with {against}");
        }
        if finding.confidence != crate::rules::finding::Confidence::High {
            who = format!("{who} ({} confidence)", words::confidence(finding.confidence));
        }
        sheet.prose(width, indent(), BOLD, &who);
        for evidence in &finding.evidence {
            sheet.prose(width, indent().and(DIM, "saw "), PLAIN, &saw(finding, evidence));
        }
    }
    if let Some(fix) = rule.and_then(|rule| Page::parse(rule.page).first_sentence("How to fix")) {
        sheet.prose(width, indent().and(DIM, "fix "), PLAIN, &fix);
    }
}

/// The fact, what was seen, and where to look it up.
fn saw(finding: &Finding, evidence: &Evidence) -> String {
    let mut text = format!("{}: {}", evidence.fact, evidence.saw);
    if let Some(place) = &evidence.at {
        let same = finding.subject.host.as_deref() == Some(place.host.as_str());
        let host = if same && finding.subject.address.is_some() {
            String::new()
        } else {
            format!("{} [{}], ", place.host, place.address)
        };
        let lines = words::lines(&evidence.lines);
        text = format!("{text} ({host}visit {}{lines})", place.visit);
    }
    text
}
