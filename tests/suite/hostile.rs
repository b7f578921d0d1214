//! What any octets from a server may do to a parser: be read or be refused, in any pieces, within bounds.
//!
//! Holds the targets of the fuzzer to recorded answers and to the same mutations of them every time;
//! the fuzzer itself, which looks further, is `tests/fuzz/run`.

use std::{fmt::Write as _, path::PathBuf};

use mxparity::tls::{Choice, Leaf, ServerFlight};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    fuzz::{
        seeds,
        targets::{TARGETS, read},
    },
    support::golden,
};

/// One thing that happens to octets on their way to a parser.
#[derive(Clone, Debug)]
enum Harm {
    /// An octet becomes another.
    Change { at: usize, octet: u8 },
    /// A bit turns, which is how lengths come to lie by a power of two.
    Turn { at: usize, bit: u8 },
    /// Octets come in between.
    Insert { at: usize, octets: Vec<u8> },
    /// A part is said again at the end.
    Repeat { at: usize, length: usize },
    /// A part is missing.
    Lose { at: usize, length: usize },
    /// Nothing comes any more.
    End { at: usize },
}

impl Harm {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<usize>;
        prop_oneof![
            (at(), any::<u8>()).prop_map(|(at, octet)| Self::Change { at, octet }),
            (at(), 0u8..8).prop_map(|(at, bit)| Self::Turn { at, bit }),
            (at(), prop::collection::vec(any::<u8>(), 1..9))
                .prop_map(|(at, octets)| Self::Insert { at, octets }),
            (at(), 1usize..600).prop_map(|(at, length)| Self::Repeat { at, length }),
            (at(), 1usize..600).prop_map(|(at, length)| Self::Lose { at, length }),
            at().prop_map(|at| Self::End { at }),
        ]
    }

    fn befall(&self, octets: &mut Vec<u8>) {
        let place = |at: usize| at % (octets.len() + 1);
        let part = |at: usize, length: usize| {
            place(at)..place(at).saturating_add(length).min(octets.len())
        };
        match self {
            Self::Change { at, octet } => {
                let at = place(*at);
                octets.splice(at..octets.len().min(at + 1), [*octet]);
            }
            Self::Turn { at, bit } => {
                let at = place(*at);
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << bit;
                }
            }
            Self::Insert { at, octets: more } => {
                let at = place(*at);
                octets.splice(at..at, more.iter().copied());
            }
            Self::Repeat { at, length } => octets.extend_from_within(part(*at, *length)),
            Self::Lose { at, length } => drop(octets.drain(part(*at, *length))),
            Self::End { at } => octets.truncate(place(*at)),
        }
    }
}

fn fixtures() -> PathBuf {
    golden::fixture("")
}

/// The same cases every time: what is found here is found again by whoever looks.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn recorded() -> Vec<(String, Vec<u8>)> {
    let flights = seeds::flights(&fixtures());
    assert!(flights.len() >= 15, "{} flights", flights.len());
    flights
}

/// The choice that a flight tells of, whole or cut short.
fn choice(flight: &ServerFlight) -> Option<&Choice> {
    match flight {
        ServerFlight::Chose(choice) => Some(choice),
        ServerFlight::Refused { .. } => None,
    }
}

#[test]
fn a_recorded_flight_tells_what_the_server_chose() {
    let mut told = String::new();
    for (name, flight) in recorded() {
        let (answer, _) = read([&flight[..]]);
        let answer = answer.unwrap().unwrap_or_else(|| panic!("{name} is no whole answer"));
        writeln!(told, "{name}: {answer}").unwrap();
        let Some(choice) = choice(&answer) else { continue };
        if let Some(leaf) = &choice.leaf {
            let (of, Leaf { subject, key, signature, .. }) = (choice.certificates, leaf);
            writeln!(told, "  first of {of}: {subject}, {key}, {signature}").unwrap();
        }
        if let Some(sentinel) = choice.downgrade_sentinel {
            writeln!(told, "  held {sentinel:?}").unwrap();
        }
    }
    golden::compare("flights/told.txt", &told);
}

#[test]
fn in_any_pieces_a_recorded_flight_says_the_same() {
    for (name, flight) in recorded() {
        let whole = read([&flight[..]]);
        for cut in 0..=flight.len() {
            let (head, tail) = flight.split_at(cut);
            assert_eq!(read([head, tail]), whole, "{name} cut at {cut}");
        }
        for length in [1, 2, 3, 5, 64, 511] {
            assert_eq!(read(flight.chunks(length)), whole, "{name} in pieces of {length}");
        }
    }
}

#[test]
fn a_flight_cut_short_says_less_but_nothing_else() {
    for (name, flight) in recorded() {
        let (whole, _) = read([&flight[..]]);
        let whole = whole.unwrap().unwrap_or_else(|| panic!("{name} is no whole answer"));
        for length in 0..flight.len() {
            match read([&flight[..length]]) {
                (Ok(Some(answer)), None) => assert_eq!(answer, whole, "{name} up to {length}"),
                (Ok(None), None) => {}
                (Ok(None), Some(ServerFlight::Chose(known))) => {
                    let gist =
                        |choice: &Choice| (choice.version, choice.suite, choice.agreed.clone());
                    assert_eq!(
                        Some(gist(&known)),
                        choice(&whole).map(gist),
                        "{name} up to {length}"
                    );
                }
                other => panic!("{name} up to {length}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_parser_keeps_its_promises_whatever_befalls_a_recording() {
    for target in TARGETS {
        let seeds = (target.seeds)(&fixtures());
        assert!(seeds.len() >= 5, "{}: {} seeds", target.name, seeds.len());
        for seed in &seeds {
            (target.hold)(seed);
        }
        let harmed = (prop::sample::select(seeds), prop::collection::vec(Harm::any(), 1..4));
        let outcome = runner(2_000).run(&harmed, |(mut octets, harms)| {
            for harm in harms {
                harm.befall(&mut octets);
            }
            (target.hold)(&octets);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", target.name));
    }
}
