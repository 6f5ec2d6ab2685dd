//! What a case is about, who works on it, and whether there is one.

use std::fs;
use std::sync::Arc;

use crate::types::Sha256Digest;
use crate::types::json::{self, Obj};
use crate::types::time::{Clock, rfc3339_us};

use super::chain::{check_version, read_chain};
use super::disk::read_small;
use super::layout::Layout;
use super::{StoreError, Trouble};

/// What the examiner says of a case; kept in `case.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseInfo {
    /// Its id: 32 hex digits, made when the case is made. Empty before.
    pub case: String,
    /// When it was made, RFC 3339. Empty before.
    pub created: String,
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub number: Option<String>,
    /// Who examines.
    pub examiner: Option<String>,
    /// For whom.
    pub organisation: Option<String>,
    /// By which authority: a warrant, a consent ..
    pub authority: Option<String>,
    /// Whatever else.
    pub notes: Option<String>,
}

impl CaseInfo {
    /// The content of `case.json`.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        let given = |o: &mut Obj<'_>, key: &'static str, value: &Option<String>| {
            if let Some(value) = value {
                o.str(key, value);
            }
        };
        given(&mut o, "authority", &self.authority);
        o.str("case", &self.case).str("created", &self.created);
        given(&mut o, "examiner", &self.examiner);
        given(&mut o, "name", &self.name);
        given(&mut o, "notes", &self.notes);
        given(&mut o, "number", &self.number);
        given(&mut o, "organisation", &self.organisation);
        o.uint("v", 1);
        o.end();
        out.push(b'\n');
        out
    }

    /// Reads the content of `case.json`; `None` when it is not in canonical form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let v = json::read_canonical(bytes.strip_suffix(b"\n")?)?;
        let given = |key: &str| v.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let info = Self {
            case: given("case")?,
            created: given("created")?,
            name: given("name"),
            number: given("number"),
            examiner: given("examiner"),
            organisation: given("organisation"),
            authority: given("authority"),
            notes: given("notes"),
        };
        (info.bytes() == bytes).then_some(info)
    }

    /// The same with an id and a time. Two cases get the same id only when everything told of them, the machine,
    /// the process and the microsecond are the same.
    pub(super) fn begun(&self, run: &Run) -> Self {
        let mut info = Self { created: rfc3339_us(run.clock.now_us()), case: String::new(), ..self.clone() };
        let mut seed = info.bytes();
        seed.extend_from_slice(&run.bytes());
        info.case = Sha256Digest::of(&seed).to_string().chars().take(32).collect();
        info
    }

    pub(super) fn read(layout: &Layout) -> Result<Self, StoreError> {
        let path = layout.at(Layout::CASE);
        let bytes = read_small(&path).map_err(|error| StoreError::io("read", &path, error))?;
        Self::parse(&bytes).ok_or(StoreError::Damaged { path, offset: 0, trouble: Trouble::FormInvalid })
    }
}

/// Who runs a writing command; goes into its first event.
#[derive(Clone)]
pub struct Run {
    /// Name of the program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// Digest of the program file.
    pub binary: Option<Sha256Digest>,
    /// The command line, secrets taken out already; bytes, because arguments need not be text.
    pub command_line: Vec<Vec<u8>>,
    /// The current directory.
    pub cwd: Option<Vec<u8>>,
    /// Who examines, when somebody was named for this run.
    pub examiner: Option<String>,
    /// Name of the machine.
    pub host: Option<String>,
    /// Its operating system and version.
    pub os: Option<String>,
    /// Name of the user.
    pub user: Option<String>,
    /// Number of the user.
    pub uid: Option<u32>,
    /// Number of the process.
    pub pid: Option<u32>,
    /// The time zone of the machine.
    pub zone: Option<String>,
    /// The clock of the machine.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("tool", &self.tool)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// A run of which only program, version and clock are known.
    pub fn new(tool: impl Into<String>, version: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            tool: tool.into(),
            version: version.into(),
            binary: None,
            command_line: Vec::new(),
            cwd: None,
            examiner: None,
            host: None,
            os: None,
            user: None,
            uid: None,
            pid: None,
            zone: None,
            clock,
        }
    }

    /// The canonical JSON object that stands in the event.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        if let Some(binary) = &self.binary {
            o.digest("binary", binary);
        }
        if !self.command_line.is_empty() {
            o.arr("command_line", &self.command_line, |out, word| json::text(out, word));
        }
        if let Some(cwd) = &self.cwd {
            o.text("cwd", cwd);
        }
        if let Some(examiner) = &self.examiner {
            o.str("examiner", examiner);
        }
        if let Some(host) = &self.host {
            o.str("host", host);
        }
        if let Some(os) = &self.os {
            o.str("os", os);
        }
        if let Some(pid) = self.pid {
            o.uint("pid", u64::from(pid));
        }
        o.str("tool", &self.tool);
        if let Some(uid) = self.uid {
            o.uint("uid", u64::from(uid));
        }
        if let Some(user) = &self.user {
            o.str("user", user);
        }
        o.str("version", &self.version);
        if let Some(zone) = &self.zone {
            o.str("zone", zone);
        }
        o.end();
        out
    }
}

/// What lies at the place of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing, or an empty directory.
    Absent,
    /// The making of a case was cut off; it can be made again in the same place.
    Unfinished,
    /// A case.
    Case,
    /// Something else.
    Other,
}

/// Looks what lies in `dir`, without changing it.
///
/// # Errors
/// [`StoreError::NewerFormat`] when a newer program made it; [`StoreError::Io`] when the directory cannot be read.
pub fn state(dir: &std::path::Path) -> Result<State, StoreError> {
    let layout = Layout::new(dir);
    // What a newer format makes of the other files is not known: it is neither unfinished nor something else.
    if let Err(error @ StoreError::NewerFormat { .. }) = check_version(&layout) {
        return Err(error);
    }
    if layout.at(Layout::HEAD).exists() {
        return Ok(State::Case);
    }
    let wrong = |error| StoreError::io("read", dir, error);
    let names = match fs::read_dir(dir) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::Absent),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(State::Other),
        Err(error) => return Err(wrong(error)),
    };
    let ours =
        [Layout::VERSION, Layout::CASE, Layout::CUSTODY, Layout::HEAD_NEW, Layout::LOCK, Layout::APPEND_LOCK];
    let mut is_empty = true;
    let mut is_ours = true;
    for name in names {
        let name = name.map_err(wrong)?;
        is_empty = false;
        let text = name.file_name();
        let folder = Layout::FOLDERS.iter().any(|folder| text == *folder)
            && fs::read_dir(name.path()).map_err(wrong)?.next().is_none();
        is_ours &= folder || ours.iter().any(|file| text == *file);
    }
    if is_empty {
        return Ok(State::Absent);
    }
    // A whole first event without a head is a case whose making was cut off at its very end.
    match read_chain(&layout, false) {
        Ok(_) | Err(StoreError::Damaged { .. }) if check_version(&layout).is_ok() => Ok(State::Case),
        _ if is_ours => Ok(State::Unfinished),
        _ => Ok(State::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_file_reads_back_in_its_one_form() {
        let info = CaseInfo {
            case: "ab".into(),
            created: "x".into(),
            notes: Some("é\n".into()),
            ..CaseInfo::default()
        };
        let bytes = info.bytes();
        assert_eq!(CaseInfo::parse(&bytes), Some(info));
        assert_eq!(CaseInfo::parse(&bytes[..bytes.len() - 1]), None);
    }
}
