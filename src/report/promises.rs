//! What the domain promises about its mail, host by host, and how far it is kept: for JSON and for
//! people.
//!
//! Shows what holds as well as what does not; what is wrong with it is for the findings. Says of
//! everything that could not be looked up that it could not.

use std::{collections::BTreeSet, net::IpAddr};

use schemars::JsonSchema;
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
    rules::{
        View,
        promise::{self, TlsaAnswer},
        view::Seat,
    },
    smtp::Text,
    survey::{DnsFault, NameServers, OwnAnswer, Policies, Published, Security, Survey},
};

/// Columns of the names of promises.
const NAME_MARGIN: usize = 14;

/// Patterns and addresses that are shown of one record.
const MOST_SHOWN: usize = 8;

/// A survey's promises, read.
#[derive(Clone, Debug, JsonSchema, Serialize)]
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
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct HostPromises {
    pub name: String,
    pub preference: Option<u16>,
    pub dnssec: Security,
    /// The records that senders go by; empty where there are none, or nobody vouches for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tlsa: Vec<String>,
    /// What senders that validate learn of such records.
    pub tlsa_answer: TlsaAnswer,
    /// Of each address, whether they deliver; `None` where they differ or we cannot tell.
    #[serde(skip)]
    keeps: Vec<Option<bool>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dane: Vec<Dane>,
    /// The pattern of the MTA-STS policy that names it; `None` without a policy or a fitting one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts_pattern: Option<String>,
}

/// The verdict of DANE on one chain of one address.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Dane {
    pub address: IpAddr,
    pub verdict: DaneVerdict,
    /// Whether senders that validate deliver; `null` where they differ or we cannot tell.
    pub delivers: Option<bool>,
}

/// MTA-STS, read.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct StsPromise {
    pub record: Read<StsRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReading>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A record, or why it is not known whether there is one.
#[derive(Clone, Debug, JsonSchema, Serialize)]
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
            tlsa_answer: promise::tlsa_answer(seat.host),
            keeps: seat.spots().map(|spot| promise::keeps_dane(view, &spot)).collect(),
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
            return Some(format!("the policy could not be fetched: {fault}"));
        }
        let Some(reading) = &self.policy else {
            return said(&self.record, |record| format!("id {}", record.id));
        };
        let Some(policy) = &reading.policy else {
            return Some("a policy that no sender can use".to_owned());
        };
        let mx = policy.patterns(MOST_SHOWN);
        let kept = span(policy.max_age);
        Some(format!("mode {}, kept for {kept}, mx {mx}", policy.mode))
    }
}

/// So many seconds, in the largest unit that they fill.
fn span(seconds: u64) -> String {
    let units = [
        (24 * 60 * 60, "day", "days"),
        (60 * 60, "hour", "hours"),
        (60, "minute", "minutes"),
        (1, "second", "seconds"),
    ];
    let fills = units.into_iter().find(|(unit, ..)| seconds >= *unit);
    let (unit, one, many) = fills.unwrap_or(units[units.len() - 1]);
    words::count(usize::try_from(seconds / unit).unwrap_or(usize::MAX), one, many)
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
        Security::Unanswered { why, .. } | Security::Undetermined(why) => {
            Some(format!("unknown ({why})"))
        }
        Security::NotAsked => None,
    };
    let domain = of(&promises.dnssec)?;
    let differing = promises.hosts.iter().filter(|host| host.dnssec != promises.dnssec);
    let differing =
        differing.filter_map(|host| Some(format!("{} {}", host.name, of(&host.dnssec)?)));
    Some(std::iter::once(domain).chain(differing).collect::<Vec<_>>().join("; "))
}

/// `None` where no host has records, and none is passed over for want of an answer.
fn dane(promises: &Promises) -> Option<String> {
    let of =
        |answer: TlsaAnswer| promises.hosts.iter().filter(move |host| host.tlsa_answer == answer);
    let named = |answer: TlsaAnswer| {
        of(answer).map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let addresses = |keeps: Option<bool>| {
        let all = of(TlsaAnswer::Found).flat_map(|host| &host.keeps);
        all.filter(|address| **address == keeps).count()
    };
    let counted = [
        ("kept at", addresses(Some(true))),
        ("broken at", addresses(Some(false))),
        ("unknown at", addresses(None)),
    ];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0).enumerate();
    let counted = counted.map(|(at, (what, count))| match at {
        0 => format!("{what} {}", words::count(count, "address", "addresses")),
        _ => format!("{what} {count}"),
    });
    let mut parts: Vec<String> = counted.collect();
    let hosts = [
        ("look-up fails for", named(TlsaAnswer::Failed)),
        ("none for", named(TlsaAnswer::None)),
        ("unknown for", named(TlsaAnswer::Unknown)),
    ];
    let hosts = hosts.into_iter().filter(|(_, names)| !names.is_empty());
    parts.extend(hosts.map(|(what, names)| format!("{what} {names}")));
    let is_told = of(TlsaAnswer::Found).chain(of(TlsaAnswer::Failed)).next().is_some();
    is_told.then(|| parts.join("; "))
}

/// `None` where there is nothing to say: no record, or not asked.
fn said<T>(read: &Read<T>, words: impl Fn(&T) -> String) -> Option<String> {
    match read {
        Read::Known(Reading::One(record)) => Some(words(record)),
        Read::Known(Reading::Several(count)) => {
            Some(format!("{count} records, which count as none"))
        }
        Read::Known(Reading::Invalid { .. }) => Some("a record that does not hold".to_owned()),
        Read::Unknown(fault) => Some(format!("unknown ({fault})")),
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
        NameServers::Failed(fault) => return Some(format!("unknown ({fault})")),
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
        (1, 1) => "",
        (_, 1) => ", and gave the same MX set",
        _ => ", and gave different MX sets",
    };
    Some(match answers.len() {
        0 if servers.len() == 1 => format!("{all}, which did not answer us"),
        0 => format!("{all}, none of which answered us"),
        answered if answered == servers.len() => format!("{all} answered{alike}"),
        answered => format!("{answered} of {all} answered{alike}"),
    })
}

#[cfg(test)]
mod tests;
