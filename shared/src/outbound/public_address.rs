//! Which addresses the service may call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is public, or a loopback address and `loopback` allows those.
pub fn may_be_called(address: IpAddr, loopback: bool) -> bool {
    is_public(address) || (loopback && address.to_canonical().is_loopback())
}

/// Whether an address may be called on behalf of a client: not loopback, private,
/// link-local (cloud metadata included), unique-local, multicast or reserved, also not as an
/// IPv4 address inside an IPv6 one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0 // this network
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b)) // carriers' shared space, RFC 6598
        || (a == 192 && b == 0 && c == 0) // protocol assignments, RFC 6890
        || (a == 198 && (18..20).contains(&b)) // benchmarks, RFC 2544
        || address.is_documentation()
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        (0, 0) if [c, d, e, f] == [0; 4] => false, // unspecified, loopback, IPv4-compatible
        (0x64, 0xff9b) => [c, d, e, f] == [0; 4] && is_public_v4(v4(g, h)), // NAT64, RFC 6052
        (0x2002, _) => is_public_v4(v4(b, c)),     // 6to4
        (0x2001, 0) => false,                      // Teredo
        (0x2001, 0xdb8) => false,                  // documentation
        _ => a & 0xe000 == 0x2000,                 // global unicast is 2000::/3 and nothing else
    }
}
