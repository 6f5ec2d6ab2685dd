//! TLS by the OpenSSL of the system, for servers that know nothing newer than TLS 1.0 or 1.1: only where the examiner
//! says so.
//!
//! What is lowered is the version, the ciphers and the digests of certificates, to what OpenSSL still has at its
//! security level 0. Who is trusted is judged as ever: by a pin, or by roots and the name of the host.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use openssl::ssl::{
    ErrorCode, Ssl, SslContext, SslMethod, SslMode, SslOptions, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use openssl::x509::{X509, X509VerifyResult};

use crate::acquire::Tls;
use crate::types::Sha256Digest;

/// All that OpenSSL's default list holds, with level 0: a server of 2005 knows nothing better. Never without
/// authentication.
const CIPHERS: &str = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0";

/// `SSL_OP_LEGACY_SERVER_CONNECT`, which has no name in the crate: servers from before RFC 5746 do not say that they
/// are safe from renegotiation, which we never do.
const LEGACY_SERVER: u64 = 4;

/// Label of the channel binding `tls-exporter` (RFC 9266 section 2).
const EXPORTER: &str = "EXPORTER-Channel-Binding";

/// How connections are protected by OpenSSL.
#[derive(Clone)]
pub(super) struct Native {
    context: SslContext,
    pin: Option<[u8; 32]>,
    trusted_by: &'static str,
    /// Digest of the server's certificate, so that a refusal can name it.
    seen: Arc<Mutex<Option<Sha256Digest>>>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Native({})", self.trusted_by)
    }
}

impl Native {
    /// Trusting `roots` (DER), or the certificate with the digest `pin` and nobody else.
    ///
    /// # Errors
    /// In words of OpenSSL.
    pub(super) fn new<'c>(
        roots: impl Iterator<Item = &'c [u8]>,
        pin: Option<[u8; 32]>,
        trusted_by: &'static str,
    ) -> Result<Self, String> {
        let seen = Arc::new(Mutex::new(None));
        let context = context(roots, pin.is_some(), &seen).map_err(|e| e.to_string())?;
        Ok(Self { context, pin, trusted_by, seen })
    }

    /// A tunnel to `host` over a connected socket; nothing has been said.
    ///
    /// # Errors
    /// In words.
    pub(super) fn tunnel(
        &self,
        host: &str,
        socket: TcpStream,
        stop: Arc<AtomicBool>,
    ) -> Result<Tunnel, String> {
        let failed = |e: openssl::error::ErrorStack| e.to_string();
        let mut ssl = Ssl::new(&self.context).map_err(failed)?;
        let param = ssl.param_mut();
        // As rustls has it: the names are those of subjectAltName (RFC 9525).
        param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
        if let Ok(address) = host.parse::<IpAddr>() {
            param.set_ip(address).map_err(failed)?;
        } else {
            param.set_host(host).map_err(failed)?;
            ssl.set_hostname(host).map_err(failed)?;
        }
        let pipe = Pipe { socket, until: Instant::now(), stop };
        let stream = SslStream::new(ssl, pipe).map_err(failed)?;
        Ok(Tunnel { stream, native: self.clone() })
    }
}

fn context<'c>(
    roots: impl Iterator<Item = &'c [u8]>,
    is_pinned: bool,
    seen: &Arc<Mutex<Option<Sha256Digest>>>,
) -> Result<SslContext, openssl::error::ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_options(
        SslOptions::NO_COMPRESSION
            | SslOptions::NO_SSLV2
            | SslOptions::NO_SSLV3
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_TICKET
            | SslOptions::IGNORE_UNEXPECTED_EOF
            | SslOptions::from_bits_retain(LEGACY_SERVER),
    );
    builder.set_mode(SslMode::ACCEPT_MOVING_WRITE_BUFFER | SslMode::ENABLE_PARTIAL_WRITE);
    builder.set_security_level(0);
    builder.set_cipher_list(CIPHERS)?;
    builder.set_min_proto_version(Some(SslVersion::TLS1))?;
    let mut store = X509StoreBuilder::new()?;
    // Whatever stands among the roots is trusted, as rustls has it, also when it is no root.
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for root in roots {
        // Some systems hold a root that one library reads and another does not.
        if let Ok(root) = X509::from_der(root) {
            store.add_cert(root)?;
        }
    }
    builder.set_cert_store(store.build());
    let seen = Arc::clone(seen);
    // With a pin the digest is judged, when the handshake is done and before a word is said.
    builder.set_verify_callback(SslVerifyMode::PEER, move |is_good, chain| {
        let leaf = chain.chain().and_then(|chain| chain.get(0)).and_then(|leaf| leaf.to_der().ok());
        if let (Some(leaf), Ok(mut seen)) = (leaf, seen.lock()) {
            *seen = Some(Sha256Digest::of(&leaf));
        }
        is_good || is_pinned
    });
    Ok(builder.build())
}

/// A socket that gives up when its time is over, however its bytes trickle.
struct Pipe {
    socket: TcpStream,
    until: Instant,
    stop: Arc<AtomicBool>,
}

impl Pipe {
    /// `WouldBlock` makes OpenSSL return, and whoever called it looks at the time and at the stop.
    fn is_in_time(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) || Instant::now() >= self.until {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.is_in_time()?;
        self.socket.read(out)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_in_time()?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A TLS connection of OpenSSL.
pub(super) struct Tunnel {
    stream: SslStream<Pipe>,
    native: Native,
}

impl Tunnel {
    /// Goes on with the handshake.
    ///
    /// # Errors
    /// `WouldBlock` when it is to be called again; else the words say why there is no TLS.
    pub(super) fn handshake(&mut self, until: Instant) -> io::Result<()> {
        self.stream.get_mut().until = until;
        if let Err(error) = self.stream.connect() {
            let error = again(error)?;
            return Err(self.explained(error));
        }
        let leaf = self.stream.ssl().peer_certificate().and_then(|leaf| leaf.to_der().ok());
        let Some(digest) = leaf.map(|leaf| Sha256Digest::of(&leaf)) else {
            return Err(io::Error::other("the server shows no certificate"));
        };
        if self.native.pin.is_some_and(|pin| pin != *digest.as_bytes()) {
            let why = format!("the certificate is not the pinned one; its SHA-256 is {digest}");
            return Err(io::Error::other(why));
        }
        Ok(())
    }

    fn explained(&self, error: io::Error) -> io::Error {
        let result = self.stream.ssl().verify_result();
        let seen = self.native.seen.lock().ok().and_then(|seen| *seen);
        match seen {
            Some(digest) if result != X509VerifyResult::OK && self.native.pin.is_none() => {
                io::Error::other(format!(
                    "invalid peer certificate: {}; the SHA-256 of the certificate is {digest}",
                    result.error_string()
                ))
            }
            _ => error,
        }
    }

    /// Reads what has come; 0 is the end.
    pub(super) fn read(&mut self, out: &mut [u8], until: Instant) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        self.stream.get_mut().until = until;
        match self.stream.ssl_read(out) {
            Ok(n) => Ok(n),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(0),
            Err(error) if error.code() == ErrorCode::SYSCALL && error.io_error().is_none() => Ok(0),
            Err(error) => Err(again(error)?),
        }
    }

    /// Sends some of it.
    pub(super) fn write(&mut self, bytes: &[u8], until: Instant) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.stream.get_mut().until = until;
        match self.stream.ssl_write(bytes) {
            Ok(n) => Ok(n),
            Err(error) => Err(again(error)?),
        }
    }

    /// Says that it closes.
    pub(super) fn close(&mut self, until: Instant) {
        self.stream.get_mut().until = until;
        drop(self.stream.shutdown());
    }

    /// Channel binding data of type `tls-exporter` (RFC 9266), with TLS 1.3 alone.
    pub(super) fn exporter(&self) -> Option<Vec<u8>> {
        let ssl = self.stream.ssl();
        if ssl.version2() != Some(SslVersion::TLS1_3) {
            return None;
        }
        let mut out = vec![0; 32];
        ssl.export_keying_material(&mut out, EXPORTER, Some(b"")).ok()?;
        Some(out)
    }

    /// What it is, as evidence.
    pub(super) fn evidence(&self) -> Tls {
        let ssl = self.stream.ssl();
        let cipher = ssl.current_cipher().map(|cipher| cipher.standard_name().unwrap_or(cipher.name()));
        let chain = ssl.peer_cert_chain().into_iter().flatten().filter_map(|c| c.to_der().ok());
        Tls {
            version: ssl.version_str().to_owned(),
            cipher: cipher.unwrap_or_default().to_owned(),
            chain: chain.collect(),
            trusted_by: self.native.trusted_by,
            library: Some(openssl::version::version().to_owned()),
        }
    }
}

/// What OpenSSL says, as the system would say it.
///
/// # Errors
/// `WouldBlock` when it wants to be called again.
fn again(error: openssl::ssl::Error) -> io::Result<io::Error> {
    match error.code() {
        ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Err(io::ErrorKind::WouldBlock.into()),
        ErrorCode::ZERO_RETURN => Ok(io::Error::other("the server closed TLS")),
        ErrorCode::SYSCALL if error.io_error().is_none() => {
            Ok(io::Error::other("the server closed the connection instead of answering"))
        }
        _ => Ok(match error.into_io_error() {
            Ok(error) => error,
            Err(error) => io::Error::other(words(&error)),
        }),
    }
}

/// OpenSSL's reasons without its places in the source.
fn words(error: &openssl::ssl::Error) -> String {
    let reasons: Vec<String> = error
        .ssl_error()
        .into_iter()
        .flat_map(openssl::error::ErrorStack::errors)
        .filter_map(|one| one.reason().map(str::to_owned))
        .collect();
    if reasons.is_empty() { error.to_string() } else { reasons.join(", ") }
}
