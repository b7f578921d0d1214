//! What a whole check leaves in a server's log, and whether it is what `--plan` announced.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{host::Server, world::World};

#[test]
fn a_check_says_what_was_planned_word_for_word() {
    let mut world = World::open([Server::postfix(), Server::postfix()]);
    let options = ["--relay-test", "check@elsewhere.example"];
    let plan = world.plan(&options);
    world.check(&options);
    for host in ["mx1", "mx2"] {
        let planned = plan["visits"].as_array().into_iter().flatten();
        let sure = planned.filter(|visit| {
            visit["only_if"].is_null()
                && visit["host"].as_str().is_some_and(|name| name.starts_with(host))
        });
        let planned: Vec<_> = sure.map(words_planned).collect();
        let lines = world.logged(host, "]: disconnect from ", planned.len());
        let said: Vec<_> = lines.iter().map(|line| words_counted(line)).collect();
        // The second one because the relay test is a visit of its own, and nothing else was seen
        // that calls for one.
        assert_eq!(planned.len(), 2);
        assert_eq!(said, planned, "{host}");
    }
    world.close(&[]);
}

/// How often each word of a planned visit is said where nothing is refused.
fn words_planned(visit: &Value) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for command in visit["commands"].as_array().into_iter().flatten() {
        if !command["only_if"].is_null() {
            continue;
        }
        let line = command["line"].as_str().unwrap_or_default();
        let word = line.split(' ').next().unwrap_or_default();
        *counts.entry(word.to_ascii_lowercase()).or_default() += 1;
    }
    counts
}

/// How often the server counted each: `ehlo=2 starttls=1 mail=1 rcpt=2/3 quit=1 commands=7/8`, where
/// the second number is that of all and the first that of those it did not refuse.
fn words_counted(line: &str) -> BTreeMap<String, usize> {
    let counts = line.split(' ').filter_map(|word| word.split_once('='));
    let counts = counts.filter(|(word, _)| *word != "commands");
    let all = |count: &str| count.rsplit('/').next().and_then(|count| count.parse().ok());
    counts.filter_map(|(word, count)| Some((word.to_owned(), all(count)?))).collect()
}
