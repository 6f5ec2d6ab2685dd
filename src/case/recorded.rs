//! The catalog of a case, refused when it tells of sources that the record does not have.

use std::collections::BTreeSet;
use std::path::Path;

use crate::catalog::Catalog;
use crate::store::Reader;

use super::CaseError;

/// Opens the catalog of the case in `dir`, to be shown.
///
/// # Errors
/// [`CaseError::Unrecorded`]; [`CaseError::Store`] and [`CaseError::Catalog`] when one of the two cannot be read.
pub fn recorded_catalog(dir: &Path) -> Result<Catalog, CaseError> {
    let catalog = Catalog::open(&Reader::open(dir)?.layout().catalog())?;
    // A writer may have begun a source meanwhile. What the catalog has was in the record before: so that is read after.
    let known: BTreeSet<u32> = Reader::open(dir)?.segment_numbers()?.into_iter().collect();
    match catalog.sources().iter().filter(|source| !known.contains(&source.segment)).count() {
        0 => Ok(catalog),
        sources => Err(CaseError::Unrecorded { sources }),
    }
}
