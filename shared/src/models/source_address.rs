//! Where a request comes from.

use std::net::IpAddr;

/// The address of a caller, from a source that cannot be forged. A request without one is not limited by its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceAddress(pub IpAddr);

impl SourceAddress {
    /// The network that one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 address.
    pub fn network(self) -> String {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{:x}/64", address.to_bits() >> 64),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        let network = |text: &str| SourceAddress(text.parse().unwrap()).network();
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
