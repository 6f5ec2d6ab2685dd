//! Lists of networks with exceptions.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::parse::received::{self, IpScope};

/// The address that a text is, brackets and `IPv6:` allowed; a mapped IPv4 address is given as IPv4.
pub(super) fn literal(text: &[u8]) -> Option<(IpAddr, IpScope)> {
    let ip = received::literal(text)?;
    Some((ip, IpScope::of(ip)))
}

/// A network in CIDR form (RFC 4632), or one address. IPv4 is kept in its mapped form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    bits: u32,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NetworkError {
    /// The text.
    pub text: String,
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(four) => u128::from(four.to_ipv6_mapped()),
        IpAddr::V6(six) => u128::from(six),
    }
}

fn mask(bits: u32) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - bits.min(128)) }
}

impl Network {
    /// Whether the address lies in it; a mapped IPv4 address counts as IPv4.
    pub fn holds(&self, ip: IpAddr) -> bool {
        number(ip) & mask(self.bits) == self.first
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError { text: text.to_owned() };
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) => (ip, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let ip: IpAddr = ip.trim_matches(['[', ']']).parse().map_err(|_| wrong())?;
        let (most, skip) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(wrong());
        }
        let bits = bits + skip;
        Ok(Self { first: number(ip) & mask(bits), bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let six = Ipv6Addr::from(self.first);
        match six.to_ipv4_mapped() {
            Some(four) if self.bits >= 96 => write!(f, "{four}/{}", self.bits - 96),
            _ => write!(f, "{six}/{}", self.bits),
        }
    }
}

/// Networks and exceptions; the first one that holds an address decides. An exception begins with `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    list: Vec<(Network, bool)>,
}

impl Networks {
    /// Adds `192.0.2.0/24` or `!192.0.2.9`.
    ///
    /// # Errors
    /// [`NetworkError`] when the text is neither.
    pub fn add(&mut self, text: &str) -> Result<(), NetworkError> {
        let (text, is_in) = text.strip_prefix('!').map_or((text, true), |rest| (rest, false));
        self.list.push((text.parse()?, is_in));
        Ok(())
    }

    /// Whether the first network that holds the address is no exception.
    pub fn holds(&self, ip: IpAddr) -> bool {
        self.list.iter().find(|(network, _)| network.holds(ip)).is_some_and(|(_, is_in)| *is_in)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The networks as they are written.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|(network, is_in)| format!("{}{network}", if *is_in { "" } else { "!" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_network_that_holds_an_address_decides() {
        let mut list = Networks::default();
        for text in ["!198.51.100.9", "198.51.100.0/24", "2001:db8:1::/48"] {
            list.add(text).unwrap();
        }
        let holds = |ip: &str| list.holds(ip.parse().unwrap());
        assert!(holds("198.51.100.8") && !holds("198.51.100.9") && holds("::ffff:198.51.100.7"));
        assert!(holds("2001:db8:1::5") && !holds("2001:db8:2::5") && !holds("::1"));
        assert_eq!(
            list.texts().collect::<Vec<_>>(),
            ["!198.51.100.9/32", "198.51.100.0/24", "2001:db8:1::/48"]
        );
        for wrong in ["198.51.100.0/33", "x", "", "1.2.3", "::/129", "1.2.3.4/-1"] {
            assert!(list.add(wrong).is_err(), "{wrong}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds("203.0.113.1".parse().unwrap()));
    }
}
