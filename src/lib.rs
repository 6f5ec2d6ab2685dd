//! mailtrail: an email evidence archive and indexer for forensic examiners.
//!
//! Bytes flow `source -> store -> parse -> facts -> catalog + index -> query -> export -> view -> cli`; imports point
//! the other way. `ingest` drives the first half, `verify` walks it again. See `docs/architecture.md`.
//!
//! Open a case, ask, print what was found:
//!
//! ```no_run
//! use mailtrail::catalog::{Catalog, CatalogError};
//! use mailtrail::index::IndexReader;
//! use mailtrail::query::{self, Case, Options};
//! use mailtrail::store::Reader;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reader = Reader::open("case-17".as_ref())?;
//! let catalog = Catalog::open(&reader.layout().catalog())?;
//! let index = IndexReader::open(&reader.layout().index())?;
//! let case = Case { catalog: &catalog, index: &index, messages: None };
//! let hits = query::search(case, "from:alice@example.org hop:mx.example.net", &Options::default())?;
//! println!("{} items match", hits.total);
//! catalog.each(hits.keys.iter().copied(), |row| {
//!     println!("{}  {}", catalog.item_id(row), row.subject().unwrap_or("-"));
//!     Ok::<(), CatalogError>(())
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! [`view`] has what the command prints of an item, a case or a rule as values with one JSON form each;
//! `docs/examples/look_into_a_case.rs` is a whole program. The features `cli` (the command) and `net` (acquisition from
//! accounts) are on unless they are turned off: a program that only reads cases needs neither.

#[cfg(feature = "net")]
pub mod acquire;
pub mod auth;
pub mod case;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod export;
pub mod facts;
pub mod index;
pub mod ingest;
pub mod parse;
pub mod query;
pub mod route;
pub mod source;
pub mod store;
pub mod types;
pub mod verify;
pub mod view;
