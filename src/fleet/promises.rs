//! What a world promises in DNS: how far it is signed, the texts at its names, the servers of its
//! zone, and where the TLSA records of its hosts stand.
//!
//! Writes into the zone what the words say. Makes no certificate and knows no policy host.

use std::{collections::BTreeSet, net::IpAddr};

use serde::Deserialize;

use super::{
    words::{
        LookupWord, SecurityWord, ServerFaultWord, TlsaFaultWord, TlsaPlace, TxtFaultWord,
        WordFault,
    },
    world::{World, WorldFault},
    zone::{Site, Zone, canonical, kind_of, servfail},
};
use crate::{
    policy::TlsaRecord,
    probe::{Answer, Record, RecordData, RecordKind},
    survey::{DnsFault, Security},
};

/// The `[dns]` of a world. Everything not said is as in most domains: unsigned, without a promise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dns {
    /// Of every answer about the domain itself: its MX, and the texts at its names.
    pub security: SecurityWord,
    /// The TXT records at _smtp._tls.DOMAIN.
    pub tls_rpt: Vec<String>,
    /// TXT records of the domain.
    pub spf: Vec<String>,
    /// The TXT records at _dmarc.DOMAIN.
    pub dmarc: Vec<String>,
    /// How every question for TXT records fails.
    pub txt_fault: Option<TxtFaultWord>,
    /// Left empty: ns1.DOMAIN, which answers as DNS does.
    pub server: Vec<NameServer>,
}

/// A name server of the domain's zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServer {
    pub host: String,
    /// If not given, one of 203.0.113.0/24 by position (203.0.113.53 first).
    pub address: Option<IpAddr>,
    /// Its own answer to the MX question, in place of what the world says.
    pub mx: Option<Vec<Exchange>>,
    /// In place of every answer.
    pub fault: Option<ServerFaultWord>,
}

/// An MX record as one name server has it: `10 mx.a.example`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Exchange {
    pub preference: u16,
    /// As in the records of the world: anything may stand here.
    pub host: String,
}

/// A TLSA record: `3 1 1 own`, or with hexadecimal as in a zone file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct TlsaWord {
    /// Its data is empty where `of` says what belongs there.
    pub record: TlsaRecord,
    pub of: Option<Whose>,
}

/// Whose certificate or key a TLSA record is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose {
    /// That above the server's own: as it sends it, or else the fleet's intermediate.
    Issuer,
    /// Nobody's.
    Other,
    Own,
    /// The fleet's, which no server sends.
    Root,
}

impl Dns {
    /// The name servers with their addresses.
    pub fn servers(&self) -> impl Iterator<Item = (IpAddr, &NameServer)> {
        (53..=u8::MAX).zip(&self.server).map(|(number, server)| {
            (server.address.unwrap_or_else(|| [203, 0, 113, number].into()), server)
        })
    }

    /// Refuses servers that could not be told apart, and those that nobody hears of.
    pub fn check(&self, lookup: LookupWord) -> Result<(), WorldFault> {
        let unheard = [LookupWord::NoSuchDomain, LookupWord::Servfail, LookupWord::Timeout];
        if unheard.contains(&lookup) && !self.server.is_empty() {
            let why = "nobody learns the name servers of a domain whose lookup ends like that";
            return Err(WorldFault(why.to_owned()));
        }
        let mut seen = BTreeSet::new();
        match self.servers().find(|(address, _)| !seen.insert(*address)) {
            Some((address, _)) => Err(WorldFault(format!("two name servers at {address}"))),
            None => Ok(()),
        }
    }

    /// Writes the promises of the domain into its zone.
    pub fn publish(&self, world: &World, zone: &mut Zone) {
        let domain = world.domain.as_str();
        let at = |label: &str| format!("{label}.{domain}");
        zone.vouch(domain, RecordKind::Mx, self.security.into());
        let texts = [
            (domain.to_owned(), &self.spf[..]),
            (at("_dmarc"), &self.dmarc),
            (at("_mta-sts"), &[]), // The record is the policy host's matter.
            (at("_smtp._tls"), &self.tls_rpt),
        ];
        for (name, texts) in texts {
            zone.vouch(&name, RecordKind::Txt, self.security.into());
            for text in texts {
                zone.add(&name, RecordKind::Txt, RecordData::Txt(text.clone().into_bytes()));
            }
        }
        zone.text_fault = self.txt_fault.map(DnsFault::from);
        if world.lookup == LookupWord::NoSuchDomain {
            return;
        }
        let usual = Self { server: vec![NameServer::usual(domain)], ..Self::default() };
        let servers = if self.server.is_empty() { &usual } else { self };
        for (address, server) in servers.servers() {
            let host = canonical(&server.host);
            zone.add(&host, kind_of(address), RecordData::Address(address));
            zone.add(domain, RecordKind::Ns, RecordData::NameServer(host));
            if let Some(answer) = server.own_answer(domain) {
                zone.own_answers.insert(address, answer);
            }
        }
    }
}

impl NameServer {
    fn usual(domain: &str) -> Self {
        Self { host: format!("ns1.{domain}"), address: None, mx: None, fault: None }
    }

    /// What it says in place of what DNS says.
    fn own_answer(&self, domain: &str) -> Option<Answer> {
        if let Some(word) = self.fault {
            return Some(Answer::Failed(word.into()));
        }
        let record = |mx: &Exchange| {
            let exchange = canonical(&mx.host);
            let data = RecordData::Exchange { preference: mx.preference, exchange };
            Record { owner: domain.to_owned(), data }
        };
        let records: Vec<_> = self.mx.as_ref()?.iter().map(record).collect();
        Some(if records.is_empty() { Answer::NoData(records) } else { Answer::Records(records) })
    }
}

impl TryFrom<String> for Exchange {
    type Error = WordFault;

    fn try_from(word: String) -> Result<Self, WordFault> {
        let parts =
            word.split_once(' ').and_then(|(number, host)| Some((number.parse().ok()?, host)));
        match parts {
            Some((preference, host)) => Ok(Self { preference, host: host.to_owned() }),
            None => Err(WordFault::Exchange(word)),
        }
    }
}

impl TryFrom<String> for TlsaWord {
    type Error = WordFault;

    fn try_from(word: String) -> Result<Self, WordFault> {
        let (numbers, last) = word.rsplit_once(' ').unwrap_or((&word, ""));
        let of = match last {
            "issuer" => Some(Whose::Issuer),
            "other" => Some(Whose::Other),
            "own" => Some(Whose::Own),
            "root" => Some(Whose::Root),
            _ => None,
        };
        let record = if of.is_some() { numbers } else { &word }.parse::<TlsaRecord>();
        match record {
            Err(fault) => Err(WordFault::Tlsa(word, fault)),
            Ok(record) if of.is_some() && (record.selector > 1 || record.matching > 2) => {
                Err(WordFault::TlsaOf(word))
            }
            Ok(record) => Ok(Self { record, of }),
        }
    }
}

/// Writes into the zone how far it vouches for a host, and how its TLSA question fails.
pub fn host(site: &Site<'_>, zone: &mut Zone) {
    let Site { name, entry, .. } = site;
    let target = entry.alias.as_deref().map(canonical);
    for name in [Some(name), target.as_ref()].into_iter().flatten() {
        zone.vouch(name, RecordKind::A, entry.security.into());
        zone.vouch(name, RecordKind::Aaaa, entry.security.into());
        let word = entry.tlsa_security.unwrap_or(entry.security);
        zone.vouch(&below(name), RecordKind::Tlsa, word.into());
    }
    let at = tlsa_name(site);
    match entry.tlsa_fault {
        Some(TlsaFaultWord::Bogus) => {
            zone.vouch(&at, RecordKind::Tlsa, SecurityWord::Bogus.into());
        }
        Some(TlsaFaultWord::Servfail) => zone.fail(&at, servfail()),
        Some(TlsaFaultWord::Timeout) => zone.fail(&at, DnsFault::TimedOut),
        None => {}
    }
}

/// Where the TLSA records of a host stand.
pub fn tlsa_name(site: &Site<'_>) -> String {
    match (&site.entry.alias, site.entry.tlsa_at) {
        (Some(target), TlsaPlace::Target) => below(&canonical(target)),
        _ => below(&site.name),
    }
}

/// RFC 7672 §2.2.3.
fn below(base: &str) -> String {
    format!("_25._tcp.{base}")
}

impl From<SecurityWord> for Security {
    fn from(word: SecurityWord) -> Self {
        match word {
            SecurityWord::Insecure => Self::Insecure,
            SecurityWord::Secure => Self::Secure,
            SecurityWord::Bogus => Self::Bogus("signature expired".to_owned()),
            SecurityWord::Undetermined => Self::Undetermined("no answer for DNSKEY".to_owned()),
        }
    }
}

impl From<TxtFaultWord> for DnsFault {
    fn from(word: TxtFaultWord) -> Self {
        match word {
            TxtFaultWord::Servfail => servfail(),
            TxtFaultWord::Timeout => Self::TimedOut,
        }
    }
}

impl From<ServerFaultWord> for DnsFault {
    fn from(word: ServerFaultWord) -> Self {
        match word {
            // A server that refuses to speak of its own zone is lame, whatever it means by it.
            ServerFaultWord::Lame | ServerFaultWord::Refused => Self::Lame,
            ServerFaultWord::Servfail => servfail(),
            ServerFaultWord::Timeout => Self::TimedOut,
            ServerFaultWord::Unreachable => Self::Unreachable("host unreachable".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
