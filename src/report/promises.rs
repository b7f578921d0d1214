//! What the domain promises about its mail, host by host, and how far it is kept: for JSON and for
//! people.
//!
//! Shows what holds as well as what does not; what is wrong with it is for the findings. Says of
//! everything that could not be looked up that it could not.

use std::{collections::BTreeSet, net::IpAddr};

use serde::Serialize;

use super::{
    ink::{BOLD, Line, PLAIN, Sheet},
    text::MARGIN,
    words,
};
use crate::{
    policy::{
        DaneVerdict, DmarcRecord, PolicyReading, Reading, Request, RptRecord, SpfRecord, StsRecord,
        TlsaRecord, dmarc, spf, spf::Qualifier, sts, tls_rpt,
    },
    rules::{View, promise, view::Seat},
    smtp::Text,
    survey::{DnsFault, NameServers, OwnAnswer, Policies, Published, Security, Survey},
};

/// Columns of the names of promises.
const NAME_MARGIN: usize = 14;

/// Patterns and addresses that are shown of one record.
const MOST_SHOWN: usize = 8;

/// A survey's promises, read.
#[derive(Clone, Debug, Serialize)]
pub struct Promises {
    /// How far DNSSEC vouches for the MX answer.
    pub dnssec: Security,
    pub hosts: Vec<HostPromises>,
    pub sts: StsPromise,
    pub tls_rpt: Read<RptRecord>,
    pub spf: Read<SpfRecord>,
    pub dmarc: Read<DmarcRecord>,
    #[serde(skip)]
    servers: Option<String>,
}

/// What stands for one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostPromises {
    pub name: String,
    pub preference: Option<u16>,
    pub dnssec: Security,
    /// The records that senders go by; empty where there are none, or nobody vouches for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tlsa: Vec<String>,
    /// Whether it is known that senders find no record here that they go by.
    #[serde(skip)]
    bare: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dane: Vec<Dane>,
    /// The pattern of the MTA-STS policy that names it; `None` without a policy or a fitting one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts_pattern: Option<String>,
}

/// The verdict of DANE on one chain of one address.
#[derive(Clone, Debug, Serialize)]
pub struct Dane {
    pub address: IpAddr,
    pub verdict: DaneVerdict,
    /// Whether senders that validate deliver; `null` where they differ or we cannot tell.
    pub delivers: Option<bool>,
}

/// MTA-STS, read.
#[derive(Clone, Debug, Serialize)]
pub struct StsPromise {
    pub record: Read<StsRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReading>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A record, or why it is not known whether there is one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Read<T> {
    Known(Reading<T>),
    Unknown(DnsFault),
    NotAsked,
}

impl Promises {
    pub fn of(survey: &Survey) -> Self {
        let view = View::of(survey);
        let policies = &survey.policies;
        Self {
            dnssec: policies.mx.clone(),
            hosts: view.hosts().map(|seat| HostPromises::of(&view, seat)).collect(),
            sts: StsPromise::of(&view, policies),
            tls_rpt: read(&policies.tls_rpt, tls_rpt::read),
            spf: read(&policies.spf, spf::read),
            dmarc: read(&policies.dmarc, dmarc::read),
            servers: servers(policies),
        }
    }
}

impl HostPromises {
    fn of(view: &View<'_>, seat: Seat<'_>) -> Self {
        let records = promise::tlsa(seat.host).map(|tlsa| tlsa.records).unwrap_or_default();
        let dane = seat.spots().flat_map(|spot| {
            promise::verdicts(view, &spot).into_iter().map(move |judged| Dane {
                address: spot.endpoint.address,
                delivers: judged.verdict.delivers(),
                verdict: judged.verdict,
            })
        });
        let policy = promise::policy(view);
        let pattern = policy.and_then(|policy| policy.pattern_for(&seat.host.name));
        Self {
            name: seat.host.name.clone(),
            preference: seat.preference,
            dnssec: seat.host.security.clone(),
            tlsa: records.iter().map(TlsaRecord::brief).collect(),
            bare: promise::is_bare(seat.host),
            dane: dane.collect(),
            sts_pattern: pattern.map(ToString::to_string),
        }
    }
}

impl StsPromise {
    fn of(view: &View<'_>, policies: &Policies) -> Self {
        let fault = policies.sts.policy.as_ref().and_then(|fetch| fetch.fault());
        Self {
            record: read(&policies.sts.record, sts::read),
            policy: view.sts().cloned(),
            fault: fault.map(ToString::to_string),
        }
    }

    fn said(&self) -> Option<String> {
        if let Some(fault) = &self.fault {
            return Some(format!("policy not to be had: {fault}"));
        }
        let Some(reading) = &self.policy else {
            return said(&self.record, |record| format!("id {}", record.id));
        };
        let Some(policy) = &reading.policy else {
            return Some("a policy that no sender can use".to_owned());
        };
        let mx = policy.patterns(MOST_SHOWN);
        let days = policy.max_age / (24 * 60 * 60);
        let kept = usize::try_from(days).unwrap_or(usize::MAX);
        let kept = words::count(kept, "day", "days");
        Some(format!("mode {}, kept for {kept}, mx {mx}", policy.mode))
    }
}

/// What the domain promises, in words; what it does not promise is left out.
pub fn told(promises: &Promises) -> impl Iterator<Item = (&'static str, String)> {
    let rows = [
        ("DNSSEC", dnssec(promises)),
        ("DANE", dane(promises)),
        ("MTA-STS", promises.sts.said()),
        ("TLS reports", said(&promises.tls_rpt, |record| texts(&record.rua))),
        ("SPF", said(&promises.spf, spf_said)),
        ("DMARC", said(&promises.dmarc, dmarc_said)),
        ("name servers", promises.servers.clone()),
    ];
    rows.into_iter().filter_map(|(name, said)| Some((name, said?)))
}

/// A line each.
pub fn draw(sheet: &mut Sheet, promises: &Promises, width: usize) {
    let mut head = Line::new(BOLD, "Promises").pad(MARGIN);
    for (name, said) in told(promises) {
        let line = std::mem::take(&mut head).pad(MARGIN).and(PLAIN, name);
        let line = line.pad(MARGIN + NAME_MARGIN);
        sheet.hanging(width, MARGIN + NAME_MARGIN, line, (PLAIN, &said));
    }
}

fn dnssec(promises: &Promises) -> Option<String> {
    let of = |security: &Security| match security {
        Security::Secure => Some("signed".to_owned()),
        Security::Insecure => Some("not signed".to_owned()),
        Security::Bogus(why) => Some(format!("bogus ({why})")),
        Security::Undetermined(why) => Some(format!("not to be told ({why})")),
        Security::NotAsked => None,
    };
    let domain = of(&promises.dnssec)?;
    let differing = promises.hosts.iter().filter(|host| host.dnssec != promises.dnssec);
    let differing =
        differing.filter_map(|host| Some(format!("{} {}", host.name, of(&host.dnssec)?)));
    Some(std::iter::once(domain).chain(differing).collect::<Vec<_>>().join("; "))
}

fn dane(promises: &Promises) -> Option<String> {
    let with = || promises.hosts.iter().filter(|host| !host.tlsa.is_empty());
    let without = |known: bool| {
        let hosts = promises.hosts.iter();
        let hosts = hosts.filter(move |host| host.tlsa.is_empty() && host.bare == known);
        hosts.map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (bare, unknown) = (without(true), without(false));
    with().next()?;
    let all = |wanted: Option<bool>| {
        with().flat_map(|host| &host.dane).filter(move |dane| dane.delivers == wanted).count()
    };
    let (kept, broken, open) = (all(Some(true)), all(Some(false)), all(None));
    let mut parts = vec![format!("kept at {}", words::count(kept, "address", "addresses"))];
    if broken > 0 {
        parts.push(format!("broken at {broken}"));
    }
    if open > 0 {
        parts.push(format!("not to be told at {open}"));
    }
    if !bare.is_empty() {
        parts.push(format!("none for {bare}"));
    }
    if !unknown.is_empty() {
        parts.push(format!("not to be told for {unknown}"));
    }
    Some(parts.join("; "))
}

/// `None` where there is nothing to say: no record, or not asked.
fn said<T>(read: &Read<T>, words: impl Fn(&T) -> String) -> Option<String> {
    match read {
        Read::Known(Reading::One(record)) => Some(words(record)),
        Read::Known(Reading::Several(count)) => {
            Some(format!("{count} records, which count as none"))
        }
        Read::Known(Reading::Invalid { .. }) => Some("a record that does not hold".to_owned()),
        Read::Unknown(fault) => Some(format!("not to be told ({fault})")),
        Read::Known(Reading::Missing) | Read::NotAsked => None,
    }
}

fn spf_said(record: &SpfRecord) -> String {
    match record.all {
        Some(Qualifier::Pass) => "all others pass",
        Some(Qualifier::Fail) => "all others fail",
        Some(Qualifier::SoftFail) => "all others fail softly",
        Some(Qualifier::Neutral) => "neutral to all others",
        None if record.redirects => "another domain's record",
        None => "nothing said of others",
    }
    .to_owned()
}

fn dmarc_said(record: &DmarcRecord) -> String {
    match record.policy {
        Request::None => "asks for nothing",
        Request::Quarantine => "asks for quarantine",
        Request::Reject => "asks for rejection",
    }
    .to_owned()
}

fn texts(texts: &[Text]) -> String {
    texts.iter().take(MOST_SHOWN).map(Text::to_string).collect::<Vec<_>>().join(", ")
}

fn read<T>(published: &Published<Text>, read: impl Fn(&[Text]) -> Reading<T>) -> Read<T> {
    match published {
        Published::Found { records, .. } => Read::Known(read(records)),
        Published::Absent { .. } => Read::Known(Reading::Missing),
        Published::Failed(fault) => Read::Unknown(fault.clone()),
        Published::NotAsked => Read::NotAsked,
    }
}

/// How many of the zone's servers answered, and whether alike.
fn servers(policies: &Policies) -> Option<String> {
    let servers = match &policies.name_servers {
        NameServers::Asked(servers) => servers,
        NameServers::Failed(fault) => return Some(format!("not to be told ({fault})")),
        NameServers::NotAsked => return None,
    };
    let answers: Vec<&OwnAnswer> = servers
        .iter()
        .map(|server| &server.answer)
        .filter(|answer| matches!(answer, OwnAnswer::NoSuchName | OwnAnswer::Records(_)))
        .collect();
    let distinct: BTreeSet<&&OwnAnswer> = answers.iter().collect();
    let all = words::count(servers.len(), "address", "addresses");
    let alike = match (answers.len(), distinct.len()) {
        (0, _) => ", none of which answered us",
        (1, 1) => "",
        (_, 1) => ", and gave the same MX set",
        _ => ", and gave different MX sets",
    };
    Some(match answers.len() {
        0 => format!("{all}{alike}"),
        answered => format!("{answered} of {all} answered{alike}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, answering},
        survey::{MxRecord, NameServer, Sts},
    };

    fn drawn(policies: Policies) -> String {
        let primary = answering("mx1.even.example", "192.0.2.1", SERVER);
        let mut survey = sample::survey(vec![(10, vec![primary])]);
        survey.policies = policies;
        let mut sheet = Sheet::default();
        draw(&mut sheet, &Promises::of(&survey), 80);
        anstream::adapter::strip_str(&sheet.to_string()).to_string()
    }

    #[test]
    fn what_was_not_asked_or_promised_takes_no_line() {
        assert_eq!(drawn(Policies::default()), "");
        let none = || Published::Absent { security: Security::Insecure };
        let policies = Policies {
            sts: Sts { record: none(), policy: None },
            tls_rpt: none(),
            spf: none(),
            ..Policies::default()
        };
        assert_eq!(drawn(policies), "");
    }

    #[test]
    fn what_could_not_be_looked_up_is_said_to_be_unknown() {
        let failed = || Published::Failed(DnsFault::TimedOut);
        let policies = Policies {
            mx: Security::Undetermined("no answer for DNSKEY".to_owned()),
            name_servers: NameServers::Failed(DnsFault::TimedOut),
            sts: Sts { record: failed(), policy: None },
            tls_rpt: failed(),
            ..Policies::default()
        };
        let want = "\
Promises   DNSSEC        not to be told (no answer for DNSKEY)
           MTA-STS       not to be told (no answer in time)
           TLS reports   not to be told (no answer in time)
           name servers  not to be told (no answer in time)
";
        assert_eq!(drawn(policies), want);
    }

    #[test]
    fn name_servers_are_counted_and_compared() {
        let server = |number: u8, answer| NameServer {
            name: format!("ns{number}.even.example"),
            address: Some([192, 0, 2, 50 + number].into()),
            answer,
        };
        let records = |exchange: &str| {
            OwnAnswer::Records(vec![MxRecord { preference: 10, exchange: Text::from(exchange) }])
        };
        let lame = || OwnAnswer::Failed(DnsFault::Lame);
        for (answers, want) in [
            (
                vec![records("a"), records("a")],
                "2 of 2 addresses answered, and gave the same MX set",
            ),
            (
                vec![records("a"), records("b")],
                "2 of 2 addresses answered, and gave different MX sets",
            ),
            (vec![records("a"), lame()], "1 of 2 addresses answered"),
            (vec![lame()], "1 address, none of which answered us"),
        ] {
            let servers =
                (1..).zip(answers).map(|(number, answer)| server(number, answer)).collect();
            let policies =
                Policies { name_servers: NameServers::Asked(servers), ..Policies::default() };
            assert_eq!(drawn(policies), format!("Promises   name servers  {want}\n"));
        }
    }
}
