//! A survey laid out for checks: hosts and addresses with their parts in failover.
//!
//! Borrows the survey and adds nothing to it.

use std::{cell::OnceCell, collections::BTreeSet, net::IpAddr};

use super::{
    Case, Evidence, Place, Subject, finding::SubjectKind, landscape, operators, profile::Profile,
};
use crate::{
    forecast::{Forecast, Landscape, Supposed},
    policy::{PolicyReading, sts_policy},
    smtp::{Speaker, Text},
    survey::{Endpoint, Fetched, Host, Observation, Role, Survey},
};

/// A survey with its seats in order.
pub struct View<'a> {
    pub survey: &'a Survey,
    /// The guideline that TLS is held against, if one was chosen.
    pub profile: Option<&'a Profile>,
    seats: Vec<Seat<'a>>,
    /// The MTA-STS policy as it came, read when first asked for.
    sts: OnceCell<Option<PolicyReading>>,
    landscape: OnceCell<Landscape>,
    forecast: OnceCell<Forecast>,
    ours: Vec<IpAddr>,
    theirs: Vec<IpAddr>,
}

/// A host and its part.
#[derive(Clone, Copy)]
pub struct Seat<'a> {
    pub role: Role,
    /// `None` for an implicit host and for hosts outside the MX set.
    pub preference: Option<u16>,
    pub host: &'a Host,
}

/// An address of a host and its part.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    pub seat: Seat<'a>,
    pub endpoint: &'a Endpoint,
}

impl<'a> View<'a> {
    pub fn of(survey: &'a Survey) -> Self {
        let seat = |(role, preference, host)| Seat { role, preference, host };
        let seats: Vec<Seat<'a>> = survey.mx.hosts().map(seat).collect();
        let spots = seats.iter().copied().flat_map(Seat::spots);
        let visits = spots.flat_map(|spot| &spot.endpoint.observations);
        let local = visits.filter_map(|visit| Some(visit.connect.reached()?.local?.ip()));
        let mut ours: Vec<IpAddr> =
            survey.vantage.sources.iter().map(|source| source.address).chain(local).collect();
        ours.sort_unstable();
        ours.dedup();
        let also = survey.also.iter().flat_map(|host| &host.addresses);
        let spots = seats.iter().copied().flat_map(Seat::spots);
        let theirs = spots.map(|spot| spot.endpoint).chain(also);
        let theirs = theirs.map(|endpoint| endpoint.address).collect();
        Self {
            survey,
            profile: None,
            seats,
            sts: OnceCell::new(),
            landscape: OnceCell::new(),
            forecast: OnceCell::new(),
            ours,
            theirs,
        }
    }

    /// The same, held against a guideline.
    pub fn under(survey: &'a Survey, profile: Option<&'a Profile>) -> Self {
        Self { profile, ..Self::of(survey) }
    }

    /// Every address of ours that we know of.
    pub fn ours(&self) -> &[IpAddr] {
        &self.ours
    }

    /// Every address of the hosts.
    pub fn theirs(&self) -> &[IpAddr] {
        &self.theirs
    }

    /// Every host in the order senders try them.
    pub fn seats(&self) -> impl Iterator<Item = Seat<'a>> {
        self.seats.iter().copied()
    }

    /// Every host once, where senders meet it first.
    pub fn hosts(&self) -> impl Iterator<Item = Seat<'a>> {
        let mut names = BTreeSet::new();
        self.seats().filter(move |seat| names.insert(seat.host.name.as_str()))
    }

    /// What came from the policy host of MTA-STS, read.
    pub fn sts(&self) -> Option<&PolicyReading> {
        let read = || match &self.survey.policies.sts.policy.as_ref()?.outcome {
            Fetched::Policy(file) => Some(sts_policy::read(file.body.as_bytes())),
            Fetched::Failed(_) => None,
        };
        self.sts.get_or_init(read).as_ref()
    }

    /// The hosts as senders meet them.
    pub fn landscape(&self) -> &Landscape {
        self.landscape.get_or_init(|| landscape::of(self))
    }

    /// What senders would do.
    pub fn forecast(&self) -> &Forecast {
        self.forecast.get_or_init(|| self.forecast_of(&[]))
    }

    /// The same with a scenario of the user's own.
    pub fn forecast_of(&self, supposed: &[Supposed]) -> Forecast {
        Forecast::of(self.landscape(), supposed)
    }

    /// Every address of every host, in that order.
    pub fn spots(&self) -> impl Iterator<Item = Spot<'a>> {
        self.seats().flat_map(Seat::spots)
    }

    /// Whether some address told an earlier run to come back later than now: then it was not asked,
    /// and of all hosts nothing can be said.
    pub fn is_put_off(&self) -> bool {
        let asked = &self.survey.asked;
        let mut addresses = self.spots().map(|spot| spot.endpoint.address);
        addresses.any(|one| asked.pending(one).is_some() || asked.rests_until(one).is_some())
    }

    /// What `check` finds at every address, gathered by host as in [`Seat::cases`].
    pub fn cases(&self, check: impl Fn(&Spot<'a>) -> Option<Case>) -> Vec<Case> {
        self.seats().flat_map(|seat| seat.cases(&check)).collect()
    }

    pub fn primaries(&self) -> impl Iterator<Item = Seat<'a>> {
        self.seats().filter(|seat| seat.role == Role::Primary)
    }

    /// Whether hosts belong to operators that have nothing to do with each other.
    pub fn has_unrelated_hosts(&self) -> bool {
        operators::unrelated(self.seats().map(|seat| seat.host.name.as_str()))
    }

    pub fn backups(&self) -> impl Iterator<Item = Seat<'a>> {
        self.seats().filter(|seat| seat.role != Role::Primary)
    }

    /// Hosts outside the MX set that were asked whether they still take the mail: behind every
    /// tier, since no sender tries them.
    pub fn also(&self) -> impl Iterator<Item = Seat<'a>> {
        let role = Role::at(self.survey.mx.tiers().len().max(1));
        self.survey.also.iter().map(move |host| Seat { role, preference: None, host })
    }
}

impl<'a> Seat<'a> {
    pub fn spots(self) -> impl Iterator<Item = Spot<'a>> {
        self.host.addresses.iter().map(move |endpoint| Spot { seat: self, endpoint })
    }

    pub fn subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Host,
            preference: self.preference,
            host: Some(self.host.name.clone()),
            address: None,
        }
    }

    /// A case about this host.
    pub fn case(&self) -> Case {
        Case::about(self.subject())
    }

    /// What `check` finds at the addresses of this host: one case about the host where every
    /// address that answers shows the same, else one about each address that does.
    pub fn cases(self, check: impl Fn(&Spot<'a>) -> Option<Case>) -> Vec<Case> {
        let cases: Vec<Case> = self.spots().filter_map(|spot| check(&spot)).collect();
        let answers = |endpoint: &&Endpoint| endpoint.answers() == Some(true);
        let answering = self.host.addresses.iter().filter(answers).count();
        let alike = |pair: &[Case]| {
            pair[0].severity == pair[1].severity && pair[0].against == pair[1].against
        };
        if cases.len() != answering || !cases.windows(2).all(alike) {
            return cases;
        }
        let merged = cases.into_iter().reduce(|mut whole, next| {
            whole.confidence = whole.confidence.min(next.confidence);
            whole.evidence.extend(next.evidence);
            whole
        });
        merged.map(|case| Case { subject: self.subject(), ..case }).into_iter().collect()
    }
}

impl<'a> Spot<'a> {
    pub fn subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Address,
            address: Some(self.endpoint.address),
            ..self.seat.subject()
        }
    }

    /// A case about this address, or about the host where this is its only address.
    pub fn case(&self) -> Case {
        match self.seat.host.addresses.as_slice() {
            [_] => self.seat.case(),
            _ => Case::about(self.subject()),
        }
    }

    /// Evidence from one of this address's visits. `lines` picks the transcript lines to cite.
    pub fn evidence(
        &self,
        visit: &'a Observation,
        fact: &str,
        saw: impl std::fmt::Display,
        lines: impl Fn(Speaker, &Text) -> bool,
    ) -> Evidence {
        let cited = visit.transcript.lines().filter(|(_, line)| lines(line.who, &line.text));
        let lines = cited.map(|(number, _)| number).collect();
        Evidence { at: Some(self.place(visit)), lines, ..Evidence::plain(fact, saw) }
    }

    /// Evidence from one exchange of a visit: our command that begins with `command`, and what came
    /// of it. With no command it is the greeting.
    pub fn exchange(
        &self,
        visit: &'a Observation,
        fact: &str,
        saw: impl std::fmt::Display,
        command: &str,
    ) -> Evidence {
        let mut within = command.is_empty();
        let cited = visit.transcript.lines().filter(|(_, line)| match line.who {
            Speaker::Client => {
                within =
                    !command.is_empty() && line.text.as_bytes().starts_with(command.as_bytes());
                within
            }
            Speaker::Event => within && !command.is_empty(),
            Speaker::Server => within,
        });
        let lines = cited.map(|(number, _)| number).collect();
        Evidence { at: Some(self.place(visit)), lines, ..Evidence::plain(fact, saw) }
    }

    fn place(&self, visit: &Observation) -> Place {
        let same = |other: &Observation| std::ptr::eq(other, visit);
        let position = self.endpoint.observations.iter().position(same);
        Place {
            host: self.seat.host.name.clone(),
            address: self.endpoint.address,
            visit: position.map_or(0, |at| at + 1),
            purpose: visit.purpose,
        }
    }
}
