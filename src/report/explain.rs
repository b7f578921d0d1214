//! One rule's page, for a terminal and as JSON.
//!
//! Leaves the example worlds of the page out; they are for the test that runs them.

use serde::Serialize;

use super::{
    Plain,
    ink::{BOLD, DIM, Line, PLAIN, Sheet},
    page::{Block, Page, plain},
    text::severity_style,
};
use crate::rules::{Rule, Severity};

/// Sections that hold worlds in place of words.
const WORLDS: [&str; 2] = ["Fires", "Silent"];

/// A rule as JSON tells it.
#[derive(Serialize)]
struct Explanation<'a> {
    rule: &'a str,
    code: &'a str,
    severity: Severity,
    summary: &'a str,
    /// The whole page, in Markdown.
    page: &'a str,
}

impl<'a> From<&'a Rule> for Explanation<'a> {
    fn from(rule: &'a Rule) -> Self {
        let Rule { code, name, severity, summary, page, .. } = *rule;
        Self { rule: name, code, severity, summary, page }
    }
}

/// The rule in one of the forms; `width` is for people.
pub fn render(rule: &Rule, format: Plain, width: usize) -> String {
    format.of(&Explanation::from(rule), || text(rule, width))
}

fn text(rule: &Rule, width: usize) -> String {
    let mut sheet = Sheet::default();
    let title = Line::new(BOLD, rule.name).and(DIM, format!("  {}  ", rule.code));
    sheet.line(title.and(severity_style(rule.severity), rule.severity));
    for (at, section) in Page::parse(rule.page).sections.iter().enumerate() {
        if WORLDS.contains(&section.heading) {
            continue;
        }
        if at > 0 {
            sheet.blank();
            sheet.line(Line::new(BOLD, section.heading));
        }
        blocks(&mut sheet, &section.blocks, width);
    }
    sheet.to_string()
}

/// Prose wrapped, lists hanging, code as it stands: wrapped code could not be copied.
fn blocks(sheet: &mut Sheet, blocks: &[Block<'_>], width: usize) {
    // Items of one list stand close together, everything else has a blank line above it.
    let mut after_item = true;
    for (at, block) in blocks.iter().enumerate() {
        let is_item = matches!(block, Block::Item(..));
        if at > 0 && !(is_item && after_item) {
            sheet.blank();
        }
        after_item = is_item;
        match block {
            Block::Code(lines) => {
                for line in lines {
                    sheet.line(Line::new(DIM, format!("    {line}")));
                }
            }
            Block::Item(mark, prose) => {
                sheet.prose(width, Line::new(PLAIN, format!("  {mark} ")), PLAIN, &plain(prose));
            }
            Block::Paragraph(prose) => sheet.prose(width, Line::default(), PLAIN, &plain(prose)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::CATALOGUE;

    #[test]
    fn an_explanation_has_the_words_and_not_the_worlds() {
        for rule in CATALOGUE {
            let shown = anstream::adapter::strip_str(&text(rule, 80)).to_string();
            assert!(
                shown.starts_with(&format!("{}  {}  {}\n", rule.name, rule.code, rule.severity))
            );
            assert!(shown.contains("\nHow to fix\n"), "{shown}");
            assert!(!shown.contains("\nSilent\n"), "{shown}");
            assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        }
    }

    #[test]
    fn an_explanation_reads_back_from_json() {
        let rule = &CATALOGUE[0];
        let back: serde_json::Value = serde_json::from_str(&render(rule, Plain::Jsonl, 0)).unwrap();
        assert_eq!(back["rule"], rule.name);
        assert_eq!(back["code"], rule.code);
        assert_eq!(back["page"], rule.page);
    }
}
