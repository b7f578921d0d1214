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

use crate::report::{self, Status};

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
    let words: Vec<OsString> = words.collect();
    let outcome = match Words::try_parse_from(&words) {
        Ok(words) => run(words.verb),
        Err(error) => refuse(&error),
    };
    outcome.unwrap_or_else(|error| {
        if is_for_monitor(&words) {
            // Monitors read standard output only.
            anstream::print!("{}", report::nagios::unknown(&error.0));
        } else {
            anstream::eprintln!("mxparity: {error}");
        }
        Status::Unproven
    })
}

fn run(verb: Verb) -> Result<Status, Error> {
    match verb {
        Verb::Check(check) => check::check(*check),
        Verb::Completions { shell } => reference::completions(shell),
        Verb::Demo(demo) => check::demo(&demo),
        Verb::Diff(diff) => check::diff(&diff),
        Verb::Example { example } => reference::example(example),
        Verb::Explain { rule, form } => reference::explain(&rule, form),
        Verb::Judge(judge) => check::judge(&judge),
        Verb::Man => reference::manual(),
        Verb::Rules { form } => reference::rules(form),
        Verb::Schema => reference::schema(),
        Verb::Units(units) => reference::units(&units),
    }
}

/// Whether the answer was wanted in the form of a plug-in, looked up in the words themselves: an
/// error in them has to come in that form too.
fn is_for_monitor(words: &[OsString]) -> bool {
    let pair = |pair: &[OsString]| pair[0] == "--format" && pair[1] == "nagios";
    words.windows(2).any(pair) || words.iter().any(|word| word == "--format=nagios")
}

/// Help and version are answers; everything else is a usage error in one line.
fn refuse(error: &clap::Error) -> Result<Status, Error> {
    if error.exit_code() == 0 {
        // A closed pipe is all that can go wrong here, and nobody is left to be told.
        let _ = error.print();
        return Ok(Status::Fine);
    }
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").filter(|part| !part.starts_with("Usage:"));
    let words: Vec<_> = paragraphs.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    Err(Error::new(line.strip_prefix("error: ").unwrap_or(&line)))
}
