//! Round trips, counted: a visit costs what its exchanges cost, a run what its slowest visits cost.
//!
//! Runs over a simulated link of 50 ms in virtual time, so the figures are exact and the same on
//! every machine. Fails where a measure is not held.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use mxparity::{
    config::Limits,
    fleet::{Carrier, Fleet, Run, World},
    probe::{Answer, Probe, Proven, RecordKind, Resolver, seam::Later, vantage::Lookout},
    smtp::HelloName,
    survey::{Observation, Survey},
};
use tokio::{sync::watch, time::sleep};

const ROUND_TRIP: Duration = Duration::from_millis(50);

/// DNS as far away as the hosts.
struct Distant<'a> {
    near: &'a dyn Resolver,
    /// Round trips until an answer is proven: the keys of each zone above it are asked for as well.
    proof: u32,
    /// Round trips to a name server of the domain itself.
    server: u32,
}

impl Resolver for Distant<'_> {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        Box::pin(async move {
            sleep(ROUND_TRIP).await;
            self.near.ask(name, kind).await
        })
    }

    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        Box::pin(async move {
            sleep(ROUND_TRIP * self.proof).await;
            self.near.prove(name, kind).await
        })
    }

    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        Box::pin(async move {
            sleep(ROUND_TRIP * self.server).await;
            self.near.ask_server(server, name, kind).await
        })
    }
}

fn fleet(world: &str) -> Fleet {
    let world = World::parse(world).expect("the world is sound");
    let carrier = Carrier::Memory { round_trip: ROUND_TRIP };
    Fleet::new(&world, now(), carrier).expect("the fleet starts")
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}

/// In virtual time.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    runtime.block_on(work)
}

fn survey(world: &str) -> (Survey, Fleet) {
    let fleet = fleet(world);
    let (_tell, stop) = watch::channel(false);
    let run = Run { limits: Limits::default(), earlier: &[], stop, progress: &|_| () };
    (wait_for(fleet.survey(run)), fleet)
}

/// The same by way of a resolver that is not part of the fleet.
fn survey_by(resolver: &Distant<'_>, fleet: &Fleet, domain: &str) -> Survey {
    let helo = HelloName::parse("probe.example").expect("a name");
    let lookout = Lookout { resolver, machine: fleet, dialer: fleet, limits: Limits::default() };
    let (_tell, stop) = watch::channel(false);
    wait_for(async {
        let vantage = lookout.vantage(helo, fleet.asked(), None).await;
        let probe = Probe {
            resolver,
            machine: fleet,
            dialer: fleet,
            trust: fleet.trust(),
            limits: Limits::default(),
            earlier: &[],
            asked: fleet.asked(),
            vantage: &vantage,
            stop,
            progress: &|_| (),
        };
        probe.survey(&domain.parse().expect("a domain"), now()).await
    })
}

/// Every visit with the position of its tier.
fn visits(survey: &Survey) -> Vec<(usize, &Observation)> {
    let tiers = survey.mx.tiers().iter().enumerate();
    let hosts = tiers.flat_map(|(at, tier)| tier.hosts.iter().map(move |host| (at, host)));
    let endpoints = hosts.flat_map(|(at, host)| host.addresses.iter().map(move |one| (at, one)));
    endpoints.flat_map(|(at, one)| one.observations.iter().map(move |visit| (at, visit))).collect()
}

/// Connect, greeting, handshake, and every command that was sent.
fn full_session() {
    let (survey, fleet) = survey(
        r#"
        domain = "one.example"
        [[mx]]
        preference = 10
        host = "mx.one.example"
        "#,
    );
    let visits = visits(&survey);
    assert_eq!(visits.len(), 1, "one visit to a healthy host");
    let exchanges = fleet.ledger().heard().len() + 3;
    let took = visits[0].1.took_ms;
    let ideal = u64::try_from(exchanges * 50).expect("a small number");
    println!("full session: {exchanges} round trips of 50 ms = {ideal} ms, took {took} ms");
    assert!(took * 100 <= ideal * 105, "{took} ms is more than 1.05 x {ideal} ms");
}

/// Five hosts of two addresses in three tiers, with this added to what the domain and each host say.
fn five_hosts(of_domain: &str, of_host: &str) -> String {
    let host = |(number, preference): (u8, u16)| {
        format!(
            "[[mx]]\npreference = {preference}\nhost = \"mx{number}.five.example\"\n\
             addresses = [\"192.0.2.{number}\", \"198.51.100.{number}\"]\n{of_host}",
        )
    };
    let hosts = (1..).zip([10, 10, 20, 20, 30]).map(host).collect::<String>();
    format!("domain = \"five.example\"\n{of_domain}{hosts}")
}

fn whole_run() {
    let (survey, _) = survey(&five_hosts("", ""));
    let visits = visits(&survey);
    assert_eq!(visits.len(), 10, "one visit to each address");
    let slowest = |tier| {
        let of_tier = visits.iter().filter(|(at, _)| *at == tier);
        of_tier.map(|(_, visit)| visit.took_ms).max()
    };
    let sum: u64 = (0..3).filter_map(slowest).sum();
    let took = survey.took_ms;
    println!("5 hosts x 2 addresses: slowest visits of the tiers {sum} ms, whole run {took} ms");
    assert!(took * 10 <= sum * 13, "{took} ms is more than 1.3 x {sum} ms");
}

/// Everything a domain can promise, looked up beside the visits: against the same run where those
/// look-ups cost nothing.
fn promises() {
    let world = five_hosts(
        "[dns]\nsecurity = \"secure\"\ntls-rpt = [\"v=TLSRPTv1; rua=mailto:tls@five.example\"]\n\
         spf = [\"v=spf1 mx -all\"]\ndmarc = [\"v=DMARC1; p=reject\"]\n[sts]\n",
        "security = \"secure\"\ntlsa = [\"3 1 1 own\"]\n",
    );
    let bare = fleet(&five_hosts("", ""));
    let free = Distant { near: bare.resolver(), proof: 0, server: 0 };
    let without = survey_by(&free, &bare, "five.example").took_ms;
    let full = fleet(&world);
    for proof in [1, 10] {
        let distant = Distant { near: full.resolver(), proof, server: 1 };
        let survey = survey_by(&distant, &full, "five.example");
        let policy = survey.policies.sts.policy.as_ref().expect("a policy host");
        assert_eq!(policy.fault(), None, "the policy came");
        assert!(survey.mx.tiers()[0].hosts[0].tlsa.len() == 1, "TLSA records were asked for");
        let end = visits(&survey).iter().map(|(_, visit)| visit.began_ms + visit.took_ms).max();
        let (end, took) = (end.expect("visits"), survey.took_ms);
        println!(
            "promises of 5 hosts x 2 addresses, {proof} round trips a proof: {took} ms, \
             the last visit ended after {end} ms, without promises {without} ms"
        );
        assert!(took * 10 <= without * 11, "{took} ms is more than 1.1 x {without} ms");
    }
}

fn main() {
    full_session();
    whole_run();
    promises();
}
