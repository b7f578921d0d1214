//! The words by which servers say why they refuse: one row a wording, in the order they are tried.
//!
//! Each row: who says it, when that was last seen, the cause, the codes it comes with, what the folded
//! and masked text must hold, and one such reply, which a test matches against exactly this row.
//! `{rcpt}` stands for the recipient, `{us}` for our address, EHLO name or sender. Decides nothing itself.

use super::{Reply, cause::Cause};

/// One wording.
#[derive(Debug)]
pub struct Pattern {
    /// The program or provider that says it.
    pub who: &'static str,
    /// Year and month it was last read in the program's source, documentation or a report.
    pub seen: &'static str,
    pub cause: Cause,
    pub fit: Fit,
    pub grip: Grip,
    /// All of these stand in the text.
    pub words: &'static [&'static str],
    /// A reply that this row is the first to match.
    pub example: &'static str,
}

/// How the words of a row are looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grip {
    /// Anywhere: they mean one thing only.
    Phrase,
    /// As whole words: they also mean other things, and give low confidence.
    Word,
}

/// The codes a wording comes with.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    first: u16,
    last: u16,
    enhanced: Option<(u16, u16)>,
}

impl Fit {
    pub fn covers(&self, reply: &Reply) -> bool {
        let number = reply.enhanced.map(|enhanced| (enhanced.subject, enhanced.detail));
        (self.first..=self.last).contains(&reply.code)
            && (self.enhanced.is_none() || self.enhanced == number)
    }

    /// Only with this subject and detail of the enhanced code.
    const fn and(self, subject: u16, detail: u16) -> Self {
        Self { enhanced: Some((subject, detail)), ..self }
    }
}

const ANY: Fit = Fit { first: 400, last: 599, enhanced: None };
const SOFT: Fit = Fit { first: 400, last: 499, enhanced: None };
const HARD: Fit = Fit { first: 500, last: 599, enhanced: None };

macro_rules! patterns {
    ($($who:literal $seen:literal $cause:ident $fit:expr, $grip:ident $words:expr, $example:literal;)*) => {
        &[$(Pattern {
            who: $who,
            seen: $seen,
            cause: Cause::$cause,
            fit: $fit,
            grip: Grip::$grip,
            words: &$words,
            example: $example,
        }),*]
    };
}

#[rustfmt::skip]
pub static PATTERNS: &[Pattern] = patterns! {
    // About us: a list of addresses.
    "Postfix" "2026-11" Prober ANY, Phrase ["blocked using"],
        "554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked using list.example";

    // TLS first.
    "Postfix" "2026-11" TlsPolicy HARD, Phrase ["must issue a starttls"],
        "530 5.7.0 Must issue a STARTTLS command first";

    // The domain has no home here.
    "Postfix" "2026-11" DomainNotServed ANY, Phrase ["relay access denied"],
        "454 4.7.1 <info@domain.example>: Relay access denied";

    // No such mailbox.
    "Postfix" "2026-11" UserUnknown HARD, Phrase ["user unknown"],
        "550 5.1.1 <info@domain.example>: Recipient address rejected: User unknown in local recipient table";
    "Exchange Online" "2026-11" UserUnknown HARD.and(4, 1), Phrase ["recipient address rejected: access denied"],
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [host.example]";

    // Come again later.
    "Postgrey" "2026-11" Greylist SOFT, Phrase ["greylist"],
        "450 4.2.0 <info@domain.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help";
    "Postfix" "2026-11" Rate SOFT, Phrase ["too many connections"],
        "421 4.7.0 mx.domain.example Error: too many connections from 203.0.113.7";
};
