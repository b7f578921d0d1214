//! Coverage of the questions about TLS: what ended them before all were asked.
//!
//! What was asked for and answered it leaves to `traits`.

use super::{Unseen, end, stopped_at};
use crate::{rules::Spot, survey::Blame};

/// The hello that got no answer as TLS has it, or the way to it.
pub fn broken_off(spot: &Spot<'_>) -> Option<Unseen> {
    let (visit, exchange) = spot.endpoint.broken_off()?;
    let (why, blame) = end(&exchange.answer, "STARTTLS")
        .or_else(|| stopped_at(visit))
        .unwrap_or_else(|| ("STARTTLS not offered".to_owned(), Blame::Peer));
    Some(Unseen {
        host: spot.seat.host.name.clone(),
        address: Some(spot.endpoint.address),
        why: format!("TLS floor: {why}"),
        blame,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        report::{
            Coverage,
            sample::{self, SERVER, at, host},
        },
        survey::{Exchange, Fault, FaultKind, Observation, Phase, Purpose, Stage, Why},
        tls::{Question, TlsVersion},
    };

    #[test]
    fn questions_about_tls_that_ended_early_are_told_of_a_host_that_was_seen() {
        let answer = |answer| Observation {
            purpose: Purpose::Floor,
            floor: Some(Exchange { question: Question::any(TlsVersion::Tls12), answer }),
            recipients: Vec::new(),
            ..sample::session(SERVER)
        };
        let broke = |phase, kind| Stage::Broke(Fault::new(phase, kind, Duration::from_secs(60)));
        let closed = || broke(Phase::Handshake, FaultKind::Closed);
        let busy = crate::smtp::Reply::new(421, "4.3.2 too many");
        let greeting = Stage::Broke(Fault::new(Phase::Greeting, FaultKind::Reset, Duration::ZERO));
        let early = answer(Stage::NotTried(Why::EarlierFailed));
        for (visit, why, blame) in [
            (answer(closed()), "connection closed at TLS handshake", Blame::Peer),
            (
                answer(broke(Phase::Handshake, FaultKind::TimedOut)),
                "no TLS handshake within 60 s",
                Blame::Path,
            ),
            (answer(Stage::Declined(busy)), "STARTTLS refused: 421 4.3.2 too many", Blame::Peer),
            (Observation { greeting, ..early }, "connection reset at greeting", Blame::Peer),
            (answer(Stage::NotTried(Why::NotOffered)), "STARTTLS not offered", Blame::Peer),
        ] {
            let visits = vec![sample::session(SERVER), visit];
            let host = host("mx2.even.example", vec![at("192.0.2.2", visits)]);
            let coverage = Coverage::of(&sample::survey(vec![(10, vec![host])]));
            assert_eq!((coverage.planned, coverage.observed), (1, 1));
            let [told] = &coverage.unseen[..] else { panic!("{:?}", coverage.unseen) };
            assert_eq!((told.why.clone(), told.blame), (format!("TLS floor: {why}"), blame));
        }
    }
}
