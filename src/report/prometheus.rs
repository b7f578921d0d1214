//! The report as metrics in the text form of Prometheus, for the textfile collector of its node exporter.
//!
//! Labels are names, numbers and words of ours, so that there are as many series as the domain has
//! hosts: addresses come and go, so those of one host and family share their series and the worst of
//! them counts. No word that a server said is in it, no time stamp on a sample. What was not seen has
//! no series: that is neither 0 nor 1.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, prometheus_text},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

use super::{Failover, Parity, Report, Status, ink::printable, words};
use crate::{
    rules::{
        Severity, Spot, View,
        attribution::{Acceptance, Takes},
        renewal,
        starttls::{self, Encryption},
        view::Seat,
    },
    survey::RecipientKind,
};

/// Every metric with what it says, in the order of the file.
const METRICS: [(&str, &str); 18] = [
    ("probe_success", "Whether the last run saw enough to judge by (1) or is unproven (0)."),
    ("last_run_timestamp_seconds", "When the last run ended."),
    ("last_success_timestamp_seconds", "When the last run ended that saw enough to judge by."),
    ("duration_seconds", "How long the last run took."),
    ("failover", "Whether mail arrives with the primary gone: 1 for the state it is in."),
    ("parity", "Whether the backups are as good as the primary: 1 for the state it is in."),
    ("findings", "Findings that are not waived, by severity."),
    ("accepts", "Whether the host takes the recipient (1) or not (0)."),
    ("status", "What came of the recipient that should be taken: 1 for the state it is in."),
    ("banner_seconds", "From the connection to the end of the greeting."),
    ("starttls", "Whether mail to the host can be encrypted on every visit (1) or not (0)."),
    ("tls_info", "What TLS was agreed on; always 1."),
    ("cert_not_after_timestamp_seconds", "When the certificate runs out, verified or not."),
    ("cert_lifetime_seconds", "From the first to the last moment of that certificate."),
    ("cert_verified", "Whether a sender that verifies accepts the certificate (1) or not (0)."),
    ("mta_sts_covered", "Whether the MTA-STS policy names the host (1) or not (0)."),
    ("dane_match", "Whether senders that go by DANE deliver to the host (1) or pass it over (0)."),
    ("waived_findings", "Findings that are known and borne."),
];

/// What stands before every name.
const PREFIX: &str = "smtp_failover_";

/// What became of a recipient, the worst last.
const STATES: [&str; 5] = ["accepted", "unknown", "deferred", "silent", "refused"];

const SEVERITIES: [Severity; 6] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Info,
    Severity::Unproven,
];

type Labels = Vec<(&'static str, String)>;

/// The samples of every metric, by name and then by labels.
#[derive(Debug, Default)]
struct Samples(BTreeMap<&'static str, BTreeMap<Labels, f64>>);

/// All reports as one file; findings from `bar` up make a run a success or not. `earlier` is the file
/// that this one takes the place of, whose last success stands where there is no newer one.
pub fn text(reports: &[Report], bar: Severity, earlier: &str) -> String {
    let mut samples = Samples::default();
    for report in reports {
        samples.domain(report, bar, earlier);
        let view = View::of(&report.survey);
        for seat in view.hosts().chain(view.also()) {
            samples.host(report, &view, seat);
        }
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(samples));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect("a String takes everything");
    text
}

impl Samples {
    /// A later sample of the same labels takes the place of the earlier one: a series may stand in the
    /// file only once.
    fn put(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        debug_assert!(METRICS.iter().any(|(known, _)| *known == name), "{name} has no help");
        let labels = labels.iter().map(|(label, value)| (*label, printable(value))).collect();
        self.0.entry(name).or_default().insert(labels, value);
    }

    fn domain(&mut self, report: &Report, bar: Severity, earlier: &str) {
        let domain = ("domain", report.domain.as_str());
        let took = jiff::SignedDuration::from_millis(report.took_ms.try_into().unwrap_or(i64::MAX));
        let ended = instant(report.began.saturating_add(took).unwrap_or(report.began));
        let proven = Status::of(report, bar) != Status::Unproven;
        self.put("probe_success", &[domain], truth(proven));
        self.put("last_run_timestamp_seconds", &[domain], ended);
        let success = if proven { Some(ended) } else { last_success(earlier, &report.domain) };
        if let Some(success) = success {
            self.put("last_success_timestamp_seconds", &[domain], success);
        }
        self.put("duration_seconds", &[domain], seconds(report.took_ms));
        let verdict = report.verdict;
        for failover in Failover::ALL {
            let labels = [domain, ("state", words::failover(failover))];
            self.put("failover", &labels, truth(failover == verdict.failover));
        }
        for parity in Parity::ALL {
            let labels = [domain, ("state", words::parity(parity))];
            self.put("parity", &labels, truth(parity == verdict.parity));
        }
        let (waived, standing): (Vec<_>, Vec<_>) =
            report.findings.iter().partition(|finding| finding.waived);
        for severity in SEVERITIES {
            let number = standing.iter().filter(|finding| finding.severity == severity).count();
            let labels = [domain, ("severity", &*severity.to_string())];
            self.put("findings", &labels, count(number));
        }
        self.put("waived_findings", &[domain], count(waived.len()));
    }

    fn host(&mut self, report: &Report, view: &View<'_>, seat: Seat<'_>) {
        let name = seat.host.name.as_str();
        let preference = seat.preference.map(|it| it.to_string()).unwrap_or_default();
        let host = [("domain", report.domain.as_str()), ("mx", name), ("preference", &preference)];
        let promises = report.promises.hosts.iter().find(|promises| promises.name == name);
        if report.promises.sts.policy.is_some()
            && let Some(promises) = promises
        {
            self.put("mta_sts_covered", &host, truth(promises.sts_pattern.is_some()));
        }
        for (family, is_v4) in [("ipv4", true), ("ipv6", false)] {
            let spots: Vec<Spot<'_>> =
                seat.spots().filter(|spot| spot.endpoint.address.is_ipv4() == is_v4).collect();
            let labels = [&host[..], &[("family", family)]].concat();
            self.session(view, &spots, &labels);
            self.tls(view, &spots, &labels);
            let dane = promises.into_iter().flat_map(|promises| &promises.dane);
            let dane = dane.filter(|dane| dane.address.is_ipv4() == is_v4);
            if let Some(delivers) = dane.filter_map(|dane| dane.delivers).min() {
                self.put("dane_match", &labels, truth(delivers));
            }
        }
    }

    fn session(&mut self, view: &View<'_>, spots: &[Spot<'_>], labels: &[(&'static str, &str)]) {
        let with = |label, value| [labels, &[(label, value)]].concat();
        let real = spots.iter().filter_map(|spot| match view.takes(spot) {
            Takes::Yes => Some(true),
            Takes::No => Some(false),
            Takes::Unknown => None,
        });
        if let Some(takes) = real.min() {
            self.put("accepts", &with("recipient", "real"), truth(takes));
        }
        let nonsense = spots.iter().filter_map(|spot| {
            let answer = view.acceptance(spot, RecipientKind::Nonsense);
            match answer.acceptance {
                Acceptance::Accepted => Some(true),
                Acceptance::Refused(cause) => {
                    (answer.is_lasting() && !cause.is_prober()).then_some(false)
                }
                Acceptance::Unseen => None,
            }
        });
        // Here taking is the bad thing.
        if let Some(takes) = nonsense.max() {
            self.put("accepts", &with("recipient", "nonsense"), truth(takes));
        }
        let states = spots.iter().filter(|spot| spot.endpoint.access.may_visit());
        if let Some(worst) = states.map(|spot| state(view, spot)).max() {
            for (at, word) in STATES.iter().enumerate() {
                self.put("status", &with("status", word), truth(at == worst));
            }
        }
        let greeted = spots.iter().filter_map(|spot| Some(spot.endpoint.greeting()?.1.after_ms));
        if let Some(slowest) = greeted.max() {
            self.put("banner_seconds", labels, seconds(slowest));
        }
    }

    fn tls(&mut self, view: &View<'_>, spots: &[Spot<'_>], labels: &[(&'static str, &str)]) {
        let encrypted = spots.iter().filter_map(|spot| starttls::encryption(view, spot)).min();
        if let Some(encryption) = encrypted {
            self.put("starttls", labels, truth(encryption == Encryption::Always));
        }
        let mut agreed = BTreeSet::new();
        for (_, handshake) in spots.iter().filter_map(|spot| spot.endpoint.handshake()) {
            let group = handshake.group.clone().unwrap_or_default();
            agreed.insert((handshake.version.to_string(), handshake.suite.clone(), group));
        }
        for (version, cipher, group) in &agreed {
            let agreed = [("version", version.as_str()), ("cipher", cipher), ("group", group)];
            self.put("tls_info", &[labels, &agreed].concat(), 1.0);
        }
        let shown = || spots.iter().flat_map(|spot| spot.endpoint.certificates());
        let first =
            shown().map(|(_, _, handshake)| handshake.leaf()).min_by_key(|leaf| leaf.not_after);
        if let Some(leaf) = first {
            self.put("cert_not_after_timestamp_seconds", labels, instant(leaf.not_after));
            self.put("cert_lifetime_seconds", labels, renewal::lifetime(leaf).as_secs_f64());
        }
        if let Some(verified) = shown().map(|(_, _, handshake)| handshake.is_verified()).min() {
            self.put("cert_verified", labels, truth(verified));
        }
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for (name, help) in METRICS {
            let Some(samples) = self.0.get(name) else { continue };
            let full = format!("{PREFIX}{name}");
            let mut metric = encoder.encode_descriptor(&full, help, None, MetricType::Gauge)?;
            for (labels, value) in samples {
                ConstGauge::new(*value).encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

/// Which of [`STATES`] an address is in.
fn state(view: &View<'_>, spot: &Spot<'_>) -> usize {
    let answer = view.acceptance(spot, RecipientKind::Real);
    let word = match answer.acceptance {
        Acceptance::Accepted => "accepted",
        Acceptance::Refused(cause) if cause.is_prober() => "unknown",
        Acceptance::Refused(_) if answer.is_lasting() => "refused",
        Acceptance::Refused(_) => "deferred",
        Acceptance::Unseen if view.takes(spot) == Takes::No => "silent",
        Acceptance::Unseen => "unknown",
    };
    STATES.iter().position(|state| *state == word).unwrap_or_default()
}

/// The last success of a domain as an earlier file of ours has it.
fn last_success(earlier: &str, domain: &str) -> Option<f64> {
    let series = format!("{PREFIX}last_success_timestamp_seconds{{domain=\"{domain}\"}} ");
    earlier.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn instant(at: jiff::Timestamp) -> f64 {
    jiff::SignedDuration::from_secs(at.as_second()).as_secs_f64()
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, answering, at, host, secured, silent},
        survey::FaultKind,
        tls::{TlsVersion, TrustFlaw},
    };

    fn told(report: &Report) -> String {
        text(std::slice::from_ref(report), Severity::Medium, "")
    }

    fn mixed() -> Report {
        let expired = TrustFlaw::Expired { not_after: "2026-11-01T00:00:00Z".parse().unwrap() };
        let first = secured(SERVER, TlsVersion::Tls13, Vec::new());
        let second = secured(SERVER, TlsVersion::Tls12, vec![expired]);
        let primary = vec![at("192.0.2.1", vec![first]), at("192.0.2.2", vec![second])];
        let dead = silent("mx2.even.example", "2001:db8::2", FaultKind::Refused);
        let primary = host("mx1.even.example", primary);
        Report::of(sample::survey(vec![(10, vec![primary]), (20, vec![dead])]))
    }

    #[test]
    fn addresses_of_a_host_share_their_series_and_the_worst_counts() {
        let shown = told(&mixed());
        let one =
            "domain=\"even.example\",mx=\"mx1.even.example\",preference=\"10\",family=\"ipv4\"";
        for want in [
            format!("smtp_failover_accepts{{{one},recipient=\"real\"}} 1.0\n"),
            format!("smtp_failover_accepts{{{one},recipient=\"nonsense\"}} 0.0\n"),
            format!("smtp_failover_cert_verified{{{one}}} 0.0\n"),
            format!("smtp_failover_starttls{{{one}}} 1.0\n"),
        ] {
            assert_eq!(shown.matches(&want).count(), 1, "{want}{shown}");
        }
        assert_eq!(shown.matches("smtp_failover_tls_info{").count(), 2, "{shown}");
    }

    #[test]
    fn what_was_not_seen_has_no_series() {
        let shown = told(&mixed());
        let lines = || shown.lines().filter(|line| line.contains("mx2.even.example"));
        assert!(lines().any(|line| line.contains("status=\"silent\"} 1.0")), "{shown}");
        assert!(lines().any(|line| line.contains("recipient=\"real\"} 0.0")), "{shown}");
        let absent = |name: &str| !lines().any(|line| line.contains(name));
        assert!(absent("nonsense") && absent("starttls") && absent("banner"), "{shown}");
    }

    #[test]
    fn the_last_success_stands_until_there_is_a_newer_one() {
        let alone = silent("mx1.even.example", "192.0.2.1", FaultKind::NoRoute);
        let blind = Report::of(sample::survey(vec![(10, vec![alone])]));
        let good = told(&Report::of(sample::survey(vec![(
            10,
            vec![answering("mx1.even.example", "192.0.2.1", SERVER)],
        )])));
        let success = "smtp_failover_last_success_timestamp_seconds{domain=\"even.example\"} ";
        let of = |text: &str| {
            text.lines().find_map(|line| line.strip_prefix(success).map(str::to_owned))
        };
        let ended = of(&good).unwrap();
        assert_eq!(of(&told(&blind)), None);
        let next = text(&[blind], Severity::Medium, &good.replace(&ended, "1763000000.0"));
        assert_eq!(of(&next).unwrap(), "1763000000.0");
        assert!(
            next.contains("smtp_failover_probe_success{domain=\"even.example\"} 0.0"),
            "{next}"
        );
    }

    #[test]
    fn every_metric_has_help_and_type_once_and_no_series_comes_twice() {
        let report = mixed();
        let shown = text(&[report.clone(), report], Severity::Medium, "");
        let mut seen = BTreeSet::new();
        for line in shown.lines() {
            let series = line.rsplit_once(' ').unwrap().0;
            assert!(seen.insert(if line.starts_with('#') { line } else { series }), "{line}");
        }
        let help = shown.matches("# HELP smtp_failover_").count();
        assert_eq!(help, shown.matches("# TYPE smtp_failover_").count());
        assert!(help > 10 && shown.ends_with('\n'), "{shown}");
    }

    #[test]
    fn the_examples_use_metrics_that_there_are() {
        for file in crate::report::examples::EXAMPLES {
            let names = file.text.match_indices(PREFIX).map(|(at, _)| {
                let rest = &file.text[at + PREFIX.len()..];
                rest.split(|c: char| c != '_' && !c.is_ascii_lowercase()).next().unwrap()
            });
            let names: Vec<&str> = names.collect();
            for name in &names {
                assert!(METRICS.iter().any(|(known, _)| known == name), "{}: {name}", file.name);
            }
            assert!(names.len() > 5, "{}", file.name);
        }
    }
}
