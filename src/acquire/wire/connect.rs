//! A TCP connection to a host, within a time.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Shortest time given to one of several addresses.
const LEAST: Duration = Duration::from_secs(2);

/// Connects to the first address of `host` that answers, IPv6 and IPv4 in the order of the system.
///
/// # Errors
/// In words: what the last address said.
pub(super) fn connect(host: &str, port: u16, time: Duration) -> Result<(TcpStream, SocketAddr), String> {
    let until = Instant::now() + time;
    let addresses = resolve(host, port, time)?;
    let mut said = "the name has no address".to_owned();
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(format!("no answer within {} s", time.as_secs()));
        }
        let share = (rest / left.max(1)).max(LEAST).min(rest);
        left = left.saturating_sub(1);
        match TcpStream::connect_timeout(&address, share) {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => said = format!("{address}: {error}"),
        }
    }
    Err(said)
}

/// The addresses of a host. The system's resolver knows no time limit, so it has a thread of its own.
fn resolve(host: &str, port: u16, time: Duration) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (tell, told) = mpsc::channel();
    let name = host.to_owned();
    std::thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        drop(tell.send(found));
    });
    match told.recv_timeout(time) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("its name was not resolved within {} s", time.as_secs())),
    }
}
