//! The traits of a mail host as cells of the matrix: what was seen, how it looks, what it equals.
//!
//! To add a trait: a row in [`rows`] and a function from an address to its [`Cell`].
//! Compares nothing; unknown is a cell of its own and never looks like "no".

use crate::{
    report::words,
    rules::{
        Spot, View,
        attribution::{Acceptance, Attribution},
        view::Seat,
    },
    smtp::{Mailbox, Reply, SizeLimit, cause::Moment},
    survey::{
        Blame, Fault, FaultKind, Observation, Purpose, RecipientKind, Stage, Why, reading::Offer,
    },
    tls::{Handshake, TlsVersion, TrustFlaw},
};

/// What is known of one trait at one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
    /// What is compared; `None` where nothing is known, or nothing can be compared.
    pub key: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tone {
    /// Bad by itself, whatever the primary does.
    Bad,
    Plain,
    Unknown,
}

/// A trait: its label and how to read it at an address.
pub struct Row<'a> {
    pub label: String,
    pub read: Box<dyn Fn(&Spot<'a>) -> Cell + 'a>,
}

/// Not seen.
pub const UNKNOWN: &str = "?";
/// Has no meaning here, such as a TLS version without STARTTLS.
pub const NOT_APPLICABLE: &str = "–";
pub const NOT_ASKED: &str = "not asked";

/// From here on a greeting's delay is worth a word.
const SLOW_MS: u64 = 5_000;

/// Extensions that a sender acts on, or that say something of how a host is kept.
const EXTENSIONS: [&str; 8] =
    ["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "DSN", "REQUIRETLS", "LIMITS", "AUTH"];

/// Every trait, in the order of a visit.
pub fn rows<'a>(view: &'a View<'a>) -> Vec<Row<'a>> {
    let mut rows = vec![
        row("connect", |spot| connect(view, spot)),
        row("greeting", |spot| greeting(view, spot)),
        row("STARTTLS", |spot| starttls(view, spot)),
        row("TLS version", |spot| tls_version(view, spot)),
        row("key exchange", |spot| key_exchange(view, spot)),
        row("certificate", |spot| certificate(view, spot)),
        row("public key", |spot| public_key(view, spot)),
        row("extensions", |spot| extensions(view, spot)),
        row("size limit", |spot| size_limit(spot)),
        row("MAIL", |spot| sender(view, spot, |purpose| purpose != Purpose::NullSender)),
        row("null sender", |spot| sender(view, spot, |purpose| purpose == Purpose::NullSender)),
    ];
    let real: &'a [Mailbox] = &view.survey.asked.recipients;
    match real {
        [] | [_] => rows.push(recipient_row(view, "real recipient", RecipientKind::Real)),
        several => rows.extend(several.iter().map(|mailbox| {
            row(mailbox.local(), move |spot| {
                recipient(&view.acceptance_of(spot, mailbox), spot, RecipientKind::Real)
            })
        })),
    }
    rows.push(recipient_row(view, "postmaster", RecipientKind::Postmaster));
    rows.push(recipient_row(view, "nonsense", RecipientKind::Nonsense));
    rows.push(recipient_row(view, "relay test", RecipientKind::Relay));
    rows
}

fn row<'a>(label: &str, read: impl Fn(&Spot<'a>) -> Cell + 'a) -> Row<'a> {
    Row { label: label.to_owned(), read: Box::new(read) }
}

fn recipient_row<'a>(view: &'a View<'a>, label: &str, kind: RecipientKind) -> Row<'a> {
    row(label, move |spot| recipient(&view.acceptance(spot, kind), spot, kind))
}

impl Cell {
    fn plain(text: impl Into<String>, key: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain, key: Some(key.into()) }
    }

    fn bad(text: impl Into<String>, key: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, ..Self::plain(text, key) }
    }

    pub fn unknown(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Unknown, key: None }
    }
}

fn connect(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let endpoint = spot.endpoint;
    match words::barred(&endpoint.access) {
        Some((why, Blame::Us)) => return Cell::unknown(why),
        Some((why, _)) => return Cell::bad(why, "barred"),
        None => {}
    }
    let stood = endpoint.connected().find_map(|visit| visit.connect.reached());
    match (stood, endpoint.connect_fault()) {
        (Some(connected), _) => Cell::plain(format!("{} ms", connected.after_ms), "connected"),
        // What fails alike everywhere says something of our own line, not of theirs.
        (None, Some(fault)) if view.port_closed_here() => Cell::unknown(fault.kind.to_string()),
        (None, Some(fault)) => broken(fault),
        (None, None) => Cell::unknown("not visited"),
    }
}

/// A fault of ours leaves the trait unknown; any other is an answer of a kind.
fn broken(fault: &Fault) -> Cell {
    let text = match fault.kind {
        FaultKind::TimedOut => fault.to_string(),
        _ => fault.kind.to_string(),
    };
    match fault.blame() {
        Blame::Us => Cell::unknown(text),
        _ => Cell::bad(text, "broken"),
    }
}

fn greeting(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let Some((_, greeting)) = spot.endpoint.greeting() else {
        return asked(view, spot, Moment::Greeting, |visit| &visit.greeting);
    };
    let line = greeting.reply.lines[0].to_string();
    // The name stands in the head of the column, and the date is today's.
    let named = usize::from(greeting.name().is_some());
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let is_date = |word: &&str| days.contains(&word.trim_end_matches(','));
    let words: Vec<&str> =
        line.split_whitespace().skip(named).take_while(|word| !is_date(word)).collect();
    let words = words.join(" ");
    let text = words.trim_end_matches(" ready at").trim_end_matches(';');
    let text = if text.is_empty() { "220".to_owned() } else { text.to_owned() };
    let after = words::took(greeting.after_ms);
    let text = if greeting.after_ms < SLOW_MS { text } else { format!("{text}, after {after}") };
    // Two greetings are never compared by their words: they carry session numbers.
    Cell { key: None, ..Cell::plain(text, "") }
}

fn starttls(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    match spot.endpoint.starttls() {
        Offer::Always => Cell::plain("offered", "offered"),
        Offer::Sometimes => Cell::bad("now and then", "sometimes"),
        Offer::Never { .. } => Cell::bad("not offered", "never"),
        Offer::Masked(mask) => Cell::bad(format!("masked as {mask}"), "masked"),
        Offer::Unknown if spot.endpoint.hello().is_some() => Cell::bad("EHLO refused", "helo"),
        Offer::Unknown => asked(view, spot, Moment::Hello, |visit| &visit.hello),
    }
}

fn tls_version(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    if let Some((_, handshake)) = spot.endpoint.handshake() {
        let version = handshake.version;
        let old = version < TlsVersion::Tls12;
        let make = if old { Cell::bad } else { Cell::plain };
        return make(version.to_string(), version.to_string());
    }
    match spot.endpoint.starttls() {
        Offer::Never { .. } | Offer::Masked(_) => {
            Cell { key: None, ..Cell::plain(NOT_APPLICABLE, "") }
        }
        Offer::Unknown => shadow(&starttls(view, spot)),
        Offer::Always | Offer::Sometimes => asked(view, spot, Moment::StartTls, |visit| &visit.tls),
    }
}

/// A trait that only a finished handshake shows.
fn within_tls(view: &View<'_>, spot: &Spot<'_>, read: impl Fn(&Handshake) -> Cell) -> Cell {
    let handshake = spot.endpoint.handshake().map(|(_, handshake)| handshake);
    handshake.map_or_else(|| shadow(&tls_version(view, spot)), read)
}

/// What stands in a row that an earlier one explains already.
fn shadow(of: &Cell) -> Cell {
    match (of.text.as_str(), of.key.as_deref()) {
        (NOT_APPLICABLE, _) | (_, Some("helo")) => {
            Cell { key: None, ..Cell::plain(NOT_APPLICABLE, "") }
        }
        _ => Cell::unknown(UNKNOWN),
    }
}

fn key_exchange(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    within_tls(view, spot, |handshake| match &handshake.group {
        Some(group) => Cell::plain(group, group),
        None => Cell::unknown(UNKNOWN),
    })
}

fn certificate(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    within_tls(view, spot, |handshake| {
        let began = view.survey.began;
        let left = (handshake.leaf().not_after.duration_since(began)).as_hours() / 24;
        if handshake.is_verified() {
            return Cell::plain(format!("trusted, {left} days left"), "trusted");
        }
        let flaws: Vec<String> = handshake.trust.iter().map(words::flaw).collect();
        let kinds: Vec<&str> = handshake.trust.iter().map(words::kind_of_flaw).collect();
        let expired = handshake.trust.iter().any(|flaw| matches!(flaw, TrustFlaw::Expired { .. }));
        let make = if expired { Cell::bad } else { Cell::plain };
        make(flaws.join(", "), kinds.join(" "))
    })
}

fn public_key(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    within_tls(view, spot, |handshake| {
        let key = handshake.leaf().key.to_string();
        Cell::plain(key.clone(), key)
    })
}

fn extensions(view: &View<'_>, spot: &Spot<'_>) -> Cell {
    let offered = |spot: &Spot<'_>| {
        let (_, hello) = spot.endpoint.best_hello()?;
        let has = |word: &&str| hello.capabilities.has(word);
        Some(EXTENSIONS.into_iter().filter(has).collect::<Vec<_>>())
    };
    let Some(own) = offered(spot) else {
        return Cell::unknown(UNKNOWN);
    };
    let key = own.join(" ");
    let reference = view
        .primaries()
        .flat_map(Seat::spots)
        .find_map(|first| Some((std::ptr::eq(first.endpoint, spot.endpoint), offered(&first)?)));
    let text = match reference {
        Some((false, first)) if first == own => "the same".to_owned(),
        Some((false, first)) => difference(&own, &first),
        _ if own.is_empty() => "none of note".to_owned(),
        _ => key.clone(),
    };
    Cell::plain(text, key)
}

fn difference(own: &[&str], first: &[&str]) -> String {
    let beyond = |these: &[&str], those: &[&str]| {
        let only = these.iter().filter(|word| !those.contains(word)).copied();
        only.collect::<Vec<_>>().join(" ")
    };
    let (lacks, adds) = (beyond(first, own), beyond(own, first));
    let parts = [("no", lacks), ("also", adds)];
    let said = parts.into_iter().filter(|(_, which)| !which.is_empty());
    said.map(|(word, which)| format!("{word} {which}")).collect::<Vec<_>>().join(", ")
}

fn size_limit(spot: &Spot<'_>) -> Cell {
    let Some((_, hello)) = spot.endpoint.best_hello() else {
        return Cell::unknown(UNKNOWN);
    };
    match hello.capabilities.size() {
        Some(SizeLimit::Octets(octets)) => Cell::plain(words::octets(octets), octets.to_string()),
        Some(SizeLimit::Unbounded) => Cell::plain("no limit", "none"),
        Some(SizeLimit::Unreadable) => Cell::plain("unreadable", "unreadable"),
        None => Cell::plain("not declared", "none"),
    }
}

fn sender(view: &View<'_>, spot: &Spot<'_>, wanted: impl Fn(Purpose) -> bool) -> Cell {
    let visits = || spot.endpoint.observations.iter().filter(|visit| wanted(visit.purpose));
    if let Some(reply) = visits().find_map(|visit| visit.sender.reached()) {
        return Cell::plain(format!("accepted ({})", reply.code), "accepted");
    }
    let declined = visits().find_map(|visit| Some((visit, visit.sender.declined()?)));
    if let Some((visit, reply)) = declined {
        return refused(view, visit, Moment::Sender, reply);
    }
    visits().next().map_or_else(|| Cell::unknown(NOT_ASKED), |visit| unanswered(&visit.sender))
}

fn recipient(seen: &Attribution<'_>, spot: &Spot<'_>, kind: RecipientKind) -> Cell {
    // To take a recipient that does not exist, or a stranger's, is no good answer.
    let wanted = matches!(kind, RecipientKind::Real | RecipientKind::Postmaster);
    match (seen.acceptance, seen.seen) {
        (Acceptance::Accepted, _) if kind == RecipientKind::Relay => {
            Cell::bad("accepted", "accepted")
        }
        (Acceptance::Accepted, _) => Cell::plain("accepted", "accepted"),
        (Acceptance::Refused(cause), Some((_, reply))) => {
            let verb = if reply.is_temporary() { "deferred" } else { "refused" };
            let text = format!("{verb} ({}): {}", reply.code, words::cause(cause));
            if cause.is_prober() {
                return Cell::unknown(text);
            }
            let make = if wanted { Cell::bad } else { Cell::plain };
            make(text, verb)
        }
        (Acceptance::Refused(_) | Acceptance::Unseen, _) => {
            match spot.endpoint.recipients(kind).last() {
                Some((_, asked)) => unanswered(&asked.outcome),
                // A visit that got this far and had no such recipient never meant to ask.
                None if spot.endpoint.observations.iter().any(|visit| visit.sender.was_tried()) => {
                    Cell::unknown(NOT_ASKED)
                }
                None => Cell::unknown(UNKNOWN),
            }
        }
    }
}

/// How a question ended at an address where no visit has the answer: as in the last visit that put
/// it. A refusal of ours by name tells nothing of the host.
fn asked<'a, T: 'a>(
    view: &View<'a>,
    spot: &Spot<'a>,
    moment: Moment,
    stage: impl Fn(&'a Observation) -> &'a Stage<T>,
) -> Cell {
    let visits = &spot.endpoint.observations;
    let tried = visits.iter().rfind(|visit| stage(visit).was_tried());
    let Some(visit) = tried.or(visits.first()) else {
        return Cell::unknown(UNKNOWN);
    };
    match stage(visit) {
        Stage::Declined(reply) => refused(view, visit, moment, reply),
        other => unanswered(other),
    }
}

fn refused(view: &View<'_>, visit: &Observation, moment: Moment, reply: &Reply) -> Cell {
    let cause = view.diagnose(visit, moment, None, reply).cause;
    if cause.is_prober() {
        return Cell::unknown(format!("refused ({}): {}", reply.code, words::cause(cause)));
    }
    let verb = if reply.is_temporary() { "deferred" } else { "refused" };
    Cell::bad(format!("{verb}: {reply}"), verb)
}

fn unanswered<T>(stage: &Stage<T>) -> Cell {
    match stage {
        Stage::Declined(reply) => Cell::bad(format!("refused: {reply}"), "refused"),
        Stage::Broke(fault) => broken(fault),
        Stage::NotTried(Why::NotAsked | Why::NotThisVisit) => Cell::unknown(NOT_ASKED),
        // The row that shows what failed, or the reply that asked us to stop, is further up.
        Stage::NotTried(Why::EarlierFailed | Why::Stopped) | Stage::Reached(_) => {
            Cell::unknown(UNKNOWN)
        }
        Stage::NotTried(why) => Cell::unknown(format!("{UNKNOWN} {why}")),
    }
}
