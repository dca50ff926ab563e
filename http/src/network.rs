//! Addresses, and networks of them.

use std::net::{IpAddr, Ipv4Addr};

/// A network: an address, and which of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
    is_ipv4: bool,
}

impl Network {
    /// Reads an address, or one with the length of its prefix or a dotted mask: `10.0.0.1`, `10.0.0.0/8`,
    /// `10.0.0.0/255.0.0.0`, `2001:db8::/32`. Bits that don't count may be set. `None` if it is anything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(mask)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let mask = match (mask, address) {
            (None, _) => u128::MAX,
            (Some(mask), IpAddr::V4(_)) => prefix(mask, 32).or_else(|| dotted(mask))?,
            (Some(mask), IpAddr::V6(_)) => prefix(mask, 128)?,
        };
        // An IPv4 address in IPv6's clothes is the same address, unless the mask lets others in.
        let is_mapped = mask >> 32 == u128::MAX >> 32;
        let (bits, is_ipv4) = bits(if is_mapped {
            address.to_canonical()
        } else {
            address
        });
        Some(Self {
            bits: bits & mask,
            mask,
            is_ipv4,
        })
    }

    /// Whether the address is part of it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_ipv4) = bits(address.to_canonical());
        is_ipv4 == self.is_ipv4 && bits & self.mask == self.bits
    }
}

/// The literal address that `text` is; names are not looked up.
#[must_use]
pub fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The address as a number. That of IPv4 has its bits where an IPv6 address has its last ones, with ones
/// above, so that a mask of 128 bits fits both.
fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (ABOVE_IPV4 | u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (address.into(), false),
    }
}

const ABOVE_IPV4: u128 = u128::MAX << 32;

/// The mask of a prefix of so many bits, of an address with `width` bits.
fn prefix(text: &str, width: u32) -> Option<u128> {
    let is_number = !text.is_empty() && text.len() <= 3;
    if !is_number || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let free = width.checked_sub(text.parse().ok()?)?;
    Some(u128::MAX.checked_shl(free).unwrap_or(0))
}

fn dotted(text: &str) -> Option<u128> {
    let mask: Ipv4Addr = text.parse().ok()?;
    Some(ABOVE_IPV4 | u128::from(u32::from(mask)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_hold_addresses() {
        for (network, inside, outside) in [
            (
                "10.1.2.3",
                &["10.1.2.3", "::ffff:10.1.2.3"][..],
                &["10.1.2.4", "::10.1.2.3"][..],
            ),
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255"],
                &["11.0.0.0", "9.255.255.255", "::a00:1"],
            ),
            ("10.9.9.9/8", &["10.1.1.1"], &["11.9.9.9"]),
            ("10.0.0.0/255.0.0.0", &["10.1.1.1"], &["11.0.0.0"]),
            (
                "10.0.0.128/255.255.255.128",
                &["10.0.0.200"],
                &["10.0.0.100"],
            ),
            ("10.0.0.7/255.0.0.255", &["10.1.1.7"], &["10.1.1.8"]),
            ("192.168.1.2/32", &["192.168.1.2"], &["192.168.1.3"]),
            ("0.0.0.0/0", &["1.2.3.4", "255.255.255.255"], &["::1"]),
            ("::1", &["::1", "0:0:0:0:0:0:0:1"], &["::2", "0.0.0.1"]),
            (
                "2001:db8::/32",
                &["2001:db8::1", "2001:DB8:ffff::"],
                &["2001:db9::"],
            ),
            ("2001:db8::/33", &["2001:db8:7fff::"], &["2001:db8:8000::"]),
            ("::/0", &["::1", "ffff::"], &["1.2.3.4"]),
            ("::ffff:10.0.0.0/104", &["10.1.1.1"], &["11.0.0.1"]),
            ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
        ] {
            let parsed = Network::parse(network.as_bytes()).expect(network);
            let holds = |text: &&&str| parsed.contains(text.parse().unwrap());
            assert_eq!(
                inside.iter().filter(holds).count(),
                inside.len(),
                "{network}"
            );
            assert_eq!(outside.iter().find(holds), None, "{network}");
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            " ",
            "/",
            "/8",
            "localhost",
            "proxy.test",
            "10",
            "10.1",
            "10.0.0.256",
            "10.0.0.0.0",
            "010.0.0.1",
            "10.0.0.1 ",
            " 10.0.0.1",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8x",
            "10.0.0.0/8/8",
            "10.0.0.0/0x8",
            "10.0.0.0/255.0.0",
            "10.0.0.0/ffff::",
            "10.0.0.0/0000008",
            "0x0a000001",
            "167772161",
            "::/129",
            "::/255.0.0.0",
            ":::",
            "1::2::3",
            "fe80::1%eth0",
            "[::1]",
            "10.0.0.1:80",
            "*",
            "10.0.0.*",
            "10.0.0.1,10.0.0.2",
            "10.0.0.1\0",
        ] {
            assert_eq!(Network::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Network::parse(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn a_prefix_is_its_dotted_mask(bits: u32, length in 0_u32..=32, other: u32) {
            let (network, other) = (Ipv4Addr::from(bits), IpAddr::from(Ipv4Addr::from(other)));
            let mask = Ipv4Addr::from(u32::MAX.checked_shl(32 - length).unwrap_or(0));
            let by_length = Network::parse(format!("{network}/{length}").as_bytes()).unwrap();
            let by_mask = Network::parse(format!("{network}/{mask}").as_bytes()).unwrap();
            prop_assert_eq!(by_length, by_mask);
            let masked = |address: u32| address & u32::from(mask);
            let IpAddr::V4(number) = other else { unreachable!() };
            prop_assert_eq!(by_length.contains(other), masked(number.into()) == masked(bits));
        }

        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = Network::parse(&text);
            let _ = address(&text);
        }
    }
}
