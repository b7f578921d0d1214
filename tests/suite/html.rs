//! The page for a browser, read back by a parser that reads as browsers do.
//!
//! What a browser makes of it is in `tests/real/browser.rs`.

use std::collections::BTreeSet;

use mxparity::{
    report::{Format, Layout, Report, render},
    rules::Severity,
};
use scraper::{ElementRef, Html, Selector};

use crate::support::{
    golden,
    play::{self, play},
};

/// Worlds whose page is kept to the letter: differences, words chosen to do harm, no hosts.
const KEPT: [&str; 3] = ["dns-failure", "hostile-banner", "weak-backup"];

fn report(name: &str, text: &str) -> Report {
    let played = play(name, text);
    Report::under(played.survey, played.profile)
}

fn page(reports: &[Report]) -> String {
    let layout = Layout { width: 80, bar: Severity::Medium, transcript: false, earlier: "" };
    render(reports, Format::Html, layout)
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// The page without what is the same on all: a new version, or another colour, is no difference.
fn unadorned(page: &str) -> String {
    let without = |text: &str, (begin, end): (&str, &str)| {
        let (head, rest) = text.split_once(begin).unwrap();
        let (_, tail) = rest.split_once(end).unwrap();
        [head, begin, end, tail].concat()
    };
    let plain = without(&without(page, ("<style>", "</style>")), ("sha256-", "&#39;"));
    plain.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Whatever the world, a page holds together: every link leads somewhere on it, headings go down step
/// by step, and nothing comes from elsewhere.
#[track_caller]
fn assert_whole(name: &str, source: &str) {
    let page = Html::parse_document(source);
    assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
    let ids: Vec<&str> = all(&page, "[id]").iter().filter_map(|one| one.attr("id")).collect();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "{name}: two elements of one name");
    for link in all(&page, "[href], [aria-labelledby]") {
        let targets = link.attr("href").or(link.attr("aria-labelledby")).unwrap();
        for target in targets.split(' ').map(|target| target.trim_start_matches('#')) {
            assert!(known.contains(target), "{name}: nothing is called {target}");
        }
    }
    let levels: Vec<u8> = all(&page, "h1, h2, h3, h4, h5, h6")
        .iter()
        .map(|one| one.value().name().as_bytes()[1] - b'0')
        .collect();
    assert_eq!(levels.first(), Some(&1), "{name}");
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
    assert!(!levels[1..].contains(&1), "{name}: {levels:?}");
    let elsewhere =
        "script, link, img, iframe, object, embed, base, form, [src], [style], [onclick]";
    assert!(all(&page, elsewhere).is_empty(), "{name}");
}

#[test]
fn the_page_of_every_scenario_holds_together() {
    let mut reports = Vec::new();
    for (name, text) in play::scenarios().into_iter().chain(play::demos()) {
        let report = report(&name, &text);
        let page = page(std::slice::from_ref(&report));
        assert_whole(&name, &page);
        if KEPT.contains(&name.as_str()) {
            golden::compare(&format!("scenarios/{name}/report.html"), &unadorned(&page));
        }
        reports.push(report);
    }
    let page = page(&reports);
    assert_whole("all domains", &page);
    let rows = Html::parse_document(&page);
    assert_eq!(all(&rows, "nav tbody tr").len(), reports.len());
}

#[test]
fn evidence_leads_to_the_line_that_it_cites() {
    let (name, world) = play::demos().into_iter().next().unwrap();
    let report = report(&name, &world);
    let source = page(std::slice::from_ref(&report));
    let page = Html::parse_document(&source);
    let nonsense =
        all(&page, ".finding").into_iter().find(|one| text(*one).contains("RCPT05")).unwrap();
    let links: Vec<ElementRef<'_>> =
        nonsense.select(&Selector::parse(".evidence a").unwrap()).collect();
    let led: Vec<String> = links
        .iter()
        .map(|link| {
            let line = all(&page, &format!("li[id={}]", &link.attr("href").unwrap()[1..]));
            let visit = ElementRef::wrap(line[0].parent().unwrap().parent().unwrap()).unwrap();
            let place = visit.select(&Selector::parse("summary").unwrap()).next().unwrap();
            let host = text(place).split_whitespace().next().unwrap().to_owned();
            format!("{}: {host} {}", text(*link), text(line[0]).split_once("C: ").unwrap().1)
        })
        .collect();
    let nobody = "RCPT TO:<mxparity-no-such-mailbox@weak-backup.example>";
    assert_eq!(
        led,
        [
            format!("visit 1, lines 27–28: mx2.weak-backup.example {nobody}"),
            format!("visit 1, lines 27–28: mx1.weak-backup.example {nobody}"),
        ]
    );
}

#[test]
fn a_hostile_server_is_quoted_and_not_obeyed() {
    let (name, world) =
        play::scenarios().into_iter().find(|(name, _)| name == "hostile-banner").unwrap();
    let source = page(&[report(&name, &world)]);
    let page = Html::parse_document(&source);
    let said: Vec<String> = all(&page, ".transcript li.server").into_iter().map(text).collect();
    let quoted = r#"550 5.1.1 \xe2\x80\xae<b>&amp;"quoted"</b> \x1b[0m| pipe"#;
    assert!(said.iter().any(|line| line.ends_with(quoted)), "{said:#?}");
    assert!(all(&page, "code b").is_empty());
    let controls = source.chars().filter(|c| c.is_control() && *c != '\n').count();
    assert_eq!(controls, 0);
}
