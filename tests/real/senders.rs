//! Real senders, each told to deliver a message to domains whose hosts fail in every way: what they did
//! by their own logs, against what the forecast said they would do.
//!
//! The senders are Debian's Postfix (opportunistic, by DANE, and by the policies that MTA-STS would give
//! it) and Debian's Exim, at a first attempt and at a later one. Where they are told what the forecast
//! has a scenario for, the survey is of the hosts while all was well. They send their own message to
//! hosts of this test, which drop it; mxparity sends none.
//!
//! A disagreement that [`DISAGREEMENTS`] does not explain fails, and so does one that did not occur.

mod exim;
mod postfix;
mod scenes;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
};

use scenes::{SCENES, Scene, Told};
use serde_json::Value;
use stage::Stage;

use crate::world::World;

/// What became of a message, in the words of the forecast.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Bounced,
    Deferred,
    Delivered,
}

/// How the message was protected that was delivered. Encrypted to a certificate that nobody insisted on
/// is no more than encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Privacy {
    Clear,
    Encrypted,
    Verified,
}

/// One attempt of one sender, by its log.
struct Attempt {
    outcome: Outcome,
    privacy: Privacy,
    /// The addresses that were tried, in order; the last one decided.
    tried: Vec<IpAddr>,
    /// What the log says of it.
    words: String,
}

/// What a sender did with one message, by the name of its model.
struct Deed {
    sender: &'static str,
    /// With a new message.
    first: Attempt,
    /// With one that had waited.
    later: Attempt,
}

/// What all senders did in all scenes, by the name of the scene.
type Truth = BTreeMap<&'static str, Vec<Deed>>;

/// Reports by domain.
type Reports = BTreeMap<String, Value>;

/// Where a sender does otherwise than its model.
struct Disagreement {
    scene: &'static str,
    sender: &'static str,
    why: &'static str,
}

const DISAGREEMENTS: &[Disagreement] = &[
    Disagreement { scene: "families-uneven", sender: "postfix", why: BALANCED },
    Disagreement { scene: "families-uneven", sender: "postfix-dane", why: BALANCED },
];

const BALANCED: &str = "shares the five addresses out between the families and drops one of the \
                        four IPv6 addresses of the primary, so that it comes to the backup";

/// No fewer went as forecast, and of no more nothing was foretold.
const AGREEMENTS: usize = 495;
const UNPROVEN: usize = 24;

#[test]
fn senders_do_what_the_forecast_says() {
    let stage = Stage::set();
    let mut world = World::of_zones(stage.zones());
    world.start_resolver();
    world.start_policy_hosts(&SCENES.iter().filter_map(Scene::mta_sts).collect::<Vec<_>>());
    world.take(&stage.addresses());
    let mut postfix = postfix::Sender::start(&world, &stage.anchor());
    let mut exim = exim::Sender::start(&world, &stage.anchor(), "first");
    let mut patient_exim = exim::Sender::start(&world, &stage.anchor(), "later");

    // While nobody is at any port, what can wait is put off.
    patient_exim.send();
    postfix.send(true);
    postfix.wait(true, 1);
    patient_exim.wait();

    let usual = world.start_cast(&stage.parts(|host| host.usually), stage.keys());
    let told = |scene: &&Scene| matches!(scene.told, Told::Before(_));
    let mut before = check(&world, &stage, SCENES.iter().filter(told), &[]);
    for scene in SCENES.iter().filter(|scene| matches!(scene.told, Told::Supposing(_))) {
        before.extend(check(&world, &stage, [scene], &scene.supposed()));
    }
    usual.end();

    world.forsake(&stage.absent());
    let then = world.start_cast(&stage.parts(|host| host.then), stage.keys());
    exim.send();
    patient_exim.again();
    postfix.send(false);
    postfix.again();
    let today = check(&world, &stage, SCENES, &[]);
    postfix.wait(false, 1);
    postfix.wait(true, 2);
    exim.wait();
    patient_exim.wait();
    then.end();

    let mut truth = postfix.truth();
    for (scene, deed) in exim::truth(&exim, &patient_exim) {
        truth.entry(scene).or_default().push(deed);
    }
    compare(&truth, &stage, &before, &today);
}

/// Checks the domains of these scenes, by a resolver and roots of this world, with what is supposed of
/// their hosts.
fn check<'a>(
    world: &World,
    stage: &Stage,
    scenes: impl IntoIterator<Item = &'a Scene>,
    supposed: &[String],
) -> Reports {
    let domains: Vec<String> = scenes.into_iter().map(Scene::domain).collect();
    let anchors = [stage.anchor(), world.anchor()].map(|file| fs::read_to_string(file).unwrap());
    let file = stage.keys().join("anchors");
    fs::write(&file, anchors.concat()).unwrap();
    let mut options = world.anchored().to_vec();
    let more = ["--resolver", "127.0.0.53", "--ca-file", &file.display().to_string()];
    options.extend(more.map(str::to_owned));
    options.extend(supposed.iter().flat_map(|words| ["--what-if".to_owned(), words.clone()]));
    world.check_all(&domains, &options)
}

/// Holds what every sender did against the rows of the forecast that are about it.
fn compare(truth: &Truth, stage: &Stage, before: &Reports, today: &Reports) {
    let (mut agreements, mut unproven) = (0, 0);
    let (mut unlisted, mut listed) = (Vec::new(), BTreeSet::new());
    for scene in SCENES {
        let mut asked = vec![("today".to_owned(), &today[&scene.domain()])];
        asked.extend(scene.scenario().map(|scenario| (scenario, &before[&scene.domain()])));
        for (scenario, report) in asked {
            print!("{:20} {scenario:32}", scene.name);
            for deed in &truth[scene.name] {
                let sender = deed.sender;
                let did = deed.told(scene, stage);
                let foretold = foretold(report, scene, sender, &scenario);
                let mark = if foretold.contains(&did) {
                    agreements += 1;
                    '='
                } else if foretold.iter().any(|row| row == "unproven") {
                    unproven += 1;
                    '?'
                } else {
                    let of_this =
                        |known: &Disagreement| (known.scene, known.sender) == (scene.name, sender);
                    match DISAGREEMENTS.iter().position(of_this) {
                        Some(known) => drop(listed.insert(known)),
                        None => unlisted.push(format!(
                            "{}, {scenario}, {sender}: {did}, not {foretold:?}: {}, and later {}",
                            scene.name, deed.first.words, deed.later.words
                        )),
                    }
                    '!'
                };
                print!(" {sender}: {did:19}{mark}");
            }
            println!();
        }
    }
    let explained = listed.len();
    println!("{agreements} as forecast, {unproven} unproven, {explained} otherwise and explained");
    assert!(unlisted.is_empty(), "{} not listed: {unlisted:#?}", unlisted.len());
    for (at, Disagreement { scene, sender, why }) in DISAGREEMENTS.iter().enumerate() {
        assert!(listed.contains(&at), "no longer: {scene}, {sender}: {why}");
    }
    assert!(agreements >= AGREEMENTS && unproven <= UNPROVEN, "{agreements}, {unproven}");
}

/// What the forecast says of one sender, the only fate of the message or its best and its worst, each as
/// short as [`Deed::told`] says it.
#[track_caller]
fn foretold(report: &Value, scene: &Scene, sender: &str, scenario: &str) -> Vec<String> {
    let rows = report["forecast"].as_array().into_iter().flatten();
    let rows = rows.filter(|row| row["sender"] == sender && row["scenario"] == scenario);
    let word = |row: &Value, field: &str| row[field].as_str().expect("a word").to_owned();
    let told = |row: &Value| {
        if row["outcome"] != "delivered" {
            return word(row, "outcome");
        }
        let number = (1..).zip(scene.hosts).find(|(number, _)| row["host"] == scene.host(*number));
        let preference = number.map_or(0, |(_, host)| host.preference);
        let later = if row["attempt"] == "later" { " later" } else { "" };
        format!("{preference} {}{later}", word(row, "privacy"))
    };
    let told: Vec<String> = rows.map(told).collect();
    assert!(!told.is_empty(), "{}: nothing about {sender}, {scenario}", scene.name);
    told
}

impl Deed {
    /// What became of the message in few words: at once, or when it came back. Hosts of one preference
    /// are the same here: senders draw lots.
    fn told(&self, scene: &Scene, stage: &Stage) -> String {
        let (attempt, later) = match self.first.outcome {
            Outcome::Deferred => (&self.later, " later"),
            Outcome::Bounced | Outcome::Delivered => (&self.first, ""),
        };
        let privacy = match (attempt.outcome, attempt.privacy) {
            (Outcome::Bounced, _) => return "bounced".to_owned(),
            (Outcome::Deferred, _) => return "deferred".to_owned(),
            (Outcome::Delivered, Privacy::Clear) => "clear",
            (Outcome::Delivered, Privacy::Encrypted) => "encrypted",
            (Outcome::Delivered, Privacy::Verified) => "verified",
        };
        let number = attempt.tried.last().and_then(|address| stage.number(scene, *address));
        let number = number.unwrap_or_else(|| panic!("by no host: {}", attempt.words));
        format!("{} {privacy}{later}", scene.hosts[number - 1].preference)
    }
}

/// The first address in brackets.
fn bracketed(text: &str) -> Option<IpAddr> {
    text.split('[').skip(1).find_map(|rest| rest.split(']').next()?.parse().ok())
}
