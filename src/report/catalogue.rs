//! The whole catalogue as a table, and as JSON.
//!
//! In the order of the catalogue itself; sorts nothing.

use serde::Serialize;

use super::{
    Plain,
    ink::{BOLD, DIM, Line, PLAIN, Sheet},
    json,
    text::severity_style,
};
use crate::rules::{CATALOGUE, Rule, Severity};

/// A rule in one line.
#[derive(Serialize)]
struct Row {
    rule: &'static str,
    code: &'static str,
    severity: Severity,
    summary: &'static str,
}

/// The catalogue in one of the forms: a table, an array, an object a line.
pub fn render(format: Plain, width: usize) -> String {
    let rows = || {
        CATALOGUE.iter().map(|rule| {
            let Rule { code, name, severity, summary, .. } = *rule;
            Row { rule: name, code, severity, summary }
        })
    };
    match format {
        Plain::Text => text(width),
        Plain::Json => json::pretty(&rows().collect::<Vec<_>>()),
        Plain::Jsonl => rows().map(|row| json::line(&row)).collect(),
    }
}

/// Code, severity, name and summary; the summary goes below the name where there is no room.
fn text(width: usize) -> String {
    let mut sheet = Sheet::default();
    let longest = |part: fn(&Rule) -> &str| CATALOGUE.iter().map(|rule| part(rule).len()).max();
    let code = longest(|rule| rule.code).unwrap_or_default() + 2;
    let name = longest(|rule| rule.name).unwrap_or_default() + 2;
    let severity = "unproven".len() + 2;
    let beside = code + severity + name;
    // A blank line between the areas makes the table findable by eye.
    let mut area = "";
    for rule in CATALOGUE {
        let this = rule.code.trim_end_matches(|c: char| c.is_ascii_digit());
        if !area.is_empty() && area != this {
            sheet.blank();
        }
        area = this;
        let head = Line::new(DIM, rule.code)
            .pad(code)
            .and(severity_style(rule.severity), rule.severity)
            .pad(code + severity)
            .and(BOLD, rule.name);
        // Four words a line would be no summary any more.
        if beside + 40 <= width {
            sheet.prose(width, head.pad(beside), PLAIN, rule.summary);
        } else {
            sheet.line(head);
            let indent = Line::default().pad(code + severity);
            sheet.prose(width, indent, PLAIN, rule.summary);
        }
    }
    sheet.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_in_the_table_at_any_width() {
        for width in [40, 80, 140] {
            let shown = anstream::adapter::strip_str(&text(width)).to_string();
            for rule in CATALOGUE {
                let row = shown.lines().find(|line| line.starts_with(rule.code));
                assert!(row.is_some_and(|row| row.contains(rule.name)), "{} at {width}", rule.code);
            }
        }
    }

    #[test]
    fn the_catalogue_reads_back_from_json() {
        let back: serde_json::Value = serde_json::from_str(&render(Plain::Json, 0)).unwrap();
        assert_eq!(back.as_array().unwrap().len(), CATALOGUE.len());
        assert_eq!(back[0]["rule"], CATALOGUE[0].name);
        assert_eq!(render(Plain::Jsonl, 0).lines().count(), CATALOGUE.len());
    }
}
