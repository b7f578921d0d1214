//! The program: hand the words over, end with the answer. Everything else is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mxparity::cli::main(std::env::args_os()).code())
}
