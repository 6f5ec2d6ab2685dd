//! Re-hashes the record of a case and re-derives what it claims. Writes nothing, never stops at the first finding.

mod blobs;
mod content;
mod custody;
mod derived;
mod ledger;
mod record;
mod source;

pub use derived::{DerivedSummary, verify_derived, verify_derived_in_chunks};
pub use record::{Summary, verify_record};
pub use source::{SourceSummary, verify_source};
