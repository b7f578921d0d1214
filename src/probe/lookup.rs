//! What DNS says about one name: its addresses, its exchangers, its reverse names.
//!
//! Follows aliases inside an answer and bounds what it takes. Knows nothing of tiers, ports or
//! permission; see `resolve`.

use std::{fmt::Write as _, net::IpAddr};

use futures_util::future::join_all;

use super::{Answer, Record, RecordData, RecordKind, Resolver};
use crate::survey::{AddressAnswer, DnsFault, Reverse};

/// Aliases in a row; resolvers themselves give up at about as many.
pub const LONGEST_CHAIN: usize = 16;

/// Reverse names of one address that are asked back; shared hosts have hundreds.
const MOST_POINTERS: usize = 8;

/// What a name resolves to in both families.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses {
    pub a: AddressAnswer,
    pub aaaa: AddressAnswer,
    /// The names behind a CNAME, in order.
    pub alias: Vec<String>,
    /// IPv4 before IPv6, each sorted.
    pub found: Vec<IpAddr>,
}

impl Addresses {
    /// The failure of either question.
    pub fn fault(&self) -> Option<DnsFault> {
        [&self.a, &self.aaaa].into_iter().find_map(|answer| match answer {
            AddressAnswer::Failed(fault) => Some(fault.clone()),
            _ => None,
        })
    }
}

/// An answer read to its end: the names passed on the way, and what stands at the last of them.
struct Reading<T> {
    alias: Vec<String>,
    outcome: Outcome<T>,
}

/// How a question ended for the name that was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome<T> {
    /// Never empty.
    Found(Vec<T>),
    NoData,
    NoSuchName,
    Failed(DnsFault),
}

/// Both families are asked, whichever will be visited: the facts are the domain's.
pub async fn addresses(resolver: &dyn Resolver, name: &str) -> Addresses {
    let ask = |kind| async move { read(name, resolver.ask(name, kind).await, address) };
    let (a, aaaa) = tokio::join!(ask(RecordKind::A), ask(RecordKind::Aaaa));
    let mut found = Vec::new();
    let answer = |outcome, ipv4: bool, found: &mut Vec<IpAddr>| match outcome {
        Outcome::Found(addresses) => {
            let before = found.len();
            found
                .extend(addresses.into_iter().filter(|address: &IpAddr| address.is_ipv4() == ipv4));
            if found.len() > before { AddressAnswer::Found } else { AddressAnswer::NoData }
        }
        Outcome::NoData => AddressAnswer::NoData,
        Outcome::NoSuchName => AddressAnswer::NoSuchName,
        Outcome::Failed(fault) => AddressAnswer::Failed(fault),
    };
    let alias = if a.alias.is_empty() { aaaa.alias } else { a.alias };
    let a = answer(a.outcome, true, &mut found);
    let aaaa = answer(aaaa.outcome, false, &mut found);
    found.sort_unstable();
    found.dedup();
    Addresses { a, aaaa, alias, found }
}

/// The MX records of a domain, as preference and exchange, sorted; null MX included.
pub async fn exchanges(resolver: &dyn Resolver, domain: &str) -> Outcome<(u16, String)> {
    exchanges_in(domain, resolver.ask(domain, RecordKind::Mx).await)
}

/// The same of an answer that is there already.
pub fn exchanges_in(domain: &str, answer: Answer) -> Outcome<(u16, String)> {
    let exchange = |data: &RecordData| match data {
        RecordData::Exchange { preference, exchange } => Some((*preference, exchange.clone())),
        _ => None,
    };
    match outcome(domain, answer, exchange) {
        Outcome::Found(mut records) => {
            records.sort_unstable();
            records.dedup();
            Outcome::Found(records)
        }
        other => other,
    }
}

/// Whether `name` is there at all, with or without records.
pub async fn exists(resolver: &dyn Resolver, name: &str) -> Result<bool, DnsFault> {
    let mut answer = resolver.ask(name, RecordKind::Soa).await;
    if let Answer::Failed(_) = answer {
        // Every zone has both; some servers stumble over the one and not over the other.
        answer = resolver.ask(name, RecordKind::Ns).await;
    }
    match answer {
        Answer::Records(_) | Answer::NoData(_) => Ok(true),
        Answer::NoSuchName(_) => Ok(false),
        Answer::Failed(fault) => Err(fault),
    }
}

/// The reverse names of `address`, and whether one of them leads back. RFC 1912 §2.1.
pub async fn reverse(resolver: &dyn Resolver, address: IpAddr) -> Reverse {
    let name = reverse_name(address);
    let pointer = |data: &RecordData| match data {
        RecordData::Pointer(name) => Some(name.clone()),
        _ => None,
    };
    let mut names = match read(&name, resolver.ask(&name, RecordKind::Ptr).await, pointer).outcome {
        Outcome::Found(names) => names,
        Outcome::NoData | Outcome::NoSuchName => return Reverse::Missing,
        Outcome::Failed(fault) => return Reverse::Failed(fault),
    };
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST_POINTERS);
    let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
    let back = names.iter().map(|name| async move {
        read(name, resolver.ask(name, kind).await, self::address).outcome
    });
    let back = join_all(back).await;
    let leads_back = |outcome: &Outcome<IpAddr>| matches!(outcome, Outcome::Found(found) if found.contains(&address));
    if let Some(position) = back.iter().position(leads_back) {
        return Reverse::Confirmed(names.swap_remove(position));
    }
    // A name that could not be asked might have been the one that leads back.
    let fault = back.into_iter().find_map(|outcome| match outcome {
        Outcome::Failed(fault) => Some(fault),
        _ => None,
    });
    fault.map_or(Reverse::Unconfirmed(names), Reverse::Failed)
}

fn address(data: &RecordData) -> Option<IpAddr> {
    match data {
        RecordData::Address(address) => Some(*address),
        _ => None,
    }
}

/// What `wanted` wants from an answer, whatever names it was found behind.
pub fn outcome<T>(
    name: &str,
    answer: Answer,
    wanted: impl Fn(&RecordData) -> Option<T>,
) -> Outcome<T> {
    read(name, answer, wanted).outcome
}

/// Picks what `wanted` wants from the records at the end of the aliases.
fn read<T>(name: &str, answer: Answer, wanted: impl Fn(&RecordData) -> Option<T>) -> Reading<T> {
    let (records, otherwise) = match answer {
        Answer::Records(records) | Answer::NoData(records) => (records, Outcome::NoData),
        Answer::NoSuchName(records) => (records, Outcome::NoSuchName),
        Answer::Failed(fault) => {
            return Reading { alias: Vec::new(), outcome: Outcome::Failed(fault) };
        }
    };
    let alias = match aliases(name, &records) {
        Ok(alias) => alias,
        Err(fault) => return Reading { alias: Vec::new(), outcome: Outcome::Failed(fault) },
    };
    let end = alias.last().map_or(name, String::as_str);
    let at_the_end = records.iter().filter(|record| record.owner == end);
    let found: Vec<T> = at_the_end.filter_map(|record| wanted(&record.data)).collect();
    let outcome = if found.is_empty() { otherwise } else { Outcome::Found(found) };
    Reading { alias, outcome }
}

/// The names behind `name`. Walked by owner, because answers need not be in order.
pub fn aliases(name: &str, records: &[Record]) -> Result<Vec<String>, DnsFault> {
    let mut chain: Vec<String> = Vec::new();
    loop {
        let at = chain.last().map_or(name, String::as_str);
        let next = records.iter().find_map(|record| match &record.data {
            RecordData::Alias(target) if record.owner == at => Some(target),
            _ => None,
        });
        let Some(next) = next else { return Ok(chain) };
        if next == name || chain.contains(next) {
            return Err(DnsFault::Unusable(format!("CNAME loop at {next}")));
        }
        if chain.len() == LONGEST_CHAIN {
            return Err(DnsFault::Unusable(format!("more than {LONGEST_CHAIN} CNAMEs in a row")));
        }
        chain.push(next.clone());
    }
}

/// RFC 1035 §3.5, RFC 3596 §2.5.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut name = String::with_capacity(72);
            for octet in address.octets().iter().rev() {
                write!(name, "{:x}.{:x}.", octet & 15, octet >> 4).expect("a string takes all");
            }
            name + "ip6.arpa"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::stand_in::{Map, address, alias};

    fn servfail() -> DnsFault {
        DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None }
    }

    #[tokio::test]
    async fn each_family_has_an_outcome_of_its_own() {
        use AddressAnswer::{Failed, Found, NoData, NoSuchName};
        let map = Map::default()
            .with("both.example", RecordKind::A, &["192.0.2.2", "192.0.2.1"])
            .with("both.example", RecordKind::Aaaa, &["2001:db8::1"])
            .with("old.example", RecordKind::A, &["192.0.2.3"])
            .with("half.example", RecordKind::A, &["192.0.2.4"])
            .failing("half.example", RecordKind::Aaaa, servfail());
        for (name, a, aaaa, found) in [
            ("both.example", Found, Found, &["192.0.2.1", "192.0.2.2", "2001:db8::1"][..]),
            ("old.example", Found, NoData, &["192.0.2.3"]),
            ("half.example", Found, Failed(servfail()), &["192.0.2.4"]),
            ("none.example", NoSuchName, NoSuchName, &[]),
        ] {
            let want: Vec<IpAddr> = found.iter().map(|word| word.parse().unwrap()).collect();
            let got = addresses(&map, name).await;
            assert_eq!((got.a, got.aaaa, got.found), (a, aaaa, want), "{name}");
        }
    }

    #[tokio::test]
    async fn aliases_are_walked_by_owner_in_any_order() {
        let map = Map::default().answering(
            "mx.example",
            RecordKind::A,
            Answer::Records(vec![
                address("c.example", "192.0.2.1"),
                address("stray.example", "192.0.2.9"),
                alias("b.example", "c.example"),
                alias("mx.example", "b.example"),
            ]),
        );
        let got = addresses(&map, "mx.example").await;
        assert_eq!(got.alias, ["b.example", "c.example"]);
        assert_eq!(got.found, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    }

    #[tokio::test]
    async fn an_alias_that_leads_nowhere_says_how() {
        let step = |n: usize| alias(&format!("n{n}.example"), &format!("n{}.example", n + 1));
        let looped = vec![alias("mx.example", "b.example"), alias("b.example", "mx.example")];
        let itself = vec![alias("mx.example", "mx.example")];
        let mut long = vec![alias("mx.example", "n0.example")];
        long.extend((0..20).map(step));
        let unusable = |why: &str| AddressAnswer::Failed(DnsFault::Unusable(why.to_owned()));
        for (answer, want, behind) in [
            (Answer::Records(looped), unusable("CNAME loop at mx.example"), 0),
            (Answer::Records(itself), unusable("CNAME loop at mx.example"), 0),
            (Answer::Records(long), unusable("more than 16 CNAMEs in a row"), 0),
            (
                Answer::NoSuchName(vec![alias("mx.example", "b.example")]),
                AddressAnswer::NoSuchName,
                1,
            ),
            (Answer::NoData(vec![alias("mx.example", "b.example")]), AddressAnswer::NoData, 1),
        ] {
            let map = Map::default().answering("mx.example", RecordKind::A, answer);
            let got = addresses(&map, "mx.example").await;
            assert_eq!((got.a, got.alias.len()), (want, behind));
        }
    }

    #[tokio::test]
    async fn a_reverse_name_counts_when_it_leads_back() {
        let map = Map::default()
            .with("1.2.0.192.in-addr.arpa", RecordKind::Ptr, &["other.example", "mx.example"])
            .with("mx.example", RecordKind::A, &["192.0.2.1"])
            .with("2.2.0.192.in-addr.arpa", RecordKind::Ptr, &["mx.example"])
            .with("4.2.0.192.in-addr.arpa", RecordKind::Ptr, &["mx.example", "ill.example"])
            .failing("ill.example", RecordKind::A, servfail())
            .failing("5.2.0.192.in-addr.arpa", RecordKind::Ptr, servfail())
            .with(
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                RecordKind::Ptr,
                &["six.example"],
            )
            .with("six.example", RecordKind::Aaaa, &["2001:db8::1"]);
        for (word, want) in [
            ("192.0.2.1", Reverse::Confirmed("mx.example".to_owned())),
            ("192.0.2.2", Reverse::Unconfirmed(vec!["mx.example".to_owned()])),
            ("192.0.2.3", Reverse::Missing),
            ("192.0.2.4", Reverse::Failed(servfail())),
            ("192.0.2.5", Reverse::Failed(servfail())),
            ("2001:db8::1", Reverse::Confirmed("six.example".to_owned())),
        ] {
            assert_eq!(reverse(&map, word.parse().unwrap()).await, want, "{word}");
        }
    }

    #[tokio::test]
    async fn a_delegated_reverse_zone_is_followed() {
        // RFC 2317 §4: the PTR stands behind a CNAME.
        let pointer = Record {
            owner: "1.0/25.2.0.192.in-addr.arpa".to_owned(),
            data: RecordData::Pointer("mx.example".to_owned()),
        };
        let name = "1.2.0.192.in-addr.arpa";
        let records = vec![alias(name, "1.0/25.2.0.192.in-addr.arpa"), pointer];
        let map = Map::default().answering(name, RecordKind::Ptr, Answer::Records(records)).with(
            "mx.example",
            RecordKind::A,
            &["192.0.2.1"],
        );
        let got = reverse(&map, "192.0.2.1".parse().unwrap()).await;
        assert_eq!(got, Reverse::Confirmed("mx.example".to_owned()));
    }
}
