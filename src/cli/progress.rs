//! The live line on standard error: how many addresses are done and who is being asked.
//!
//! Shown on a terminal only; a pipe never sees a byte of it.

use std::{io::IsTerminal, sync::Mutex, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::probe::Event;

/// The line, or nothing.
pub struct Progress {
    bar: ProgressBar,
    /// Who is being visited, in the order the visits began.
    under_way: Mutex<Vec<String>>,
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
        Self { bar, under_way: Mutex::default() }
    }

    pub fn begin(&self, domain: &str) {
        self.bar.set_message(format!("{domain}: asking DNS"));
    }

    pub fn tell(&self, event: Event<'_>) {
        // A poisoned lock would mean that this very function panicked: nothing to show then.
        let Ok(mut under_way) = self.under_way.lock() else { return };
        match event {
            Event::Resolved { addresses } => {
                self.bar.set_message(format!("{addresses} addresses to visit"));
                return;
            }
            Event::VisitBegan { host, to, .. } => under_way.push(format!("{host} [{}]", to.ip())),
            Event::VisitEnded { host, to, .. } => {
                let ended = format!("{host} [{}]", to.ip());
                if let Some(at) = under_way.iter().position(|name| *name == ended) {
                    under_way.remove(at);
                }
            }
        }
        self.bar.set_message(under_way.join(", "));
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
