//! Who runs this, on what machine, in which case: everything that is asked of the environment.

use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::store::Run;
use crate::types::digest::Sha256Stream;
use crate::types::time::Clock;

use super::args::Global;
use super::failure::Failure;
use super::output::Notes;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        }
    }
}

/// What every command knows.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// The case directory, when one was named.
    pub case: Option<PathBuf>,
    /// Who examines, when somebody was named for this command.
    pub examiner: Option<String>,
    /// JSON is wanted.
    pub json: bool,
    /// Where notes go.
    pub notes: Notes,
}

impl Context {
    /// From the flags of every command.
    pub(super) fn new(global: &Global) -> Self {
        let examiner = global.examiner.clone().filter(|name| !name.trim().is_empty());
        Self { case: global.case.clone(), examiner, json: global.json, notes: Notes::new(global.quiet) }
    }

    /// The case directory.
    ///
    /// # Errors
    /// A usage failure when none was named.
    pub(super) fn case(&self) -> Result<&PathBuf, Failure> {
        self.case.as_ref().ok_or_else(Failure::no_case)
    }
}

impl Context {
    /// Who runs this command, for the custody log.
    pub(super) fn run(&self) -> Run {
        Run { examiner: self.examiner.clone(), ..run() }
    }

    /// Warns, when a case is made or handed out, that nobody is named as its examiner.
    pub(super) fn warn_if_nobody(&self, of_case: Option<&str>) {
        if of_case.is_none() && self.examiner.is_none() {
            self.notes.warning(
                "nobody is named as the examiner: give --examiner NAME, to `init` for the case or to any command for itself",
            );
        }
    }
}

/// The program, its command line and the machine. The program takes no secrets on its command line.
fn run() -> Run {
    let clock = Arc::new(SystemClock);
    let mut run = Run::new("mailtrail", env!("CARGO_PKG_VERSION"), clock);
    run.binary = own_digest();
    run.command_line = std::env::args_os().map(OsStringExt::into_vec).collect();
    run.cwd = std::env::current_dir().ok().map(|dir| dir.as_os_str().as_bytes().to_vec());
    let line = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    run.host = line("/proc/sys/kernel/hostname");
    run.os = match (line("/proc/sys/kernel/ostype"), line("/proc/sys/kernel/osrelease")) {
        (Some(name), Some(release)) => Some(format!("{name} {release}")),
        _ => Some(std::env::consts::OS.to_owned()),
    };
    run.user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    run.uid = fs::metadata("/proc/self").ok().map(|meta| std::os::unix::fs::MetadataExt::uid(&meta));
    run.pid = Some(std::process::id());
    run.zone = std::env::var("TZ").ok().or_else(|| {
        let link = fs::read_link("/etc/localtime").ok()?;
        let text = link.to_str()?.split("zoneinfo/").nth(1)?;
        Some(text.to_owned())
    });
    run
}

/// Digest of the program file, so that the log names the exact binary.
fn own_digest() -> Option<crate::types::Sha256Digest> {
    use std::io::Read as _;
    let mut file = fs::File::open("/proc/self/exe").ok()?;
    let mut hash = Sha256Stream::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hash.finish()),
            n => hash.update(buffer.get(..n)?),
        }
    }
}
