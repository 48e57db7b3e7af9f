//! Parties: who shares a scarce resource with whom.

// The addresses alone: `std::net` is for those who talk over them.
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Principal;

/// One caller, as far as the server can tell callers apart. Limits and fairness count by party:
/// connections by their addresses, calls by principal where callers prove who they are.
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
    /// A principal, wherever it calls from, by a hash of its name.
    Principal(u64),
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

    /// A principal; `None` for one that has not proven who it is, and for the server.
    #[must_use]
    pub fn of_principal(principal: &Principal) -> Option<Self> {
        let reserved = [Principal::ANONYMOUS, Principal::SERVER];
        (!reserved.contains(principal)).then(|| {
            let mut hasher = DefaultHasher::new();
            principal.hash(&mut hasher);
            Self::Principal(hasher.finish())
        })
    }

    /// True if it has only a part of each resource for itself: another machine, or a principal.
    /// Callers on the same machine without an identity may use all of it.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        matches!(self, Self::Remote(_) | Self::Principal(_))
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
        assert!(!party("127.0.0.1:4000").is_bounded());
        assert_eq!(party("192.0.2.7:4000"), party("192.0.2.7:4001"));
        assert_ne!(party("192.0.2.7:4000"), party("192.0.2.8:4000"));
        assert_eq!(party("[::ffff:192.0.2.7]:1"), party("192.0.2.7:2"));
        assert_eq!(party("[2001:db8:0:1::7]:1"), party("[2001:db8:0:1:ffff::9]:2"));
        assert_ne!(party("[2001:db8:0:1::7]:1"), party("[2001:db8:0:2::7]:1"));
        assert!(party("[2001:db8::1]:1").is_bounded());
    }

    #[test]
    fn a_principal_is_one_party_wherever_it_calls_from() {
        let party = |name| Party::of_principal(&Principal::named(name).unwrap());
        assert_eq!(party("guangdong.recorder"), party("guangdong.recorder"));
        assert_ne!(party("guangdong.recorder"), party("guangdong.reader"));
        assert!(party("guangdong.recorder").unwrap().is_bounded());
        assert_eq!(Party::of_principal(&Principal::ANONYMOUS), None);
        assert_eq!(Party::of_principal(&Principal::SERVER), None);
    }
}
