//! Lines for a terminal: styles, widths, wrapping, and the last gate before the screen.
//!
//! Every character passes [`printable`], so that no name, reply or stored file can move a cursor or
//! turn a line around. Knows nothing of mail.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};

pub const PLAIN: Style = Style::new();
pub const BOLD: Style = Style::new().bold();
/// What is unknown, and what only accompanies.
pub const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// The narrowest page we lay out for; below it a terminal wraps by itself.
pub const NARROWEST: usize = 60;

/// Prose wider than this tires the eye.
const WIDEST_PROSE: usize = 100;

/// One line in the making.
#[derive(Clone, Debug, Default)]
pub struct Line {
    spans: Vec<(Style, String)>,
}

/// Lines on top of each other.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    lines: Vec<Line>,
}

impl Line {
    pub fn new(style: Style, text: impl fmt::Display) -> Self {
        Self::default().and(style, text)
    }

    #[must_use]
    pub fn and(mut self, style: Style, text: impl fmt::Display) -> Self {
        let text = printable(&text.to_string());
        // A blank has no colour; the fewer escape sequences, the better a line reads in a log.
        let style = if text.trim().is_empty() { PLAIN } else { style };
        self.spans.push((style, text));
        self
    }

    /// Another line behind this one.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.spans.extend(other.spans.iter().cloned());
        self
    }

    /// Blanks up to column `width`.
    #[must_use]
    pub fn pad(self, width: usize) -> Self {
        let missing = width.saturating_sub(self.width());
        if missing == 0 { self } else { self.and(PLAIN, " ".repeat(missing)) }
    }

    /// Every printable character is one column wide; see [`printable`].
    pub fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| text.chars().count()).sum()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Blanks at the end of a line are seen by nobody but copy and paste.
        let is_blank = |(_, text): &&(Style, String)| text.trim_end().is_empty();
        let blank = self.spans.iter().rev().take_while(is_blank).count();
        let spans = &self.spans[..self.spans.len() - blank];
        for (at, (style, text)) in spans.iter().enumerate() {
            let text = if at + 1 == spans.len() { text.trim_end() } else { text };
            write!(f, "{style}{text}{style:#}")?;
        }
        Ok(())
    }
}

impl Sheet {
    pub fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// `text` in one style, wrapped; every line but the first begins as deep as `head` is wide.
    pub fn prose(&mut self, width: usize, head: Line, style: Style, text: &str) {
        let indent = head.width();
        self.hanging(width, indent, head, (style, text));
    }

    /// Text behind `head`, every line but the first beginning at `indent`.
    pub fn hanging(
        &mut self,
        width: usize,
        indent: usize,
        head: Line,
        (style, text): (Style, &str),
    ) {
        let width = width.saturating_sub(indent).min(WIDEST_PROSE);
        let used = head.width().saturating_sub(indent);
        let mut next = head;
        for piece in wrap_after(used, text, width) {
            let line = std::mem::replace(&mut next, Line::default().pad(indent));
            self.lines.push(line.and(style, piece));
        }
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The closed list of characters that reach a terminal: printable ASCII, the letters of Latin-1
/// and a few marks, each one column wide. Anything else is written as its code point.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => out.push(c),
            '–' | '—' | '‘' | '’' | '“' | '”' | '…' | '≠' | '≤' | '≥' | '→' | '─' =>
            {
                out.push(c);
            }
            _ => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
        }
    }
    out
}

/// Breaks `text` between words, and inside a word that alone is too wide, behind a dot, colon,
/// hyphen or the like where there is one. Always at least one line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_after(0, text, width)
}

/// The same where `taken` columns of the first line are taken already.
fn wrap_after(taken: usize, text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        // Pieces of one word follow each other without a blank, each on a line of its own.
        for (at, piece) in fold(word, width).into_iter().enumerate() {
            let taken = if lines.len() == 1 { taken } else { 0 };
            let line = lines.last_mut().expect("never empty: begun with one line");
            let used = line.chars().count();
            let length = piece.chars().count();
            if used == 0 && (taken == 0 || taken + length <= width) {
                line.push_str(&piece);
            } else if used > 0 && at == 0 && taken + used + 1 + length <= width {
                line.push(' ');
                line.push_str(&piece);
            } else {
                lines.push(piece);
            }
        }
    }
    lines
}

/// A word in pieces of at most `width` characters.
fn fold(word: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = word.chars().collect();
    while rest.len() > width {
        let soft = |c: &char| ".:-/@_,=".contains(*c);
        let cut = rest[..width].iter().rposition(soft).map_or(width, |at| at + 1);
        let tail = rest.split_off(cut);
        pieces.push(std::mem::replace(&mut rest, tail).into_iter().collect());
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole_until_one_is_too_wide() {
        for (text, want) in [
            ("one two three", &["one two", "three"][..]),
            ("", &[""]),
            ("mx1.mail.example", &["mx1.mail.", "example"]),
            ("abcdefghijklm", &["abcdefghij", "klm"]),
            ("a mx1.mail.example b", &["a", "mx1.mail.", "example b"]),
        ] {
            assert_eq!(wrap(text, 10), want, "{text}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        for (text, want) in [
            ("\x1b[2J", "\\u{1b}[2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("RFC 5321 §5.1 – ok", "RFC 5321 §5.1 – ok"),
        ] {
            assert_eq!(printable(text), want);
        }
    }

    #[test]
    fn padding_is_not_printed_at_the_end() {
        let line = Line::new(BOLD, "a").pad(8);
        assert_eq!(line.width(), 8);
        assert_eq!(line.to_string(), format!("{BOLD}a{BOLD:#}"));
    }

    proptest! {
        #[test]
        fn nothing_but_printable_characters_gets_through(text: String, width in 0usize..60) {
            let mut sheet = Sheet::default();
            sheet.prose(width, Line::new(PLAIN, &text), BAD, &text);
            let shown = anstream::adapter::strip_str(&sheet.to_string()).to_string();
            prop_assert!(shown.lines().all(|line| line == printable(line)), "{:?}", shown);
        }

        #[test]
        fn wrapping_loses_nothing_and_keeps_to_the_width(text in "[a-z. ]{0,200}", width in 8usize..60) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            let squeezed = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(squeezed(&lines.concat()), squeezed(&text));
        }
    }
}
