//! What changed between two reports on a domain.
//!
//! Narrow unless asked: what an operator has to know of, not what differs from run to run. What one of
//! the two did not see is no change and no sameness either: it is told apart. Longer than most, because
//! all that is compared stands here.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::{
    Plain, Report, Status,
    ink::{BOLD, DIM, Line, PLAIN, Sheet, WARN},
    words,
};
use crate::{
    policy::sts_policy::Mode,
    rules::{Spot, View, attribution::Takes, starttls, view::Seat},
    survey::{MxLookup, RecipientKind},
};

/// All differences between two files.
#[derive(Debug, Serialize)]
pub struct Diff {
    pub changes: Vec<Change>,
    /// What one of the two did not see.
    pub unseen: Vec<Change>,
}

/// One fact that was one thing and is another.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    pub domain: String,
    /// The host, or host and address; empty for the domain itself.
    pub place: String,
    pub fact: String,
    /// `null` where there was none, or it was not seen.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Where a fact stands, and its name.
type Key = (String, String);

/// Facts, `None` where it is known only that they were asked for and not seen.
type Facts = BTreeMap<Key, Option<String>>;

impl Diff {
    /// From `before` to `after`, domain by domain; `all` takes in what differs from run to run.
    pub fn of(before: &[Report], after: &[Report], all: bool) -> Self {
        let (old, new) = (by_domain(before), by_domain(after));
        let mut diff = Self { changes: Vec::new(), unseen: Vec::new() };
        let mut domains: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
        domains.sort_unstable();
        domains.dedup();
        for domain in domains {
            match (old.get(domain), new.get(domain)) {
                (Some(old), Some(new)) => diff.compare(domain, &facts(old, all), &facts(new, all)),
                (old, new) => {
                    let reported = |is: bool| is.then(|| "reported on".to_owned());
                    let (before, after) = (reported(old.is_some()), reported(new.is_some()));
                    diff.changes.push(change(domain, ("", "domain"), before, after));
                }
            }
        }
        diff
    }

    /// 0 for the same, 1 for a change, 3 where too little was seen to tell.
    pub fn status(&self) -> Status {
        match (self.changes.is_empty(), self.unseen.is_empty()) {
            (false, _) => Status::Warning,
            (true, false) => Status::Unproven,
            (true, true) => Status::Fine,
        }
    }

    pub fn render(&self, format: Plain, width: usize) -> String {
        format.of(self, || self.text(width))
    }

    fn compare(&mut self, domain: &str, old: &Facts, new: &Facts) {
        let hosts = |facts: &Facts| -> Vec<String> {
            facts
                .keys()
                .filter(|(_, fact)| fact == PREFERENCE)
                .map(|(host, _)| host.clone())
                .collect()
        };
        let (were, are) = (hosts(old), hosts(new));
        let mut keys: Vec<&Key> = old.keys().chain(new.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let (before, after) = (old.get(key), new.get(key));
            let host = key.0.split(' ').next().unwrap_or_default().to_owned();
            let stayed = host.is_empty() || (were.contains(&host) && are.contains(&host));
            // Of a host that came or went, that it did is all there is to tell.
            if before == after || !(stayed || key.1 == PREFERENCE) {
                continue;
            }
            let known = |fact: Option<&Option<String>>| fact.cloned().flatten();
            let unseen = matches!(before, Some(None)) || matches!(after, Some(None));
            let place = (key.0.as_str(), key.1.as_str());
            let change = change(domain, place, known(before), known(after));
            if unseen { self.unseen.push(change) } else { self.changes.push(change) }
        }
    }

    fn text(&self, width: usize) -> String {
        let mut sheet = Sheet::default();
        let mut domain = "";
        for (changes, style, none) in [(&self.changes, WARN, "none"), (&self.unseen, DIM, "?")] {
            for change in changes {
                if change.domain != domain {
                    domain = &change.domain;
                    sheet.line(Line::new(BOLD, domain));
                }
                let value = |value: &Option<String>| value.clone().unwrap_or(none.to_owned());
                let (before, after) = (value(&change.before), value(&change.after));
                let place = if change.place.is_empty() {
                    String::new()
                } else {
                    format!("{} ", change.place)
                };
                let head =
                    Line::new(style, format!("  {place}")).and(BOLD, format!("{}: ", change.fact));
                sheet.hanging(width, 6, head, (PLAIN, &format!("{before} → {after}")));
            }
        }
        let mut sum = words::count(self.changes.len(), "change", "changes");
        if !self.unseen.is_empty() {
            let _ = write!(sum, "; {} could not be compared (?)", self.unseen.len());
        }
        sheet.line(Line::new(BOLD, sum));
        sheet.to_string()
    }
}

/// What is compared of a certificate.
const CERTIFICATE: [&str; 4] =
    ["certificate", "certificate issuer", "certificate key", "certificate names"];

/// The fact by which a host is in the set.
const PREFERENCE: &str = "preference";

fn by_domain(reports: &[Report]) -> BTreeMap<&str, &Report> {
    reports.iter().map(|report| (report.domain.as_str(), report)).collect()
}

fn change(
    domain: &str,
    (place, fact): (&str, &str),
    before: Option<String>,
    after: Option<String>,
) -> Change {
    Change {
        domain: domain.to_owned(),
        place: place.to_owned(),
        fact: fact.to_owned(),
        before,
        after,
    }
}

/// What is compared of one report.
fn facts(report: &Report, all: bool) -> Facts {
    let view = View::of(&report.survey);
    let mut facts = Facts::new();
    of_domain(&mut facts, report, all);
    for seat in view.hosts().chain(view.also()) {
        of_host(&mut facts, report, &seat);
        for spot in seat.spots() {
            of_address(&mut facts, &view, &spot);
            if all {
                volatile(&mut facts, &spot);
            }
        }
    }
    facts
}

fn of_domain(facts: &mut Facts, report: &Report, all: bool) {
    let survey = &report.survey;
    let mut put =
        |fact: &str, value: Option<String>| facts.insert((String::new(), fact.to_owned()), value);
    put(
        "mail hosts",
        match &survey.mx {
            MxLookup::Published(_) => Some("published".to_owned()),
            MxLookup::Implicit { .. } => Some("the domain itself".to_owned()),
            MxLookup::Null { .. } => Some("none wanted (null MX)".to_owned()),
            MxLookup::Absent => Some("none".to_owned()),
            MxLookup::NoSuchDomain => Some("no such domain".to_owned()),
            MxLookup::Failed { .. } => None,
        },
    );
    let read = report.promises.sts.policy.as_ref().and_then(|reading| reading.policy.as_ref());
    let mode = match read.map(|policy| policy.mode) {
        Some(Mode::Enforce) => "enforce",
        Some(Mode::Testing) => "testing",
        Some(Mode::None) | None => "none",
    };
    let is_known = report.promises.sts.fault.is_none();
    put("MTA-STS", is_known.then(|| mode.to_owned()));
    if all {
        let verdict = report.verdict;
        put("failover", Some(words::failover(verdict.failover).to_owned()));
        put("parity", Some(words::parity(verdict.parity).to_owned()));
        for finding in report.findings.iter().filter(|finding| !finding.waived) {
            let fact = format!("finding {} about {}", finding.rule, finding.subject);
            put(&fact, Some(finding.severity.to_string()));
        }
    }
}

fn of_host(facts: &mut Facts, report: &Report, seat: &Seat<'_>) {
    let name = &seat.host.name;
    let mut put =
        |fact: &str, value: String| facts.insert((name.clone(), fact.to_owned()), Some(value));
    let preference =
        seat.preference.map_or("not in MX".to_owned(), |preference| preference.to_string());
    put(PREFERENCE, preference);
    let addresses = seat.host.addresses.iter().map(|endpoint| endpoint.address.to_string());
    if !seat.host.is_unresolved() {
        put("addresses", addresses.collect::<Vec<_>>().join(", "));
    }
    let Some(promises) = report.promises.hosts.iter().find(|promises| promises.name == *name)
    else {
        return;
    };
    if report.promises.sts.policy.is_some() {
        let named = promises.sts_pattern.as_ref();
        put("MTA-STS names it", named.map_or("no".to_owned(), |_| "yes".to_owned()));
    }
    if !promises.tlsa.is_empty() {
        let delivers = promises.dane.iter().filter_map(|dane| dane.delivers).min();
        let kept = match delivers {
            Some(true) => Some("kept".to_owned()),
            Some(false) => Some("broken".to_owned()),
            None => None,
        };
        facts.insert((name.clone(), "DANE".to_owned()), kept);
    }
}

/// What one address does. What was not asked for is no fact; what was and is not known is `None`.
fn of_address(facts: &mut Facts, view: &View<'_>, spot: &Spot<'_>) {
    let place = format!("{} [{}]", spot.seat.host.name, spot.endpoint.address);
    let mut put =
        |fact: &str, value: Option<String>| facts.insert((place.clone(), fact.to_owned()), value);
    let asked = &view.survey.asked;
    if !asked.recipients.is_empty() {
        put(
            "takes the mail",
            match view.takes(spot) {
                Takes::Yes => Some("yes".to_owned()),
                Takes::No => Some("no".to_owned()),
                Takes::Unknown => None,
            },
        );
    }
    if asked.nonsense.is_some() {
        let answer = view.acceptance(spot, RecipientKind::Nonsense);
        let settled = answer.seen.filter(|(_, reply)| reply.is_positive() || answer.is_lasting());
        let word = |positive: bool| if positive { "yes" } else { "no" };
        put("takes anyone", settled.map(|(_, reply)| word(reply.is_positive()).to_owned()));
    }
    let hello = spot.endpoint.hello().is_some();
    let offered = starttls::encryption(view, spot);
    put("STARTTLS", offered.filter(|_| hello).map(|offered| format!("{offered:?}").to_lowercase()));
    if spot.endpoint.exchanges().next().is_some() {
        put("oldest TLS", spot.endpoint.oldest_version().map(|oldest| oldest.to_string()));
    }
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        let leaf = handshake.leaf();
        let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
        let issuer = leaf.issuer_organisation.as_ref().unwrap_or(&leaf.issuer);
        put("certificate names", Some(names.join(", ")));
        put("certificate issuer", Some(issuer.to_string()));
        put("certificate key", Some(leaf.key.to_string()));
        let flaws: Vec<&str> = handshake.trust.iter().map(words::kind_of_flaw).collect();
        let trust = if flaws.is_empty() { "verified".to_owned() } else { flaws.join(", ") };
        put("certificate", Some(trust));
    } else if offered.is_none() {
        for fact in CERTIFICATE {
            put(fact, None);
        }
    }
}

/// What may be another thing in every run, and is of interest to some.
fn volatile(facts: &mut Facts, spot: &Spot<'_>) {
    let place = format!("{} [{}]", spot.seat.host.name, spot.endpoint.address);
    let mut put =
        |fact: &str, value: String| facts.insert((place.clone(), fact.to_owned()), Some(value));
    if let Some((_, greeting)) = spot.endpoint.greeting() {
        put("greeting", greeting.reply.to_string());
    }
    if let Some((_, hello)) = spot.endpoint.best_hello() {
        let keywords: Vec<String> =
            hello.reply.lines.iter().skip(1).map(ToString::to_string).collect();
        put("extensions", keywords.join(", "));
    }
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        let leaf = handshake.leaf();
        put("TLS version", handshake.version.to_string());
        put("cipher", handshake.suite.clone());
        put("key exchange", handshake.group.clone().unwrap_or_default());
        put("certificate serial", leaf.serial.clone());
        put("certificate until", leaf.not_after.strftime("%F").to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, at, host, secured, silent},
        survey::{FaultKind, Host},
        tls::TlsVersion,
    };

    fn report(tiers: Vec<(u16, Vec<Host>)>) -> Report {
        Report::of(sample::survey(tiers))
    }

    fn primary() -> Host {
        answering("mx1.even.example", "192.0.2.1", SERVER)
    }

    fn backup(server: Server<'_>) -> Host {
        answering("mx2.even.example", "192.0.2.2", server)
    }

    fn told(changes: &[Change]) -> Vec<String> {
        let value = |value: &Option<String>| value.clone().unwrap_or("-".to_owned());
        let line = |it: &Change| {
            format!("{} {}: {} {}", it.place, it.fact, value(&it.before), value(&it.after))
        };
        changes.iter().map(line).collect()
    }

    #[test]
    fn a_change_is_told_once_where_it_is() {
        let old = || report(vec![(10, vec![primary()]), (20, vec![backup(SERVER)])]);
        let refusing = Server { real: "550 5.7.1 relaying denied", ..SERVER };
        let other = Server { greeting: "another ESMTP", keywords: &["STARTTLS"], ..SERVER };
        for (tiers, want, status) in [
            (vec![(10, vec![primary()]), (20, vec![backup(SERVER)])], &[][..], 0),
            // What changes from run to run is not told.
            (vec![(10, vec![primary()]), (20, vec![backup(other)])], &[], 0),
            (
                vec![(10, vec![primary()]), (20, vec![backup(refusing)])],
                &["mx2.even.example [192.0.2.2] takes the mail: yes no"],
                1,
            ),
            (
                vec![(10, vec![primary()]), (30, vec![backup(SERVER)])],
                &["mx2.even.example preference: 20 30"],
                1,
            ),
            (vec![(10, vec![primary()])], &["mx2.even.example preference: 20 -"], 1),
        ] {
            let diff = Diff::of(&[old()], &[report(tiers)], false);
            assert_eq!(told(&diff.changes), want);
            assert_eq!((diff.status().code(), diff.unseen.len()), (status, 0), "{diff:?}");
        }
    }

    #[test]
    fn what_one_side_did_not_see_is_neither_a_change_nor_the_same() {
        let old = report(vec![(10, vec![primary()]), (20, vec![backup(SERVER)])]);
        let blind = silent("mx2.even.example", "192.0.2.2", FaultKind::NoRoute);
        let new = report(vec![(10, vec![primary()]), (20, vec![blind])]);
        let diff = Diff::of(&[old], &[new], false);
        assert_eq!((diff.changes.len(), diff.status()), (0, Status::Unproven), "{diff:?}");
        let want = "mx2.even.example [192.0.2.2] takes the mail: yes -";
        assert!(told(&diff.unseen).contains(&want.to_owned()), "{diff:?}");
        assert!(diff.text(80).contains("takes the mail: "), "{}", diff.text(80));
    }

    #[test]
    fn a_renewed_certificate_is_no_change_and_one_of_another_key_is() {
        let with = |serial: &str, bits: u32| {
            let mut visit = secured(SERVER, TlsVersion::Tls13, Vec::new());
            let crate::survey::Stage::Reached(handshake) = &mut visit.tls else {
                unreachable!("sample speaks TLS")
            };
            serial.clone_into(&mut handshake.chain[0].serial);
            handshake.chain[0].key.bits = Some(bits);
            report(vec![(10, vec![host("mx1.even.example", vec![at("192.0.2.1", vec![visit])])])])
        };
        let told = |new: &Report, all| {
            told(&Diff::of(&[with("01", 2048)], std::slice::from_ref(new), all).changes)
        };
        assert_eq!(told(&with("02", 2048), false), [""; 0]);
        assert_eq!(
            told(&with("02", 2048), true),
            ["mx1.even.example [192.0.2.1] certificate serial: 01 02"]
        );
        assert_eq!(
            told(&with("02", 4096), false),
            ["mx1.even.example [192.0.2.1] certificate key: RSA 2048 RSA 4096"]
        );
    }
}
