//! The mailtrail command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mailtrail::cli::run() as u8)
}
