//! Golden files: what a person reads, kept in `fixtures/` and compared to the letter.
//!
//! `UPDATE=1 cargo test` rewrites them; the difference is then reviewed like code.

use std::path::{Path, PathBuf};

/// A path below `fixtures/`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// Compares `actual` with the golden file at `path` below `fixtures/`.
#[track_caller]
pub fn compare(path: &str, actual: &str) {
    let file = fixture(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().expect("a fixture has a folder")).unwrap();
        std::fs::write(&file, actual).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", file.display()));
    if golden != actual {
        let line = golden.lines().zip(actual.lines()).position(|(old, new)| old != new);
        panic!(
            "{} differs at line {}; UPDATE=1 rewrites it\n--- now:\n{actual}",
            file.display(),
            line.unwrap_or_else(|| golden.lines().count().min(actual.lines().count())) + 1,
        );
    }
}
