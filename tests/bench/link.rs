//! Round trips, counted: a visit costs what its exchanges cost, a run what its slowest visits cost.
//!
//! Runs over a simulated link of 50 ms in virtual time, so the figures are exact and the same on
//! every machine. Fails where a measure is not held.

use std::time::Duration;

use jiff::Timestamp;
use mxparity::{
    config::Limits,
    fleet::{Carrier, Fleet, Run, World},
    survey::{Observation, Survey},
};
use tokio::sync::watch;

const ROUND_TRIP: Duration = Duration::from_millis(50);

fn survey(world: &str) -> (Survey, Fleet) {
    let world = World::parse(world).expect("the world is sound");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("an instant");
        let fleet = Fleet::new(&world, now, Carrier::Memory { round_trip: ROUND_TRIP });
        let fleet = fleet.expect("the fleet starts");
        let (_tell, stop) = watch::channel(false);
        let run = Run { limits: Limits::default(), stop, progress: &|_| () };
        (fleet.survey(run).await, fleet)
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

/// Five hosts of two addresses in three tiers.
fn whole_run() {
    let host = |(number, preference): (u8, u16)| {
        format!(
            "[[mx]]\npreference = {preference}\nhost = \"mx{number}.five.example\"\n\
             addresses = [\"192.0.2.{number}\", \"198.51.100.{number}\"]\n",
        )
    };
    let hosts = (1..).zip([10, 10, 20, 20, 30]).map(host).collect::<String>();
    let (survey, _) = survey(&format!("domain = \"five.example\"\n{hosts}"));
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

fn main() {
    full_session();
    whole_run();
}
