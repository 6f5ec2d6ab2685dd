//! Words about encryption in a `Received` field.

use super::comment::{after, words};
use super::lex::Span;

/// What was said about encryption.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words {
    pub(super) seen: bool,
    pub(super) version: &'static str,
    pub(super) cipher: Option<Span>,
    pub(super) bits: Option<u16>,
    /// In Postfix' words: `using TLSv1.3 with cipher C (256/256 bits)`.
    pub(super) postfix: bool,
}

/// The name of a protocol version in one spelling; `""` when it is none.
pub(super) fn version(word: &[u8]) -> &'static str {
    // SmarterMail: `TLS\Tls12`
    let word = memchr::memrchr(b'\\', word).and_then(|at| word.get(at.saturating_add(1)..)).unwrap_or(word);
    let mut lower = [0_u8; 16];
    let Some(lower) = lower.get_mut(..word.len()) else { return "" };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"tlsv1.3" | b"tls1_3" | b"tls1.3" | b"tls-1.3" | b"tlsv1_3" | b"tls13" | b"tlsv13" => "TLSv1.3",
        b"tlsv1.2" | b"tls1_2" | b"tls1.2" | b"tls-1.2" | b"tlsv1_2" | b"tls12" | b"tlsv12" => "TLSv1.2",
        b"tlsv1.1" | b"tls1_1" | b"tls1.1" | b"tls-1.1" | b"tlsv1_1" | b"tls11" | b"tlsv11" => "TLSv1.1",
        b"tlsv1" | b"tlsv1.0" | b"tls1_0" | b"tls1.0" | b"tls-1.0" | b"tls1" | b"tlsv1/sslv3"
        | b"tlsv1_0" | b"tls10" => "TLSv1.0",
        b"sslv3" | b"ssl3" | b"ssl3.0" | b"ssl-3.0" | b"ssl3_0" => "SSLv3",
        b"sslv2" | b"ssl2" | b"ssl2.0" => "SSLv2",
        _ => "",
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..len)?).ok()?.parse().ok()
}

impl Words {
    /// A cipher outside of comments, such as `AES256-GCM-SHA384 encrypted SMTP` or the clause of RFC 8314 section 4.3.
    pub(super) fn phrase(&mut self, text: &[u8], span: Span) {
        self.seen = true;
        self.cipher(text, span);
    }

    /// `ESMTP/TLS/ECDHE-RSA-AES128-GCM-SHA256`
    pub(super) fn protocol_phrase(&mut self, text: &[u8], span: Span) {
        let bytes = span.of(text);
        let mark = b"/TLS/";
        let at = bytes.windows(mark.len()).position(|w| w.eq_ignore_ascii_case(mark));
        if let Some(at) = at.filter(|_| memchr::memchr(b'/', bytes).is_some()) {
            let from = span.from.saturating_add(at).saturating_add(mark.len());
            let rest = Span::new(from, span.to).of(text);
            let len = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            self.phrase(text, Span::new(from, from.saturating_add(len)));
        }
    }

    fn cipher(&mut self, text: &[u8], span: Span) {
        if !span.is_empty() && span.of(text).first().is_some_and(u8::is_ascii_alphanumeric) {
            self.cipher.get_or_insert(span);
        }
    }

    fn version(&mut self, word: &[u8]) -> bool {
        let name = version(word);
        if self.version.is_empty() {
            self.version = name;
        }
        !name.is_empty()
    }

    /// Reads a comment or phrase about encryption: `using TLSv1.3 with cipher C (256/256 bits)`,
    /// `version=TLS1_3 cipher=C bits=256/256`, `TLSv1.2:C:256`, `TLS1.3`, `TLS: TLSv1/SSLv3, 168bits,C`.
    pub(super) fn read(&mut self, text: &[u8], inside: Span) {
        self.seen = true;
        let bytes = inside.of(text);
        self.postfix |= after(bytes, b"using ").is_some() && memchr::memmem::find(bytes, b" bits)").is_some();
        let mut before: &[u8] = b"";
        for span in words(text, inside) {
            let word = span.of(text);
            if let Some(equals) = memchr::memchr(b'=', word) {
                let key = word.get(..equals).unwrap_or_default();
                let value = Span::new(span.from.saturating_add(equals).saturating_add(1), span.to);
                self.pair(text, key, value);
            } else if memchr::memchr(b':', word).is_some_and(|at| at.saturating_add(1) < word.len()) {
                self.colons(text, span);
            } else if before.eq_ignore_ascii_case(b"cipher") {
                self.cipher(text, span);
            } else if !self.version(word) && word.first().is_some_and(u8::is_ascii_digit) {
                let bits =
                    word.get(word.len().saturating_sub(4)..).is_some_and(|w| w.eq_ignore_ascii_case(b"bits"));
                if self.bits.is_none() && (bits || memchr::memchr(b'/', word).is_some()) {
                    self.bits = number(word);
                }
            } else if !self.version.is_empty()
                && self.cipher.is_none()
                && self.bits.is_some()
                && word.contains(&b'_')
            {
                // Courier and its kin: version, bits, cipher.
                self.cipher(text, span);
            } else if !self.version.is_empty()
                && self.cipher.is_none()
                && self.bits.is_some()
                && word.contains(&b'-')
            {
                self.cipher(text, span);
            }
            before = word;
        }
    }

    fn pair(&mut self, text: &[u8], key: &[u8], value: Span) {
        let word = value.of(text);
        if key.eq_ignore_ascii_case(b"version") || key.eq_ignore_ascii_case(b"tls_version") {
            self.version(word);
        } else if key.eq_ignore_ascii_case(b"cipher") {
            self.cipher(text, value);
        } else if key.eq_ignore_ascii_case(b"bits") {
            self.bits = self.bits.or_else(|| number(word));
        }
    }

    /// `TLSv1.2:ECDHE-RSA-AES256-GCM-SHA384:256`, `TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_256_GCM:256`
    fn colons(&mut self, text: &[u8], span: Span) {
        let mut from = span.from;
        for (index, part) in span.of(text).split(|b| *b == b':').enumerate() {
            let here = Span::new(from, from.saturating_add(part.len()));
            from = here.to.saturating_add(1);
            if index == 0 {
                self.version(part);
            } else if part.iter().all(u8::is_ascii_digit) {
                self.bits = self.bits.or_else(|| number(part));
            } else {
                self.cipher(text, here);
            }
        }
    }
}
