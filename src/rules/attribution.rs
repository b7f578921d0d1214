//! What each address does with each kind of recipient, and how sure that is: the reply's own
//! words first (`said`), then what other recipients, visits and hosts were told.
//!
//! A refusal that is about the prober never becomes one about the host.

use super::{
    Evidence, Spot, View,
    said::{Refusal, Said, early},
    view::Seat,
};
use crate::{
    smtp::{
        Command, Mailbox, Reply,
        cause::{self, Cause, Confidence, Moment},
    },
    survey::{Observation, Phase, Recipient, RecipientKind},
};

/// What became of one kind of recipient at one address.
#[derive(Clone, Copy)]
pub struct Attribution<'a> {
    pub acceptance: Acceptance,
    pub confidence: Confidence,
    /// The visit and the reply it rests on; `None` when no reply was seen.
    pub seen: Option<(&'a Observation, &'a Reply)>,
    /// What that reply answers.
    command: Answered<'a>,
}

/// What was said before a reply.
#[derive(Clone, Copy)]
enum Answered<'a> {
    Early(Moment),
    Rcpt(&'a Mailbox),
}

/// The outcome, as far as it is about the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Acceptance {
    Accepted,
    /// Refused or deferred, for this cause; [`Attribution::is_lasting`] tells which.
    Refused(Cause),
    /// Nothing answered, or the question was not put.
    Unseen,
}

/// Whether mail for the domain gets in somewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Takes {
    No,
    /// Not seen, or refused for a reason that says nothing of the host.
    Unknown,
    Yes,
}

impl<'a> View<'a> {
    /// What `spot` does with recipients of `kind`: where several were asked, the best of them.
    pub fn acceptance(&self, spot: &Spot<'a>, kind: RecipientKind) -> Attribution<'a> {
        self.attribution(spot, kind, |_| true)
    }

    /// What `spot` does with one of the recipients that the domain should take.
    pub fn acceptance_of(&self, spot: &Spot<'a>, mailbox: &Mailbox) -> Attribution<'a> {
        self.attribution(spot, RecipientKind::Real, |recipient| recipient.mailbox == *mailbox)
    }

    /// Whether this address takes the domain's mail, as far as it was asked.
    pub fn takes(&self, spot: &Spot<'a>) -> Takes {
        let real = self.acceptance(spot, RecipientKind::Real);
        let no = match real.acceptance {
            Acceptance::Accepted => return Takes::Yes,
            Acceptance::Refused(cause) => self.keeps_out(spot, &real, cause),
            Acceptance::Unseen => self.is_silent(spot),
        };
        if no { Takes::No } else { Takes::Unknown }
    }

    /// Whether a refusal means that the mail does not get in, and not only ours or not just now.
    fn keeps_out(&self, spot: &Spot<'a>, answer: &Attribution<'a>, cause: Cause) -> bool {
        match cause {
            Cause::ByDesignDefer => true,
            Cause::HostTemporary | Cause::RecipientUnverified => {
                let said = self.said(spot, RecipientKind::Real);
                let mut pairs = said.windows(2);
                pairs.any(|pair| !std::ptr::eq(pair[0].visit, pair[1].visit))
            }
            Cause::TlsPolicy => spot.endpoint.handshake().is_none(),
            Cause::UserUnknown => answer.is_lasting(),
            _ => cause.refuses_domain(),
        }
    }

    /// Whether a host takes the domain's mail at any of its addresses.
    pub fn seat_takes(&self, seat: &Seat<'a>) -> Takes {
        let all: Vec<Takes> = seat.spots().map(|spot| self.takes(&spot)).collect();
        let unresolved = all.is_empty() && seat.host.is_unresolved();
        match () {
            () if all.contains(&Takes::Yes) => Takes::Yes,
            () if unresolved || all.contains(&Takes::Unknown) => Takes::Unknown,
            () => Takes::No,
        }
    }

    fn attribution(
        &self,
        spot: &Spot<'a>,
        kind: RecipientKind,
        wanted: impl Fn(&Recipient) -> bool,
    ) -> Attribution<'a> {
        let mut said = self.said(spot, kind);
        said.retain(|one| wanted(one.recipient));
        let Some(chosen) = chosen(&said) else {
            return self.turned_away(spot, kind);
        };
        let (acceptance, confidence) = if chosen.reply.is_positive() {
            let doubted = said.iter().any(|one| one.reply.is_permanent());
            let sure = if doubted { Confidence::Medium } else { Confidence::High };
            (Acceptance::Accepted, sure)
        } else {
            let (cause, confidence) = self.compared(spot, &chosen, &said);
            (Acceptance::Refused(cause), confidence)
        };
        Attribution {
            acceptance,
            confidence,
            seen: Some((chosen.visit, chosen.reply)),
            command: Answered::Rcpt(&chosen.recipient.mailbox),
        }
    }

    /// A refusal before RCPT. It cannot be about a recipient, and the classifier knows that.
    fn turned_away(&self, spot: &Spot<'a>, kind: RecipientKind) -> Attribution<'a> {
        let asked = match kind {
            RecipientKind::Real => !self.survey.asked.recipients.is_empty(),
            RecipientKind::Nonsense => self.survey.asked.nonsense.is_some(),
            RecipientKind::Relay => self.survey.asked.relay.is_some(),
            RecipientKind::Postmaster => true,
        };
        let ordinary = |refusal: &Refusal<'_>| {
            refusal.visit.purpose.is_ordinary()
                && matches!(refusal.moment, Moment::Greeting | Moment::Hello | Moment::Sender)
        };
        let early = self.refusals(spot).into_iter().rev().find(ordinary);
        match early.filter(|_| asked) {
            Some(Refusal { visit, reply, moment, diagnosis }) => Attribution {
                acceptance: Acceptance::Refused(diagnosis.cause),
                confidence: diagnosis.confidence,
                seen: Some((visit, reply)),
                command: Answered::Early(moment),
            },
            None => Attribution {
                acceptance: Acceptance::Unseen,
                confidence: Confidence::Low,
                seen: None,
                command: Answered::Early(Moment::Greeting),
            },
        }
    }

    /// The cause of a refusal after a look at what others were told.
    fn compared(&self, spot: &Spot<'a>, one: &Said<'a>, all: &[Said<'a>]) -> (Cause, Confidence) {
        let raised = |sure: bool| if sure { one.confidence.raised() } else { one.confidence };
        let repeated = all.iter().filter(|other| other.cause == one.cause).count() > 1;
        let accepted_elsewhere = || {
            self.spots().filter(|other| other.seat.host.name != spot.seat.host.name).any(|other| {
                let said = self.said(&other, one.recipient.kind);
                said.iter().any(|answer| {
                    answer.recipient.mailbox == one.recipient.mailbox && answer.reply.is_positive()
                })
            })
        };
        match one.cause {
            // Words that are also said of unknown users, by a host that does serve the domain.
            Cause::DomainNotServed
                if one.confidence == Confidence::Low && self.takes_another(spot, one) =>
            {
                (Cause::UserUnknown, raised(true))
            }
            cause if cause.refuses_domain() => (cause, raised(repeated || accepted_elsewhere())),
            Cause::UserUnknown => {
                (Cause::UserUnknown, raised(repeated || self.is_told_apart(spot, one)))
            }
            cause if cause.is_prober() => (cause, raised(repeated || self.all_blame_us())),
            Cause::Ambiguous if self.is_refused_everywhere() => (Cause::Prober, Confidence::High),
            cause => (cause, raised(repeated)),
        }
    }

    fn takes_another(&self, spot: &Spot<'a>, one: &Said<'a>) -> bool {
        let domain = one.recipient.mailbox.domain();
        OURS.into_iter()
            .flat_map(|kind| self.said(spot, kind))
            .any(|other| other.reply.is_positive() && other.recipient.mailbox.domain() == domain)
    }

    /// Whether this address said something else of another recipient: then it looked at them.
    fn is_told_apart(&self, spot: &Spot<'a>, one: &Said<'a>) -> bool {
        OURS.into_iter().flat_map(|kind| self.said(spot, kind)).any(|other| {
            let context = |said: &Said<'a>| {
                self.context(said.visit, Moment::Recipient, Some(&said.recipient.mailbox))
            };
            let other_mailbox = other.recipient.mailbox != one.recipient.mailbox;
            let (mine, theirs) = (context(one), context(&other));
            other_mailbox
                && !cause::same_words((one.reply, &mine), (other.reply, &theirs))
                && !other.cause.is_prober()
        })
    }

    /// Whether every host that said anything about real recipients said that it is about us.
    fn all_blame_us(&self) -> bool {
        self.all_hosts_say(|said| said.cause.is_prober())
    }

    /// Whether hosts of unrelated operators all refuse without a reason that is theirs: then the
    /// reason is what they have in common, which is us.
    fn is_refused_everywhere(&self) -> bool {
        let unsaid = |said: &Said<'_>| said.cause.is_prober() || said.cause == Cause::Ambiguous;
        self.has_unrelated_hosts()
            && self.all_hosts_say(|said| said.reply.is_permanent() && unsaid(said))
    }

    fn all_hosts_say(&self, holds: impl Fn(&Said<'a>) -> bool) -> bool {
        let speaking: Vec<Vec<Said<'a>>> = self
            .seats()
            .map(|seat| {
                seat.spots().flat_map(|spot| self.said(&spot, RecipientKind::Real)).collect()
            })
            .filter(|said: &Vec<Said<'a>>| !said.is_empty())
            .collect();
        speaking.len() > 1 && speaking.iter().flatten().all(holds)
    }

    /// Whether nothing at this address ever greeted, and the fault can be theirs.
    pub(super) fn is_silent(&self, spot: &Spot<'a>) -> bool {
        let mut visits = spot.endpoint.observations.iter().peekable();
        let faulty = |visit: &Observation| {
            let fault = visit.connect.broke().or(visit.greeting.broke());
            fault.is_some_and(|fault| {
                fault.may_be_theirs() && matches!(fault.phase, Phase::Connect | Phase::Greeting)
            })
        };
        visits.peek().is_some() && visits.all(faulty) && !self.port_closed_here()
    }
}

/// The recipients in the surveyed domain.
const OURS: [RecipientKind; 3] =
    [RecipientKind::Real, RecipientKind::Postmaster, RecipientKind::Nonsense];

impl<'a> Attribution<'a> {
    /// The reply it rests on, as evidence: of `fact`, or of the step before RCPT that it answered.
    pub fn evidence(&self, spot: &Spot<'a>, fact: &str) -> Option<Evidence> {
        let (visit, reply) = self.seen?;
        Some(match self.command {
            Answered::Early(moment) => early(spot, visit, moment, reply),
            Answered::Rcpt(mailbox) => {
                let command = Command::RcptTo(mailbox.clone()).to_string();
                spot.exchange(visit, fact, reply, &command)
            }
        })
    }

    /// What the reply answers; `None` when no reply was seen.
    pub fn moment(&self) -> Option<Moment> {
        self.seen?;
        Some(match self.command {
            Answered::Early(moment) => moment,
            Answered::Rcpt(_) => Moment::Recipient,
        })
    }

    /// A refusal that asking again will not mend.
    pub fn is_lasting(&self) -> bool {
        self.seen.is_some_and(|(_, reply)| reply.is_permanent())
    }

    /// Whether it was refused for one of `causes`, for now or for good.
    pub fn refused(&self, causes: impl Fn(Cause) -> bool) -> bool {
        matches!(self.acceptance, Acceptance::Refused(cause) if causes(cause))
    }

    /// Whether it was refused for one of `causes`, and for good.
    pub fn refused_for_good(&self, causes: impl Fn(Cause) -> bool) -> bool {
        self.is_lasting() && self.refused(causes)
    }
}

/// The reply that counts among several visits: an acceptance, else the last word that is final
/// and about the host, else the last that is final, else the last.
fn chosen<'a>(said: &[Said<'a>]) -> Option<Said<'a>> {
    let last =
        |holds: &dyn Fn(&Said<'a>) -> bool| said.iter().rev().find(|one| holds(one)).copied();
    said.iter()
        .find(|one| one.reply.is_positive())
        .copied()
        .or_else(|| last(&|one| one.reply.is_permanent() && !one.cause.is_prober()))
        .or_else(|| last(&|one| one.reply.is_permanent()))
        .or_else(|| last(&|_| true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::sketch,
        survey::{MxLookup, Survey},
    };

    const OK: &str = "250 2.1.5 Ok";
    const RELAY: &str = "554 5.7.1 <postmaster@even.example>: Relay access denied";
    const BARE: &str = "550 5.7.1 Access denied";
    const BLOCKED: &str = "554 5.7.1 Service unavailable; Client host blocked using list.example";
    const GREY: &str = "450 4.2.0 <postmaster@even.example>: Greylisted";
    const SICK: &str = "451 4.3.0 <postmaster@even.example>: Temporary lookup failure";
    const UNKNOWN: &str = "550 5.1.1 <postmaster@even.example>: User unknown";
    const NUMBER: &str = "550 5.1.1 <postmaster@even.example>: no";

    /// Hosts of one address each; each word is the answer to the real recipient in one visit.
    fn survey(hosts: &[&[&str]]) -> Survey {
        let visits = |answers: &&[&str]| {
            vec![answers.iter().map(|answer| sketch::answered(answer, None)).collect()]
        };
        sketch::survey(hosts.iter().map(visits).collect())
    }

    fn first(survey: &Survey) -> (Acceptance, Confidence, Takes) {
        let view = View::of(survey);
        let spot = view.spots().next().unwrap();
        let answer = view.acceptance(&spot, RecipientKind::Real);
        (answer.acceptance, answer.confidence, view.takes(&spot))
    }

    #[test]
    fn words_come_first_and_comparisons_make_surer() {
        use Cause::{Ambiguous, DomainNotServed, Greylist, HostTemporary, Prober, UserUnknown};
        use Confidence::{High, Low, Medium};
        for (hosts, cause, confidence, takes) in [
            (&[&[RELAY][..]][..], DomainNotServed, Medium, Takes::No),
            (&[&[RELAY, RELAY]], DomainNotServed, High, Takes::No),
            (&[&[RELAY], &[OK]], DomainNotServed, High, Takes::No),
            // The last word that is about the host counts.
            (&[&[RELAY, BLOCKED]], DomainNotServed, Medium, Takes::No),
            (&[&[UNKNOWN]], UserUnknown, Medium, Takes::No),
            (&[&[NUMBER]], UserUnknown, Low, Takes::No),
            (&[&[BLOCKED], &[OK]], Prober, Medium, Takes::Unknown),
            (&[&[BLOCKED], &[BLOCKED]], Prober, High, Takes::Unknown),
            (&[&[BARE], &[OK]], Ambiguous, Low, Takes::Unknown),
            // One operator may well refuse everybody at all its hosts.
            (&[&[BARE], &[BARE]], Ambiguous, Low, Takes::Unknown),
            (&[&[GREY, GREY]], Greylist, High, Takes::Unknown),
            (&[&[SICK]], HostTemporary, Medium, Takes::Unknown),
            (&[&[SICK, SICK]], HostTemporary, High, Takes::No),
        ] {
            let survey = survey(hosts);
            let want = (Acceptance::Refused(cause), confidence, takes);
            assert_eq!(first(&survey), want, "{hosts:?}");
        }
    }

    #[test]
    fn an_acceptance_outweighs_refusals_and_remembers_them() {
        for (answers, confidence) in [
            (&[OK][..], Confidence::High),
            (&[GREY, OK], Confidence::High),
            (&[RELAY, OK], Confidence::Medium),
        ] {
            let survey = survey(&[answers]);
            assert_eq!(first(&survey), (Acceptance::Accepted, confidence, Takes::Yes));
        }
    }

    #[test]
    fn strangers_to_each_other_that_all_refuse_without_a_reason_mean_us() {
        let mut survey = survey(&[&[BARE], &[BARE]]);
        if let MxLookup::Published(set) = &mut survey.mx {
            set.tiers[1].hosts[0].name = "mx.other.example".to_owned();
        }
        let want = (Acceptance::Refused(Cause::Prober), Confidence::High, Takes::Unknown);
        assert_eq!(first(&survey), want);
    }

    #[test]
    fn a_number_is_believed_more_where_another_recipient_is_told_something_else() {
        for (nonsense, want) in [
            ("550 5.1.1 <nobody@even.example>: no", Confidence::Low),
            ("250 2.1.5 Ok", Confidence::Medium),
            ("550 5.7.1 <nobody@even.example>: forbidden", Confidence::Medium),
        ] {
            let visit = sketch::answered(NUMBER, Some(nonsense));
            assert_eq!(first(&sketch::alone(vec![visit])).1, want, "{nonsense}");
        }
    }
}
