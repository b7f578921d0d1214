//! The report for people: sentence, matrix, findings, coverage, vantage, in this order.
//!
//! Readable at 80 columns, uses the width it is given. Styles are embedded; whoever prints strips
//! them where no terminal wants them.

use anstyle::Style;

use super::{
    Failover, Parity, Report, findings, headline,
    ink::{BAD, BOLD, DIM, GOOD, Line, NARROWEST, PLAIN, Sheet, WARN},
    matrix, words,
};
use crate::{
    rules::{Severity, View},
    survey::{Control, Ending, Presence, Reverse, Vantage},
};

/// Columns of the words that stand in the margin.
const MARGIN: usize = 11;

pub fn render(report: &Report, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut sheet = Sheet::default();
    top(&mut sheet, report, width);
    let view = View::of(&report.survey);
    if view.seats().next().is_some() {
        sheet.blank();
        matrix::draw(&mut sheet, &view, width);
    } else {
        sheet.blank();
    }
    findings::list(&mut sheet, report, width);
    coverage(&mut sheet, report, width);
    vantage(&mut sheet, &report.survey.vantage, width);
    visits(&mut sheet, report);
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
    if report.survey.mx.hosts().next().is_none() {
        return;
    }
    let verdict = report.verdict;
    let (failover, style) = match verdict.failover {
        Failover::Works => ("works", GOOD),
        Failover::Fragile => ("fragile", WARN),
        Failover::Broken => ("broken", BAD),
        Failover::None => ("none", WARN),
        Failover::Unproven => ("unproven", DIM),
    };
    let line = Line::new(PLAIN, "failover ").and(style, failover);
    let (parity, style) = match verdict.parity {
        Parity::Even => ("even", GOOD),
        Parity::Uneven => ("uneven", WARN),
        Parity::Alone => ("alone", PLAIN),
        Parity::Unproven => ("unproven", DIM),
    };
    let line = line.and(PLAIN, " · parity ").and(style, parity).and(PLAIN, " · worst finding ");
    sheet.line(match verdict.severity {
        Some(severity) => line.and(severity_style(severity), severity),
        None => line.and(GOOD, "none"),
    });
}

fn coverage(sheet: &mut Sheet, report: &Report, width: usize) {
    let coverage = &report.coverage;
    if coverage.planned == 0 && coverage.unseen.is_empty() {
        return;
    }
    let asked = !report.survey.asked.recipients.is_empty();
    let answer = if asked { "whether they take the mail" } else { "their EHLO" };
    let seen = format!(
        "{} of {} showed {answer}.",
        coverage.observed,
        words::count(coverage.planned, "address", "addresses"),
    );
    sheet.prose(width, Line::new(BOLD, "Coverage").pad(MARGIN), PLAIN, &seen);
    for unseen in &coverage.unseen {
        let place = match unseen.address {
            Some(address) => format!("{} [{address}]", unseen.host),
            None => unseen.host.clone(),
        };
        let text = format!("{place}: {} ({})", unseen.why, unseen.blame);
        sheet.prose(width, Line::default().pad(MARGIN), PLAIN, &text);
    }
}

/// Where we stood, in one line.
fn vantage(sheet: &mut Sheet, vantage: &Vantage, width: usize) {
    let mut parts = vec![vantage.helo.to_string()];
    parts.extend(vantage.sources.iter().map(|source| match &source.reverse {
        Reverse::Confirmed(name) => format!("{} ({name})", source.address),
        Reverse::Unconfirmed(_) => format!("{} (reverse name does not point back)", source.address),
        Reverse::Missing => format!("{} (no reverse name)", source.address),
        Reverse::Failed(_) | Reverse::NotAsked => source.address.to_string(),
    }));
    match vantage.ipv6 {
        Presence::Absent => parts.push("no IPv6 here".to_owned()),
        Presence::Present | Presence::Unknown => {}
    }
    if let Some(control) = &vantage.control {
        let state = if Control::answered(control) { "answers" } else { "does not answer" };
        parts.push(format!("control {} {state}", control.host));
    }
    sheet.prose(width, Line::new(BOLD, "Seen from").pad(MARGIN), PLAIN, &parts.join(", "));
}

fn visits(sheet: &mut Sheet, report: &Report) {
    let survey = &report.survey;
    let published = survey.mx.hosts().map(|(_, _, host)| host);
    let endpoints = published.chain(&survey.also).flat_map(|host| &host.addresses);
    let visits: usize = endpoints.map(|endpoint| endpoint.observations.len()).sum();
    let mut text = format!(
        "{} in {}, {}",
        words::count(visits, "visit", "visits"),
        words::took(survey.took_ms),
        survey.began.strftime("%F %R UTC"),
    );
    if survey.ending == Ending::Interrupted {
        text.push_str("; interrupted, so incomplete");
    }
    sheet.line(Line::new(BOLD, "Visits").pad(MARGIN).and(PLAIN, text));
}
