//! The names of the servers on the way of one message, oldest first: `mailtrail.path/1`.

use std::net::IpAddr;

use crate::types::json::{self, Obj};

use super::ViewError;
use super::network_files::{NetworkFiles, write_places};
use super::way::WayView;

/// The stops of a message, oldest first: its first client, then each server by the name it gave itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    /// The item.
    pub item: String,
    /// The stops, made safe to show.
    pub names: Vec<String>,
    /// For each stop but the newest the address that the server after it saw; nobody saw the newest.
    pub seen: Vec<Option<IpAddr>>,
}

impl PathView {
    /// The stops of a way.
    pub fn of(way: &WayView) -> Self {
        let hops = &way.facts.hops;
        let mut names: Vec<String> = Vec::new();
        if let Some(oldest) = hops.last() {
            names.push(way.client(oldest));
        }
        names.extend(hops.iter().rev().map(|hop| way.text(hop.by).unwrap_or_else(|| "?".to_owned())));
        let seen = hops.iter().rev().map(|hop| hop.peer_ip).collect();
        Self { item: way.item.clone(), names, seen }
    }

    /// The object `mailtrail.path/1`, with what files say of the networks.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn to_json(&self, networks: &NetworkFiles) -> Result<Vec<u8>, ViewError> {
        let said = self.seen.iter().map(|ip| ip.map_or_else(|| Ok(Vec::new()), |ip| networks.find(ip)));
        let said = said.collect::<Result<Vec<_>, _>>()?;
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        if !networks.is_empty() {
            networks.write_sources(&mut o);
        }
        o.str("item", &self.item).arr("path", &self.names, |out, name| json::string(out, name));
        o.str("schema", "mailtrail.path/1");
        if !networks.is_empty() {
            o.arr("seen", self.seen.iter().zip(&said), |out, (ip, said)| {
                let mut o = Obj::new(out);
                o.opt_str("ip", ip.map(|ip| ip.to_string()).as_deref());
                write_places(&mut o, said);
                o.end();
            });
        }
        o.end();
        Ok(out)
    }
}
