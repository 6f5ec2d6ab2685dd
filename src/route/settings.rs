//! What the examiner knows of the recipient's side.

use super::networks::Networks;
use crate::types::time::UtcMs;

/// The recipient's servers and networks. A setting of the case, recorded in its custody log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names of the recipient's own servers, lower case; a name stands for itself and all names below it.
    pub own_hosts: Vec<String>,
    /// The recipient's own networks.
    pub own_networks: Networks,
    /// Networks of servers at which the recipient's users hand in mail: whatever came to them came from a user.
    pub submission_networks: Networks,
    /// Whether a peer that signed in at one of the recipient's servers is one of its own.
    pub signed_in_is_own: bool,
    /// Hops with a peer, counted from the newest, that are the recipient's whatever they are called.
    pub own_newest: usize,
    /// Whether the addresses for examples in texts (RFC 5737, RFC 3849) stand for real ones, as in teaching material.
    pub teaching_addresses: bool,
    /// When the mail was seized: nothing can be younger. `None` when not known.
    pub acquired: Option<UtcMs>,
    /// Networks that the setting names and that could not be read: they count for nothing, and whoever shows the
    /// settings says so.
    pub unread: Vec<String>,
}

impl Settings {
    /// Whether the examiner named anything of the recipient's side.
    pub fn is_named(&self) -> bool {
        !self.own_hosts.is_empty() || !self.own_networks.is_empty() || self.own_newest > 0
    }

    /// Whether a server's name, in lower case, is one of the recipient's.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.own_hosts.iter().any(|own| {
            host.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}
