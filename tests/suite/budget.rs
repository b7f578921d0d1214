//! The budget: what servers count in a run is what the plan said beforehand, and no more.
//!
//! Every world is played, its plan laid beside the ledger of the servers and beside the transcripts.
//! Longer than most, because each bound is held against every world.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use mxparity::{
    config::{HTTPS, Limits},
    smtp::{Speaker, cause::asks_to_stop},
    survey::{
        Endpoint, Exchange, FaultKind, Host, Observation, Phase, PlannedVisit, Purpose,
        RecipientKind, Stage, Survey, Times, Why,
    },
    tls::ServerFlight,
};

use crate::support::play::{self, Played, play, play_until};

/// The control host: visited before the run, for no domain in particular.
const CONTROL: &str = "203.0.113.10:25";

/// One host at one address: where it lives, and how many places in the MX set the name has.
struct Place<'a> {
    host: &'a Host,
    at: &'a Endpoint,
    /// A name under two preferences is planned twice.
    copies: usize,
}

#[test]
fn every_scenario_keeps_to_its_plan() {
    let worlds = play::scenarios().into_iter().chain(play::demos());
    let complete: usize = worlds.map(|(name, text)| kept(&name, &play(&name, &text))).sum();
    assert!(complete > 80, "only {complete} visits went well");
}

/// What no scenario shows: one server each that takes the run down a path of its own.
#[test]
fn every_path_of_a_visit_is_planned() {
    let mut wrong = Vec::new();
    for (title, keys, purposes) in [
        ("HELO in clear", "ehlo-reply = '502 5.5.1 what', starttls = false", "session confirm"),
        ("HELO refused too", "ehlo-reply = '502 no', helo-reply = '550 no'", "session"),
        ("no HELO after a 4yz", "ehlo-reply = '451 4.3.0 wait'", "session"),
        ("a large hello", "hello-limit = 900", "session classical-hello"),
        ("no hello", "hello-limit = 100", "session classical-hello clear"),
        ("silent at STARTTLS", "faults = { stall = 'start_tls' }", "session clear"),
        ("STARTTLS refused", "starttls-reply = '454 4.7.0 no'", "session confirm"),
        ("greeting refused", "greeting = '554 5.7.1 no'", "session confirm"),
        ("all refused", "rcpt = '550 5.1.1 no', postmaster = '550 5.1.1 no'", "session confirm"),
        ("MAIL refused", "mail = '550 5.7.1 no'", "session"),
        (
            "refused in clear",
            "hello-limit = 100, rcpt = '550 5.1.1 no'",
            "session classical-hello clear confirm",
        ),
        ("dead", "connect = 'refuse'", "session"),
        ("421 at greeting", "greeting = '421 4.3.2 bye'", "session"),
        ("421 at RCPT", "rcpt = '421 4.7.0 bye'", "session"),
        ("421 at RSET", "faults = { shutdown-421 = 'reset' }, starttls = false", "session"),
        ("a rate reply", "mail = '450 4.7.1 Error: too much mail from {client}'", "session"),
    ] {
        let text = format!("{ONE}server = {{ {keys} }}");
        let played = play(title, &text);
        kept(title, &played);
        let made: Vec<String> = played.made.iter().map(|(.., purpose)| word(*purpose)).collect();
        if made.join(" ") != purposes {
            wrong.push(format!("{title}: {}", made.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn questions_of_their_own_are_planned_too() {
    let asked = "[ask]\ndepth = 'full'\nrelay_test = 'somebody@elsewhere.example'\n\
                 rcpt = ['a@one.example', 'b@one.example', 'c@one.example']\n";
    for (title, keys) in [
        ("sound", ""),
        ("two certificates", "second = {}"),
        ("one hidden certificate", "tls-min = '1.3'"),
        ("carries out what it hears in clear", "injection = 'carry-out'"),
        ("refuses commands in one go", "injection = 'refuse'"),
        ("all refused", "rcpt = '550 5.1.1 no', postmaster = '550 5.1.1 no'"),
        ("no hello", "hello-limit = 100"),
        ("dead", "connect = 'unreachable'"),
        ("421 at QUIT", "faults = { shutdown-421 = 'quit' }"),
        ("421 at RSET", "faults = { shutdown-421 = 'reset' }"),
    ] {
        let text = ONE.replacen('\n', &format!("\n{asked}"), 1);
        let played = play(title, &format!("{text}server = {{ {keys} }}"));
        kept(title, &played);
        let last = |purpose| played.made.iter().any(|(.., made)| *made == purpose);
        let stopped = title == "421 at RSET";
        assert_eq!(last(Purpose::NullSender), !stopped, "{title}");
        assert_eq!(last(Purpose::Relay), !stopped, "{title}");
        let spoken = !["no hello", "dead", "421 at RSET"].contains(&title);
        assert_eq!(last(Purpose::Injection), spoken, "{title}");
        let another = ["two certificates", "one hidden certificate"].contains(&title);
        assert_eq!(last(Purpose::OtherCertificate), another, "{title}");
    }
}

#[test]
fn an_interrupted_run_stays_inside_its_plan() {
    let text = format!("{ONE}server = {{ delays = {{ recipient = '30s' }} }}");
    for seconds in [1, 10, 31, 40] {
        let title = format!("interrupted after {seconds} s");
        kept(&title, &play_until(Duration::from_secs(seconds), &title, &text));
    }
}

/// Two refusals end the questions of a session, whoever is left.
#[test]
fn a_session_hears_no_third_refusal() {
    let text = ONE.replacen(
        '\n',
        "\n[ask]\nrcpt = ['a@one.example', 'b@one.example', 'c@one.example', 'd@one.example']\n",
        1,
    );
    let played = play("refusals", &format!("{text}server = {{ rcpt = '550 5.1.1 User unknown' }}"));
    kept("refusals", &played);
    let heard = played.fleet.ledger().heard();
    let of = |number: usize| {
        let lines = heard.iter().filter(move |heard| heard.visit.number == number);
        let lines: Vec<String> = lines.map(|heard| heard.line.to_string()).collect();
        lines.into_iter().filter(|line| line.starts_with("RCPT")).collect::<Vec<_>>()
    };
    assert_eq!(of(1), ["RCPT TO:<a@one.example>", "RCPT TO:<b@one.example>"]);
    assert_eq!(of(2), ["RCPT TO:<a@one.example>"], "the confirmation asks once more about one");
    let first = &played.survey.mx.hosts().next().unwrap().2.addresses[0].observations[0];
    let left = first.recipients.iter().skip(2).map(|recipient| &recipient.outcome);
    assert!(left.clone().count() == 4);
    assert!(left.clone().all(|outcome| *outcome == Stage::NotTried(Why::EnoughRefusals)));
}

/// The second address, the second place in the MX set, the second name: one server behind all.
#[test]
fn a_host_that_asks_us_to_stop_is_left_alone_everywhere() {
    let busy = "{ greeting = '421 4.7.0 Error: too many connections from {client}' }";
    for (title, hosts, made) in [
        (
            "another address of it, whose refusal would be confirmed",
            format!(
                "[[mx]]\npreference = 10\nhost = 'mx.one.example'\n\
                 addresses = ['192.0.2.1', '192.0.2.2']\n\
                 server = {{ delays = {{ greeting = '3s' }}, rcpt = '550 5.1.1 no' }}\n\
                 at.'192.0.2.1' = {busy}\n"
            ),
            "192.0.2.1 192.0.2.2",
        ),
        (
            "the same name in another tier",
            format!(
                "[[mx]]\npreference = 10\nhost = 'mx.one.example'\nserver = {busy}\n\
                 [[mx]]\npreference = 20\nhost = 'mx.one.example'\n"
            ),
            "192.0.2.1",
        ),
        (
            "another name at the same address",
            format!(
                "[[mx]]\npreference = 10\nhost = 'a.one.example'\naddresses = ['192.0.2.1']\n\
                 server = {busy}\n\
                 [[mx]]\npreference = 20\nhost = 'b.one.example'\naddresses = ['192.0.2.1']\n"
            ),
            "192.0.2.1",
        ),
    ] {
        let played = play(title, &format!("domain = 'one.example'\n{hosts}"));
        kept(title, &played);
        let visited: Vec<String> =
            played.made.iter().map(|(_, to, _)| to.ip().to_string()).collect();
        assert_eq!(visited.join(" "), made, "{title}");
    }
}

/// A domain with one host; a server follows.
const ONE: &str = "domain = 'one.example'\n[[mx]]\nhost = 'mx.one.example'\n";

fn word(purpose: Purpose) -> String {
    serde_json::to_value(purpose).unwrap().as_str().unwrap().to_owned()
}

/// Proves that a run kept to its plan, to its pauses and to its manners. Returns how many of its visits
/// went well from beginning to end.
#[track_caller]
fn kept(title: &str, played: &Played) -> usize {
    for place in places(&played.survey) {
        visits_are_planned(title, played, &place);
        for visit in &place.at.observations {
            leaves_politely(title, visit);
        }
    }
    rests(title, &played.survey);
    servers_counted_what_was_planned(title, played)
}

fn hosts(survey: &Survey) -> impl Iterator<Item = &Host> {
    survey.mx.hosts().map(|(_, _, host)| host).chain(&survey.also)
}

fn places(survey: &Survey) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for host in hosts(survey) {
        let copies = hosts(survey).filter(|other| other.name == host.name).count();
        places.extend(host.addresses.iter().map(|at| Place { host, at, copies }));
    }
    places
}

/// What was planned for one host at one address, whichever place in the MX set it has.
fn planned<'a>(played: &'a Played, place: &Place<'_>) -> Vec<&'a PlannedVisit> {
    let here =
        |visit: &&PlannedVisit| visit.host == place.host.name && visit.address == place.at.address;
    let all: Vec<_> = played.plan.visits.iter().filter(here).collect();
    all[..all.len() / place.copies].to_vec()
}

/// The visits made are planned, in that order, and each had its reason; none is missing that was
/// to be made in any case.
fn visits_are_planned(title: &str, played: &Played, place: &Place<'_>) {
    let title = format!("{title}: {} {}", place.host.name, place.at.address);
    let seen = &place.at.observations;
    let mut made = seen.iter().enumerate().peekable();
    let complete = played.survey.ending == mxparity::survey::Ending::Complete;
    let may_stop = !complete || left_alone(&played.survey, place);
    for plan in planned(played, place) {
        let suites: BTreeSet<_> =
            place.at.choices().map(|(_, choice)| (choice.version, choice.suite)).collect();
        let most = match plan.times {
            Times::Once => 1,
            Times::AtMost(most) => most,
            Times::SuitesAnd(more) => more + suites.len(),
        };
        let mut times = 0;
        while times < most
            && let Some((at, visit)) = made.next_if(|(_, visit)| visit.purpose == plan.purpose)
        {
            times += 1;
            let called = plan.only_if.is_none() || calls_for(visit.purpose, &seen[..at]);
            assert!(called, "{title}: nothing called for {}", visit.purpose);
        }
        let owed = plan.only_if.is_none() || calls_for(plan.purpose, seen);
        assert!(times > 0 || !owed || may_stop, "{title}: {} is missing", plan.purpose);
    }
    let beyond: Vec<_> = made.map(|(_, visit)| visit.purpose).collect();
    assert!(beyond.is_empty(), "{title}: {beyond:?} were not planned");
}

/// Whether what was seen calls for a conditional visit, in the words of its condition.
fn calls_for(purpose: Purpose, seen: &[Observation]) -> bool {
    let broke = |visit: &Observation, phases: &[Phase]| {
        visit.tls.broke().is_some_and(|fault| phases.contains(&fault.phase))
    };
    let last_broke = |phases| {
        seen.iter()
            .rev()
            .find(|visit| matches!(visit.purpose, Purpose::Session | Purpose::ClassicalHello))
            .is_some_and(|visit| broke(visit, phases))
    };
    match purpose {
        Purpose::ClassicalHello => {
            seen.first().is_some_and(|visit| broke(visit, &[Phase::Handshake]))
        }
        Purpose::Clear => {
            let silent = seen.first().is_some_and(|visit| broke(visit, &[Phase::StartTls]));
            let twice = seen.iter().any(|visit| visit.purpose == Purpose::ClassicalHello);
            silent || twice && last_broke(&[Phase::StartTls, Phase::Handshake])
        }
        Purpose::Confirm => seen.iter().any(|visit| {
            let unwelcome = |recipient: &mxparity::survey::Recipient| {
                recipient.kind == RecipientKind::Real && recipient.outcome.declined().is_some()
            };
            visit.greeting.declined().is_some()
                || visit.ehlo_refused().is_some()
                || visit.tls.declined().is_some()
                || visit.tls == Stage::NotTried(Why::NotOffered)
                || visit.recipients.iter().any(unwelcome)
        }),
        Purpose::Floor => seen.iter().any(|visit| visit.tls.was_tried()),
        Purpose::Injection | Purpose::OtherCertificate => {
            let asked = || seen.iter().filter_map(|visit| visit.floor.as_ref());
            let leaf = |exchange: &Exchange| match exchange.answer.reached() {
                Some(ServerFlight::Chose(choice)) => Some(choice.leaf.clone()?.key.algorithm),
                _ => None,
            };
            let mut leaves: Vec<String> = asked().filter_map(leaf).collect();
            leaves.sort_unstable();
            leaves.dedup();
            let another = leaves.len() != 1;
            seen.iter().any(|visit| visit.tls.reached().is_some())
                && asked().all(|exchange| exchange.answer.reached().is_some())
                && (purpose == Purpose::Injection || another)
        }
        other => panic!("{other} has no condition"),
    }
}

/// Whether the host, or the server at this address, asked us to stop.
fn left_alone(survey: &Survey, place: &Place<'_>) -> bool {
    let asked = |visit: &Observation| {
        let quit = visit.quit.reached();
        let refusals = visit.replies().filter(|(.., reply)| Some(*reply) != quit);
        refusals.into_iter().any(|(.., reply)| !reply.is_positive() && asks_to_stop(reply))
    };
    places(survey)
        .iter()
        .filter(|other| other.host.name == place.host.name || other.at.address == place.at.address)
        .any(|other| other.at.observations.iter().any(asked))
}

/// No third refusal, and QUIT last wherever there was somebody to say it to.
fn leaves_politely(title: &str, visit: &Observation) {
    let said = visit.transcript.lines().filter(|(_, line)| line.who == Speaker::Client);
    let said: Vec<String> = said.map(|(_, line)| line.text.to_string()).collect();
    let refused =
        visit.recipients.iter().filter(|recipient| recipient.outcome.declined().is_some());
    assert!(refused.count() <= 2, "{title}: {said:?}");
    let lives = |fault: &mxparity::survey::Fault| {
        use FaultKind::{Interrupted, NotSmtp, OutOfTime, TimedOut};
        matches!(fault.kind, Interrupted | NotSmtp(_) | OutOfTime | TimedOut)
            && fault.phase != Phase::Handshake
    };
    if said.is_empty() || !visit.faults().all(lives) {
        return;
    }
    let last = said.last().map(String::as_str);
    if visit.purpose == Purpose::Floor && last == Some("STARTTLS") {
        return; // The answer to the hello ends the visit, as it ends a handshake that fails.
    }
    assert_eq!(last, Some("QUIT"), "{title}: {said:?}");
    let whole = visit.faults().next().is_none()
        && !visit.replies().any(|(_, _, reply)| !reply.is_positive() && asks_to_stop(reply));
    if whole && visit.sender.reached().is_some() {
        assert_eq!(said[said.len() - 2], "RSET", "{title}: {said:?}");
    }
}

/// One connection at a time to an address, and the pause between any two.
fn rests(title: &str, survey: &Survey) {
    let mut times: BTreeMap<_, Vec<(u64, u64)>> = BTreeMap::new();
    for place in places(survey) {
        let visits = place.at.observations.iter();
        let spans = visits.map(|visit| (visit.began_ms, visit.began_ms + visit.took_ms));
        times.entry(place.at.address).or_default().extend(spans);
    }
    let pause = u64::try_from(Limits::default().pause.as_millis()).unwrap();
    for (address, mut spans) in times {
        spans.sort_unstable();
        for pair in spans.windows(2) {
            assert!(pair[1].0 >= pair[0].1 + pause, "{title}: {address} got no rest: {spans:?}");
        }
    }
}

/// Every connection a server counted is a visit that was made, and every command it heard stands in
/// the plan of that visit, in that order. None is missing where nothing went wrong.
fn servers_counted_what_was_planned(title: &str, played: &Played) -> usize {
    let control: SocketAddr = CONTROL.parse().unwrap();
    let ledger = played.fleet.ledger();
    let mut commands: BTreeMap<(SocketAddr, usize), Vec<String>> = BTreeMap::new();
    for heard in ledger.heard() {
        let visit = commands.entry((heard.visit.to, heard.visit.number)).or_default();
        visit.push(heard.line.to_string());
    }
    let (mut connections, mut handshakes, mut words) = (0, 0, 0);
    let mut complete = 0;
    for (to, count) in ledger.visits() {
        if to == control {
            let heard = commands.remove(&(to, 1)).unwrap_or_default();
            assert!(count == 1 && (heard == ["QUIT"] || heard.is_empty()), "{title}: {heard:?}");
            continue;
        }
        if to.port() == HTTPS {
            assert!(count == 1 && played.plan.policy_url.is_some(), "{title}: {count} to {to}");
            continue;
        }
        let made: Vec<_> = played.made.iter().filter(|(_, at, _)| *at == to).collect();
        assert_eq!(made.len(), count, "{title}: connections to {to}");
        connections += count;
        for (number, (host, _, purpose)) in (1..).zip(made) {
            let plan = played.plan.visits.iter().find(|visit| {
                visit.host == *host && visit.address == to.ip() && visit.purpose == *purpose
            });
            let plan = plan.unwrap_or_else(|| panic!("{title}: {purpose} to {to} is not planned"));
            let heard = commands.remove(&(to, number)).unwrap_or_default();
            words += heard.len();
            handshakes += heard.iter().filter(|line| *line == "STARTTLS").count();
            let mut rest = plan.commands.iter();
            for line in &heard {
                let found = rest.any(|command| command.line == *line);
                assert!(found, "{title}: {to} heard in {purpose}, unplanned: {line} of {heard:?}");
            }
            let sure = plan.commands.iter().filter(|command| command.only_if.is_none());
            let sure: Vec<&String> = sure.map(|command| &command.line).collect();
            let said = heard.iter().filter(|line| sure.contains(line)).count();
            if went_well(visit_of(played, to, number), plan) {
                assert_eq!(said, sure.len(), "{title}: {to} in {purpose}: {heard:?} of {sure:?}");
                complete += 1;
            }
        }
    }
    assert!(commands.is_empty(), "{title}: {commands:?} in no visit");
    let total = played.plan.total;
    // The sums leave out what only the servers can tell.
    let suites = if total.visits_for_suites > 0 { suites_taken(&played.survey) } else { 0 };
    let (most, shaken) = (total.connections_at_most + suites, total.handshakes_at_most + suites);
    let floor = played.plan.visits.iter().filter(|visit| visit.purpose == Purpose::Floor);
    let for_each = floor.map(|visit| visit.commands.len()).max().unwrap_or_default();
    let said = total.commands_at_most + suites * for_each;
    assert!(connections <= most, "{title}: {connections} of {total:?} and {suites} suites");
    assert!(handshakes <= shaken, "{title}: {handshakes} of {total:?} and {suites} suites");
    assert!(words <= said, "{title}: {words} of {total:?} and {suites} suites");
    complete
}

/// The visit with this number, of all that were made to the server at `to`.
fn visit_of(played: &Played, to: SocketAddr, number: usize) -> &Observation {
    let here = places(&played.survey).into_iter().filter(|place| place.at.address == to.ip());
    let mut visits: Vec<&Observation> =
        here.flat_map(|place| place.at.observations.iter()).collect();
    visits.sort_by_key(|visit| visit.began_ms);
    visits[number - 1]
}

/// Whether nothing broke, nothing was refused, and TLS was there where it was wanted.
fn went_well(visit: &Observation, plan: &PlannedVisit) -> bool {
    let encrypts = plan.commands.iter().any(|command| command.line == "STARTTLS");
    let encrypted = visit.tls.reached().is_some()
        || visit.floor.as_ref().is_some_and(|exchange| exchange.answer.reached().is_some())
        || visit.injection.as_ref().is_some_and(|stage| stage.reached().is_some());
    visit.faults().next().is_none()
        && visit.replies().all(|(_, _, reply)| reply.is_positive())
        && (encrypted || !encrypts)
}

/// The cipher suites that the addresses were seen to take, each once in each of its versions.
fn suites_taken(survey: &Survey) -> usize {
    let at = |place: &Place<'_>| {
        let choices = place.at.choices().map(|(_, choice)| (choice.version, choice.suite));
        choices.collect::<BTreeSet<_>>().len()
    };
    places(survey).iter().map(at).sum()
}
