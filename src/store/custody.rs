//! Events of the custody log and the head, as bytes and back (docs/format.md, section 5).

use crate::types::event::EventUnread;
use crate::types::json::{self, Obj, Value};
use crate::types::{CustodyEvent, CustodyEventKind, Sha256Digest};

use super::framed::LineFrame;
use super::layout::{FileKind, Layout};

/// A stretch of a file of the record that an event covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First byte.
    pub from: u64,
    /// Just past the last byte.
    pub to: u64,
    /// The file, relative to the case.
    pub path: String,
    /// Digest of the bytes.
    pub sha256: Sha256Digest,
    /// The frame that holds the bytes, when the file is one of frames; `from..to` and `sha256` are of what it unpacks
    /// to.
    pub packed: Option<PackedStretch>,
}

/// Where the frame of a stretch is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedStretch {
    /// First byte.
    pub from: u64,
    /// Just past the last byte.
    pub to: u64,
    /// Digest of the bytes as stored.
    pub sha256: Sha256Digest,
}

impl Stretch {
    /// The frame, when the file is one of frames.
    pub fn frame(&self) -> Option<LineFrame> {
        self.packed.map(|packed| LineFrame {
            from: self.from,
            to: self.to,
            from_packed: packed.from,
            to_packed: packed.to,
        })
    }
}

/// One event of the custody log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it tells: a canonical JSON object.
    pub data: Vec<u8>,
    /// What the files of the record have grown by.
    pub files: Vec<Stretch>,
    /// Digest of the line before; all zero in the first.
    pub prev: Sha256Digest,
    /// Who writes: a canonical JSON object, in the first event of a command.
    pub run: Option<Vec<u8>>,
    /// Its number, from 0.
    pub seq: u64,
    /// When, by the clock of the machine.
    pub ts: String,
    /// Its type, as it is written.
    pub kind: String,
}

/// What the first event has as the digest of the line before it.
pub(super) const NOTHING: [u8; 32] = [0; 32];

impl Event {
    /// The line without its LF.
    pub fn line(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut o = Obj::new(&mut out);
        o.raw("data", &self.data);
        o.arr("files", &self.files, |out, stretch| {
            let mut o = Obj::new(out);
            o.uint("from", stretch.from);
            if let Some(packed) = &stretch.packed {
                o.uint("from_packed", packed.from);
            }
            o.str("path", &stretch.path).digest("sha256", &stretch.sha256);
            if let Some(packed) = &stretch.packed {
                o.digest("sha256_packed", &packed.sha256);
            }
            o.uint("to", stretch.to);
            if let Some(packed) = &stretch.packed {
                o.uint("to_packed", packed.to);
            }
            o.end();
        });
        o.digest("prev", &self.prev);
        if let Some(run) = &self.run {
            o.raw("run", run);
        }
        o.uint("seq", self.seq).str("ts", &self.ts).str("type", &self.kind);
        o.end();
        out
    }

    /// Its type; `None` for one that a newer program wrote.
    pub fn known_kind(&self) -> Option<CustodyEventKind> {
        CustodyEventKind::of(&self.kind)
    }

    /// What it tells.
    ///
    /// # Errors
    /// [`EventUnread`] when its data is not what its type tells.
    pub fn read(&self) -> Result<CustodyEvent, EventUnread> {
        CustodyEvent::read(&self.kind, &self.data)
    }

    /// The blobs that its data names (`blobs`: `[digest, length, what]` each); what is not in this form is passed over,
    /// as a key that a reader does not know is.
    pub fn blobs(&self) -> Vec<(Sha256Digest, u64)> {
        // Most events name none, and some are long.
        if memchr::memmem::find(&self.data, b"\"blobs\":[").is_none() {
            return Vec::new();
        }
        let blob = |v: &Value| Some((v.get(0)?.as_str()?.parse().ok()?, v.get(1)?.as_u64()?));
        let data = json::read(&self.data);
        let list = data.as_ref().and_then(|data| data.get("blobs")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(blob).collect()
    }

    /// Reads a line without its LF; `None` when it is no event in canonical form.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let v: Value = json::read_canonical(line)?;
        let object = |key: &str| {
            let value = v.get(key).filter(|value| value.is_object())?;
            let mut out = Vec::new();
            json::canonical(&mut out, value);
            Some(out)
        };
        let event = Self {
            data: object("data")?,
            files: v.get("files")?.as_array()?.iter().map(stretch).collect::<Option<_>>()?,
            prev: v.get("prev")?.as_str()?.parse().ok()?,
            run: object("run"),
            seq: v.get("seq")?.as_u64()?,
            ts: v.get("ts")?.as_str()?.to_owned(),
            kind: v.get("type")?.as_str()?.to_owned(),
        };
        // Written again it is the same only if there is no key that we do not know.
        (event.line() == line).then_some(event)
    }
}

/// What a reader of the chain needs of an event; read without its `data`, which can be long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) files: Vec<Stretch>,
    pub(super) prev: Sha256Digest,
    pub(super) seq: u64,
    pub(super) is_created: bool,
}

impl From<Event> for Link {
    fn from(event: Event) -> Self {
        let is_created = event.known_kind() == Some(CustodyEventKind::Created);
        Self { files: event.files, prev: event.prev, seq: event.seq, is_created }
    }
}

impl Link {
    /// Reads a line without its LF, whose digest somebody else vouches for; `None` when it is no event.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"data\":")?;
        let rest = rest.get(skip_value(rest)?..)?.strip_prefix(b",\"files\":")?;
        let (files, rest) = rest.split_at_checked(skip_value(rest)?)?;
        let files = json::read_canonical(files)?.as_array()?.iter().map(stretch).collect::<Option<_>>()?;
        let (prev, rest) = rest.strip_prefix(b",\"prev\":\"")?.split_at_checked(64)?;
        let prev = std::str::from_utf8(prev).ok()?.parse().ok()?;
        let mut rest = rest.strip_prefix(b"\"")?;
        if let Some(run) = rest.strip_prefix(b",\"run\":") {
            rest = run.get(skip_value(run)?..)?;
        }
        let rest = rest.strip_prefix(b",\"seq\":")?;
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let seq = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
        let rest = rest.get(digits..)?.strip_prefix(b",\"ts\":")?;
        let kind = rest.get(skip_value(rest)?..)?.strip_prefix(b",\"type\":")?.strip_suffix(b"}")?;
        let is_created = kind.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""))
            == Some(CustodyEventKind::Created.code().as_bytes());
        Some(Self { files, prev, seq, is_created })
    }
}

/// Length of the JSON object, array or string at the start of `bytes`.
fn skip_value(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0u64;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => at = skip_string(bytes, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth == 0 => return None,
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn skip_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn stretch(v: &Value) -> Option<Stretch> {
    let packed = match v.get("to_packed") {
        Some(to) => Some(PackedStretch {
            from: v.get("from_packed")?.as_u64()?,
            to: to.as_u64()?,
            sha256: v.get("sha256_packed")?.as_str()?.parse().ok()?,
        }),
        None => None,
    };
    let stretch = Stretch {
        from: v.get("from")?.as_u64()?,
        to: v.get("to")?.as_u64()?,
        path: v.get("path")?.as_str()?.to_owned(),
        sha256: v.get("sha256")?.as_str()?.parse().ok()?,
        packed,
    };
    // Whoever reads or cuts a file of this name must stay inside the case.
    let is_ours = matches!(FileKind::of(&stretch.path), Some((FileKind::PackLines | FileKind::Ledger, _)))
        || [Layout::VERSION, Layout::CASE].contains(&stretch.path.as_str());
    let is_framed = FileKind::is_framed(&stretch.path);
    let is_packed = packed.is_some_and(|packed| packed.from < packed.to);
    (stretch.from < stretch.to && is_ours && is_framed == is_packed && is_packed == packed.is_some())
        .then_some(stretch)
}

/// Which event is the newest, kept apart from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Id of the case.
    pub case: String,
    /// Number of events.
    pub events: u64,
    /// Digest of the line of the last event.
    pub head: Sha256Digest,
}

impl Head {
    /// The content of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.str("case", &self.case).uint("events", self.events).digest("head", &self.head).uint("v", 1);
        o.end();
        out.push(b'\n');
        out
    }

    /// Reads the content of the file; `None` when it is not in canonical form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let v = json::read_canonical(bytes.strip_suffix(b"\n")?)?;
        let head = Self {
            case: v.get("case")?.as_str()?.to_owned(),
            events: v.get("events")?.as_u64().filter(|&n| n > 0)?,
            head: v.get("head")?.as_str()?.parse().ok()?,
        };
        (head.bytes() == bytes).then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let sha256 = Sha256Digest::of(b"x");
        Event {
            data: b"{\"items\":2}".to_vec(),
            files: vec![Stretch { from: 0, to: 17, path: "VERSION".into(), sha256, packed: None }],
            prev: Sha256Digest::from_bytes(NOTHING),
            run: Some(b"{\"tool\":\"mailtrail\"}".to_vec()),
            seq: 0,
            ts: "2026-11-20T08:15:04.000000Z".into(),
            kind: CustodyEventKind::Created.code().into(),
        }
    }

    #[test]
    fn an_event_reads_back_and_one_with_an_unknown_key_does_not() {
        let line = event().line();
        assert_eq!(Event::parse(&line), Some(event()));
        let text = String::from_utf8(line).unwrap();
        assert_eq!(Event::parse(text.replace("\"seq\":0", "\"seq\":0,\"sez\":1").as_bytes()), None);
        assert_eq!(Event::parse(text.replace("\"to\":17", "\"to\":17,\"x\":1").as_bytes()), None);
        assert_eq!(Event::parse(text.replace("\"to\":17", "\"to\":0").as_bytes()), None);
        for path in
            ["../x", "/etc/passwd", "packs/000001.pack", "ledger/1.jsonl", "HEAD", "ledger/../000001.jsonl"]
        {
            assert_eq!(Event::parse(text.replace("VERSION", path).as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn the_quick_reading_of_an_event_is_the_full_one() {
        let mut other = event();
        other.data = br#"{"a":[{"x":"\\"},"],\"files\":[\"",{}],"b":"\""}"#.to_vec();
        other.kind = "committed".into();
        let mut plain = other.clone();
        plain.run = None;
        plain.files.clear();
        for event in [event(), other, plain] {
            let line = event.line();
            assert_eq!(Event::parse(&line), Some(event.clone()));
            assert_eq!(Link::parse(&line), Some(Link::from(event)));
            for cut in 0..line.len() {
                assert_eq!(Link::parse(&line[..cut]), None);
            }
        }
    }

    #[test]
    fn no_changed_byte_of_a_head_reads_as_the_same_head() {
        let head = Head { case: "5f".into(), events: 12, head: Sha256Digest::of(b"y") };
        let bytes = head.bytes();
        assert_eq!(Head::parse(&bytes), Some(head.clone()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert_ne!(Head::parse(&changed), Some(head.clone()), "byte {at} bit {bit}");
            }
        }
    }
}
