//! A forwarder on loopback that breaks connections after a seeded number of bytes.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::evidence::Seeded;

/// Forwards to a port of 127.0.0.1 until it is dropped.
pub(crate) struct Proxy {
    /// The port to connect to.
    pub(crate) port: u16,
    end: Arc<AtomicBool>,
    /// Connections broken so far.
    pub(crate) cuts: Arc<AtomicU64>,
    /// Bytes that the server sent through it.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl Proxy {
    /// Breaks connection `n` (from 0) after `cut(n)` bytes of the server; `None`: never.
    pub(crate) fn new(to: u16, cut: impl Fn(u64) -> Option<u64> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let end = Arc::new(AtomicBool::new(false));
        let (cuts, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (ended, counted, passed) = (Arc::clone(&end), Arc::clone(&cuts), Arc::clone(&bytes));
        std::thread::spawn(move || {
            for (n, client) in (0..).zip(listener.incoming()) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let (left, counted, passed) = (cut(n), Arc::clone(&counted), Arc::clone(&passed));
                std::thread::spawn(move || forward(&client, to, left, &counted, &passed));
            }
        });
        Self { port, end, cuts, bytes }
    }

    /// Breaks the first `cuts` connections after at most `most` bytes each.
    pub(crate) fn seeded(to: u16, seed: u64, cuts: u64, most: u64) -> Self {
        Self::new(to, move |n| (n < cuts).then(|| Seeded::new(seed.wrapping_mul(1000) + n).below(most) + 1))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        // Wakes the listener, so that its thread sees the end.
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        drop(TcpStream::connect_timeout(&address, Duration::from_secs(1)));
    }
}

fn forward(client: &TcpStream, to: u16, mut left: Option<u64>, cuts: &AtomicU64, passed: &AtomicU64) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _copied = std::io::copy(&mut from, &mut into);
        let _closed = into.shutdown(Shutdown::Write);
    });
    let (mut from, mut into) = (&server, client);
    let mut buffer = vec![0; 16 << 10];
    while let Ok(mut got) = from.read(&mut buffer) {
        if got == 0 {
            break;
        }
        if let Some(left) = &mut left {
            got = got.min(usize::try_from(*left).unwrap());
            *left -= u64::try_from(got).unwrap();
        }
        passed.fetch_add(u64::try_from(got).unwrap(), Ordering::SeqCst);
        if into.write_all(&buffer[..got]).is_err() {
            break;
        }
        if left == Some(0) {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _client = client.shutdown(Shutdown::Both);
    let _server = server.shutdown(Shutdown::Both);
}
