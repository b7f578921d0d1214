//! The live line on standard error: how many addresses are done and who is being asked.
//!
//! Shown on a terminal only; a pipe never sees a byte of it.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{probe::Event, survey::Purpose};

/// The line, or nothing.
pub struct Progress {
    bar: ProgressBar,
    seen: Mutex<Seen>,
}

/// What the line tells of one domain.
#[derive(Default)]
struct Seen {
    addresses: usize,
    done: usize,
    /// Who is being visited, in the order the visits began.
    under_way: Vec<String>,
}

impl Progress {
    /// Silent when asked to be or when standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        // The template is a constant, so a fault in it shows in every run and every test.
        let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}");
        bar.set_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, seen: Mutex::default() }
    }

    pub fn begin(&self, domain: &str) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen::default();
        self.bar.set_message(format!("{domain}: asking DNS"));
    }

    pub fn tell(&self, event: Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Resolved { addresses } => seen.addresses = addresses,
            Event::VisitBegan { host, to, .. } => {
                seen.under_way.push(format!("{host} [{}]", to.ip()));
            }
            Event::VisitEnded { host, to, purpose } => {
                seen.done += usize::from(purpose == Purpose::Session);
                let ended = format!("{host} [{}]", to.ip());
                if let Some(at) = seen.under_way.iter().position(|name| *name == ended) {
                    seen.under_way.remove(at);
                }
            }
        }
        self.bar.set_message(seen.line());
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Seen {
    fn line(&self) -> String {
        let Self { addresses, done, under_way } = self;
        let who = match under_way.as_slice() {
            [] => "pausing before the next visit".to_owned(),
            names => names.join(", "),
        };
        format!("{done} of {addresses} addresses seen; {who}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_far_it_is_and_who_is_asked() {
        let mut seen = Seen { addresses: 3, done: 1, under_way: Vec::new() };
        assert_eq!(seen.line(), "1 of 3 addresses seen; pausing before the next visit");
        seen.under_way =
            vec!["mx1.example [192.0.2.1]".to_owned(), "mx2.example [192.0.2.2]".to_owned()];
        let both = "1 of 3 addresses seen; mx1.example [192.0.2.1], mx2.example [192.0.2.2]";
        assert_eq!(seen.line(), both);
    }
}
