//! Cells about the session: reaching the host, what it says of itself, whom it takes mail for.
//!
//! Whether a refusal is about the host is decided in `rules`; here it only gets its looks.

use super::{Cell, NOT_ASKED, UNKNOWN, asked, broken, refused, unanswered};
use crate::{
    report::words,
    rules::{
        Spot, View,
        attribution::{Acceptance, Attribution},
        view::Seat,
    },
    smtp::{SizeLimit, cause::Moment},
    survey::{Blame, Purpose, RecipientKind},
};

/// From here on a greeting's delay is worth a word.
const SLOW_MS: u64 = 5_000;

/// Extensions that a sender acts on, or that say something of how a host is kept.
const EXTENSIONS: [&str; 8] =
    ["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "DSN", "REQUIRETLS", "LIMITS", "AUTH"];

/// Days as they stand in dates. RFC 5322 §3.3.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub fn connect(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let endpoint = spot.endpoint;
    match endpoint.access.barred() {
        Some((why, Blame::Us)) => return Cell::unknown(why),
        Some((why, _)) => return Cell::bad(why, "barred"),
        None => {}
    }
    let stood = endpoint.connected().find_map(|visit| visit.connect.reached());
    match (stood, endpoint.connect_fault()) {
        // Times differ with the way there, so they are shown and not compared.
        (Some(connected), _) => Cell::plain(format!("{} ms", connected.after_ms), "connected"),
        // What fails alike everywhere says something of our own line, not of theirs.
        (None, Some(fault)) if view.port_closed_here() => Cell::unknown(fault.kind.to_string()),
        (None, Some(fault)) => broken(fault),
        (None, None) => Cell::unknown("not visited"),
    }
}

/// What a server says it is. Two greetings are never compared by their words, because many carry
/// session numbers.
pub fn greeting(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let Some((_, greeting)) = spot.endpoint.greeting() else {
        return asked(view, spot, Moment::Greeting, |visit| &visit.greeting);
    };
    // The name stands in the head of the column already, and the date is that of the run.
    let line = greeting.reply.lines[0].to_string();
    let named = usize::from(greeting.name().is_some());
    let is_date = |word: &&str| DAYS.contains(&word.trim_end_matches(','));
    let words = line.split_whitespace().skip(named).take_while(|word| !is_date(word));
    let words = words.collect::<Vec<_>>().join(" ");
    let text = words.trim_end_matches(" ready at").trim_end_matches(';');
    let text = if text.is_empty() { "220" } else { text };
    match greeting.after_ms {
        0..SLOW_MS => Cell::remark(text),
        slow => Cell::remark(format!("{text}, after {}", words::took(slow))),
    }
}

/// The extensions of the first primary that showed any, and what the others have more or less.
pub fn extensions(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let Some(own) = offered(spot) else {
        return Cell::unknown(UNKNOWN);
    };
    let key = own.join(" ");
    let mut primaries = view.primaries().flat_map(Seat::spots);
    let first = primaries.find_map(|first| Some((first.endpoint, offered(&first)?)));
    let text = match first {
        Some((endpoint, _)) if std::ptr::eq(endpoint, spot.endpoint) => key.clone(),
        Some((_, first)) if first == own => "the same".to_owned(),
        Some((_, first)) => difference(&own, &first),
        None => key.clone(),
    };
    Cell::plain(if text.is_empty() { "none of note" } else { &text }, key)
}

fn offered(spot: &Spot<'_>) -> Option<Vec<&'static str>> {
    let (_, hello) = spot.endpoint.best_hello()?;
    Some(EXTENSIONS.into_iter().filter(|word| hello.capabilities.has(word)).collect())
}

fn difference(own: &[&str], first: &[&str]) -> String {
    let beyond = |these: &[&str], those: &[&str]| {
        let only = these.iter().filter(|word| !those.contains(word)).copied();
        only.collect::<Vec<_>>().join(" ")
    };
    let parts = [("no", beyond(first, own)), ("also", beyond(own, first))];
    let said = parts.into_iter().filter(|(_, which)| !which.is_empty());
    said.map(|(word, which)| format!("{word} {which}")).collect::<Vec<_>>().join(", ")
}

pub fn size_limit(spot: &Spot<'_>) -> Cell {
    let Some((_, hello)) = spot.endpoint.best_hello() else {
        return Cell::unknown(UNKNOWN);
    };
    match hello.capabilities.size() {
        Some(SizeLimit::Octets(octets)) => Cell::plain(words::octets(octets), octets.to_string()),
        // RFC 1870 §3: 0 means no fixed limit; to a sender that is as good as no word at all.
        Some(SizeLimit::Unbounded) => Cell::plain("no limit", "none"),
        Some(SizeLimit::Unreadable) => Cell::plain("unreadable", "unreadable"),
        None => Cell::plain("not declared", "none"),
    }
}

/// How MAIL ended in the visits of the wanted purposes.
pub fn sender(view: &View<'_>, spot: &Spot<'_>, wanted: impl Fn(Purpose) -> bool) -> Cell {
    let visits = || spot.endpoint.observations.iter().filter(|visit| wanted(visit.purpose));
    if let Some(reply) = visits().find_map(|visit| visit.sender.reached()) {
        return Cell::plain(format!("accepted ({})", reply.code), "accepted");
    }
    let declined = visits().find_map(|visit| Some((visit, visit.sender.declined()?)));
    if let Some((visit, reply)) = declined {
        return refused(view, visit, Moment::Sender, reply);
    }
    match visits().next() {
        Some(visit) => unanswered(&visit.sender),
        // Nobody went there at all, so nobody chose not to ask.
        None if spot.endpoint.observations.is_empty() => Cell::unknown(UNKNOWN),
        None => Cell::unknown(NOT_ASKED),
    }
}

/// What became of a recipient, in the words of the attribution: a refusal that is about us leaves
/// the question open.
pub fn recipient(seen: &Attribution<'_>, spot: &Spot<'_>, kind: RecipientKind) -> Cell {
    match (seen.acceptance, seen.seen) {
        (Acceptance::Accepted, _) if kind == RecipientKind::Relay => {
            Cell::bad("accepted", "accepted")
        }
        (Acceptance::Accepted, _) => Cell::plain("accepted", "accepted"),
        (Acceptance::Refused(cause), Some((_, reply))) => {
            let verb = if reply.is_temporary() { "deferred" } else { "refused" };
            let text = format!("{verb} ({}): {}", reply.code, words::cause(cause));
            // To refuse one that does not exist, or a stranger's, is what a host should do.
            match kind {
                _ if cause.is_prober() => Cell::unknown(text),
                RecipientKind::Real | RecipientKind::Postmaster => Cell::bad(text, verb),
                RecipientKind::Nonsense | RecipientKind::Relay => Cell::plain(text, verb),
            }
        }
        (Acceptance::Refused(_) | Acceptance::Unseen, _) => unseen(spot, kind),
    }
}

fn unseen(spot: &Spot<'_>, kind: RecipientKind) -> Cell {
    let visits = &spot.endpoint.observations;
    match spot.endpoint.recipients(kind).last() {
        Some((_, asked)) => unanswered(&asked.outcome),
        // A visit that got as far as MAIL and had no such recipient never meant to ask.
        None if visits.iter().any(|visit| visit.sender.was_tried()) => Cell::unknown(NOT_ASKED),
        None => Cell::unknown(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Tone, *};
    use crate::{
        report::sample::{self, SERVER, Server, answering, silent},
        survey::{FaultKind, Host},
    };

    fn read(host: Host, cell: impl Fn(&View<'_>, &Spot<'_>) -> Cell) -> (String, Tone) {
        let survey = sample::survey(vec![(10, vec![host])]);
        let view = View::of(&survey);
        let spot = view.spots().next().unwrap();
        let Cell { text, tone, .. } = cell(&view, &spot);
        (text, tone)
    }

    fn server(server: Server<'_>) -> Host {
        answering("mx1.even.example", "192.0.2.1", server)
    }

    #[test]
    fn a_greeting_is_shown_without_name_and_date() {
        for (words, want) in [
            ("mx1.even.example ESMTP Postfix", "ESMTP Postfix"),
            (
                "mx1.even.example ESMTP Sendmail 8.18.1/8.18.1; Mon, 23 Nov 2026",
                "ESMTP Sendmail 8.18.1/8.18.1",
            ),
            (
                "mx1.even.example Microsoft ESMTP MAIL Service ready at Mon, 23 Nov",
                "Microsoft ESMTP MAIL Service",
            ),
            ("mx1.even.example", "220"),
            ("\u{1b}[2J here", "\\x1b[2J here"),
        ] {
            let cell = read(server(Server { greeting: words, ..SERVER }), greeting);
            assert_eq!(cell, (want.to_owned(), Tone::Plain));
        }
    }

    #[test]
    fn a_recipient_is_accepted_refused_open_or_unseen() {
        let real = |reply| server(Server { real: reply, ..SERVER });
        for (host, text, tone) in [
            (real("250 2.1.5 Ok"), "accepted", Tone::Plain),
            (real("550 5.1.1 User unknown"), "refused (550): user unknown", Tone::Bad),
            (real("451 4.7.1 Greylisted, try later"), "deferred (451): greylisting", Tone::Bad),
            (
                real("554 5.7.1 Client host [198.51.100.7] blocked using zen.example"),
                "refused (554): about this prober",
                Tone::Unknown,
            ),
            (silent("mx1.even.example", "192.0.2.1", FaultKind::Refused), "?", Tone::Unknown),
        ] {
            let kind = RecipientKind::Real;
            let cell = read(host, |view, spot| recipient(&view.acceptance(spot, kind), spot, kind));
            assert_eq!(cell, (text.to_owned(), tone));
        }
    }

    #[test]
    fn sizes_are_said_in_the_units_of_mail_software() {
        for (keywords, want) in [
            (&["SIZE 52428800"][..], "52.4 MB"),
            (&["SIZE 900"], "900 octets"),
            (&["SIZE 0"], "no limit"),
            (&["SIZE abc"], "unreadable"),
            (&[], "not declared"),
        ] {
            let cell = read(server(Server { keywords, ..SERVER }), |_, spot| size_limit(spot));
            assert_eq!(cell.0, want);
        }
    }

    #[test]
    fn extensions_are_told_by_what_differs_from_the_first_primary() {
        let first = ["8BITMIME", "SMTPUTF8", "PIPELINING"];
        for (keywords, want) in [
            (&first[..], "the same"),
            (&["8BITMIME", "DSN"], "no SMTPUTF8 PIPELINING, also DSN"),
            (&[], "no 8BITMIME SMTPUTF8 PIPELINING"),
        ] {
            let backup = answering("mx2.even.example", "192.0.2.2", Server { keywords, ..SERVER });
            let primary = server(Server { keywords: &first, ..SERVER });
            let survey = sample::survey(vec![(10, vec![primary]), (20, vec![backup])]);
            let view = View::of(&survey);
            let texts: Vec<String> =
                view.spots().map(|spot| extensions(&view, &spot).text).collect();
            assert_eq!(texts, ["8BITMIME SMTPUTF8 PIPELINING", want]);
        }
    }
}
