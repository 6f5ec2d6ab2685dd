//! A forwarder on loopback that sees each line of the client before the server does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Forwards to a port of 127.0.0.1, in the clear, until it is dropped.
pub(crate) struct Tap {
    /// The port to connect to.
    pub(crate) port: u16,
    end: Arc<AtomicBool>,
}

impl Tap {
    /// `seen` is called with each line of a client, which goes on when it returns.
    pub(crate) fn new(to: u16, seen: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let end = Arc::new(AtomicBool::new(false));
        let (ended, seen) = (Arc::clone(&end), Arc::new(seen));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (mut down, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    drop(std::io::copy(&mut down, &mut back));
                    drop(back.shutdown(Shutdown::Both));
                });
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || {
                    let mut server = server;
                    let mut lines = BufReader::new(client);
                    let mut line = Vec::new();
                    while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                        seen(&String::from_utf8_lossy(&line));
                        if server.write_all(&line).is_err() {
                            break;
                        }
                        line.clear();
                    }
                    drop(server.shutdown(Shutdown::Both));
                });
            }
        });
        Self { port, end }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        // Wakes the listener, so that its thread sees the end.
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        drop(TcpStream::connect_timeout(&address, Duration::from_secs(1)));
    }
}
