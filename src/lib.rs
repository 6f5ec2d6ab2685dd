//! mailtrail: an email evidence archive and indexer for forensic examiners.
//!
//! Bytes flow `source -> store -> parse -> facts -> catalog + index -> query -> export -> cli`; imports point the
//! other way. `ingest` drives the first half, `verify` walks it again. See `docs/architecture.md`.

pub mod acquire;
pub mod auth;
pub mod case;
pub mod catalog;
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
