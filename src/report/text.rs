//! The report for people: sentence, forecast, matrix, findings, grades under a guideline, promises, coverage,
//! vantage, in this order.
//!
//! Readable at 80 columns, uses the width it is given. Styles are embedded; whoever prints strips
//! them where no terminal wants them.

use anstyle::Style;

use super::{
    Failover, Parity, Report, circumstances, drill, findings, forecast, headline,
    ink::{BAD, BOLD, DIM, GOOD, Line, NARROWEST, PLAIN, Sheet, WARN},
    matrix, profile, promises, words,
};
use crate::rules::{Severity, View};

/// Columns of the words that stand in the margin.
pub(super) const MARGIN: usize = 11;

/// The report for `width` columns.
pub fn render(report: &Report, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut sheet = Sheet::default();
    top(&mut sheet, report, width);
    let view = View::of(&report.survey);
    if view.seats().next().is_some() {
        forecast::draw(&mut sheet, &view, &report.forecast, width);
        if let Some(drill) = &report.drill {
            drill::draw(&mut sheet, drill, width);
        }
        sheet.blank();
        matrix::draw(&mut sheet, &view, width);
    } else {
        sheet.blank();
    }
    findings::list(&mut sheet, report, width);
    if let Some(graded) = &report.profile {
        profile::draw(&mut sheet, graded, width);
    }
    promises::draw(&mut sheet, &report.promises, width);
    coverage(&mut sheet, report, width);
    for (label, said) in circumstances::of(&report.survey) {
        let head = Line::new(BOLD, label).pad(MARGIN);
        sheet.hanging(width, MARGIN, head, (PLAIN, &said));
    }
    sheet.to_string()
}

/// The colour of a severity, everywhere.
pub fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical | Severity::High => BAD,
        Severity::Medium => WARN,
        Severity::Low => BOLD,
        Severity::Info | Severity::Unproven => DIM,
    }
}

/// The domain, the sentence, the three words.
fn top(sheet: &mut Sheet, report: &Report, width: usize) {
    sheet.line(Line::new(BOLD, &report.domain));
    sheet.prose(width, Line::default(), BOLD, &headline::sentence(report));
    let mut line = Line::default();
    for (at, (question, style, answer)) in verdict(report).into_iter().enumerate() {
        let between = if at == 0 { "" } else { " · " };
        line = line.and(PLAIN, format!("{between}{question} ")).and(style, answer);
    }
    if line.width() > 0 {
        sheet.line(line);
    }
}

/// The words of the verdict, in their colours, each with what it answers.
pub(super) fn verdict(report: &Report) -> Vec<(&'static str, Style, String)> {
    // Without hosts there is nothing that could fail over or be even.
    if report.survey.mx.hosts().next().is_none() {
        return Vec::new();
    }
    let verdict = report.verdict;
    let failover = match verdict.failover {
        Failover::Works => GOOD,
        Failover::Fragile | Failover::None => WARN,
        Failover::Broken => BAD,
        Failover::Unproven => DIM,
    };
    let parity = match verdict.parity {
        Parity::Even => GOOD,
        Parity::Uneven => WARN,
        Parity::Alone => PLAIN,
        Parity::Unproven => DIM,
    };
    let (worst, style) = match verdict.severity {
        Some(severity) => (severity.to_string(), severity_style(severity)),
        None => ("none".to_owned(), GOOD),
    };
    vec![
        ("failover", failover, words::failover(verdict.failover).to_owned()),
        ("parity", parity, words::parity(verdict.parity).to_owned()),
        ("worst finding", style, worst),
    ]
}

/// What was seen, then what was not, with whose fault it is in the margin.
fn coverage(sheet: &mut Sheet, report: &Report, width: usize) {
    let Some(seen) = report.coverage.said(&report.survey.asked) else { return };
    sheet.prose(width, Line::new(BOLD, "Coverage").pad(MARGIN), PLAIN, &seen);
    for unseen in &report.coverage.unseen {
        let head = Line::new(DIM, format!("  {}", words::blame(unseen.blame))).pad(MARGIN);
        let text = format!("{}: {}", unseen.place(), unseen.why);
        sheet.hanging(width, MARGIN + 2, head, (PLAIN, &text));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        report::{
            ink,
            sample::{self, SERVER, Server, at, host, secured, silent},
            transcript,
        },
        survey::{DnsFault, Ending, FaultKind, MxLookup, Survey},
        tls::{TlsVersion, TrustFlaw},
    };

    fn plain(report: &Report, width: usize) -> String {
        anstream::adapter::strip_str(&render(report, width)).to_string()
    }

    fn mixed() -> Survey {
        let expired = TrustFlaw::Expired { not_after: "2026-11-01T00:00:00Z".parse().unwrap() };
        let weak = Server { nonsense: "250 2.1.5 Ok", ..SERVER };
        let visit = secured(weak, TlsVersion::Tls12, vec![expired]);
        let backup = host("mx2.even.example", vec![at("192.0.2.2", vec![visit])]);
        let primary = secured(SERVER, TlsVersion::Tls13, Vec::new());
        let primary = host("mx1.even.example", vec![at("192.0.2.1", vec![primary])]);
        let dead = silent("mx3.even.example", "192.0.2.3", FaultKind::TimedOut);
        sample::survey(vec![(10, vec![primary]), (20, vec![backup]), (30, vec![dead])])
    }

    #[test]
    fn a_report_has_its_parts_in_order() {
        let shown = plain(&Report::of(mixed()), 80);
        let parts = [
            "even.example\n",
            "Failover is fragile",
            "Forecast",
            "10 primary",
            "Findings",
            "Coverage",
        ];
        let places: Vec<_> = parts.iter().map(|part| shown.find(part)).collect();
        assert!(places.iter().all(Option::is_some), "{places:?}\n{shown}");
        assert!(places.is_sorted(), "{places:?}\n{shown}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        for width in [60, 80, 140] {
            let shown = plain(&Report::of(mixed()), width);
            for line in shown.lines() {
                assert!(line.chars().count() <= width, "at {width}: {line}");
            }
        }
    }

    #[test]
    fn a_domain_without_hosts_has_a_short_report() {
        for mx in [
            MxLookup::Null { preference: 0 },
            MxLookup::NoSuchDomain,
            MxLookup::Failed { fault: DnsFault::TimedOut },
        ] {
            let shown = plain(&Report::of(sample::with_mx(mx)), 80);
            assert!(shown.lines().count() < 20, "{shown}");
            assert!(!shown.contains("failover"), "{shown}");
        }
    }

    #[test]
    fn an_interruption_is_said_at_the_top_and_at_the_bottom() {
        let mut survey = mixed();
        survey.ending = Ending::Interrupted;
        let shown = plain(&Report::of(survey), 80);
        assert!(shown.contains("\nInterrupted. "), "{shown}");
        assert!(shown.trim_end().ends_with("interrupted, so incomplete"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_byte_of_a_stranger_reaches_the_terminal_unescaped(bytes: Vec<u8>, words: String) {
            let report = Report::of(sample::hostile(&bytes, &words));
            for shown in [render(&report, 80), transcript::text(&report.survey)] {
                // Our own styles are taken out by what they are, not by their shape: a stranger's
                // sequence of the same shape must not go with them.
                let mut shown = shown;
                for style in [GOOD, WARN, BAD, BOLD, DIM] {
                    shown = shown.replace(&style.render().to_string(), "");
                }
                let shown = shown.replace(&BOLD.render_reset().to_string(), "");
                prop_assert!(shown.lines().all(|line| line == ink::printable(line)), "{:?}", shown);
            }
        }

        #[test]
        fn json_holds_no_raw_control_character(bytes: Vec<u8>, words: String) {
            let report = Report::of(sample::hostile(&bytes, &words));
            let line = crate::report::json::line(&report);
            prop_assert!(!line.trim_end_matches('\n').contains(char::is_control), "{}", line);
            prop_assert_eq!(&crate::report::json::surveys(&line).unwrap()[0], &report.survey);
        }
    }
}
