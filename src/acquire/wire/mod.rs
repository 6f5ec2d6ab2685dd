//! A connection to a mail server: lines and literals under limits, TLS, and the dialogue written down.
//!
//! IMAP and POP3 read through the same [`Wire`]. Nothing is allocated because a server announced it: a line has a
//! limit, and bytes come in pieces of what has really arrived. Every wait has an end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::aside::Aside;
use super::{AcquireError, Keys, Limits, Order, Tls};
use crate::types::Sha256Digest;
use crate::types::time::Clock;

mod connect;
mod layers;
mod long_line;
#[cfg_attr(not(feature = "native-tls"), path = "no_native.rs")]
mod native;
mod tls;
mod transcript;

pub use long_line::{Line, LongLine};
pub use tls::Protection;
pub use transcript::Transcript;

use layers::Layers;

/// Room for bytes that were read and not yet used.
const BUFFER: usize = 256 << 10;

/// Slowest rate of message bytes that is borne, in bytes a second, once the silence of `Limits::idle` has passed.
const SLOWEST: u64 = 256;

/// Why a connection cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came for too long, or too little.
    #[error("the server was silent or too slow")]
    Slow,
    /// The system's word.
    #[error("{0}")]
    Broken(String),
    /// No TLS; nothing secret was sent.
    #[error("{0}")]
    Tls(String),
    /// No TLS, since the server knows only what is not spoken any more; nothing secret was sent.
    #[error("{0}")]
    OldTls(String),
    /// No TLS, since nobody but itself vouches for the server's certificate, which has this digest; nothing secret was
    /// sent.
    #[error("the server's certificate is its own authority")]
    OwnAuthority(Sha256Digest),
    /// The server broke a rule, or a limit was hit.
    #[error("{0}")]
    Protocol(String),
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Stopped,
}

impl WireError {
    /// As an error of the run.
    pub fn into_error(self, host: &str) -> AcquireError {
        let host = host.to_owned();
        match self {
            Self::Closed | Self::Slow | Self::Broken(_) => {
                AcquireError::Broken { host, why: self.to_string() }
            }
            Self::Tls(why) => AcquireError::Tls { host, why },
            Self::OldTls(why) => AcquireError::OldTls { host, why },
            Self::OwnAuthority(sha256) => AcquireError::OwnAuthority { host, sha256 },
            Self::Protocol(why) => AcquireError::Protocol { host, why },
            Self::Stopped => AcquireError::Stopped,
        }
    }

    /// Whether another connection may fare better.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Closed | Self::Slow | Self::Broken(_))
    }
}

/// What all connections of one acquisition share.
#[derive(Clone, Debug)]
pub struct Outset {
    /// How TLS is judged.
    pub protection: Option<Protection>,
    /// Set when everything is to stop.
    pub stop: Arc<AtomicBool>,
    /// What they sign in with.
    pub keys: Arc<Keys>,
    /// Where they tell what has no place in the order of the ledger.
    pub aside: Arc<Aside>,
}

impl Outset {
    /// For an order; reads the certificates to trust.
    ///
    /// # Errors
    /// [`AcquireError::Tls`] when there is nothing to trust; not with `insecure_plain`, where TLS may never come.
    pub fn new(order: &Order) -> Result<Self, AcquireError> {
        let may_lack = order.trust.insecure_plain && !order.account.scheme.is_tls_first();
        let protection = match Protection::new(&order.trust) {
            Ok(protection) => Some(protection),
            Err(_) if may_lack => None,
            Err(why) => return Err(AcquireError::Tls { host: order.account.host.clone(), why }),
        };
        let keys = Arc::new(Keys::new(order));
        let stop = Arc::new(AtomicBool::new(false));
        let aside = Arc::new(Aside::new(Arc::clone(&stop)));
        Ok(Self { protection, stop, keys, aside })
    }
}

/// One connection.
pub struct Wire<'a> {
    layers: Layers,
    outset: Outset,
    host: String,
    address: String,
    tls: Option<Tls>,
    limits: Limits,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    /// The dialogue.
    pub transcript: Transcript<'a>,
}

impl std::fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wire({})", self.address)
    }
}

impl<'a> Wire<'a> {
    /// Connects; with `imaps:` and `pop3s:` TLS stands when it returns. The first connection of a run has the
    /// `number` 1.
    ///
    /// # Errors
    /// [`AcquireError::Connect`] or [`AcquireError::Tls`].
    pub fn connect(
        order: &Order,
        outset: &Outset,
        clock: &'a dyn Clock,
        number: u32,
    ) -> Result<Self, AcquireError> {
        let account = &order.account;
        let failed =
            |why: String| AcquireError::Connect { host: account.host.clone(), port: account.port, why };
        let (socket, address) =
            connect::connect(&account.host, account.port, order.limits.connect).map_err(failed)?;
        let layers = Layers::new(socket, Arc::clone(&outset.stop), order.limits.idle)
            .map_err(|e| failed(e.to_string()))?;
        let mut wire = Self {
            layers,
            outset: outset.clone(),
            host: account.host.clone(),
            address: address.to_string(),
            tls: None,
            limits: order.limits,
            buffer: vec![0; BUFFER],
            from: 0,
            to: 0,
            transcript: Transcript::new(clock, number).spilling(Arc::clone(&outset.aside)),
        };
        wire.transcript.event(&format!("connected to {address}"));
        if account.scheme.is_tls_first() {
            wire.start_tls().map_err(|e| e.into_error(&account.host))?;
        }
        Ok(wire)
    }

    /// Address that was connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The TLS of this connection; `None` in the clear.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Channel binding data `tls-exporter` (RFC 9266); `None` without TLS 1.3.
    pub fn exporter(&self) -> Option<Vec<u8>> {
        match self.layers.native.as_deref() {
            Some(native) => native.exporter(),
            None => self.layers.tls.as_deref().and_then(tls::exporter),
        }
    }

    /// Does the TLS handshake now: at once, or after STARTTLS or STLS was agreed.
    ///
    /// # Errors
    /// [`WireError::Protocol`] when bytes came before the handshake: somebody put answers into the clear that would
    /// count as said inside TLS (CVE-2011-0411 and its kin).
    pub fn start_tls(&mut self) -> Result<(), WireError> {
        if self.from != self.to || self.layers.has_pending() {
            return Err(WireError::Protocol("bytes in the clear came after the agreement on TLS".to_owned()));
        }
        let protection = self
            .outset
            .protection
            .clone()
            .ok_or_else(|| WireError::Tls("there is no certificate to trust".to_owned()))?;
        let until = Instant::now() + self.limits.connect;
        let slow = |e| match e {
            WireError::Slow => WireError::Tls("the handshake was not done in time".to_owned()),
            WireError::Broken(why) => WireError::Tls(why),
            e => e,
        };
        if let Some(native) = protection.native() {
            self.layers.handshake_native(native, &self.host, until).map_err(slow)?;
        } else {
            let client = protection.client(&self.host).map_err(WireError::Tls)?;
            self.layers.handshake(client, until, &|e| protection.explain(e)).map_err(slow)?;
        }
        let evidence = match (self.layers.native.as_deref(), self.layers.tls.as_deref()) {
            (Some(native), _) => Some(native.evidence()),
            (None, Some(connection)) => Some(protection.evidence(connection)),
            (None, None) => None,
        };
        if let Some(evidence) = evidence {
            let leaf = evidence.chain.first().map(|c| Sha256Digest::of(c).to_string());
            self.transcript.event(&format!(
                "{}{} {} certificate sha256={} trusted by {}",
                evidence.library.as_ref().map(|library| format!("{library}: ")).unwrap_or_default(),
                evidence.version,
                evidence.cipher,
                leaf.unwrap_or_default(),
                evidence.trusted_by
            ));
            self.tls = Some(evidence);
        }
        Ok(())
    }

    /// From here on all is compressed (RFC 4978); to be called when the server has agreed.
    ///
    /// # Errors
    /// [`WireError::Protocol`] when bytes lie there already.
    pub fn start_deflate(&mut self) -> Result<(), WireError> {
        if self.from != self.to {
            return Err(WireError::Protocol(
                "bytes came between the agreement to compress and its start".to_owned(),
            ));
        }
        self.layers.start_deflate();
        Ok(())
    }

    /// Sends bytes that were written down already, or are to be by the caller.
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.layers.write(bytes)
    }

    /// Sends a line and writes it down; CRLF is added.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub fn send_line(&mut self, line: &[u8]) -> Result<(), WireError> {
        self.transcript.client(line);
        self.layers.write(&[line, b"\r\n"].concat())
    }

    /// Sends a line of which the end is a secret: only its length is written down.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub fn send_secret(&mut self, line: &[u8], secret: &[u8]) -> Result<(), WireError> {
        self.transcript.client_secret(line, secret.len());
        self.layers.write(&[line, secret, b"\r\n"].concat())
    }

    /// The next line, without CRLF (or a lone LF), written down.
    ///
    /// # Errors
    /// Also [`WireError::Protocol`] when it is longer than `Limits::line`, and when it is not complete in time, however
    /// its bytes trickle.
    pub fn line(&mut self) -> Result<&[u8], WireError> {
        let range = self.find_line(self.limits.line)?;
        let line = self.buffer.get(range).unwrap_or_default();
        self.transcript.server(line);
        Ok(line)
    }

    /// As [`Wire::line`], but not written down: for lines that are told by reference.
    ///
    /// # Errors
    /// As [`Wire::line`].
    pub fn line_unlogged(&mut self) -> Result<&[u8], WireError> {
        let range = self.find_line(self.limits.line)?;
        Ok(self.buffer.get(range).unwrap_or_default())
    }

    /// Where the next line lies in the buffer; it counts as used.
    fn find_line(&mut self, most: usize) -> Result<std::ops::Range<usize>, WireError> {
        let mut searched = 0;
        let mut until = None;
        loop {
            let waiting = self.waiting();
            let fresh = waiting.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                let length = searched.saturating_add(at);
                let has_cr = length > 0 && waiting.get(length.saturating_sub(1)) == Some(&b'\r');
                let start = self.from;
                self.from = start.saturating_add(length).saturating_add(1);
                let length = if has_cr { length.saturating_sub(1) } else { length };
                return Ok(start..start.saturating_add(length));
            }
            searched = waiting.len();
            if searched > most {
                return Err(WireError::Protocol(format!("a line is longer than {most} bytes")));
            }
            let until = *until.get_or_insert_with(|| Instant::now() + self.limits.idle);
            self.fill(until)?;
        }
    }

    /// Bytes that have come and were not used; asks for more when there are none. Never empty.
    ///
    /// # Errors
    /// [`WireError::Closed`] at the end.
    pub fn peek(&mut self) -> Result<&[u8], WireError> {
        if self.from == self.to {
            let until = Instant::now() + self.limits.idle;
            self.fill(until)?;
        }
        Ok(self.waiting())
    }

    /// Bytes that have come and were not used; may be empty.
    pub fn waiting(&self) -> &[u8] {
        self.buffer.get(self.from..self.to).unwrap_or_default()
    }

    /// Reads at least one more byte behind those that wait, so that a caller can look at more of them at once.
    ///
    /// # Errors
    /// [`WireError::Closed`] at the end; [`WireError::Protocol`] when the buffer holds `Limits::line` bytes already.
    pub fn more(&mut self) -> Result<(), WireError> {
        if self.waiting().len() > self.limits.line.max(BUFFER / 2) {
            return Err(WireError::Protocol("more bytes wait than are looked at".to_owned()));
        }
        let until = Instant::now() + self.limits.idle;
        self.fill(until)
    }

    /// Uses the first `n` bytes that wait.
    pub fn used(&mut self, n: usize) {
        self.from = self.from.saturating_add(n).min(self.to);
    }

    fn fill(&mut self, until: Instant) -> Result<(), WireError> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        } else if self.from > 0 && self.buffer.len().saturating_sub(self.to) < BUFFER / 4 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to = self.to.saturating_sub(self.from);
            self.from = 0;
        }
        if self.buffer.len() == self.to {
            // Only a line limit above the size of the buffer leads here; `find_line` has looked at the limit.
            self.buffer.resize(self.to.saturating_add(BUFFER), 0);
        }
        let room = self.buffer.get_mut(self.to..).unwrap_or_default();
        let n = self.layers.read(room, until)?;
        if n == 0 {
            return Err(WireError::Closed);
        }
        self.to = self.to.saturating_add(n);
        Ok(())
    }

    /// When `octets` that were announced must have come, however slow the line.
    pub fn deadline(&self, octets: u64) -> Instant {
        let time = self.limits.idle + Duration::from_secs(octets.min(1 << 40) / SLOWEST);
        Instant::now().checked_add(time).unwrap_or_else(Instant::now)
    }

    /// Appends the next `octets` bytes to `out`. What is announced is not believed: `out` grows as bytes come.
    ///
    /// # Errors
    /// When the connection ends before, or is slower than is borne.
    pub fn octets(&mut self, octets: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        /// Grown by so many bytes at most, before they have come.
        const STEP: usize = 128 << 10;
        let ready = self.waiting().get(..octets).unwrap_or(self.waiting());
        let mut left = octets.saturating_sub(ready.len());
        let used = ready.len();
        out.reserve(octets.min(used.saturating_add(STEP)));
        out.extend_from_slice(self.waiting().get(..used).unwrap_or_default());
        self.used(used);
        if left == 0 {
            return Ok(());
        }
        let until = self.deadline(octets as u64);
        while left > BUFFER / 4 {
            let at = out.len();
            out.resize(at.saturating_add(left.min(STEP)), 0);
            let piece_until = until.min(Instant::now() + self.limits.idle);
            let n = self.layers.read(out.get_mut(at..).unwrap_or_default(), piece_until);
            out.truncate(at.saturating_add(*n.as_ref().unwrap_or(&0)));
            let n = n?;
            if n == 0 {
                return Err(WireError::Closed);
            }
            left = left.saturating_sub(n);
        }
        while left > 0 {
            self.fill(until.min(Instant::now() + self.limits.idle))?;
            let n = self.waiting().len().min(left);
            out.extend_from_slice(self.waiting().get(..n).unwrap_or_default());
            self.used(n);
            left = left.saturating_sub(n);
        }
        Ok(())
    }

    /// From here on no wait is longer than this.
    pub fn hurry(&mut self, time: Duration) {
        self.limits.idle = self.limits.idle.min(time);
    }

    /// From here on waits are as long as this, until the next call.
    pub fn set_patience(&mut self, time: Duration) {
        self.limits.idle = time;
    }

    /// Ends the connection without another word.
    pub fn close(&mut self) {
        self.transcript.event("closed by us");
        self.layers.close();
    }
}

#[cfg(test)]
mod tests;
