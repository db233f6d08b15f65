//! Which local user owns the other end of a connection. Known on Linux, for connections within
//! this machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;

use axum::extract::ConnectInfo;
use http::Extensions;

/// The addresses of both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct SocketAddrs {
    /// The client's.
    pub peer: SocketAddr,
    /// The server's, if the socket reported it.
    pub local: Option<SocketAddr>,
}

/// Whether a request came from a process of the runner's own user, who can read the data directory
/// anyway. False if the user is unknown.
pub fn is_same_user(connection: &Extensions) -> bool {
    let Some(ConnectInfo(SocketAddrs { peer, local: Some(local) })) =
        connection.get::<ConnectInfo<SocketAddrs>>().copied()
    else {
        return false;
    };
    let Ok(own) = fs::metadata("/proc/self").map(|it| it.uid()) else { return false };
    peer.ip().to_canonical().is_loopback() && socket_owner(peer, local) == Some(own)
}

/// The user id that owns the peer's socket of the connection from `peer` to `local`.
fn socket_owner(peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    // Dual-stack sockets are listed in tcp6.
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|path| {
        let lines = BufReader::new(fs::File::open(path).ok()?).lines().map_while(Result::ok);
        lines.skip(1).filter_map(|line| SocketEntry::parse(&line)).find_map(|socket| socket.owner_of(peer, local))
    })
}

/// One line of `/proc/net/tcp`.
struct SocketEntry {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    is_established: bool,
    user: u32,
}

impl SocketEntry {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (address(fields.next()?)?, address(fields.next()?)?, fields.next()?);
        let user = fields.nth(3)?.parse().ok()?;
        Some(Self { local, remote, is_established: state == "01", user })
    }

    fn owner_of(&self, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
        let end = |it: SocketAddr| (it.ip().to_canonical(), it.port());
        let is_it = self.is_established && self.local == end(peer) && self.remote == end(local);
        is_it.then_some(self.user)
    }
}

/// Parses the kernel's notation: hexadecimal 32-bit words in host byte order, then the port.
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let bytes: Vec<u8> = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical()
        }
        _ => return None,
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|_| unreachable!())
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_socket_entry_matches_only_its_own_addresses() {
        let line = "  7: 0100007F:9C40 0100007F:0BB9 01 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 20 4 30 10 -1";
        let socket = |line: &str| SocketEntry::parse(line).unwrap_or_else(|| unreachable!());
        let (peer, local) = (addr("127.0.0.1:40000"), addr("127.0.0.1:3001"));
        assert_eq!(socket(line).owner_of(peer, local), Some(1000));
        assert_eq!(socket(line).owner_of(addr("[::ffff:127.0.0.1]:40000"), local), Some(1000));
        assert_eq!(socket(line).owner_of(local, peer), None);
        assert_eq!(socket(line).owner_of(peer, addr("127.0.0.2:3001")), None);
        assert_eq!(socket(&line.replace(" 01 ", " 06 ")).owner_of(peer, local), None);
        let line = "0: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:0BB9 01 0:0 0:0 0 0 0 1";
        assert_eq!(socket(line).owner_of(addr("[::1]:40000"), addr("[::1]:3001")), Some(0));
        let line =
            "0: 0000000000000000FFFF00000100007F:9C40 0000000000000000FFFF00000100007F:0BB9 01 0:0 0:0 0 65534 0 1";
        assert_eq!(socket(line).owner_of(peer, local), Some(65534));
        for broken in ["", "sl local_address", "0: 0100007F 0100007F:0BB9 01", "0: zz:1 0100007F:0BB9 01 0 0 0 1"] {
            assert!(SocketEntry::parse(broken).is_none(), "{broken}");
        }
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_owner_of_a_connection_is_found() -> io::Result<()> {
        for host in ["127.0.0.1", "[::1]"] {
            let Ok(listener) = TcpListener::bind(format!("{host}:0")).await else { continue };
            let client = TcpStream::connect(listener.local_addr()?).await?;
            let (stream, peer) = listener.accept().await?;
            let own = fs::metadata("/proc/self")?.uid();
            assert_eq!(socket_owner(peer, stream.local_addr()?), Some(own), "{host}");
            drop(client);
            assert_eq!(socket_owner(addr("127.0.0.1:1"), stream.local_addr()?), None);
        }
        Ok(())
    }
}
