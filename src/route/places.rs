//! Whose an address is by a file that the examiner brings (`.mmdb`); nothing is ever asked of a network.
//!
//! Such a file says to whom a network was registered, and where that registrant puts it, on the day it was built. It
//! does not say where a person was when a message was sent: providers move addresses, machines stand elsewhere, people
//! use other people's machines.

use std::net::IpAddr;

use maxminddb::Reader;

use crate::types::Sha256Digest;
use crate::types::json::Value;
use crate::types::time::UtcMs;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlacesError {
    /// It is no database, or a damaged one.
    #[error("this is no MaxMind DB file that can be read")]
    Read(#[source] maxminddb::MaxMindDbError),
}

/// A database of networks.
#[derive(Debug)]
pub struct Places {
    reader: Reader<Vec<u8>>,
    /// What it calls itself, such as `GeoLite2-ASN`.
    pub kind: String,
    /// When it was built, by its own word; `None` when that is no time.
    pub built: Option<UtcMs>,
    /// The digest of the file.
    pub sha256: Sha256Digest,
}

/// What a database says of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The network in CIDR form for which it says so.
    pub network: String,
    /// The number of the autonomous system (RFC 6793).
    pub asn: Option<u64>,
    /// Whose network it is.
    pub organisation: Option<String>,
    /// Country, two letters.
    pub country: Option<String>,
    /// The largest subdivision.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
}

/// Longest text taken from a record, in characters.
const LONGEST: usize = 200;

impl Places {
    /// Opens a database.
    ///
    /// # Errors
    /// [`PlacesError::Read`] when the bytes are no database.
    pub fn read(bytes: Vec<u8>) -> Result<Self, PlacesError> {
        let sha256 = Sha256Digest::of(&bytes);
        let reader = Reader::from_source(bytes).map_err(PlacesError::Read)?;
        let kind = cut(&reader.metadata().database_type);
        let ms = i64::try_from(reader.metadata().build_epoch).ok().and_then(|secs| secs.checked_mul(1000));
        // Times of years beyond 9999 are no times of files.
        let built = ms.filter(|ms| *ms < 253_402_300_800_000).map(UtcMs);
        Ok(Self { reader, kind, built, sha256 })
    }

    /// What it says of an address; `None` when it says nothing.
    ///
    /// # Errors
    /// [`PlacesError::Read`] when the record is damaged.
    pub fn find(&self, ip: IpAddr) -> Result<Option<Place>, PlacesError> {
        // A database of IPv4 has no answer for IPv6; that is nothing said, not a fault.
        if ip.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let found = self.reader.lookup(ip.to_canonical()).map_err(PlacesError::Read)?;
        if !found.has_data() {
            return Ok(None);
        }
        let Some(record) = found.decode::<Value>().map_err(PlacesError::Read)? else { return Ok(None) };
        let network = found.network().map_err(PlacesError::Read)?.to_string();
        let place = Place { network, ..read(&record) };
        let is_empty = place == Place { network: place.network.clone(), ..Place::default() };
        Ok((!is_empty).then_some(place))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(cut).filter(|text| !text.is_empty())
}

/// The keys of the databases of `MaxMind` and DB-IP, and of those that hold plain texts, as those of `IPinfo`.
fn read(record: &Value) -> Place {
    let name = |value: Option<&Value>| {
        text(value)
            .or_else(|| text(value.and_then(|value| value.get("names")).and_then(|names| names.get("en"))))
    };
    let iso = |key: &str| text(record.get(key).and_then(|country| country.get("iso_code")));
    let number = |value: &Value| {
        let digits = |text: &str| text.strip_prefix("AS").unwrap_or(text).parse().ok();
        value.as_u64().or_else(|| value.as_str().and_then(digits))
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(record.get(*key)));
    Place {
        network: String::new(),
        asn: ["autonomous_system_number", "asn"].iter().find_map(|key| record.get(*key).and_then(number)),
        organisation: first(&["autonomous_system_organization", "as_name", "organization", "isp"]),
        country: iso("country")
            .or_else(|| iso("registered_country"))
            .or_else(|| first(&["country_code", "country"])),
        region: name(record.get("subdivisions").and_then(|list| list.get(0)))
            .or_else(|| name(record.get("region"))),
        city: name(record.get("city")),
    }
}

impl Place {
    /// The place in one line: `AS64500 Example Net; DE, Hesse, Frankfurt`. The texts are the file's own.
    pub fn line(&self) -> String {
        let asn = self.asn.map(|asn| format!("AS{asn}"));
        let whose: Vec<String> = asn.into_iter().chain(self.organisation.clone()).collect();
        let parts = [&self.country, &self.region, &self.city];
        let place: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let both = [whose.join(" "), place.join(", ")];
        both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}
