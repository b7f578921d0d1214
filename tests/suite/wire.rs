//! What goes over the wire: over every world there is, nothing but the eight commands we have.

use crate::support::play::{self, play};

#[test]
fn no_run_says_anything_but_our_commands() {
    for (name, text) in play::scenarios().into_iter().chain(play::demos()) {
        for heard in play(&name, &text).fleet.ledger().heard() {
            let line = heard.line.to_string();
            let verb = line.split(' ').next().unwrap();
            let known = ["EHLO", "HELO", "STARTTLS", "NOOP", "MAIL", "RCPT", "RSET", "QUIT"];
            assert!(known.contains(&verb), "{name}: {} heard {line}", heard.visit);
        }
    }
}
