//! The catalog of a case, refused when it shows sources that the record does not have.

use std::collections::BTreeSet;
use std::path::Path;

use crate::catalog::Catalog;
use crate::store::Reader;

use super::exit::Exit;
use super::failure::Failure;

/// Opens the catalog of the case in `dir`.
pub(super) fn recorded_catalog(dir: &Path) -> Result<Catalog, Failure> {
    let catalog = Catalog::open(&Reader::open(dir)?.layout().catalog())?;
    // A writer may have begun a source since: what the catalog has is in the record before.
    let reader = Reader::open(dir)?;
    let known: BTreeSet<u32> = reader.segments()?.iter().map(|segment| segment.number).collect();
    let unknown = catalog.sources().iter().filter(|source| !known.contains(&source.segment)).count();
    if unknown == 0 {
        return Ok(catalog);
    }
    let sources = if unknown == 1 { "a source" } else { "sources" };
    let sentence = format!("the catalog holds {sources} that the record does not have: nothing is shown");
    let failure = Failure { exit: Exit::Mismatch, ..Failure::new(sentence) };
    Err(failure
        .hint("`mailtrail verify` names what differs; `mailtrail rebuild` makes catalog and index anew"))
}
