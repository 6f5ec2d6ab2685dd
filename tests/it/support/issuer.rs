//! An issuer of tokens, scripted: HTTPS on loopback, one answer for each request, and what was asked kept.

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::{ServerConnection, StreamOwned};

use super::authority::Authority;

/// What a request is answered with, by its path, its body, and how often the path was asked for before. `None`: the
/// connection is closed without a word. `{base}` in it is the issuer's address.
pub(crate) type Answers = Box<dyn Fn(&str, &str, usize) -> Option<(u16, String)> + Send>;

/// Runs as long as the test binary.
pub(crate) struct Issuer {
    /// `https://127.0.0.1:port`.
    pub(crate) url: String,
    /// The file with the authority's certificate.
    pub(crate) ca_file: PathBuf,
    /// Method, path and body of each request.
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
    _dir: tempfile::TempDir,
}

impl Issuer {
    pub(crate) fn new(answers: Answers) -> Self {
        let authority = Authority::new();
        let dir = tempfile::tempdir().unwrap();
        let ca_file = authority.ca_file(dir.path());
        let config = authority.server();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let asked = Arc::new(Mutex::new(Vec::<(String, String)>::new()));
        let (base, seen) = (url.clone(), Arc::clone(&asked));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(tls, socket));
                let Some((head, body)) = request(&mut stream) else { continue };
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let before =
                    seen.lock().unwrap().iter().filter(|(h, _)| h.split(' ').nth(1) == Some(&path)).count();
                seen.lock().unwrap().push((head, body.clone()));
                if let Some((status, text)) = answers(&path, &body, before) {
                    let text = text.replace("{base}", &base);
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                        text.len()
                    );
                    let _sent = stream.get_mut().write_all(answer.as_bytes());
                }
                stream.get_mut().conn.send_close_notify();
                let _flushed = stream.get_mut().flush();
            }
        });
        Self { url, ca_file, asked, _dir: dir }
    }

    /// Bodies of the requests for a path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(h, _)| h.split(' ').nth(1) == Some(path)).map(|(_, b)| b.clone()).collect()
    }
}

fn request(stream: &mut impl std::io::BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    stream.read_line(&mut head).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head.trim().to_owned(), String::from_utf8(body).ok()?))
}
