//! What every reply to the prober says by its own words, visit by visit.
//!
//! Compares nothing; that is for `attribution`.

use super::{Evidence, Spot, View};
use crate::{
    smtp::{
        Command, Mailbox, Reply, ReversePath,
        cause::{self, Cause, Confidence, Context, Diagnosis, Moment},
    },
    survey::{Observation, Purpose, Recipient, RecipientKind, Stage},
};

/// One refusal anywhere in a visit.
pub struct Refusal<'a> {
    pub visit: &'a Observation,
    pub moment: Moment,
    pub reply: &'a Reply,
    pub diagnosis: Diagnosis,
}

/// One reply to RCPT and what it says by itself.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    pub visit: &'a Observation,
    pub recipient: &'a Recipient,
    pub reply: &'a Reply,
    /// What a refusal is about; says nothing of an acceptance.
    pub cause: Cause,
    pub confidence: Confidence,
}

impl<'a> View<'a> {
    /// Every refusal in every visit to `spot`, with what it is about by its own words.
    pub fn refusals(&self, spot: &Spot<'a>) -> Vec<Refusal<'a>> {
        let mut refusals = Vec::new();
        for visit in &spot.endpoint.observations {
            let early = early_refusals(visit).map(|(moment, reply)| (moment, None, reply));
            let late = visit.recipients.iter().filter_map(|recipient| {
                let reply = recipient.outcome.declined()?;
                Some((Moment::Recipient, Some(&recipient.mailbox), reply))
            });
            refusals.extend(early.chain(late).map(|(moment, mailbox, reply)| Refusal {
                visit,
                moment,
                reply,
                diagnosis: self.diagnose(visit, moment, mailbox, reply),
            }));
        }
        refusals
    }

    /// What a refusal is about by its own words.
    pub fn diagnose(
        &self,
        visit: &Observation,
        moment: Moment,
        recipient: Option<&Mailbox>,
        reply: &Reply,
    ) -> Diagnosis {
        cause::diagnose(reply, &self.context(visit, moment, recipient))
    }

    pub(super) fn context<'b>(
        &'b self,
        visit: &Observation,
        moment: Moment,
        recipient: Option<&'b Mailbox>,
    ) -> Context<'b> {
        let null = visit.purpose == Purpose::NullSender;
        Context {
            moment,
            recipient,
            sender: if null { &ReversePath::Null } else { &self.survey.asked.sender },
            helo: &self.survey.vantage.helo,
            ours: self.ours(),
            theirs: self.theirs(),
        }
    }

    /// Every reply to RCPT for recipients of `kind` in visits with the run's own sender, each by its
    /// own words.
    pub fn said(&self, spot: &Spot<'a>, kind: RecipientKind) -> Vec<Said<'a>> {
        let ordinary = |visit: &Observation| {
            visit.purpose != Purpose::NullSender || self.survey.asked.sender == ReversePath::Null
        };
        let replies = spot.endpoint.recipients(kind).filter(|(visit, _)| ordinary(visit));
        let said = replies.filter_map(|(visit, recipient)| {
            let reply = match &recipient.outcome {
                Stage::Reached(reply) | Stage::Declined(reply) => reply,
                Stage::Broke(_) | Stage::NotTried(_) => return None,
            };
            let mailbox = Some(&recipient.mailbox);
            let found = self.diagnose(visit, Moment::Recipient, mailbox, reply);
            let Diagnosis { cause, confidence, .. } = found;
            Some(Said { visit, recipient, reply, cause, confidence })
        });
        said.collect()
    }
}

impl<'a> Said<'a> {
    /// This reply, as evidence.
    pub fn evidence(&self, spot: &Spot<'a>, fact: &str) -> Evidence {
        let command = Command::RcptTo(self.recipient.mailbox.clone()).to_string();
        spot.exchange(self.visit, fact, self.reply, &command)
    }
}

/// A reply that came before RCPT, as evidence.
pub fn early<'a>(
    spot: &Spot<'a>,
    visit: &'a Observation,
    moment: Moment,
    reply: &Reply,
) -> Evidence {
    let (fact, command) = match moment {
        Moment::Greeting => ("greeting", ""),
        Moment::Hello => ("hello", "EHLO"),
        Moment::StartTls => ("tls", "STARTTLS"),
        Moment::Sender => ("sender", "MAIL"),
        Moment::Recipient => ("recipients", "RCPT"),
    };
    spot.exchange(visit, fact, reply, command)
}

/// The refusals of a visit before RCPT, in order.
fn early_refusals(visit: &Observation) -> impl Iterator<Item = (Moment, &Reply)> {
    let stages = [
        (Moment::Greeting, visit.greeting.declined()),
        (Moment::Hello, visit.hello.declined()),
        (Moment::StartTls, visit.tls.declined()),
        (Moment::Hello, visit.hello_secured.declined()),
        (Moment::Sender, visit.sender.declined()),
    ];
    stages.into_iter().filter_map(|(moment, reply)| Some((moment, reply?)))
}
