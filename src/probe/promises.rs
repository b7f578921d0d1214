//! What a domain promises, looked up beside the visits: DNSSEC, TLSA, MTA-STS, TLS reports, and what
//! each of its name servers says itself.
//!
//! Each promise degrades alone: a look-up that fails is a fact of its own, and no other waits for it.
//! Reads no record further than the next question needs it, and judges none.
//!
//! Longer than most: half of it is the tests of every promise.

use std::{collections::BTreeMap, net::IpAddr};

use futures_util::future::join_all;

use super::{
    Answer, Means, Proven, RecordData, RecordKind, fetch,
    lookup::{self, Outcome},
    resolve::{Names, may_be_asked},
    special,
};
use crate::{
    policy::{
        Reading, TlsaRecord,
        bases::{Step, tlsa_bases},
        sts,
    },
    smtp::{DomainName, Text},
    survey::{
        Access, DnsFault, Host, MxLookup, MxRecord, NameServer, NameServers, OwnAnswer, Policies,
        Published, Security, Sts, TlsaLookup,
    },
};

/// Records of one kind that are kept of one name: senders make nothing of more than one or two.
const MOST_RECORDS: usize = 32;

/// Name servers of a zone that are asked, and addresses of each. The root has thirteen.
const MOST_SERVERS: usize = 13;
const MOST_ADDRESSES: usize = 4;

/// What was looked up besides the exchangers.
pub struct Promised {
    pub policies: Policies,
    /// By host name.
    pub hosts: BTreeMap<String, HostPromise>,
}

/// What is published for one host beside its addresses.
pub struct HostPromise {
    security: Security,
    tlsa: Vec<TlsaLookup>,
}

impl HostPromise {
    /// Writes it into the host.
    pub fn settle(&self, host: &mut Host) {
        host.security = self.security.clone();
        host.tlsa.clone_from(&self.tlsa);
    }
}

impl Names<'_> {
    /// Everything that `domain` and its hosts promise.
    pub async fn promises(
        &self,
        domain: &DomainName,
        mx: &MxLookup,
        means: &Means<'_>,
    ) -> Promised {
        let hosts: BTreeMap<&str, &Host> =
            mx.hosts().map(|(_, _, host)| (host.name.as_str(), host)).collect();
        let hosts = hosts
            .into_iter()
            .map(|(name, host)| async move { (name.to_owned(), self.host_promise(host).await) });
        let (policies, hosts) = tokio::join!(self.policies(domain, means), join_all(hosts));
        Promised { policies, hosts: hosts.into_iter().collect() }
    }

    async fn policies(&self, domain: &DomainName, means: &Means<'_>) -> Policies {
        let below = |label: &str| format!("{label}.{domain}");
        let tls_rpt = below("_smtp._tls");
        let begins_as_spf = |text: &Text| {
            let begin = text.as_bytes().get(..6).unwrap_or_default();
            begin.eq_ignore_ascii_case(b"v=spf1")
        };
        let (mx, name_servers, sts, tls_rpt, spf, dmarc) = tokio::join!(
            self.resolver.prove(domain.as_str(), RecordKind::Mx),
            self.name_servers(domain),
            self.sts(domain, means),
            self.texts(&tls_rpt, |_| true),
            self.texts(domain.as_str(), begins_as_spf),
            self.dmarc(domain),
        );
        let mx = worth(&mx);
        Policies { mx, name_servers, sts, tls_rpt, spf, dmarc }
    }

    async fn sts(&self, domain: &DomainName, means: &Means<'_>) -> Sts {
        let record = self.sts_record(domain).await;
        let policy = if calls_for_policy(&record) {
            Some(fetch::fetch(domain, *self, means).await)
        } else {
            None
        };
        Sts { record, policy }
    }

    async fn sts_record(&self, domain: &DomainName) -> Published<Text> {
        self.texts(&format!("_mta-sts.{domain}"), |_| true).await
    }

    /// Where a run would fetch the policy, if it would.
    pub async fn policy_url(&self, domain: &DomainName) -> Option<String> {
        let record = self.sts_record(domain).await;
        calls_for_policy(&record).then(|| fetch::url(domain))
    }

    /// RFC 7489 §6.6.3: without a record of its own a domain is under that of its registrable domain.
    async fn dmarc(&self, domain: &DomainName) -> Published<Text> {
        let at = |domain: &str| format!("_dmarc.{domain}");
        let own = self.texts(&at(domain.as_str()), |_| true).await;
        match (&own, domain.registrable()) {
            (Published::Absent { .. }, Some(above)) if above != *domain => {
                self.texts(&at(above.as_str()), |_| true).await
            }
            _ => own,
        }
    }

    async fn texts(&self, name: &str, wanted: impl Fn(&Text) -> bool) -> Published<Text> {
        let text = |data: &RecordData| match data {
            RecordData::Txt(bytes) => Some(Text::new(bytes.clone())),
            _ => None,
        };
        let wanted = |data: &RecordData| text(data).filter(|text| wanted(text));
        published(name, self.resolver.prove(name, RecordKind::Txt).await, wanted)
    }

    /// RFC 7672 §2.2: whether the addresses are vouched for decides whether TLSA records count.
    async fn host_promise(&self, host: &Host) -> HostPromise {
        if !may_be_asked(&host.name) {
            return HostPromise { security: Security::NotAsked, tlsa: Vec::new() };
        }
        let (a, aaaa) = tokio::join!(
            self.resolver.prove(&host.name, RecordKind::A),
            self.resolver.prove(&host.name, RecordKind::Aaaa)
        );
        let security = worth(&a).and(worth(&aaaa));
        let port = host.addresses.first().map_or(self.asked.port, |endpoint| endpoint.port);
        let mut tlsa = Vec::new();
        for base in bases(host, &security, &[a.secure, aaaa.secure].concat()) {
            let name = format!("_{port}._tcp.{base}");
            let record = |data: &RecordData| match data {
                RecordData::Tlsa(record) => Some(record.clone()),
                _ => None,
            };
            let proven = self.resolver.prove(&name, RecordKind::Tlsa).await;
            let answer: Published<TlsaRecord> = published(&name, proven, record);
            let goes_on = goes_on(&answer);
            tlsa.push(TlsaLookup { base, answer });
            if !goes_on {
                break;
            }
        }
        HostPromise { security, tlsa }
    }

    /// The name servers of the zone that `domain` is in, each asked for the exchangers.
    async fn name_servers(&self, domain: &DomainName) -> NameServers {
        if !self.asked.by_hand.is_empty() {
            return NameServers::NotAsked;
        }
        let names = match self.zone_of(domain).await {
            Ok(names) => names,
            Err(fault) => return NameServers::Failed(fault),
        };
        let asked = names.into_iter().take(MOST_SERVERS).map(|name| self.name_server(name, domain));
        let mut asked: Vec<NameServer> = join_all(asked).await.concat();
        asked.sort_unstable();
        NameServers::Asked(asked)
    }

    /// Who answers for the closest zone above, sorted.
    async fn zone_of(&self, domain: &DomainName) -> Result<Vec<String>, DnsFault> {
        let mut zone = domain.as_str();
        loop {
            let server = |data: &RecordData| match data {
                RecordData::NameServer(name) => Some(name.clone()),
                _ => None,
            };
            let answer = self.resolver.ask(zone, RecordKind::Ns).await;
            match lookup::outcome(zone, answer, server) {
                Outcome::Found(mut names) => {
                    names.sort_unstable();
                    names.dedup();
                    return Ok(names);
                }
                Outcome::Failed(fault) => return Err(fault),
                Outcome::NoData | Outcome::NoSuchName => {}
            }
            zone = match zone.split_once('.') {
                Some((_, above)) => above,
                None => return Err(DnsFault::Unusable("no zone names its servers".to_owned())),
            };
        }
    }

    async fn name_server(&self, name: String, domain: &DomainName) -> Vec<NameServer> {
        let server = |address, answer| NameServer { name: name.clone(), address, answer };
        let addresses = lookup::addresses(self.resolver, &name).await;
        if addresses.found.is_empty() {
            let nowhere = "the name of the server has no address".to_owned();
            let fault = addresses.fault().unwrap_or(DnsFault::Unusable(nowhere));
            return vec![server(None, OwnAnswer::Failed(fault))];
        }
        // Those that no way leads to from here say nothing about the server.
        let within_reach =
            |address: &IpAddr| address.is_ipv4() || self.machine.source(*address).is_some();
        let found = addresses.found.iter().copied().filter(within_reach).take(MOST_ADDRESSES);
        let asked = found
            .map(|address| async move { Some((address, self.own_answer(address, domain).await?)) });
        let asked = join_all(asked).await.into_iter().flatten();
        asked.map(|(address, answer)| server(Some(address), answer)).collect()
    }

    /// What the server at `address` says; `None` where its family is switched off.
    async fn own_answer(&self, address: IpAddr, domain: &DomainName) -> Option<OwnAnswer> {
        match special::access(address, self.asked, false) {
            Access::FamilyOff => return None,
            Access::SpecialPurpose(registry) => return Some(OwnAnswer::SpecialPurpose(registry)),
            _ => {}
        }
        let domain = domain.as_str();
        let answer = self.resolver.ask_server(address, domain, RecordKind::Mx).await;
        let record =
            |(preference, exchange)| MxRecord { preference, exchange: Text::new(exchange) };
        Some(match lookup::exchanges_in(domain, answer) {
            Outcome::Found(records) => {
                OwnAnswer::Records(records.into_iter().map(record).collect())
            }
            Outcome::NoData => OwnAnswer::Records(Vec::new()),
            Outcome::NoSuchName => OwnAnswer::NoSuchName,
            Outcome::Failed(fault) => OwnAnswer::Failed(fault),
        })
    }
}

/// RFC 8461 §3.1: without exactly one valid record there is no policy to fetch.
fn calls_for_policy(record: &Published<Text>) -> bool {
    matches!(sts::read(record.records()), Reading::One(_))
}

/// The base domains to ask for TLSA records, in order. Where nobody vouches for the addresses no
/// sender asks; the host's own name is asked all the same, because its owner may think they do.
fn bases(host: &Host, security: &Security, secure: &[String]) -> Vec<String> {
    let way = std::iter::once(&host.name).chain(&host.alias);
    let vouched = |name| *security == Security::Secure || secure.contains(name);
    let way: Vec<Step<'_>> = way.map(|name| Step { name, secure: vouched(name) }).collect();
    let bases = tlsa_bases(&way);
    match security {
        Security::Insecure if bases.is_empty() => vec![host.name.clone()],
        _ => bases.into_iter().map(str::to_owned).collect(),
    }
}

/// Whether a sender asks at the next base domain: records that nobody vouches for count as none, and
/// what it cannot tell ends the search. RFC 7672 §2.2.3, §2.1.1.
fn goes_on(answer: &Published<TlsaRecord>) -> bool {
    matches!(
        answer,
        Published::Absent { security: Security::Secure | Security::Insecure }
            | Published::Found { security: Security::Insecure, .. }
    )
}

/// How far an answer is vouched for; one that did not come is not.
fn worth(proven: &Proven) -> Security {
    match (&proven.answer, &proven.security) {
        (_, Security::Bogus(why)) | (Answer::Failed(DnsFault::Bogus(why)), _) => {
            Security::Bogus(why.clone())
        }
        (Answer::Failed(fault), _) => Security::unanswered(fault),
        (_, security) => security.clone(),
    }
}

/// The records that `wanted` wants; a bogus answer is no answer.
fn published<T>(
    name: &str,
    proven: Proven,
    wanted: impl Fn(&RecordData) -> Option<T>,
) -> Published<T> {
    if let Security::Bogus(why) = proven.security {
        return Published::Failed(DnsFault::Bogus(why));
    }
    let security = proven.security;
    match lookup::outcome(name, proven.answer, wanted) {
        Outcome::Found(mut records) => {
            records.truncate(MOST_RECORDS);
            Published::Found { records, security }
        }
        Outcome::NoData | Outcome::NoSuchName => Published::Absent { security },
        Outcome::Failed(fault) => Published::Failed(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Limits,
        probe::{
            Clock, Trust,
            stand_in::{self, Desktop, Door, Map, alias},
        },
        survey::{
            AddressAnswer, Asked, FaultKind, FetchFault, Fetched, MxSet, Source, Tier,
            asked::HandHost,
        },
    };

    const EE: &str = "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn asked() -> Asked {
        let allow_net = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap()).to_vec();
        Asked { allow_net, ..stand_in::asked() }
    }

    fn host(name: &str, alias: &[&str]) -> Host {
        let alias = alias.iter().map(|name| (*name).to_owned()).collect();
        Host { alias, a: AddressAnswer::Found, ..Host::unresolved(name.to_owned()) }
    }

    fn published(host: Host) -> MxLookup {
        let tiers = vec![Tier { preference: 10, hosts: vec![host] }];
        MxLookup::Published(MxSet { source: Source::Dns, records: Vec::new(), tiers, left_out: 0 })
    }

    async fn promised(map: &Map, asked: &Asked, host: Host) -> (Policies, Host) {
        promised_by("a.example", map, asked, host).await
    }

    /// No policy host takes a connection.
    async fn promised_by(domain: &str, map: &Map, asked: &Asked, host: Host) -> (Policies, Host) {
        let names = Names { resolver: map, machine: &Desktop::default(), asked };
        let (name, mut mx) = (host.name.clone(), published(host));
        let means = Means {
            dialer: &Door::refusing(FaultKind::Refused),
            trust: &Trust::builtin(),
            limits: Limits::default(),
            clock: Clock::begin(jiff::Timestamp::UNIX_EPOCH),
            stop: tokio::sync::watch::channel(false).1,
        };
        let promised = names.promises(&domain.parse().unwrap(), &mx, &means).await;
        let host = mx.hosts_mut().next().unwrap();
        promised.hosts[&name].settle(host);
        (promised.policies, host.clone())
    }

    /// The base domains asked, and what was found at the last of them.
    fn tlsa(host: &Host) -> (Vec<&str>, usize) {
        let asked = host.tlsa.iter().map(|lookup| lookup.base.as_str()).collect();
        (asked, host.tlsa.last().map_or(0, |lookup| lookup.answer.records().len()))
    }

    #[tokio::test]
    async fn tlsa_records_are_looked_for_where_a_sender_would() {
        use RecordKind::{A, Tlsa};
        let (own, end) = ("mx.a.example", "real.b.example");
        let at = |name: &str| format!("_25._tcp.{name}");
        let direct = || Map::default().with(own, A, &["192.0.2.1"]);
        let aliased = || {
            let found = vec![alias(own, end), stand_in::address(end, "192.0.2.1")];
            Map::default().answering(own, A, Answer::Records(found))
        };
        let servfail = || DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None };
        for (case, map, alias, want) in [
            ("direct", direct().with(&at(own), Tlsa, &[EE, EE]), &[][..], (vec![own], 2)),
            ("none", direct(), &[], (vec![own], 0)),
            ("behind", aliased().with(&at(end), Tlsa, &[EE]), &[end], (vec![end], 1)),
            ("its own", aliased().with(&at(own), Tlsa, &[EE]), &[end], (vec![end, own], 1)),
            (
                "unsigned behind",
                aliased()
                    .with(&at(end), Tlsa, &[EE, EE])
                    .vouched(&at(end), Security::Insecure)
                    .with(&at(own), Tlsa, &[EE]),
                &[end],
                (vec![end, own], 1),
            ),
            (
                "not to be validated behind",
                aliased()
                    .with(&at(end), Tlsa, &[EE, EE])
                    .vouched(&at(end), Security::Undetermined("no keys".to_owned()))
                    .with(&at(own), Tlsa, &[EE]),
                &[end],
                (vec![end], 2),
            ),
            (
                "failing behind",
                aliased().with(&at(own), Tlsa, &[EE]).failing(&at(end), Tlsa, servfail()),
                &[end],
                (vec![end], 0),
            ),
            (
                "unsigned",
                direct().vouched(own, Security::Insecure).with(&at(own), Tlsa, &[EE]),
                &[],
                (vec![own], 1),
            ),
        ] {
            let (_, host) = promised(&map, &asked(), host(own, alias)).await;
            assert_eq!(tlsa(&host), want, "{case}");
        }
    }

    #[tokio::test]
    async fn where_nothing_can_be_validated_no_tlsa_record_is_asked_for() {
        let unknown = Security::Undetermined("no answer in time".to_owned());
        for (security, bases) in [(unknown, 0), (Security::Bogus("expired".to_owned()), 0)] {
            let map = Map::default()
                .with("mx.a.example", RecordKind::A, &["192.0.2.1"])
                .with("_25._tcp.mx.a.example", RecordKind::Tlsa, &[EE])
                .vouched("mx.a.example", security.clone());
            let (_, host) = promised(&map, &asked(), host_of("mx.a.example")).await;
            assert_eq!((host.tlsa.len(), host.security), (bases, security));
        }
    }

    #[tokio::test]
    async fn a_bogus_answer_is_no_answer_and_not_an_absence() {
        use RecordKind::{A, Mx, Tlsa, Txt};
        let bogus = || Security::Bogus("signature expired".to_owned());
        let fault = || DnsFault::Bogus("signature expired".to_owned());
        let map = Map::default()
            .with("a.example", Mx, &["10 mx.a.example"])
            .with("mx.a.example", A, &["192.0.2.1"])
            .with("_25._tcp.mx.a.example", Tlsa, &[EE])
            .vouched("_25._tcp.mx.a.example", bogus())
            .with("_mta-sts.a.example", Txt, &["v=STSv1; id=1"])
            .vouched("_mta-sts.a.example", bogus())
            .vouched("_dmarc.a.example", bogus());
        let (policies, host) = promised(&map, &asked(), host("mx.a.example", &[])).await;
        assert_eq!((&policies.mx, &host.security), (&Security::Secure, &Security::Secure));
        assert_eq!(host.tlsa[0].answer, Published::Failed(fault()));
        assert_eq!(policies.sts.record, Published::Failed(fault()));
        assert_eq!(policies.dmarc, Published::Failed(fault()));
        // A name that is not there is secure here, like everything nobody spoke of.
        assert_eq!(policies.tls_rpt, Published::Absent { security: Security::Secure });
        let (policies, _) =
            promised(&map.vouched("a.example", bogus()), &asked(), host_of("mx.a.example")).await;
        assert_eq!(policies.mx, bogus());
    }

    fn host_of(name: &str) -> Host {
        host(name, &[])
    }

    #[tokio::test]
    async fn of_the_domains_own_texts_only_spf_is_kept_and_dmarc_comes_from_above() {
        use RecordKind::Txt;
        let map = Map::default()
            .with("a.example", Txt, &["site-verification=1", "V=spf1 -all", "v=spf1"])
            .with("_dmarc.a.example", Txt, &["v=DMARC1; p=none"]);
        let (policies, _) = promised(&map, &asked(), host_of("mx.a.example")).await;
        let texts = |published: &Published<Text>| {
            published.records().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(texts(&policies.spf), ["V=spf1 -all", "v=spf1"]);
        let (below, _) =
            promised_by("sub.a.example", &map, &asked(), host_of("mx.a.example")).await;
        assert_eq!(texts(&below.dmarc), ["v=DMARC1; p=none"]);
    }

    #[tokio::test]
    async fn a_policy_is_fetched_only_behind_one_valid_record() {
        for (records, asked_for) in [
            (&["v=STSv1; id=1"][..], true),
            (&["v=STSv1; id=1", "another"], true),
            (&["v=STSv1; id=1", "v=STSv1; id=2"], false),
            (&["v=STSv1"], false),
        ] {
            let map = Map::default().with("_mta-sts.a.example", RecordKind::Txt, records);
            let (policies, _) = promised(&map, &asked(), host_of("mx.a.example")).await;
            let outcome = policies.sts.policy.map(|fetch| fetch.outcome);
            let want = asked_for.then_some(Fetched::Failed(FetchFault::NoSuchName));
            assert_eq!(outcome, want, "{records:?}");
        }
    }

    /// What each name server said, by address.
    fn said(policies: &Policies) -> Vec<String> {
        let NameServers::Asked(servers) = &policies.name_servers else {
            return vec![format!("{:?}", policies.name_servers)];
        };
        let words = |server: &NameServer| match (&server.address, &server.answer) {
            (Some(address), OwnAnswer::Records(records)) => {
                let records: Vec<_> = records
                    .iter()
                    .map(|one| format!("{} {}", one.preference, one.exchange))
                    .collect();
                format!("{address}: {}", records.join(", "))
            }
            (address, answer) => format!("{address:?}: {answer:?}"),
        };
        servers.iter().map(words).collect()
    }

    #[tokio::test]
    async fn every_server_of_the_zone_is_asked_itself() {
        use RecordKind::{A, Aaaa, Mx, Ns};
        let stale = stand_in::exchange("a.example", 10, "old.a.example");
        let map = Map::default()
            .with("a.example", Ns, &["ns2.a.example", "ns1.a.example", "ns3.a.example"])
            .with("a.example", Mx, &["10 mx.a.example"])
            .with("ns1.a.example", A, &["192.0.2.53"])
            .with("ns1.a.example", Aaaa, &["2001:db8::53"])
            .with("ns2.a.example", A, &["192.0.2.54", "192.0.2.55", "10.0.0.53"])
            .server("192.0.2.54", Answer::Records(vec![stale]))
            .server("192.0.2.55", Answer::Failed(DnsFault::Lame));
        let (policies, _) = promised(&map, &asked(), host_of("mx.a.example")).await;
        // There is no way to IPv6 from this machine, which says nothing about ns1.
        let want = [
            "192.0.2.53: 10 mx.a.example",
            "Some(10.0.0.53): SpecialPurpose(\"Private-Use\")",
            "192.0.2.54: 10 old.a.example",
            "Some(192.0.2.55): Failed(Lame)",
            "None: Failed(Unusable(\"the name of the server has no address\"))",
        ];
        assert_eq!(said(&policies), want);
        // A name below the zone is asked for at the zone's servers.
        let (below, _) =
            promised_by("deep.sub.a.example", &map, &asked(), host_of("mx.a.example")).await;
        assert_eq!(said(&below)[0], "Some(192.0.2.53): NoSuchName");
    }

    #[tokio::test]
    async fn hosts_by_hand_stand_for_a_zone_that_is_not_there_yet() {
        let by_hand = vec!["10:mx.a.example".parse::<HandHost>().unwrap()];
        let asked = Asked { by_hand, ..asked() };
        let (policies, _) = promised(&Map::default(), &asked, host_of("mx.a.example")).await;
        assert_eq!(policies.name_servers, NameServers::NotAsked);
    }
}
