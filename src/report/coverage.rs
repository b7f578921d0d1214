//! Coverage: what was meant to be seen, what was, and whose fault the rest is.
//!
//! Counts addresses. Never a finding.

mod promises;
mod questions;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::{
    rules::{
        Spot, View,
        attribution::{Acceptance, Takes},
        expected,
        view::Seat,
    },
    smtp::cause::Cause,
    survey::{
        Access, AddressAnswer, Asked, Blame, Ending, Fault, Host, MxLookup, Observation,
        RecipientKind, Stage, Survey, Why,
    },
};

/// How much of the fleet was seen.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Coverage {
    /// Addresses published, of the families asked for.
    pub planned: usize,
    /// Addresses whose answer to the real recipient was seen and is about the recipient, the domain
    /// or the host, or that do what their owner said; with `--no-rcpt`, those whose answer to EHLO
    /// was seen.
    pub observed: usize,
    pub unseen: Vec<Unseen>,
}

/// A place that was not seen, or not whole.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Unseen {
    pub host: String,
    /// `None` where the host has no address to visit, or may have more than DNS told.
    pub address: Option<IpAddr>,
    pub why: String,
    pub blame: Blame,
}

impl Coverage {
    pub fn of(survey: &Survey) -> Self {
        let view = View::of(survey);
        let seats = || view.seats().chain(view.also());
        let spots: Vec<Spot<'_>> = seats().flat_map(Seat::spots).collect();
        let planned = spots.iter().filter(|spot| spot.endpoint.access != Access::FamilyOff);
        let mut unseen: Vec<Unseen> = lookup_failed(survey).into_iter().collect();
        unseen.extend(promises::of_domain(survey));
        for seat in seats() {
            unseen.extend(promises::of_host(seat.host));
            unseen.extend(unresolved(seat.host));
            unseen.extend(seat.spots().filter_map(|spot| unobserved(&view, &spot)));
            unseen.extend(seat.spots().filter_map(|spot| questions::broken_off(&spot)));
        }
        Self {
            planned: planned.count(),
            observed: spots.iter().filter(|spot| is_observed(&view, spot)).count(),
            unseen,
        }
    }

    /// How much was seen, in a sentence; `None` where there was nothing to see.
    pub fn said(&self, asked: &Asked) -> Option<String> {
        let seen = self.observed;
        Some(match (self.planned, asked.recipients.is_empty()) {
            (0, _) if self.unseen.is_empty() => return None,
            (0, _) => "no address to visit.".to_owned(),
            (1, true) => format!("{seen} of 1 address showed its EHLO."),
            (1, false) => format!("{seen} of 1 address showed whether it takes the mail."),
            (all, true) => format!("{seen} of {all} addresses showed their EHLO."),
            (all, false) => format!("{seen} of {all} addresses showed whether they take the mail."),
        })
    }
}

impl Unseen {
    /// `mx2.example [192.0.2.2]`, as far as known.
    pub fn place(&self) -> String {
        match self.address {
            Some(address) => format!("{} [{address}]", self.host),
            None => self.host.clone(),
        }
    }
}

/// Whether an address gave the answer that was asked for.
pub(super) fn is_observed(view: &View<'_>, spot: &Spot<'_>) -> bool {
    // What was to be seen of a host that is meant not to take mail, was.
    if expected::is_as_declared(view, spot) {
        return true;
    }
    if view.survey.asked.recipients.is_empty() {
        return spot.endpoint.hello().is_some();
    }
    // A dead host is known not to take the mail, and still nobody has seen it.
    let real = view.acceptance(spot, RecipientKind::Real).acceptance;
    real != Acceptance::Unseen && view.takes(spot) != Takes::Unknown
}

/// Without MX records nobody knows which addresses there would have been to see.
fn lookup_failed(survey: &Survey) -> Option<Unseen> {
    let MxLookup::Failed { fault } = &survey.mx else {
        return None;
    };
    Some(Unseen {
        host: survey.domain.to_string(),
        address: None,
        why: format!("MX look-up failed: {fault}"),
        blame: fault.blame(),
    })
}

/// What DNS did not tell of a host's addresses.
fn unresolved(host: &Host) -> Vec<Unseen> {
    let about = |why: String, blame| Unseen { host: host.name.clone(), address: None, why, blame };
    let questions = [("A", &host.a), ("AAAA", &host.aaaa)];
    let failed = questions.into_iter().filter_map(|(kind, answer)| match answer {
        AddressAnswer::Failed(fault) => {
            Some(about(format!("{kind} look-up failed: {fault}"), fault.blame()))
        }
        _ => None,
    });
    let mut all: Vec<Unseen> = failed.collect();
    // A name without addresses is for its owner to mend; one whose look-up failed may have some.
    if host.addresses.is_empty() && all.is_empty() {
        let is = |wanted: &AddressAnswer| host.a == *wanted || host.aaaa == *wanted;
        all.push(if is(&AddressAnswer::NoSuchName) {
            about("the name does not exist".to_owned(), Blame::Peer)
        } else if is(&AddressAnswer::NoData) {
            about("the name has no address".to_owned(), Blame::Peer)
        } else {
            about("not a name that can be looked up".to_owned(), Blame::Peer)
        });
    }
    if host.left_out > 0 {
        let why = format!("{} more addresses, past the bound", host.left_out);
        all.push(about(why, Blame::Us));
    }
    all
}

/// Why an address did not give the answer that was asked for.
fn unobserved(view: &View<'_>, spot: &Spot<'_>) -> Option<Unseen> {
    if is_observed(view, spot) {
        return None;
    }
    let Spot { seat, endpoint } = spot;
    let (why, blame) = match endpoint.access.barred() {
        Some((why, blame)) => (format!("{why}, not visited"), blame),
        None => unanswered(view, spot),
    };
    Some(Unseen { host: seat.host.name.clone(), address: Some(endpoint.address), why, blame })
}

/// The reply that left the question open, or the step at which the way to it ended.
fn unanswered(view: &View<'_>, spot: &Spot<'_>) -> (String, Blame) {
    let real = view.acceptance(spot, RecipientKind::Real);
    if let (Acceptance::Refused(cause), Some((_, reply))) = (real.acceptance, real.seen) {
        let blame = if cause.is_prober() { Blame::Us } else { Blame::Peer };
        return match cause {
            Cause::Ambiguous => {
                let deed = if reply.is_temporary() { "deferred" } else { "refused" };
                (format!("{deed} without a reason we know: {reply}"), blame)
            }
            _ => (format!("{}: {reply}", words::cause(cause)), blame),
        };
    }
    let ordinary = |visit: &&Observation| visit.purpose.is_ordinary();
    let asked = |visit: &&Observation| {
        visit.recipient(RecipientKind::Real).is_some_and(|one| one.outcome.was_tried())
    };
    // A confirmation need not ask for anybody: then an earlier visit tells how far the question got.
    let visits = || spot.endpoint.observations.iter().filter(ordinary);
    let last = visits().rfind(asked).or_else(|| visits().next_back());
    let Some(visit) = last else {
        return match view.survey.ending {
            Ending::Interrupted => ("interrupted before a visit".to_owned(), Blame::Us),
            Ending::Complete => ("not visited".to_owned(), Blame::Us),
        };
    };
    let (why, blame) = match (view.survey.asked.pending(spot.endpoint.address), stopped_at(visit)) {
        (_, Some(end)) => end,
        (Some((contact, cause, due)), None) => {
            let (last, due) = (words::moment(contact.last), words::moment(due));
            let cause = words::cause(cause);
            (format!("deferred at {last} ({cause}), not asked again before {due}"), Blame::Us)
        }
        (None, None) => untried(visit),
    };
    // Every host of every operator failing alike is told by rule US01; here each shares the blame.
    let closed = blame != Blame::Us && view.port_closed_here() && visit.connect.broke().is_some();
    if closed { (format!("{why}, as everywhere from here"), Blame::Us) } else { (why, blame) }
}

/// The first question of a visit that was not answered as a sender would need it, if one was put.
fn stopped_at(visit: &Observation) -> Option<(String, Blame)> {
    let real = visit.recipient(RecipientKind::Real).map(|recipient| &recipient.outcome);
    let steps = [
        end(&visit.connect, "connect"),
        end(&visit.greeting, "greeting"),
        end(&visit.hello, "EHLO"),
        // TLS counts where the visit ended over it, which the later steps then do not tell.
        end(&visit.tls, "STARTTLS").filter(|_| !visit.sender.was_tried()),
        end(&visit.hello_secured, "EHLO inside TLS"),
        end(&visit.sender, "MAIL"),
        real.and_then(|outcome| end(outcome, "RCPT")),
    ];
    steps.into_iter().flatten().next()
}

/// How a question failed, if it was put and did.
fn end<T>(stage: &Stage<T>, word: &str) -> Option<(String, Blame)> {
    match stage {
        Stage::Reached(_) | Stage::NotTried(_) => None,
        Stage::Declined(reply) => Some((format!("{word} refused: {reply}"), Blame::Peer)),
        Stage::Broke(fault) => Some((Fault::to_string(fault), fault.blame())),
    }
}

/// Every step went well and the recipient was not asked all the same.
fn untried(visit: &Observation) -> (String, Blame) {
    let why = match visit.recipient(RecipientKind::Real).map(|recipient| &recipient.outcome) {
        Some(Stage::NotTried(why)) => *why,
        _ => Why::NotAsked,
    };
    let blame = match why {
        Why::EarlierFailed | Why::EnoughRefusals | Why::NotOffered | Why::Stopped => Blame::Peer,
        Why::Interrupted | Why::NotAsked | Why::NotThisVisit => Blame::Us,
    };
    (format!("recipient not asked: {why}"), blame)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, at, host, silent, unconnected},
        survey::{DnsFault, FaultKind, Phase, Purpose},
    };

    fn unseen(host: Host) -> Coverage {
        let good = answering("mx1.even.example", "192.0.2.1", SERVER);
        Coverage::of(&sample::survey(vec![(10, vec![good]), (20, vec![host])]))
    }

    fn one(host: Host) -> (String, Blame) {
        let mut coverage = unseen(host);
        assert_eq!(coverage.unseen.len(), 1, "{coverage:?}");
        let unseen = coverage.unseen.remove(0);
        (unseen.why, unseen.blame)
    }

    #[test]
    fn whatever_was_not_seen_says_why_and_whose_fault_it_is() {
        let refuses = |real| answering("mx2.even.example", "192.0.2.2", Server { real, ..SERVER });
        let barred = |access| {
            let endpoint = crate::survey::Endpoint { access, ..at("10.0.0.1", Vec::new()) };
            host("mx2.even.example", vec![endpoint])
        };
        let failed = AddressAnswer::Failed(DnsFault::TimedOut);
        for (host, why, blame) in [
            (
                silent("mx2.even.example", "192.0.2.2", FaultKind::TimedOut),
                "no connect within 30 s",
                Blame::Path,
            ),
            (
                silent("mx2.even.example", "192.0.2.2", FaultKind::Refused),
                "connection refused at connect",
                Blame::Peer,
            ),
            (
                refuses("554 5.7.1 Client host [198.51.100.7] blocked using zen.example"),
                "about this prober: 554 5.7.1 Client host [198.51.100.7] blocked using zen.example",
                Blame::Us,
            ),
            (
                refuses("451 4.7.1 Greylisted, please try again"),
                "greylisting: 451 4.7.1 Greylisted, please try again",
                Blame::Peer,
            ),
            (host("mx2.even.example", Vec::new()), "the name has no address", Blame::Peer),
            (
                Host { a: failed, ..host("mx2.even.example", Vec::new()) },
                "A look-up failed: no answer in time",
                Blame::Path,
            ),
            (
                barred(Access::SpecialPurpose("Private-Use".to_owned())),
                "not a public address (Private-Use), not visited",
                Blame::Peer,
            ),
            (
                barred(Access::FamilyOff),
                "its address family is switched off, not visited",
                Blame::Us,
            ),
            (barred(Access::Open), "not visited", Blame::Us),
        ] {
            assert_eq!(one(host), (why.to_owned(), blame));
        }
    }

    #[test]
    fn an_address_without_a_route_from_here_is_ours_and_the_host_is_seen_through_the_other() {
        let v6 = at("2001:db8::2", vec![unconnected(FaultKind::NoRoute)]);
        let mut dual = answering("mx2.even.example", "192.0.2.2", SERVER);
        dual.addresses.push(v6);
        let coverage = unseen(dual);
        assert_eq!((coverage.planned, coverage.observed), (3, 2));
        assert_eq!(coverage.unseen[0].address, Some("2001:db8::2".parse().unwrap()));
        assert_eq!(coverage.unseen[0].blame, Blame::Us);
    }

    /// The last visit is about TLS alone, and its end is no reason for what it was not made for.
    #[test]
    fn a_visit_for_one_hello_gives_no_reason_for_an_unseen_recipient() {
        for purpose in [Purpose::Floor, Purpose::Injection] {
            let mut mute = answering("mx2.even.example", "192.0.2.2", SERVER);
            let visits = &mut mute.addresses[0].observations;
            let silence = Fault::new(Phase::Sender, FaultKind::TimedOut, Duration::from_secs(60));
            visits[0].sender = Stage::Broke(silence);
            visits[0].recipients.clear();
            let first = unseen(mute.clone()).unseen;
            assert_eq!(first[0].why, "no MAIL within 60 s");
            let odd = Observation { purpose, ..unconnected(FaultKind::Reset) };
            mute.addresses[0].observations.push(odd);
            assert_eq!(unseen(mute).unseen, first, "{purpose}");
        }
    }

    #[test]
    fn a_question_that_broke_off_outlasts_visits_that_did_not_put_it() {
        let mut broken = sample::session(SERVER);
        let reset = Fault::new(Phase::Recipient, FaultKind::Reset, Duration::ZERO);
        broken.recipients[0].outcome = Stage::Broke(reset);
        let unasked =
            |purpose| Observation { purpose, recipients: Vec::new(), ..sample::session(SERVER) };
        let visits = vec![broken, unasked(Purpose::Confirm), unasked(Purpose::Floor)];
        let host = host("mx2.even.example", vec![at("192.0.2.2", visits)]);
        assert_eq!(one(host), ("connection reset at RCPT".to_owned(), Blame::Peer));
    }

    #[test]
    fn a_family_switched_off_is_not_planned() {
        let endpoint =
            crate::survey::Endpoint { access: Access::FamilyOff, ..at("2001:db8::2", Vec::new()) };
        assert_eq!(unseen(host("mx2.even.example", vec![endpoint])).planned, 1);
    }

    #[test]
    fn a_refusal_of_the_domain_was_seen() {
        let real = "554 5.7.1 <postmaster@even.example>: Relay access denied";
        let refuses = answering("mx2.even.example", "192.0.2.2", Server { real, ..SERVER });
        let coverage = unseen(refuses);
        assert_eq!((coverage.planned, coverage.observed, coverage.unseen), (2, 2, Vec::new()));
    }

    #[test]
    fn a_failed_mx_lookup_leaves_everything_unseen() {
        let fault = DnsFault::Rcode { rcode: "SERVFAIL".to_owned(), extended: None };
        let coverage = Coverage::of(&sample::with_mx(MxLookup::Failed { fault }));
        assert_eq!(coverage.unseen[0].why, "MX look-up failed: SERVFAIL");
        assert_eq!(coverage.unseen[0].host, sample::NAME);
        assert_eq!(coverage.unseen[0].blame, Blame::Peer);
        let interrupted = MxLookup::Failed { fault: DnsFault::Interrupted };
        let coverage = Coverage::of(&sample::with_mx(interrupted));
        assert_eq!(coverage.unseen[0].blame, Blame::Us);
    }
}
