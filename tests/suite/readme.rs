//! The README, held to what the program does: its report, its options, its test command.
//!
//! `UPDATE=1` rewrites the report in it.

use std::{fs, path::Path};

use mxparity::report::{Format, Report};

use crate::support::play::{self, play};

const BEGIN: &str = "<!-- report:begin -->\n";
const END: &str = "<!-- report:end -->";

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn readme() -> String {
    fs::read_to_string(root("README.md")).unwrap()
}

#[test]
fn the_report_in_it_is_what_the_demo_prints() {
    let (name, world) = play::demos().into_iter().next().unwrap();
    let report = Report::of(play(&name, &world).survey).render(Format::Text, 80);
    let report = anstream::adapter::strip_str(&report).to_string();
    let block = format!("```text\n$ mxparity demo\n{report}```\n");
    let text = readme();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (old, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root("README.md"), [head, BEGIN, &block, END, tail].concat()).unwrap();
    } else {
        assert_eq!(old, block, "UPDATE=1 rewrites it");
    }
}

#[test]
fn every_option_it_names_exists() {
    let text = readme();
    let (_, prose) = text.split_once(END).unwrap();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = prose.split(|c| !is_part(c)).filter(|word| word.starts_with("--"));
    let named: Vec<_> = words.filter(|word| word.len() > 3).collect();
    assert!(named.len() > 10, "{named:?}");
    let command = mxparity::cli::command();
    let known = |option: &&str| {
        let matches = |arg: &clap::Arg| arg.get_long().is_some_and(|long| long == &option[2..]);
        let help = ["--help", "--path", "--release"].contains(option);
        help || command.get_subcommands().any(|verb| verb.get_arguments().any(matches))
    };
    let unknown: Vec<_> = named.iter().filter(|option| !known(option)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn its_test_command_is_the_one_that_is_run_before_anything_lands() {
    assert!(readme().contains("\n$ cargo test\n"));
    let script = fs::read_to_string(root(".ci/run")).unwrap();
    assert!(script.lines().any(|line| line.trim() == "cargo test"), "{script}");
}
