//! What the program says about itself: rules, completions, the manual page.
//!
//! Everything comes from the catalogue and the one definition of the command line.

use clap_complete::Shell;

use super::{
    Error, command,
    options::{Color, Form, Printing, Unit, Units},
    output,
};
use crate::{
    report::{self, Status, examples::Example},
    rules::{CATALOGUE, Rule},
    smtp::DomainName,
};

/// The files of a schedule, each with its place in a comment.
const UNITS: [(Unit, &str); 3] = [
    (Unit::Service, include_str!("../../fixtures/examples/mxparity.service")),
    (Unit::Timer, include_str!("../../fixtures/examples/mxparity.timer")),
    (Unit::Cron, include_str!("../../fixtures/examples/mxparity.cron")),
];

/// Text that is the same with and without a terminal.
const PLAIN: Printing = Printing { color: Color::Never };

pub fn explain(word: &str, form: Form) -> Result<Status, Error> {
    let rule = Rule::find(word).ok_or_else(|| unknown(word))?;
    form.printing.print(&report::explain::render(rule, form.format, output::width()))?;
    Ok(Status::Fine)
}

pub fn rules(form: Form) -> Result<Status, Error> {
    form.printing.print(&report::catalogue::render(form.format, output::width()))?;
    Ok(Status::Fine)
}

pub fn example(example: &Example) -> Result<Status, Error> {
    PLAIN.print(example.text)?;
    Ok(Status::Fine)
}

/// The files of a schedule, for this very program and the domains that were named.
pub fn units(words: &Units) -> Result<Status, Error> {
    let domains: Vec<&str> = words.domains.iter().map(DomainName::as_str).collect();
    let program = std::env::current_exe().map_err(|error| {
        let why = output::plainly(&error);
        Error::new(format_args!("cannot tell where this program stands: {why}"))
    })?;
    let filled = |(_, text): &(Unit, &str)| {
        let text = text.replace("/usr/local/bin/mxparity", &program.display().to_string());
        text.replace("example.org", &domains.join(" "))
    };
    let wanted = UNITS.iter().filter(|(unit, _)| words.only.is_none_or(|only| only == *unit));
    PLAIN.print(&wanted.map(filled).collect::<Vec<_>>().join("\n"))?;
    Ok(Status::Fine)
}

pub fn schema() -> Result<Status, Error> {
    PLAIN.print(&report::schema::text())?;
    Ok(Status::Fine)
}

pub fn completions(shell: Shell) -> Result<Status, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "mxparity", &mut script);
    PLAIN.print(&String::from_utf8_lossy(&script))?;
    Ok(Status::Fine)
}

/// The program's page, and one for each verb behind it.
pub fn manual() -> Result<Status, Error> {
    let whole = command();
    let verbs = whole.get_subcommands().map(|verb| {
        let name = format!("mxparity {}", verb.get_name());
        (name.replace(' ', "-"), verb.clone().bin_name(name.clone()).display_name(name))
    });
    let mut pages = Vec::new();
    for (title, one) in std::iter::once(("mxparity".to_owned(), whole.clone())).chain(verbs) {
        let written = clap_mangen::Man::new(one).title(title).render(&mut pages);
        written.map_err(|error| Error::new(format_args!("cannot make the manual: {error}")))?;
    }
    PLAIN.print(&String::from_utf8_lossy(&pages))?;
    Ok(Status::Fine)
}

/// The rule whose name is most like `word`.
pub fn nearest(word: &str) -> &'static Rule {
    let likeness = |rule: &Rule| strsim::jaro_winkler(&word.to_ascii_lowercase(), rule.name);
    let first = &CATALOGUE[0]; // The catalogue is a constant and not empty.
    CATALOGUE
        .iter()
        .fold(first, |best, rule| if likeness(rule) > likeness(best) { rule } else { best })
}

/// Names the rule that was probably meant.
fn unknown(word: &str) -> Error {
    let (nearest, word) = (nearest(word).name, word.escape_default());
    Error::new(format_args!(
        "no rule \"{word}\"; did you mean {nearest}? `mxparity rules` lists them all"
    ))
}
