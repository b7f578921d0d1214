//! What is remembered from run to run: triplets by domain, and addresses that want rest.
//!
//! A fold: each survey is learned, each run recalls the part that concerns it. Knows no file and no
//! clock; `cli` has both.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    rules::{Spot, View, attribution::Acceptance, expected},
    smtp::{DomainName, Mailbox, Text, cause::Cause},
    survey::{
        Memory, Observation, RecipientKind, Survey,
        memory::{Contact, Resting, Standing},
        reading,
    },
};

/// The number of the form on disk.
pub const SCHEMA: u32 = 1;

/// Greylisting lets a triplet in after 5 to 30 minutes; a deferral that stands doubles the wait.
const FIRST_WAIT: Duration = Duration::from_secs(10 * 60);
/// An hourly schedule finishes what it began; and triplets are forgotten after a day or two.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// What a server may ask for in so many words.
const LONGEST_HINT: u64 = 12 * 3600;
/// Their clock began after ours.
const MARGIN: u64 = 30;

/// After the first request to stop; each that follows doubles it.
const FIRST_REST: Duration = Duration::from_secs(30 * 60);
const LONGEST_REST: Duration = Duration::from_secs(24 * 3600);

/// A triplet that nobody asked about for so long is forgotten.
const CONTACT_KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);
/// So long after its rest, an address that asks again begins anew.
const REST_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Everything remembered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    schema: u32,
    #[serde(default)]
    domains: BTreeMap<DomainName, Vec<Contact>>,
    /// By address, since many domains share a host.
    #[serde(default)]
    resting: Vec<Resting>,
}

impl Default for State {
    fn default() -> Self {
        Self { schema: SCHEMA, domains: BTreeMap::new(), resting: Vec::new() }
    }
}

impl State {
    /// What a run over `domain` has to know; `source` tells from which of our addresses a server
    /// would see us, where that can be told.
    pub fn recall(
        &self,
        domain: &DomainName,
        now: Timestamp,
        source: impl Fn(IpAddr) -> Option<IpAddr>,
    ) -> Memory {
        // Greylisting knows us by our address: from another one, the triplet is another.
        let same = |contact: &&Contact| match (contact.source, source(contact.address)) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        let mut contacts: Vec<Contact> =
            self.domains.get(domain).into_iter().flatten().filter(same).cloned().collect();
        for contact in &mut contacts {
            if let Standing::Deferred { due, .. } = &mut contact.standing
                && !is_ahead(*due, now, Duration::from_secs(LONGEST_HINT + MARGIN))
            {
                *due = now;
            }
        }
        let resting = |resting: &&Resting| is_ahead(resting.until, now, LONGEST_REST);
        let resting = self.resting.iter().filter(resting).copied().collect();
        Memory { at: now, contacts, resting }
    }

    /// Takes in what a run saw.
    pub fn learn(&mut self, survey: &Survey) {
        let view = View::of(survey);
        for seat in view.seats().chain(view.also()) {
            for spot in seat.spots() {
                self.rest(survey, &spot);
                for mailbox in &survey.asked.recipients {
                    self.meet(&view, &spot, mailbox);
                }
            }
        }
        self.forget(survey.began);
    }

    /// Whether the address asked to be left alone, and so the whole host; one that was visited and
    /// did not is done with resting.
    fn rest(&mut self, survey: &Survey, spot: &Spot<'_>) {
        let siblings = &spot.seat.host.addresses;
        let visits = &spot.endpoint.observations;
        if reading::stopped(visits) {
            let at = moment(survey, visits.last());
            for endpoint in siblings {
                self.lengthen(endpoint.address, at);
            }
        } else if spot.endpoint.answers() == Some(true)
            // Another address of the host may have asked for both.
            && !siblings.iter().any(|sibling| reading::stopped(&sibling.observations))
        {
            self.resting.retain(|resting| resting.address != spot.endpoint.address);
        }
    }

    fn lengthen(&mut self, address: IpAddr, at: Timestamp) {
        let known = self.resting.iter_mut().find(|resting| resting.address == address);
        match known {
            // Two addresses of one host, or two domains on it, may ask within one run.
            Some(resting) if is_ahead(resting.until, at, LONGEST_REST) => {}
            Some(resting) => {
                resting.times = resting.times.saturating_add(1);
                resting.until = later(at, doubled(FIRST_REST, resting.times, LONGEST_REST));
            }
            None => {
                let until = later(at, FIRST_REST);
                self.resting.push(Resting { address, times: 1, until });
            }
        }
    }

    /// What became of one recipient at one address.
    fn meet<'a>(&mut self, view: &View<'a>, spot: &Spot<'a>, mailbox: &Mailbox) {
        let survey = view.survey;
        let now = view.acceptance_of(spot, mailbox);
        let Some((visit, reply)) = now.seen else { return };
        let at = moment(survey, Some(visit));
        let contacts = self.domains.entry(survey.domain.clone()).or_default();
        let same = |contact: &Contact| {
            contact.address == spot.endpoint.address
                && contact.sender == survey.asked.sender
                && contact.recipient == *mailbox
        };
        let known = contacts.iter().position(same).map(|place| contacts.swap_remove(place));
        let before = known.as_ref().map(|contact| contact.standing);
        let standing = match now.acceptance {
            Acceptance::Accepted => {
                let said = view.said(spot, RecipientKind::Real);
                let mut first = said.iter().filter(|said| said.recipient.mailbox == *mailbox);
                let first = first.next().filter(|said| said.reply.is_temporary());
                Some(taken(before, first.map(|said| said.cause)))
            }
            Acceptance::Refused(cause) if cause.is_prober() || cause == Cause::Rate => before,
            Acceptance::Refused(cause) => {
                let waits = !now.is_lasting() && is_worth_waiting(cause);
                let meant = expected::is_as_declared(view, spot);
                (waits && !meant).then(|| deferred(before, cause, at, &reply.lines))
            }
            Acceptance::Unseen => before,
        };
        let Some(standing) = standing else { return };
        let local = visit.connect.reached().and_then(|stood| stood.local);
        contacts.push(Contact {
            address: spot.endpoint.address,
            source: local.map(|local| local.ip()),
            sender: survey.asked.sender.clone(),
            recipient: mailbox.clone(),
            first: known.map_or(at, |contact| contact.first),
            last: at,
            standing,
        });
    }

    /// Lets go of what is too old to matter.
    fn forget(&mut self, now: Timestamp) {
        for contacts in self.domains.values_mut() {
            contacts.retain(|contact| now.duration_since(contact.last) <= CONTACT_KEPT);
            contacts.sort_by(|one, other| {
                (one.address, &one.recipient).cmp(&(other.address, &other.recipient))
            });
        }
        self.domains.retain(|_, contacts| !contacts.is_empty());
        self.resting.retain(|resting| now.duration_since(resting.until) <= REST_KEPT);
        self.resting.sort_by_key(|resting| resting.address);
    }
}

fn taken(before: Option<Standing>, first: Option<Cause>) -> Standing {
    match (before, first) {
        (Some(Standing::Deferred { cause, .. } | Standing::TakenLater { cause }), _)
        | (_, Some(cause)) => Standing::TakenLater { cause },
        (Some(Standing::TakenAtOnce) | None, None) => Standing::TakenAtOnce,
    }
}

fn deferred(before: Option<Standing>, cause: Cause, at: Timestamp, lines: &[Text]) -> Standing {
    let times = match before {
        Some(Standing::Deferred { times, .. }) => times.saturating_add(1),
        _ => 1,
    };
    let hint = lines.iter().filter(|_| cause == Cause::Greylist).find_map(hint);
    let wait = hint.unwrap_or_else(|| doubled(FIRST_WAIT, times, LONGEST_WAIT));
    Standing::Deferred { cause, times, due: later(at, wait) }
}

/// A refusal for now that time may mend.
fn is_worth_waiting(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::ByDesignDefer | Cause::OneRecipient | Cause::TlsPolicy | Cause::TlsUnavailable
    )
}

/// How long a greylisting server says it takes: `for 300 seconds`, `in 5 minutes`, `in 00:05:00`.
fn hint(line: &Text) -> Option<Duration> {
    let text = line.folded();
    let trimmed = |word: &str| word.trim_matches(['.', ',', ';', '(', ')', '!']).to_owned();
    let words: Vec<String> = text.split(' ').map(trimmed).collect();
    let clock = |word: &String| {
        let (hours, rest) = word.split_once(':')?;
        let (minutes, seconds) = rest.split_once(':')?;
        let number = |part: &str| part.parse::<u64>().ok().filter(|number| *number < 100);
        Some((number(hours)? * 60 + number(minutes)?) * 60 + number(seconds)?)
    };
    let counted = |pair: &[String]| {
        let unit = match pair[1].get(..3)? {
            "sec" => 1,
            "min" => 60,
            "hou" => 3600,
            _ => return None,
        };
        pair[0].parse::<u64>().ok()?.checked_mul(unit)
    };
    let asked = words.iter().find_map(clock).or_else(|| words.windows(2).find_map(counted))?;
    Some(Duration::from_secs(asked.min(LONGEST_HINT) + MARGIN))
}

/// Whether `due` is still to come. No wait is longer than `most`: what is further off was written while
/// the clock was wrong, and would silence us for years.
fn is_ahead(due: Timestamp, now: Timestamp, most: Duration) -> bool {
    due > now && due <= later(now, most)
}

/// `first`, twice that, four times that, and so on.
fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).map_or(most, |wait| wait.min(most))
}

/// When the last word of a visit was said.
fn moment(survey: &Survey, visit: Option<&Observation>) -> Timestamp {
    let after = visit.map_or(0, |visit| visit.began_ms.saturating_add(visit.took_ms));
    later(survey.began, Duration::from_millis(after))
}

/// Stops at the end of time.
fn later(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greylisting_server_may_say_how_long_it_takes() {
        for (line, seconds) in [
            ("4.2.0 Greylisted for 5 minutes", Some(330)),
            ("Greylisting in action, please come back in 00:05:00", Some(330)),
            ("Greylisted, try again in (300) seconds.", Some(330)),
            ("please retry in 1 hour", Some(3630)),
            ("back in 99 hours", Some(12 * 3600 + 30)),
            ("Greylisted, see http://postgrey.example/help/a.example.html", None),
            ("from [2001:db8::25]:49152 at 12:00", None),
            ("99999999999999999999 seconds", None),
            ("18446744073709551615 hours", None),
        ] {
            let wait = hint(&Text::from(line)).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{line}");
        }
    }

    #[test]
    fn how_a_triplet_stands_follows_from_how_it_stood() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let cause = Cause::Greylist;
        let waiting = |times| Standing::Deferred { cause, times, due: at };
        for (before, first, want) in [
            (None, None, Standing::TakenAtOnce),
            (None, Some(cause), Standing::TakenLater { cause }),
            (Some(waiting(1)), None, Standing::TakenLater { cause }),
            (Some(Standing::TakenAtOnce), None, Standing::TakenAtOnce),
            (Some(Standing::TakenAtOnce), Some(cause), Standing::TakenLater { cause }),
        ] {
            assert_eq!(taken(before, first), want, "{before:?}");
        }
        for (before, times, minutes) in [
            (None, 1, 10),
            (Some(waiting(1)), 2, 20),
            (Some(waiting(40)), 41, 60),
            (Some(waiting(u32::MAX)), u32::MAX, 60),
            (Some(Standing::TakenLater { cause }), 1, 10),
        ] {
            let due = at + SignedDuration::from_mins(minutes);
            assert_eq!(deferred(before, cause, at, &[]), Standing::Deferred { cause, times, due });
        }
    }

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let mut state = State::default();
        state.lengthen("192.0.2.1".parse().unwrap(), "2026-11-23T12:00:00Z".parse().unwrap());
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
        assert!(serde_json::from_str::<State>("{}").is_err());
    }
}
