//! The two ways out: stdout for answers, stderr for the rest.

use std::io::{self, BufWriter, Write};

/// Standard output, buffered. A closed pipe ends the command quietly; any other failure is an error.
#[derive(Debug)]
pub(super) struct Out {
    inner: BufWriter<io::Stdout>,
}

impl Out {
    /// The process's standard output.
    pub(super) fn new() -> Self {
        Self { inner: BufWriter::with_capacity(64 * 1024, io::stdout()) }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// What the system says, `BrokenPipe` included.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What the system says, `BrokenPipe` included.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.inner.write_all(text.as_bytes())?;
        self.inner.write_all(b"\n")
    }

    /// Writes an object on a line of its own.
    ///
    /// # Errors
    /// What the system says, `BrokenPipe` included.
    pub(super) fn json(&mut self, object: &[u8]) -> io::Result<()> {
        self.inner.write_all(object)?;
        self.inner.write_all(b"\n")
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// What the system says, `BrokenPipe` included.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}

/// Notes on stderr: nothing with `--quiet`, and never a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notes {
    quiet: bool,
}

impl Notes {
    /// `quiet` silences warnings, hints and notes.
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether nothing is to be said.
    pub(super) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// A line that is neither a warning nor an error.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            stderr(text);
        }
    }

    /// A warning.
    pub(super) fn warning(self, text: &str) {
        if !self.quiet {
            stderr(&format!("warning: {text}"));
        }
    }
}

/// A line on stderr; a closed stderr is nobody's loss.
pub(super) fn stderr(text: &str) {
    let mut line = text.to_owned();
    line.push('\n');
    io::stderr().write_all(line.as_bytes()).unwrap_or_default();
}
