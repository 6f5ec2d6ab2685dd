//! Rules about what clients call themselves.

use super::{Names, Report, Way};
use crate::parse::received::{Auth, HopClass, IpScope, Rdns};
use crate::route::Trust;
use crate::route::names::{are_kin, is_bare, organisation, provider};

/// Names that many machines have.
const GENERIC: &[&str] = &[
    "localhost",
    "user",
    "friend",
    "ylmf-pc",
    "localhost.localdomain",
    "pc",
    "home",
    "desktop",
    "laptop",
    "admin",
    "computer",
];

fn is_inner(scope: IpScope) -> bool {
    matches!(scope, IpScope::Loopback | IpScope::Private | IpScope::LinkLocal | IpScope::None)
}

pub(super) fn helo_generic(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let name = &way.names(at).helo;
        let generic =
            GENERIC.contains(&name.as_str()) || name.starts_with("win-") || name.starts_with("desktop-");
        let bare = !name.is_empty() && !name.contains(['.', '[', ':']) && way.trust(at) == Trust::Boundary;
        if (generic || bare) && !is_inner(hop.peer_scope) && hop.auth == Auth::None {
            report.add(&[at], [hop.helo], "a name that tells nothing of the machine");
        }
    }
}

pub(super) fn helo_rdns(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let Names { helo, rdns, .. } = way.names(at);
        if hop.rdns_state == Rdns::Found
            && !is_bare(helo)
            && !is_bare(rdns)
            && organisation(helo) != organisation(rdns)
            && !is_inner(hop.peer_scope)
        {
            report.add(&[at], [hop.helo, hop.rdns], "two organisations");
        }
    }
}

pub(super) fn is_recipients(way: &Way<'_>, report: &mut Report<'_>) {
    let Some(at) = way.drawn.boundary else { return };
    let Some(hop) = way.hops().get(at) else { return };
    let Names { helo, by, rdns, .. } = way.names(at);
    if is_bare(helo) || is_inner(hop.peer_scope) || hop.auth != Auth::None || hop.class != HopClass::Network {
        return;
    }
    // Another server of the same organisation is no stranger: only the very name of the server, or one the examiner
    // named.
    let is_own = helo == by || way.settings.is_own_host(helo);
    let rdns_fits = hop.rdns_state == Rdns::Found && are_kin(rdns, helo);
    if is_own && !rdns_fits && hop.peer_ip != hop.by_ip {
        report.add(&[at], [hop.helo, hop.rdns.or(hop.peer_ip_at)], "the client gave this server's own name");
    }
}

pub(super) fn is_providers(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let Names { helo, rdns, by, .. } = way.names(at);
        let Some(claimed) = provider(helo) else { continue };
        // Inside of the provider's own network its machines go by any name.
        if is_inner(hop.peer_scope) || provider(by) == Some(claimed) {
            continue;
        }
        // The provider's customers' machines have reverse names of others; only what a server looked up speaks.
        if hop.rdns_state == Rdns::Found
            && !is_bare(rdns)
            && provider(rdns) != Some(claimed)
            && hop.auth == Auth::None
        {
            report.add(
                &[at],
                [hop.helo, hop.rdns],
                "the client gave a large provider's name; its reverse name is another's",
            );
        }
    }
}

pub(super) fn rdns_none(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.rdns_state == Rdns::None && !is_inner(hop.peer_scope)) {
        report.add(&[at], [hop.peer_ip_at], "no reverse name");
    }
}

pub(super) fn rdns_not_confirmed(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.rdns_state == Rdns::Forged) {
        report.add(&[at], [hop.rdns.or(hop.peer_ip_at)], "reverse and forward name do not fit");
    }
}
