//! The program as people call it: words in, lines out, exit status.
//!
//! Runs the real binary. What a check finds is for `scenarios`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, UdpSocket},
    process::{Command, Output, Stdio},
};

use crate::support::{empty_dns::empty_dns, golden};

pub fn mxparity(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mxparity"));
    command.args(words).stdin(Stdio::null()).env_remove("COLUMNS");
    command
}

pub fn run(words: &[&str]) -> Output {
    mxparity(words).output().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn bad_words_are_refused_in_one_line_with_status_3() {
    let long = format!("{}example", "a.".repeat(150));
    for (words, want) in [
        (&["check"][..], "required arguments were not provided"),
        (&["check", ""], "empty; give a domain name such as example.org"),
        (&["check", "exa mple.org"], "' ' cannot stand in a domain name"),
        (&["check", "user@example.org"], "'@' cannot stand in a domain name"),
        (&["check", "192.0.2.1"], "an address, where a domain name is wanted"),
        (&["check", "[192.0.2.1]"], "an address, where a domain name is wanted"),
        (&["check", &long], "307 characters long; 253 is the most"),
        (&["check", "a..example"], "each part between dots has 1 to 63 characters"),
        (&["check", "--frobnicate", "a.example"], "unexpected argument '--frobnicate'"),
        (&["check", "--mx", "mx.example", "a.example"], "is not PREF:HOST[:PORT][@ADDRESS]"),
        (&["check", "--rcpt", "nobody", "a.example"], "no @; give an address"),
        (&["check", "--pause", "soon", "a.example"], "give seconds, or a number with a unit"),
        (&["check", "--connect-timeout", "0", "a.example"], "give more than no time"),
        (&["check", "--resolver", "ns.example", "a.example"], "give an IP address"),
        (&["check", "--ca-file", "/no/such/ca.pem", "a.example"], "/no/such/ca.pem"),
        (&["check", "--trust-anchor", "/no/such/root.key", "a.example"], "/no/such/root.key"),
        (
            &["check", "--resolver", "192.0.2.53", "--trust-ad", "a.example"],
            "--trust-ad: 192.0.2.53 is not on this machine, and anyone on the way could change",
        ),
        (&["check", "--what-if", "mx1.a.example", "a.example"], "no host in it; give down=HOST"),
        (&["check", "--drill", "/no/such/report.json", "a.example"], "/no/such/report.json"),
        (&["explain", "backup-accept-anyone"], "did you mean backup-accepts-anyone?"),
        (&["judge", "/no/such/report.json"], "/no/such/report.json"),
        (&["demo", "no-such-world"], "mxparity demo --list"),
        (
            &["check", "--profile", "ncsc", "a.example"],
            "[possible values: bcp195, mozilla-intermediate-6, mozilla-modern-6, ncsc-2025-05]",
        ),
    ] {
        let output = run(words);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
        assert!(said.starts_with("mxparity: ") && said.contains(want), "{words:?}: {said}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
    }
}

#[test]
fn a_file_that_is_no_report_is_refused_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, want) in [
        ("empty.json", "", "empty"),
        ("broken.json", "{\"schema\": 1,", "line 1"),
        ("other.json", "{\"schema\": 99}", "schema"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let output = run(&["judge", file.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {said}");
        assert!(said.contains(want) && said.lines().count() == 1, "{name}: {said}");
    }
}

#[test]
fn help_and_version_are_answers() {
    for (words, file) in [
        (&["--help"][..], "command_line/help.txt"),
        (&["check", "--help"], "command_line/check-help.txt"),
        (&["demo", "--list"], "command_line/demo-list.txt"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        golden::compare(file, text(&output.stdout));
    }
    let version = run(&["--version"]);
    assert_eq!(text(&version.stdout), concat!("mxparity ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_and_manual_come_from_the_same_definition() {
    for (words, wants) in [
        (&["completions", "bash"][..], ["--allow-private", "--head-start", "complete -F"]),
        (&["completions", "zsh"], ["--allow-private", "--head-start", "#compdef mxparity"]),
        (&["man"], ["mxparity\\-check(1)", "\\-\\-allow\\-private", "\\-\\-head\\-start"]),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        let page = text(&output.stdout);
        for want in wants {
            assert!(page.contains(want), "{words:?} without {want}");
        }
    }
}

#[test]
fn the_demo_runs_and_names_the_status_of_check() {
    let output = run(&["demo"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("backup-accepts-anyone"), "{said}");
    assert!(said.contains("check would have exited with 2"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    assert!(!said.contains('\u{1b}'), "colour in a pipe");
    assert_eq!(text(&output.stderr), "", "progress in a pipe");
}

#[test]
fn a_stored_report_is_judged_again_to_the_same_findings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let name = file.to_str().unwrap();
    let made = run(&["demo", "--format", "json", "--output", name]);
    assert_eq!((made.status.code(), text(&made.stdout)), (Some(0), ""), "{}", text(&made.stderr));
    let judged = run(&["judge", name, "--format", "json"]);
    assert_eq!(judged.status.code(), Some(2), "{}", text(&judged.stderr));
    assert_eq!(text(&judged.stdout), std::fs::read_to_string(&file).unwrap());
}

/// A stored report of a demo, in a folder of its own.
fn stored_demo(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json").to_str().unwrap().to_owned();
    let output = run(&["demo", name, "--format", "json", "--output", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (folder, file)
}

#[test]
fn a_stored_report_is_asked_what_would_be_if() {
    let (_folder, file) = stored_demo("clear-backup");
    let domain = "clear-backup.example";
    let supposed = [format!("down=mx1.{domain}"), format!("tls-broken=mx2.{domain}")];
    let judged = run(&[
        "judge",
        &file,
        "--format",
        "json",
        "--what-if",
        &supposed[0],
        "--what-if",
        &supposed[1],
    ]);
    let report: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    let scenario = supposed.join("+");
    let lines = report["forecast"].as_array().unwrap().iter();
    let mine: Vec<_> = lines.filter(|line| line["scenario"] == scenario.as_str()).collect();
    assert_eq!(mine.len(), 6, "{scenario}");
    let postfix = mine.iter().find(|line| line["sender"] == "postfix").unwrap();
    let told = [&postfix["outcome"], &postfix["privacy"], &postfix["host"], &postfix["why"]];
    let why =
        format!("mx2.{domain} takes it in clear: no STARTTLS (mx1.{domain}: does not answer)");
    assert_eq!(told, ["delivered", "clear", &format!("mx2.{domain}"), &why]);
    // The report comes all the same where a host is supposed that nobody has.
    let nobody = run(&["judge", &file, "--what-if", "down=mx9.example"]);
    let want = format!(
        "mxparity: --what-if down=mx9.example: no such MX host; there are mx1.{domain}, mx2.{domain}\n"
    );
    assert_eq!((nobody.status.code(), text(&nobody.stderr)), (Some(3), want.as_str()));
    assert!(text(&nobody.stdout).starts_with(domain), "{}", text(&nobody.stdout));
}

#[test]
fn a_drill_holds_an_earlier_forecast_against_what_is_seen_now() {
    let (_folder, file) = stored_demo("even");
    let dns = empty_dns();
    let check = |domain: &str, more: &[&str]| {
        let mx = ["10", "20"].map(|at| {
            let number = if at == "10" { 1 } else { 2 };
            format!("{at}:mx{number}.{domain}:1@127.0.0.1")
        });
        let words = [
            "check",
            domain,
            "--drill",
            &file,
            "--allow-private",
            "--resolver",
            &dns,
            "--pause",
            "0",
            "--helo",
            "probe.example",
            "--mx",
            &mx[0],
            "--mx",
            &mx[1],
        ];
        run(&[&words[..], more].concat())
    };
    let other = check("other.example", &[]);
    let want = format!("mxparity: {file} holds no report on other.example to drill against\n");
    assert_eq!((other.status.code(), text(&other.stderr)), (Some(3), want.as_str()));
    let drill = check("even.example", &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&drill.stdout).unwrap();
    let down = serde_json::json!(["down=mx1.even.example", "down=mx2.even.example"]);
    assert_eq!(report["drill"]["happened"], down, "{}", text(&drill.stderr));
    let senders = report["drill"]["senders"].as_array().unwrap();
    let told = |one: &serde_json::Value| {
        (one["foreseen"].clone(), one["seen"].clone(), one["held"].clone())
    };
    let waits = ("waits".into(), "waits".into(), true.into());
    assert!(senders.len() == 6 && senders.iter().all(|one| told(one) == waits), "{senders:?}");
    let said = check("even.example", &[]);
    let want = "\nDrill      against the forecast of ";
    assert!(text(&said.stdout).contains(want), "{}", text(&said.stdout));
}

#[test]
fn a_stored_report_is_judged_under_a_guideline_that_was_not_thought_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let name = file.to_str().unwrap();
    let words = ["demo", "even", "--format", "json", "--output", name];
    assert_eq!(run(&words).status.code(), Some(0));
    for (profile, status, want) in [
        ("ncsc-2025-05", 0, "phase out      RSA 2048"),
        ("mozilla-modern-6", 1, "does not meet  RSA 2048"),
    ] {
        let judged = run(&["judge", name, "--profile", profile]);
        let said = text(&judged.stdout);
        assert_eq!(judged.status.code(), Some(status), "{profile}: {said}");
        assert!(said.contains("profile-not-met  TLS20") && said.contains(want), "{said}");
    }
    let plain = run(&["judge", name]);
    assert!(!text(&plain.stdout).contains("TLS20"), "{}", text(&plain.stdout));
}

#[test]
fn a_report_that_cannot_be_saved_is_not_lost() {
    let output = run(&["demo", "--output", "/no/such/folder/report.txt"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("cannot write /no/such/folder/report.txt"), "{said}");
    assert!(text(&output.stdout).contains("backup-accepts-anyone"));
}

#[cfg(unix)]
#[test]
fn a_report_takes_the_place_of_files_only() {
    use std::os::unix::{
        fs::{FileTypeExt, PermissionsExt, symlink},
        net::UnixListener,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let save = |name: &str| run(&["demo", "--output", path(name).to_str().unwrap()]);

    std::fs::write(path("old.txt"), "old").unwrap();
    std::fs::set_permissions(path("old.txt"), PermissionsExt::from_mode(0o640)).unwrap();
    symlink("old.txt", path("link.txt")).unwrap();
    assert_eq!(save("link.txt").status.code(), Some(0));
    assert!(path("link.txt").is_symlink());
    let mode = std::fs::metadata(path("old.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(std::fs::read_to_string(path("old.txt")).unwrap().contains("backup-accepts-anyone"));

    // Nothing can be written to a socket, and it must not become a file.
    let _socket = UnixListener::bind(path("socket")).unwrap();
    let output = save("socket");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("backup-accepts-anyone"));
    assert!(std::fs::metadata(path("socket")).unwrap().file_type().is_socket());
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let mut child = mxparity(&["rules"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_resolver_that_is_down_is_our_fault_and_status_3() {
    // Bound but never read: no answer will come.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = silent.local_addr().unwrap().to_string();
    let output = run(&["check", "--helo", "probe.example", "--resolver", &resolver, "a.example"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}{}", text(&output.stderr));
    assert!(said.contains("DNS gave no usable answer for a.example"), "{said}");
}

#[test]
fn a_plan_is_printed_and_nobody_is_visited() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    host.set_nonblocking(true).unwrap();
    let by_hand = format!("10:mx.example:{}@127.0.0.1", host.local_addr().unwrap().port());
    let dns = empty_dns();
    let words = ["check", "--plan", "--resolver", &dns, "--allow-private", "--mx", &by_hand];
    let output = run(&[&words[..], &["--helo", "probe.example", "a.example"]].concat());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    for word in ["EHLO probe.example", "STARTTLS", "RCPT TO:<postmaster@a.example>", "RSET", "QUIT"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(host.accept().is_err(), "the host was visited");
}

#[test]
fn an_interrupt_says_quit_and_reports_what_was_seen() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let by_hand = format!("10:mx.example:{}@127.0.0.1", host.local_addr().unwrap().port());
    let dns = empty_dns();
    let words = ["check", "--resolver", &dns, "--allow-private", "--mx", &by_hand];
    let child = mxparity(&[&words[..], &["--helo", "probe.example", "a.example"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (stream, _) = host.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    (&stream).write_all(b"220 mx.example ESMTP\r\n").unwrap();
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "EHLO probe.example\r\n");
    // The server now says nothing, and the user presses Ctrl-C.
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "QUIT\r\n");
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("interrupted") && said.contains("mx.example"), "{said}");
}
