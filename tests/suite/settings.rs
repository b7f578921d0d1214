//! The settings file as people use it: read by the real program, its faults said in one line.
//!
//! What a key means for a run is for the unit tests of `cli/settings.rs`; the example of the README is
//! held to the parser here.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use mxparity::config::Settings;

use crate::support::{empty_dns::empty_dns, host::Host};

/// Runs a check in `folder`, where `mxparity.toml` is found.
fn check(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mxparity"));
    command.arg("check").args(words).current_dir(folder).stdin(Stdio::null());
    command.output().unwrap()
}

fn said(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}

#[test]
fn the_example_of_the_readme_reads() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- settings:begin -->\n```toml\n").unwrap();
    let (example, _) = rest.split_once("```\n<!-- settings:end -->").unwrap();
    let settings = Settings::parse(example).unwrap_or_else(|fault| panic!("{fault}"));
    let domain = settings.domain.values().next().unwrap();
    assert_eq!((domain.hosts.len(), domain.expect.len(), domain.waive.len()), (3, 3, 1));
    for waiver in &domain.waive {
        assert!(mxparity::rules::Rule::find(waiver.rule.get_ref()).is_some(), "{waiver:?}");
    }
    assert!(settings.identity.secret.is_some());
}

#[test]
fn a_fault_in_the_file_is_one_line_with_its_place_and_the_nearest_valid_word() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mxparity.toml");
    for (text, want) in [
        (
            "[defaults]\n\n\nconect-timeout = 3\n",
            "mxparity.toml: line 4: unknown key `conect-timeout`; \
             the nearest valid one is `connect-timeout`",
        ),
        (
            "[[domain.'a.example'.waive]]\nrule = 'no-such-rule'\nreason = 'x'\n",
            "mxparity.toml: line 2: no rule `no-such-rule`; the nearest is `",
        ),
        ("[identity\n", "mxparity.toml: line 1: "),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = check(folder.path(), &["--plan", "a.example"]);
        let line = said(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{line}");
        assert!(line.starts_with(&format!("mxparity: {want}")), "{line}");
        assert_eq!((line.lines().count(), said(&output.stdout)), (1, ""), "{line}");
    }
    let output = check(folder.path(), &["--config", "no/such.toml", "a.example"]);
    let line = said(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{line}");
    assert_eq!(line, "mxparity: cannot read no/such.toml: no such file or directory\n");
}

#[test]
fn what_the_file_says_is_what_the_host_hears() {
    let folder = tempfile::tempdir().unwrap();
    let dns = empty_dns();
    let text = format!(
        "
        [identity]
        helo = 'watch.example'
        mail-from = 'ann@watch.example'
        secret = 'one'

        [defaults]
        resolver = '{dns}'
        pause = 0
        allow-net = ['127.0.0.0/8']

        [domain.'a.example']
        rcpt = ['bob@a.example']

        [[domain.'a.example'.waive]]
        rule = 'TLS01'
        reason = 'it is a test'
    "
    );
    std::fs::write(folder.path().join("mxparity.toml"), &text).unwrap();
    let nonsense = |config: &[&str]| {
        let host = Host::answering_rcpt("250 ok");
        let by_hand = host.by_hand();
        let words = [&["--mx", &by_hand, "--format", "json", "a.example"], config].concat();
        let output = check(folder.path(), &words);
        let heard = host.heard();
        let report = said(&output.stdout);
        assert!(report.contains("\"reason\": \"it is a test\""), "{}", said(&output.stderr));
        assert_eq!(heard[0], "EHLO watch.example");
        assert_eq!(heard[1], "MAIL FROM:<ann@watch.example>");
        assert_eq!(heard[2], "RCPT TO:<bob@a.example>");
        let nonsense = &heard[4];
        assert!(nonsense.starts_with("RCPT TO:<mxparity-no-such-mailbox-"), "{heard:?}");
        nonsense.clone()
    };
    let first = nonsense(&[]);
    assert_eq!(nonsense(&[]), first, "another recipient in the second run");
    // The same settings under another name, with another secret.
    let other = folder.path().join("other.toml");
    std::fs::write(&other, text.replace("'one'", "'two'")).unwrap();
    assert_ne!(nonsense(&["--config", other.to_str().unwrap()]), first);
}
