//! Where a report goes: the terminal, a pipe, a file, each with the width and colour that fit.
//!
//! Nothing is lost on the way: what a file cannot take goes to standard output.

#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::{
    fs::{self, Permissions},
    io::{self, Write as _},
    path::Path,
};

use anstream::{AutoStream, ColorChoice};

use super::{
    Error,
    options::{Color, Printing},
};

/// Columns of a report that goes to no terminal.
const PLAIN_WIDTH: usize = 80;

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 140;

impl Printing {
    fn choice(self) -> ColorChoice {
        match self.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }

    /// Writes to standard output, stripping colour where it is not wanted. A reader that went away
    /// is not an error.
    pub fn print(self, text: &str) -> Result<(), Error> {
        let mut out = AutoStream::new(io::stdout(), self.choice());
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::new(format_args!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// The width to lay text out for.
pub fn width() -> usize {
    let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.map_or(PLAIN_WIDTH, |columns| columns.clamp(40, WIDEST))
}

/// Writes `text`, without colour.
pub fn save(path: &Path, text: &str) -> Result<(), Error> {
    let plain = anstream::adapter::strip_str(text).to_string();
    // What a link leads to is written, and the link stays.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&target).ok();
    let done = match &known {
        // A device or a pipe is written to; a file in its place would be the end of it.
        Some(known) if !known.is_file() && !known.is_dir() => fs::OpenOptions::new()
            .write(true)
            .open(&target)
            .and_then(|mut device| device.write_all(plain.as_bytes())),
        _ => replace(&target, known.map(|known| known.permissions()), &plain),
    };
    done.map_err(|error: io::Error| {
        let (path, why) = (path.display(), plainly(&error));
        Error::new(format_args!("cannot write {path}: {why}; the report is on standard output"))
    })
}

/// Writes whole or not at all: to a file beside `path` that then takes its place.
pub fn replace(path: &Path, permissions: Option<Permissions>, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // Made as any new file is: whoever else may read those may read reports.
    #[cfg(unix)]
    builder.permissions(Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    // Before there is anything to read in it.
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// An error of the system without its number.
pub fn plainly(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
