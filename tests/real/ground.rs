//! What every test stands on: the packages unpacked, and the rights to start servers.
//!
//! Fails aloud with the mend; never skips.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// The folder with the unpacked packages, once for all tests of this run.
pub fn packages() -> &'static Path {
    static GROUND: LazyLock<Result<PathBuf, String>> = LazyLock::new(prepare);
    match &*GROUND {
        Ok(packages) => packages,
        Err(why) => panic!("{why}"),
    }
}

/// A folder or file that `fetch` left beside the packages.
pub fn unpacked(name: &str) -> PathBuf {
    packages().with_file_name(name)
}

/// The words that run Python with what `fetch` installed for it.
pub fn python() -> [String; 2] {
    [script("python"), unpacked("")].map(|path| path.display().to_string())
}

/// A command that may come from the unpacked packages where this machine has none.
pub fn tool(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let usr = packages().join("usr");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(name);
    command.env("PATH", format!("{path}:{0}/bin:{0}/sbin", usr.display()));
    let libraries = fs::read_dir(usr.join("lib")).into_iter().flatten().flatten();
    let folders = libraries.map(|entry| entry.path().display().to_string());
    let folders: Vec<_> = folders.filter(|folder| folder.ends_with("-linux-gnu")).collect();
    command.env("LD_LIBRARY_PATH", folders.join(":"));
    command
}

/// One of the scripts beside this file.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)
}

fn prepare() -> Result<PathBuf, String> {
    namespaces()?;
    // Beside the folder for temporary files, so that it follows CARGO_TARGET_DIR.
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("real");
    let fetch = Command::new(script("fetch")).arg(&unpacked).output();
    let fetch =
        fetch.map_err(|error| format!("tests/real/fetch: {error}\n  mend: install bash"))?;
    if !fetch.status.success() {
        return Err(String::from_utf8_lossy(&fetch.stderr).into_owned());
    }
    Ok(unpacked.join("root"))
}

fn namespaces() -> Result<(), String> {
    let tried =
        Command::new("unshare").args(["--net", "--mount", "--pid", "--fork", "true"]).output();
    let why = match tried {
        Ok(done) if done.status.success() => return Ok(()),
        Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
        Err(error) => format!("unshare: {error}"),
    };
    Err(format!(
        "the real servers need namespaces of their own, which this user may not make ({why})\n  \
         mend: run the tests as root (in a container: with --privileged), \
         or run the others alone: cargo test --lib --test suite"
    ))
}
