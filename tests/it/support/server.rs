//! A mail server of the tests: well-behaved IMAP or POP3 over known mail, with faults put where a test wants them, and
//! a record of every command that no acquisition may send.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConnection, StreamOwned};

use super::authority::Authority;
use super::sasl::{Accounts, Verdict, judge};
use super::{imap_model, pop3_model};

/// What is done in place of an answer.
pub(crate) enum Act {
    /// It is sent as it is.
    Send,
    /// Something else is sent.
    Say(Vec<u8>),
    /// Something else is sent, and the connection ends.
    SayAndClose(Vec<u8>),
    /// Nothing is sent, and the connection stays open.
    Silence,
    /// Something else is sent, and then the same bytes again and again until the client leaves (or 64 MiB).
    Endless(Vec<u8>, Vec<u8>),
    /// The bytes are sent one by one, with a pause between them.
    Drip(Vec<u8>, Duration),
}

/// When a fault is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    /// The command in upper case; `GREETING`, `CHALLENGE`; for IMAP also `LISTING`, `BODY`, `PIECE` in place of FETCH.
    pub(crate) verb: &'a str,
    /// The line of the client.
    pub(crate) line: &'a str,
    /// Tag of the line, for IMAP.
    pub(crate) tag: &'a str,
    /// How often there was this verb before on this connection.
    pub(crate) nth: usize,
    /// Number of the connection, from 0.
    pub(crate) connection: usize,
    /// Whether TLS stands.
    pub(crate) tls: bool,
}

/// Decides what becomes of an answer.
pub(crate) type Fault = Arc<dyn Fn(Moment<'_>, &[u8]) -> Act + Send + Sync>;

/// A fault that never strikes.
pub(crate) fn none() -> Fault {
    Arc::new(|_, _| Act::Send)
}

/// A message of the model.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) uid: u64,
    pub(crate) flags: String,
    pub(crate) bytes: Vec<u8>,
    /// Name in UIDL; the UID when empty.
    pub(crate) uidl: String,
}

/// A folder of the model.
#[derive(Clone, Debug)]
pub(crate) struct Box_ {
    /// Name as the wire shows it, without quotes.
    pub(crate) name: Vec<u8>,
    pub(crate) attributes: String,
    pub(crate) validity: u64,
    pub(crate) mails: Vec<Mail>,
}

/// How the server is to be.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) is_imap: bool,
    /// TLS before the first word; else it is offered by STARTTLS or STLS.
    pub(crate) tls_first: bool,
    pub(crate) offers_tls: bool,
    pub(crate) accounts: Accounts,
    /// The token that holds now, in place of that of `accounts`: a fault may put another one there.
    pub(crate) token_now: Arc<Mutex<Option<&'static str>>>,
    /// SASL mechanisms.
    pub(crate) sasl: Vec<&'static str>,
    /// More capabilities; IMAP: in one line, POP3: a line each.
    pub(crate) more: Vec<&'static str>,
    /// Whether LOGIN or USER is offered.
    pub(crate) has_login: bool,
    /// Whether the first response may come with the command (SASL-IR).
    pub(crate) has_ir: bool,
    pub(crate) boxes: Vec<Box_>,
    pub(crate) fault: Fault,
    /// A version of TLS that OpenSSL speaks and no other (`1.0` to `1.3`), in place of rustls.
    #[cfg(feature = "native-tls")]
    pub(crate) old_tls: Option<&'static str>,
    /// TLS versions; all when empty.
    pub(crate) versions: &'static [&'static rustls::SupportedProtocolVersion],
    /// Names of the certificate.
    pub(crate) names: &'static [&'static str],
    /// Whether the certificate is its own authority.
    pub(crate) is_self_signed: bool,
    /// POP3: whether RETR and QUIT are no violations.
    pub(crate) allows_retr: bool,
}

impl Model {
    pub(crate) fn new(is_imap: bool) -> Self {
        let mail = |uid: u64| Mail {
            uid,
            flags: if uid.is_multiple_of(2) { "\\Seen".to_owned() } else { String::new() },
            bytes: super::maildir::crlf(&super::evidence::message(uid).into_bytes()),
            uidl: String::new(),
        };
        let inbox = Box_ {
            name: b"INBOX".to_vec(),
            attributes: String::new(),
            validity: 17,
            mails: (1..=10).map(mail).collect(),
        };
        let sent = Box_ {
            name: b"Sent".to_vec(),
            attributes: "\\Sent".to_owned(),
            validity: 18,
            mails: (101..=103).map(mail).collect(),
        };
        Self {
            is_imap,
            tls_first: true,
            offers_tls: true,
            accounts: Accounts {
                user: "joe".to_owned(),
                password: "correct horse".to_owned(),
                token: "tok.en-1".to_owned(),
                rounds: 4096,
            },
            token_now: Arc::default(),
            sasl: vec!["PLAIN"],
            more: if is_imap { Vec::new() } else { vec!["TOP", "UIDL", "PIPELINING"] },
            has_login: true,
            has_ir: true,
            boxes: if is_imap { vec![inbox, sent] } else { vec![inbox] },
            fault: none(),
            #[cfg(feature = "native-tls")]
            old_tls: None,
            versions: &[],
            names: &["127.0.0.1", "localhost"],
            is_self_signed: false,
            allows_retr: false,
        }
    }

    /// The URL of the account on a port.
    pub(crate) fn url(&self, port: u16) -> String {
        let scheme = match (self.is_imap, self.tls_first) {
            (true, true) => "imaps",
            (true, false) => "imap",
            (false, true) => "pop3s",
            (false, false) => "pop3",
        };
        format!("{scheme}://joe@127.0.0.1:{port}")
    }

    /// All messages.
    pub(crate) fn mails(&self) -> usize {
        self.boxes.iter().map(|b| b.mails.len()).sum()
    }
}

/// What happened at the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Commands that change a mailbox, or secrets in the clear.
    pub(crate) violations: Vec<String>,
    /// Every line of the client, but for secrets.
    pub(crate) lines: Vec<String>,
    pub(crate) connections: usize,
    /// Times that somebody signed in.
    pub(crate) logins: usize,
    /// What the last refused sign-in was told.
    pub(crate) refused: Option<&'static str>,
}

/// A server that runs as long as the test binary.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) authority: Authority,
    pub(crate) record: Arc<Mutex<Record>>,
    dir: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(model: Model) -> Self {
        let authority =
            if model.is_self_signed { Authority::of_itself() } else { Authority::for_names(model.names) };
        let versions = if model.versions.is_empty() { rustls::ALL_VERSIONS } else { model.versions };
        let config = authority.server_of(versions);
        #[cfg(feature = "native-tls")]
        let acceptor = model.old_tls.map(|version| authority.old_server(version));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = Arc::new(Mutex::new(Record::default()));
        let (shared, model) = (Arc::clone(&record), Arc::new(model));
        std::thread::spawn(move || {
            for (number, socket) in (0..).zip(listener.incoming().flatten()) {
                let (model, config, record) = (Arc::clone(&model), Arc::clone(&config), Arc::clone(&shared));
                record.lock().unwrap().connections += 1;
                #[cfg(feature = "native-tls")]
                let acceptor = acceptor.clone();
                std::thread::spawn(move || {
                    let mut peer = Peer::new(socket, config, record, Arc::clone(&model), number);
                    #[cfg(feature = "native-tls")]
                    {
                        peer.acceptor = acceptor;
                    }
                    if model.tls_first && !peer.start_tls() {
                        return;
                    }
                    if model.is_imap {
                        imap_model::serve(&mut peer)
                    } else {
                        pop3_model::serve(&mut peer)
                    };
                    peer.close();
                });
            }
        });
        Self { port, authority, record, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn ca_file(&self) -> std::path::PathBuf {
        self.authority.ca_file(self.dir.path())
    }

    pub(crate) fn record(&self) -> Record {
        self.record.lock().unwrap().clone()
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    #[cfg(feature = "native-tls")]
    Old(Box<openssl::ssl::SslStream<TcpStream>>),
    Gone,
}

/// One client.
pub(crate) struct Peer {
    io: Io,
    raw: TcpStream,
    config: Arc<rustls::ServerConfig>,
    #[cfg(feature = "native-tls")]
    acceptor: Option<openssl::ssl::SslAcceptor>,
    record: Arc<Mutex<Record>>,
    pub(crate) model: Arc<Model>,
    pub(crate) number: usize,
    buffer: Vec<u8>,
    counts: std::collections::HashMap<String, usize>,
}

impl Peer {
    fn new(
        socket: TcpStream,
        config: Arc<rustls::ServerConfig>,
        record: Arc<Mutex<Record>>,
        model: Arc<Model>,
        number: usize,
    ) -> Self {
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        socket.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
        socket.set_nodelay(true).unwrap();
        let raw = socket.try_clone().unwrap();
        Self {
            io: Io::Plain(socket),
            raw,
            config,
            #[cfg(feature = "native-tls")]
            acceptor: None,
            record,
            model,
            number,
            buffer: Vec::new(),
            counts: std::collections::HashMap::default(),
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        !matches!(self.io, Io::Plain(_) | Io::Gone)
    }

    /// Does the handshake; says whether TLS stands.
    pub(crate) fn start_tls(&mut self) -> bool {
        let Io::Plain(mut socket) = std::mem::replace(&mut self.io, Io::Gone) else { return false };
        #[cfg(feature = "native-tls")]
        if let Some(acceptor) = &self.acceptor {
            let Ok(stream) = acceptor.accept(socket) else { return false };
            self.io = Io::Old(Box::new(stream));
            return true;
        }
        let mut tls = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        while tls.is_handshaking() {
            if tls.complete_io(&mut socket).is_err() {
                return false;
            }
        }
        self.io = Io::Tls(Box::new(StreamOwned::new(tls, socket)));
        true
    }

    fn exporter(&self) -> Option<Vec<u8>> {
        #[cfg(feature = "native-tls")]
        if let Io::Old(tls) = &self.io {
            let mut out = vec![0; 32];
            tls.ssl().export_keying_material(&mut out, "EXPORTER-Channel-Binding", Some(b"")).ok()?;
            return Some(out);
        }
        let Io::Tls(tls) = &self.io else { return None };
        tls.conn.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            self.fill()?;
        }
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill()?;
        }
        Some(self.buffer.drain(..count).collect())
    }

    fn fill(&mut self) -> Option<()> {
        let mut piece = vec![0; 16 << 10];
        let got = match &mut self.io {
            Io::Plain(socket) => socket.read(&mut piece),
            Io::Tls(tls) => tls.read(&mut piece),
            #[cfg(feature = "native-tls")]
            Io::Old(tls) => tls.read(&mut piece),
            Io::Gone => Ok(0),
        };
        let got = got.ok().filter(|n| *n > 0)?;
        self.buffer.extend_from_slice(&piece[..got]);
        Some(())
    }

    fn write(&mut self, bytes: &[u8]) -> Option<()> {
        match &mut self.io {
            Io::Plain(socket) => socket.write_all(bytes).ok(),
            Io::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()).ok(),
            #[cfg(feature = "native-tls")]
            Io::Old(tls) => tls.write_all(bytes).ok(),
            Io::Gone => None,
        }
    }

    /// Sends an answer, unless the fault of the model has something else; `None` when the connection is over.
    pub(crate) fn answer(&mut self, verb: &str, tag: &str, line: &str, bytes: &[u8]) -> Option<()> {
        let count = self.counts.entry(verb.to_owned()).or_default();
        let nth = *count;
        *count += 1;
        let moment = Moment { verb, line, tag, nth, connection: self.number, tls: self.is_tls() };
        let act = (self.model.fault)(moment, bytes);
        match act {
            Act::Send => self.write(bytes),
            Act::Say(other) => self.write(&other),
            Act::SayAndClose(other) => {
                self.write(&other);
                None
            }
            Act::Silence => {
                // Until the client leaves.
                while self.fill().is_some() {}
                None
            }
            Act::Endless(head, again) => {
                self.write(&head)?;
                let again = again.repeat((64 << 10) / again.len().max(1) + 1);
                let mut sent = 0;
                while sent < 64 << 20 {
                    self.write(&again)?;
                    sent += again.len();
                }
                while self.fill().is_some() {}
                None
            }
            Act::Drip(other, pause) => {
                let until = Instant::now() + Duration::from_mins(1);
                for byte in other {
                    self.write(&[byte])?;
                    std::thread::sleep(pause);
                    if Instant::now() > until {
                        return None;
                    }
                }
                Some(())
            }
        }
    }

    /// Writes a line of the client down.
    pub(crate) fn saw(&self, line: &str) {
        self.record.lock().unwrap().lines.push(line.to_owned());
    }

    /// Writes down what must not be.
    pub(crate) fn violation(&self, what: &str) {
        self.record.lock().unwrap().violations.push(what.to_owned());
    }

    /// AUTHENTICATE or AUTH, to the verdict; `None` when the client is gone.
    pub(crate) fn authenticate(&mut self, mechanism: &str, initial: Option<&str>) -> Option<Verdict> {
        if !self.is_tls() {
            self.violation("AUTHENTICATE in the clear");
        }
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.model.sasl.contains(&mechanism.as_str()) {
            return Some(Verdict::Out("a mechanism that was not offered"));
        }
        let initial = match initial {
            Some("=") => Some(Vec::new()),
            Some(text) => Some(STANDARD.decode(text).ok()?),
            None => None,
        };
        let (mut accounts, exporter) = (self.model.accounts.clone(), self.exporter());
        if let Some(token) = *self.model.token_now.lock().unwrap() {
            token.clone_into(&mut accounts.token);
        }
        let has_plus = self.model.sasl.contains(&"SCRAM-SHA-256-PLUS");
        let verdict = judge(&mechanism, initial, &accounts, exporter, has_plus, &mut |challenge| {
            let line = format!("+ {}\r\n", STANDARD.encode(challenge));
            self.answer("CHALLENGE", "", "", line.as_bytes())?;
            let said = self.line()?;
            STANDARD.decode(said).ok()
        });
        Some(self.judged(verdict))
    }

    /// A name and password in one or two commands.
    pub(crate) fn login(&mut self, user: &str, password: &str) -> Verdict {
        if !self.is_tls() {
            self.violation("a password in the clear");
        }
        let accounts = &self.model.accounts;
        let is_right = self.model.has_login && user == accounts.user && password == accounts.password;
        self.judged(if is_right { Verdict::In } else { Verdict::Out("wrong user or password") })
    }

    fn judged(&self, verdict: Verdict) -> Verdict {
        let mut record = self.record.lock().unwrap();
        match verdict {
            Verdict::In => record.logins += 1,
            Verdict::Out(why) => record.refused = Some(why),
        }
        verdict
    }

    fn close(&mut self) {
        if let Io::Tls(tls) = &mut self.io {
            tls.conn.send_close_notify();
            let _flushed = tls.flush();
        }
        let _closed = self.raw.shutdown(Shutdown::Both);
    }
}
