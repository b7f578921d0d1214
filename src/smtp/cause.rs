//! Why a server said no: about the recipient, the domain, the host, or about us.
//!
//! To add a provider, add rows to [`super::causes`]. Text first, then the enhanced code, then
//! the code; where none decides, the answer is [`Cause::Ambiguous`]: never a guess.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DomainName, Enhanced, HelloName, Mailbox, Reply, ReversePath,
    causes::{self, Grip, Pattern},
    pairs::Pairs,
};

/// What a refusal is about.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Ambiguous,
    /// A host that defers on purpose: sacrificial, tar pit, backup that waits for the primary.
    ByDesignDefer,
    /// A host that takes mail only from clients it knows: authentication or a partner's address.
    ClosedToPublic,
    DomainNotServed,
    Greylist,
    HostTemporary,
    MailboxFull,
    /// The address family we came over, such as IPv6 without what this host wants of it.
    NetworkFamily,
    /// The null sender of bounces.
    NullSender,
    /// Another recipient has to wait for another session.
    OneRecipient,
    /// Our address, name, sender, behaviour or reputation.
    Prober,
    Rate,
    /// The host asks another one about the recipient and has no answer yet.
    RecipientUnverified,
    /// The address needs SMTPUTF8. RFC 6531 §3.
    Smtputf8,
    /// The domain or the host takes no mail at all. RFC 7504, RFC 7505.
    TakesNoMail,
    /// TLS is wanted first.
    TlsPolicy,
    /// TLS is offered, but not to be had just now.
    TlsUnavailable,
    UserUnknown,
}

/// How sure a judgement is.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// From the code alone, or from a word that also means other things.
    Low,
    /// From the text.
    Medium,
    /// From the text and a comparison, or seen directly.
    High,
}

impl Confidence {
    /// One step surer.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
        }
    }
}

/// What a reply answers, in the order of a visit.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Moment {
    Greeting,
    Hello,
    StartTls,
    Sender,
    Recipient,
}

/// What was said when the reply came, so that its words can be told from ours.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub moment: Moment,
    /// The recipient the reply is about, if it answers RCPT.
    pub recipient: Option<&'a Mailbox>,
    pub sender: &'a ReversePath,
    pub helo: &'a HelloName,
    /// Every address of ours that we know of. Where none of IPv4 is a public one, we stand behind a
    /// translator, and a server sees us under an address that we do not know.
    pub ours: &'a [IpAddr],
    /// The addresses of mail hosts that a server may name beside ours.
    pub theirs: &'a [IpAddr],
}

/// What a refusal is about, how sure that is, and by which words it was known.
#[derive(Clone, Copy, Debug)]
pub struct Diagnosis {
    pub cause: Cause,
    pub confidence: Confidence,
    /// `None` where the code, or our own name in the text, decided.
    pub pattern: Option<&'static Pattern>,
}

impl Cause {
    /// Whether it says something about us and nothing about the host.
    pub fn is_prober(self) -> bool {
        matches!(self, Self::NetworkFamily | Self::Prober)
    }

    /// Whether nobody's mail for the domain gets in here.
    pub fn refuses_domain(self) -> bool {
        matches!(self, Self::ClosedToPublic | Self::DomainNotServed | Self::TakesNoMail)
    }

    /// Whether it says something of the recipient that only an answer to RCPT can say.
    fn needs_recipient(self) -> bool {
        matches!(
            self,
            Self::DomainNotServed
                | Self::MailboxFull
                | Self::RecipientUnverified
                | Self::UserUnknown
        )
    }

    /// Whether it is a statement about the host or what it keeps, which our own name in the reply
    /// puts in doubt.
    pub fn is_about_host(self) -> bool {
        self.refuses_domain()
            || self.needs_recipient()
            || matches!(self, Self::ByDesignDefer | Self::HostTemporary)
    }
}

/// Whether a server that answers so wants no more of us for now.
pub fn asks_to_stop(reply: &Reply) -> bool {
    reply.code == 421
        || pattern_of(reply, &folded(reply), false).is_some_and(|row| row.cause == Cause::Rate)
}

/// What the refusal `reply` is about, by its own words.
pub fn diagnose(reply: &Reply, context: &Context<'_>) -> Diagnosis {
    let text = masked(reply, context);
    let names_us = text.contains(US);
    // Greylisting waits for sender and recipient: weak words said before are no sign of it.
    let early = |row: &&Pattern| {
        row.cause == Cause::Greylist && row.grip == Grip::Word && context.moment < Moment::Recipient
    };
    let found = match pattern_of(reply, &text, names_us).filter(|row| !early(row)) {
        Some(pattern) => Diagnosis {
            cause: pattern.cause,
            confidence: match pattern.grip {
                Grip::Echo | Grip::Phrase => Confidence::Medium,
                Grip::Word => Confidence::Low,
            },
            pattern: Some(pattern),
        },
        None if names_us => {
            Diagnosis { cause: Cause::Prober, confidence: Confidence::Medium, pattern: None }
        }
        None => {
            let cause = cause_of_code(reply, context.moment);
            Diagnosis { cause, confidence: Confidence::Low, pattern: None }
        }
    };
    if found.cause.needs_recipient() && context.moment < Moment::Recipient {
        return Diagnosis { cause: Cause::Ambiguous, confidence: Confidence::Low, ..found };
    }
    found
}

/// Whether two refusals say the same, whichever recipient each is about.
pub fn same_words(one: (&Reply, &Context<'_>), other: (&Reply, &Context<'_>)) -> bool {
    let gist = |(reply, context): (&Reply, &Context<'_>), without_local: bool| {
        let mut text = masked(reply, context);
        if let Some(mailbox) = context.recipient.filter(|_| without_local) {
            text = mask(text, &mailbox.local().to_ascii_lowercase(), RCPT);
        }
        // Whatever holds a digit may be a queue id, a time or a machine's number.
        let plain = |word| if has_digit(word) { "#" } else { word };
        text.split(' ').map(plain).collect::<Vec<_>>().join(" ")
    };
    let alike = |without_local| gist(one, without_local) == gist(other, without_local);
    one.0.code == other.0.code
        && one.0.enhanced == other.0.enhanced
        && (alike(false) || alike(true))
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// What stands for the recipient, and for anything of ours, in a masked text.
const RCPT: &str = "{rcpt}";
const US: &str = "{us}";

/// The first row that fits. A text that names us is never about the host, unless its row says so.
fn pattern_of(reply: &Reply, text: &str, names_us: bool) -> Option<&'static Pattern> {
    let pairs = Pairs::of(text.as_bytes());
    let barred = |row: &Pattern| names_us && row.grip != Grip::Echo && row.cause.is_about_host();
    let mut near = causes::PATTERNS.iter().filter(|row| pairs.may_hold(&row.pairs));
    near.find(|row| !barred(row) && row.fits(reply, text))
}

/// The reply with recipient, addresses and names masked.
fn masked(reply: &Reply, context: &Context<'_>) -> String {
    let mut text = folded(reply);
    if let Some(mailbox) = context.recipient {
        text = mask(text, &mailbox.to_string().to_ascii_lowercase(), RCPT);
    }
    // Whoever probes the domain that the probe itself stands in shares its name with the recipient.
    let shared =
        |name: &DomainName| context.recipient.is_some_and(|recipient| recipient.domain() == name);
    if let ReversePath::Mailbox(mailbox) = context.sender {
        text = mask(text, &mailbox.to_string().to_ascii_lowercase(), US);
        if !shared(mailbox.domain()) {
            text = mask(text, mailbox.domain().as_str(), US);
        }
    }
    if let HelloName::Name(name) = context.helo
        && !shared(name)
    {
        text = mask(text, name.as_str(), US);
    }
    for address in context.ours {
        text = mask(text, &address.to_string(), US);
    }
    if context.ours.iter().any(|address| matches!(address, IpAddr::V4(v4) if is_public(*v4))) {
        return text;
    }
    let strangers = strangers(&text, context.theirs);
    strangers.iter().fold(text, |text, address| mask(text, &address.to_string(), US))
}

/// Public addresses in a text that are none of theirs.
fn strangers(text: &str, theirs: &[IpAddr]) -> Vec<Ipv4Addr> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let addresses = words.filter_map(|word| word.trim_matches('.').parse().ok());
    addresses.filter(|v4| is_public(*v4) && !theirs.contains(&IpAddr::V4(*v4))).collect()
}

fn is_public(v4: Ipv4Addr) -> bool {
    // RFC 6598: between a provider and its customers.
    let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
    !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
}

/// All lines as one, lower case, white space folded, without the enhanced code of each.
fn folded(reply: &Reply) -> String {
    let mut text = String::with_capacity(128);
    for line in &reply.lines {
        let line = line.as_bytes();
        let bare = reply.enhanced.map_or(line, |_| behind_enhanced(line));
        for word in bare.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(word.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        }
    }
    text
}

fn behind_enhanced(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    let is_code = std::str::from_utf8(word).is_ok_and(|word| Enhanced::parse(word).is_some());
    if is_code { rest } else { line }
}

/// `text` with `mark` wherever `name` stands as a whole.
fn mask(text: String, name: &str, mark: &str) -> String {
    if !text.contains(name) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in text.match_indices(name) {
        if at >= rest && stands_alone(&text, at, at + name.len()) {
            out.push_str(&text[rest..at]);
            out.push_str(mark);
            rest = at + name.len();
        }
    }
    out.push_str(&text[rest..]);
    out
}

/// Whether the characters around a stretch of text do not make it part of a longer name.
fn stands_alone(text: &str, from: usize, to: usize) -> bool {
    let (before, after) = (&text.as_bytes()[..from], &text.as_bytes()[to..]);
    // A single dot ends a sentence, and with more behind it goes on with a name. So does a colon in
    // an IPv6 address; behind others a port may follow.
    let colons = text[from..to].contains(':');
    let before = before.strip_suffix(b".").unwrap_or(before);
    let after = match after {
        [b'.', rest @ ..] => rest,
        [b':', rest @ ..] if colons => rest,
        _ => after,
    };
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    !before.last().is_some_and(in_name) && !after.first().is_some_and(in_name)
}

impl Pattern {
    fn fits(&self, reply: &Reply, text: &str) -> bool {
        self.fit.covers(reply)
            && self.words.iter().all(|words| match self.grip {
                Grip::Echo | Grip::Phrase => text.contains(words),
                Grip::Word => text
                    .match_indices(words)
                    .any(|(at, _)| stands_alone(text, at, at + words.len())),
            })
    }
}

/// By the enhanced code, else by the code. Providers reuse numbers, so this is a hint.
fn cause_of_code(reply: &Reply, moment: Moment) -> Cause {
    let by_enhanced = reply.enhanced.and_then(|enhanced| {
        let lasting = enhanced.class == 5;
        Some(match (enhanced.subject, enhanced.detail) {
            (1, 1 | 6) if lasting => Cause::UserUnknown,
            (1, 7 | 8) | (7, 20..=27) => Cause::Prober,
            (1, 10) if lasting => Cause::TakesNoMail,
            (2, 2) => Cause::MailboxFull,
            (3, 0 | 1 | 5) | (4, 3..=5) if !lasting => Cause::HostTemporary,
            (5, 3) => Cause::OneRecipient,
            (6, 7) => Cause::Smtputf8,
            (7, 10) => Cause::TlsPolicy,
            (7, 28) => Cause::Rate,
            _ => return None,
        })
    });
    by_enhanced.unwrap_or(match (reply.code, moment) {
        (454, Moment::StartTls) => Cause::TlsUnavailable,
        // RFC 3207 §4.
        (530, Moment::Sender | Moment::Recipient) => Cause::TlsPolicy,
        // RFC 7504 §3, §4.
        (521, Moment::Greeting) | (556, Moment::Recipient) => Cause::TakesNoMail,
        _ => Cause::Ambiguous,
    })
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ambiguous => "ambiguous",
            Self::ByDesignDefer => "by-design-defer",
            Self::ClosedToPublic => "closed-to-public",
            Self::DomainNotServed => "domain-not-served",
            Self::Greylist => "greylist",
            Self::HostTemporary => "host-temporary",
            Self::MailboxFull => "mailbox-full",
            Self::NetworkFamily => "network-family",
            Self::NullSender => "null-sender",
            Self::OneRecipient => "one-recipient",
            Self::Prober => "prober",
            Self::Rate => "rate",
            Self::RecipientUnverified => "recipient-unverified",
            Self::Smtputf8 => "smtputf8",
            Self::TakesNoMail => "takes-no-mail",
            Self::TlsPolicy => "tls-policy",
            Self::TlsUnavailable => "tls-unavailable",
            Self::UserUnknown => "user-unknown",
        })
    }
}
