//! How long the forecast of a large domain takes: 10 hosts of 4 addresses each, every sender, every
//! scenario.
//!
//! Fails where the bound of an optimised build is not held.

use std::{hint::black_box, time::Instant};

use mxparity::forecast::{
    Forecast, Landscape,
    landscape::{Address, Certificate, Exchangers, Fit, Host, Known, Step, Tier, Tls, Tlsa},
};

const MOST_MILLIS: f64 = 5.0;

/// Hosts that differ, so that no two can be taken for one.
fn host(number: u8) -> Host {
    let address = |at: u8| Address {
        address: [192, 0, 2, 4 * number + at].into(),
        port: 25,
        connect: if (number + at) % 5 == 4 { Step::Silent("silent".into()) } else { Step::Passes },
        greeting: if number % 3 == 1 { Step::Soft("450 4.3.2 busy".into()) } else { Step::Passes },
        hello: Step::Passes,
        tls: match at {
            0 => Tls::Missing,
            1 => Tls::Broken("alert 40".into()),
            _ => Tls::Spoken(Certificate { pkix: Fit::Fails("expired".into()), dane: Fit::Fits }),
        },
        sender: Step::Passes,
        recipient: if number % 4 == 3 {
            Step::Passes
        } else {
            Step::Soft("451 4.3.0 later".into())
        },
    };
    Host {
        name: format!("mx{number}.even.example"),
        lost: None,
        addresses: (0..4).map(address).collect(),
        tlsa: if number.is_multiple_of(2) { Tlsa::Usable } else { Tlsa::None },
        listed: Known::Yes,
    }
}

fn main() {
    let hosts = |from, to| Tier { hosts: (from..to).map(host).collect() };
    for (name, tiers) in [
        ("ten tiers", (0..10).map(|at| hosts(at, at + 1)).collect()),
        ("two tiers", vec![hosts(0, 5), hosts(5, 10)]),
        ("one tier", vec![hosts(0, 10)]),
    ] {
        let landscape = Landscape {
            exchangers: Exchangers::Hosts { tiers, null: None },
            signed: Known::Yes,
            sts: Known::Yes,
        };
        let rounds = if cfg!(debug_assertions) { 1 } else { 50 };
        let began = Instant::now();
        let mut rows = 0;
        for _ in 0..rounds {
            rows = black_box(Forecast::of(black_box(&landscape), &[])).predictions.len();
        }
        let millis = began.elapsed().as_secs_f64() * 1e3 / f64::from(rounds);
        println!("{name}: {rows} predictions in {millis:.2} ms, at most {MOST_MILLIS}");
        assert!(cfg!(debug_assertions) || millis <= MOST_MILLIS, "{name}: {millis:.2} ms");
    }
}
