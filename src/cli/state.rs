//! The state file: one run at a time, replaced whole, and set aside rather than lost when damaged.
//!
//! What stands in it is for `monitor`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Deserialize;

use super::{Error, output};
use crate::monitor::{State, state::SCHEMA};

/// A state that is ours until this is dropped.
pub struct Store {
    path: PathBuf,
    pub state: State,
    /// Not the state file itself, which is replaced at every save.
    _lock: File,
}

/// All that every version of the file has in common.
#[derive(Deserialize)]
struct Envelope {
    schema: u32,
}

impl Store {
    /// Opens the state at `path`, new where there is none. A damaged one is moved out of the way,
    /// with a warning.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, Error> {
        // A pipe would be waited for and a device read without end; either would be replaced by a file.
        if fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir()) {
            return Err(Error::new(format_args!(
                "{} is no plain file, so it cannot keep a state; give another --state",
                path.display()
            )));
        }
        let lock = lock(path)?;
        let state = match fs::read_to_string(path) {
            Ok(text) => read(path, &text, now)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                set_aside(path, now, "it is not text")?
            }
            Err(error) => return Err(failed("read", path, &error)),
        };
        Ok(Self { path: path.to_owned(), state, _lock: lock })
    }

    /// Writes the state, whole or not at all, for its owner's eyes only.
    pub fn save(&self) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(&self.state).map_err(Error::new)?;
        // What a link leads to is written, and the link stays.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        // Recipients stand in it, so nobody else is to read it.
        #[cfg(unix)]
        let permissions = Some(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        #[cfg(not(unix))]
        let permissions = None;
        output::replace(&target, permissions, &json)
            .map_err(|error| failed("write", &self.path, &error))
    }
}

/// Held as long as the file that comes back; the system lets go of it even after a crash.
fn lock(path: &Path) -> Result<File, Error> {
    let beside = with_ending(path, "lock");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&beside).map_err(|error| failed("open", &beside, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(format_args!(
            "{} is in use by another run; wait for it, or give this one another --state",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed("lock", &beside, &error)),
    }
}

fn read(path: &Path, text: &str, now: Timestamp) -> Result<State, Error> {
    // A newer form is no damage: its writer will want it back.
    if let Ok(Envelope { schema }) = serde_json::from_str(text)
        && schema > SCHEMA
    {
        return Err(Error::new(format_args!(
            "{} is a state of schema {schema}, and this version reads {SCHEMA}; \
             use the version that wrote it",
            path.display()
        )));
    }
    serde_json::from_str(text)
        .or_else(|fault: serde_json::Error| set_aside(path, now, &fault.to_string()))
}

/// Moves a file that cannot be used to a name of its own, says so, and begins anew.
fn set_aside(path: &Path, now: Timestamp, why: &str) -> Result<State, Error> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut aside = with_ending(path, &format!("damaged-{stamp}"));
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = with_ending(path, &format!("damaged-{stamp}-{number}"));
    }
    fs::rename(path, &aside).map_err(|error| failed("set aside", path, &error))?;
    anstream::eprintln!(
        "mxparity: {} is damaged ({why}); kept as {}, starting anew",
        path.display(),
        aside.display()
    );
    Ok(State::default())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn failed(act: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(format_args!("cannot {act} {}: {}", path.display(), output::plainly(error)))
}
