//! Which addresses of the network a source may have.
//!
//! A worker follows addresses that strangers give, from inside somebody's network. So what is not in the public network
//! is refused unless an operator has allowed it: the registry looks at addresses written as numbers, the worker at those
//! that names lead to.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A block of addresses, as `10.0.0.0/8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix_len: u8,
}

/// The text is no network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is no network: write it like 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork;

/// An address that may not be connected to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{address} is not in the public network ({why}), and is not among the networks that are allowed here")]
pub struct ForbiddenAddress {
    /// The address.
    pub address: IpAddr,
    /// What it is instead.
    pub why: &'static str,
}

/// Networks that are not the public one, by the IANA's registries of special-purpose addresses.
const SPECIAL: &[(Network, &str)] = &[
    (v4([0, 0, 0, 0], 8), "this host"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared with a provider"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "reserved"),
    (v4([192, 0, 2, 0], 24), "for documentation"),
    (v4([192, 88, 99, 0], 24), "reserved"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "for benchmarks"),
    (v4([198, 51, 100, 0], 24), "for documentation"),
    (v4([203, 0, 113, 0], 24), "for documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "private"),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discarded"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "reserved"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "private"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
    // The unspecified address, loopback, and the old way to write IPv4.
    (v6([0; 8], 96), "loopback or reserved"),
];

/// IPv6 addresses that lead to an IPv4 one: the network, and the byte in which that one begins.
const EMBEDDING: &[(Network, usize)] = &[
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), 12),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), 12),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), 2),
];

const fn v4(bytes: [u8; 4], prefix_len: u8) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])), prefix_len }
}

const fn v6(s: [u16; 8], prefix_len: u8) -> Network {
    let address = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    Network { address: IpAddr::V6(address), prefix_len }
}

impl Network {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_len)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_len)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix_len) = text.split_once('/').ok_or(InvalidNetwork)?;
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let prefix_len: u8 = prefix_len.parse().map_err(|_| InvalidNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix_len <= longest { Ok(Self { address, prefix_len }) } else { Err(InvalidNetwork) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// Whether an address may be connected to: one of the public network, or one in a network that is allowed all the same.
///
/// Of a name that leads to several addresses, every one has to pass.
///
/// # Errors
///
/// [`ForbiddenAddress`].
pub fn check_address(address: IpAddr, allowed: &[Network]) -> Result<(), ForbiddenAddress> {
    let address = embedded_v4(address).map_or(address, IpAddr::V4);
    if allowed.iter().any(|network| network.contains(address)) {
        return Ok(());
    }
    match SPECIAL.iter().find(|(network, _)| network.contains(address)) {
        Some((_, why)) => Err(ForbiddenAddress { address, why }),
        None => Ok(()),
    }
}

fn embedded_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let (_, at) = EMBEDDING.iter().find(|(network, _)| network.contains(address))?;
    let bytes: [u8; 4] = v6.octets().get(*at..at + 4)?.try_into().ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, allowed: &[&str]) -> bool {
        let allowed: Vec<Network> = allowed.iter().map(|network| network.parse().expect("network")).collect();
        check_address(address.parse().expect("address"), &allowed).is_ok()
    }

    #[test]
    fn addresses_inside_of_somebodys_network_are_refused() {
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "::7f00:1",
        ] {
            assert!(!check(address, &[]), "{address}");
        }
    }

    #[test]
    fn addresses_of_the_public_network_pass() {
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"]
        {
            assert!(check(address, &[]), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_passes_and_nothing_beside_it() {
        assert!(check("127.0.0.1", &["127.0.0.0/8"]) && check("::ffff:127.0.0.1", &["127.0.0.0/8"]));
        assert!(check("10.0.0.1", &["0.0.0.0/0"]) && !check("::1", &["0.0.0.0/0"]) && check("::1", &["::/0"]));
        assert!(!check("10.0.1.1", &["10.0.0.0/24"]) && check("10.0.0.9", &["10.0.0.9/32"]));
    }

    #[test]
    fn networks_are_read_or_refused() {
        assert_eq!("fd00::/8".parse::<Network>().expect("network").to_string(), "fd00::/8");
        for text in ["", "10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
