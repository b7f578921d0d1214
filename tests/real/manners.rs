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

/// What Debian's fail2ban counts against the prober: the refused recipient that does not exist, which
/// its default mode counts as well, and in two modes the visits that end with their TLS hello.
#[test]
fn fail2ban_counts_the_nonsense_recipient_and_the_floor_and_nothing_else() {
    let strict = "smtpd_tls_protocols = >=TLSv1.2\n\
                  tls_medium_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20";
    let lax = "smtpd_tls_protocols = >=TLSv1\ntls_medium_cipherlist = ALL:@SECLEVEL=0\n\
               tls_preempt_cipherlist = yes";
    let mut world = World::open([Server::postfix().with(strict), Server::postfix().with(lax)]);
    // Refused recipients and floor visits so far, of mx1 and of mx2. The aggressive mode counts what
    // any of the others does.
    let every = &["normal", "more", "extra", "ddos", "aggressive"][..]; // "more" is Debian's choice.
    let widest = &every[4..];
    for (options, modes, counts) in [
        (&["--depth", "session", "--no-nonsense"][..], widest, [(0, 0), (0, 0)]),
        (&["--depth", "session"], widest, [(1, 0), (1, 0)]),
        (&["--depth", "floor", "--pause", "0"], every, [(2, 3), (2, 6)]),
    ] {
        world.check(options);
        for (host, (refused, floor)) in ["mx1", "mx2"].into_iter().zip(counts) {
            world.logged(host, "lost connection after STARTTLS from ", floor);
            for mode in modes {
                let lines = world.counted_by_fail2ban(host, mode);
                let with = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
                let counted = [
                    with(": 550 5.1.1 <mxparity-no-such-"),
                    with(": lost connection after STARTTLS "),
                    lines.len(),
                ];
                let refused = if *mode == "ddos" { 0 } else { refused };
                let floor = if ["ddos", "aggressive"].contains(mode) { floor } else { 0 };
                let expected = [refused, floor, refused + floor];
                assert_eq!(counted, expected, "{host} {mode} {options:?}: {lines:#?}");
            }
        }
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
