//! Which program greets, and in which version, told from the greeting.
//!
//! To add a program, add a row. Guesses nothing from other signs.

use std::fmt;

use crate::survey::observation::Greeting;

/// A program and, where it shows, its version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Software {
    pub product: &'static str,
    pub version: Option<String>,
}

/// What stands in a greeting, in lower case, and the program that writes it.
const PRODUCTS: &[(&str, &str)] = &[
    ("apache james", "Apache James"),
    ("axigen", "Axigen"),
    ("chasquid", "chasquid"),
    ("communigate pro", "CommuniGate Pro"),
    ("exim", "Exim"),
    ("haraka", "Haraka"),
    ("hmailserver", "hMailServer"),
    ("icewarp", "IceWarp"),
    ("james smtp server", "Apache James"),
    ("kerio connect", "Kerio Connect"),
    ("kumomta", "KumoMTA"),
    ("lotus domino", "Domino"),
    ("ibm domino", "Domino"),
    ("hcl domino", "Domino"),
    ("maddy", "maddy"),
    ("mailenable", "MailEnable"),
    ("mdaemon", "MDaemon"),
    ("mercury", "Mercury"),
    ("microsoft esmtp mail service", "Exchange"),
    ("mox", "mox"),
    ("opensmtpd", "OpenSMTPD"),
    ("postfix", "Postfix"),
    ("powermta", "PowerMTA"),
    ("sendmail", "Sendmail"),
    ("smartermail", "SmarterMail"),
    ("stalwart", "Stalwart"),
];

/// How many words behind the name may hold the version: `Exim 4.96`, `Release 9.0`, `, Version: 6.0`.
const REACH: usize = 3;

impl Software {
    /// `None` where the greeting names no program we know.
    pub fn of(greeting: &Greeting) -> Option<Self> {
        let text = greeting.reply.folded();
        // The host's own name comes first and may hold anything.
        let (_, text) = text.split_once(' ')?;
        let (words, product) = PRODUCTS.iter().find(|(words, _)| stands_in(text, words))?;
        let (_, behind) = text.split_once(words)?;
        Some(Self { product, version: version(behind) })
    }
}

/// Whether `words` stand in `text` and are no part of a longer word.
fn stands_in(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + words.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphabetic)
    })
}

fn version(behind: &str) -> Option<String> {
    let border = |c: char| c == ' ' || "/();,".contains(c);
    let words = behind.split(border).filter(|word| !word.is_empty()).take(REACH);
    let numbers = words.map(|word| word.trim_start_matches('v').trim_end_matches('.'));
    let is_version = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.') && !word.contains(':')
    };
    numbers.filter(|word| !word.is_empty()).find(is_version).map(str::to_owned)
}

impl fmt::Display for Software {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} {version}", self.product),
            None => f.write_str(self.product),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Reply;

    #[test]
    fn programs_are_told_from_what_they_greet_with() {
        for (greeting, want) in [
            ("mx.example ESMTP Postfix (Debian/GNU)", Some("Postfix")),
            ("mx.example ESMTP Postfix (3.7.11)", Some("Postfix 3.7.11")),
            ("mx.example ESMTP Exim 4.96 Mon, 23 Nov 2026 06:00:00 +0000", Some("Exim 4.96")),
            ("mx.example ESMTP Sendmail 8.17.1/8.17.1; Mon, 23 Nov 2026", Some("Sendmail 8.17.1")),
            ("mx.example ESMTP OpenSMTPD", Some("OpenSMTPD")),
            ("mx.example ESMTP Haraka/3.0.3 ready", Some("Haraka 3.0.3")),
            ("mx.example Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026", Some("Exchange")),
            (
                "mx.example Microsoft ESMTP MAIL Service, Version: 10.0.14393.4169 ready",
                Some("Exchange 10.0.14393.4169"),
            ),
            (
                "mx.example ESMTP Service (Lotus Domino Release 8.5.3FP6) ready",
                Some("Domino 8.5.3fp6"),
            ),
            ("mx.example MailEnable Service, Version: 10.33-- ready", Some("MailEnable 10.33--")),
            ("mx.example ESMTP chasquid", Some("chasquid")),
            ("postfix.example ESMTP", None),
            ("mx.example ESMTP Courier at 10.15 today", None),
            ("mx.example ESMTP moxie", None),
        ] {
            let reply = Reply::new(220, greeting);
            let greeting = Greeting { reply, first_line_ms: 0, after_ms: 0 };
            let found = Software::of(&greeting).map(|software| software.to_string());
            assert_eq!(found.as_deref(), want);
        }
    }
}
