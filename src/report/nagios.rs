//! The report as the plug-in of a monitor says it: a line and its figures, then a line an address,
//! the worst first. Nagios Plugin Development Guidelines; Icinga, Naemon and Checkmk read the same.
//!
//! The exit status beside it is [`Status::code`]. Nothing that a stranger chose can end the text,
//! begin a figure, or be markup to the page that shows it.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};

use jiff::SignedDuration;

use super::{
    Report, Status,
    ink::printable,
    standing::{self, Standing},
    words,
};
use crate::{
    rules::{Finding, Severity, Spot, View, finding::SubjectKind, renewal},
    survey::Role,
};

/// What every line begins with.
const SERVICE: &str = "SMTP FAILOVER";

/// Longer lines are cut: nobody reads them on a status page.
const WIDEST: usize = 240;

/// Monitors cut off what goes past 8 kB, in the middle of a word.
const MOST_LINES: usize = 40;

/// Seconds in which a greeting has to come before it is a finding of medium severity.
const GREETING: &str = "30";

/// All reports as one answer; findings from `bar` up count.
pub fn text(reports: &[Report], bar: Severity) -> String {
    let mut domains: Vec<Domain<'_>> =
        reports.iter().map(|report| Domain::of(report, bar)).collect();
    domains.sort_by_key(|domain| Reverse(domain.status));
    let Some(worst) = domains.first() else {
        return unknown("no domain was looked at");
    };
    let several = domains.len() > 1;
    let mut said = format!("{}: {}", worst.report.domain, worst.reason());
    if several {
        let fine = domains.iter().filter(|domain| domain.status == Status::Fine).count();
        let _ = write!(said, " ({fine} of {} domains well)", domains.len());
    }
    let figures: Vec<String> = domains.iter().flat_map(|domain| domain.figures(several)).collect();
    let first = first_line(worst.status, &said);
    let mut lines = vec![format!("{first} | {}", figures.join(" "))];
    for domain in &domains {
        if several {
            lines.push(safe(&format!(
                "{} {}: {}",
                word(domain.status),
                domain.report.domain,
                domain.verdict()
            )));
        }
        lines.extend(domain.at_large());
        lines.extend(domain.places.iter().map(line));
    }
    let beyond = lines.len().saturating_sub(MOST_LINES);
    if beyond > 0 {
        lines.truncate(MOST_LINES);
        lines.push(format!("and {beyond} lines more"));
    }
    lines.join("\n") + "\n"
}

/// The answer where there is nothing to judge.
pub fn unknown(why: &str) -> String {
    first_line(Status::Unproven, why) + "\n"
}

fn first_line(status: Status, said: &str) -> String {
    safe(&format!("{SERVICE} {} - {said}", word(status)))
}

/// One domain, laid out.
struct Domain<'a> {
    report: &'a Report,
    status: Status,
    /// Worst first.
    places: Vec<Standing<'a>>,
    bar: Severity,
}

impl<'a> Domain<'a> {
    fn of(report: &'a Report, bar: Severity) -> Self {
        let view = View::of(&report.survey);
        let mut places = standing::places(report, &view, bar);
        places.sort_by_key(|place| Reverse(place.status));
        Self { report, status: Status::of(report, bar), places, bar }
    }

    /// The findings that count and name no host.
    fn wide(&self) -> impl Iterator<Item = &'a Finding> {
        let bar = self.bar;
        self.report.findings.iter().filter(move |finding| {
            let counts = finding.severity >= bar || finding.severity == Severity::Unproven;
            finding.subject.host.is_none() && !finding.waived && counts
        })
    }

    /// In a few words why the status is what it is.
    fn reason(&self) -> String {
        let counted = self
            .report
            .findings
            .iter()
            .filter(|finding| !finding.waived && finding.severity >= self.bar);
        let mut counted = counted.peekable();
        if let Some(worst) = counted.next() {
            let more = match counted.count() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let who = match worst.subject.kind {
                SubjectKind::Domain => String::new(),
                _ => format!("{} ", worst.subject),
            };
            return format!("{who}{}{more}; {}", worst.rule, self.verdict());
        }
        let unseen = self.report.coverage.unseen.first().filter(|_| self.status != Status::Fine);
        match unseen {
            Some(unseen) if unseen.host == self.report.domain => {
                format!("{}; {}", unseen.why, self.verdict())
            }
            Some(unseen) => format!("{}: {}; {}", unseen.host, unseen.why, self.verdict()),
            None => self.verdict(),
        }
    }

    fn verdict(&self) -> String {
        let verdict = self.report.verdict;
        let (failover, parity) = (words::failover(verdict.failover), words::parity(verdict.parity));
        format!("failover {failover}, parity {parity}")
    }

    /// Lines about the domain as a whole.
    fn at_large(&self) -> Vec<String> {
        let line = |finding: &Finding| {
            let status = match finding.severity {
                Severity::Unproven => Status::Unproven,
                severity => Status::graded(severity),
            };
            safe(&format!("{} {}: {}", word(status), finding.subject, finding.rule))
        };
        self.wide().map(line).collect()
    }

    /// Performance data, with the domain in front where there is more than one.
    fn figures(&self, several: bool) -> Vec<String> {
        let mut hosts: BTreeMap<&str, Vec<&Standing<'a>>> = BTreeMap::new();
        for place in &self.places {
            hosts.entry(&place.seat.host.name).or_default().push(place);
        }
        let front = if several { format!("{}::", self.report.domain) } else { String::new() };
        let label = |name: &str| quoted(&format!("{front}{name}"));
        let states: Vec<Status> = hosts
            .values()
            .map(|places| standing::of_host(places.iter().map(|place| place.status)))
            .collect();
        let count =
            |wanted: fn(Status) -> bool| states.iter().filter(|state| wanted(**state)).count();
        let all = states.len();
        let mut figures: Vec<String> = [
            ("hosts_ok", count(|state| state == Status::Fine)),
            ("hosts_bad", count(|state| matches!(state, Status::Warning | Status::Critical))),
            ("hosts_unknown", count(|state| state == Status::Unproven)),
        ]
        .map(|(name, number)| format!("{}={number};;;0;{all}", label(name)))
        .to_vec();
        figures.push(format!("{}={}s;;;0", label("time_total"), seconds(self.report.took_ms)));
        for (name, places) in hosts {
            let spots = || places.iter().filter_map(|place| place.spot);
            let began = self.report.began;
            if let Some((left, limits)) = spots().filter_map(|spot| days_left(&spot, began)).min() {
                figures
                    .push(format!("{}={left};{limits}", label(&format!("tls_days_left_{name}"))));
            }
            let greeted = spots().filter_map(|spot| Some(spot.endpoint.greeting()?.1.after_ms));
            if let Some(slowest) = greeted.max() {
                let label = label(&format!("banner_{name}"));
                figures.push(format!("{label}={}s;{GREETING};;0", seconds(slowest)));
            }
        }
        figures
    }
}

/// What one address does, and what counts against it.
fn line(place: &Standing<'_>) -> String {
    let seat = place.seat;
    let mut said = format!("{} {}", word(place.status), seat.host.name);
    if let Some(spot) = place.spot {
        let _ = write!(said, " [{}]", spot.endpoint.address);
    }
    let _ = match (seat.preference, seat.role) {
        (Some(preference), role) => write!(said, " ({preference} {role})"),
        (None, Role::Primary) => write!(said, " (no MX record)"),
        (None, Role::Backup(_)) => write!(said, " (not in MX)"),
    };
    let mut parts: Vec<String> =
        place.findings.iter().map(|finding| finding.rule.to_owned()).collect();
    parts.dedup();
    match place.unseen {
        Some((why, _)) => parts.push(why.to_owned()),
        None if place.status == Status::Fine => parts.push("well".to_owned()),
        None => {}
    }
    safe(&format!("{said}: {}", parts.join(", ")))
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Fine => "OK",
        Status::Unproven => "UNKNOWN",
        Status::Warning => "WARNING",
        Status::Critical => "CRITICAL",
    }
}

/// The whole days that the certificate of an address has left, with the thresholds of the rule on
/// expiry behind it as ranges. What no verifying sender accepts today has none.
fn days_left(spot: &Spot<'_>, now: jiff::Timestamp) -> Option<(i64, String)> {
    let days = |span: SignedDuration| span.as_secs().div_euclid(24 * 60 * 60);
    let shown = spot.endpoint.certificates().map(|(_, _, handshake)| {
        let leaf = handshake.leaf();
        let (medium, high) = renewal::pressing(renewal::lifetime(leaf));
        let limits = (days(medium), days(high));
        let limits = handshake.is_verified().then(|| format!("{}:;{}:", limits.0, limits.1));
        let limits = limits.unwrap_or_else(|| ";".to_owned());
        (days(leaf.not_after.duration_since(now)), limits)
    });
    shown.min()
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// A label of performance data. Only `=` cannot be quoted.
fn quoted(label: &str) -> String {
    let label = safe(label).replace('=', "_");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if label.chars().all(is_plain) { label } else { format!("'{}'", label.replace('\'', "''")) }
}

/// One line that ends where it says, and holds no separator of figures and no tag.
fn safe(text: &str) -> String {
    let mut line = String::new();
    for c in printable(text).chars() {
        match c {
            '|' | '<' | '>' => {
                let _ = write!(line, "\\x{:02x}", u32::from(c));
            }
            _ => line.push(c),
        }
    }
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => line[..end].to_owned() + "...",
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, silent},
        survey::{FaultKind, Host},
    };

    fn pair(backup: Host) -> Report {
        let primary = answering("mx1.even.example", "192.0.2.1", SERVER);
        Report::of(sample::survey(vec![(10, vec![primary]), (20, vec![backup])]))
    }

    fn weak() -> Report {
        let anyone = Server { nonsense: "250 2.1.5 Ok", ..SERVER };
        pair(answering("mx2.even.example", "192.0.2.2", anyone))
    }

    fn even() -> Report {
        pair(answering("mx2.even.example", "192.0.2.2", SERVER))
    }

    #[test]
    fn the_first_line_names_the_worst_and_the_figures_count_hosts() {
        let dead = pair(silent("mx2.even.example", "192.0.2.2", FaultKind::NoRoute));
        for (report, want, counts) in [
            (
                weak(),
                "SMTP FAILOVER CRITICAL - even.example: mx2.even.example backup-accepts-anyone",
                "hosts_ok=1;;;0;2 hosts_bad=1;;;0;2 hosts_unknown=0;;;0;2",
            ),
            (
                even(),
                "SMTP FAILOVER OK - even.example: failover works, parity even",
                "hosts_ok=2;;;0;2 hosts_bad=0;;;0;2 hosts_unknown=0;;;0;2",
            ),
            (
                dead,
                "SMTP FAILOVER UNKNOWN - even.example: mx2.even.example: no route",
                "hosts_ok=1;;;0;2 hosts_bad=0;;;0;2 hosts_unknown=1;;;0;2",
            ),
        ] {
            let said = text(&[report], Severity::High);
            let (first, figures) = said.lines().next().unwrap().split_once(" | ").unwrap();
            assert!(first.starts_with(want), "{said}");
            assert!(figures.starts_with(counts), "{said}");
        }
    }

    #[test]
    fn addresses_follow_worst_first_a_line_each() {
        let said = text(&[weak()], Severity::High);
        let lines: Vec<&str> = said.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "CRITICAL mx2.even.example [192.0.2.2] (20 backup): backup-accepts-anyone",
                "OK mx1.even.example [192.0.2.1] (10 primary): well",
            ]
        );
    }

    #[test]
    fn of_several_domains_the_worst_speaks_and_figures_bear_the_domain() {
        let said = text(&[even(), weak()], Severity::High);
        let (first, figures) = said.lines().next().unwrap().split_once(" | ").unwrap();
        assert!(first.starts_with("SMTP FAILOVER CRITICAL"), "{said}");
        assert!(first.ends_with("(1 of 2 domains well)"), "{said}");
        let labels = figures.split(' ').map(|figure| figure.split_once('=').unwrap().0);
        assert!(labels.clone().all(|label| label.starts_with("even.example::")), "{figures}");
        let heads: Vec<&str> =
            said.lines().filter(|line| line.contains(" even.example: ")).skip(1).collect();
        assert_eq!(heads.len(), 2, "{said}");
        assert!(heads[1].starts_with("OK even.example: failover works"), "{said}");
    }

    #[test]
    fn a_certificate_has_its_days_and_the_limits_of_the_rule() {
        let visit = sample::secured(SERVER, crate::tls::TlsVersion::Tls13, Vec::new());
        let host = sample::host("mx1.even.example", vec![sample::at("192.0.2.1", vec![visit])]);
        let report = Report::of(sample::survey(vec![(10, vec![host])]));
        let said = text(&[report], Severity::Medium);
        let wants =
            ["tls_days_left_mx1.even.example=30;21:;8:", "banner_mx1.even.example=0.020s;30;;0"];
        for want in wants {
            assert!(said.contains(want), "{want}: {said}");
        }
    }

    #[test]
    fn labels_are_quoted_where_they_have_to_be() {
        for (label, want) in [
            ("banner_mx1.example", "banner_mx1.example"),
            ("banner_a b", "'banner_a b'"),
            ("it's=5|x", "'it''s_5\\x7cx'"),
        ] {
            assert_eq!(quoted(label), want);
        }
    }
}
