//! Parties: who shares a scarce resource with whom.

// The addresses alone: `std::net` is for those who talk over them.
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// One caller, as far as the server can tell callers apart before they prove who they are. Limits
/// and fairness count by party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A connection from the same machine. Each one counts by itself: its callers share the machine
    /// anyway.
    Local(SocketAddr),
    /// Another machine: its address, of which the host part is zero in IPv6. One host of a network
    /// can have all addresses of its /64.
    Remote(IpAddr),
    /// A user of the same machine, whose processes come over a Unix socket.
    User(u32),
    /// The server itself.
    Server,
}

impl Party {
    /// The party at the other end of a connection.
    #[must_use]
    pub fn of(peer: SocketAddr) -> Self {
        match peer.ip().to_canonical() {
            ip if ip.is_loopback() => Self::Local(SocketAddr::new(ip, peer.port())),
            IpAddr::V6(ip) => {
                let network = u128::from(ip) >> 64 << 64;
                Self::Remote(IpAddr::V6(Ipv6Addr::from(network)))
            }
            ip => Self::Remote(ip),
        }
    }

    /// True for another machine.
    #[must_use]
    pub fn is_remote(self) -> bool {
        matches!(self, Self::Remote(_))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_connection_from_the_machine_and_an_address_of_another_are_one_party_each() {
        let party = |text: &str| Party::of(text.parse().unwrap());
        assert_ne!(party("127.0.0.1:4000"), party("127.0.0.1:4001"));
        assert_ne!(party("[::1]:4000"), party("[::1]:4001"));
        assert_eq!(party("[::ffff:127.0.0.1]:4000"), party("127.0.0.1:4000"));
        assert!(!party("127.0.0.1:4000").is_remote());
        assert_eq!(party("192.0.2.7:4000"), party("192.0.2.7:4001"));
        assert_ne!(party("192.0.2.7:4000"), party("192.0.2.8:4000"));
        assert_eq!(party("[::ffff:192.0.2.7]:1"), party("192.0.2.7:2"));
        assert_eq!(party("[2001:db8:0:1::7]:1"), party("[2001:db8:0:1:ffff::9]:2"));
        assert_ne!(party("[2001:db8:0:1::7]:1"), party("[2001:db8:0:2::7]:1"));
        assert!(party("[2001:db8::1]:1").is_remote());
    }
}
