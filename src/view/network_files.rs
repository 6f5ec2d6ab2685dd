//! What files of the examiner say of networks, and on what that rests.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::route::{Place, Places};
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::types::time::rfc3339;

use super::ViewError;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 2 << 30;

/// What a database says of an address, with the number of the database.
pub type NetworkHit = (usize, Place);

/// Databases of networks, in the order given.
#[derive(Debug, Default)]
pub struct NetworkFiles {
    files: Vec<(String, Places)>,
}

impl NetworkFiles {
    /// What every answer by such a file needs beside it.
    pub const CAVEAT: &str = "A database says to whom a network was registered when it was built, not where a person was when a message was sent.";

    /// Opens the files.
    ///
    /// # Errors
    /// [`ViewError::NetworkFile`].
    pub fn open(paths: &[PathBuf]) -> Result<Self, ViewError> {
        let mut files = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let failed = |what: String| ViewError::NetworkFile { name: name.clone(), what, is_format: false };
            let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
            if size > MAX_FILE {
                return Err(failed(format!("{size} bytes are more than are read")));
            }
            let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let places = Places::read(bytes).map_err(|error| {
                let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let what = format!("{error}: {why}");
                ViewError::NetworkFile { name: name.clone(), what, is_format: true }
            })?;
            files.push((name, places));
        }
        Ok(Self { files })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The names of the files, and what was read from them.
    pub fn files(&self) -> &[(String, Places)] {
        &self.files
    }

    /// What each database says of an address.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn find(&self, ip: IpAddr) -> Result<Vec<NetworkHit>, ViewError> {
        let mut out = Vec::new();
        for (number, (name, places)) in self.files.iter().enumerate() {
            let found = places.find(ip).map_err(|error| ViewError::NetworkRecord {
                name: name.into(),
                ip,
                what: error.to_string(),
            })?;
            out.extend(found.map(|place| (number, place)));
        }
        Ok(out)
    }

    /// The same in one line, made safe to show; empty when none says anything.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn line(&self, ip: IpAddr) -> Result<String, ViewError> {
        let said = self.find(ip)?;
        let lines: Vec<String> =
            said.iter().map(|(_, place)| format!("{} ({})", shown(&place.line()), place.network)).collect();
        Ok(lines.join("; "))
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
pub(super) fn write_places(o: &mut Obj<'_>, said: &[NetworkHit]) {
    o.arr("places", said, |out, (number, place)| {
        let mut o = Obj::new(out);
        o.opt_uint("asn", place.asn).opt_str("city", place.city.as_deref());
        o.opt_str("country", place.country.as_deref()).uint("database", *number as u64);
        o.str("network", &place.network).opt_str("organisation", place.organisation.as_deref());
        o.opt_str("region", place.region.as_deref());
        o.end();
    });
}
