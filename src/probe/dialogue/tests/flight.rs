//! The answer to the one hello of a visit: whole, cut short, and to another question.

use super::*;
use crate::{
    survey::{Exchange, FaultKind},
    tls::{FlightFault, Suite, SuiteClass},
};

/// What becomes of a question whose server says these octets and closes.
fn answered(question: Question, octets: &[u8]) -> (Exchange, Step) {
    let starttls = Some(Opening::Ask(Box::new(question)));
    let visit = Visit { purpose: Purpose::Floor, starttls, ..visit() };
    let (mut dialogue, mut step) = Dialogue::open(visit, Limits::default());
    let opening = sound().into_iter().map(|(_, input)| input).take(4);
    let said = [Input::Heard(octets), Input::Broke(FaultKind::Closed)];
    for input in opening.chain(said) {
        (dialogue, step) = dialogue.advance(Duration::ZERO, input);
    }
    (dialogue.into_observation(Duration::ZERO, Duration::ZERO).floor.unwrap(), step)
}

#[test]
fn a_server_that_leaves_in_the_middle_of_its_flight_has_said_what_it_said() {
    let flight = include_bytes!("../../../../fixtures/flights/tls12-warning.bin");
    let good_bye = [21, 3, 3, 0, 2, 1, 0];
    for (octets, want) in [
        (&flight[..6], None),
        // A warning, behind which others go on.
        (&flight[..7], None),
        (&flight[..200], Some("TLSv1.2 TLS_RSA_WITH_AES_128_CBC_SHA, encrypt-then-MAC, ")),
        (&good_bye, None),
        (&[21, 3, 3, 0, 2, 2, 40], Some("refused (alert 40)")),
    ] {
        let (seen, step) = answered(Question::any(TlsVersion::Tls12), octets);
        assert_eq!(step, Step::HangUp);
        let answer = seen.answer.reached().map(ToString::to_string);
        match want {
            Some(want) => assert!(answer.unwrap().starts_with(want), "{octets:?}"),
            None => assert_eq!(seen.answer.broke().unwrap().kind, FaultKind::Closed, "{octets:?}"),
        }
    }
}

#[test]
fn a_choice_of_what_was_not_on_offer_is_no_answer() {
    let flight = include_bytes!("../../../../fixtures/flights/tls12-dhe.bin");
    let any = || Question::any(TlsVersion::Tls12);
    let suite = Suite::named("TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256").unwrap();
    for (question, counts) in [
        (any(), true),
        (Question { without_suites: vec![suite], ..any() }, false),
        (Question::of(TlsVersion::Tls12, [SuiteClass::Null]), false),
        (Question::any(TlsVersion::Tls11), false),
        (Question::any(TlsVersion::Tls13), false),
    ] {
        // Whole, and cut off behind the choice.
        for length in [flight.len(), 200] {
            let shown = format!("{question}, {length}");
            let (seen, step) = answered(question.clone(), &flight[..length]);
            assert_eq!(step, Step::HangUp, "{shown}");
            assert_eq!(seen.answer.reached().is_some(), counts, "{shown}");
            let why = seen.answer.broke().map(|fault| fault.kind.clone());
            let said = FaultKind::TlsFailed(FlightFault::NotOffered.to_string());
            assert_eq!(why, (!counts).then_some(said), "{shown}");
        }
    }
}
