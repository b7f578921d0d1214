//! From a domain to its mail hosts: who they are, where they are, and whether we may go there.
//!
//! Asks everything that can be asked at once at once; the order of results is that of the names.
//! Connects to nobody. Longer than most, because its tests tell the whole contract between DNS and
//! the survey.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use futures_util::future::join_all;

use super::{
    Machine, Resolver,
    lookup::{self, Outcome},
    special,
};
use crate::{
    smtp::{DomainName, Text},
    survey::{
        Access, AddressAnswer, Asked, Endpoint, Host, MxLookup, MxRecord, MxSet, Reverse, Source,
        Tier, asked::HandHost, host::Registrable,
    },
};

/// Exchanges that are looked up. Nobody needs so many, and a hostile zone can publish thousands.
pub const MOST_EXCHANGES: usize = 64;

/// Addresses of one host that are kept, for the same reason.
pub const MOST_ADDRESSES: usize = 32;

/// Turns names into hosts.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    pub resolver: &'a dyn Resolver,
    pub machine: &'a dyn Machine,
    pub asked: &'a Asked,
}

impl Names<'_> {
    /// Who takes mail for `domain`: the hosts given by hand if there are any, else what DNS says.
    pub async fn exchangers(&self, domain: &DomainName) -> MxLookup {
        if !self.asked.by_hand.is_empty() {
            return self.by_hand().await;
        }
        let records = match lookup::exchanges(self.resolver, domain.as_str()).await {
            Outcome::Found(records) => records,
            Outcome::NoData => return self.implicit(domain).await,
            Outcome::NoSuchName => return MxLookup::NoSuchDomain,
            Outcome::Failed(fault) => return MxLookup::Failed { fault },
        };
        let lowest = records[0].0; // Sorted, and an outcome that was found is never empty.
        let mut exchanges: Vec<_> =
            records.iter().filter(|(_, exchange)| exchange != ".").cloned().collect();
        if exchanges.is_empty() {
            return MxLookup::Null { preference: lowest };
        }
        let left_out = exchanges.len().saturating_sub(MOST_EXCHANGES);
        exchanges.truncate(MOST_EXCHANGES);
        let record =
            |(preference, exchange)| MxRecord { preference, exchange: Text::new(exchange) };
        MxLookup::Published(MxSet {
            source: Source::Dns,
            records: records.into_iter().map(record).collect(),
            tiers: self.tiers(exchanges).await,
            left_out,
        })
    }

    /// The hosts named with `--also`, in that order.
    pub async fn also(&self) -> Vec<Host> {
        join_all(self.asked.also.iter().map(|name| self.host(name.as_str()))).await
    }

    /// RFC 5321 §5.1: without MX records the domain's own addresses count.
    async fn implicit(&self, domain: &DomainName) -> MxLookup {
        use AddressAnswer::{Failed, NoSuchName};
        let host = self.host(domain.as_str()).await;
        if !host.addresses.is_empty() {
            return MxLookup::Implicit { host: Box::new(host) };
        }
        match (host.a, host.aaaa) {
            (Failed(fault), _) | (_, Failed(fault)) => MxLookup::Failed { fault },
            (NoSuchName, NoSuchName) => MxLookup::NoSuchDomain,
            _ => MxLookup::Absent,
        }
    }

    /// A name under two preferences is looked up once and stands in both tiers.
    async fn tiers(&self, exchanges: Vec<(u16, String)>) -> Vec<Tier> {
        let names: BTreeSet<&str> = exchanges.iter().map(|(_, name)| name.as_str()).collect();
        let hosts = join_all(names.iter().map(|name| self.host(name))).await;
        let hosts: BTreeMap<&str, Host> = names.into_iter().zip(hosts).collect();
        let mut tiers: BTreeMap<u16, Vec<Host>> = BTreeMap::new();
        for (preference, name) in &exchanges {
            tiers.entry(*preference).or_default().push(hosts[name.as_str()].clone());
        }
        tiers.into_iter().map(|(preference, hosts)| Tier { preference, hosts }).collect()
    }

    async fn by_hand(&self) -> MxLookup {
        let mut lines: BTreeMap<(u16, &str), Vec<&HandHost>> = BTreeMap::new();
        for line in &self.asked.by_hand {
            lines.entry((line.preference, line.host.as_str())).or_default().push(line);
        }
        let hosts = lines.iter().map(|((_, name), lines)| self.hand_host(name, lines));
        let hosts = join_all(hosts).await;
        let mut tiers: BTreeMap<u16, Vec<Host>> = BTreeMap::new();
        for ((preference, _), host) in lines.keys().zip(hosts) {
            tiers.entry(*preference).or_default().push(host);
        }
        let record = |(preference, name): &(u16, &str)| MxRecord {
            preference: *preference,
            exchange: Text::from(*name),
        };
        MxLookup::Published(MxSet {
            source: Source::ByHand,
            records: lines.keys().map(record).collect(),
            tiers: tiers
                .into_iter()
                .map(|(preference, hosts)| Tier { preference, hosts })
                .collect(),
            left_out: 0,
        })
    }

    /// A line with an address saves the look-up; a line without one calls for it.
    async fn hand_host(&self, name: &str, lines: &[&HandHost]) -> Host {
        let port = |line: &HandHost| line.port.unwrap_or(self.asked.port);
        let given = lines.iter().filter_map(|line| Some((line.address?, port(line))));
        let mut places: Vec<(IpAddr, u16)> = given.collect();
        let answer = |ipv4| {
            let any = places.iter().any(|(address, _)| address.is_ipv4() == ipv4);
            if any { AddressAnswer::Given } else { AddressAnswer::NotAsked }
        };
        let mut host =
            Host { a: answer(true), aaaa: answer(false), ..Host::unresolved(name.to_owned()) };
        let mut ports = lines.iter().filter(|line| line.address.is_none()).map(|line| port(line));
        if let Some(first) = ports.next() {
            let found = self.look_up(&mut host).await;
            for port in std::iter::once(first).chain(ports) {
                places.extend(found.iter().map(|address| (*address, port)));
            }
        }
        self.settle(&mut host, places).await;
        host
    }

    /// The host of a name as published. What is no host name is kept, and not looked up.
    async fn host(&self, name: &str) -> Host {
        let mut host = Host::unresolved(name.to_owned());
        if !may_be_asked(name) {
            return host;
        }
        let found = self.look_up(&mut host).await;
        let places = found.into_iter().map(|address| (address, self.asked.port)).collect();
        self.settle(&mut host, places).await;
        host
    }

    /// Writes into `host` what DNS says of its name, and gives back the addresses.
    async fn look_up(&self, host: &mut Host) -> Vec<IpAddr> {
        let addresses = lookup::addresses(self.resolver, &host.name).await;
        host.a = addresses.a;
        host.aaaa = addresses.aaaa;
        host.alias = addresses.alias;
        let missing = |answer: &AddressAnswer| *answer == AddressAnswer::NoSuchName;
        if missing(&host.a) || missing(&host.aaaa) {
            // Of an alias it is the name behind it that somebody else could take.
            let end = host.alias.last().unwrap_or(&host.name);
            host.registrable = self.registrable(end).await;
        }
        addresses.found
    }

    async fn registrable(&self, name: &str) -> Option<Registrable> {
        let domain = DomainName::parse(name).ok()?.registrable()?;
        Some(match lookup::exists(self.resolver, domain.as_str()).await {
            Ok(true) => Registrable::Exists(domain.into()),
            Ok(false) => Registrable::Missing(domain.into()),
            Err(_) => Registrable::Unknown(domain.into()),
        })
    }

    /// Writes the endpoints at `places` into `host`, up to the bound.
    async fn settle(&self, host: &mut Host, mut places: Vec<(IpAddr, u16)>) {
        places.sort_unstable();
        places.dedup();
        host.left_out = places.len().saturating_sub(MOST_ADDRESSES);
        places.truncate(MOST_ADDRESSES);
        host.addresses =
            join_all(places.into_iter().map(|(address, port)| self.endpoint(address, port))).await;
    }

    async fn endpoint(&self, address: IpAddr, port: u16) -> Endpoint {
        let access = special::access(address, self.asked, self.machine.owns(address));
        let access = match self.asked.rests_until(address) {
            Some(until) if access.may_visit() => Access::Resting(until),
            _ => access,
        };
        // Nobody but the owner of a private network knows its reverse names.
        let reverse = match access {
            Access::SpecialPurpose(_) => Reverse::NotAsked,
            _ => lookup::reverse(self.resolver, address).await,
        };
        Endpoint { address, port, reverse, access, observations: Vec::new() }
    }
}

/// Whether a published exchange is worth a question. Underscores are: senders deliver there. Names
/// of one label are not, nor is anything that DNS cannot carry as a host.
pub fn may_be_asked(name: &str) -> bool {
    DomainName::parse(name).is_ok() && name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        probe::{
            Answer, RecordKind,
            stand_in::{self, Desktop, Map, alias},
        },
        survey::{DnsFault, Families},
    };

    fn name(word: &str) -> DomainName {
        DomainName::parse(word).unwrap()
    }

    fn asked() -> Asked {
        let allow_net = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap()).to_vec();
        Asked { allow_net, ..stand_in::asked() }
    }

    async fn exchangers(map: &Map, asked: &Asked) -> MxLookup {
        let names = Names { resolver: map, machine: &Desktop::default(), asked };
        names.exchangers(&name("a.example")).await
    }

    fn set(lookup: MxLookup) -> MxSet {
        match lookup {
            MxLookup::Published(set) => set,
            other => panic!("{other:?}"),
        }
    }

    /// Tiers as words: `10 a.example b.example`.
    fn tiers(set: &MxSet) -> Vec<String> {
        let words = |tier: &Tier| {
            let names: Vec<_> = tier.hosts.iter().map(|host| host.name.as_str()).collect();
            format!("{} {}", tier.preference, names.join(" "))
        };
        set.tiers.iter().map(words).collect()
    }

    fn timed_out() -> Answer {
        Answer::Failed(DnsFault::TimedOut)
    }

    #[tokio::test]
    async fn the_six_outcomes_are_kept_apart() {
        use RecordKind::{A, Aaaa, Mx, Soa};
        let at = "a.example";
        for (case, map, want) in [
            ("null", Map::default().with(at, Mx, &["0 ."]), MxLookup::Null { preference: 0 }),
            (
                "null, odd",
                Map::default().with(at, Mx, &["10 ."]),
                MxLookup::Null { preference: 10 },
            ),
            ("absent", Map::default().with(at, Soa, &[""]), MxLookup::Absent),
            ("nothing", Map::default(), MxLookup::NoSuchDomain),
            (
                "MX fails",
                Map::default().answering(at, Mx, timed_out()).with(at, A, &["192.0.2.1"]),
                MxLookup::Failed { fault: DnsFault::TimedOut },
            ),
            (
                "AAAA fails",
                Map::default().with(at, Soa, &[""]).answering(at, Aaaa, timed_out()),
                MxLookup::Failed { fault: DnsFault::TimedOut },
            ),
            (
                "dangling alias",
                Map::default().answering(at, Mx, Answer::NoSuchName(vec![alias(at, "b.example")])),
                MxLookup::NoSuchDomain,
            ),
        ] {
            assert_eq!(exchangers(&map, &asked()).await, want, "{case}");
        }
        let map = Map::default().with(at, Aaaa, &["2001:db8::1"]);
        let MxLookup::Implicit { host } = exchangers(&map, &asked()).await else {
            panic!("an address stands in for MX records");
        };
        assert_eq!((host.name.as_str(), host.addresses.len()), (at, 1));
        assert_eq!(host.a, AddressAnswer::NoData);
    }

    #[tokio::test]
    async fn tiers_ascend_and_every_record_is_kept() {
        let records = ["20 c.example", "10 b.example", "10 a.example", "30 a.example", "0 ."];
        let map = Map::default().with("a.example", RecordKind::Mx, &records).with(
            "a.example",
            RecordKind::A,
            &["192.0.2.1"],
        );
        let set = set(exchangers(&map, &asked()).await);
        assert_eq!(tiers(&set), ["10 a.example b.example", "20 c.example", "30 a.example"]);
        assert_eq!(set.records.len(), 5);
        assert_eq!(set.records[0], MxRecord { preference: 0, exchange: Text::from(".") });
        assert_eq!(set.tiers[0].hosts[0], set.tiers[2].hosts[0]);
    }

    #[tokio::test]
    async fn an_alias_at_the_domain_is_followed_to_its_records() {
        let exchange = stand_in::exchange("real.example", 10, "mx.example");
        let answer = Answer::Records(vec![exchange, alias("a.example", "real.example")]);
        let map = Map::default().answering("a.example", RecordKind::Mx, answer);
        assert_eq!(tiers(&set(exchangers(&map, &asked()).await)), ["10 mx.example"]);
    }

    #[tokio::test]
    async fn what_is_no_host_name_is_kept_and_not_looked_up() {
        for exchange in
            ["192.0.2.1", "[192.0.2.1]", "mail", "*.example", "a b.example", r"a\.b.example"]
        {
            let map = Map::default()
                .with("a.example", RecordKind::Mx, &[&format!("10 {exchange}")])
                .with(exchange, RecordKind::A, &["192.0.2.1"]);
            let set = set(exchangers(&map, &asked()).await);
            assert_eq!(set.tiers[0].hosts, [Host::unresolved(exchange.to_owned())]);
        }
        let map = Map::default().with("a.example", RecordKind::Mx, &["10 mx_1.example"]).with(
            "mx_1.example",
            RecordKind::A,
            &["192.0.2.1"],
        );
        assert_eq!(set(exchangers(&map, &asked()).await).tiers[0].hosts[0].addresses.len(), 1);
    }

    #[tokio::test]
    async fn a_missing_name_tells_whether_its_domain_can_be_taken() {
        let at = "mx.gone.example";
        let missing = Some(Registrable::Missing("gone.example".to_owned()));
        let exists = Some(Registrable::Exists("gone.example".to_owned()));
        let unknown = Some(Registrable::Unknown("gone.example".to_owned()));
        let behind = Answer::NoSuchName(vec![alias(at, "mx.other.example")]);
        let other = Some(Registrable::Missing("other.example".to_owned()));
        let published = || Map::default().with("a.example", RecordKind::Mx, &[&format!("10 {at}")]);
        let gone = "gone.example";
        for (map, want) in [
            (published(), missing),
            (published().with(gone, RecordKind::A, &["192.0.2.1"]), exists.clone()),
            (published().answering(gone, RecordKind::Soa, timed_out()), exists),
            (
                published().answering(gone, RecordKind::Soa, timed_out()).answering(
                    gone,
                    RecordKind::Ns,
                    timed_out(),
                ),
                unknown,
            ),
            (
                published().answering(at, RecordKind::A, behind.clone()).answering(
                    at,
                    RecordKind::Aaaa,
                    behind,
                ),
                other,
            ),
            (published().with(at, RecordKind::A, &["192.0.2.1"]), None),
        ] {
            let set = set(exchangers(&map, &asked()).await);
            assert_eq!(set.tiers[0].hosts[0].registrable, want);
        }
    }

    #[tokio::test]
    async fn every_address_says_whether_it_may_be_visited() {
        let map = Map::default()
            .with("a.example", RecordKind::Mx, &["10 mx.example"])
            .with("mx.example", RecordKind::A, &["192.0.2.1", "10.0.0.1", "192.0.2.2"])
            .with("mx.example", RecordKind::Aaaa, &["2001:db8::1"])
            .with("1.2.0.192.in-addr.arpa", RecordKind::Ptr, &["mx.example"]);
        let asked = Asked { families: Families::V4, ..asked() };
        let machine = Desktop { addresses: vec!["192.0.2.2".parse().unwrap()], name: None };
        let names = Names { resolver: &map, machine: &machine, asked: &asked };
        let set = set(names.exchangers(&name("a.example")).await);
        let got: Vec<_> = set.tiers[0].hosts[0]
            .addresses
            .iter()
            .map(|endpoint| (endpoint.address.to_string(), &endpoint.access, &endpoint.reverse))
            .collect();
        let test_net = "Documentation (TEST-NET-1)";
        let want = [
            ("10.0.0.1", Access::SpecialPurpose("Private-Use".to_owned()), Reverse::NotAsked),
            (
                "192.0.2.1",
                Access::Allowed(test_net.to_owned()),
                Reverse::Confirmed("mx.example".to_owned()),
            ),
            (
                "192.0.2.2",
                Access::Allowed(format!("{test_net}, address of this machine")),
                Reverse::Missing,
            ),
            ("2001:db8::1", Access::FamilyOff, Reverse::Missing),
        ];
        let want: Vec<_> = want
            .iter()
            .map(|(word, access, reverse)| ((*word).to_owned(), access, reverse))
            .collect();
        assert_eq!(got, want);
    }

    #[tokio::test]
    async fn bounds_are_kept_and_said() {
        let exchanges: Vec<_> = (0..70).map(|n| format!("{n} mx{n}.example")).collect();
        let exchanges: Vec<_> = exchanges.iter().map(String::as_str).collect();
        let addresses: Vec<_> = (1..=40).map(|n| format!("192.0.2.{n}")).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let map = Map::default().with("a.example", RecordKind::Mx, &exchanges).with(
            "mx0.example",
            RecordKind::A,
            &addresses,
        );
        let set = set(exchangers(&map, &asked()).await);
        assert_eq!((set.records.len(), set.tiers.len(), set.left_out), (70, 64, 6));
        let host = &set.tiers[0].hosts[0];
        assert_eq!((host.addresses.len(), host.left_out), (32, 8));
        assert_eq!(host.addresses[0].address.to_string(), "192.0.2.1");
    }

    #[tokio::test]
    async fn hosts_by_hand_stand_in_for_mx_records() {
        let line = |preference, host: &str, port, address: Option<&str>| HandHost {
            preference,
            host: name(host),
            port,
            address: address.map(|word| word.parse().unwrap()),
        };
        let asked = Asked {
            by_hand: vec![
                line(20, "new.example", Some(2525), Some("192.0.2.9")),
                line(20, "new.example", None, Some("192.0.2.8")),
                line(10, "old.example", None, None),
                line(10, "old.example", None, Some("2001:db8::9")),
            ],
            ..asked()
        };
        let map = Map::default().with("a.example", RecordKind::Mx, &["5 unasked.example"]).with(
            "old.example",
            RecordKind::A,
            &["192.0.2.1"],
        );
        let set = set(exchangers(&map, &asked).await);
        assert_eq!(set.source, Source::ByHand);
        assert_eq!(tiers(&set), ["10 old.example", "20 new.example"]);
        let places = |host: &Host| -> Vec<String> {
            let place = |endpoint: &Endpoint| format!("{}:{}", endpoint.address, endpoint.port);
            host.addresses.iter().map(place).collect()
        };
        let (old, new) = (&set.tiers[0].hosts[0], &set.tiers[1].hosts[0]);
        assert_eq!(places(old), ["192.0.2.1:25", "2001:db8::9:25"]);
        assert_eq!((&old.a, &old.aaaa), (&AddressAnswer::Found, &AddressAnswer::NoData));
        assert_eq!(places(new), ["192.0.2.8:25", "192.0.2.9:2525"]);
        assert_eq!((&new.a, &new.aaaa), (&AddressAnswer::Given, &AddressAnswer::NotAsked));
    }

    #[tokio::test]
    async fn other_hosts_come_in_the_order_they_were_named() {
        let also = ["z.example", "b.example"].map(name).to_vec();
        let asked = Asked { also, ..asked() };
        let map = Map::default().with("b.example", RecordKind::A, &["192.0.2.1"]);
        let names = Names { resolver: &map, machine: &Desktop::default(), asked: &asked };
        let got = names.also().await;
        assert_eq!((got[0].name.as_str(), &got[0].a), ("z.example", &AddressAnswer::NoSuchName));
        assert_eq!((got[1].name.as_str(), got[1].addresses.len()), ("b.example", 1));
    }
}
