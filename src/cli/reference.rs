//! What the program says about itself: rules, completions, the manual page.
//!
//! Everything comes from the catalogue and the one definition of the command line.

use clap_complete::Shell;

use super::{
    Error, command,
    options::{Color, Form, Printing},
    output,
};
use crate::{
    report::{self, Status, examples::Example},
    rules::{CATALOGUE, Rule},
};

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
