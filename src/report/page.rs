//! A rule's page as parts: title, sections, paragraphs, lists and code.
//!
//! Reads the little Markdown our own pages use; it is no Markdown reader for other people's files.

/// A page, cut into sections.
pub struct Page<'a> {
    pub sections: Vec<Section<'a>>,
}

/// A heading and what stands below it; the first has the page's title.
pub struct Section<'a> {
    pub heading: &'a str,
    pub blocks: Vec<Block<'a>>,
}

pub enum Block<'a> {
    /// The lines between two fences, as they stand.
    Code(Vec<&'a str>),
    /// A list item, joined to one line, with its mark (`-`, `2.`).
    Item(&'a str, String),
    /// A paragraph, joined to one line.
    Paragraph(String),
}

impl<'a> Page<'a> {
    pub fn parse(text: &'a str) -> Self {
        let mut sections: Vec<Section<'a>> = Vec::new();
        // Whether the next line of prose continues the block above it.
        let mut open = false;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let heading = line.strip_prefix("## ").or(line.strip_prefix("# "));
            if let Some(heading) = heading {
                sections.push(Section { heading: heading.trim(), blocks: Vec::new() });
                open = false;
                continue;
            }
            let Some(section) = sections.last_mut() else { continue };
            if line.starts_with("```") {
                let code = lines.by_ref().take_while(|line| !line.starts_with("```"));
                section.blocks.push(Block::Code(code.collect()));
                open = false;
            } else if line.trim().is_empty() {
                open = false;
            } else if let Some((mark, item)) = item(line) {
                section.blocks.push(Block::Item(mark, item.trim().to_owned()));
                open = true;
            } else if let (true, Some(Block::Item(_, prose) | Block::Paragraph(prose))) =
                (open, section.blocks.last_mut())
            {
                prose.push(' ');
                prose.push_str(line.trim());
            } else {
                section.blocks.push(Block::Paragraph(line.trim().to_owned()));
                open = true;
            }
        }
        Self { sections }
    }

    /// The first sentence below `heading`.
    pub fn first_sentence(&self, heading: &str) -> Option<String> {
        let section = self.sections.iter().find(|section| section.heading == heading)?;
        section.blocks.iter().find_map(|block| match block {
            Block::Item(_, prose) | Block::Paragraph(prose) => Some(first_sentence(prose)),
            Block::Code(_) => None,
        })
    }
}

/// Prose without the marks that a terminal does not need; those around code tell it from words.
pub fn plain(prose: &str) -> String {
    prose.replace("**", "")
}

/// `- text` or `2. text`.
fn item(line: &str) -> Option<(&str, &str)> {
    let (mark, text) = line.trim_start().split_once(' ')?;
    let digits = mark.strip_suffix('.').unwrap_or_default();
    let numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (mark == "-" || mark == "*" || numbered).then_some((mark, text))
}

/// Up to the first stop that a capital letter follows: `e.g. this` does not end a sentence.
fn first_sentence(prose: &str) -> String {
    let ends = prose.match_indices(". ").find(|(at, _)| {
        prose[at + 2..].trim_start().starts_with(|c: char| c.is_uppercase() || c == '`')
    });
    let sentence = plain(ends.map_or(prose, |(at, _)| &prose[..=at]));
    // What the colon leads up to is not shown.
    match sentence.strip_suffix(':') {
        Some(head) => format!("{}.", head.trim_end_matches('.')),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# a-rule\n\nWhat is wrong.\n\n## How to fix\n\nUse `mynetworks`, e.g. as\n\
        below. Then reload.\n\n1. first\n   and more\n2. second\n\n```text\n# no heading\n```\n";

    #[test]
    fn a_page_falls_into_sections_and_blocks() {
        let page = Page::parse(PAGE);
        let headings: Vec<_> = page.sections.iter().map(|section| section.heading).collect();
        assert_eq!(headings, ["a-rule", "How to fix"]);
        let [Block::Paragraph(prose), Block::Item("1.", first), Block::Item("2.", _), code] =
            page.sections[1].blocks.as_slice()
        else {
            panic!("other blocks");
        };
        assert_eq!(prose, "Use `mynetworks`, e.g. as below. Then reload.");
        assert_eq!(first, "first and more");
        assert!(matches!(code, Block::Code(lines) if lines == &["# no heading"]));
    }

    #[test]
    fn the_first_sentence_is_what_to_do() {
        let page = Page::parse(PAGE);
        let sentence = page.first_sentence("How to fix");
        assert_eq!(sentence.as_deref(), Some("Use `mynetworks`, e.g. as below."));
        assert_eq!(page.first_sentence("Elsewhere"), None);
    }

    #[test]
    fn every_rule_says_how_to_fix_it() {
        for rule in crate::rules::CATALOGUE {
            let page = Page::parse(rule.page);
            assert_eq!(page.sections[0].heading, rule.name);
            assert!(page.first_sentence("How to fix").is_some(), "{}", rule.name);
        }
    }
}
