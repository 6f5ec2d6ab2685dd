//! Canonical JSON (RFC 8785): the one writer for ledger, custody log, manifest and `--json`.
//!
//! Keys are ASCII and written in ascending order, numbers are integers below 2^53, there are no spaces.
//! Bytes that are not UTF-8 are written as `{"bytes":"<base64>"}`, never with replacement characters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::digest::{Sha256Digest, hex_into};

/// Writes one JSON object into a buffer. Keys must come in ascending order (checked in debug builds).
#[derive(Debug)]
pub struct Obj<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    last_key: &'static str,
}

impl<'a> Obj<'a> {
    /// Opens an object at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true, last_key: "" }
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        debug_assert!(self.first || self.last_key < key, "{key} comes after {}", self.last_key);
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.last_key = key;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A string.
    pub fn str(&mut self, key: &'static str, value: &str) -> &mut Self {
        string(self.key(key), value);
        self
    }

    /// A string, or `null`.
    pub fn opt_str(&mut self, key: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.str(key, value),
            None => self.null(key),
        }
    }

    /// Text where the bytes are UTF-8, `{"bytes":"<base64>"}` where they are not.
    pub fn text(&mut self, key: &'static str, value: &[u8]) -> &mut Self {
        text(self.key(key), value);
        self
    }

    /// A whole number.
    pub fn int(&mut self, key: &'static str, value: i64) -> &mut Self {
        int(self.key(key), value);
        self
    }

    /// A count or an offset.
    pub fn uint(&mut self, key: &'static str, value: u64) -> &mut Self {
        uint(self.key(key), value);
        self
    }

    /// A whole number, or `null`.
    pub fn opt_int(&mut self, key: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.int(key, value),
            None => self.null(key),
        }
    }

    /// A count or an offset, or `null`.
    pub fn opt_uint(&mut self, key: &'static str, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.uint(key, value),
            None => self.null(key),
        }
    }

    /// `true` or `false`.
    pub fn bool(&mut self, key: &'static str, value: bool) -> &mut Self {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.key(key).extend_from_slice(word);
        self
    }

    /// `null`.
    pub fn null(&mut self, key: &'static str) -> &mut Self {
        self.key(key).extend_from_slice(b"null");
        self
    }

    /// A digest as 64 hex digits.
    pub fn digest(&mut self, key: &'static str, value: &Sha256Digest) -> &mut Self {
        let out = self.key(key);
        let mut text = [0u8; 64];
        hex_into(value.as_bytes(), &mut text);
        out.push(b'"');
        out.extend_from_slice(&text);
        out.push(b'"');
        self
    }

    /// A value that is canonical JSON already.
    pub fn raw(&mut self, key: &'static str, value: &[u8]) -> &mut Self {
        self.key(key).extend_from_slice(value);
        self
    }

    /// An object inside this one.
    pub fn obj(&mut self, key: &'static str, fill: impl FnOnce(&mut Obj<'_>)) -> &mut Self {
        let mut inner = Obj::new(self.key(key));
        fill(&mut inner);
        inner.end();
        self
    }

    /// An array; `fill` is called for each element with the buffer to write the element into.
    pub fn arr<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Vec<u8>, T),
    ) -> &mut Self {
        let out = self.key(key);
        out.push(b'[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            fill(out, item);
        }
        out.push(b']');
        self
    }
}

/// Writes a JSON string with the escapes of RFC 8785 section 3.2.2.2, and no others.
pub fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            _ => {
                let mut digits = [0u8; 2];
                hex_into(&[byte], &mut digits);
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// Text where the bytes are UTF-8, `{"bytes":"<base64>"}` where they are not.
pub fn text(out: &mut Vec<u8>, value: &[u8]) {
    if let Ok(text) = std::str::from_utf8(value) {
        string(out, text);
    } else {
        out.extend_from_slice(b"{\"bytes\":\"");
        out.extend_from_slice(STANDARD.encode(value).as_bytes());
        out.extend_from_slice(b"\"}");
    }
}

/// A count or an offset in decimal.
pub fn uint(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A whole number in decimal.
pub fn int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    uint(out, value.unsigned_abs());
}

/// Reads back what [`text`] wrote: the bytes of a JSON string or of a `{"bytes":..}` object.
pub fn text_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(map) => STANDARD.decode(map.get("bytes")?.as_str()?).ok(),
        _ => None,
    }
}

/// Any JSON value, for those who may not name the library that reads it.
pub use serde_json::Value;

/// Reads one JSON value; `None` when `text` is none.
pub fn read(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// Reads one JSON value; `None` when `text` is none, or when it is not in the one canonical form.
pub fn read_canonical(text: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let mut again = Vec::with_capacity(text.len());
    canonical(&mut again, &value);
    (again == text).then_some(value)
}

/// Writes any JSON value in canonical form, whatever order its keys came in.
///
/// Numbers that are not whole are written as `serde_json` prints them; none of our records has any.
pub fn canonical(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                canonical(out, item);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                string(out, key);
                out.push(b':');
                canonical(out, &map[key]);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_rfc_8785_asks_for() {
        let mut out = Vec::new();
        let mut obj = Obj::new(&mut out);
        obj.str("a", "\u{8}\t\n\u{c}\r\"\\\u{1}\u{7f}é").uint("b", 0).int("c", -12).null("d");
        obj.text("e", b"\xff").bool("f", true);
        obj.arr("g", [1u64, 2], uint).obj("h", |o| {
            o.str("x", "y");
        });
        obj.end();
        let want = "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\\u0001\u{7f}é\",\"b\":0,\"c\":-12,\"d\":null,\"e\":{\"bytes\":\"/w==\"},\"f\":true,\"g\":[1,2],\"h\":{\"x\":\"y\"}}";
        assert_eq!(String::from_utf8_lossy(&out), want);
        let value: Value = serde_json::from_slice(&out).unwrap();
        let mut again = Vec::new();
        canonical(&mut again, &value);
        assert_eq!(out, again);
        assert_eq!(text_of(&value["e"]), Some(vec![0xff]));
    }
}
