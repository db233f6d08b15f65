//! Binds the runner's port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::StartError;

/// Attempts to find one port that is free at every address.
const MAX_ATTEMPTS: u32 = 20;

/// How many connections may wait to be accepted. Further ones are dropped, and their clients try again a second later. The
/// system's own limit counts, too (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Binds a port; the error says what to do about the likely causes.
pub async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, StartError> {
    listen(SocketAddr::new(host, port)).map_err(|err| match err.kind() {
        io::ErrorKind::AddrInUse => StartError::message(format!(
            "Port {port} on {host} is in use: stop the program that uses it, or choose another port with --port."
        )),
        io::ErrorKind::PermissionDenied => StartError::message(format!(
            "This user is not permitted to open port {port}: choose a port above 1023 with --port."
        )),
        _ => StartError::message(format!("Port {port} on {host} cannot be opened: {err}.")),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A runner that is started anew gets the port of the one before, as `TcpListener::bind` does it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds `port` at `host` and at both loopback addresses, because browsers resolve the inbox's
/// host name to either. Another program on such a port would receive people's session cookies.
pub async fn bind_all(host: IpAddr, port: u16) -> Result<Vec<TcpListener>, StartError> {
    for _ in 1..MAX_ATTEMPTS {
        match bind_every_address(host, port).await {
            // The port chosen at the first address is taken at another one.
            Err(_) if port == 0 => {}
            bound => return bound,
        }
    }
    bind_every_address(host, port).await
}

async fn bind_every_address(host: IpAddr, port: u16) -> Result<Vec<TcpListener>, StartError> {
    let first = bind(host, port).await?;
    let port = first.local_addr().map_err(|err| StartError::message(err.to_string()))?.port();
    let mut listeners = vec![first];
    for loopback in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let is_covered = host == loopback || (host.is_unspecified() && (host.is_ipv6() || loopback.is_ipv4()));
        if !is_covered && is_available(loopback).await {
            listeners.push(bind(loopback, port).await?);
        }
    }
    Ok(listeners)
}

/// Whether this machine has the address: IPv6 may be switched off.
async fn is_available(address: IpAddr) -> bool {
    TcpListener::bind((address, 0)).await.is_ok()
}

/// The URL at which a browser on this machine reaches the listener.
pub fn url(listener: &TcpListener) -> io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    Ok(format!("http://{address}"))
}

/// The URL of the first listener, and the port of all of them.
pub fn address(listeners: &[TcpListener]) -> Result<(String, u16), StartError> {
    let unknown =
        |err: &dyn std::fmt::Display| StartError::message(format!("The listening address cannot be read: {err}."));
    let first = listeners.first().ok_or_else(|| unknown(&"there is no listener"))?;
    let port = first.local_addr().map_err(|err| unknown(&err))?.port();
    Ok((url(first).map_err(|err| unknown(&err))?, port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is a failure")]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn many_clients_connect_at_once() {
        // Nothing is accepted, as on a busy machine.
        let listener = bind(Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connected = join_all((0..400).map(|_| TcpStream::connect(address)));
        // A connection that was dropped would try again after a second.
        let connected = tokio::time::timeout(Duration::from_millis(900), connected).await.expect("none was dropped");
        assert!(connected.iter().all(Result::is_ok));
    }
}
