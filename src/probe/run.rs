//! A whole run over one domain: resolve, visit tier after tier, confirm, and hand over the facts.
//!
//! Decides when a visit is made; which visits there are is `plan`, what is said in one `dialogue`.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{
    sync::{Mutex, Semaphore, watch},
    time::Instant,
};

use super::{
    Clock, Dialer, Machine, Means, Resolver, Trust, Visit, carry_out,
    patience::{self, Patient},
    plan::{Errand, Standing},
    promises::Promised,
    resolve::Names,
};
use crate::{
    config::Limits,
    smtp::DomainName,
    survey::{
        Asked, Ending, Host, MxLookup, Observation, Plan, Purpose, Survey, Vantage, plan::Toll,
        reading,
    },
};

/// Connections open at one time over the whole run: politeness towards operators with many hosts.
const PARALLEL: usize = 16;

/// Everything a run needs from outside.
#[derive(Clone)]
pub struct Probe<'a> {
    pub resolver: &'a dyn Resolver,
    pub machine: &'a dyn Machine,
    pub dialer: &'a dyn Dialer,
    pub trust: &'a Trust,
    pub limits: Limits,
    pub asked: &'a Asked,
    /// What the same call found out before this, of other domains.
    pub earlier: &'a [Survey],
    /// Who we are; shared by all domains of a call.
    pub vantage: &'a Vantage,
    /// Becomes true when the user interrupts: open sessions then say QUIT and the rest is not tried.
    pub stop: watch::Receiver<bool>,
    /// Told of what happens, for a progress line.
    pub progress: &'a (dyn Fn(Event<'_>) + Sync),
}

/// What happens during a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Names are resolved: this many addresses will be visited.
    Resolved {
        addresses: usize,
    },
    VisitBegan {
        host: &'a str,
        to: SocketAddr,
        purpose: Purpose,
    },
    VisitEnded {
        host: &'a str,
        to: SocketAddr,
        purpose: Purpose,
    },
}

/// One address of one host, on its way through the run.
struct Stop<'a> {
    errand: Errand<'a>,
    /// Where the observations go in the end.
    home: Home,
    tier: usize,
    /// One connection at a time to an address, whichever name led there.
    lane: Lane,
    /// Set when any address of the host asked us to go away; one for all tiers it stands in.
    host_stopped: Arc<AtomicBool>,
    seen: Vec<Observation>,
}

/// Held while a visit to the address is under way.
type Lane = Arc<Mutex<Rest>>;

/// What the visits so far left behind at an address, under whatever name it was visited.
#[derive(Default)]
struct Rest {
    /// When the last one ended.
    since: Option<Instant>,
    /// Whether one was asked to go away.
    stopped: bool,
}

/// An address's place in the survey.
#[derive(Clone, Copy)]
enum Home {
    Also { host: usize, address: usize },
    Implicit { address: usize },
    Tier { tier: usize, host: usize, address: usize },
}

impl Probe<'_> {
    /// Surveys `domain`; `now` is the wall clock at the beginning. Faults are facts of the survey:
    /// this does not fail.
    pub async fn survey(&self, domain: &DomainName, now: Timestamp) -> Survey {
        let clock = Clock::begin(now);
        let (mut mx, mut also) = self.resolve(domain).await;
        let stops = self.stops(domain, &mx, &also);
        (self.progress)(Event::Resolved { addresses: stops.len() });
        let visits = async { self.finish(self.visit_tiers(stops, clock).await, clock).await };
        let (stops, promised) = tokio::join!(visits, self.promises(domain, &mx, clock));
        let homes: Vec<_> = stops.into_iter().map(|stop| (stop.home, stop.seen)).collect();
        for (home, seen) in homes {
            settle(&mut mx, &mut also, home, seen);
        }
        for host in mx.hosts_mut() {
            if let Some(promise) = promised.hosts.get(&host.name) {
                promise.settle(host);
            }
        }
        Survey {
            domain: domain.clone(),
            began: now,
            took_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            ending: if *self.stop.borrow() { Ending::Interrupted } else { Ending::Complete },
            vantage: self.vantage.clone(),
            asked: self.asked.clone(),
            mx,
            also,
            policies: promised.policies,
        }
    }

    /// Resolves `domain` and says which visits a survey would make. Connects to nobody.
    pub async fn plan(&self, domain: &DomainName) -> Plan {
        let (mx, also) = self.resolve(domain).await;
        let resolver = &self.patient();
        let policy_url = self.names(resolver).policy_url(domain).await;
        let stops = self.stops(domain, &mx, &also);
        let visits: Vec<_> = stops.iter().flat_map(|stop| stop.errand.foreseen()).collect();
        let total = Toll::of(&visits);
        Plan { domain: domain.clone(), mx, visits, policy_url, total }
    }

    fn means(&self, clock: Clock) -> Means<'_> {
        let stop = self.stop.clone();
        Means { dialer: self.dialer, trust: self.trust, limits: self.limits, clock, stop }
    }

    async fn resolve(&self, domain: &DomainName) -> (MxLookup, Vec<Host>) {
        let resolver = &self.patient();
        let names = self.names(resolver);
        tokio::join!(names.exchangers(domain), names.also())
    }

    /// Runs beside the visits, and needs nothing of what they see.
    async fn promises(&self, domain: &DomainName, mx: &MxLookup, clock: Clock) -> Promised {
        let resolver = &self.patient();
        self.names(resolver).promises(domain, mx, &self.means(clock)).await
    }

    fn patient(&self) -> Patient<'_> {
        Patient::new(self.resolver, self.stop.clone())
    }

    fn names<'a>(&'a self, resolver: &'a Patient<'_>) -> Names<'a> {
        Names { resolver, machine: self.machine, asked: self.asked }
    }

    /// Every address that may be visited, in the order of the tiers, `--also` hosts last.
    fn stops<'a>(
        &'a self,
        domain: &'a DomainName,
        mx: &'a MxLookup,
        also: &'a [Host],
    ) -> Vec<Stop<'a>> {
        let mut lanes: HashMap<IpAddr, Lane> = HashMap::new();
        let mut stopped: HashMap<&str, Arc<AtomicBool>> = HashMap::new();
        let mut stops = Vec::new();
        let mut add = |host: &'a Host, tier: usize, standing, home: &dyn Fn(usize) -> Home| {
            let host_stopped = stopped.entry(&host.name).or_default();
            for (position, endpoint) in host.addresses.iter().enumerate() {
                if !endpoint.access.may_visit() {
                    continue;
                }
                stops.push(Stop {
                    errand: Errand {
                        asked: self.asked,
                        domain,
                        helo: &self.vantage.helo,
                        host: &host.name,
                        to: SocketAddr::new(endpoint.address, endpoint.port),
                        standing,
                    },
                    home: home(position),
                    tier,
                    lane: lanes.entry(endpoint.address).or_default().clone(),
                    host_stopped: Arc::clone(host_stopped),
                    seen: Vec::new(),
                });
            }
        };
        for (tier, of_tier) in mx.tiers().iter().enumerate() {
            for (at, host) in of_tier.hosts.iter().enumerate() {
                add(host, tier, Standing::Published, &|address| Home::Tier {
                    tier,
                    host: at,
                    address,
                });
            }
        }
        if let MxLookup::Implicit { host } = mx {
            add(host, 0, Standing::Published, &|address| Home::Implicit { address });
        }
        for (at, host) in also.iter().enumerate() {
            add(host, mx.tiers().len(), Standing::Also, &|address| Home::Also {
                host: at,
                address,
            });
        }
        stops
    }

    /// The first visit to every address and what must follow it at once. A tier starts when the one
    /// before it is done, or has had its head start.
    async fn visit_tiers<'a>(&self, stops: Vec<Stop<'a>>, clock: Clock) -> Vec<Stop<'a>> {
        let doors = Semaphore::new(PARALLEL);
        let mut waiting = stops.into_iter().peekable();
        let mut under_way = FuturesUnordered::new();
        let mut done = Vec::new();
        while let Some(tier) = waiting.peek().map(|stop| stop.tier) {
            let mut left = 0;
            while let Some(stop) = waiting.next_if(|stop| stop.tier == tier) {
                under_way.push(self.approach(stop, &doors, clock));
                left += 1;
            }
            let head_start = tokio::time::sleep(self.limits.head_start);
            tokio::pin!(head_start);
            while left > 0 {
                tokio::select! {
                    () = &mut head_start => break,
                    Some(stop) = under_way.next() => {
                        left -= usize::from(stop.tier == tier);
                        done.push(stop);
                    }
                }
            }
        }
        done.extend(under_way.collect::<Vec<_>>().await);
        done
    }

    async fn approach<'a>(&self, mut stop: Stop<'a>, doors: &Semaphore, clock: Clock) -> Stop<'a> {
        let mut next = Some(stop.errand.first());
        while let Some(visit) = next {
            if !self.visit(&mut stop, &visit, doors, clock).await {
                break;
            }
            next = stop.errand.next(&stop.seen);
        }
        stop
    }

    /// Confirmations and questions of their own, after all first visits.
    async fn finish<'a>(&self, stops: Vec<Stop<'a>>, clock: Clock) -> Vec<Stop<'a>> {
        let doors = &Semaphore::new(PARALLEL);
        let more = |mut stop: Stop<'a>| async move {
            let mut visits: Vec<Visit> = stop.errand.confirmation(&stop.seen).into_iter().collect();
            visits.extend(stop.errand.extras(&stop.seen));
            for visit in visits {
                if !self.visit(&mut stop, &visit, doors, clock).await {
                    return stop;
                }
            }
            stop.seen.extend(known(self.earlier, &stop.errand));
            while let Some(visit) = stop.errand.inquiry(&stop.seen) {
                if !self.visit(&mut stop, &visit, doors, clock).await {
                    break;
                }
            }
            stop
        };
        join_all(stops.into_iter().map(more)).await
    }

    /// Makes one visit when the address is free and rested; false when there may be no further one.
    async fn visit(
        &self,
        stop: &mut Stop<'_>,
        visit: &Visit,
        doors: &Semaphore,
        clock: Clock,
    ) -> bool {
        let lane = Arc::clone(&stop.lane);
        let mut rest = lane.lock().await;
        let rested = rest.since.map(|last| last + self.limits.pause);
        // A sleep takes a millisecond at least, also where none is left to sleep.
        if let Some(rested) = rested.filter(|rested| *rested > Instant::now()) {
            let mut interrupted = self.stop.clone();
            tokio::select! {
                () = tokio::time::sleep_until(rested) => {}
                () = patience::interrupted(&mut interrupted) => return false,
            }
        }
        // The semaphore is never closed, so this only waits.
        let _door = doors.acquire().await;
        let unwelcome = rest.stopped || stop.host_stopped.load(Ordering::Relaxed);
        if unwelcome || *self.stop.borrow() {
            return false;
        }
        let (host, to, purpose) = (visit.host.as_str(), visit.to, visit.purpose);
        (self.progress)(Event::VisitBegan { host, to, purpose });
        let observation = carry_out(visit, &self.means(clock)).await;
        (self.progress)(Event::VisitEnded { host, to, purpose });
        rest.since = Some(Instant::now());
        stop.seen.push(observation);
        if reading::stopped(&stop.seen) {
            rest.stopped = true;
            stop.host_stopped.store(true, Ordering::Relaxed);
            return false;
        }
        true
    }
}

/// The visits that an earlier survey made to the same host at the same address for its TLS alone.
fn known(earlier: &[Survey], errand: &Errand<'_>) -> Vec<Observation> {
    let of = |survey: &Survey| -> Vec<Observation> {
        let published = survey.mx.hosts().map(|(_, _, host)| host);
        let hosts = published.chain(&survey.also).filter(|host| host.name == errand.host);
        let endpoints = hosts.flat_map(|host| &host.addresses);
        let here = endpoints
            .filter(|endpoint| SocketAddr::new(endpoint.address, endpoint.port) == errand.to);
        here.flat_map(|endpoint| &endpoint.observations)
            .filter(|visit| visit.purpose.is_about_tls() && visit.made_for.is_none())
            .map(|visit| Observation { made_for: Some(survey.domain.clone()), ..visit.clone() })
            .collect()
    };
    earlier.iter().map(of).find(|visits| !visits.is_empty()).unwrap_or_default()
}

fn settle(mx: &mut MxLookup, also: &mut [Host], home: Home, seen: Vec<Observation>) {
    let (host, address) = match (home, mx) {
        (Home::Also { host, address }, _) => (&mut also[host], address),
        (Home::Implicit { address }, MxLookup::Implicit { host }) => (&mut **host, address),
        (Home::Tier { tier, host, address }, MxLookup::Published(set)) => {
            (&mut set.tiers[tier].hosts[host], address)
        }
        _ => return, // A home was made from this very look-up, so its kind cannot differ.
    };
    host.addresses[address].observations = seen;
}
