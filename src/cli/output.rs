//! Where a report goes: the terminal, a pipe, a file, each with the width and colour that fit.
//!
//! Nothing is lost on the way: what a file cannot take goes to standard output.

use std::{
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

/// Writes `text`, without colour, whole or not at all: to a file beside `path` that then takes its
/// place.
pub fn save(path: &Path, text: &str) -> Result<(), Error> {
    let plain = anstream::adapter::strip_str(text).to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(plain.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error: io::Error| {
        let (path, why) = (path.display(), plainly(&error));
        Error::new(format_args!("cannot write {path}: {why}; the report is on standard output"))
    })
}

/// An error of the system without its number.
pub fn plainly(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
