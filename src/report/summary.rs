//! Several domains at a glance: a row each, under their reports.

use super::{
    Report, Status,
    ink::{BAD, BOLD, DIM, GOOD, Line, PLAIN, Sheet, WARN},
    text::severity_style,
    words,
};
use crate::rules::Severity;

/// Longer names push the words beside them to the right.
const WIDEST: usize = 36;

/// The columns behind the domain: failover, parity, worst finding, exit status.
const COLUMNS: [(&str, usize); 4] = [("failover", 10), ("parity", 10), ("worst", 10), ("exit", 0)];

/// The table; findings from `bar` up count.
pub fn text(reports: &[Report], bar: Severity) -> String {
    let mut sheet = Sheet::default();
    let widest = reports.iter().map(|report| report.domain.chars().count()).max();
    let mut at = widest.unwrap_or_default().clamp("Summary".len(), WIDEST) + 2;
    let first = at;
    let mut head = Line::new(BOLD, "Summary");
    for (name, width) in COLUMNS {
        head = head.pad(at).and(DIM, name);
        at += width;
    }
    sheet.line(head);
    for report in reports {
        let status = Status::of(report, bar);
        let style = match status {
            Status::Fine => GOOD,
            Status::Unproven => DIM,
            Status::Warning => WARN,
            Status::Critical => BAD,
        };
        let verdict = report.verdict;
        let (worst, graded) = match verdict.severity {
            Some(severity) => (severity.to_string(), severity_style(severity)),
            None => ("none".to_owned(), GOOD),
        };
        let words = [
            (PLAIN, words::failover(verdict.failover).to_owned()),
            (PLAIN, words::parity(verdict.parity).to_owned()),
            (graded, worst),
            (style, status.code().to_string()),
        ];
        let mut line = Line::new(PLAIN, &report.domain);
        let mut at = first;
        for ((style, word), (_, width)) in words.into_iter().zip(COLUMNS) {
            line = line.and(PLAIN, " ").pad(at).and(style, word);
            at += width;
        }
        sheet.line(line);
    }
    sheet.to_string()
}
