//! Cells about encryption: whether it is offered, what it agreed on, whom it proved.
//!
//! Says what is there; whether that is enough depends on promises, which `rules` know.

use std::fmt::Display;

use super::{Cell, Key, NOT_APPLICABLE, NOT_ASKED, UNKNOWN, asked};
use crate::{
    report::words,
    rules::{Spot, View},
    smtp::cause::Moment,
    survey::{Depth, Fault, FaultKind, Injected, Least, Phase, SecondTry, Stage, reading::Offer},
    tls::{Handshake, SuiteClass, TlsVersion, TrustFlaw},
};

/// What an address that refuses EHLO shows where STARTTLS would be: HELO has no extensions.
const HELO_ONLY: &str = "EHLO refused";

/// The first row that fails for a host without EHLO, so it also tells how EHLO ended.
pub fn starttls(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    match spot.endpoint.starttls() {
        Offer::Always => Cell::plain("offered", "offered"),
        Offer::Sometimes => Cell::bad("now and then", "sometimes"),
        Offer::Never { .. } => Cell::bad("not offered", "never"),
        Offer::Masked(mask) => Cell::bad(format!("masked as {mask}"), "masked"),
        Offer::Unknown if spot.endpoint.hello().is_some() => Cell::bad(HELO_ONLY, "helo"),
        Offer::Unknown => asked(view, spot, Moment::Hello, |visit| &visit.hello),
    }
}

/// The version, or how the way there ended.
pub fn version(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        let version = handshake.version;
        // RFC 8996 §4, §5: TLS 1.0 and 1.1 must not be used.
        let make = if version < TlsVersion::Tls12 { Cell::bad } else { Cell::plain };
        return make(version.to_string(), version.to_string());
    }
    match spot.endpoint.starttls() {
        Offer::Never { .. } | Offer::Masked(_) => Cell::remark(NOT_APPLICABLE),
        Offer::Unknown if spot.endpoint.hello().is_some() => Cell::remark(NOT_APPLICABLE),
        Offer::Unknown => Cell::unknown(UNKNOWN),
        Offer::Always | Offer::Sometimes => asked(view, spot, Moment::StartTls, |visit| &visit.tls),
    }
}

/// The oldest version taken.
pub fn oldest(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let oldest = spot.endpoint.oldest_version();
    oldest.map_or_else(
        || unasked(view, spot, Depth::Floor),
        |oldest| least(&oldest, &TlsVersion::ALL, |version| *version < TlsVersion::Tls12),
    )
}

/// The weakest class of cipher suites taken.
pub fn weakest_class(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let worst = spot.endpoint.worst_class();
    worst.map_or_else(
        || unasked(view, spot, Depth::Floor),
        |worst| least(&worst, &SuiteClass::ALL, |class| class.is_weak()),
    )
}

/// The weakest key exchange met.
pub fn weakest_exchange(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let Some((_, exchange)) = spot.endpoint.weakest_exchange() else {
        return unasked(view, spot, Depth::Floor);
    };
    let is_weak = exchange.strength().is_some_and(|bits| bits < 112);
    let make = if is_weak { Cell::bad } else { Cell::plain };
    make(exchange.to_string(), exchange.to_string())
}

/// Whether the server notices a hello that calls itself a second try; only the fullest run asks.
pub fn second_try(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    match spot.endpoint.second_try() {
        Some((_, SecondTry::Refused(_))) => Cell::plain("noticed", "noticed"),
        Some((_, SecondTry::Taken(choice))) if choice.downgrade_sentinel.is_some() => {
            Cell::plain(format!("{} taken, and marked", choice.version), "marked")
        }
        Some((_, SecondTry::Taken(choice))) => {
            Cell::bad(format!("{} taken", choice.version), "taken")
        }
        None => unasked(view, spot, Depth::Full),
    }
}

/// What becomes of a command in clear behind STARTTLS. All that is safe is alike.
pub fn injection(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let mut visits = spot.endpoint.observations.iter();
    let Some(stage) = visits.find_map(|visit| visit.injection.as_ref()) else {
        return unasked(view, spot, Depth::Full);
    };
    let safe = |words: &str| Cell::plain(words, "safe");
    match stage {
        Stage::Reached(Injected::AnsweredInside(_)) => Cell::bad("carried out inside TLS", "bad"),
        Stage::Reached(Injected::AnsweredInClear(_)) => safe("answered in clear"),
        Stage::Reached(Injected::Dropped) => safe("dropped"),
        Stage::Declined(_) => safe("STARTTLS refused"),
        Stage::Broke(Fault {
            phase: Phase::StartTls | Phase::Handshake,
            kind: FaultKind::Closed | FaultKind::Reset,
            ..
        }) => safe("hangs up"),
        Stage::Broke(fault) => Cell::unknown(fault.kind.to_string()),
        Stage::NotTried(why) => Cell::unknown(format!("{UNKNOWN} {why}")),
    }
}

/// The weakest of its kind, in an `order` that begins with the weakest.
fn least<T: Display + PartialEq>(
    least: &Least<'_, T>,
    order: &[T],
    is_bad: impl Fn(&T) -> bool,
) -> Cell {
    let make = if is_bad(&least.value) { Cell::bad } else { Cell::plain };
    let place = |value: &T| order.iter().position(|one| one == value);
    let key = place(&least.bound).zip(place(&least.value));
    let key = key.map(|(bound, seen)| Key::Within { bound, seen });
    Cell { key, ..make(least.to_string(), String::new()) }
}

/// What visits would have shown that are made from depth `from` on.
fn unasked(view: &View<'_>, spot: &Spot<'_>, from: Depth) -> Cell {
    let above = version(view, spot);
    match view.survey.asked.depth {
        depth if depth < from => Cell::unknown(NOT_ASKED),
        _ if above.text == NOT_APPLICABLE => above,
        _ => Cell::unknown(UNKNOWN),
    }
}

pub fn key_exchange(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    within(view, spot, |handshake| match &handshake.group {
        Some(group) => Cell::plain(group, group),
        None => Cell::unknown(UNKNOWN),
    })
}

/// Trusted or not, by everything a verifying sender looks at. Days are counted from the beginning
/// of the run, so that a stored report does not change with time.
pub fn certificate(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    within(view, spot, |handshake| {
        if handshake.is_verified() {
            let left = handshake.leaf().not_after.duration_since(view.survey.began);
            // A trusted certificate has not expired, so the number is not below zero.
            let days = usize::try_from(left.as_hours() / 24).unwrap_or_default();
            let days = words::count(days, "day", "days");
            return Cell::plain(format!("trusted, {days} left"), "trusted");
        }
        let flaws: Vec<String> = handshake.trust.iter().map(words::flaw).collect();
        // Two hosts whose certificates expired on different days have the same fault.
        let kinds: Vec<&str> = handshake.trust.iter().map(words::kind_of_flaw).collect();
        // Most mail hosts of the world show certificates that do not verify, and senders take
        // them; one that ran out was good once and was forgotten.
        let expired = handshake.trust.iter().any(|flaw| matches!(flaw, TrustFlaw::Expired { .. }));
        let make = if expired { Cell::bad } else { Cell::plain };
        make(flaws.join(", "), kinds.join(" "))
    })
}

pub fn public_key(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    // What there is of other certificates depends on who was asked, so that it is not compared.
    let keys = spot.endpoint.certificates().map(|(.., shown)| shown.leaf().key.to_string());
    let keys: Vec<String> = keys.collect();
    within(view, spot, |handshake| Cell::plain(keys.join(", "), handshake.leaf().key.to_string()))
}

/// A trait that only a finished handshake shows. Why there was none stands in the rows above.
fn within(view: &View<'_>, spot: &Spot<'_>, read: impl Fn(&Handshake) -> Cell) -> Cell {
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        return read(handshake);
    }
    let above = version(view, spot);
    if above.text == NOT_APPLICABLE { above } else { Cell::unknown(UNKNOWN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, at, host, secured, silent},
        smtp::Reply,
        survey::{
            Exchange, Fault, FaultKind, Host, Observation, Phase, Stage, observation::HelloVerb,
        },
        tls::{Choice, Group, Question, ServerFlight, Suite},
    };

    fn cells(host: Host) -> [String; 4] {
        let survey = sample::survey(vec![(10, vec![host])]);
        let view = View::of(&survey);
        let spot = view.spots().next().unwrap();
        [starttls, version, key_exchange, certificate].map(|read| read(&view, &spot).text)
    }

    fn visited(visit: Observation) -> Host {
        host("mx1.even.example", vec![at("192.0.2.1", vec![visit])])
    }

    /// A visit with one hello of TLS 1.2 at most, answered so.
    fn hello(classes: &[SuiteClass], chosen: Option<(&str, Option<Group>)>) -> Observation {
        let choice = |(suite, group)| Choice {
            version: TlsVersion::Tls12,
            suite: Suite::named(suite).unwrap(),
            group,
            agreed: Vec::new(),
            downgrade_sentinel: None,
            certificates: 0,
            leaf: None,
            key_exchange: None,
        };
        let refused = ServerFlight::Refused { alert: 40 };
        let answer = chosen.map_or(refused, |chosen| ServerFlight::Chose(Box::new(choice(chosen))));
        let question = Question::of(TlsVersion::Tls12, classes.iter().copied());
        let floor = Some(Exchange { question, answer: Stage::Reached(answer) });
        Observation { floor, ..sample::session(SERVER) }
    }

    #[test]
    fn a_bound_is_told_from_a_primary_that_cannot_reach_it() {
        let (weak, aead) = ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_CCM");
        let all = SuiteClass::ALL;
        let clean = || vec![hello(&all, Some((aead, None))), hello(&all[..9], None)];
        let broken = || vec![hello(&all, Some((weak, None)))];
        // Takes as much, for all we know.
        let open = || vec![hello(&all, Some((aead, None)))];
        for (primary, backup, differs) in [
            (clean(), broken(), true),
            (clean(), clean(), false),
            (open(), broken(), false),
            (clean(), open(), false),
        ] {
            let survey = sample::survey(vec![
                (10, vec![host("mx1.even.example", vec![at("192.0.2.1", primary)])]),
                (20, vec![host("mx2.even.example", vec![at("192.0.2.2", backup)])]),
            ]);
            let view = View::of(&survey);
            let cells: Vec<Cell> = view.spots().map(|spot| weakest_class(&view, &spot)).collect();
            let [primary, backup] = [&cells[0], &cells[1]].map(|cell| cell.key.as_ref().unwrap());
            assert_eq!(backup.differs(primary), differs, "{cells:?}");
        }
    }

    #[test]
    fn groups_of_tls13_count_among_the_weakest() {
        let field = Group::named("ffdhe2048");
        let visits = [Some(Group::X25519), field, Some(Group::X25519)];
        let visits = visits.map(|group| hello(&[], Some(("TLS_AES_128_GCM_SHA256", group))));
        let host = host("mx1.even.example", vec![at("192.0.2.1", visits.to_vec())]);
        let survey = sample::survey(vec![(10, vec![host])]);
        let view = View::of(&survey);
        let spot = view.spots().next().unwrap();
        assert_eq!(weakest_exchange(&view, &spot).text, "ffdhe2048");
    }

    #[test]
    fn no_tls_refused_tls_and_unseen_tls_look_different() {
        let clear = Server { keywords: &["8BITMIME"], ..SERVER };
        let with_tls = |tls| Observation { tls, ..sample::session(SERVER) };
        let mut helo = sample::session(Server { keywords: &[], ..SERVER });
        if let Stage::Reached(hello) = &mut helo.hello {
            hello.verb = HelloVerb::Helo;
        }
        let alert =
            Fault::new(Phase::Handshake, FaultKind::TlsAlert(40), std::time::Duration::ZERO);
        let busy = Reply::new(454, "4.7.0 TLS not available");
        for (host, want) in [
            (visited(sample::session(clear)), ["not offered", "–", "–", "–"]),
            (visited(helo), ["EHLO refused", "–", "–", "–"]),
            (
                visited(with_tls(Stage::Broke(alert.clone()))),
                ["offered", &alert.kind.to_string(), "?", "?"],
            ),
            (
                visited(with_tls(Stage::Declined(busy))),
                ["offered", "deferred: 454 4.7.0 TLS not available", "?", "?"],
            ),
            (silent("mx1.even.example", "192.0.2.1", FaultKind::Refused), ["?", "?", "?", "?"]),
            (
                visited(secured(SERVER, TlsVersion::Tls13, Vec::new())),
                ["offered", "TLSv1.3", "X25519MLKEM768", "trusted, 30 days left"],
            ),
            (
                visited(secured(SERVER, TlsVersion::Tls12, vec![TrustFlaw::SelfSigned])),
                ["offered", "TLSv1.2", "X25519MLKEM768", "self-signed"],
            ),
        ] {
            assert_eq!(cells(host), want);
        }
    }
}
