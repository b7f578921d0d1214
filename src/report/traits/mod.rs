//! The traits of a mail host as cells of the matrix: what was seen, how it looks, what it equals.
//!
//! To add a trait: a row in [`rows`] and a function from an address to its [`Cell`].
//! Compares nothing; unknown is a cell of its own and never looks like "no".

mod session;
mod tls;

use crate::{
    report::words,
    rules::{Spot, View},
    smtp::{Mailbox, Reply, cause::Moment},
    survey::{Blame, Fault, FaultKind, Observation, Purpose, RecipientKind, Stage, Why},
};

/// What is known of one trait at one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
    /// What is compared; `None` where nothing is known, or nothing can be compared.
    pub key: Option<Key>,
}

/// What two cells of a row are compared by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    Exactly(String),
    /// In an order where the lowest is weakest, it is known to reach down to `seen`, and no lower than
    /// `bound`.
    Within {
        bound: usize,
        seen: usize,
    },
}

impl Key {
    /// Whether it is certain that the two are not the same.
    pub fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Within { bound, seen }, Self::Within { bound: their_bound, seen: theirs }) => {
                seen < their_bound || theirs < bound
            }
            _ => self != other,
        }
    }
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

/// Every trait, in the order of a visit.
pub fn rows<'a>(view: &'a View<'a>) -> Vec<Row<'a>> {
    let mut rows = vec![
        row("connect", |spot| session::connect(view, spot)),
        row("greeting", |spot| session::greeting(view, spot)),
        row("STARTTLS", |spot| tls::starttls(view, spot)),
        row("TLS version", |spot| tls::version(view, spot)),
        row("oldest TLS", |spot| tls::oldest(view, spot)),
        row("weakest cipher", |spot| tls::weakest_class(view, spot)),
        row("key exchange", |spot| tls::key_exchange(view, spot)),
        row("weakest group", |spot| tls::weakest_exchange(view, spot)),
        row("downgrade", |spot| tls::second_try(view, spot)),
        row("injection", |spot| tls::injection(view, spot)),
        row("certificate", |spot| tls::certificate(view, spot)),
        row("public key", |spot| tls::public_key(view, spot)),
        row("extensions", |spot| session::extensions(view, spot)),
        row("size limit", |spot| session::size_limit(spot)),
        row("MAIL", |spot| session::sender(view, spot, |purpose| purpose != Purpose::NullSender)),
        row("null sender", |spot| {
            session::sender(view, spot, |purpose| purpose == Purpose::NullSender)
        }),
    ];
    let real: &'a [Mailbox] = &view.survey.asked.recipients;
    match real {
        [] | [_] => rows.push(recipients(view, "real recipient", RecipientKind::Real)),
        // Several were named because they are kept in different places: each has a row.
        several => rows.extend(several.iter().map(|mailbox| {
            row(mailbox.local(), move |spot| {
                let seen = view.acceptance_of(spot, mailbox);
                session::recipient(&seen, spot, RecipientKind::Real)
            })
        })),
    }
    rows.push(recipients(view, "postmaster", RecipientKind::Postmaster));
    rows.push(recipients(view, "nonsense", RecipientKind::Nonsense));
    rows.push(recipients(view, "relay test", RecipientKind::Relay));
    rows
}

fn row<'a>(label: &str, read: impl Fn(&Spot<'a>) -> Cell + 'a) -> Row<'a> {
    Row { label: label.to_owned(), read: Box::new(read) }
}

fn recipients<'a>(view: &'a View<'a>, label: &str, kind: RecipientKind) -> Row<'a> {
    row(label, move |spot| session::recipient(&view.acceptance(spot, kind), spot, kind))
}

impl Cell {
    fn plain(text: impl Into<String>, key: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain, key: Some(Key::Exactly(key.into())) }
    }

    fn bad(text: impl Into<String>, key: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, ..Self::plain(text, key) }
    }

    /// Known, and with nothing to compare in it.
    fn remark(text: impl Into<String>) -> Self {
        Self { key: None, ..Self::plain(text, "") }
    }

    pub fn unknown(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Unknown, key: None }
    }
}

/// A fault of ours leaves the trait unknown; any other is an answer of a kind.
fn broken(fault: &Fault) -> Cell {
    let text = match fault.kind {
        // How long we waited belongs to the answer.
        FaultKind::TimedOut => fault.to_string(),
        _ => fault.kind.to_string(),
    };
    match fault.blame() {
        Blame::Us => Cell::unknown(text),
        _ => Cell::bad(text, "broken"),
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

/// A refusal before RCPT, whole: its words are all there is to tell.
fn refused(view: &View<'_>, visit: &Observation, moment: Moment, reply: &Reply) -> Cell {
    let cause = view.diagnose(visit, moment, None, reply).cause;
    if cause.is_prober() {
        return Cell::unknown(format!("refused ({}): {}", reply.code, words::cause(cause)));
    }
    let verb = if reply.is_temporary() { "deferred" } else { "refused" };
    Cell::bad(format!("{verb}: {reply}"), verb)
}

/// A question without an answer that a sender could use.
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
