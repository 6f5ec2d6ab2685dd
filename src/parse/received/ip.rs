//! IP addresses as `Received` fields write them, and what kind of network they belong to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) ip: IpAddr,
    /// It was written as an IPv6 address that holds an IPv4 one (`::ffff:192.0.2.1`).
    pub(super) mapped: bool,
    pub(super) port: Option<u16>,
}

/// What a word is, as an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// An address.
    Address(Address),
    /// Made like one, but with a number that no address has.
    Invalid,
    /// Something else.
    No,
}

/// Reads an address: with or without brackets, the tag `IPv6:`, a zone (`%eth0`), and a port after `:` or `.`.
///
/// An octet over 255 or with a leading zero makes it invalid (RFC 5321 section 4.1.3); nothing is repaired. NUL bytes
/// are skipped.
pub(super) fn read(word: &[u8]) -> Reading {
    let Some(first) = word.first() else { return Reading::No };
    match first {
        b'[' | b'0'..=b'9' | b':' | b'i' | b'I' => {}
        b'a'..=b'f' | b'A'..=b'F' if memchr::memchr(b':', word).is_some() => {}
        _ => return Reading::No,
    }
    match read_clean(word, *first) {
        Reading::No if memchr::memchr(0, word).is_some() => without_nul(word),
        reading => reading,
    }
}

/// The address that a name is, in the forms in which clients and servers write one where a name would stand: with or
/// without brackets, the tag `IPv6:`, an IPv4 address within an IPv6 one, and with question marks in place of the
/// brackets, as qmail and Gmail write what they do not print. An address with a port is none.
pub fn literal(name: &[u8]) -> Option<IpAddr> {
    let inner = match name {
        [b'?', inner @ .., b'?'] | [b'[', inner @ .., b']'] => inner,
        _ => name,
    };
    match read(inner) {
        Reading::Address(Address { ip, port: None, .. }) => Some(ip),
        _ => None,
    }
}

fn without_nul(word: &[u8]) -> Reading {
    let mut clean = [0; 64];
    let mut len: usize = 0;
    for (slot, byte) in clean.iter_mut().zip(word.iter().filter(|b| **b != 0)) {
        *slot = *byte;
        len = len.saturating_add(1);
    }
    let clean = clean.get(..len).unwrap_or_default();
    clean.first().map_or(Reading::No, |first| read_clean(clean, *first))
}

fn read_clean(word: &[u8], first: u8) -> Reading {
    let (word, after) = if first == b'[' {
        let close = memchr::memrchr(b']', word).unwrap_or(word.len());
        (word.get(1..close).unwrap_or_default(), word.get(close.saturating_add(1)..).unwrap_or_default())
    } else {
        (word, &b""[..])
    };
    let word = word.trim_ascii();
    let word = match word.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case(b"ipv6:") => word.get(5..).unwrap_or_default(),
        _ => word,
    };
    let reading = if memchr::memchr(b':', word)
        .is_some_and(|at| memchr::memchr(b'.', word.get(..at).unwrap_or_default()).is_none())
    {
        v6(word)
    } else {
        v4(word)
    };
    match (reading, after.strip_prefix(b":").and_then(port)) {
        (Reading::Address(a), Some(port)) => Reading::Address(Address { port: Some(port), ..a }),
        (reading, _) => reading,
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn v4(word: &[u8]) -> Reading {
    if !word.first().is_some_and(u8::is_ascii_digit) {
        return Reading::No;
    }
    let (word, mut last) = match memchr::memchr(b':', word) {
        Some(colon) => {
            let after = word.get(colon.saturating_add(1)..).unwrap_or_default();
            let number = port(after);
            // SLMail: `192.0.2.1::mail daemon`
            if number.is_none() && after.first() != Some(&b':') {
                return Reading::No;
            }
            (word.get(..colon).unwrap_or_default(), number)
        }
        None => (word, None),
    };
    let mut octets = [0_u8; 4];
    let mut count: usize = 0;
    let mut valid = true;
    for part in word.split(|b| *b == b'.') {
        if part.is_empty() || part.len() > 5 || !part.iter().all(u8::is_ascii_digit) {
            return Reading::No;
        }
        let number = part
            .iter()
            .fold(0_u32, |n, d| n.saturating_mul(10).saturating_add(u32::from(d.wrapping_sub(b'0'))));
        match octets.get_mut(count) {
            Some(octet) => {
                let zeros = part.len() > 1 && part.first() == Some(&b'0');
                match u8::try_from(number) {
                    Ok(n) if !zeros => *octet = n,
                    _ => valid = false,
                }
            }
            // A fifth number is the port, as some servers write it.
            None if count == 4 && last.is_none() => match u16::try_from(number) {
                Ok(n) => last = Some(n),
                Err(_) => valid = false,
            },
            None => return Reading::No,
        }
        count = count.saturating_add(1);
    }
    if count < 4 {
        return Reading::No;
    }
    if !valid {
        return Reading::Invalid;
    }
    Reading::Address(Address { ip: IpAddr::V4(Ipv4Addr::from(octets)), mapped: false, port: last })
}

fn v6(word: &[u8]) -> Reading {
    let word = memchr::memchr(b'%', word).and_then(|zone| word.get(..zone)).unwrap_or(word);
    let hex = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    if word.len() < 2
        || word.len() > 46
        || !word.iter().all(hex)
        || memchr::memchr_iter(b':', word).count() < 2
    {
        return Reading::No;
    }
    let ip = std::str::from_utf8(word).ok().and_then(|text| text.parse::<Ipv6Addr>().ok());
    let Some(ip) = ip else { return Reading::Invalid };
    Reading::Address(match ip.to_ipv4_mapped() {
        Some(v4) => Address { ip: IpAddr::V4(v4), mapped: true, port: None },
        None => Address { ip: IpAddr::V6(ip), mapped: false, port: None },
    })
}

/// What an address may be used for (IANA special-purpose registries of 2026-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpScope {
    /// There is no address.
    #[default]
    None,
    /// Anybody's, on the Internet.
    Public,
    /// RFC 1918, and unique local IPv6 addresses (RFC 4193).
    Private,
    /// This machine.
    Loopback,
    /// One network segment (RFC 3927, RFC 4291).
    LinkLocal,
    /// Shared by customers of a provider (RFC 6598).
    Cgnat,
    /// For examples in texts (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// For tests of network equipment (RFC 2544, RFC 5180).
    Benchmark,
    /// Groups.
    Multicast,
    /// Not in use.
    Reserved,
    /// IPv6 over IPv4 (RFC 3056); the IPv4 address is in it.
    SixToFour,
    /// IPv6 through NAT (RFC 4380).
    Teredo,
}

impl IpScope {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Cgnat => "cgnat",
            Self::Documentation => "documentation",
            Self::Benchmark => "benchmark",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
            Self::SixToFour => "6to4",
            Self::Teredo => "teredo",
        }
    }

    /// The scope of an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [169, 254, ..] => Self::LinkLocal,
            [100, 64..=127, ..] => Self::Cgnat,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Self::Documentation,
            [198, 18..=19, ..] => Self::Benchmark,
            [224..=239, ..] => Self::Multicast,
            [0 | 240..=255, ..] | [192, 0, 0, _] => Self::Reserved,
            _ => Self::Public,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0x2001, 0, ..] => Self::Teredo,
            [0x2001, 2, 0, ..] => Self::Benchmark,
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Self::Documentation,
            [0x2002, ..] => Self::SixToFour,
            _ if is_global(ip) => Self::Public,
            [0xfc00..=0xfdff, ..] => Self::Private,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xff00..=0xffff, ..] => Self::Multicast,
            _ => Self::Reserved,
        }
    }
}

/// Global unicast (RFC 4291), or the well-known prefix of translated IPv4 addresses (RFC 6052).
fn is_global(ip: Ipv6Addr) -> bool {
    matches!(ip.segments(), [0x2000..=0x3fff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, ip: &str, port: Option<u16>, mapped: bool) {
        let expected = Address { ip: ip.parse().unwrap(), mapped, port };
        assert_eq!(read(word.as_bytes()), Reading::Address(expected), "{word}");
    }

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        check("192.0.2.1", "192.0.2.1", None, false);
        check("[192.0.2.1]", "192.0.2.1", None, false);
        check("[192.0.2.1]:25", "192.0.2.1", Some(25), false);
        check("192.0.2.1:2525", "192.0.2.1", Some(2525), false);
        check("[10.225.209.19:33672]", "10.225.209.19", Some(33672), false);
        check("[192.0.2.1.63559]", "192.0.2.1", Some(63559), false);
        check("[IPv6:2001:db8::1]", "2001:db8::1", None, false);
        check("[::ffff:192.0.2.1]", "192.0.2.1", None, true);
        check("fe80::1%eth0", "fe80::1", None, false);
        check("[1\u{0}92.0.2.1]", "192.0.2.1", None, false);
        check("::1", "::1", None, false);
        for invalid in ["192.0.2.300", "[192.0.02.1]", "999.1.1.1", "2001:db8::1::2"] {
            assert_eq!(read(invalid.as_bytes()), Reading::Invalid, "{invalid}");
        }
        for no in
            ["", "mx.example", "8.11.6", "1.2.3.4.5.6", "12:34", "[?.?.?.?]", "[unix", "1.2.3.4/8", "1.2.3.x"]
        {
            assert_eq!(read(no.as_bytes()), Reading::No, "{no}");
        }
    }

    #[test]
    fn a_name_that_is_an_address_is_one_however_it_is_marked() {
        for name in [
            "192.168.1.77",
            "[192.168.1.77]",
            "?192.168.1.77?",
            "?IPv6:::ffff:192.168.1.77?",
            "[::FFFF:192.168.1.77]",
        ] {
            assert_eq!(literal(name.as_bytes()), Some("192.168.1.77".parse().unwrap()), "{name}");
        }
        assert_eq!(literal(b"?IPv6:2001:DB8:0::1?"), Some("2001:db8::1".parse().unwrap()));
        for no in
            ["", "?", "??", "mx.example", "?mx.example?", "192.168.1", "192.168.1.77:25", "192.168.1.377"]
        {
            assert_eq!(literal(no.as_bytes()), None, "{no}");
        }
    }

    #[test]
    fn every_address_has_one_scope() {
        for (ip, scope) in [
            ("8.8.8.8", "public"),
            ("172.31.0.1", "private"),
            ("172.32.0.1", "public"),
            ("100.127.0.1", "cgnat"),
            ("198.19.0.1", "benchmark"),
            ("203.0.113.9", "documentation"),
            ("255.255.255.255", "reserved"),
            ("0.0.0.0", "reserved"),
            ("::1", "loopback"),
            ("2001:db8::1", "documentation"),
            ("2a01::1", "public"),
            ("2002:a05::1", "6to4"),
            ("fd00::1", "private"),
            ("fe80::1", "link-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(IpScope::of(ip.parse().unwrap()).code(), scope, "{ip}");
        }
    }
}
