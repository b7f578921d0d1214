//! NET rules: reaching a host, being greeted by it, and what it says it can do.
//!
//! Longer than most, because an area is one file. Faults of ours and of nobody in particular stay
//! silent. Who takes which recipient is for `rcpt`; where equals differ is for `alike`.

use std::fmt;

use super::{
    Case, Evidence, Severity, Spot, View,
    alike::keywords,
    finding::Confidence,
    software::Software,
    strength::{self, Weaker},
    view::Seat,
};
use crate::{
    smtp::{Capabilities, Flaw, HelloName, Reply, SizeLimit, Speaker, cause::Moment},
    survey::{
        Access, Blame, Endpoint, Fault, FaultKind, Host, Observation, Phase,
        observation::{Greeting, HelloVerb},
    },
};

/// A greeting later than this is noted, in milliseconds.
const SLOW: u64 = 5_000;

/// From here on, senders of little patience go away.
const VERY_SLOW: u64 = 30_000;

/// Extensions without which mail has to be changed or comes back.
const NEEDED: &[&str] = &["8BITMIME", "SMTPUTF8"];

pub fn host_unreachable(view: &View<'_>) -> Vec<Case> {
    if view.port_closed_here() {
        return Vec::new();
    }
    let dead: Vec<Seat<'_>> = view.seats().filter(|seat| is_dead(*seat)).collect();
    let nowhere = |host: &Host| host.addresses.is_empty() && !host.is_unresolved();
    let all = view.seats().all(|seat| is_dead(seat) || nowhere(seat.host));
    let proven = view.port_is_open();
    let case = |seat: Seat<'_>| {
        let faults = seat.spots().filter_map(|spot| unreached(&spot));
        let refused = seat.spots().all(|spot| blame(&spot) == Some(Blame::Peer));
        let sure = match (all && !proven, refused) {
            // Nothing answered, so nothing shows that our own line is sound.
            (true, _) => Confidence::Low,
            (false, false) => Confidence::Medium,
            (false, true) => Confidence::High,
        };
        let case = seat.case().sure(sure);
        let case = if all { case.graded(Severity::Critical) } else { case };
        faults.fold(case, Case::seen)
    };
    let mut cases: Vec<Case> = dead.into_iter().map(case).collect();
    if let Some(last) = cases.last_mut().filter(|_| all && !proven) {
        let saw = "no host that answers shows that port 25 is open here; --control HOST would";
        last.evidence.push(Evidence::plain("vantage.control", saw));
    }
    cases
}

pub fn address_unreachable(view: &View<'_>) -> Vec<Case> {
    if view.port_closed_here() {
        return Vec::new();
    }
    let partly = view.seats().filter(|seat| !is_dead(*seat));
    let dead = partly.flat_map(Seat::spots).filter_map(|spot| {
        let sure = if blame(&spot)? == Blame::Peer { Confidence::High } else { Confidence::Medium };
        Some(Case::about(spot.subject()).sure(sure).seen(unreached(&spot)?))
    });
    dead.collect()
}

pub fn greeting_refuses(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let visits: Vec<&Observation> = spot.endpoint.connected().collect();
        let lasting =
            |visit: &&Observation| visit.greeting.declined().is_some_and(Reply::is_permanent);
        if visits.is_empty() || !visits.iter().all(lasting) {
            return None;
        }
        let refusals = view.refusals(spot);
        let theirs = refusals.iter().all(|refusal| refusal.diagnosis.cause.is_about_host());
        let sure = if visits.len() > 1 { Confidence::High } else { Confidence::Medium };
        theirs.then(|| {
            let seen = refusals.iter();
            let seen =
                seen.map(|refusal| spot.exchange(refusal.visit, "greeting", refusal.reply, ""));
            seen.fold(spot.case().sure(sure), Case::seen)
        })
    })
}

pub fn greeting_slow(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let greeted = spot.endpoint.observations.iter();
        let greeted = greeted.filter_map(|visit| Some((visit, visit.greeting.reached()?)));
        let (visit, greeting) = greeted.min_by_key(|(_, greeting)| greeting.after_ms)?;
        let severity = match greeting.after_ms {
            0..SLOW => return None,
            SLOW..VERY_SLOW => Severity::Info,
            _ => Severity::Medium,
        };
        let saw = Seconds(greeting.after_ms);
        Some(spot.case().graded(severity).seen(spot.exchange(visit, "greeting.after", saw, "")))
    })
}

pub fn greeting_without_name(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, greeting) = spot.endpoint.greeting()?;
        let named = greeting.name().is_some() || names_address(greeting);
        let blotted = greeting.masked().is_some();
        (!named && !blotted)
            .then(|| spot.case().seen(spot.exchange(visit, "greeting", &greeting.reply, "")))
    })
}

pub fn software_version_shown(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, software) = software(spot)?;
        software.version.as_ref()?;
        Some(spot.case().seen(spot.exchange(visit, "greeting.software", &software, "")))
    })
}

pub fn software_differs(view: &View<'_>) -> Vec<Case> {
    let primaries: Vec<(Spot<'_>, Software)> = known_software(view.primaries());
    let Some((reference, _)) = primaries.first() else {
        return Vec::new();
    };
    let differs = |spot: &Spot<'_>| {
        let (visit, theirs) = software(spot)?;
        let alike = primaries.iter().any(|(_, ours)| is_alike(&theirs, ours));
        (!alike).then(|| {
            let seen = spot.exchange(visit, "greeting.software", &theirs, "");
            let case = spot.case().against(reference.seat.subject()).seen(seen);
            let compared = software(reference).map(|(visit, software)| {
                reference.exchange(visit, "greeting.software", software, "")
            });
            compared.into_iter().fold(case, Case::seen)
        })
    };
    view.backups().flat_map(|seat| seat.cases(differs)).collect()
}

pub fn ehlo_refused(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let greeted = || spot.endpoint.observations.iter().filter(|v| v.hello.reached().is_some());
        let refusals: Vec<(&Observation, &Reply)> =
            greeted().filter_map(|visit| Some((visit, visit.ehlo_refused()?))).collect();
        let always = !refusals.is_empty() && refusals.len() == greeted().count();
        let theirs = refusals.iter().all(|(visit, reply)| {
            let cause = view.diagnose(visit, Moment::Hello, None, reply).cause;
            reply.is_permanent() && !cause.is_prober()
        });
        let sure = if refusals.len() > 1 { Confidence::High } else { Confidence::Medium };
        (always && theirs).then(|| {
            let seen = refusals.iter();
            let seen = seen.map(|(visit, reply)| spot.exchange(visit, "hello", reply, "EHLO"));
            seen.fold(spot.case().sure(sure), Case::seen)
        })
    })
}

pub fn size_limit_smaller_on_backup(view: &View<'_>) -> Vec<Case> {
    let limit = |spot: &Spot<'_>| size_limit(&spot.endpoint.best_hello()?.1.capabilities);
    let shown = |spot: Spot<'_>, limit: Octets| {
        let (visit, _) = spot.endpoint.best_hello()?;
        Some(spot.exchange(visit, "extensions.size", limit, "EHLO"))
    };
    let case = |weaker: Weaker<'_, Octets>| {
        let seen =
            [shown(weaker.spot, weaker.value), shown(weaker.reference, weaker.reference_value)];
        seen.into_iter().flatten().fold(weaker.case(), Case::seen)
    };
    strength::weaker_backups(view, limit).into_iter().map(case).collect()
}

pub fn extension_missing_on_backup<'a>(view: &View<'a>) -> Vec<Case> {
    let known = view.primaries().flat_map(Seat::spots);
    let mut known = known.filter_map(|spot| Some((spot, offered(&spot)?)));
    let Some((reference, mut wanted)) = known.next() else {
        return Vec::new();
    };
    for (_, other) in known {
        wanted.retain(|word| other.contains(word));
    }
    let lacks = |spot: &Spot<'a>| {
        let has = offered(spot)?;
        let missing: Vec<&str> =
            wanted.iter().filter(|word| !has.contains(word)).map(String::as_str).collect();
        let (visit, _) = spot.endpoint.best_hello()?;
        let severity = match missing.iter().any(|word| NEEDED.contains(word)) {
            _ if missing.is_empty() => return None,
            true => Severity::Medium,
            false => Severity::Low,
        };
        let shown = |spot: &Spot<'a>, visit, how: &str| {
            spot.exchange(visit, "extensions", format!("{how} {}", missing.join(", ")), "EHLO")
        };
        let (known, _) = reference.endpoint.best_hello()?;
        let case = spot.case().graded(severity).against(reference.seat.subject());
        Some(case.seen(shown(spot, visit, "without")).seen(shown(&reference, known, "with")))
    };
    view.backups().flat_map(|seat| seat.cases(lacks)).collect()
}

pub fn auth_offered_in_clear(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let (visit, hello) = spot.endpoint.hello()?;
        let auth = hello.capabilities.find("AUTH")?;
        let mechanisms: Vec<String> = auth.parameters.iter().map(ToString::to_string).collect();
        let saw = format!("AUTH {}", mechanisms.join(" "));
        let cites = |who: Speaker, line: &crate::smtp::Text| {
            let line = line.as_bytes().get(4..).unwrap_or_default().to_ascii_uppercase();
            who == Speaker::Server && line.starts_with(b"AUTH")
        };
        Some(spot.case().seen(spot.evidence(visit, "hello.auth", saw.trim_end(), cites)))
    })
}

pub fn reply_malformed(view: &View<'_>) -> Vec<Case> {
    view.cases(|spot| {
        let mut seen: Vec<Evidence> = Vec::new();
        for visit in &spot.endpoint.observations {
            for (fact, command, reply) in visit.replies() {
                let flaws = reply.flaws.iter().filter(|flaw| **flaw != Flaw::Unasked);
                for flaw in flaws {
                    let known = seen.iter().any(|one| one.saw == flaw.to_string());
                    if !known {
                        seen.push(spot.exchange(visit, fact, flaw, command));
                    }
                }
            }
        }
        let garbled = spot.endpoint.observations.iter().find_map(|visit| {
            let fault = visit.faults().find(|fault| {
                matches!(fault.kind, FaultKind::NotSmtp(_)) && fault.phase != Phase::Greeting
            })?;
            Some(broken(spot, visit, "reply", fault))
        });
        seen.extend(garbled);
        (!seen.is_empty()).then(|| seen.into_iter().fold(spot.case(), Case::seen))
    })
}

pub fn requiretls_partial(view: &View<'_>) -> Vec<Case> {
    let Some(with) = view.spots().find(|spot| requiretls(spot).is_some_and(|(_, has)| has)) else {
        return Vec::new();
    };
    let lacks = |spot: &Spot<'_>| {
        let (visit, has) = requiretls(spot)?;
        let elsewhere = spot.seat.host.name != with.seat.host.name;
        (!has && elsewhere).then(|| {
            let seen = spot.exchange(visit, "extensions", "without REQUIRETLS", "EHLO");
            spot.case().against(with.seat.subject()).seen(seen)
        })
    };
    view.cases(lacks)
}

pub fn greeting_missing(view: &View<'_>) -> Vec<Case> {
    let greets = |spot: &Spot<'_>| {
        let mut visits = spot.endpoint.connected();
        visits.any(|visit| visit.greeting.broke().is_none() && visit.greeting.was_tried())
    };
    let of_seat = |seat: Seat<'_>| {
        let other = seat.spots().any(|spot| greets(&spot));
        let severity = if other { Severity::Medium } else { Severity::High };
        seat.cases(|spot| {
            if greets(spot) {
                return None;
            }
            let faults = spot.endpoint.connected();
            let faults = faults.filter_map(|visit| Some((visit, visit.greeting.broke()?)));
            let theirs: Vec<(&Observation, &Fault)> =
                faults.filter(|(_, fault)| fault.may_be_theirs()).collect();
            // A server may also hang up on us alone; other protocols greet everybody alike.
            let garbled =
                theirs.iter().any(|(_, fault)| matches!(fault.kind, FaultKind::NotSmtp(_)));
            let sure = if garbled { Confidence::High } else { Confidence::Medium };
            let seen = theirs.iter().map(|(visit, fault)| broken(spot, visit, "greeting", fault));
            let case = spot.case().graded(severity).sure(sure);
            (!theirs.is_empty()).then(|| seen.fold(case, Case::seen))
        })
    };
    view.seats().flat_map(of_seat).collect()
}

/// Whether REQUIRETLS is offered, which only an answer inside TLS can tell. RFC 8689.
fn requiretls<'a>(spot: &Spot<'a>) -> Option<(&'a Observation, bool)> {
    spot.endpoint.observations.iter().find_map(|visit| {
        let hello = visit.hello_secured.reached()?;
        Some((visit, hello.capabilities.has("REQUIRETLS")))
    })
}

/// A limit of message size; the highest where none is in force.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Octets(u64);

/// What a server says of message size. SIZE without a number says nothing (RFC 1870 §3).
pub fn size_limit(capabilities: &Capabilities) -> Option<Octets> {
    let bare = capabilities.find("SIZE")?.parameters.is_empty();
    match capabilities.size()? {
        SizeLimit::Octets(octets) => Some(Octets(octets)),
        SizeLimit::Unbounded if !bare => Some(Octets(u64::MAX)),
        SizeLimit::Unbounded | SizeLimit::Unreadable => None,
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            u64::MAX => f.write_str("no limit"),
            octets => write!(f, "{octets} octets"),
        }
    }
}

/// Milliseconds, said in seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0 / 1000)
    }
}

/// Whether every address of a host was tried, and none answered for reasons that can be theirs.
/// Addresses that are not public count for nothing; those of a family that is off may well answer.
fn is_dead(seat: Seat<'_>) -> bool {
    let public = |spot: &Spot<'_>| {
        let access = &spot.endpoint.access;
        access.may_visit() || *access == Access::FamilyOff
    };
    let mut tried = seat.spots().filter(public).peekable();
    tried.peek().is_some() && tried.all(|spot| blame(&spot).is_some())
}

/// Whose fault it is that an address takes no connection, if it is not ours.
fn blame(spot: &Spot<'_>) -> Option<Blame> {
    let fault = spot.endpoint.connect_fault()?;
    fault.may_be_theirs().then(|| fault.blame())
}

fn unreached(spot: &Spot<'_>) -> Option<Evidence> {
    let endpoint: &Endpoint = spot.endpoint;
    let mut visits = endpoint.observations.iter();
    let (visit, fault) = visits.find_map(|visit| Some((visit, visit.connect.broke()?)))?;
    Some(broken(spot, visit, "connect", fault))
}

/// A fault, with what happened to the channel.
fn broken<'a>(spot: &Spot<'a>, visit: &'a Observation, fact: &str, fault: &Fault) -> Evidence {
    spot.evidence(visit, fact, fault, |who, _| who == Speaker::Event)
}

/// RFC 5321 §4.2 allows an address literal in place of the name.
fn names_address(greeting: &Greeting) -> bool {
    let text = greeting.reply.lines[0].to_string();
    let word = text.split(' ').next().unwrap_or_default();
    matches!(HelloName::parse(word), Ok(HelloName::Literal(_)))
}

fn software<'a>(spot: &Spot<'a>) -> Option<(&'a Observation, Software)> {
    let (visit, greeting) = spot.endpoint.greeting()?;
    Some((visit, Software::of(greeting)?))
}

fn known_software<'a>(seats: impl Iterator<Item = Seat<'a>>) -> Vec<(Spot<'a>, Software)> {
    let spots = seats.flat_map(Seat::spots);
    spots.filter_map(|spot| Some((spot, software(&spot)?.1))).collect()
}

/// A version that only one of them shows makes no difference.
fn is_alike(one: &Software, other: &Software) -> bool {
    let both = one.version.is_some() && other.version.is_some();
    one.product == other.product && (!both || one.version == other.version)
}

/// The extensions an address offers; `None` where EHLO was not answered.
fn offered(spot: &Spot<'_>) -> Option<Vec<String>> {
    let (_, hello) = spot.endpoint.best_hello()?;
    (hello.verb == HelloVerb::Ehlo).then(|| keywords(&hello.capabilities))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::sketch,
        smtp::Text,
        survey::{AddressAnswer, DnsFault, MxLookup, Stage},
    };

    #[test]
    fn a_host_is_dead_only_where_all_of_it_was_tried() {
        let dead = || vec![sketch::unreached(FaultKind::Refused)];
        let mut survey = sketch::survey(vec![vec![dead(), dead()], vec![dead()]]);
        let found = |survey: &_| sketch::judged(survey, host_unreachable);
        let refused = "connect connection refused at connect";
        assert_eq!(
            found(&survey)[0],
            format!("critical Low mx1.even.example: {refused}; {refused}")
        );
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("sketched so") };
        // A family that is off, and a name that did not resolve, may hide what answers.
        set.tiers[0].hosts[0].addresses[1].access = Access::FamilyOff;
        set.tiers[0].hosts[0].addresses[1].observations.clear();
        assert_eq!(found(&survey), [format!("High mx2.even.example: {refused}")]);
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("sketched so") };
        set.tiers[0].hosts[0].addresses.clear();
        set.tiers[0].hosts[0].a = AddressAnswer::Failed(DnsFault::TimedOut);
        assert_eq!(found(&survey), [format!("High mx2.even.example: {refused}")]);
    }

    #[test]
    fn what_a_proxy_refuses_says_nothing_of_a_host() {
        let proxied = || sketch::unreached(FaultKind::Proxy("Connection refused".to_owned()));
        let survey = sketch::survey(vec![
            vec![vec![proxied()], vec![sketch::visit()]],
            vec![vec![proxied()]],
        ]);
        assert_eq!(sketch::judged(&survey, host_unreachable), [""; 0]);
        assert_eq!(sketch::judged(&survey, address_unreachable), [""; 0]);
    }

    #[test]
    fn an_extension_is_missing_only_where_no_visit_shows_it() {
        let visit = |extensions: &[&str]| {
            let mut visit = sketch::visit();
            let Stage::Reached(hello) = &mut visit.hello else { unreachable!("sketched so") };
            hello.reply.lines.extend(extensions.iter().map(|word| Text::from(*word)));
            hello.capabilities = Capabilities::of(&hello.reply);
            visit
        };
        let (plain, full) = (|| visit(&[]), || visit(&["PIPELINING"]));
        for (backup, want) in [
            (vec![plain(), full()], &[][..]),
            (
                vec![plain(), plain()],
                &[
                    "low High mx2.even.example against mx1.even.example: extensions without PIPELINING; extensions with PIPELINING",
                ],
            ),
        ] {
            let survey = sketch::survey(vec![vec![vec![full()]], vec![backup]]);
            assert_eq!(sketch::judged(&survey, extension_missing_on_backup), want);
        }
    }
}
