//! The wire against servers of a few lines, on loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;
use crate::acquire::{Account, Choice, Credential, Scheme, Secret, Trust};
use crate::types::Sha256Digest;

struct Still;
impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

fn order(scheme: Scheme, port: u16, trust: Trust) -> Order {
    let host = "127.0.0.1".to_owned();
    Order {
        account: Account { scheme, user: "me".to_owned(), host, port, folder: None },
        trust,
        credential: Credential::Password(Secret::new(b"secret".to_vec())),
        renewal: None,
        mechanisms: Vec::new(),
        choice: Choice::default(),
        connections: 1,
        list_only: false,
        refetch: false,
        retr: false,
        quit: false,
        limits: Limits {
            idle: Duration::from_millis(700),
            connect: Duration::from_secs(2),
            line: 4096,
            ..Limits::default()
        },
    }
}

/// A server that does one thing with one connection, and its port.
fn server(act: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || act(listener.accept().unwrap().0)))
}

fn plain() -> Trust {
    Trust { insecure_plain: true, ..Trust::default() }
}

fn connect(order: &Order) -> Result<Wire<'static>, AcquireError> {
    let outset = Outset::new(order)?;
    Wire::connect(order, &outset, &Still, 1)
}

#[test]
fn lines_end_in_crlf_or_lf_and_literals_are_exact() {
    let (port, done) = server(|mut s| {
        s.write_all(b"* one\r\ntwo\n{5}\r\na\r\n\0b\xff)\r\n").unwrap();
        s.write_all(&vec![7; 1_000_000]).unwrap();
    });
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    assert_eq!(wire.line().unwrap(), b"* one");
    assert_eq!(wire.line().unwrap(), b"two");
    assert_eq!(wire.line().unwrap(), b"{5}");
    let mut five = Vec::new();
    wire.octets(5, &mut five).unwrap();
    assert_eq!(five, b"a\r\n\0b");
    assert_eq!(wire.line().unwrap(), b"\xff)");
    let mut many = Vec::new();
    wire.octets(1_000_000, &mut many).unwrap();
    assert_eq!(many, vec![7; 1_000_000]);
    assert_eq!(wire.line(), Err(WireError::Closed));
    done.join().unwrap();
}

#[test]
fn a_line_without_end_is_cut_at_the_limit() {
    let (port, done) = server(|mut s| while s.write_all(&[b'x'; 1000]).is_ok() {});
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    assert!(matches!(wire.line(), Err(WireError::Protocol(_))));
    drop(wire);
    done.join().unwrap();
}

#[test]
fn a_line_that_trickles_is_given_up() {
    let (port, done) = server(|mut s| {
        while s.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    let start = Instant::now();
    assert_eq!(wire.line(), Err(WireError::Slow));
    assert!(start.elapsed() < Duration::from_secs(3));
    drop(wire);
    done.join().unwrap();
}

#[test]
fn a_silent_server_is_given_up() {
    let (port, done) = server(|mut s| {
        let mut byte = [0];
        drop(s.read(&mut byte));
    });
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    assert_eq!(wire.line(), Err(WireError::Slow));
    drop(wire);
    done.join().unwrap();
}

#[test]
fn an_announced_literal_is_not_allocated() {
    let (port, done) = server(|mut s| s.write_all(b"abc").unwrap());
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    let mut out = Vec::new();
    assert_eq!(wire.octets(usize::MAX / 4, &mut out), Err(WireError::Closed));
    assert!(out.capacity() < 2 << 20);
    done.join().unwrap();
}

/// A certificate for 127.0.0.1 of its own, as DER, and what a server needs to show it.
fn certificate() -> (Vec<u8>, Arc<rustls::ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let der = made.cert.der().to_vec();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (der, Arc::new(config))
}

fn speak_tls(mut socket: TcpStream, config: Arc<rustls::ServerConfig>, words: &[u8]) {
    let mut tls = rustls::ServerConnection::new(config).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    if stream.write_all(words).is_ok() {
        let mut rest = [0; 64];
        drop(stream.read(&mut rest));
    }
}

#[test]
fn a_pinned_certificate_is_trusted_and_another_is_not() {
    let (der, config) = certificate();
    for (pin, is_good) in [(*Sha256Digest::of(&der).as_bytes(), true), ([7; 32], false)] {
        let config = Arc::clone(&config);
        let (port, done) = server(move |s| speak_tls(s, config, b"* OK in TLS\r\n"));
        let wire = connect(&order(Scheme::Imaps, port, Trust { pin: Some(pin), ..Trust::default() }));
        match wire {
            Ok(mut wire) => {
                assert!(is_good);
                assert_eq!(wire.line().unwrap(), b"* OK in TLS");
                let tls = wire.tls().unwrap();
                assert_eq!((tls.version.as_str(), tls.trusted_by), ("TLSv1.3", "pin"));
                assert_eq!(tls.chain, vec![der.clone()]);
                assert_eq!(wire.exporter().unwrap().len(), 32);
                wire.close();
            }
            Err(error) => {
                assert!(!is_good, "{error}");
                let digest = Sha256Digest::of(&der).to_string();
                assert!(error.to_string().contains(&digest), "{error}");
            }
        }
        done.join().unwrap();
    }
}

#[test]
fn a_ca_file_is_trusted_for_its_names_alone() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let trust = Trust { ca_file: Some(file), ..Trust::default() };
    // The certificate shown is another one: the CA file has not signed it.
    let (_, config) = certificate();
    let (port, done) = server(move |s| speak_tls(s, config, b"* OK\r\n"));
    assert!(matches!(connect(&order(Scheme::Imaps, port, trust)), Err(AcquireError::Tls { .. })));
    done.join().unwrap();
}

#[test]
fn an_old_server_is_named_as_old() {
    let (port, done) = server(|mut s| {
        let mut hello = [0; 2000];
        let _ = s.read(&mut hello).unwrap();
        // A fatal alert "protocol version" (70) of TLS 1.0.
        s.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).unwrap();
    });
    let trust = Trust { pin: Some([0; 32]), ..Trust::default() };
    let error = connect(&order(Scheme::Imaps, port, trust)).unwrap_err().to_string();
    assert!(error.contains("TLS 1.1 or older"), "{error}");
    done.join().unwrap();
}

#[test]
fn a_server_that_speaks_in_the_clear_is_named_so() {
    let (port, done) = server(|mut s| {
        s.write_all(b"* OK ready\r\n").unwrap();
        drop(s.read(&mut [0; 2000]));
    });
    let trust = Trust { pin: Some([0; 32]), ..Trust::default() };
    let error = connect(&order(Scheme::Imaps, port, trust)).unwrap_err().to_string();
    assert!(error.contains("not TLS"), "{error}");
    done.join().unwrap();
}

#[test]
fn words_that_came_before_tls_end_it() {
    let (port, done) = server(|mut s| {
        s.write_all(b"A1 OK begin TLS\r\n* OK injected\r\n").unwrap();
        drop(s.read(&mut [0; 2000]));
    });
    let trust = Trust { pin: Some([0; 32]), ..Trust::default() };
    let mut wire = connect(&order(Scheme::Imap, port, trust)).unwrap();
    assert_eq!(wire.line().unwrap(), b"A1 OK begin TLS");
    assert!(matches!(wire.start_tls(), Err(WireError::Protocol(_))));
    drop(wire);
    done.join().unwrap();
}

#[test]
fn deflate_goes_both_ways() {
    let (port, done) = server(|mut s| {
        let (mut packed, mut pack) =
            (Vec::with_capacity(500_000), flate2::Compress::new(flate2::Compression::fast(), false));
        let mail = b"* 1 FETCH ".repeat(30_000);
        pack.compress_vec(&mail, &mut packed, flate2::FlushCompress::Sync).unwrap();
        s.write_all(&packed).unwrap();
        let mut asked = [0; 200];
        let n = s.read(&mut asked).unwrap();
        let mut plain = Vec::with_capacity(500);
        let mut unpack = flate2::Decompress::new(false);
        unpack.decompress_vec(&asked[..n], &mut plain, flate2::FlushDecompress::Sync).unwrap();
        assert_eq!(plain, b"A2 NOOP\r\n");
    });
    let mut wire = connect(&order(Scheme::Imap, port, plain())).unwrap();
    wire.start_deflate().unwrap();
    wire.send_line(b"A2 NOOP").unwrap();
    let mut out = Vec::new();
    wire.octets(300_000, &mut out).unwrap();
    assert_eq!(out, b"* 1 FETCH ".repeat(30_000));
    done.join().unwrap();
}

#[test]
fn a_stop_ends_a_wait() {
    let (port, done) = server(|mut s| drop(s.read(&mut [0])));
    let mut order = order(Scheme::Imap, port, plain());
    order.limits.idle = Duration::from_mins(1);
    let outset = Outset::new(&order).unwrap();
    let mut wire = Wire::connect(&order, &outset, &Still, 1).unwrap();
    let stop = Arc::clone(&outset.stop);
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(wire.line(), Err(WireError::Stopped));
    stopper.join().unwrap();
    drop(wire);
    done.join().unwrap();
}
