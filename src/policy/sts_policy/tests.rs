//! Policy files of every kind, good and bad.
//!
//! Matching of hosts has its table in `pattern.rs`.

use proptest::prelude::*;

use super::*;

fn patterns(words: &[&str]) -> Vec<Pattern> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

/// What was found, as line and kind.
fn found(file: impl AsRef<[u8]>) -> Vec<(Option<usize>, DeviationKind)> {
    read(file.as_ref()).deviations.into_iter().map(|it| (it.line, it.kind)).collect()
}

#[test]
fn the_example_of_the_rfc_is_a_policy_with_either_line_ending() {
    // RFC 8461 §3.2.
    let lines = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n\
                 mx: backupmx.example.com\nmax_age: 604800\n";
    let want = StsPolicy {
        mode: Mode::Enforce,
        max_age: 604_800,
        mx: patterns(&["mail.example.com", "*.example.net", "backupmx.example.com"]),
    };
    for file in [
        lines.to_owned(),
        lines.replace('\n', "\r\n"),
        lines.trim_end().to_owned(),
        lines.replace('\n', " \t\n"),
        lines.replace(": ", ":"),
    ] {
        let want = PolicyReading { policy: Some(want.clone()), deviations: Vec::new() };
        assert_eq!(read(file.as_bytes()), want, "{file:?}");
    }
    for (host, pattern) in [
        ("mail.example.com", Some("mail.example.com")),
        ("mx1.example.net.", Some("*.example.net")),
        ("example.net", None),
        ("[192.0.2.1]", None),
    ] {
        let named = want.pattern_for(host).map(ToString::to_string);
        assert_eq!(named.as_deref(), pattern, "{host}");
    }
}

#[test]
fn every_deviation_is_told_with_its_line_and_its_effect() {
    use DeviationKind as Kind;
    use Effect::{Allowed, SomeRefuse, Unusable};
    let (head, mx, age) =
        ("version: STSv1\nmode: enforce\n", "mx: a.example\n", "max_age: 86400\n");
    let whole = format!("{head}{mx}{age}");
    let text = |text: &str| Text::from(text);
    let key = |key: &str| key.to_owned();
    for (file, line, kind, effect) in [
        (format!("{whole}next: \u{e9} 1\n"), Some(5), Kind::UnknownKey(key("next")), Allowed),
        (format!("{whole}mode: none\n"), Some(5), Kind::DuplicateKey(key("mode")), Allowed),
        (format!("{whole}max_age: x\n"), Some(5), Kind::DuplicateKey(key("max_age")), Allowed),
        (format!("{mx}{head}{age}"), Some(2), Kind::VersionNotFirst, Allowed),
        (format!("{whole}\n"), Some(5), Kind::BlankLine, SomeRefuse),
        (format!("{head}\r\n{mx}{age}"), Some(3), Kind::BlankLine, SomeRefuse),
        (format!("{whole}# end\n"), Some(5), Kind::NotAField(text("# end")), SomeRefuse),
        (format!("{whole}: x\n"), Some(5), Kind::NotAField(text(": x")), SomeRefuse),
        (format!("{head} {mx}{age}"), Some(3), Kind::StraySpace, SomeRefuse),
        (format!("{head}mx : a.example\n{age}"), Some(3), Kind::StraySpace, SomeRefuse),
        (
            format!("{whole}mx: a.example.\n"),
            Some(5),
            Kind::BadPattern(text("a.example.")),
            SomeRefuse,
        ),
        (
            format!("{whole}mx: \u{fc}.example\n"),
            Some(5),
            Kind::BadPattern(text("\u{fc}.example")),
            SomeRefuse,
        ),
        (
            format!("{head}{mx}max_age: 31557601\n"),
            Some(4),
            Kind::MaxAgeTooLong(31_557_601),
            SomeRefuse,
        ),
        (
            format!("{head}{mx}max_age: 9999999999\n"),
            Some(4),
            Kind::MaxAgeTooLong(9_999_999_999),
            SomeRefuse,
        ),
        (
            format!("{head}{mx}max_age: 10000000000\n"),
            Some(4),
            Kind::BadMaxAge(text("10000000000")),
            Unusable,
        ),
        (format!("{head}{mx}max_age: -1\n"), Some(4), Kind::BadMaxAge(text("-1")), Unusable),
        (format!("{head}{mx}max_age: 1d\n"), Some(4), Kind::BadMaxAge(text("1d")), Unusable),
        (format!("{head}{mx}max_age:\n"), Some(4), Kind::BadMaxAge(text("")), Unusable),
        (format!("{head}{mx}"), None, Kind::MissingKey(key("max_age")), Unusable),
        (format!("mode: testing\n{mx}{age}"), None, Kind::MissingKey(key("version")), Unusable),
        (format!("version: STSv1\n{mx}{age}"), None, Kind::MissingKey(key("mode")), Unusable),
        (
            format!("version: STSv2\nmode: none\n{age}"),
            Some(1),
            Kind::BadVersion(text("STSv2")),
            Unusable,
        ),
        (
            format!("version: stsv1\nmode: none\n{age}"),
            Some(1),
            Kind::BadVersion(text("stsv1")),
            Unusable,
        ),
        (
            format!("version: STSv1\nmode: Enforce\n{mx}{age}"),
            Some(2),
            Kind::BadMode(text("Enforce")),
            Unusable,
        ),
        (format!("{head}{age}"), None, Kind::NoMx, Unusable),
        (format!("version: STSv1\nmode: testing\n{age}"), None, Kind::NoMx, Unusable),
        (" \r\n".to_owned(), None, Kind::Empty, Unusable),
        ("\n<!DOCTYPE html>\n<html>".to_owned(), None, Kind::Html, Unusable),
    ] {
        let reading = read(file.as_bytes());
        assert_eq!(reading.deviations, [Deviation { line, kind }], "{file:?}");
        assert_eq!(reading.effect(), Some(effect), "{file:?}");
        assert_eq!(reading.policy.is_some(), effect != Unusable, "{file:?}");
    }
}

#[test]
fn keys_are_case_sensitive_and_a_byte_order_mark_is_no_part_of_one() {
    use DeviationKind as Kind;
    let age = "max_age: 86400\n";
    let version = (None, Kind::MissingKey("version".to_owned()));
    let first = (Some(1), Kind::UnknownKey("Version".to_owned()));
    assert_eq!(found(format!("Version: STSv1\nmode: none\n{age}")), [first, version.clone()]);
    let first = (Some(1), Kind::NotAField(Text::from("\u{feff}version: STSv1")));
    assert_eq!(found(format!("\u{feff}version: STSv1\nmode: none\n{age}")), [first, version]);
}

#[test]
fn control_characters_and_lone_carriage_returns_make_no_field() {
    use DeviationKind as Kind;
    let whole = "version: STSv1\nmode: none\nmax_age: 1\n";
    let (control, latin) = (b"x: a\0b", b"x: \xfc");
    for line in [&control[..], latin] {
        let want = (Some(4), Kind::NotAField(Text::new(line)));
        assert_eq!(found([whole.as_bytes(), line].concat()), [want]);
    }
    let file = whole.replace('\n', "\r");
    let missing =
        ["version", "mode", "max_age"].map(|key| (None, Kind::MissingKey(key.to_owned())));
    let line = (Some(1), Kind::NotAField(Text::from(file.trim_end())));
    assert_eq!(found(&file), [vec![line], missing.to_vec()].concat());
}

#[test]
fn a_duplicate_never_changes_what_the_first_said() {
    let file =
        "version: STSv1\nmode: testing\nmode: enforce\nmx: a.example\nmax_age: 1\nmax_age: 2";
    let policy = read(file.as_bytes()).policy.unwrap();
    assert_eq!((policy.mode, policy.max_age), (Mode::Testing, 1));
}

#[test]
fn mode_none_needs_no_host() {
    let policy = read(b"version: STSv1\nmode: none\nmax_age: 0\n").policy.unwrap();
    assert_eq!(policy, StsPolicy { mode: Mode::None, max_age: 0, mx: Vec::new() });
    assert_eq!(policy.pattern_for("mx.example"), None);
}

#[test]
fn a_file_of_rubbish_is_told_in_bounds() {
    let file = vec![b'x'; MOST_OCTETS + 1];
    assert_eq!(found(&file), [(None, DeviationKind::TooLong(MOST_OCTETS + 1))]);
    let lines = b"\n".repeat(MOST_OCTETS - 1);
    let reading = read(&[&b"x"[..], &lines].concat());
    assert_eq!(reading.deviations.len(), MOST_DEVIATIONS + 3);
    assert_eq!(reading.effect(), Some(Effect::Unusable));
    assert_eq!(reading.policy, None);
}

fn policies() -> impl Strategy<Value = StsPolicy> {
    let mode = prop_oneof![Just(Mode::Enforce), Just(Mode::Testing), Just(Mode::None)];
    let mx = proptest::collection::vec("(\\*\\.)?[a-z0-9]{1,9}(\\.[a-z]{1,9}){1,3}", 1..9);
    (mode, 0..=9_999_999_999_u64, mx).prop_map(|(mode, max_age, mx)| {
        let mx = mx.iter().map(|word| word.parse().unwrap()).collect();
        StsPolicy { mode, max_age, mx }
    })
}

proptest! {
    #[test]
    fn any_octets_are_read(octets: Vec<u8>, lines in "((version|mode|mx|max_age|x) ?: ?[ -~]{0,9}\r?\n?){0,9}") {
        for file in [octets, lines.into_bytes()] {
            let reading = read(&file);
            let unusable = reading.effect() == Some(Effect::Unusable);
            prop_assert_eq!(reading.policy.is_none(), unusable, "{:?}", reading);
            let json = serde_json::to_string(&reading).unwrap();
            prop_assert_eq!(serde_json::from_str::<PolicyReading>(&json).unwrap(), reading);
        }
    }

    #[test]
    fn a_printed_policy_reads_back(policy in policies()) {
        prop_assert_eq!(read(policy.to_string().as_bytes()).policy, Some(policy));
    }
}
