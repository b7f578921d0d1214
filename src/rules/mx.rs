//! MX rules: what DNS says about the exchangers.
//!
//! Longer than most, because an area is one file. Reads names, look-ups, and which addresses answer;
//! what servers say is for the other areas. A look-up that failed is never a fact about a host.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use super::{
    Case, Evidence, Severity, Spot, Subject, View,
    attribution::Acceptance,
    finding::Confidence,
    operators::{self, Operator},
    view::Seat,
};
use crate::{
    smtp::{DomainName, domain::NameFault},
    survey::{
        Access, AddressAnswer, Host, MxLookup, MxRecord, MxSet, RecipientKind, Reverse, Tier,
        host::Registrable,
    },
};

/// Hosts a domain may have before the list is longer than senders read; Postfix tries five
/// addresses of all hosts together.
const MANY: usize = 5;

/// Two addresses of one name may be two machines, so they pass.
pub fn single_mail_host(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    let [seat] = hosts.as_slice() else {
        return Vec::new();
    };
    match seat.host.addresses.as_slice() {
        [only] if !seat.host.is_unresolved() => {
            let saw = format!("{} {}", seat.host.name, only.address);
            vec![Case::about(Subject::domain()).seen(Evidence::plain("host.addresses", saw))]
        }
        _ => Vec::new(),
    }
}

pub fn single_tier(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    if view.survey.mx.tiers().len() != 1 || hosts.len() < 2 {
        return Vec::new();
    }
    vec![Case::about(Subject::domain()).seen(listed(&hosts))]
}

pub fn null_mx_beside_others(view: &View<'_>) -> Vec<Case> {
    let records = records(view);
    // Null MX alone is another outcome of the look-up: here a real one always stands beside it.
    if !records.iter().any(|record| record.exchange.as_bytes() == b".") {
        return Vec::new();
    }
    let saw = joined(records.iter().map(|record| entry(Some(record.preference), &record.exchange)));
    vec![Case::about(Subject::domain()).seen(Evidence::plain("mx.records", saw))]
}

/// RFC 7505 §3 gives the number.
pub fn null_mx_preference_not_zero(view: &View<'_>) -> Vec<Case> {
    match view.survey.mx {
        MxLookup::Null { preference } if preference > 0 => {
            let seen = Evidence::plain("mx.records", entry(Some(preference), "."));
            vec![Case::about(Subject::domain()).seen(seen)]
        }
        _ => Vec::new(),
    }
}

/// RFC 2181 §10.3. Where the alias leads nowhere, the missing address is told beside it.
pub fn mx_is_alias(view: &View<'_>) -> Vec<Case> {
    let aliases = distinct(view).into_iter().filter(|seat| !seat.host.alias.is_empty());
    aliases.map(|seat| seat.case().seen(alias(seat.host))).collect()
}

pub fn mx_is_address_literal(view: &View<'_>) -> Vec<Case> {
    let literals = distinct(view).into_iter().filter(|seat| is_literal(view, seat.host));
    literals.map(|seat| seat.case().seen(listed(&[seat]))).collect()
}

/// An underscore is no part of a host name, though many senders use a name with one that resolves.
pub fn mx_name_invalid(view: &View<'_>) -> Vec<Case> {
    let invalid = |seat: &Seat<'_>| match DomainName::parse(&seat.host.name) {
        Ok(name) => !name.is_host_name(),
        Err(fault) => fault != NameFault::AddressLiteral,
    };
    let case = |seat: Seat<'_>| {
        let case = seat.case().seen(listed(&[seat]));
        let full = DomainName::parse(&seat.host.name).is_ok_and(|name| name.as_str().contains('.'));
        let used = full && !seat.host.addresses.is_empty();
        if used { case.graded(Severity::Low) } else { case }
    };
    distinct(view).into_iter().filter(invalid).map(case).collect()
}

pub fn mx_without_address(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    let none =
        hosts.iter().all(|Seat { host, .. }| host.addresses.is_empty() && !host.is_unresolved());
    let case = |seat: Seat<'_>| {
        let Host { a, aaaa, .. } = seat.host;
        let case =
            seat.case().seen(Evidence::plain("host.a", a)).seen(Evidence::plain("host.aaaa", aaaa));
        let case = if seat.host.alias.is_empty() { case } else { case.seen(alias(seat.host)) };
        if none { case.graded(Severity::Critical) } else { case }
    };
    // A name that can be registered, or that is an address, is a fault of its own.
    let other = |host: &Host| unregistered(host).is_some() || is_literal(view, host);
    let lost = |seat: &Seat<'_>| leads_nowhere(seat.host) && !other(seat.host);
    hosts.iter().copied().filter(lost).map(case).collect()
}

/// Silent for names that nobody can register, such as those below `local`.
pub fn mx_name_unregistered(view: &View<'_>) -> Vec<Case> {
    let case = |seat: Seat<'_>| {
        let missing = unregistered(seat.host)?;
        Some(
            seat.case()
                .seen(Evidence::plain("host.registrable", format!("{missing} does not exist"))),
        )
    };
    distinct(view).into_iter().filter_map(case).collect()
}

/// What the user allowed is right where the user is, and not told.
pub fn mx_address_not_public(view: &View<'_>) -> Vec<Case> {
    let case = |spot: Spot<'_>| match &spot.endpoint.access {
        Access::SpecialPurpose(purpose) => {
            let saw = format!("{}: {purpose}", spot.endpoint.address);
            Some(spot.case().seen(Evidence::plain("address.access", saw)))
        }
        Access::Allowed(_)
        | Access::FamilyOff
        | Access::Open
        | Access::Own
        | Access::Resting(_) => None,
    };
    distinct(view).into_iter().flat_map(Seat::spots).filter_map(case).collect()
}

/// Compared with the first better host only: the rest follows from that.
pub fn hosts_share_address(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    let case = |seat: &Seat<'_>| {
        let mut better = hosts.iter().filter(|other| other.role < seat.role);
        better.find_map(|better| {
            let shared = &addresses(better.host) & &addresses(seat.host);
            let seen = |case: Case| case.seen(Evidence::plain("host.addresses", joined(&shared)));
            (!shared.is_empty()).then(|| seen(seat.case().against(better.subject())))
        })
    };
    hosts.iter().filter_map(case).collect()
}

/// Reads the records, because a tier holds a name once.
pub fn duplicate_mx(view: &View<'_>) -> Vec<Case> {
    let mut preferences: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for record in records(view) {
        preferences.entry(record.exchange.folded()).or_default().insert(record.preference);
    }
    let case = |seat: Seat<'_>| {
        let several = preferences.get(&seat.host.name).filter(|several| several.len() > 1)?;
        let saw = joined(several.iter().map(|one| entry(Some(*one), &seat.host.name)));
        Some(seat.case().seen(Evidence::plain("mx.records", saw)))
    };
    distinct(view).into_iter().filter_map(case).collect()
}

/// A family with one address shares nothing, and does not keep the other from being judged.
pub fn hosts_share_network(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    let unseen = |seat: &Seat<'_>| seat.host.is_unresolved() || seat.host.left_out > 0;
    if hosts.iter().any(unseen) {
        return Vec::new();
    }
    let mut networks: BTreeMap<IpNet, BTreeSet<IpAddr>> = BTreeMap::new();
    for address in hosts.iter().flat_map(|seat| addresses(seat.host)) {
        networks.entry(network(address)).or_default().insert(address);
    }
    let one = |v4: bool| networks.keys().filter(|net| net.addr().is_ipv4() == v4).count() < 2;
    let several = networks.values().any(|members| members.len() > 1);
    if !(one(true) && one(false) && several) {
        return Vec::new();
    }
    let seen = networks.iter().map(|(net, members)| {
        Evidence::plain("host.addresses", format!("{net}: {}", joined(members)))
    });
    vec![seen.fold(Case::about(Subject::domain()), Case::seen)]
}

pub fn mixed_providers(view: &View<'_>) -> Vec<Case> {
    let domain = &view.survey.domain;
    let own = domain.registrable().unwrap_or_else(|| domain.clone());
    let mut by_operator: BTreeMap<Operator, Vec<Seat<'_>>> = BTreeMap::new();
    for seat in distinct(view) {
        match DomainName::parse(&seat.host.name) {
            Ok(name) if name.is_within(&own) => return Vec::new(),
            Ok(name) => by_operator.entry(Operator::of(&name)).or_default().push(seat),
            Err(_) => {}
        }
    }
    if !operators::are_mixed(by_operator.keys()) {
        return Vec::new();
    }
    // Names are all we have: two of them can belong to one company.
    let case = Case::about(Subject::domain()).sure(Confidence::Medium);
    vec![by_operator.values().map(|seats| listed(seats)).fold(case, Case::seen)]
}

pub fn crowded_preferences(view: &View<'_>) -> Vec<Case> {
    let tiers = view.survey.mx.tiers();
    let crowded = |pair: &[Tier]| pair[0].preference.checked_add(1) == Some(pair[1].preference);
    if !tiers.windows(2).any(crowded) {
        return Vec::new();
    }
    vec![Case::about(Subject::domain()).seen(listed(&distinct(view)))]
}

pub fn too_many_hosts(view: &View<'_>) -> Vec<Case> {
    let hosts = distinct(view);
    if hosts.len() <= MANY {
        return Vec::new();
    }
    vec![Case::about(Subject::domain()).seen(listed(&hosts))]
}

pub fn implicit_mx(view: &View<'_>) -> Vec<Case> {
    let MxLookup::Implicit { host } = &view.survey.mx else {
        return Vec::new();
    };
    vec![Case::about(Subject::domain()).seen(Evidence::plain("mx", &host.name))]
}

/// Each address once, whatever the number of names that lead to it.
pub fn reverse_name_missing(view: &View<'_>) -> Vec<Case> {
    let mut met = BTreeSet::new();
    let case = |spot: Spot<'_>| {
        let saw = reverse_fault(spot.endpoint.address, &spot.endpoint.reverse)?;
        let first = met.insert(spot.endpoint.address);
        first.then(|| spot.case().seen(Evidence::plain("address.reverse", saw)))
    };
    view.spots().filter_map(case).collect()
}

/// Silent where the primary tier is of two minds, and about hosts that do not answer at all: those are
/// other rules' matters.
pub fn backup_without_ipv6(view: &View<'_>) -> Vec<Case> {
    let primaries: Vec<OnIpv6<'_>> = view.primaries().filter_map(on_ipv6).collect();
    let backups: Vec<OnIpv6<'_>> = view.backups().filter_map(on_ipv6).collect();
    let differ = |one: &OnIpv6<'_>, other: &OnIpv6<'_>| {
        let case = one.seat.case().against(other.seat.subject());
        case.seen(one.seen.clone()).seen(other.seen.clone())
    };
    if let Some(reference) = primaries.first().filter(|_| primaries.iter().all(|it| it.answers)) {
        let without = backups.iter().filter(|backup| !backup.answers);
        return without.map(|backup| differ(backup, reference)).collect();
    }
    let with = backups.iter().find(|backup| backup.answers);
    match with.filter(|_| primaries.iter().all(|primary| !primary.answers)) {
        Some(backup) => primaries.iter().map(|primary| differ(primary, backup)).collect(),
        None => Vec::new(),
    }
}

/// A name or address that is in the MX set as well is no old host.
pub fn old_host_still_accepts(view: &View<'_>) -> Vec<Case> {
    let published = |seat: &Seat<'_>| view.seats().any(|other| other.host.name == seat.host.name);
    let current =
        |spot: &Spot<'_>| view.spots().any(|other| other.endpoint.address == spot.endpoint.address);
    let case = |seat: Seat<'_>| {
        seat.spots().filter(|spot| !current(spot)).find_map(|spot| {
            let found = view.acceptance(&spot, RecipientKind::Real);
            let accepted = found.acceptance == Acceptance::Accepted;
            let seen = found.evidence(&spot, "recipients.real").filter(|_| accepted)?;
            Some(seat.case().sure(found.confidence).seen(seen))
        })
    };
    view.also().filter(|seat| !published(seat)).filter_map(case).collect()
}

pub fn domain_does_not_exist(view: &View<'_>) -> Vec<Case> {
    if view.survey.mx != MxLookup::NoSuchDomain {
        return Vec::new();
    }
    vec![Case::about(Subject::domain()).seen(Evidence::plain("mx", "no such name"))]
}

/// RFC 5321 §5.1 leaves senders nothing to try.
pub fn domain_without_mail_host(view: &View<'_>) -> Vec<Case> {
    if view.survey.mx != MxLookup::Absent {
        return Vec::new();
    }
    vec![Case::about(Subject::domain()).seen(Evidence::plain("mx", "no MX, A or AAAA record"))]
}

/// Every host once, where senders meet it first.
fn distinct<'a>(view: &View<'a>) -> Vec<Seat<'a>> {
    view.hosts().collect()
}

/// The records as published; none where there is no MX.
fn records<'a>(view: &View<'a>) -> &'a [MxRecord] {
    match &view.survey.mx {
        MxLookup::Published(MxSet { records, .. }) => records,
        _ => &[],
    }
}

/// Hosts as evidence, each with its preference.
fn listed(seats: &[Seat<'_>]) -> Evidence {
    let entries = seats.iter().map(|seat| entry(seat.preference, &seat.host.name));
    Evidence::plain("mx.records", joined(entries))
}

fn entry(preference: Option<u16>, exchange: impl std::fmt::Display) -> String {
    preference.map_or_else(|| exchange.to_string(), |number| format!("{number} {exchange}"))
}

fn joined(parts: impl IntoIterator<Item: ToString>) -> String {
    parts.into_iter().map(|part| part.to_string()).collect::<Vec<_>>().join(", ")
}

fn alias(host: &Host) -> Evidence {
    Evidence::plain("host.alias", host.alias.join(" -> "))
}

fn addresses(host: &Host) -> BTreeSet<IpAddr> {
    host.addresses.iter().map(|endpoint| endpoint.address).collect()
}

/// What is wrong with the reverse name of an address, as far as it is known.
pub(super) fn reverse_fault(address: IpAddr, reverse: &Reverse) -> Option<String> {
    match reverse {
        Reverse::Missing => Some(format!("{address} has no PTR record")),
        Reverse::Unconfirmed(names) => {
            Some(format!("{address} is {}, which does not point back", joined(names)))
        }
        Reverse::Confirmed(_) | Reverse::Failed(_) | Reverse::NotAsked => None,
    }
}

/// Both questions for addresses were answered, with none.
fn leads_nowhere(host: &Host) -> bool {
    let none = |answer: &AddressAnswer| {
        matches!(answer, AddressAnswer::NoData | AddressAnswer::NoSuchName)
    };
    host.addresses.is_empty() && none(&host.a) && none(&host.aaaa)
}

/// Whether a host that answers at all answers on IPv6, and how that was seen.
struct OnIpv6<'a> {
    seat: Seat<'a>,
    answers: bool,
    seen: Evidence,
}

/// `None` where it was not seen: a look-up failed, or nothing answers, or we have no IPv6.
fn on_ipv6(seat: Seat<'_>) -> Option<OnIpv6<'_>> {
    if seat.host.answers() != Some(true) {
        return None;
    }
    let spots: Vec<Spot<'_>> =
        seat.spots().filter(|spot| spot.endpoint.address.is_ipv6()).collect();
    if spots.is_empty() {
        let none = matches!(seat.host.aaaa, AddressAnswer::NoData | AddressAnswer::NoSuchName);
        let seen = Evidence::plain("host.aaaa", &seat.host.aaaa);
        return none.then_some(OnIpv6 { seat, answers: false, seen });
    }
    let answer = |spot: &Spot<'_>| {
        spot.endpoint.connected().next()?;
        Some(Evidence::plain("connect", format!("{} answers", spot.endpoint.address)))
    };
    if let Some(seen) = spots.iter().find_map(answer) {
        return Some(OnIpv6 { seat, answers: true, seen });
    }
    let failure = |spot: &Spot<'_>| {
        let fault = spot.endpoint.connect_fault().filter(|fault| fault.may_be_theirs())?;
        Some(Evidence::plain("connect", format!("{}: {fault}", spot.endpoint.address)))
    };
    let mut failures = spots.iter().map(failure).collect::<Option<Vec<Evidence>>>()?;
    let seen = failures.swap_remove(0);
    Some(OnIpv6 { seat, answers: false, seen })
}

/// The registrable domain that nobody holds, if somebody could.
fn unregistered(host: &Host) -> Option<&str> {
    match &host.registrable {
        Some(Registrable::Missing(name)) => {
            let open = DomainName::parse(name).is_ok_and(|name| name.has_listed_suffix());
            open.then_some(name)
        }
        _ => None,
    }
}

/// An address in place of a name, or one that a zone file without its last dot has made a name of
/// the domain's own.
fn is_literal(view: &View<'_>, host: &Host) -> bool {
    match DomainName::parse(&host.name) {
        Ok(name) => {
            let domain = &view.survey.domain;
            let own = domain.registrable().unwrap_or_else(|| domain.clone());
            let head = host.name.splitn(5, '.').take(4).collect::<Vec<_>>().join(".");
            leads_nowhere(host) && name.is_within(&own) && head.parse::<Ipv4Addr>().is_ok()
        }
        Err(fault) => fault == NameFault::AddressLiteral,
    }
}

/// What one router, or one outage at a provider, is likely to take away at once.
fn network(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new_assert(address, length).trunc()
}
