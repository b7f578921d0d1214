//! What mxparity reported, and assertions that say what is missing in its own words.

use std::{net::IpAddr, process::Output};

use serde_json::Value;

/// The end of one run.
pub struct Report {
    pub status: i32,
    pub json: Value,
}

/// Connections that stood.
#[derive(Default)]
pub struct Connections {
    pub all: usize,
    /// Those for the TLS floor, which end in the handshake.
    pub floor: usize,
    /// Commands said over all of them.
    pub commands: usize,
}

impl Connections {
    pub fn add(&mut self, more: &Self) {
        self.all += more.all;
        self.floor += more.floor;
        self.commands += more.commands;
    }
}

/// One finding.
pub struct Found<'a>(&'a Value);

/// The severities, least first.
const GRADES: [&str; 6] = ["unproven", "info", "low", "medium", "high", "critical"];

impl Report {
    #[track_caller]
    pub fn read(done: &Output) -> Self {
        let errors = String::from_utf8_lossy(&done.stderr);
        let status = done.status.code().unwrap_or_else(|| panic!("killed: {errors}"));
        let json = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| {
            panic!("no report ({error}), exit {status}: {errors}");
        });
        Self { status, json }
    }

    /// Compares verdict and exit status: failover, parity, worst severity, status.
    #[track_caller]
    pub fn verdict(&self, failover: &str, parity: &str, severity: &str, status: i32) {
        let verdict = &self.json["verdict"];
        let is = [&verdict["failover"], &verdict["parity"], &verdict["severity"]];
        assert_eq!(is, [failover, parity, severity], "{}", self.summary());
        assert_eq!(self.status, status, "{}", self.summary());
    }

    /// The finding of `rule` about the host `mx2`, say, or about anything with an empty name.
    #[track_caller]
    pub fn found(&self, rule: &str, host: &str) -> Found<'_> {
        let about = |finding: &&Value| {
            let name = finding["subject"]["host"].as_str().unwrap_or_default();
            finding["rule"] == rule && name.starts_with(host)
        };
        let all = self.findings();
        Found(all.iter().find(about).unwrap_or_else(|| panic!("no {rule}\n{}", self.summary())))
    }

    /// Every rule with a finding of at least `severity`, with its host, in the order of the report.
    pub fn rules_from(&self, severity: &str) -> Vec<String> {
        let grade = |word: &str| GRADES.iter().position(|grade| *grade == word);
        let bad = self
            .findings()
            .iter()
            .filter(|finding| finding["severity"].as_str().and_then(grade) >= grade(severity));
        bad.map(name_of).collect()
    }

    /// The connections that stood at each address, as the report tells.
    pub fn connections(&self) -> Vec<(IpAddr, Connections)> {
        let mut counts = Vec::new();
        endpoints(&self.json["survey"], &mut |endpoint| {
            let address = endpoint["address"].as_str().and_then(|word| word.parse().ok());
            let visits = endpoint["observations"].as_array().into_iter().flatten();
            let stood = visits.filter(|visit| visit["connect"].get("reached").is_some());
            let mut connections = Connections::default();
            for visit in stood {
                connections.all += 1;
                connections.floor += usize::from(visit["purpose"] == "floor");
                // What comes in one packet with STARTTLS is dropped by sound servers.
                connections.commands += said(visit).filter(|line| *line != "NOOP").count();
            }
            counts.extend(address.map(|address: IpAddr| (address, connections)));
        });
        counts
    }

    /// Every visit stands in `plan`, no more often than it says there, and every command of it, in that
    /// order.
    #[track_caller]
    pub fn keeps_to(&self, plan: &Value) {
        endpoints(&self.json["survey"], &mut |endpoint| {
            let visits = plan["visits"].as_array().into_iter().flatten();
            let mut here: Vec<(&Value, usize)> = visits
                .filter(|visit| visit["address"] == endpoint["address"])
                .map(|visit| (visit, most(&visit["times"])))
                .collect();
            for visit in endpoint["observations"].as_array().into_iter().flatten() {
                let fits = |planned: &Value| {
                    let mut words = planned["commands"].as_array().into_iter().flatten();
                    planned["purpose"] == visit["purpose"]
                        && said(visit).all(|line| words.any(|word| word["line"] == *line))
                };
                let planned = here.iter_mut().find(|(one, left)| *left > 0 && fits(one));
                let Some((_, left)) = planned else {
                    let lines: Vec<_> = said(visit).collect();
                    panic!("not planned: {} {lines:?}\n{plan:#}", visit["purpose"]);
                };
                *left -= 1;
            }
        });
    }

    /// The visits to the host's first address.
    #[track_caller]
    pub fn visits(&self, host: &str) -> &[Value] {
        let visits = self.host(host)["addresses"][0]["observations"].as_array();
        visits.unwrap_or_else(|| panic!("no visit to {host}\n{}", self.summary()))
    }

    /// What the survey says of a host.
    #[track_caller]
    pub fn host(&self, host: &str) -> &Value {
        let tiers = self.json["survey"]["mx"]["tiers"].as_array().into_iter().flatten();
        let hosts = tiers.flat_map(|tier| tier["hosts"].as_array().into_iter().flatten());
        let named = |one: &&Value| one["name"].as_str().is_some_and(|name| name.starts_with(host));
        let mut hosts = hosts.filter(named);
        hosts.next().unwrap_or_else(|| panic!("no host {host}\n{}", self.summary()))
    }

    /// The visit of this number, from 1, to the host's first address.
    #[track_caller]
    pub fn visit(&self, host: &str, number: usize) -> &Value {
        &self.visits(host)[number - 1]
    }

    /// What the host's first address answered to each recipient of a visit, in the order asked.
    #[track_caller]
    pub fn answers(&self, host: &str, number: usize) -> Vec<String> {
        let recipients = self.visit(host, number)["recipients"].as_array();
        let outcome = |recipient: &Value| {
            let outcome = recipient["outcome"].as_object().expect("an outcome");
            let (_, reply) = outcome.iter().next().expect("one ending");
            let line = reply["lines"][0].as_str().unwrap_or_default();
            format!("{} {line}", reply["code"])
        };
        recipients.into_iter().flatten().map(outcome).collect()
    }

    /// Why the first address of `host` was not seen, and whose fault that is.
    #[track_caller]
    pub fn unseen(&self, host: &str) -> (&str, &str) {
        self.gap(host, true)
    }

    /// Why something else about `name` could not be learnt, and whose fault that is.
    #[track_caller]
    pub fn unlearnt(&self, name: &str) -> (&str, &str) {
        self.gap(name, false)
    }

    #[track_caller]
    fn gap(&self, host: &str, of_address: bool) -> (&str, &str) {
        let all = self.json["coverage"]["unseen"].as_array().into_iter().flatten();
        let mut all = all.filter(|one| one["address"].is_string() == of_address);
        let one = all.find(|one| one["host"].as_str().is_some_and(|name| name.starts_with(host)));
        let one = one.unwrap_or_else(|| panic!("{host} was seen\n{}", self.summary()));
        (one["why"].as_str().unwrap_or_default(), one["blame"].as_str().unwrap_or_default())
    }

    /// What stands for the host, as the report reads its promises.
    #[track_caller]
    pub fn promises(&self, host: &str) -> &Value {
        let mut hosts = self.json["promises"]["hosts"].as_array().into_iter().flatten();
        let name = format!("{host}.");
        let found = hosts.find(|one| one["name"].as_str().is_some_and(|is| is.starts_with(&name)));
        found.unwrap_or_else(|| panic!("nothing of {host}\n{}", self.json["promises"]))
    }

    fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().map_or(&[], Vec::as_slice)
    }

    fn summary(&self) -> String {
        let findings = self.findings().iter().map(|finding| {
            format!("{} {} {}\n", finding["severity"], name_of(finding), finding["evidence"])
        });
        format!(
            "exit {}, {}, {}\n{}",
            self.status,
            self.json["verdict"],
            self.json["coverage"],
            findings.collect::<String>()
        )
    }
}

impl Found<'_> {
    /// Some evidence of `fact` shows `words`.
    #[track_caller]
    pub fn saw(&self, words: &str) -> &Self {
        let evidence = self.0["evidence"].as_array().map_or(&[][..], Vec::as_slice);
        let shown = evidence.iter().any(|one| one["saw"].as_str().unwrap_or("").contains(words));
        assert!(shown, "no evidence says {words:?}: {:#}", self.0);
        self
    }

    /// The finding compares its subject with `host`.
    #[track_caller]
    pub fn against(&self, host: &str) -> &Self {
        let name = self.0["against"]["host"].as_str().unwrap_or_default();
        assert!(name.starts_with(host), "not against {host}: {:#}", self.0);
        self
    }
}

/// `rule` or `rule mx2`.
fn name_of(finding: &Value) -> String {
    let rule = finding["rule"].as_str().unwrap_or_default();
    match finding["subject"]["host"].as_str().and_then(|host| host.split('.').next()) {
        Some(host) => format!("{rule} {host}"),
        None => rule.to_owned(),
    }
}

/// The commands of a visit.
fn said(visit: &Value) -> impl Iterator<Item = &str> {
    let lines = visit["transcript"].as_array().into_iter().flatten();
    lines.filter(|line| line["who"] == "C").filter_map(|line| line["text"].as_str())
}

/// How often a planned visit may be made; once more for each cipher suite is no bound.
fn most(times: &Value) -> usize {
    let number = times["at_most"].as_u64().and_then(|most| most.try_into().ok());
    if *times == "once" { 1 } else { number.unwrap_or(usize::MAX) }
}

fn endpoints(value: &Value, tell: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(fields) if fields.contains_key("observations") => tell(value),
        Value::Object(fields) => fields.values().for_each(|field| endpoints(field, tell)),
        Value::Array(items) => items.iter().for_each(|item| endpoints(item, tell)),
        _ => {}
    }
}
