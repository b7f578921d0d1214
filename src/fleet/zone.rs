//! The DNS of a world: every answer is worked out beforehand and looked up by name and kind.
//!
//! Answers at once and never over a network; a time-out is told, not waited for.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
    net::{IpAddr, Ipv4Addr},
};

use super::{
    policy_host::{self, Sts},
    promises,
    words::{HostWord, LookupWord, ReverseWord},
    world::{Mx, World},
};
use crate::{
    probe::{Answer, Proven, Record, RecordData, RecordKind, Resolver, seam::Later},
    smtp::DomainName,
    survey::{DnsFault, Security},
};

/// Every name of a world and what it answers.
#[derive(Default)]
pub struct Zone {
    answers: BTreeMap<(String, RecordKind), Answer>,
    /// Names that exist, whether or not they have a record.
    names: BTreeSet<String>,
    /// Names whose every question fails.
    broken: BTreeMap<String, DnsFault>,
    /// How far DNSSEC vouches for an answer; of all others nobody does.
    vouched: BTreeMap<(String, RecordKind), Security>,
    /// How every question for TXT records fails.
    pub text_fault: Option<DnsFault>,
    /// What name servers say of the domain in place of what DNS says; the one at an address that is
    /// not here says the same.
    pub own_answers: BTreeMap<IpAddr, Answer>,
}

/// A host of the world: the name as DNS has it, and the addresses that were given to it.
pub struct Site<'a> {
    pub name: String,
    pub entry: &'a Mx,
    pub addresses: Vec<IpAddr>,
}

impl Zone {
    /// The names of `world`, whose hosts stand at `sites`.
    pub fn of(world: &World, sites: &[Site<'_>]) -> Self {
        let mut zone = Self::default();
        for site in sites {
            zone.host(site);
            promises::host(site, &mut zone);
        }
        zone.domain(world);
        world.dns.publish(world, &mut zone);
        if let Some(sts) = &world.sts {
            zone.policy_host(&policy_host::name(world), sts);
            let record = sts.record.as_deref().unwrap_or("v=STSv1; id=1;");
            if !record.is_empty() {
                let data = RecordData::Txt(record.as_bytes().to_vec());
                zone.add(&format!("_mta-sts.{}", world.domain), RecordKind::Txt, data);
            }
        }
        zone
    }

    /// The answer to one question.
    pub fn answer(&self, name: &str, kind: RecordKind) -> Answer {
        let texts = self.text_fault.as_ref().filter(|_| kind == RecordKind::Txt);
        if let Some(fault) = self.broken.get(name).or(texts) {
            return Answer::Failed(fault.clone());
        }
        match self.answers.get(&(name.to_owned(), kind)) {
            Some(answer) => answer.clone(),
            None if self.names.contains(name) => Answer::NoData(Vec::new()),
            None => Answer::NoSuchName(Vec::new()),
        }
    }

    /// The same with what DNSSEC says of it.
    pub fn proven(&self, name: &str, kind: RecordKind) -> Proven {
        let answer = self.answer(name, kind);
        let security = match &answer {
            Answer::Failed(fault) => Security::unanswered(fault),
            _ => self.vouched.get(&(name.to_owned(), kind)).cloned().unwrap_or(Security::Insecure),
        };
        let secure = match &answer {
            Answer::Records(records) | Answer::NoData(records) | Answer::NoSuchName(records)
                if security == Security::Secure =>
            {
                records.iter().map(|record| record.owner.clone()).collect()
            }
            _ => Vec::new(),
        };
        Proven { answer, security, secure }
    }

    /// Gives `name` an address that leads back to it.
    pub fn add_confirmed(&mut self, name: &str, address: IpAddr) {
        self.add(name, kind_of(address), RecordData::Address(address));
        self.add(&reverse_name(address), RecordKind::Ptr, RecordData::Pointer(name.to_owned()));
    }

    /// Adds a record, and with it the name.
    pub fn add(&mut self, name: &str, kind: RecordKind, data: RecordData) {
        let record = Record { owner: name.to_owned(), data };
        let answer = self.answers.entry((name.to_owned(), kind));
        match answer.or_insert_with(|| Answer::Records(Vec::new())) {
            Answer::Records(records) => records.push(record),
            other => *other = Answer::Records(vec![record]),
        }
        self.names.insert(name.to_owned());
    }

    /// Says how far DNSSEC vouches for the answer to a question.
    pub fn vouch(&mut self, name: &str, kind: RecordKind, security: Security) {
        self.vouched.insert((name.to_owned(), kind), security);
    }

    /// Lets every question for `name` fail.
    pub fn fail(&mut self, name: &str, fault: DnsFault) {
        self.broken.insert(name.to_owned(), fault);
    }

    fn domain(&mut self, world: &World) {
        let domain = world.domain.as_str();
        match world.lookup {
            LookupWord::NoSuchDomain => {
                self.names.remove(domain);
                return;
            }
            LookupWord::Servfail => return self.fail(domain, servfail()),
            LookupWord::Timeout => return self.fail(domain, DnsFault::TimedOut),
            LookupWord::Absent | LookupWord::Implicit => {}
            LookupWord::Null if world.mx.is_empty() => {
                let data = RecordData::Exchange { preference: 0, exchange: ".".to_owned() };
                self.add(domain, RecordKind::Mx, data);
            }
            LookupWord::Null | LookupWord::Records => {
                for mx in &world.mx {
                    let exchange = canonical(&mx.host);
                    let data = RecordData::Exchange { preference: mx.preference, exchange };
                    self.add(domain, RecordKind::Mx, data);
                }
            }
        }
        self.names.insert(domain.to_owned());
    }

    fn host(&mut self, site: &Site<'_>) {
        let Site { name, entry, addresses } = site;
        let registrable = DomainName::parse(name).ok().and_then(|name| name.registrable());
        if let Some(above) = registrable.filter(|_| entry.registrable) {
            self.names.insert(above.as_str().to_owned());
        }
        let target = entry.alias.as_deref().map(canonical);
        let alias: Vec<Record> = target
            .iter()
            .map(|target| Record { owner: name.clone(), data: RecordData::Alias(target.clone()) })
            .collect();
        let both = [RecordKind::A, RecordKind::Aaaa].map(|kind| (name.clone(), kind));
        match entry.dns {
            HostWord::Found => {}
            HostWord::NoData => {
                self.names.insert(name.clone());
                self.answers.extend(both.map(|key| (key, Answer::NoData(alias.clone()))));
                return;
            }
            HostWord::NoSuchName => {
                self.answers.extend(both.map(|key| (key, Answer::NoSuchName(alias.clone()))));
                return;
            }
            HostWord::Servfail => return self.fail(name, servfail()),
            HostWord::Timeout => return self.fail(name, DnsFault::TimedOut),
        }
        let owner = target.as_ref().unwrap_or(name);
        for &address in addresses {
            self.add(owner, kind_of(address), RecordData::Address(address));
            self.reverse(owner, address, entry.reverse);
        }
        self.names.insert(name.clone());
        if target.is_some() {
            for key in both {
                let answer = match self.answer(owner, key.1) {
                    Answer::Records(found) => Answer::Records([alias.clone(), found].concat()),
                    _ => Answer::NoData(alias.clone()),
                };
                self.answers.insert(key, answer);
            }
        }
    }

    fn policy_host(&mut self, name: &str, sts: &Sts) {
        match sts.dns {
            HostWord::Found => {
                for address in sts.addresses() {
                    self.add(name, kind_of(address), RecordData::Address(address));
                }
            }
            HostWord::NoData => drop(self.names.insert(name.to_owned())),
            HostWord::NoSuchName => {}
            HostWord::Servfail => self.fail(name, servfail()),
            HostWord::Timeout => self.fail(name, DnsFault::TimedOut),
        }
    }

    fn reverse(&mut self, name: &str, address: IpAddr, word: ReverseWord) {
        let backwards = reverse_name(address);
        let pointer = match word {
            ReverseWord::Confirmed => name.to_owned(),
            ReverseWord::Unconfirmed => "somewhere.provider.example".to_owned(),
            ReverseWord::Missing => return,
            ReverseWord::Servfail => return self.fail(&backwards, servfail()),
        };
        self.add(&backwards, RecordKind::Ptr, RecordData::Pointer(pointer));
    }
}

impl Resolver for Zone {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        Box::pin(ready(self.answer(name, kind)))
    }

    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        Box::pin(ready(self.proven(name, kind)))
    }

    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        match self.own_answers.get(&server) {
            Some(answer) => Box::pin(ready(answer.clone())),
            None => self.ask(name, kind),
        }
    }
}

/// The hosts of a world by name, each once; the first entry of a name speaks for it.
pub fn sites(world: &World) -> Vec<Site<'_>> {
    let mut sites: Vec<Site<'_>> = Vec::new();
    for (number, entry) in (1..=u8::MAX).cycle().zip(world.entries()) {
        let name = canonical(&entry.host);
        if sites.iter().any(|site| site.name == name) {
            continue;
        }
        let resolves = entry.dns == HostWord::Found && DomainName::parse(&name).is_ok();
        let given = || vec![Ipv4Addr::new(192, 0, 2, number).into()];
        let addresses = match (resolves, entry.addresses.as_slice()) {
            (false, _) => Vec::new(),
            (true, []) => given(),
            (true, addresses) => addresses.to_vec(),
        };
        sites.push(Site { name, entry, addresses });
    }
    sites
}

/// A name as DNS compares it.
pub fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(&lower).to_owned()
}

/// Where the PTR of `address` stands. RFC 1035 §3.5, RFC 3596 §2.5.
pub fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = format!("{:032x}", u128::from(address));
            let backwards: String =
                nibbles.chars().rev().flat_map(|nibble| [nibble, '.']).collect();
            format!("{backwards}ip6.arpa")
        }
    }
}

pub fn kind_of(address: IpAddr) -> RecordKind {
    if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa }
}

pub fn servfail() -> DnsFault {
    DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Zone {
        let world = World::parse(text).unwrap();
        Zone::of(&world, &sites(&world))
    }

    fn data(answer: Answer) -> Vec<RecordData> {
        match answer {
            Answer::Records(records) => records.into_iter().map(|record| record.data).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_world_answers_for_its_domain_and_hosts() {
        let zone = zone(
            r#"
            domain = "a.example"
            [[mx]]
            preference = 10
            host = "MX1.a.example."
            addresses = ["192.0.2.7", "2001:db8::7"]
            [[mx]]
            preference = 20
            host = "mx2.a.example"
            alias = "real.b.example"
            reverse = "unconfirmed"
            "#,
        );
        let exchange =
            |preference, name: &str| RecordData::Exchange { preference, exchange: name.to_owned() };
        let records = data(zone.answer("a.example", RecordKind::Mx));
        assert_eq!(records, [exchange(10, "mx1.a.example"), exchange(20, "mx2.a.example")]);
        let address = |word: &str| RecordData::Address(word.parse().unwrap());
        let alias = RecordData::Alias("real.b.example".to_owned());
        let pointer = |name: &str| vec![RecordData::Pointer(name.to_owned())];
        let long = format!("7.{}8.b.d.0.1.0.0.2.ip6.arpa", "0.".repeat(23));
        for (name, kind, want) in [
            ("mx1.a.example", RecordKind::A, vec![address("192.0.2.7")]),
            ("mx1.a.example", RecordKind::Aaaa, vec![address("2001:db8::7")]),
            ("mx2.a.example", RecordKind::A, vec![alias, address("192.0.2.2")]),
            ("real.b.example", RecordKind::A, vec![address("192.0.2.2")]),
            ("7.2.0.192.in-addr.arpa", RecordKind::Ptr, pointer("mx1.a.example")),
            (&long, RecordKind::Ptr, pointer("mx1.a.example")),
            ("2.2.0.192.in-addr.arpa", RecordKind::Ptr, pointer("somewhere.provider.example")),
        ] {
            assert_eq!(data(zone.answer(name, kind)), want, "{name}");
        }
        assert_eq!(zone.answer("a.example", RecordKind::A), Answer::NoData(Vec::new()));
        assert_eq!(zone.answer("c.example", RecordKind::A), Answer::NoSuchName(Vec::new()));
    }

    #[test]
    fn a_policy_has_a_host_and_a_record() {
        let text = |word: &str| {
            Answer::Records(vec![Record {
                owner: "_mta-sts.a.example".to_owned(),
                data: RecordData::Txt(word.as_bytes().to_vec()),
            }])
        };
        for (keys, want) in [
            ("", Answer::NoSuchName(Vec::new())),
            ("[sts]\nrecord = ''", Answer::NoSuchName(Vec::new())),
            ("[sts]", text("v=STSv1; id=1;")),
            ("[sts]\nrecord = 'v=STSv1'", text("v=STSv1")),
        ] {
            let zone = zone(&format!("domain = 'a.example'\nlookup = 'absent'\n{keys}"));
            assert_eq!(zone.answer("_mta-sts.a.example", RecordKind::Txt), want, "{keys}");
            let host = zone.answer("mta-sts.a.example", RecordKind::A);
            let stands = matches!(host, Answer::Records(_));
            assert_eq!(stands, !keys.is_empty(), "{keys}");
        }
    }

    #[test]
    fn every_way_to_fail_is_answered_in_its_own_words() {
        let lookup = |word: &str| {
            let zone = zone(&format!("domain = \"a.example\"\nlookup = \"{word}\""));
            zone.answer("a.example", RecordKind::Mx)
        };
        assert_eq!(lookup("absent"), Answer::NoData(Vec::new()));
        assert_eq!(lookup("no-such-domain"), Answer::NoSuchName(Vec::new()));
        assert_eq!(lookup("servfail"), Answer::Failed(servfail()));
        assert_eq!(lookup("timeout"), Answer::Failed(DnsFault::TimedOut));
        let null = RecordData::Exchange { preference: 0, exchange: ".".to_owned() };
        assert_eq!(data(lookup("null")), [null]);

        let host = |keys: &str| {
            zone(&format!("domain = \"a.example\"\n[[mx]]\nhost = \"mx.gone.example\"\n{keys}"))
        };
        for (keys, want, above) in [
            ("dns = \"no-data\"", Answer::NoData(Vec::new()), Answer::NoData(Vec::new())),
            ("dns = \"no-such-name\"", Answer::NoSuchName(Vec::new()), Answer::NoData(Vec::new())),
            (
                "dns = \"no-such-name\"\nregistrable = false",
                Answer::NoSuchName(Vec::new()),
                Answer::NoSuchName(Vec::new()),
            ),
            ("dns = \"servfail\"", Answer::Failed(servfail()), Answer::NoData(Vec::new())),
        ] {
            let zone = host(keys);
            assert_eq!(zone.answer("mx.gone.example", RecordKind::A), want, "{keys}");
            assert_eq!(zone.answer("gone.example", RecordKind::Soa), above, "{keys}");
        }
    }
}
