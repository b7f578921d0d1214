//! US rules: what our own standing keeps us from proving. Never about them.
//!
//! Also decides whether port 25 is closed here, for every rule that would else call a host dead.

use super::{Case, Evidence, Spot, Subject, View, finding::Confidence, operators};
use crate::{
    smtp::Speaker,
    survey::{Blame, Control, Fault, FaultKind, Observation, Presence},
};

/// The port that networks close; a run on another one proves nothing about it.
const SMTP: u16 = 25;

impl<'a> View<'a> {
    /// Whether what we saw cannot be told from port 25 being closed on our side. No host is to be
    /// called unreachable then.
    pub fn port_closed_here(&self) -> bool {
        let control = self.survey.vantage.control.as_ref();
        let attempts = self.attempts();
        if control.is_some_and(Control::answered) || attempts.iter().any(Attempt::stood) {
            return false;
        }
        control.is_some_and(control_failed) || alike_for_strangers(&attempts)
    }

    /// First connections to port 25 of every host, those outside the MX set included, that this
    /// machine had an address for.
    fn attempts(&self) -> Vec<Attempt<'a>> {
        let v6 = self.survey.vantage.ipv6 != Presence::Absent;
        let spots = self.seats().chain(self.also()).flat_map(|seat| seat.spots());
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
    let proof: Vec<Evidence> = proof.collect();
    // The control is known to be up; hosts that fail alike are only likely to be.
    let sure = if proof.is_empty() { Confidence::Medium } else { Confidence::High };
    let hosts = view.attempts().into_iter().filter_map(|Attempt { spot, visit, fault }| {
        Some(spot.evidence(visit, "connect", fault?, |who, _| who == Speaker::Event))
    });
    let case = Case::about(Subject::prober()).sure(sure);
    vec![proof.into_iter().chain(hosts).fold(case, Case::seen)]
}
