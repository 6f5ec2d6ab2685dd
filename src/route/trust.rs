//! The boundary between what the recipient's servers saw and what the sender's side says.

use super::names::{are_kin, is_bare, provider};
use super::settings::Settings;
use super::{Mail, has_peer};
use crate::parse::received::{Auth, Grade, Hop, HopClass, IpScope, Rdns};

/// Who stands behind a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// Written by a server of the recipient about another of its servers.
    Attested,
    /// Written by a server of the recipient about a client outside: peer address, port, time and reverse name are
    /// attested, the name that the client called itself is not.
    Boundary,
    /// The sender's claim that something of the case bears out.
    Corroborated,
    /// The sender's claim.
    Claimed,
    /// The sender's claim that a signature or a log says otherwise. A rule's finding only disputes a claim: see
    /// [`super::Step`].
    Contradicted,
}

impl Trust {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Attested, Self::Boundary, Self::Corroborated, Self::Claimed, Self::Contradicted];

    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Boundary => "boundary",
            Self::Corroborated => "corroborated",
            Self::Claimed => "claimed",
            Self::Contradicted => "contradicted",
        }
    }
}

/// On what the boundary rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The examiner's settings.
    Settings,
    /// No setting names the newest hop's server: taken as the recipient's because it wrote last, with all of its
    /// organisation.
    NewestHop,
    /// There is no hop to begin with.
    None,
}

impl Basis {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::NewestHop => "newest-hop",
            Self::None => "none",
        }
    }
}

/// The boundary of one message.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) trust: Vec<Trust>,
    pub(super) boundary: Option<usize>,
    pub(super) basis: Basis,
}

/// Whether a hop is one that no walk counts: nothing in it says from whom.
fn is_mute(hop: &Hop) -> bool {
    hop.grade == Grade::Unparsed || (hop.from.is_none() && !has_peer(hop) && hop.by.is_none())
}

/// Whether it was handed over by LMTP (RFC 2033), also inside of a machine.
fn is_lmtp(hop: &Hop) -> bool {
    hop.protocol.contains("LMTP")
}

/// For each hop, why it is trusted so far and no further.
pub(super) fn because<'a>(drawn: &'a Drawn, hops: &'a [Hop]) -> impl Iterator<Item = &'static str> + 'a {
    let by_settings = drawn.basis == Basis::Settings;
    drawn.trust.iter().zip(hops).map(move |(trust, hop)| match trust {
        Trust::Attested if is_lmtp(hop) => "a server of the recipient handed it to its store (LMTP)",
        Trust::Attested if by_settings => "written by a server that the settings name, about another of the recipient's machines",
        Trust::Attested => "written by the server of the newest hop or one of its organisation, about another of its machines",
        Trust::Boundary if by_settings => {
            "written by a server that the settings name, about a client outside: address, port, time and reverse name are what it saw, the HELO is the client's word"
        }
        Trust::Boundary => {
            "written by the server of the newest hop, which no setting names, about a client outside: address, port, time and reverse name are what it saw, the HELO is the client's word"
        }
        Trust::Corroborated => "below the boundary, borne out by something of the case",
        Trust::Claimed => "below the boundary: the sender's side says so, and nobody else",
        Trust::Contradicted => "below the boundary, and a signature or log says otherwise",
    })
}

/// Servers that count as the recipient's.
struct Own<'a> {
    settings: &'a Settings,
    /// Organisation and provider of the newest server, when settings do not name it.
    newest: Option<String>,
}

impl Own<'_> {
    fn is_server(&self, mail: &Mail<'_>, hop: &Hop) -> bool {
        let by = mail.lower(hop.by);
        if self.settings.is_own_host(&by) || hop.by_ip.is_some_and(|ip| self.settings.own_networks.holds(ip))
        {
            return true;
        }
        match &self.newest {
            Some(newest) => is_bare(&by) || are_kin(newest, &by),
            None => is_bare(&by),
        }
    }

    /// Whether the peer that a hop names is one of the recipient's machines, so that the walk goes on below it.
    fn is_peer(&self, mail: &Mail<'_>, hop: &Hop) -> bool {
        if matches!(hop.peer_scope, IpScope::Loopback | IpScope::Private | IpScope::LinkLocal)
            || hop.peer_ip.is_some_and(|ip| self.settings.own_networks.holds(ip))
        {
            return true;
        }
        if matches!(
            hop.class,
            HopClass::LocalSubmission | HopClass::FilterLoop | HopClass::List | HopClass::Resubmission
        ) && !has_peer(hop)
        {
            return true;
        }
        if hop.auth != Auth::None && self.settings.signed_in_is_own {
            return true;
        }
        // LMTP is how a server hands to a store (RFC 2033), from whatever address: no client from outside ever speaks
        // it.
        if is_lmtp(hop) {
            return true;
        }
        // A name that the server looked up counts before the one that the client called itself, which anybody can
        // choose.
        let name = match hop.rdns_state {
            Rdns::Found => mail.lower(hop.rdns),
            // Where nobody looked up, the name is the client's word: it counts only inside of a provider, and of what a
            // filter beside the server says, which no client from outside speaks to.
            Rdns::NotTold
                if !has_peer(hop)
                    || matches!(hop.class, HopClass::InternalProvider | HopClass::FilterLoop) =>
            {
                mail.lower(hop.from)
            }
            Rdns::NotTold | Rdns::None | Rdns::Forged => String::new(),
        };
        let is_inside = hop.class == HopClass::InternalProvider || !has_peer(hop);
        let is_own = !is_bare(&name)
            && (self.settings.is_own_host(&name)
                || is_inside
                    && self
                        .newest
                        .as_ref()
                        .is_some_and(|newest| provider(newest).is_some() && are_kin(newest, &name)));
        is_own || !has_peer(hop) && hop.from.is_none()
    }
}

/// By whom the next older hop has to be written: the peer that the last one named.
struct Through {
    /// Its names, in lower case.
    names: Vec<String>,
    /// It may be the same machine, or one beside it.
    on_machine: bool,
    /// Its address is in one of the recipient's networks: whatever it calls itself, it wrote the next hop.
    by_network: bool,
}

/// Walks from the newest hop to the oldest and draws the line.
pub(super) fn draw(mail: &Mail<'_>, settings: &Settings) -> Drawn {
    let hops = &mail.facts.hops;
    let mut drawn = Drawn { trust: vec![Trust::Claimed; hops.len()], boundary: None, basis: Basis::None };
    let counts = |hop: &Hop| hop.class != HopClass::Fetch && !is_mute(hop);
    let Some((first, newest)) = hops.iter().enumerate().find(|(_, hop)| counts(hop)) else {
        return drawn;
    };
    let mut own = Own { settings, newest: None };
    let by = mail.lower(newest.by);
    drawn.basis = Basis::Settings;
    if !settings.is_named() || !(is_bare(&by) || own.is_server(mail, newest)) {
        drawn.basis = Basis::NewestHop;
        own.newest = Some(by);
    }
    // What stands above the newest hop with a server was written by the recipient's programs: it fetched or handed
    // over.
    for trust in drawn.trust.iter_mut().take(first) {
        *trust = Trust::Attested;
    }
    let mut seen = 0;
    let mut through: Option<Through> = None;
    for (at, hop) in hops.iter().enumerate().skip(first) {
        if is_mute(hop) || hop.class == HopClass::Fetch {
            continue;
        }
        let is_counted = seen < settings.own_newest;
        if let Some(through) = &through {
            let by = mail.lower(hop.by);
            // A filter's own hop between a server and the one it names; it neither proves nor breaks anything.
            let is_named = |later: &Hop| through.names.contains(&mail.lower(later.by));
            if is_bare(&by) && !through.on_machine && hops.iter().skip(at).skip(1).any(is_named) {
                continue;
            }
            let fits = (settings.own_newest > 0 && seen <= settings.own_newest)
                || through.by_network
                || own.is_server(mail, hop)
                    && (through.on_machine
                        || !is_bare(&by)
                        || through.names.iter().any(|name| are_kin(name, &by)));
            if !fits {
                break;
            }
        }
        seen += usize::from(has_peer(hop));
        // What was handed to a store is never where the message came in.
        if !is_lmtp(hop) {
            drawn.boundary = Some(at);
        }
        if let Some(trust) = drawn.trust.get_mut(at) {
            *trust = Trust::Attested;
        }
        if !(own.is_peer(mail, hop) || is_counted) {
            break;
        }
        let inner = [IpScope::Loopback, IpScope::Private, IpScope::LinkLocal, IpScope::None];
        through = Some(Through {
            names: [hop.from, hop.rdns].into_iter().map(|n| mail.lower(n)).filter(|n| !is_bare(n)).collect(),
            on_machine: inner.contains(&hop.peer_scope) || is_lmtp(hop),
            by_network: hop.peer_ip.is_some_and(|ip| settings.own_networks.holds(ip))
                || hop.auth != Auth::None && settings.signed_in_is_own,
        });
    }
    if let Some(trust) = drawn.boundary.and_then(|at| drawn.trust.get_mut(at)) {
        *trust = Trust::Boundary;
    }
    drawn
}
