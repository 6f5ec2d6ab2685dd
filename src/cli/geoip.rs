//! `--geoip`: what files of the examiner say of networks, and on what that rests.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::route::{Place, Places};
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::types::time::rfc3339;

use super::failure::Failure;
use super::output::Out;
use super::table::{grouped, pad};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 2 << 30;

/// What every answer by such a file needs beside it.
const CAVEAT: &str = "A database says to whom a network was registered when it was built, not where a person was when a message was sent.";

/// The databases of a command, in the order given.
#[derive(Default)]
pub(super) struct Geo {
    files: Vec<(String, Places)>,
}

impl Geo {
    /// Opens the files.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let failed = |what: String| Failure::new(format!("{}: {what}", shown(&name)));
            let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
            if size > MAX_FILE {
                return Err(failed(format!("{} bytes are more than are read", grouped(size))));
            }
            let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let places = Places::read(bytes).map_err(|error| {
                let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                failed(format!("{error}: {}", shown(&why)))
                    .hint("--geoip takes files in the MaxMind DB format (.mmdb)")
            })?;
            files.push((name, places));
        }
        Ok(Self { files })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What each database says of an address, with the number of the database.
    pub(super) fn find(&self, ip: IpAddr) -> Result<Vec<(usize, Place)>, Failure> {
        let mut out = Vec::new();
        for (number, (name, places)) in self.files.iter().enumerate() {
            let found = places.find(ip).map_err(|error| {
                Failure::new(format!("{}: the record of {ip} cannot be read: {error}", shown(name)))
            })?;
            out.extend(found.map(|place| (number, place)));
        }
        Ok(out)
    }

    /// The same in one line; empty when none says anything.
    pub(super) fn line(&self, ip: IpAddr) -> Result<String, Failure> {
        let said = self.find(ip)?;
        let lines: Vec<String> =
            said.iter().map(|(_, place)| format!("{} ({})", shown(&place.line()), place.network)).collect();
        Ok(lines.join("; "))
    }

    /// The databases and the caveat.
    pub(super) fn sources(&self, out: &mut Out) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Ok(());
        }
        out.line("")?;
        out.line("Networks, by files given with --geoip")?;
        for (name, places) in &self.files {
            let built = places.built.map_or_else(|| "at a time that is none".to_owned(), rfc3339);
            out.line(&format!("  {}built {built}, {}", pad(&shown(&places.kind), 24), shown(name)))?;
            out.line(&format!("  {}sha256 {}", pad("", 24), places.sha256))?;
        }
        out.line(&format!("  {CAVEAT}"))?;
        Ok(())
    }

    /// The databases as objects.
    pub(super) fn write_sources(&self, o: &mut Obj<'_>) {
        o.arr("databases", &self.files, |out, (name, places)| {
            let mut o = Obj::new(out);
            o.opt_str("built", places.built.map(rfc3339).as_deref()).str("file", name);
            o.str("kind", &places.kind).digest("sha256", &places.sha256);
            o.end();
        });
    }
}

/// What databases say of an address, as objects.
pub(super) fn write_places(o: &mut Obj<'_>, said: &[(usize, Place)]) {
    o.arr("places", said, |out, (number, place)| {
        let mut o = Obj::new(out);
        o.opt_uint("asn", place.asn).opt_str("city", place.city.as_deref());
        o.opt_str("country", place.country.as_deref()).uint("database", *number as u64);
        o.str("network", &place.network).opt_str("organisation", place.organisation.as_deref());
        o.opt_str("region", place.region.as_deref());
        o.end();
    });
}
