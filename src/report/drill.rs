//! The drill: what the forecast had said would happen, against what is seen now that it has happened.
//!
//! Takes two surveys of one domain, before and during an outage. Says nothing of what did not change.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    forecast::Names,
    ink::{BOLD, GOOD, Line, PLAIN, Sheet, WARN},
    text::MARGIN,
    words,
};
use crate::{
    forecast::{
        Forecast, Landscape, Outlook, Prediction, Scenario, Supposed,
        landscape::{Address, Host, Step, Tls},
        scenarios::Trouble,
    },
    rules::View,
    survey::Survey,
};

/// How a forecast held.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Drill {
    /// When the earlier survey was made.
    pub before: jiff::Timestamp,
    /// What has failed since, of which the forecast was asked: `down=HOST`, `tls-broken=HOST`.
    pub happened: Vec<String>,
    /// Hosts that could not be seen now, so that the forecast about them was not put to the test.
    pub unseen: Vec<String>,
    /// Sender by sender.
    pub senders: Vec<Compared>,
}

/// One sender's mail, as it was foreseen and as it is.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Compared {
    pub sender: &'static str,
    /// `null` where it cannot be told, then or now.
    pub held: Option<bool>,
    pub foreseen: String,
    pub seen: String,
}

impl Drill {
    /// Holds the forecast from `before` against what `now` shows.
    pub fn of(before: &Survey, now: &Survey) -> Self {
        let (then, today) = (View::of(before), View::of(now));
        let (then, today) = (then.landscape(), today.landscape());
        let happened = happened(then, today);
        let unseen: Vec<String> = both(then, today)
            .filter(|(_, now)| now.addresses.iter().any(is_unknown) || now.addresses.is_empty())
            .map(|(_, now)| now.name.clone())
            .collect();
        let scenario = Scenario::Faults(happened.clone());
        let foreseen = Forecast::of(then, &happened);
        let seen = Forecast::of(today, &[]);
        let scenario = if happened.is_empty() { Scenario::Today } else { scenario };
        let names = Names::of(then);
        let compared = |(said, is): (&Prediction, &Prediction)| {
            let unproven = |one: &Prediction| one.outlooks.iter().any(Outlook::is_unproven);
            let told = |one: &Prediction| {
                let parts = one.outlooks.iter().map(|outlook| (outlook.fate, outlook.host.clone()));
                parts.collect::<Vec<_>>()
            };
            let held = (!unproven(said) && !unproven(is)).then(|| told(said) == told(is));
            Compared {
                sender: said.model.name,
                held,
                foreseen: super::forecast::told_briefly(said, &names),
                seen: super::forecast::told_briefly(is, &names),
            }
        };
        let senders = foreseen.when(&scenario).zip(seen.when(&Scenario::Today));
        Self {
            before: before.began,
            happened: happened.iter().map(ToString::to_string).collect(),
            unseen,
            senders: senders.map(compared).collect(),
        }
    }

    /// Whether every sender's mail goes where it was said to go.
    pub fn held(&self) -> bool {
        self.senders.iter().all(|one| one.held == Some(true))
    }
}

/// Hosts of both surveys, by name.
fn both<'a>(then: &'a Landscape, now: &'a Landscape) -> impl Iterator<Item = (&'a Host, &'a Host)> {
    then.hosts()
        .filter_map(|before| Some((before, now.hosts().find(|host| host.name == before.name)?)))
}

/// What worked then and does not now.
fn happened(then: &Landscape, now: &Landscape) -> Vec<Supposed> {
    let mut all: Vec<Supposed> = Vec::new();
    for (before, now) in both(then, now) {
        let stood = |one: &Address| one.connect == Step::Passes;
        let gone = |one: &Address| matches!(one.connect, Step::Gone(_) | Step::Silent(_));
        let spoke = |one: &Address| matches!(one.tls, Tls::Spoken(_));
        let broke = |one: &Address| matches!(one.tls, Tls::Broken(_) | Tls::Lost(_));
        let every = |holds: &dyn Fn(&Address) -> bool| {
            !now.addresses.is_empty() && now.addresses.iter().all(holds)
        };
        let what = if before.addresses.iter().any(stood) && every(&gone) {
            Trouble::Down
        } else if before.addresses.iter().any(spoke) && every(&broke) {
            Trouble::TlsBroken
        } else {
            continue;
        };
        let one = Supposed { what, host: now.name.clone() };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn is_unknown(address: &Address) -> bool {
    !address.is_known()
}

/// The drill for people.
pub(super) fn draw(sheet: &mut Sheet, drill: &Drill, width: usize) {
    let when = words::moment(drill.before);
    let what = match drill.happened.as_slice() {
        [] => "nothing has failed since: this drill tested the forecast for today only".to_owned(),
        several => format!("since then {}", several.join(", ")),
    };
    sheet.blank();
    let head = Line::new(BOLD, "Drill").pad(MARGIN);
    sheet.hanging(width, MARGIN, head, (PLAIN, &format!("against the forecast of {when}; {what}")));
    for unseen in &drill.unseen {
        let text = format!("{unseen} could not be seen now, so what was said of it is not tested");
        sheet.hanging(width, MARGIN + 2, Line::default().pad(MARGIN), (WARN, &text));
    }
    for one in &drill.senders {
        let (style, text) = match one.held {
            Some(true) => (GOOD, format!("{}: as foreseen: {}", one.sender, one.seen)),
            Some(false) => (
                WARN,
                format!("{}: differs: foreseen {}, now {}", one.sender, one.foreseen, one.seen),
            ),
            None => (
                PLAIN,
                format!(
                    "{}: not to be told: foreseen {}, now {}",
                    one.sender, one.foreseen, one.seen
                ),
            ),
        };
        sheet.hanging(width, MARGIN + 2, Line::default().pad(MARGIN), (style, &text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::sample::{self, SERVER, Server, answering, silent},
        survey::{FaultKind, Host},
    };

    fn survey(hosts: [Host; 2]) -> Survey {
        let [one, other] = hosts;
        sample::survey(vec![(10, vec![one]), (20, vec![other])])
    }

    fn host(number: usize, real: &str) -> Host {
        let (name, address) = (format!("mx{number}.even.example"), format!("192.0.2.{number}"));
        answering(&name, &address, Server { real, ..SERVER })
    }

    const YES: &str = "250 2.1.5 Ok";
    const NO: &str = "550 5.1.1 <postmaster@even.example>: User unknown";

    #[test]
    fn a_drill_tells_what_held_and_what_did_not() {
        let before = survey([host(1, YES), host(2, YES)]);
        let dead = || silent("mx1.even.example", "192.0.2.1", FaultKind::Refused);
        for (now, happened, held, postfix) in [
            (
                survey([dead(), host(2, YES)]),
                &["down=mx1.even.example"][..],
                true,
                ("mx2 encrypted", "mx2 encrypted"),
            ),
            (
                survey([dead(), host(2, NO)]),
                &["down=mx1.even.example"],
                false,
                ("mx2 encrypted", "bounces at mx2"),
            ),
            (survey([host(1, YES), host(2, YES)]), &[], true, ("mx1 encrypted", "mx1 encrypted")),
        ] {
            let drill = Drill::of(&before, &now);
            assert_eq!(drill.happened, happened);
            let one = drill.senders.iter().find(|one| one.sender == "postfix").unwrap();
            assert_eq!((one.foreseen.as_str(), one.seen.as_str()), postfix);
            assert_eq!(one.held, Some(held), "{one:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_during_a_drill_is_not_tested() {
        let before = survey([host(1, YES), host(2, YES)]);
        let hidden = silent("mx1.even.example", "192.0.2.1", FaultKind::NoRoute);
        let drill = Drill::of(&before, &survey([hidden, host(2, YES)]));
        assert_eq!(
            (drill.happened.len(), drill.unseen.as_slice()),
            (0, &["mx1.even.example".to_owned()][..])
        );
        assert!(drill.senders.iter().all(|one| one.held.is_none()), "{drill:?}");
        assert!(!drill.held());
    }
}
