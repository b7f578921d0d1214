//! TLS rules: whether mail is encrypted on its way in, and how well.
//!
//! Graded as a sender to whom nothing was promised would: it takes TLS where it can get it, and
//! falls back to clear text. Where a promise demands TLS and there is none, `dane` or `sts` says so;
//! TLS that is obsolete is told here, and is worse there. Certificates are judged in `cert`, old
//! versions and weak suites that a server merely accepts in `floor`.

use super::{
    Case, Severity, Spot, Subject, View,
    finding::Confidence,
    floor, promise,
    starttls::{
        Encryption, broken, encryption, failures, has_extensions, missing, obsolete, offer,
        outmoded, shown, surety,
    },
    strength,
    view::Seat,
};
use crate::{
    smtp::{Speaker, Text},
    survey::{Injected, Observation, Purpose, Role, reading::Offer},
    tls::{Handshake, Hello, TlsVersion},
};

pub fn starttls_missing(view: &View<'_>) -> Vec<Case> {
    let mut cases = in_clear(unpromised(view), view, |spot| missing(view, spot));
    cases.retain(|case| case.against.is_none());
    cases
}

pub fn backup_without_starttls(view: &View<'_>) -> Vec<Case> {
    let mut cases = in_clear(unpromised(view), view, |spot| missing(view, spot));
    cases.retain(|case| case.against.is_some());
    cases
}

pub fn starttls_broken(view: &View<'_>) -> Vec<Case> {
    // Old senders get through: how weak their suites are says TLS10.
    let outmoded = view.cases(|spot| {
        let (failures, visit, choice) = outmoded(view, spot)?;
        let case = shown(spot.case().graded(Severity::Medium), spot, &failures);
        let saw = format!(
            "{} with {}, but with no suite that current senders want",
            choice.version, choice.suite
        );
        Some(case.seen(spot.exchange(visit, "floor.suite", saw, "STARTTLS")))
    });
    let broken = in_clear(unpromised(view), view, |spot| broken(view, spot));
    broken.into_iter().chain(outmoded).collect()
}

pub fn starttls_intermittent(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let visits = &spot.endpoint.observations;
        if spot.endpoint.starttls() == Offer::Sometimes {
            let answers = visits.iter().filter(|visit| has_extensions(visit));
            return Some(answers.fold(spot.case(), |case, visit| case.seen(offer(spot, visit))));
        }
        let (visit, handshake) = spot.endpoint.handshake()?;
        let mut failures = failures(view, spot);
        // A hello that is too large for something on the way fails each time: TLS16 says so.
        failures.retain(|failure| handshake.hello == Hello::Hybrid || !failure.in_handshake());
        let case = (!failures.is_empty()).then(|| shown(spot.case(), spot, &failures))?;
        Some(case.seen(spot.exchange(visit, "tls", agreed(handshake), "STARTTLS")))
    })
}

pub fn plaintext_after_starttls(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let visits = spot.endpoint.observations.iter();
        let mut unasked = visits.filter(|visit| !visit.unasked_before_tls.is_empty()).peekable();
        unasked.peek()?;
        let fact = "unasked_before_tls";
        Some(unasked.fold(spot.case(), |case, visit| {
            case.seen(spot.exchange(visit, fact, &visit.unasked_before_tls, "STARTTLS"))
        }))
    })
}

pub fn backup_lower_tls_version(view: &View<'_>) -> Vec<Case> {
    let version = |spot: &Spot<'_>| best(spot).map(|(_, handshake)| handshake.version);
    let shown = |spot: Spot<'_>| {
        let (visit, handshake) = best(&spot)?;
        Some(spot.exchange(visit, "tls.version", handshake.version, "STARTTLS"))
    };
    let weaker = strength::weaker_backups(view, version).into_iter();
    let case = |weaker: strength::Weaker<'_, TlsVersion>| {
        let evidence = [weaker.spot, weaker.reference].into_iter().filter_map(shown);
        evidence.fold(weaker.case(), Case::seen)
    };
    weaker.map(case).collect()
}

pub fn only_obsolete_tls(view: &View<'_>) -> Vec<Case> {
    let obsolete = |spot: &Spot<'_>| {
        let failures = obsolete(view, spot)?;
        // What it picked when it could choose leaves no doubt.
        let picked = floor::versions(spot);
        let confidence = if picked.is_empty() { surety(&failures) } else { Confidence::High };
        let case = shown(spot.case().sure(confidence), spot, &failures);
        // Senders that were promised TLS hand over nothing in clear, where others still do.
        let demanded = promise::demands_tls(view, spot.seat);
        let case = if demanded { case.graded(Severity::Critical) } else { case };
        Some(picked.into_iter().fold(case, Case::seen))
    };
    in_clear(view.seats(), view, obsolete)
}

pub fn large_hello_intolerant(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, handshake) = spot.endpoint.handshake()?;
        let mut failures = failures(view, spot);
        failures
            .retain(|failure| failure.in_handshake() && failure.visit.purpose == Purpose::Session);
        if handshake.hello == Hello::Hybrid || failures.is_empty() {
            return None;
        }
        // Each hello was tried once, so that chance is not ruled out.
        let case = shown(spot.case().sure(Confidence::Medium), spot, &failures);
        Some(case.seen(spot.exchange(visit, "tls", agreed(handshake), "STARTTLS")))
    })
}

pub fn no_post_quantum_group(view: &View<'_>) -> Vec<Case> {
    let shown = |case: Case, spot: &Spot<'_>| match offered_hybrid(spot) {
        Some((visit, handshake)) => {
            let group = handshake.group.as_deref().unwrap_or("not known");
            let saw = format!("{} with {group}", handshake.version);
            case.seen(spot.exchange(visit, "tls.group", saw, "STARTTLS"))
        }
        None => case,
    };
    let lacking: Vec<Spot<'_>> =
        view.spots().filter(|spot| post_quantum(spot) == Some(false)).collect();
    let anybody = view.spots().any(|spot| post_quantum(&spot) == Some(true));
    if lacking.is_empty() {
        return Vec::new();
    }
    if !anybody {
        let case = Case::about(Subject::domain());
        return vec![lacking.iter().fold(case, &shown)];
    }
    let reference = strength::reference(view, post_quantum).filter(|(_, has)| *has);
    let judge = |seat: Seat<'_>| -> Vec<Case> {
        let reference = reference.filter(|_| seat.role != Role::Primary).map(|(spot, _)| spot);
        // Without TLS 1.3 there can be no such group, and TLS06 has told of the older version.
        let older = |spot: &Spot<'_>| {
            reference.is_some()
                && best(spot).is_some_and(|(_, done)| done.version < TlsVersion::Tls13)
        };
        let lacks = |spot: &Spot<'_>| post_quantum(spot) == Some(false) && !older(spot);
        let cases = seat.cases(|spot| lacks(spot).then(|| shown(spot.case(), spot)));
        let compare = |case: Case| match reference {
            Some(primary) => {
                let case = case.graded(Severity::Low).against(primary.seat.subject());
                shown(case, &primary)
            }
            None => case,
        };
        cases.into_iter().map(compare).collect()
    };
    view.seats().flat_map(judge).collect()
}

pub fn starttls_stripped(view: &View<'_>) -> Vec<Case> {
    let masked = |spot: &Spot<'_>| matches!(spot.endpoint.starttls(), Offer::Masked(_));
    // Hosts that have nothing to do with each other share no firewall, except ours.
    let everywhere = view.has_unrelated_hosts()
        && view.spots().filter(|spot| spot.endpoint.hello().is_some()).all(|spot| masked(&spot));
    let confidence = if everywhere { Confidence::Low } else { Confidence::High };
    let stripped = |spot: &Spot<'_>| {
        let Offer::Masked(mask) = spot.endpoint.starttls() else {
            return None;
        };
        let visit = spot.endpoint.observations.iter().find(|visit| visit.masked().is_some())?;
        let greeted = visit.greeting.reached().and_then(|greeting| greeting.masked());
        let fact = if greeted == Some(mask) { "greeting" } else { "hello.capabilities" };
        let blot = |who, line: &Text| {
            let mut windows = line.as_bytes().windows(mask.as_bytes().len().max(1));
            who == Speaker::Server && windows.any(|part| part.eq_ignore_ascii_case(mask.as_bytes()))
        };
        Some(spot.case().sure(confidence).seen(spot.evidence(visit, fact, mask, blot)))
    };
    in_clear(view.seats(), view, stripped)
}

pub fn starttls_injection(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let visits = spot.endpoint.observations.iter();
        let carried_out = visits.filter_map(|visit| match visit.injection.as_ref()?.reached()? {
            Injected::AnsweredInside(reply) => Some((visit, reply)),
            Injected::AnsweredInClear(_) | Injected::Dropped => None,
        });
        let evidence = carried_out.map(|(visit, reply)| {
            let saw = format!("NOOP in clear answered inside TLS: {reply}");
            let answer = reply.to_string();
            spot.evidence(visit, "injection", saw, |who, line| match who {
                Speaker::Client => matches!(line.as_bytes(), b"STARTTLS" | b"NOOP"),
                Speaker::Event => false,
                Speaker::Server => line.to_string() == answer,
            })
        });
        evidence.map(|evidence| spot.case().seen(evidence)).next()
    })
}

/// Hosts of which no promise says that they have TLS: where one does, its own rule tells that there is
/// none.
fn unpromised<'a>(view: &View<'a>) -> impl Iterator<Item = Seat<'a>> {
    view.seats().filter(|seat| !promise::demands_tls(view, *seat))
}

/// Cases of mail in clear text, whatever the reason. On a backup they are held against the primary
/// tier, if that encrypts.
fn in_clear<'a>(
    seats: impl Iterator<Item = Seat<'a>>,
    view: &View<'a>,
    check: impl Fn(&Spot<'a>) -> Option<Case>,
) -> Vec<Case> {
    let bar = strength::reference(view, |spot| encryption(view, spot));
    let encrypts = bar.filter(|(_, answer)| *answer > Encryption::Never).map(|(spot, _)| spot);
    let judge = |seat: Seat<'a>| {
        let primary = encrypts.filter(|_| seat.role != Role::Primary);
        let compare = |case: Case| match primary {
            Some(primary) => case.against(primary.seat.subject()),
            None => case,
        };
        seat.cases(&check).into_iter().map(compare).collect::<Vec<Case>>()
    };
    seats.flat_map(judge).collect()
}

fn agreed(handshake: &Handshake) -> String {
    let hello = match handshake.hello {
        Hello::Classical => "classical hello: ",
        Hello::EcdsaOnly | Hello::Hybrid | Hello::RsaOnly => "",
    };
    format!("{hello}{} with {}", handshake.version, handshake.suite)
}

/// The finished handshake of the highest version.
fn best<'a>(spot: &Spot<'a>) -> Option<(&'a Observation, &'a Handshake)> {
    let done = spot.endpoint.observations.iter();
    let done = done.filter_map(|visit| Some((visit, visit.tls.reached()?)));
    // The first of equals, which is the visit a reader will look at.
    done.reduce(|best, next| if next.1.version > best.1.version { next } else { best })
}

/// The first finished handshake that began with X25519MLKEM768 on offer.
fn offered_hybrid<'a>(spot: &Spot<'a>) -> Option<(&'a Observation, &'a Handshake)> {
    let done = spot.endpoint.observations.iter();
    let mut done = done.filter_map(|visit| Some((visit, visit.tls.reached()?)));
    done.find(|(_, handshake)| handshake.hello == Hello::Hybrid)
}

/// `None` where it was not on offer, or where the library does not tell the group.
fn post_quantum(spot: &Spot<'_>) -> Option<bool> {
    let (_, handshake) = offered_hybrid(spot)?;
    let told = handshake.group.is_some() || handshake.version < TlsVersion::Tls13;
    told.then(|| handshake.is_post_quantum())
}

#[cfg(test)]
mod tests {
    use super::{super::sketch::*, *};
    use crate::{
        smtp::Reply,
        survey::{FaultKind, Stage},
    };

    fn busy(visit: Observation) -> Observation {
        Observation { sender: Stage::Declined(Reply::new(421, "4.7.0 Too busy")), ..visit }
    }

    #[test]
    fn starttls_is_missing_only_where_a_second_look_was_not_refused() {
        let twice = "hello.starttls not offered; hello.starttls not offered";
        for (visits, want) in [
            (vec![clear(), clear()], vec![format!("High mx1.even.example: {twice}")]),
            (vec![clear(), busy(clear())], vec![format!("High mx1.even.example: {twice}")]),
            (vec![busy(clear()), clear()], vec![]),
            (vec![clear()], vec![]),
            (
                vec![clear(), unreached(FaultKind::Refused)],
                vec!["Medium mx1.even.example: hello.starttls not offered".to_owned()],
            ),
            (vec![busy(clear()), unreached(FaultKind::Refused)], vec![]),
        ] {
            assert_eq!(judged(&alone(visits), starttls_missing), want);
        }
    }

    #[test]
    fn what_is_ours_does_not_break_their_tls() {
        for kind in [
            FaultKind::Interrupted,
            FaultKind::Io("broken pipe".to_owned()),
            FaultKind::OutOfTime,
            FaultKind::Unreachable,
        ] {
            let seen = alone(vec![broke(kind.clone()), broke(kind)]);
            assert_eq!(judged(&seen, starttls_broken), Vec::<String>::new());
        }
        let blocked = "5.7.1 Client host [203.0.113.25] blocked using bl.example";
        let seen = alone(vec![refused(550, blocked), refused(421, "4.3.2 Shutting down")]);
        assert_eq!(judged(&seen, starttls_broken), Vec::<String>::new());
    }

    #[test]
    fn broken_is_surer_the_more_it_is_like_that_for_everybody() {
        let alert = |number| broke(FaultKind::TlsAlert(number));
        for (visits, want) in [
            (vec![alert(80), alert(80)], "High"),
            (vec![alert(80)], "Medium"),
            (vec![alert(40), alert(40)], "Low"),
            (vec![broke(FaultKind::TimedOut), broke(FaultKind::TimedOut)], "Medium"),
            (vec![refused(454, "TLS not available")], "Low"),
            (vec![refused(454, "TLS not available"), refused(454, "no TLS")], "Medium"),
            (vec![refused(554, "no TLS"), refused(554, "no TLS")], "High"),
        ] {
            let cases = judged(&alone(visits), starttls_broken);
            assert!(cases[0].starts_with(&format!("{want} mx1.even.example: tls ")), "{cases:?}");
        }
    }

    #[test]
    fn old_versions_are_told_from_other_failures_only_if_every_try_says_so() {
        let version = || broke(FaultKind::TlsAlert(70));
        for (visits, obsolete) in [
            (vec![version(), version()], true),
            (vec![version(), broke(FaultKind::TlsTooOld)], true),
            (vec![version(), broke(FaultKind::Reset)], false),
        ] {
            let seen = alone(visits);
            assert_eq!(judged(&seen, only_obsolete_tls).len(), usize::from(obsolete));
            assert_eq!(judged(&seen, starttls_broken).len(), usize::from(!obsolete));
        }
    }

    #[test]
    fn a_backup_is_held_against_the_primary_only_where_that_encrypts() {
        let good = || shows(&[certificate(30, 90)]);
        let backup = || vec![vec![clear(), clear()]];
        for (primary, want) in [
            (good(), (0, 1)),
            // Offered, but nobody can speak it.
            (broke(FaultKind::TlsAlert(80)), (1, 0)),
            // Offered, and we do not know more: our time ran out.
            (broke(FaultKind::OutOfTime), (0, 1)),
            // Nothing known.
            (unreached(FaultKind::TimedOut), (1, 0)),
        ] {
            let seen = survey(vec![vec![vec![primary]], backup()]);
            let found = |check| judged(&seen, check).len();
            assert_eq!((found(starttls_missing), found(backup_without_starttls)), want);
        }
    }

    #[test]
    fn where_every_host_in_the_world_is_masked_the_mask_is_likely_ours() {
        let mut masked = clear();
        if let Stage::Reached(hello) = &mut masked.hello {
            hello.reply.lines.push(Text::from("XXXXXXXA"));
            hello.capabilities = crate::smtp::Capabilities::of(&hello.reply);
        }
        let mut seen = survey(vec![vec![vec![masked.clone()]], vec![vec![masked]]]);
        let saw = "hello.capabilities XXXXXXXA";
        let hosts = ["mx1.even.example", "mx2.even.example"];
        assert_eq!(
            judged(&seen, starttls_stripped),
            hosts.map(|host| format!("High {host}: {saw}"))
        );
        if let crate::survey::MxLookup::Published(set) = &mut seen.mx {
            set.tiers[1].hosts[0].name = "spool.other.example".to_owned();
        }
        let hosts = ["mx1.even.example", "spool.other.example"];
        assert_eq!(
            judged(&seen, starttls_stripped),
            hosts.map(|host| format!("Low {host}: {saw}"))
        );
    }
}
