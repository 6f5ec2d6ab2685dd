//! The dialogue with a server, as lines of ASCII: who said what and when; message bytes by digest, secrets by length.
//!
//! `1 2026-11-23T04:05:06.000000Z C: A1 CAPABILITY`: number of the connection, time of our clock, and
//! - `C:` / `S:` a line of ours or of the server, without its CRLF;
//! - `C+` / `S+` the bytes of a literal that is no message;
//! - `S=` message bytes by length and SHA-256;
//! - `--` what happened: connected, TLS stands, closed.
//!
//! Bytes outside 32..126, and `\`, are written `\xNN`, so nothing in it can steer a terminal and all of it can be read
//! back.

use std::sync::Arc;

use memchr::memmem;

use crate::acquire::aside::Aside;
use crate::types::Sha256Digest;
use crate::types::time::{Clock, rfc3339_us};

/// Bytes that a transcript holds before it lays them aside.
const PIECE: usize = 1 << 20;

/// Shortest secret that is looked for in what a server says: shorter ones stand in honest text by chance.
const SHORTEST_ECHO: usize = 4;

/// The dialogue of one connection, until somebody takes it.
pub struct Transcript<'a> {
    clock: &'a dyn Clock,
    connection: u32,
    out: Vec<u8>,
    /// What must not be written while signing in, should the server echo it.
    secrets: Vec<Vec<u8>>,
    /// Whether challenges are written by their length.
    hides_challenges: bool,
    /// Where whole pieces go while more comes: a listing of a million messages is no piece to hold.
    aside: Option<Arc<Aside>>,
}

impl std::fmt::Debug for Transcript<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transcript({}, {} bytes)", self.connection, self.out.len())
    }
}

impl<'a> Transcript<'a> {
    /// An empty one.
    pub fn new(clock: &'a dyn Clock, connection: u32) -> Self {
        Self { clock, connection, out: Vec::new(), secrets: Vec::new(), hides_challenges: false, aside: None }
    }

    /// The same, with a place for pieces that are too long to wait here.
    pub(super) fn spilling(self, aside: Arc<Aside>) -> Self {
        Self { aside: Some(aside), ..self }
    }

    /// The clock that dates the lines.
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// A line of ours.
    pub fn client(&mut self, line: &[u8]) {
        self.write(b"C: ", line);
    }

    /// A line of ours that ends in a secret of so many bytes.
    pub fn client_secret(&mut self, line: &[u8], secret: usize) {
        self.begin(b"C: ");
        escape(line, &mut self.out);
        self.out.extend_from_slice(format!("<{secret} octets>\n").as_bytes());
    }

    /// A literal of ours.
    pub fn client_literal(&mut self, bytes: &[u8]) {
        self.write(b"C+ ", bytes);
    }

    /// A line of the server.
    pub fn server(&mut self, line: &[u8]) {
        if let Some(challenge) = line.strip_prefix(b"+ ").filter(|_| self.hides_challenges) {
            let text = format!("+ <{} octets>", challenge.len());
            return self.write(b"S: ", text.as_bytes());
        }
        if self.secrets.is_empty() {
            self.write(b"S: ", line);
        } else {
            let safe = self.scrubbed(line);
            self.write(b"S: ", &safe);
        }
    }

    /// A literal of the server that is no message.
    pub fn server_literal(&mut self, bytes: &[u8]) {
        let safe = self.scrubbed(bytes);
        self.write(b"S+ ", &safe);
    }

    /// Message bytes, by reference.
    pub fn body(&mut self, octets: u64, digest: Sha256Digest) {
        self.begin(b"S= ");
        self.out.extend_from_slice(format!("{octets} octets sha256={digest}\n").as_bytes());
    }

    /// Bytes that were read and not kept.
    pub fn skipped(&mut self, octets: u64) {
        self.begin(b"S= ");
        self.out.extend_from_slice(format!("{octets} octets, not kept\n").as_bytes());
    }

    /// What happened.
    pub fn event(&mut self, what: &str) {
        self.write(b"-- ", what.as_bytes());
    }

    /// From here on these are not written, whoever says them, in their own form, as they are shown, or in base64, also
    /// within something longer.
    pub fn hide(&mut self, secret: &[u8]) {
        use base64::Engine as _;
        if secret.len() < SHORTEST_ECHO {
            return;
        }
        // The whole first, so that nothing of it is left around a part.
        let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret).into_bytes();
        self.secrets.push(coded);
        // Behind something else its bytes fall upon other digits; those that it shares with its neighbours are not
        // looked for.
        for before in [1_usize, 2] {
            let shifted = [&vec![0; before], secret].concat();
            let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&shifted).into_bytes();
            self.secrets.extend(own_digits(&coded, before, shifted.len()));
        }
        let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret).into_bytes();
        self.secrets.extend(own_digits(&coded, 0, secret.len()));
        self.secrets.push(secret.to_vec());
        let shown = crate::types::text::shown(&String::from_utf8_lossy(secret)).into_bytes();
        if shown != secret {
            self.secrets.push(shown);
        }
    }

    /// From here on what follows a plus is told by its length: with what comes last of SCRAM, or of CRAM-MD5, a
    /// password could be guessed from the transcript alone.
    pub fn hide_challenges(&mut self) {
        self.hides_challenges = true;
    }

    /// Signing in is over: no secret is under way any more.
    pub fn end_hiding(&mut self) {
        self.secrets.clear();
        self.hides_challenges = false;
    }

    /// The text without the secrets that are to be hidden.
    pub fn scrubbed(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for secret in &self.secrets {
            let finder = memmem::Finder::new(secret);
            if finder.find(&text).is_none() {
                continue;
            }
            let mut out = Vec::with_capacity(text.len());
            let mut from = 0;
            for at in finder.find_iter(&text) {
                out.extend_from_slice(text.get(from..at).unwrap_or_default());
                out.extend_from_slice(b"<secret>");
                from = at.saturating_add(secret.len());
            }
            out.extend_from_slice(text.get(from..).unwrap_or_default());
            text = out;
        }
        text
    }

    /// How much is there to take.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What was written since the last time; whole lines.
    pub fn take(&mut self) -> Vec<u8> {
        let size = self.out.len();
        std::mem::replace(&mut self.out, Vec::with_capacity(size.min(128 << 10)))
    }

    fn begin(&mut self, who: &[u8]) {
        if self.out.len() >= PIECE
            && let Some(aside) = self.aside.clone()
        {
            aside.piece(self.take());
        }
        let head = format!("{} {} ", self.connection, rfc3339_us(self.clock.now_us()));
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(who);
    }

    fn write(&mut self, who: &[u8], line: &[u8]) {
        self.begin(who);
        escape(line, &mut self.out);
        self.out.push(b'\n');
    }
}

/// The digits of base64 that hold nothing but a secret, which begins at byte `from` and ends at `to`; none when they
/// are few.
fn own_digits(coded: &[u8], from: usize, to: usize) -> Option<Vec<u8>> {
    let first = from.saturating_mul(8).div_ceil(6);
    let last = to.saturating_mul(8) / 6;
    coded.get(first..last).filter(|digits| digits.len() >= SHORTEST_ECHO).map(<[u8]>::to_vec)
}

/// Appends `text` so that only printable ASCII and no lone backslash is in it.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_plain = |b: &u8| matches!(b, 0x20..=0x5b | 0x5d..=0x7e);
    if text.iter().all(is_plain) {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        if is_plain(byte) {
            out.push(*byte);
        } else {
            let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;
    impl Clock for Still {
        fn now_us(&self) -> i64 {
            1_700_000_000_000_000
        }
    }

    fn text(write: impl FnOnce(&mut Transcript<'_>)) -> String {
        let mut transcript = Transcript::new(&Still, 2);
        write(&mut transcript);
        let all = String::from_utf8(transcript.take()).unwrap();
        assert!(transcript.is_empty());
        all.replace("2 2023-11-14T22:13:20.000000Z ", "")
    }

    #[test]
    fn lines_are_ascii_and_can_be_read_back() {
        assert_eq!(text(|t| t.server(b"* OK \x1b[2J \\ \xff")), "S: * OK \\x1b[2J \\x5c \\xff\n");
    }

    #[test]
    fn a_secret_is_a_length() {
        assert_eq!(text(|t| t.client_secret(b"A1 LOGIN me ", 7)), "C: A1 LOGIN me <7 octets>\n");
    }

    #[test]
    fn a_secret_that_the_server_echoes_is_not_written() {
        let said = text(|t| {
            t.hide(b"hunter2");
            t.server(b"A1 NO wrong password hunter2, aHVudGVyMg==");
            t.end_hiding();
            t.server(b"hunter2");
        });
        assert_eq!(said, "S: A1 NO wrong password <secret>, <secret>==\nS: hunter2\n");
    }

    #[test]
    fn a_secret_is_not_written_within_base64_of_something_longer() {
        use base64::Engine as _;
        let coded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        for around in
            ["hunter2hunter2", "\0me\0hunter2hunter2", "a\0hunter2hunter2\r\n", "abcdhunter2hunter2xy"]
        {
            let said = text(|t| {
                t.hide(b"hunter2hunter2");
                t.server(format!("-ERR {}", coded(around)).as_bytes());
            });
            let left = said.trim_start_matches("S: -ERR ").trim_end();
            assert!(left.contains("<secret>"), "{around:?}: {left}");
            // What is left does not give back three letters of it, wherever it is read from.
            let digits: String = left.replace("<secret>", "AAAA");
            for skip in 0..4 {
                let from = digits.get(skip..).unwrap_or_default();
                let whole = &from[..from.len() / 4 * 4];
                let read = base64::engine::general_purpose::STANDARD.decode(whole).unwrap_or_default();
                assert!(!String::from_utf8_lossy(&read).contains("unt"), "{around:?}: {left}");
            }
        }
    }

    #[test]
    fn challenges_are_lengths_when_a_password_could_be_guessed_from_them() {
        let said = text(|t| {
            t.hide_challenges();
            t.server(b"+ cj1hYmMscz1zYWx0LGk9NDA5Ng==");
            t.end_hiding();
            t.server(b"+ go on");
        });
        assert_eq!(said, "S: + <28 octets>\nS: + go on\n");
    }

    #[test]
    fn message_bytes_are_told_by_digest() {
        let said = text(|t| t.body(3, Sha256Digest::of(b"abc")));
        assert!(said.starts_with("S= 3 octets sha256=ba7816bf"), "{said}");
    }
}
