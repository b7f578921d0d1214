//! Words to options, outcomes to exit codes: the only room that prints.
//!
//! Every error of ours is one line on standard error, and the exit status is then 3.

mod check;
mod instruments;
mod options;
mod output;
mod progress;
mod reference;
mod settings;
mod state;

use std::{ffi::OsString, fmt};

use clap::{CommandFactory, Parser};

use options::{Verb, Words};

use crate::report::Status;

/// Something of ours that stops the job: says what happened and how to mend it, in one line.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The definition of the command line, for completions and the manual page.
pub fn command() -> clap::Command {
    Words::command()
}

/// Runs the program on these words, the first being its own name.
pub fn main(words: impl Iterator<Item = OsString>) -> Status {
    let words = match Words::try_parse_from(words) {
        Ok(words) => words,
        Err(error) => return refuse(&error),
    };
    let outcome = match words.verb {
        Verb::Check(check) => check::check(*check),
        Verb::Completions { shell } => reference::completions(shell),
        Verb::Demo(demo) => check::demo(&demo),
        Verb::Explain { rule, form } => reference::explain(&rule, form),
        Verb::Judge(judge) => check::judge(&judge),
        Verb::Man => reference::manual(),
        Verb::Rules { form } => reference::rules(form),
    };
    outcome.unwrap_or_else(|error| {
        anstream::eprintln!("mxparity: {error}");
        Status::Unproven
    })
}

/// Help and version are answers; everything else is a usage error in one line.
fn refuse(error: &clap::Error) -> Status {
    if error.exit_code() == 0 {
        // A closed pipe is all that can go wrong here, and nobody is left to be told.
        let _ = error.print();
        return Status::Fine;
    }
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").filter(|part| !part.starts_with("Usage:"));
    let words: Vec<_> = paragraphs.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    anstream::eprintln!("mxparity: {}", line.strip_prefix("error: ").unwrap_or(&line));
    Status::Unproven
}
