//! The house rules that a reader of `src/lib.rs` relies on, held against every file.
//!
//! Reads the sources as text; knows only what the map says.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Longer files give their reason in the head, with these words.
const LONG_FILE_REASON: &str = "Longer than most";

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                into.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let mut files: Vec<_> = files
        .into_iter()
        .map(|(path, text)| (path.strip_prefix(&src).unwrap().to_path_buf(), text))
        .collect();
    files.sort();
    assert!(files.len() > 40, "only {} sources found", files.len());
    files
}

/// The room a file belongs to: its folder, or its own name at the top.
fn room(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// What stands before the unit tests of a file.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    without_tests(text).lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

/// Rooms with the rooms they may use, from the table in `src/lib.rs`; `None` for all.
fn table(map: &str) -> BTreeMap<String, Option<Vec<String>>> {
    let rows = map.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(" -> "));
    rows.map(|(room, allowed)| {
        let words = || allowed.split(", ").map(|word| word.trim().to_owned()).collect();
        let allowed = match allowed.trim() {
            "everything" => None,
            "nothing of ours" => Some(Vec::new()),
            _ => Some(words()),
        };
        (room.trim().to_owned(), allowed)
    })
    .collect()
}

#[test]
fn every_room_imports_only_what_the_map_allows() {
    let files = sources();
    let map = &files.iter().find(|(path, _)| path == Path::new("lib.rs")).unwrap().1;
    let table = table(map);
    let rooms: Vec<_> = table.keys().cloned().collect();
    assert!(rooms.len() >= 9, "the table of src/lib.rs was not found: {rooms:?}");
    for (path, text) in &files {
        let room = room(path);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let allowed = table.get(&room).unwrap_or_else(|| panic!("no row for {}", path.display()));
        let Some(allowed) = allowed else { continue };
        let joined = without_tests(text).replace(char::is_whitespace, "");
        for other in rooms.iter().filter(|other| **other != room && !allowed.contains(other)) {
            let inside_braces = joined.split("usecrate::{").skip(1).any(|block| {
                let block = block.split("};").next().unwrap();
                [",", "{"].iter().any(|before| block.contains(&format!("{before}{other}::")))
                    || block.starts_with(&format!("{other}::"))
            });
            let direct = joined.contains(&format!("crate::{other}::"));
            assert!(!inside_braces && !direct, "{} uses {other}", path.display());
        }
    }
}

#[test]
fn pure_rooms_have_no_clock_no_runtime_and_no_printing() {
    let pure = ["smtp", "tls", "policy", "survey", "rules", "forecast", "report"];
    for (path, text) in sources().iter().filter(|(path, _)| pure.contains(&room(path).as_str())) {
        for word in ["async ", "tokio", "now()", "println!", "print!(", "std::net::Tcp", "std::fs"]
        {
            let line = code_lines(text).find(|line| line.contains(word));
            assert_eq!(line, None, "{} has {word}", path.display());
        }
    }
}

#[test]
fn single_doors_stay_single() {
    for (word, doors) in [
        ("TcpStream::connect", &["probe/dial.rs", "fleet/"][..]),
        ("TcpSocket::", &["probe/dial.rs"]),
        ("ServerCertVerified::assertion", &["probe/handshake.rs"]),
        ("io::stdout()", &["cli/"]),
        ("println!", &["cli/"]),
        ("process::exit", &["main.rs", "cli/"]),
    ] {
        for (path, text) in &sources() {
            let at_a_door = doors.iter().any(|door| path.to_str().unwrap().starts_with(door));
            let line = code_lines(text).find(|line| line.contains(word));
            assert!(at_a_door || line.is_none(), "{} has {word}: {line:?}", path.display());
        }
    }
}

#[test]
fn every_file_opens_with_its_charter_and_stays_readable() {
    for (path, text) in &sources() {
        assert!(text.starts_with("//! "), "{} has no charter", path.display());
        let head = text.lines().map_while(|line| line.strip_prefix("//!"));
        let reasoned = head.collect::<String>().contains(LONG_FILE_REASON);
        let lines = text.lines().count();
        assert!(lines <= 400 || reasoned, "{} has {lines} lines and no reason", path.display());
    }
}

#[test]
fn nothing_unsafe_and_no_command_for_data() {
    for (path, text) in &sources() {
        assert!(code_lines(text).all(|line| !line.contains("unsafe ")), "{}", path.display());
    }
    let (_, commands) =
        sources().into_iter().find(|(path, _)| path == Path::new("smtp/command.rs")).unwrap();
    for word in ["DATA", "BDAT", "AUTH", "ETRN"] {
        assert!(code_lines(&commands).all(|line| !line.contains(word)), "{word}");
    }
}
