//! What the sources of a case are called, from the custody log, and what of them is not in the case.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, CatalogError};
use crate::store::{Reader, StoreError};
use crate::types::CustodyEvent;

/// Places and labels under which a source was given, each once, in the order of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceNames {
    /// Paths as given, or the URL of an account.
    pub places: Vec<String>,
    /// Exhibit labels.
    pub labels: Vec<String>,
}

/// The names of each segment of the ledger. A source that was given again has the names of every time.
///
/// # Errors
/// [`StoreError`] when custody log or ledger cannot be read.
pub fn source_names(reader: &Reader) -> Result<BTreeMap<u32, SourceNames>, StoreError> {
    let mut names: BTreeMap<u32, SourceNames> = BTreeMap::new();
    // A source that is seen again is named by its id.
    let mut again = Vec::new();
    let mut add = |segment: u32, place: String, label: Option<String>| {
        let of = names.entry(segment).or_default();
        for (list, name) in [(&mut of.places, Some(place)), (&mut of.labels, label)] {
            list.extend(name.filter(|name| !list.contains(name)));
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for event in reader.custody()? {
        // What cannot be read is a finding of `verify`.
        match event?.1.read() {
            Ok(CustodyEvent::SourceBegun { naming, segment, .. }) => {
                add(segment, text(&naming.path), naming.label);
            }
            Ok(CustodyEvent::SourceSeenAgain { naming, source }) => {
                again.push((source, text(&naming.path), naming.label));
            }
            // Of an account the last event of a run names its segment.
            Ok(CustodyEvent::AccountAcquired(run) | CustodyEvent::AccountStopped(run)) => {
                if let Some(segment) = run.segment {
                    add(segment, run.url, run.label);
                }
            }
            _ => {}
        }
    }
    if !again.is_empty() {
        let segments = reader.segments()?;
        for (source, place, label) in again {
            let of = segments.iter().filter(|segment| segment.source() == source);
            of.for_each(|segment| add(segment.number, place.clone(), label.clone()));
        }
    }
    Ok(names)
}

/// Labels of segments, for `source:`.
pub(super) fn labels(reader: &Reader) -> Result<Vec<(u32, String)>, StoreError> {
    let names = source_names(reader)?.into_iter();
    Ok(names.flat_map(|(segment, of)| of.labels.into_iter().map(move |label| (segment, label))).collect())
}

/// How many files of all sources could not be read when they were imported, and so are not in the case.
///
/// # Errors
/// [`CatalogError`].
pub fn unreadable_files(catalog: &Catalog) -> Result<u64, CatalogError> {
    Ok(catalog.entries()?.iter().filter(|entry| &*entry.kind == "unreadable").count() as u64)
}
