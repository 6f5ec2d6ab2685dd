//! What a POP3 server says that it can do (CAPA, RFC 2449).

/// Capabilities, as far as they matter here. Without CAPA all are at their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capa {
    /// Whether the server answered CAPA at all.
    pub(super) is_known: bool,
    /// The lines, as sent.
    pub(super) raw: Vec<u8>,
    /// TLS may be started (RFC 2595 4).
    pub(super) stls: bool,
    /// USER and PASS.
    pub(super) user: bool,
    /// TOP.
    pub(super) top: bool,
    /// UIDL.
    pub(super) uidl: bool,
    /// Commands may be sent before earlier ones are answered.
    pub(super) pipelining: bool,
    /// SASL mechanisms (RFC 5034).
    pub(super) sasl: Vec<Vec<u8>>,
    /// Days that mail is kept, as written: `0`, `60`, `NEVER`, perhaps with `USER`.
    pub(super) expire: Option<Vec<u8>>,
    /// Seconds between logins, as written.
    pub(super) login_delay: Option<Vec<u8>>,
    /// What the server is.
    pub(super) implementation: Vec<u8>,
}

impl Capa {
    /// Takes in one line.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.is_known = true;
        if !self.raw.is_empty() {
            self.raw.push(b'\n');
        }
        self.raw.extend_from_slice(line);
        let mut words = line.split(|&b| b == b' ').filter(|w| !w.is_empty());
        let Some(name) = words.next() else { return };
        let rest = line.get(name.len()..).unwrap_or_default().trim_ascii();
        match name.to_ascii_uppercase().as_slice() {
            b"STLS" => self.stls = true,
            b"USER" => self.user = true,
            b"TOP" => self.top = true,
            b"UIDL" => self.uidl = true,
            b"PIPELINING" => self.pipelining = true,
            b"SASL" => self.sasl.extend(words.map(<[u8]>::to_vec)),
            b"EXPIRE" => self.expire = Some(rest.to_vec()),
            b"LOGIN-DELAY" => self.login_delay = Some(rest.to_vec()),
            b"IMPLEMENTATION" => self.implementation = rest.to_vec(),
            _ => {}
        }
    }

    /// Whether the server may delete what RETR fetched once the session ends with QUIT (RFC 2449 6.7).
    pub(super) fn expires_at_once(&self) -> bool {
        let first = self.expire.as_deref().and_then(|text| text.split(|&b| b == b' ').next());
        first.is_some_and(|days| !days.is_empty() && days.iter().all(|&b| b == b'0'))
    }

    /// Seconds to wait between two logins.
    pub(super) fn delay(&self) -> Option<u64> {
        let text = self.login_delay.as_deref()?.split(|&b| b == b' ').next()?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capa(lines: &str) -> Capa {
        let mut capa = Capa::default();
        lines.lines().for_each(|line| capa.add(line.as_bytes()));
        capa
    }

    #[test]
    fn the_example_of_rfc_2449_is_read() {
        let capa = capa(
            "TOP\nUSER\nSASL CRAM-MD5 KERBEROS_V4\nRESP-CODES\nLOGIN-DELAY 900\nPIPELINING\nEXPIRE 60\nUIDL\nIMPLEMENTATION Shlemazle-Plotz-v302",
        );
        assert!(capa.top && capa.user && capa.pipelining && capa.uidl && capa.is_known && !capa.stls);
        assert_eq!(capa.sasl, [b"CRAM-MD5".to_vec(), b"KERBEROS_V4".to_vec()]);
        assert_eq!(capa.delay(), Some(900));
        assert_eq!(capa.implementation, b"Shlemazle-Plotz-v302");
        assert!(!capa.expires_at_once());
        assert!(capa.raw.starts_with(b"TOP\nUSER\nSASL "));
    }

    #[test]
    fn expire_zero_is_seen_in_each_form() {
        for text in ["EXPIRE 0", "expire 0 USER", "EXPIRE  00"] {
            assert!(capa(text).expires_at_once(), "{text}");
        }
        for text in ["EXPIRE NEVER", "EXPIRE 30 USER", "EXPIRE", ""] {
            assert!(!capa(text).expires_at_once(), "{text}");
        }
    }
}
