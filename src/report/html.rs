//! The report for a browser: one page that needs nothing beside itself.
//!
//! No script, no outside resource, and a policy in the page that lets none in. Everything that a
//! template prints passes [`Shown`]. Judges nothing and words little: what it says, the text report
//! says as well.

mod grid;
mod section;
mod tiers;
mod visits;

use std::fmt;

use anstyle::Style;
use askama::{
    Template,
    filters::{Escaper, Html},
};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::{
    Report, Tool,
    ink::{BAD, BOLD, DIM, GOOD, PLAIN, WARN, printable},
};
use grid::Grid;
use section::Section;

const STYLE: &str = include_str!("html/style.css");

/// One page about all of `reports`; nothing without any.
pub fn page(reports: &[Report]) -> String {
    let Some(first) = reports.first() else { return String::new() };
    let page = Page {
        policy: policy(),
        style: STYLE,
        title: match reports {
            [one] => format!("Mail failover of {}", one.domain),
            several => format!("Mail failover of {} domains", several.len()),
        },
        tool: first.tool,
        summary: Grid::of_domains(reports),
        sections: (1..).zip(reports).map(|(number, report)| Section::of(number, report)).collect(),
    };
    page.render().expect("writing to a string does not fail")
}

#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct Page<'a> {
    policy: String,
    style: &'static str,
    title: String,
    tool: Tool,
    /// All domains at a glance, where there are several.
    summary: Option<Grid>,
    sections: Vec<Section<'a>>,
}

/// Nothing is loaded, run or sent; the one style sheet is known by its hash.
fn policy() -> String {
    let hash = BASE64.encode(&Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// A few words with a meaning that a terminal shows in colour, and a browser by a shape as well.
struct Badge {
    class: &'static str,
    mark: &'static str,
    words: String,
}

impl Badge {
    fn new(style: Style, words: impl fmt::Display) -> Self {
        let kinds = [
            (GOOD, "good", "✓"),
            (WARN, "warn", "▲"),
            (BAD, "bad", "✕"),
            (BOLD, "note", "•"),
            (DIM, "dim", "○"),
        ];
        let kind = kinds.into_iter().find(|(known, ..)| *known == style);
        let (_, class, mark) = kind.unwrap_or((PLAIN, "plain", ""));
        Self { class, mark, words: words.to_string() }
    }

    /// The same without its mark.
    fn quiet(style: Style, words: impl fmt::Display) -> Self {
        Self { mark: "", ..Self::new(style, words) }
    }
}

/// What becomes of every expression in a template: what a terminal would not be shown is spelled out
/// (see [`printable`]), and what HTML would obey is escaped.
#[derive(Clone, Copy)]
struct Shown;

impl Escaper for Shown {
    fn write_escaped_str<W: fmt::Write>(&self, into: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(into, &printable(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scraper::Html as Parsed;

    use super::*;
    use crate::report::sample;

    /// Every element that our templates write, and those that a parser adds.
    const ELEMENTS: &str = "a article b body caption circle code dd details div dl dt figcaption \
        figure footer g h1 h2 h3 h4 head header html li main meta nav ol p path rect section small \
        span style summary svg table tbody td text th thead title tr ul";

    /// Every attribute that our templates write.
    const ATTRIBUTES: &str = "aria-hidden aria-labelledby charset class \
        content cx cy d height href http-equiv id lang name r role rx scope tabindex viewBox width x y";

    /// What is in no list of ours, or in an attribute that a stranger had a hand in.
    fn foreign(page: &str) -> Vec<String> {
        let parsed = Parsed::parse_document(page);
        let mut foreign: Vec<String> = parsed.errors.iter().map(ToString::to_string).collect();
        let is_one_of = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
        for element in parsed.tree.nodes().filter_map(|node| node.value().as_element()) {
            if !is_one_of(ELEMENTS, element.name()) {
                foreign.push(format!("<{}>", element.name()));
            }
            for (name, value) in element.attrs() {
                let is_ours = |c: char| c.is_ascii_alphanumeric() || " -#.,;:'+/=".contains(c);
                if !is_one_of(ATTRIBUTES, name) || !value.chars().all(is_ours) {
                    foreign.push(format!("{name}={value:?}"));
                }
            }
        }
        foreign
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_stranger_adds_no_element_and_no_attribute(
            bytes in prop_oneof![any::<Vec<u8>>(), "[-<>&'\"/!=a-z ]{0,40}".prop_map(String::into_bytes)],
            words in prop_oneof![any::<String>(), "[-<>&'\"/!=a-z ]{0,40}"],
        ) {
            let reports = [(); 2].map(|()| Report::of(sample::hostile(&bytes, &words)));
            prop_assert_eq!(foreign(&page(&reports)), Vec::<String>::new());
        }

        #[test]
        fn what_a_stranger_said_is_read_as_it_would_be_in_a_terminal(words: String) {
            let report = Report::of(sample::hostile(b"<b>&amp;</b>", &words));
            let parsed = Parsed::parse_document(&page(&[report]));
            let text: String = parsed.root_element().text().collect();
            prop_assert!(text.contains("S: <b>&amp;</b>"), "{}", text);
            prop_assert!(text.contains(&printable(&words)), "{:?} in {}", words, text);
            let ours = ['✓', '▲', '✕', '•', '○'];
            prop_assert!(text.replace(ours, "").lines().all(|line| line == printable(line)));
        }
    }
}
