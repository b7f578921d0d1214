//! US rules: what our own standing keeps us from proving. Never about them.
//!
//! Also decides whether port 25 is closed here, for every rule that would else call a host dead.

use super::{
    Case, Evidence, Spot, Subject, View,
    attribution::Acceptance,
    finding::Confidence,
    mx::reverse_fault,
    operators,
    said::{self, Refusal},
    view::Seat,
};
use crate::{
    smtp::{Command, Reply, ReversePath, Speaker, cause::Moment},
    survey::{
        Blame, Control, Fault, FaultKind, Observation, Presence, Recipient, RecipientKind, Survey,
    },
};

/// The port that networks close; a run on another one proves nothing about it.
const SMTP: u16 = 25;

impl<'a> View<'a> {
    /// Whether what we saw cannot be told from port 25 being closed on our side. No host is to be
    /// called unreachable then.
    pub fn port_closed_here(&self) -> bool {
        let control = self.survey.vantage.control.as_ref();
        let attempts = self.attempts();
        if self.port_is_open() || attempts.iter().any(Attempt::stood) {
            return false;
        }
        control.is_some_and(control_failed)
            || self.survey.vantage.port25 == Presence::Absent
            || alike_for_strangers(&attempts)
    }

    /// Whether a host beside those of the domain proves our port 25.
    pub fn port_is_open(&self) -> bool {
        let vantage = &self.survey.vantage;
        vantage.control.as_ref().is_some_and(Control::answered)
            || vantage.port25 == Presence::Present
    }

    /// First connections to port 25 of every host, those outside the MX set included, that this
    /// machine had an address for.
    fn attempts(&self) -> Vec<Attempt<'a>> {
        let v6 = self.survey.vantage.ipv6 != Presence::Absent;
        let spots = self.seats().chain(self.also()).flat_map(Seat::spots);
        let ours = spots.filter(|Spot { endpoint, .. }| {
            endpoint.port == SMTP && (v6 || endpoint.address.is_ipv4())
        });
        ours.filter_map(|spot| {
            let visits = &spot.endpoint.observations;
            let visit = visits.iter().find(|visit| visit.connect.was_tried())?;
            let fault = spot.endpoint.connect_fault();
            let interrupted = fault.is_some_and(|fault| fault.kind == FaultKind::Interrupted);
            (!interrupted).then_some(Attempt { spot, visit, fault })
        })
        .collect()
    }
}

/// What the hosts of all domains of a run tell of port 25 here, which those of one may not.
pub fn port_25(surveys: &[Survey]) -> Presence {
    let views = surveys.iter().map(View::of);
    let attempts: Vec<Attempt<'_>> = views.flat_map(|view| view.attempts()).collect();
    if attempts.iter().any(Attempt::stood) {
        Presence::Present
    } else if alike_for_strangers(&attempts) {
        Presence::Absent
    } else {
        Presence::Unknown
    }
}

/// An attempt to connect; without a fault it stood.
struct Attempt<'a> {
    spot: Spot<'a>,
    visit: &'a Observation,
    fault: Option<&'a Fault>,
}

impl Attempt<'_> {
    fn stood(&self) -> bool {
        self.fault.is_none()
    }
}

fn control_failed(control: &Control) -> bool {
    let failed = |fault: &Fault| fault.kind != FaultKind::Interrupted;
    !control.tried.is_empty()
        && control.tried.iter().all(|(_, stage)| stage.broke().is_some_and(failed))
}

/// Hosts of two operators that have nothing to do with each other all failed, and in a way that
/// something near us could cause: a filter drops or rejects all of them alike.
fn alike_for_strangers(attempts: &[Attempt<'_>]) -> bool {
    let kinds = || attempts.iter().filter_map(|attempt| attempt.fault).map(|fault| &fault.kind);
    let ours = kinds().all(|kind| kind.blame() != Blame::Peer);
    let alike = kinds().zip(kinds().skip(1)).all(|(one, next)| one == next);
    let names = attempts.iter().map(|attempt| attempt.spot.seat.host.name.as_str());
    operators::unrelated(names) && (ours || alike)
}

pub fn port_25_closed_here(view: &View<'_>) -> Vec<Case> {
    if !view.port_closed_here() {
        return Vec::new();
    }
    let control = view.survey.vantage.control.iter().filter(|control| control_failed(control));
    let proof = control.flat_map(|control| {
        let broke = control.tried.iter().filter_map(|(to, stage)| Some((to, stage.broke()?)));
        broke.map(|(to, fault)| {
            Evidence::plain("vantage.control", format!("{} [{}]: {fault}", control.host, to.ip()))
        })
    });
    let mut proof: Vec<Evidence> = proof.collect();
    // The control is known to be up; hosts that fail alike are only likely to be.
    let sure = if proof.is_empty() { Confidence::Medium } else { Confidence::High };
    if view.survey.vantage.port25 == Presence::Absent {
        let saw = "no host of any domain of this run took a connection";
        proof.push(Evidence::plain("vantage.port25", saw));
    }
    let hosts = view.attempts().into_iter().filter_map(|Attempt { spot, visit, fault }| {
        Some(spot.evidence(visit, "connect", fault?, |who, _| who == Speaker::Event))
    });
    let case = Case::about(Subject::prober()).sure(sure);
    vec![proof.into_iter().chain(hosts).fold(case, Case::seen)]
}

pub fn identity_unconfirmed(view: &View<'_>) -> Vec<Case> {
    let vantage = &view.survey.vantage;
    let mut seen = Vec::new();
    if vantage.helo_resolves == Presence::Absent {
        let saw = format!("{} does not resolve to us", vantage.helo);
        seen.push(Evidence::plain("vantage.helo", saw));
    }
    let sources = vantage.sources.iter().filter_map(|source| {
        let saw = reverse_fault(source.address, &source.reverse)?;
        Some(Evidence::plain("vantage.sources", saw))
    });
    seen.extend(sources);
    if let (Presence::Absent, ReversePath::Mailbox(sender)) =
        (vantage.sender_domain, &view.survey.asked.sender)
    {
        let saw = format!("{} takes no mail", sender.domain());
        seen.push(Evidence::plain("vantage.sender_domain", saw));
    }
    if seen.is_empty() {
        return Vec::new();
    }
    vec![seen.into_iter().fold(Case::about(Subject::prober()), Case::seen)]
}

pub fn prober_rejected(view: &View<'_>) -> Vec<Case> {
    let spots = view.seats().chain(view.also()).flat_map(Seat::spots);
    let rejections: Vec<_> = spots.filter_map(|spot| rejection(view, &spot)).collect();
    let Some(sure) = rejections.iter().map(|(sure, _)| *sure).max() else {
        return Vec::new();
    };
    let seen = rejections.into_iter().map(|(_, evidence)| evidence);
    vec![seen.fold(Case::about(Subject::prober()).sure(sure), Case::seen)]
}

pub fn no_ipv6_here(view: &View<'_>) -> Vec<Case> {
    if view.survey.vantage.ipv6 != Presence::Absent {
        return Vec::new();
    }
    let unvisited =
        |spot: &Spot<'_>| spot.endpoint.address.is_ipv6() && spot.endpoint.access.may_visit();
    let spots: Vec<Spot<'_>> = view.spots().filter(unvisited).collect();
    if spots.is_empty() {
        return Vec::new();
    }
    let seen = spots.iter().map(|Spot { seat, endpoint }| {
        Evidence::plain("host.addresses", format!("{} {}", seat.host.name, endpoint.address))
    });
    vec![seen.fold(Case::about(Subject::prober()), Case::seen)]
}

/// The first refusal at an address that is about us, unless it took the recipient all the same.
fn rejection<'a>(view: &View<'a>, spot: &Spot<'a>) -> Option<(Confidence, Evidence)> {
    let real = view.acceptance(spot, RecipientKind::Real);
    // Compared with what others were told, a reply can be about us that does not say so itself.
    let compared = match (real.acceptance, real.seen) {
        (Acceptance::Accepted, _) => return None,
        (Acceptance::Refused(cause), Some((_, reply))) if cause.is_prober() => Some(reply),
        _ => None,
    };
    view.refusals(spot).into_iter().find_map(|Refusal { visit, moment, reply, diagnosis }| {
        let sure = match compared {
            Some(known) if std::ptr::eq(known, reply) => real.confidence,
            _ if diagnosis.cause.is_prober() => diagnosis.confidence,
            _ => return None,
        };
        let seen = match moment {
            Moment::Recipient => {
                let (fact, command) = asked(visit, reply)?;
                spot.exchange(visit, fact, reply, &command)
            }
            early => said::early(spot, visit, early, reply),
        };
        Some((sure, seen))
    })
}

/// The kind of recipient whose RCPT `reply` answers, as a fact, and the command.
fn asked(visit: &Observation, reply: &Reply) -> Option<(&'static str, String)> {
    let answered = |recipient: &&Recipient| {
        recipient.outcome.declined().is_some_and(|other| std::ptr::eq(other, reply))
    };
    let Recipient { kind, mailbox, .. } = visit.recipients.iter().find(answered)?;
    let fact = match kind {
        RecipientKind::Real => "recipients.real",
        RecipientKind::Postmaster => "recipients.postmaster",
        RecipientKind::Nonsense => "recipients.nonsense",
        RecipientKind::Relay => "recipients.relay",
    };
    Some((fact, Command::RcptTo(mailbox.clone()).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::{net, sketch},
        survey::MxLookup,
    };

    /// A domain with one host of its own, whose connection ends so.
    fn alone(host: &str, visit: Observation) -> Survey {
        let mut survey = sketch::alone(vec![visit]);
        let MxLookup::Published(set) = &mut survey.mx else { unreachable!("sketched so") };
        set.tiers[0].hosts[0].name = host.to_owned();
        survey
    }

    #[test]
    fn domains_of_one_run_tell_of_port_25_together() {
        let silent = |host: &str| alone(host, sketch::unreached(FaultKind::TimedOut));
        let sound = |host: &str| alone(host, sketch::visit());
        for (surveys, port, dead, ours) in [
            (vec![silent("mx.one.example")], Presence::Unknown, 1, 0),
            (vec![silent("mx1.one.example"), silent("mx2.one.example")], Presence::Unknown, 1, 0),
            (vec![silent("mx.one.example"), silent("mx.other.example")], Presence::Absent, 0, 1),
            (vec![silent("mx.one.example"), sound("mx.other.example")], Presence::Present, 1, 0),
        ] {
            assert_eq!(port_25(&surveys), port);
            let mut first = surveys[0].clone();
            first.vantage.port25 = port;
            assert_eq!(sketch::judged(&first, net::host_unreachable).len(), dead, "{port:?}");
            assert_eq!(sketch::judged(&first, port_25_closed_here).len(), ours, "{port:?}");
        }
    }
}
