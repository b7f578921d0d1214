//! One message on its way: attempt after attempt, host after host, until it is delivered, bounced, or
//! waits for good.
//!
//! Where a sender orders by chance every order counts with its share. Adds no opinion: what a sender does
//! next is in its table. Longer than most, because it is one way from beginning to end.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use super::{
    Attempt, Fate, Outlook, Privacy,
    landscape::{Exchangers, Host, Landscape, Lost, Step, Tier},
    models::{Family, Model, NullAnswer, Order},
    shuffle::{Flow, Flows, add, shuffled},
    visit::{Act, Demand, Passed, act, demand},
};

/// How much of its reach a sender has used in one attempt; what it does not count stays 0.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
struct Used {
    hosts: u8,
    addresses: u8,
    sessions: u8,
    of_host: u8,
    of_tier: bool,
    full: bool,
    /// The last address tried makes the message bounce, if it was the last.
    bounces: bool,
}

/// What can become of a message of this sender, best first; the shares come to 1.
pub(super) fn outlooks(model: &Model, landscape: &Landscape) -> Vec<Outlook> {
    let tiers = match &landscape.exchangers {
        Exchangers::Nowhere(why) => return vec![Outlook::certain(Fate::Bounced, why)],
        Exchangers::Failing(why) => return vec![Outlook::certain(Fate::Deferred, why)],
        Exchangers::Unknown(why) => return vec![Outlook::certain(Fate::Unproven, why)],
        Exchangers::Hosts { null: Some(null), .. }
            if model.null == NullAnswer::Bounce
                || model.null == NullAnswer::BounceWhereFirst && null.first_and_alone =>
        {
            return vec![Outlook::certain(Fate::Bounced, "a null MX among the others")];
        }
        Exchangers::Hosts { tiers, .. } => tiers,
    };
    let nowhere = |host: &Host| matches!(host.lost, Some(Lost::Nowhere(_)));
    if landscape.hosts().all(nowhere) {
        return vec![Outlook::certain(Fate::Bounced, "no host has an address")];
    }
    let mut first = Trip::of(model, landscape, tiers, Attempt::First).outlooks();
    let waiting: f64 = waits(&first);
    if waiting == 0.0 {
        return sorted(first);
    }
    // What waits comes back until something else becomes of it, if anything can.
    let later = Trip::of(model, landscape, tiers, Attempt::Later).outlooks();
    let again = 1.0 - waits(&later);
    if again <= f64::EPSILON {
        return sorted(first);
    }
    first.retain(|outlook| outlook.fate != Fate::Deferred);
    let later = later.into_iter().filter(|outlook| outlook.fate != Fate::Deferred);
    first
        .extend(later.map(|outlook| Outlook { share: waiting * outlook.share / again, ..outlook }));
    sorted(first)
}

fn waits(outlooks: &[Outlook]) -> f64 {
    let waiting = outlooks.iter().filter(|outlook| outlook.fate == Fate::Deferred);
    waiting.map(|outlook| outlook.share).sum()
}

fn sorted(mut outlooks: Vec<Outlook>) -> Vec<Outlook> {
    let mut one: Vec<Outlook> = Vec::new();
    outlooks.sort_by_key(|outlook| std::cmp::Reverse(outlook.fate));
    for outlook in outlooks {
        match one.last_mut().filter(|last| last.fate == outlook.fate) {
            Some(last) => last.share += outlook.share,
            None => one.push(outlook),
        }
    }
    one
}

/// One address and what happens there.
struct Stop<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    tier: usize,
    silent: bool,
    act: Act<'a>,
}

/// One attempt.
struct Trip<'a> {
    model: &'a Model,
    attempt: Attempt,
    /// Every address, in the order of tiers, hosts and addresses.
    stops: Vec<Stop<'a>>,
    /// For each tier, for each host, the stops by family in the order of trying.
    tiers: Vec<Vec<Vec<Vec<usize>>>>,
}

impl<'a> Trip<'a> {
    fn of(model: &'a Model, landscape: &'a Landscape, tiers: &'a [Tier], attempt: Attempt) -> Self {
        let mut trip = Self { model, attempt, stops: Vec::new(), tiers: Vec::new() };
        for (tier, hosts) in tiers.iter().map(|tier| &tier.hosts).enumerate() {
            let hosts = hosts.iter().map(|host| trip.stops_at(landscape, host, tier)).collect();
            trip.tiers.push(hosts);
        }
        trip
    }

    fn stops_at(
        &mut self,
        landscape: &'a Landscape,
        host: &'a Host,
        tier: usize,
    ) -> Vec<Vec<usize>> {
        let nowhere = |act| Stop { host: &host.name, address: None, tier, silent: false, act };
        match &host.lost {
            Some(Lost::Failing(why) | Lost::Nowhere(why)) => {
                // Noted, so that the reason is told, and never tried.
                let passed = Passed::default();
                self.stops.push(nowhere(Act::PassesOn { why: why.into(), passed }));
                return Vec::new();
            }
            Some(Lost::Unknown(why)) => {
                self.stops.push(nowhere(Act::Unproven(why.into())));
                return vec![vec![self.stops.len() - 1]];
            }
            None => {}
        }
        let demand = demand(self.model, landscape, host);
        let later = self.attempt == Attempt::Later;
        let mut families = [Vec::new(), Vec::new()];
        for one in &host.addresses {
            let tried = !matches!(demand, Demand::Elsewhere(_));
            let silent = tried && matches!(one.connect, Step::Silent(_));
            let second = match self.model.family {
                Family::Any => false,
                Family::Ipv4First => one.address.is_ipv6(),
                Family::Ipv6First => one.address.is_ipv4(),
            };
            let act = act(self.model, &demand, one, later);
            self.stops.push(Stop {
                host: &host.name,
                address: Some(one.address),
                tier,
                silent,
                act,
            });
            families[usize::from(second)].push(self.stops.len() - 1);
        }
        // In an order of its own, so that hosts with the same mix of addresses are of one kind.
        let kind = |stop: &usize| match &self.stops[*stop].act {
            Act::PassesOn { passed, .. } => (None, Some(*passed)),
            act => (fate(act, self.attempt), None),
        };
        for stops in &mut families {
            stops.sort_by_key(kind);
        }
        families.into_iter().filter(|stops| !stops.is_empty()).collect()
    }

    /// Every end of the attempt with its share; those that wait in one.
    fn outlooks(&self) -> Vec<Outlook> {
        let mut ends: Vec<(f64, usize)> = Vec::new();
        let mut going = vec![(1.0, Used::default())];
        for tier in &self.tiers {
            let mut next: Flows<Used> = Vec::new();
            for (share, used) in going {
                for (part, flow) in self.tier(tier, Used { of_tier: false, ..used }) {
                    add(&mut next, share * part, flow);
                }
            }
            going = Vec::new();
            for (share, flow) in next {
                match flow {
                    Flow::Ends(stop) => ends.push((share, stop)),
                    Flow::GoesOn(used) | Flow::Leaves(used) => going.push((share, used)),
                }
            }
        }
        let mut all: Vec<Outlook> = Vec::new();
        ends.sort_by_key(|(_, stop)| *stop);
        for (share, stop) in ends {
            let outlook = self.outlook(share, stop);
            match all.iter_mut().find(|known| known.fate == outlook.fate) {
                Some(known) => known.share += share,
                None => all.push(outlook),
            }
        }
        for (share, used) in going {
            match all.iter_mut().find(|known| known.fate == left_over(used)) {
                Some(known) => known.share += share,
                None => all.push(Outlook { share, ..self.nowhere_left(used) }),
            }
        }
        all
    }

    /// What comes of trying one tier.
    fn tier(&self, hosts: &[Vec<Vec<usize>>], used: Used) -> Flows<Used> {
        match self.model.order {
            Order::Addresses => {
                let stops: Vec<usize> = hosts.iter().flatten().flatten().copied().collect();
                self.set(&stops, used)
            }
            Order::Hosts => {
                let (kinds, counts) = kinds(hosts, |one, other| self.are_alike(one, other));
                let mut known: HashMap<(usize, Used), Flows<Used>> = HashMap::new();
                shuffled(&counts, used, &mut |kind, used| {
                    known
                        .entry((kind, used))
                        .or_insert_with(|| self.host(kinds[kind], used))
                        .clone()
                })
            }
        }
    }

    fn host(&self, families: &[Vec<usize>], used: Used) -> Flows<Used> {
        let reach = &self.model.reach;
        if used.full || reach.hosts.is_some_and(|most| used.hosts >= most) {
            return vec![(1.0, Flow::Leaves(Used { full: true, ..used }))];
        }
        let hosts = if reach.hosts.is_some() { used.hosts + 1 } else { 0 };
        let mut going = vec![(1.0, Used { hosts, of_host: 0, ..used })];
        let mut done = Flows::new();
        for stops in families {
            let mut next = Vec::new();
            for (share, used) in going {
                for (part, flow) in self.set(stops, used) {
                    match flow {
                        Flow::GoesOn(used) => next.push((share * part, used)),
                        // Left for the next host, or for want of reach, which the next one will see.
                        Flow::Leaves(used) => add(&mut done, share * part, Flow::GoesOn(used)),
                        Flow::Ends(_) => add(&mut done, share * part, flow),
                    }
                }
            }
            going = next;
        }
        for (share, used) in going {
            add(&mut done, share, Flow::GoesOn(used));
        }
        done
    }

    /// What comes of trying these addresses in random order.
    fn set(&self, stops: &[usize], used: Used) -> Flows<Used> {
        let alike = |one: &usize, other: &usize| self.behave_alike(*one, *other);
        let (kinds, counts) = kinds(stops, alike);
        shuffled(&counts, used, &mut |kind, used| vec![(1.0, self.stop(*kinds[kind], used))])
    }

    fn stop(&self, stop: usize, used: Used) -> Flow<Used> {
        let reach = &self.model.reach;
        let beyond = |used: u8, most: Option<u8>| most.is_some_and(|most| used >= most);
        if beyond(used.of_host, reach.addresses_of_host) {
            return Flow::Leaves(used);
        }
        let one_more = reach.one_of_each_tier && !used.of_tier;
        if beyond(used.sessions, reach.sessions)
            || beyond(used.addresses, reach.addresses) && !one_more
        {
            return Flow::Leaves(Used { full: !reach.one_of_each_tier, ..used });
        }
        match &self.stops[stop].act {
            Act::PassesOn { passed, .. } => {
                let counted = |count: u8, most: Option<u8>, more: bool| {
                    if most.is_some() && more { count.saturating_add(1) } else { count }
                };
                let used = Used {
                    addresses: counted(used.addresses, reach.addresses, true),
                    sessions: counted(used.sessions, reach.sessions, passed.session),
                    of_host: counted(used.of_host, reach.addresses_of_host, true),
                    of_tier: reach.one_of_each_tier,
                    bounces: passed.bounces_if_last,
                    ..used
                };
                // Where addresses of all hosts are shuffled, there is no host to leave.
                let leaves = passed.leaves_host && self.model.order == Order::Hosts;
                if leaves { Flow::Leaves(used) } else { Flow::GoesOn(used) }
            }
            Act::Bounced(_) | Act::Deferred(_) | Act::Delivered { .. } | Act::Unproven(_) => {
                Flow::Ends(stop)
            }
        }
    }

    /// Whether two addresses make the same difference, whoever's they are.
    fn behave_alike(&self, one: usize, other: usize) -> bool {
        match (&self.stops[one].act, &self.stops[other].act) {
            (Act::PassesOn { passed, .. }, Act::PassesOn { passed: other, .. }) => passed == other,
            (one, other) => fate(one, self.attempt)
                .is_some_and(|fate| Some(fate) == self::fate(other, self.attempt)),
        }
    }

    fn are_alike(&self, one: &[Vec<usize>], other: &[Vec<usize>]) -> bool {
        let stops = |one: &Vec<usize>, other: &Vec<usize>| {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| self.behave_alike(*one, *other))
        };
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| stops(one, other))
    }

    fn outlook(&self, share: f64, at: usize) -> Outlook {
        let stop = &self.stops[at];
        let before = self.failures(|other| other.tier < stop.tier);
        let after = if before.is_empty() { String::new() } else { format!(" ({before})") };
        let (host, why) = (stop.host, &stop.act);
        let why = match why {
            Act::Delivered { privacy, how } if *privacy == Privacy::Clear => {
                format!("{host} takes it in clear: {how}{after}")
            }
            Act::Delivered { how, .. } => format!("{host} takes it, {how}{after}"),
            Act::PassesOn { why, .. }
            | Act::Bounced(why)
            | Act::Deferred(why)
            | Act::Unproven(why) => format!("{host}: {why}{after}"),
        };
        Outlook {
            fate: fate(&stop.act, self.attempt).unwrap_or(Fate::Deferred),
            share,
            host: Some(stop.host.to_owned()),
            address: stop.address,
            why,
            delay: self.delay(stop.tier),
        }
    }

    /// Nobody took it.
    fn nowhere_left(&self, used: Used) -> Outlook {
        let mut why = self.failures(|_| true);
        if used.full && self.model.reach.hosts.is_some() {
            why = format!("it tries {} hosts ({why})", used.hosts);
        } else if used.full {
            why = format!("it stops after {} addresses ({why})", used.addresses);
        }
        let fate = left_over(used);
        let last = self.stops.iter().rev().find(|stop| match &stop.act {
            Act::PassesOn { passed, .. } => used.bounces && passed.bounces_if_last,
            _ => false,
        });
        let host = last.map(|stop| stop.host.to_owned());
        let address = last.and_then(|stop| stop.address);
        Outlook { fate, share: 1.0, host, address, why, delay: None }
    }

    /// What went wrong at the hosts that were passed over, the first reason of each.
    fn failures(&self, wanted: impl Fn(&Stop<'_>) -> bool) -> String {
        const MOST: usize = 3;
        let mut hosts: Vec<&str> = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for stop in self.stops.iter().filter(|stop| wanted(stop)) {
            if let Act::PassesOn { why, .. } = &stop.act
                && !hosts.contains(&stop.host)
            {
                hosts.push(stop.host);
                words.push(format!("{}: {why}", stop.host));
            }
        }
        let rest = words.len().saturating_sub(MOST);
        words.truncate(MOST);
        let words = words.join("; ");
        if rest == 0 { words } else { format!("{words}; {rest} more") }
    }

    /// How long it waits at least for connections that never come, before it gets to this tier.
    fn delay(&self, tier: usize) -> Option<Duration> {
        let patience = self.model.connect_timeout?;
        let most = self.model.reach.addresses_of_host.map_or(usize::MAX, usize::from);
        let ahead = |host: &Vec<Vec<usize>>| {
            let silent = host.iter().flatten().filter(|stop| self.stops[**stop].silent);
            silent.count().min(most)
        };
        let silent: usize = self.tiers.iter().take(tier).flatten().map(ahead).sum();
        // Beyond its limit it goes on with one address of each tier, if at all.
        let limit =
            self.model.reach.addresses.map(|most| usize::from(most) + tier.saturating_sub(1));
        let silent = silent.min(limit.unwrap_or(usize::MAX));
        Some(patience * u32::try_from(silent).unwrap_or(u32::MAX))
    }
}

/// Things by kind, with the number of each.
fn kinds<T>(things: &[T], alike: impl Fn(&T, &T) -> bool) -> (Vec<&T>, Vec<usize>) {
    let (mut kinds, mut counts): (Vec<&T>, Vec<usize>) = (Vec::new(), Vec::new());
    for thing in things {
        if let Some(at) = kinds.iter().position(|kind| alike(kind, thing)) {
            counts[at] += 1;
        } else {
            kinds.push(thing);
            counts.push(1);
        }
    }
    (kinds, counts)
}

/// What becomes of a message that nobody took.
fn left_over(used: Used) -> Fate {
    if used.bounces { Fate::Bounced } else { Fate::Deferred }
}

/// What an act makes of the message, if it ends the attempt.
fn fate(act: &Act<'_>, attempt: Attempt) -> Option<Fate> {
    match act {
        Act::Delivered { privacy, .. } => Some(Fate::Delivered(*privacy, attempt)),
        Act::Bounced(_) => Some(Fate::Bounced),
        Act::Deferred(_) => Some(Fate::Deferred),
        Act::Unproven(_) => Some(Fate::Unproven),
        Act::PassesOn { .. } => None,
    }
}

/// Whether `model` ever gets to `host`: with every other host silent, and this one perfect.
pub(super) fn reaches(model: &Model, landscape: &Landscape, host: &str) -> bool {
    let ideal = landscape.with_only(host);
    let delivered = |outlook: &Outlook| matches!(outlook.fate, Fate::Delivered(..));
    outlooks(model, &ideal).iter().any(delivered)
}
