//! The report as Markdown, for tickets and wikis: the dialect that GitHub, GitLab and Forgejo share.
//!
//! Every word that somebody else chose stands in a code span, where nothing is a link, a mention, a tag
//! or the end of a cell. Leaves the transcript out unless it was asked for.

use std::fmt::Write as _;

use super::{
    Layout, Report, circumstances, findings,
    findings::Sight,
    headline,
    ink::printable,
    matrix::{self, Column, Matrix},
    transcript, words,
};
use crate::{
    rules::{Finding, Rule, View},
    survey::Blame,
};

/// Longer cells make a table that nobody can read; the transcript has the whole.
const WIDEST_CELL: usize = 100;

/// Every report under a heading of its own; of several, a table of all comes first.
pub fn text(reports: &[Report], layout: Layout<'_>) -> String {
    let mut parts = Vec::new();
    if reports.len() > 1 {
        parts.push(summary(reports));
    }
    parts.extend(reports.iter().map(|report| one(report, layout)));
    parts.join("\n")
}

fn summary(reports: &[Report]) -> String {
    let mut rows = "| domain | failover | parity | worst finding |\n|---|---|---|---|\n".to_owned();
    for report in reports {
        let verdict = report.verdict;
        let (failover, parity) = (words::failover(verdict.failover), words::parity(verdict.parity));
        let _ = writeln!(
            rows,
            "| {} | {failover} | {parity} | {} |",
            cell(&report.domain),
            worst(report)
        );
    }
    rows
}

fn worst(report: &Report) -> String {
    report.verdict.severity.map_or("none".to_owned(), |severity| severity.to_string())
}

fn one(report: &Report, layout: Layout<'_>) -> String {
    let verdict = report.verdict;
    let mut parts = vec![format!("# {}", code(&report.domain)), prose(&headline::sentence(report))];
    let view = View::of(&report.survey);
    if view.seats().next().is_some() {
        parts.push(format!(
            "failover **{}** · parity **{}** · worst finding **{}**",
            words::failover(verdict.failover),
            words::parity(verdict.parity),
            worst(report),
        ));
        parts.push(table(&Matrix::of(&view)));
    }
    if !report.findings.is_empty() {
        parts.push("## Findings".to_owned());
    }
    parts.extend(findings::groups(&report.findings).map(|group| entry(report, group)));
    if !report.coverage.unseen.is_empty() {
        parts.push("## Not seen".to_owned());
        let unseen = report.coverage.unseen.iter().map(|unseen| {
            let place = match unseen.address {
                Some(address) => format!("{} [{address}]", unseen.host),
                None => unseen.host.clone(),
            };
            let blame = match unseen.blame {
                Blame::Peer => "theirs",
                Blame::Path => "the path",
                Blame::Us => "ours",
            };
            format!("- {}: {} ({blame})", code(&place), code(&unseen.why))
        });
        parts.push(unseen.collect::<Vec<_>>().join("\n"));
    }
    let circumstances = circumstances::of(&report.survey);
    let circumstances =
        circumstances.iter().map(|(name, said)| format!("- {name}: {}", prose(said)));
    parts.push("## About this run".to_owned());
    parts.push(circumstances.collect::<Vec<_>>().join("\n"));
    if layout.transcript {
        let said = anstream::adapter::strip_str(&transcript::text(&report.survey)).to_string();
        let fence = "`".repeat(longest_run(&said).max(2) + 1);
        parts.push(format!("## Transcript\n\n{fence}text\n{}\n{fence}", said.trim_end()));
    }
    parts.join("\n\n") + "\n"
}

/// Traits by hosts; what differs from the primary is marked.
fn table(matrix: &Matrix<'_>) -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let columns = &matrix.columns;
    let heads = columns.iter().map(head);
    let mut rows = vec![row([String::new()].into_iter().chain(heads).collect())];
    rows.push(format!("|{}", "---|".repeat(columns.len() + 1)));
    for at in matrix::told(columns) {
        let cells = columns.iter().map(|column| {
            let mark = if column.marks[at] { "≠ " } else { "" };
            format!("{mark}{}", cell(&column.cells[at].text))
        });
        rows.push(row([prose(&matrix.labels[at])].into_iter().chain(cells).collect()));
    }
    rows.join("\n")
}

fn head(column: &Column<'_>) -> String {
    let seat = &column.seat;
    let place = match seat.preference {
        Some(preference) => format!("{preference} {}", seat.role),
        None => "not in MX".to_owned(),
    };
    let addresses = column.spots.iter().map(|spot| cell(&spot.endpoint.address.to_string()));
    let parts = [place, cell(&seat.host.name)].into_iter().chain(addresses);
    parts.collect::<Vec<_>>().join("<br>")
}

/// One rule's findings of one severity; never empty.
fn entry(report: &Report, group: &[Finding]) -> String {
    let first = &group[0];
    let waived = if first.waived { ", waived" } else { "" };
    let mut lines =
        vec![format!("### {}{waived}: {} ({})", first.severity, first.rule, first.code)];
    let rule = Rule::find(first.rule);
    lines.extend(rule.map(|rule| format!("\n{}\n", prose(rule.summary))));
    for finding in group {
        lines.push(format!("- **{}**", prose(&findings::who(finding))));
        lines.extend(findings::waiver(finding).map(|why| format!("  - waived: {}", code(&why))));
        for sight in Sight::all(&report.survey, finding) {
            let word = if sight.is_of_other { "there" } else { "saw" };
            let place = if sight.place.is_empty() {
                String::new()
            } else {
                format!(" at {}", code(&sight.place))
            };
            let visits = sight
                .visits
                .iter()
                .map(|(place, lines)| format!("visit {}{}", place.visit, words::lines(lines)));
            let visits = visits.collect::<Vec<_>>().join("; ");
            let visits = if visits.is_empty() { visits } else { format!(" ({visits})") };
            lines.push(format!(
                "  - {word} {}: {}{place}{visits}",
                code(sight.fact),
                code(sight.saw)
            ));
        }
    }
    // Our own pages are Markdown already.
    lines.extend(rule.and_then(findings::fix).map(|fix| format!("\nFix: {fix}")));
    lines.join("\n")
}

/// A code span that ends where it says, whatever it holds.
fn code(text: &str) -> String {
    let text = printable(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A backtick at either end would join the fence.
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// The same inside a table, where a bar ends the cell even in a code span.
fn cell(text: &str) -> String {
    let mut text = printable(text);
    if let Some((end, _)) = text.char_indices().nth(WIDEST_CELL) {
        text.truncate(end);
        text.push('…');
    }
    code(&text).replace('|', "\\|")
}

/// Words of ours in which names of others occur: whatever is more than letters and common punctuation
/// stands in a code span of its own.
fn prose(text: &str) -> String {
    let is_plain = |word: &str| {
        let mut chars = word.chars();
        chars.all(|c| c.is_ascii_alphanumeric() || "–·.,;:()'-".contains(c))
            && !word.contains("www.")
    };
    let word = |word: &str| {
        if is_plain(word) {
            return word.to_owned();
        }
        // What belongs to the sentence stays outside.
        let opened = word.trim_start_matches('(');
        let name = opened.trim_end_matches([',', '.', ';', ':', ')']);
        let (before, after) = (&word[..word.len() - opened.len()], &opened[name.len()..]);
        format!("{before}{}{after}", code(name))
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_holds_whatever_stands_in_it() {
        for (text, want) in [
            ("250 Ok", "`250 Ok`"),
            ("<b>@team #1</b>", "`<b>@team #1</b>`"),
            ("a `b` c", "``a `b` c``"),
            ("`", "`` ` ``"),
            ("a\n# b", "`a\\u{a}# b`"),
            ("", ""),
        ] {
            assert_eq!(code(text), want, "{text:?}");
        }
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert!(cell(&"x".repeat(4_000)).chars().count() < 110);
    }

    #[test]
    fn prose_leaves_words_alone_and_takes_links_mentions_and_tags_into_code() {
        for (text, want) in [
            (
                "Failover works, but mx2.even.example is weaker.",
                "Failover works, but mx2.even.example is weaker.",
            ),
            ("refuses ann@even.example", "refuses `ann@even.example`"),
            (
                "see https://evil.example or www.evil.example",
                "see `https://evil.example` or `www.evil.example`",
            ),
            (
                "to ann@even.example, (bob@even.example).",
                "to `ann@even.example`, (`bob@even.example`).",
            ),
            ("a <img> *b* #1", "a `<img>` `*b*` `#1`"),
        ] {
            assert_eq!(prose(text), want);
        }
    }
}
