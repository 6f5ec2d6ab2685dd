//! The layers of a connection: socket, TLS, DEFLATE. Reads and writes give up when their time is over or a stop is
//! asked for.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use rustls::ClientConnection;

use super::WireError;
use super::native::{Native, Tunnel};

/// Longest that a read or write of the socket waits before it looks at the time and at the stop.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Bytes asked of the socket at once: rustls alone asks for 4096.
const INBOX: usize = 128 << 10;

/// A connection through its layers.
pub(super) struct Layers {
    socket: TcpStream,
    /// Bytes of the socket that no layer has taken yet.
    inbox: Inbox,
    pub(super) tls: Option<Box<ClientConnection>>,
    /// In place of `tls`, where the examiner said so.
    pub(super) native: Option<Box<Tunnel>>,
    deflate: Option<Box<Deflate>>,
    stop: Arc<AtomicBool>,
    idle: Duration,
}

#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Inbox {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }
}

impl Read for Inbox {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.rest().read(out)?;
        self.from = self.from.saturating_add(n);
        Ok(n)
    }
}

/// COMPRESS=DEFLATE (RFC 4978): raw deflate, both ways.
struct Deflate {
    inflate: Decompress,
    packer: Compress,
    packed: Vec<u8>,
    from: usize,
    to: usize,
    out: Vec<u8>,
}

impl Layers {
    /// Over a connected socket.
    pub(super) fn new(socket: TcpStream, stop: Arc<AtomicBool>, idle: Duration) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(TICK))?;
        socket.set_write_timeout(Some(TICK))?;
        let inbox = Inbox { bytes: vec![0; INBOX], from: 0, to: 0 };
        Ok(Self { socket, inbox, tls: None, native: None, deflate: None, stop, idle })
    }

    /// Whether bytes lie between the layers that nobody has read.
    pub(super) fn has_pending(&self) -> bool {
        !self.inbox.rest().is_empty()
    }

    /// Does the handshake; afterwards all goes through TLS.
    ///
    /// # Errors
    /// [`WireError`], with what rustls said given to `explain`.
    pub(super) fn handshake(
        &mut self,
        mut client: ClientConnection,
        until: Instant,
        explain: &dyn Fn(&rustls::Error) -> WireError,
    ) -> Result<(), WireError> {
        while client.is_handshaking() {
            self.push_tls(&mut client, until)?;
            if !client.wants_read() || !client.is_handshaking() {
                continue;
            }
            if self.inbox.rest().is_empty() && self.receive(until)? == 0 {
                return Err(WireError::Tls(
                    "the server closed the connection instead of answering".to_owned(),
                ));
            }
            client.read_tls(&mut self.inbox).map_err(|e| WireError::Tls(e.to_string()))?;
            if let Err(error) = client.process_new_packets() {
                // The alert that says why goes out if it can.
                let told = self.push_tls(&mut client, Instant::now() + TICK);
                drop(told);
                return Err(explain(&error));
            }
        }
        self.push_tls(&mut client, until)?;
        self.tls = Some(Box::new(client));
        Ok(())
    }

    /// The same by OpenSSL.
    pub(super) fn handshake_native(
        &mut self,
        native: &Native,
        host: &str,
        until: Instant,
    ) -> Result<(), WireError> {
        let socket = self.socket.try_clone().map_err(|e| WireError::Broken(e.to_string()))?;
        let mut tunnel = native.tunnel(host, socket, Arc::clone(&self.stop)).map_err(WireError::Tls)?;
        while let Err(error) = tunnel.handshake(until) {
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(WireError::Tls(error.to_string()));
            }
            self.again(&error, until)?;
        }
        self.native = Some(Box::new(tunnel));
        Ok(())
    }

    fn read_native(&self, tunnel: &mut Tunnel, out: &mut [u8], until: Instant) -> Result<usize, WireError> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(WireError::Stopped);
            }
            match tunnel.read(out, until) {
                Ok(n) => return Ok(n),
                Err(e) => self.again(&e, until)?,
            }
        }
    }

    fn write_native(&self, tunnel: &mut Tunnel, mut bytes: &[u8], until: Instant) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match tunnel.write(bytes, until) {
                Ok(0) => return Err(WireError::Closed),
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(e) => self.again(&e, until)?,
            }
        }
        Ok(())
    }

    /// From here on all is compressed.
    pub(super) fn start_deflate(&mut self) {
        self.deflate = Some(Box::new(Deflate {
            inflate: Decompress::new(false),
            packer: Compress::new(Compression::default(), false),
            packed: vec![0; INBOX],
            from: 0,
            to: 0,
            out: Vec::new(),
        }));
    }

    /// Reads what comes next, at least one byte; 0 is the end.
    pub(super) fn read(&mut self, out: &mut [u8], until: Instant) -> Result<usize, WireError> {
        let Some(mut deflate) = self.deflate.take() else { return self.read_plain(out, until) };
        let answer = self.read_packed(&mut deflate, out, until);
        self.deflate = Some(deflate);
        answer
    }

    fn read_packed(
        &mut self,
        deflate: &mut Deflate,
        out: &mut [u8],
        until: Instant,
    ) -> Result<usize, WireError> {
        loop {
            let packed = deflate.packed.get(deflate.from..deflate.to).unwrap_or_default();
            let (was_in, was_out) = (deflate.inflate.total_in(), deflate.inflate.total_out());
            let status = deflate.inflate.decompress(packed, out, FlushDecompress::Sync).map_err(|_| {
                WireError::Protocol("what the server sent is not DEFLATE (RFC 4978)".to_owned())
            })?;
            let taken = deflate.inflate.total_in().saturating_sub(was_in);
            let given = deflate.inflate.total_out().saturating_sub(was_out);
            deflate.from = deflate.from.saturating_add(usize::try_from(taken).unwrap_or(0));
            if given > 0 {
                return Ok(usize::try_from(given).unwrap_or(0));
            }
            if status == Status::StreamEnd {
                return Ok(0);
            }
            if deflate.from >= deflate.to {
                let n = self.read_plain(&mut deflate.packed, until)?;
                (deflate.from, deflate.to) = (0, n);
                if n == 0 {
                    return Ok(0);
                }
            } else if taken == 0 {
                return Err(WireError::Protocol(
                    "the DEFLATE stream of the server does not go on".to_owned(),
                ));
            }
        }
    }

    fn read_plain(&mut self, out: &mut [u8], until: Instant) -> Result<usize, WireError> {
        if let Some(mut tunnel) = self.native.take() {
            let answer = self.read_native(&mut tunnel, out, until);
            self.native = Some(tunnel);
            return answer;
        }
        let Some(mut tls) = self.tls.take() else { return self.read_socket(out, until) };
        let answer = self.read_tls(&mut tls, out, until);
        self.tls = Some(tls);
        answer
    }

    fn read_tls(
        &mut self,
        tls: &mut ClientConnection,
        out: &mut [u8],
        until: Instant,
    ) -> Result<usize, WireError> {
        loop {
            match tls.reader().read(out) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(e) => return Err(WireError::Broken(e.to_string())),
            }
            if self.inbox.rest().is_empty() && self.receive(until)? == 0 {
                return Ok(0);
            }
            tls.read_tls(&mut self.inbox).map_err(|e| WireError::Broken(e.to_string()))?;
            let state = tls.process_new_packets().map_err(|e| WireError::Broken(format!("TLS: {e}")))?;
            if state.tls_bytes_to_write() > 0 {
                self.push_tls(tls, until)?;
            }
        }
    }

    /// Straight from the socket, but what lies in the inbox first.
    fn read_socket(&mut self, out: &mut [u8], until: Instant) -> Result<usize, WireError> {
        if self.inbox.rest().is_empty() && self.receive(until)? == 0 {
            return Ok(0);
        }
        self.inbox.read(out).map_err(|e| WireError::Broken(e.to_string()))
    }

    /// Fills the empty inbox; 0 is the end.
    fn receive(&mut self, until: Instant) -> Result<usize, WireError> {
        loop {
            // Also when bytes never stop coming, one at a time.
            if self.stop.load(Ordering::Relaxed) {
                return Err(WireError::Stopped);
            }
            if Instant::now() >= until {
                return Err(WireError::Slow);
            }
            match self.socket.read(&mut self.inbox.bytes) {
                Ok(n) => {
                    (self.inbox.from, self.inbox.to) = (0, n);
                    return Ok(n);
                }
                Err(e) => self.again(&e, until)?,
            }
        }
    }

    /// Whether a failed call is to be made again: not when the time is over or a stop was asked for.
    fn again(&self, error: &io::Error, until: Instant) -> Result<(), WireError> {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        if !matches!(error.kind(), Interrupted | TimedOut | WouldBlock) {
            return Err(WireError::Broken(error.to_string()));
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(WireError::Stopped);
        }
        if Instant::now() >= until {
            return Err(WireError::Slow);
        }
        Ok(())
    }

    /// Sends all of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let until = Instant::now() + self.idle;
        if let Some(mut deflate) = self.deflate.take() {
            let packed = deflate.pack(bytes);
            let answer = packed.and_then(|()| self.write_plain(&deflate.out, until));
            deflate.out.clear();
            self.deflate = Some(deflate);
            return answer;
        }
        self.write_plain(bytes, until)
    }

    fn write_plain(&mut self, bytes: &[u8], until: Instant) -> Result<(), WireError> {
        if let Some(mut tunnel) = self.native.take() {
            let answer = self.write_native(&mut tunnel, bytes, until);
            self.native = Some(tunnel);
            return answer;
        }
        let Some(mut tls) = self.tls.take() else { return self.write_socket(bytes, until) };
        let mut rest = bytes;
        let mut answer = Ok(());
        while answer.is_ok() && !rest.is_empty() {
            match tls.writer().write(rest) {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) => answer = Err(WireError::Broken(e.to_string())),
            }
            answer = answer.and_then(|()| self.push_tls(&mut tls, until));
        }
        self.tls = Some(tls);
        answer
    }

    fn push_tls(&mut self, tls: &mut ClientConnection, until: Instant) -> Result<(), WireError> {
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(0) => return Err(WireError::Closed),
                Ok(_) => {}
                Err(e) => self.again(&e, until)?,
            }
        }
        Ok(())
    }

    fn write_socket(&mut self, mut bytes: &[u8], until: Instant) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(0) => return Err(WireError::Closed),
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(e) => self.again(&e, until)?,
            }
        }
        Ok(())
    }

    /// Ends it without another word of the protocol; TLS says that it closes.
    pub(super) fn close(&mut self) {
        if let Some(mut tunnel) = self.native.take() {
            tunnel.close(Instant::now() + TICK);
        }
        if let Some(mut tls) = self.tls.take() {
            tls.send_close_notify();
            drop(self.push_tls(&mut tls, Instant::now() + TICK));
        }
        drop(self.socket.shutdown(std::net::Shutdown::Both));
    }
}

impl Deflate {
    /// Packs `bytes` into `out` so that the other side can read all of them.
    fn pack(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.out.clear();
        let start = self.packer.total_in();
        loop {
            let done = usize::try_from(self.packer.total_in().saturating_sub(start)).unwrap_or(usize::MAX);
            let rest = bytes.get(done..).unwrap_or_default();
            self.out.reserve(rest.len().saturating_add(64));
            self.packer
                .compress_vec(rest, &mut self.out, FlushCompress::Sync)
                .map_err(|e| WireError::Broken(e.to_string()))?;
            let done = usize::try_from(self.packer.total_in().saturating_sub(start)).unwrap_or(usize::MAX);
            // Room was left, so the flush is complete.
            if done >= bytes.len() && self.out.len() < self.out.capacity() {
                return Ok(());
            }
        }
    }
}
