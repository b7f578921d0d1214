//! The forms that reports are printed in, and the forms of everything else that is printed.
//!
//! Chooses; what a form looks like stands in its own file.

use serde::Serialize;

use super::{Report, html, json, junit, markdown, nagios, prometheus, text, transcript};
use crate::rules::Severity;

/// The forms a report is printed in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For a browser: one page that needs nothing beside itself, with every transcript.
    Html,
    /// One object, indented.
    Json,
    /// One object a line.
    Jsonl,
    /// For Nagios, Icinga and their kin: one line, figures, and a line an address.
    Nagios,
    /// Metrics, for the textfile collector.
    Prometheus,
    /// For CI: a suite a domain, a case a host and rule.
    Junit,
    /// For tickets.
    Markdown,
}

/// The forms of what is no report: plans, rules, the catalogue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Plain {
    /// For people.
    #[default]
    Text,
    /// One object, indented.
    Json,
    /// One object a line.
    Jsonl,
}

/// What a form needs to know beside the reports.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Columns, for people; ignored by the rest.
    pub width: usize,
    /// The least severity that counts.
    pub bar: Severity,
    /// Whether people also want to read what was said; ignored by the rest.
    pub transcript: bool,
    /// What stood in the file that is to be replaced; for metrics.
    pub earlier: &'a str,
}

/// Reports of one call, together in one form. Styles are embedded in text as escape sequences, for
/// whoever prints to keep or strip.
pub fn render(reports: &[Report], format: Format, layout: Layout<'_>) -> String {
    let each = |form: &dyn Fn(&Report) -> String| reports.iter().map(form).collect::<Vec<_>>();
    match format {
        Format::Text => each(&|report| {
            let mut text = text::render(report, layout.width);
            if layout.transcript {
                text.push('\n');
                text += &transcript::text(&report.survey);
            }
            text
        })
        .join("\n"),
        Format::Html => html::page(reports),
        Format::Json => each(&json::pretty).concat(),
        Format::Jsonl => each(&json::line).concat(),
        Format::Junit => junit::text(reports, layout.bar),
        Format::Markdown => each(&|report| markdown::text(report, layout)).join("\n"),
        Format::Nagios => nagios::text(reports, layout.bar),
        Format::Prometheus => prometheus::text(reports, layout.bar, layout.earlier),
    }
}

impl Report {
    /// The report alone in one of its forms.
    pub fn render(&self, format: Format, width: usize) -> String {
        let layout = Layout { width, bar: Severity::Medium, transcript: false, earlier: "" };
        render(std::slice::from_ref(self), format, layout)
    }
}

impl Format {
    /// The same form for what is no report, where there is one.
    pub fn plain(self) -> Option<Plain> {
        match self {
            Self::Text => Some(Plain::Text),
            Self::Json => Some(Plain::Json),
            Self::Jsonl => Some(Plain::Jsonl),
            Self::Html | Self::Junit | Self::Markdown | Self::Nagios | Self::Prometheus => None,
        }
    }

    /// Whether nothing at all may stand for "all is well": to a monitor silence is a failure.
    pub fn may_be_silent(self) -> bool {
        !matches!(self, Self::Junit | Self::Nagios | Self::Prometheus)
    }
}

impl Plain {
    /// `value` in this form; `text` makes the one for people.
    pub(super) fn of(self, value: &impl Serialize, text: impl FnOnce() -> String) -> String {
        match self {
            Self::Text => text(),
            Self::Json => json::pretty(value),
            Self::Jsonl => json::line(value),
        }
    }
}
