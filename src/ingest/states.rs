//! What the file system said of the files of a source, as rows for the custody log (docs/format.md, section 5).

use crate::source::FileState;
use crate::types::json::{self, Obj};

/// Rows `[c, size, mtime, ctime, atime, device, inode, mode, nlink]`, gathered until the next event. A Maildir has one for
/// each message: as objects with named keys they took more room than the ledger.
#[derive(Debug, Default)]
pub(super) struct States {
    rows: Vec<u8>,
}

impl States {
    /// Adds the row of a container's file.
    pub(super) fn add(&mut self, container: u32, state: &FileState) {
        let out = &mut self.rows;
        out.push(if out.is_empty() { b'[' } else { b',' });
        out.push(b'[');
        json::uint(out, u64::from(container));
        out.push(b',');
        json::uint(out, state.size);
        for ns in [state.mtime_ns, state.ctime_ns, state.atime_ns] {
            out.push(b',');
            json::string(out, &seconds(ns));
        }
        for number in [state.device, state.inode, u64::from(state.mode), state.nlink] {
            out.push(b',');
            json::uint(out, number);
        }
        out.push(b']');
    }

    /// Whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the rows under `key`, if there are any, and begins anew.
    pub(super) fn take(&mut self, key: &'static str, o: &mut Obj<'_>) {
        if !self.is_empty() {
            self.rows.push(b']');
            o.raw(key, &std::mem::take(&mut self.rows));
        }
    }
}

/// Nanoseconds as decimal seconds. Text, because a number of that length is not exact in JSON (RFC 8785, 3.2.2.3).
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let text = format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_every_nanosecond() {
        for (ns, text) in [
            (1_763_626_504_123_456_789, "1763626504.123456789"),
            (1_763_626_500_000_000_000, "1763626500"),
            (-1_500_000_000, "-1.5"),
            (0, "0"),
        ] {
            assert_eq!(seconds(ns), text);
        }
        let mut states = States::default();
        let state = FileState { size: 7, mtime_ns: 1_500_000_000, inode: 3, ..FileState::default() };
        states.add(1, &state);
        states.add(2, &state);
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        states.take("files_before", &mut o);
        states.take("none", &mut o);
        o.end();
        let row = "7,\"1.5\",\"0\",\"0\",0,3,0,0]";
        assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"files_before\":[[1,{row},[2,{row}]}}"));
    }
}
