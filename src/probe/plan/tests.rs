//! Which visits follow from what was seen.

use std::time::Duration;

use super::*;
use crate::{
    config::Limits,
    probe::{
        dialogue::{Dialogue, Input},
        stand_in,
    },
    smtp::cause::Cause,
    survey::{
        Memory,
        memory::{Contact, Standing as Stands},
    },
};

/// A visit in which the server says these lines and then hangs up.
fn heard(visit: Visit, lines: &[&str]) -> Observation {
    let now = Duration::ZERO;
    let (dialogue, _) = Dialogue::open(visit, Limits::default());
    let (mut dialogue, _) = dialogue.advance(now, Input::Connected(None));
    for line in lines {
        let bytes = format!("{line}\r\n");
        (dialogue, _) = dialogue.advance(now, Input::Heard(bytes.as_bytes()));
    }
    let (dialogue, _) = dialogue.advance(now, Input::Broke(crate::survey::FaultKind::Closed));
    dialogue.into_observation(now, now)
}

#[test]
fn a_confirmation_asks_for_what_was_refused_or_could_not_be_asked() {
    let domain: DomainName = "even.example".parse().unwrap();
    let asked =
        Asked { recipients: vec!["info@even.example".parse().unwrap()], ..stand_in::asked() };
    let errand = Errand {
        asked: &asked,
        domain: &domain,
        helo: &"probe.example".parse().unwrap(),
        host: "mx.even.example",
        to: "192.0.2.1:25".parse().unwrap(),
        standing: Standing::Published,
    };
    let info = "info@even.example";
    for (lines, want) in [
        (&["554 not today", "221 bye"][..], Some(vec![info])),
        (&["421 not now", "221 bye"], None),
        (&["220 mx", "250 mx", "250 sender", "250 recipient", "250 pm", "421 enough"], None),
        (&["220 mx", "250 mx", "250 sender", "250 recipient", "250 pm"], Some(vec![])),
        (&["220 mx", "250 mx", "250 sender", "550 recipient", "250 pm"], Some(vec![info])),
    ] {
        let seen = heard(errand.first(), lines);
        let confirmation = errand.confirmation(&[seen]);
        let asked = confirmation.map(|visit| {
            visit.recipients.iter().map(|(_, mailbox)| mailbox.to_string()).collect::<Vec<_>>()
        });
        let want = want.map(|all: Vec<&str>| all.into_iter().map(str::to_owned).collect());
        assert_eq!(asked, want, "{lines:?}");
    }
}

#[test]
fn who_said_later_is_asked_for_nobody_before_that() {
    let domain: DomainName = "even.example".parse().unwrap();
    let at = Timestamp::UNIX_EPOCH;
    for (minutes, sender, address, asked_for) in [
        (10, "<>", "192.0.2.1", 0),
        (0, "<>", "192.0.2.1", 2),
        (10, "<>", "192.0.2.2", 2),
        (10, "ann@probe.example", "192.0.2.1", 2),
    ] {
        let due = at + Duration::from_secs(60 * minutes);
        let recipient: Mailbox = "info@even.example".parse().unwrap();
        let contact = Contact {
            address: address.parse().unwrap(),
            source: None,
            sender: sender.parse().unwrap(),
            recipient: recipient.clone(),
            first: at,
            last: at,
            standing: Stands::Deferred { cause: Cause::Greylist, times: 1, due },
        };
        let memory = Memory { at, contacts: vec![contact], resting: Vec::new() };
        let asked = Asked {
            recipients: vec![recipient.clone()],
            relay: Some("ann@elsewhere.example".parse().unwrap()),
            memory: Some(memory),
            ..stand_in::asked()
        };
        let errand = Errand {
            asked: &asked,
            domain: &domain,
            helo: &"probe.example".parse().unwrap(),
            host: "mx.even.example",
            to: "192.0.2.1:25".parse().unwrap(),
            standing: Standing::Published,
        };
        let told = (errand.first().recipients.len(), errand.extras(&[]).len());
        assert_eq!(told, (asked_for, usize::from(asked_for > 0)), "{address} {minutes}");
        let said = errand.foreseen()[0].no_recipients_before;
        assert_eq!(said, (asked_for == 0).then_some(due), "{address} {minutes}");
    }
}

#[test]
fn of_several_who_said_later_the_last_one_counts() {
    let at = Timestamp::UNIX_EPOCH;
    let later = |minutes: u64| at + Duration::from_secs(60 * minutes);
    let contact = |recipient: &str, due| Contact {
        address: "192.0.2.1".parse().unwrap(),
        source: None,
        sender: "<>".parse().unwrap(),
        recipient: recipient.parse().unwrap(),
        first: at,
        last: at,
        standing: Stands::Deferred { cause: Cause::Greylist, times: 1, due },
    };
    let contacts = vec![
        contact("ann@even.example", later(10)),
        contact("bob@even.example", later(40)),
        contact("eve@even.example", later(60)),
        contact("dan@even.example", later(20)),
    ];
    let asked = Asked {
        recipients: ["ann", "bob", "dan"]
            .map(|name| format!("{name}@even.example").parse().unwrap())
            .to_vec(),
        memory: Some(Memory { at, contacts, resting: Vec::new() }),
        ..stand_in::asked()
    };
    let (who, _, due) = asked.pending("192.0.2.1".parse().unwrap()).unwrap();
    assert_eq!((who.recipient.to_string().as_str(), due), ("bob@even.example", later(40)));
}
