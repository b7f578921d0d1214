//! Every rule page, executed: the rule fires on the worlds that should make it fire, with the
//! findings that stand below them, and is silent on the others.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

use mxparity::rules::{self, CATALOGUE, Finding, Rule};

use crate::support::play::play;

/// What a page has to have, in this order.
const HEADINGS: [&str; 5] = ["Why it matters", "How to fix", "References", "Fires", "Silent"];

/// A page in pieces, in the order they stand.
enum Piece<'a> {
    Heading(&'a str),
    /// A fenced block and its language.
    Block {
        language: &'a str,
        content: String,
    },
    Line(&'a str),
}

#[test]
fn every_page_has_the_parts_a_page_needs() {
    for rule in CATALOGUE {
        let mut lines = rule.page.lines();
        assert_eq!(lines.next(), Some(&*format!("# {}", rule.name)));
        let summary = lines.find(|line| !line.is_empty()).unwrap_or("##");
        assert!(!summary.starts_with('#'), "{}: no summary", rule.name);
        let headings: Vec<_> =
            rule.page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", rule.name);
    }
}

#[test]
fn every_page_belongs_to_a_rule() {
    let pages = std::fs::read_dir(path("")).unwrap();
    let pages: BTreeSet<String> = pages
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let rules: BTreeSet<String> = CATALOGUE.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(pages, rules);
}

#[test]
fn every_rule_does_what_its_page_says() {
    let faults: Vec<String> = CATALOGUE.iter().flat_map(check).collect();
    assert!(faults.is_empty(), "{}\nUPDATE=1 writes the findings\n", faults.join("\n"));
}

/// What is wrong with the page of `rule`; with `UPDATE` set, findings are written instead.
fn check(rule: &Rule) -> Vec<String> {
    let mut faults = Vec::new();
    let mut page = String::new();
    let mut heading = "";
    let mut expected: Option<String> = None;
    let mut worlds = [0, 0];
    for piece in pieces(rule.page) {
        // A world that fires without findings below it gets them.
        if let Some(findings) = expected.take_if(|_| !is_finding(&piece) && !is_blank(&piece)) {
            faults.push(format!("{}: no findings below a world:\n{findings}", rule.name));
            let _ = write!(page, "```finding\n{findings}```\n\n");
        }
        match piece {
            Piece::Heading(line) => {
                heading = line.trim_start_matches("## ");
                let _ = writeln!(page, "{line}");
            }
            Piece::Line(line) => {
                let _ = writeln!(page, "{line}");
            }
            Piece::Block { language: "toml", content } => {
                let _ = write!(page, "```toml\n{content}```\n");
                let findings = findings(rule, &content);
                match heading {
                    "Fires" if findings.is_empty() => {
                        faults.push(format!("{}: does not fire on\n{content}", rule.name));
                    }
                    "Fires" => expected = Some(findings),
                    "Silent" if !findings.is_empty() => {
                        faults
                            .push(format!("{}: should be silent:\n{findings}{content}", rule.name));
                    }
                    _ => {}
                }
                worlds[usize::from(heading == "Silent")] += 1;
            }
            Piece::Block { language: "finding", content } => {
                let findings = expected.take().unwrap_or_default();
                let _ = write!(page, "```finding\n{findings}```\n");
                if findings != content {
                    faults.push(format!("{}: now:\n{findings}page:\n{content}", rule.name));
                }
            }
            Piece::Block { language, content } => {
                let _ = write!(page, "```{language}\n{content}```\n");
            }
        }
    }
    if let Some(findings) = expected {
        faults.push(format!("{}: no findings below a world:\n{findings}", rule.name));
        let _ = write!(page, "\n```finding\n{findings}```\n");
    }
    if worlds.contains(&0) {
        faults.push(format!("{}: has no world that fires, or none that is silent", rule.name));
    }
    if std::env::var_os("UPDATE").is_some() && page != rule.page {
        std::fs::write(path(rule.name), page).unwrap();
        faults.retain(|fault| !fault.contains("findings below") && !fault.contains(": now:"));
    }
    faults
}

fn is_finding(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Block { language: "finding", .. })
}

fn is_blank(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Line(line) if line.is_empty())
}

/// The findings of `rule` on a world, one a line.
fn findings(rule: &Rule, world: &str) -> String {
    let played = play(rule.name, world);
    let mut text = String::new();
    let findings = rules::judge_under(&played.survey, played.profile);
    for finding in findings.iter().filter(|finding| finding.rule == rule.name) {
        let _ = writeln!(text, "{}", line(finding));
    }
    text
}

fn line(finding: &Finding) -> String {
    let against = finding.against.as_ref().map(|subject| format!(" against {subject}"));
    let evidence = finding.evidence.iter().map(|seen| format!("{} {}", seen.fact, seen.saw));
    format!(
        "{} {}{}: {}",
        finding.severity,
        finding.subject,
        against.unwrap_or_default(),
        evidence.collect::<Vec<_>>().join("; "),
    )
}

fn pieces(page: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        pieces.push(match line.strip_prefix("```") {
            Some(language) => {
                let inside = lines.by_ref().take_while(|line| *line != "```");
                let content = inside.fold(String::new(), |all, line| all + line + "\n");
                Piece::Block { language, content }
            }
            None if line.starts_with("## ") => Piece::Heading(line),
            None => Piece::Line(line),
        });
    }
    pieces
}

/// Where the page of a rule stands; without a name, where all of them do.
fn path(rule: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/rules/pages");
    if rule.is_empty() { folder } else { folder.join(format!("{rule}.md")) }
}
