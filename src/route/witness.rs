//! What of a message a server of the recipient wrote or saw. Only this is ever learned from many messages.
//!
//! Whoever writes a message writes all hops below the boundary, so they teach nothing about other messages: else a
//! forger could set a relay's clock and then look punctual. What counts is what an attested server wrote of itself, and
//! of the next hop only when its writer is the machine that the attested server saw, by address or reverse name. What
//! the client called itself (HELO) is the client's word and counts for nothing.

use std::net::IpAddr;

use super::Settings;
use super::names::{is_bare, relay_name};
use crate::parse::received::{HopClass, IpScope, Rdns, literal};

/// One hop, as far as it takes to know who wrote it. Names as they stand in the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct HopWriter<'a> {
    /// The server's own name.
    pub by: &'a [u8],
    /// Its own address, as it says.
    pub by_ip: Option<IpAddr>,
    /// The reverse name that it found; empty for none, or one that leads elsewhere.
    pub rdns: &'a [u8],
    /// The address that it saw.
    pub peer_ip: Option<IpAddr>,
    /// Code of [`HopClass`].
    pub class: &'a str,
    /// Code of the grade.
    pub grade: &'a str,
    /// Whether there is a first token after `from`.
    pub has_from: bool,
}

/// Who stands behind what a hop says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Witness {
    /// A server of the recipient wrote it.
    Own,
    /// The machine that a server of the recipient saw, by its address or reverse name, says of itself that it wrote it.
    Seen,
    /// Nobody but the message itself.
    #[default]
    Claimed,
}

impl Witness {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "attested",
            Self::Seen => "seen",
            Self::Claimed => "claimed",
        }
    }
}

/// The reverse name of a look-up with this code, where it counts.
pub fn found_name<'a>(rdns: Option<&'a [u8]>, state: &str) -> &'a [u8] {
    rdns.filter(|_| state == Rdns::Found.code()).unwrap_or_default()
}

/// Who stands behind each hop, newest first.
///
/// `proven` is a server that the container itself proves to be the recipient's: the host of the account from which the
/// message was acquired. Without it and without settings that name hosts or networks, every hop is a claim.
pub fn witnesses(hops: &[HopWriter<'_>], settings: &Settings, proven: Option<&str>) -> Vec<Witness> {
    let mut out = vec![Witness::Claimed; hops.len()];
    let text = |name: &[u8]| String::from_utf8_lossy(&relay_name(name)).into_owned();
    let is_own_name = |name: &str| {
        !name.is_empty() && (settings.is_own_host(name) || proven.is_some_and(|host| host == name))
    };
    let in_network = |ip: Option<IpAddr>| ip.is_some_and(|ip| settings.own_networks.holds(ip));
    let is_mute = |hop: &HopWriter<'_>| {
        hop.class == HopClass::Fetch.code()
            || hop.grade == "unparsed"
            || hop.by.is_empty() && !hop.has_from && hop.peer_ip.is_none()
    };
    let mut counted = 0usize;
    let mut rest = hops.iter().enumerate().filter(|(_, hop)| !is_mute(hop)).peekable();
    while let Some((at, hop)) = rest.next() {
        let by = text(hop.by);
        let is_own = is_own_name(&by) || in_network(hop.by_ip) || counted < settings.own_newest;
        let is_inside = hop
            .peer_ip
            .map_or(hop.class != HopClass::Network.code(), |ip| is_inner(ip) || in_network(Some(ip)))
            || is_own_name(&text(hop.rdns));
        if !(is_own || is_bare(&by) && is_inside) {
            return out;
        }
        counted += usize::from(hop.peer_ip.is_some());
        if let Some(witness) = out.get_mut(at).filter(|_| is_own) {
            *witness = Witness::Own;
        }
        if is_inside || is_own && counted < settings.own_newest {
            continue;
        }
        // The boundary: the next hop is that of the machine which was seen, if it says so of itself.
        if let Some((next, older)) = rest.peek().filter(|_| is_own)
            && !older.by.is_empty()
        {
            let same_name = !hop.rdns.is_empty() && relay_name(hop.rdns) == relay_name(older.by);
            let same_ip = hop.peer_ip.is_some() && literal(older.by) == hop.peer_ip;
            if let Some(witness) = out.get_mut(*next).filter(|_| same_name || same_ip) {
                *witness = Witness::Seen;
            }
        }
        return out;
    }
    out
}

fn is_inner(ip: IpAddr) -> bool {
    matches!(IpScope::of(ip), IpScope::Loopback | IpScope::Private | IpScope::LinkLocal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop<'a>(by: &'a str, rdns: &'a str, ip: &str) -> HopWriter<'a> {
        HopWriter {
            by: by.as_bytes(),
            rdns: rdns.as_bytes(),
            peer_ip: ip.parse().ok(),
            class: "network",
            grade: "exact",
            has_from: true,
            by_ip: None,
        }
    }

    #[test]
    fn only_what_an_own_server_wrote_or_saw_is_witnessed() {
        let settings = Settings { own_hosts: vec!["own.example".to_owned()], ..Settings::default() };
        let codes = |hops: &[HopWriter<'_>], settings: &Settings, proven: Option<&str>| -> Vec<&str> {
            witnesses(hops, settings, proven).into_iter().map(Witness::code).collect()
        };
        let store = hop("store.own.example", "mx.own.example", "10.0.0.2");
        let honest = [
            store,
            hop("MX.own.example.", "smtp.bank.example", "192.0.2.9"),
            hop("smtp.bank.example", "pc", "192.0.2.1"),
            hop("x", "", ""),
        ];
        assert_eq!(codes(&honest, &settings, None), ["attested", "attested", "seen", "claimed"]);
        // A stranger who only calls himself by the name, or whose next hop is another's.
        let forged = [
            store,
            hop("mx.own.example", "vps.evil.example", "192.0.2.66"),
            hop("smtp.bank.example", "pc", "192.0.2.1"),
        ];
        assert_eq!(codes(&forged, &settings, None), ["attested", "attested", "claimed"]);
        let inside = [hop("mx.own.example", "", "192.0.2.66"), hop("store.own.example", "", "10.0.0.2")];
        assert_eq!(
            codes(&inside, &settings, None),
            ["attested", "claimed"],
            "a name of ours below the boundary"
        );
        let address = [hop("mx.own.example", "", "192.0.2.66"), hop("[192.0.2.66]", "", "10.0.0.2")];
        assert_eq!(codes(&address, &settings, None), ["attested", "seen"]);
        // Nothing is named: nothing is known, unless the container proves it.
        assert_eq!(codes(&honest, &Settings::default(), None), ["claimed"; 4]);
        assert_eq!(
            codes(&honest[1..], &Settings::default(), Some("mx.own.example")),
            ["attested", "seen", "claimed"]
        );
        assert_eq!(codes(&honest[1..], &Settings::default(), Some("own.example")), ["claimed"; 3]);
    }
}
