//! Re-hashes the record of a case and re-derives what it claims. Writes nothing, never stops at the first finding.

mod blobs;
mod catalog;
mod columns;
mod content;
mod custody;
mod derived;
mod index;
mod ledger;
mod record;
mod source;

pub use derived::{DerivedSummary, verify_derived, verify_derived_in_rounds};
pub use record::{Summary, verify_record};
pub use source::{SourceSummary, verify_source};
