//! The forms that reports are printed in, and the forms of everything else that is printed.
//!
//! Chooses; what a form looks like stands in its own file.

use serde::Serialize;

use super::{Report, html, json, junit, markdown, nagios, prometheus, summary, text, transcript};
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
        Format::Text => people(reports, layout),
        Format::Html => html::page(reports),
        Format::Json => each(&json::pretty).concat(),
        Format::Jsonl => each(&json::line).concat(),
        Format::Junit => junit::text(reports, layout.bar),
        Format::Markdown => markdown::text(reports, layout),
        Format::Nagios => nagios::text(reports, layout.bar),
        Format::Prometheus => prometheus::text(reports, layout.bar, layout.earlier),
    }
}

/// One under the other, and several at a glance.
fn people(reports: &[Report], layout: Layout<'_>) -> String {
    let whole = |report: &Report| {
        let mut text = text::render(report, layout.width);
        if layout.transcript {
            text.push('\n');
            text += &transcript::text(&report.survey);
        }
        text
    };
    let mut parts: Vec<String> = reports.iter().map(whole).collect();
    if reports.len() > 1 {
        parts.push(summary::text(reports, layout.bar));
    }
    parts.join("\n")
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

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    use quick_xml::{Reader, events::Event as Xml};

    use super::*;
    use crate::report::{ink::printable, sample};

    /// What means something to some reader, and a lot of it.
    const SAID: [&str; 7] = [
        "\u{1b}[2J\u{1b}]0;gone\u{7}",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "]]> --> <!-- <![CDATA[ &lt; &amp; &#x0; \" '",
        "| OK | hosts_ok=9;;;; 'a'=1",
        "\n# HELP smtp_failover_up up\nsmtp_failover_up{a=\"b\"} 1\n",
        "`` ` ``` ~~~ [a](https://evil.example) ![b](x) @team #1 **bold** \n\n# heading\n- item",
        "\u{202e}\u{feff}\u{ffff}\u{0}\r\n.\r\n",
    ];

    /// Reports in which everything that a stranger can choose is chosen to do harm: each of those
    /// words, all of them over 4 kB, and octets that are no text.
    fn reports() -> Vec<Report> {
        let long = SAID.concat().repeat(12);
        let octets: Vec<u8> = (0..=255).collect();
        let hostile = |said: &[u8], named: &str| Report::of(sample::hostile(said, named));
        let mut all: Vec<Report> = SAID.iter().map(|said| hostile(said.as_bytes(), said)).collect();
        all.push(hostile(long.as_bytes(), &long[..200]));
        all.push(hostile(&octets, "octets.example"));
        all
    }

    fn shown(reports: &[Report], format: Format) -> String {
        let layout = Layout { width: 80, bar: Severity::Info, transcript: true, earlier: "" };
        render(reports, format, layout)
    }

    #[test]
    fn a_monitor_reads_one_line_with_figures_and_no_tag() {
        let reports = reports();
        let shown = shown(&reports, Format::Nagios);
        assert_eq!(shown.matches('|').count(), 1, "{shown}");
        assert!(shown.lines().next().unwrap().contains('|'), "{shown}");
        assert!(!shown.contains(['<', '>']), "{shown}");
        assert!(shown.lines().all(|line| line == printable(line)), "{shown:?}");
    }

    #[test]
    fn metrics_are_samples_of_ours_and_nothing_else() {
        let reports = reports();
        for line in shown(&reports, Format::Prometheus).lines() {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let known = series.starts_with("smtp_failover_") && value.parse::<f64>().is_ok();
            let told = ["# HELP smtp_failover_", "# TYPE smtp_failover_"];
            let told = told.iter().any(|head| line.starts_with(head));
            assert!(known || told, "{line}");
            assert_eq!(line, printable(line));
        }
    }

    #[test]
    fn an_xml_parser_reads_junit_to_its_end() {
        let reports = reports();
        let shown = shown(&reports, Format::Junit);
        let mut reader = Reader::from_str(&shown);
        let (mut suites, mut depth) = (0, 0);
        loop {
            match reader.read_event() {
                Ok(Xml::Start(tag)) => {
                    suites += usize::from(tag.name().as_ref() == "testsuite");
                    depth += 1;
                    for attribute in tag.attributes() {
                        assert!(attribute.is_ok(), "{attribute:?}");
                    }
                }
                Ok(Xml::End(_)) => depth -= 1,
                Ok(Xml::Eof) => break,
                Ok(Xml::Comment(_) | Xml::CData(_) | Xml::DocType(_) | Xml::PI(_)) => {
                    panic!("none of ours: {shown}");
                }
                Ok(_) => {}
                Err(error) => panic!("{error}: {shown}"),
            }
        }
        assert_eq!((suites, depth), (reports.len(), 0));
        assert!(shown.lines().all(|line| line == printable(line)), "{shown:?}");
    }

    #[test]
    fn a_reader_of_markdown_finds_no_link_no_tag_and_no_heading_but_ours() {
        let reports = reports();
        let shown = shown(&reports, Format::Markdown);
        let mut headings = 0;
        for event in Parser::new_ext(&shown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
        {
            match event {
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock) => {
                    panic!("{event:?} in {shown}");
                }
                Event::InlineHtml(tag) | Event::Html(tag) => assert_eq!(&*tag, "<br>"),
                Event::Start(Tag::Heading { .. }) => headings += 1,
                _ => {}
            }
        }
        let rules = |report: &Report| crate::report::findings::groups(&report.findings).count();
        let titles = |report: &Report| {
            let unseen = usize::from(!report.coverage.unseen.is_empty());
            3 + unseen + usize::from(!report.findings.is_empty()) + rules(report)
        };
        assert_eq!(headings, reports.iter().map(titles).sum::<usize>(), "{shown}");
        assert!(shown.lines().all(|line| line == printable(line)), "{shown:?}");
    }
}
