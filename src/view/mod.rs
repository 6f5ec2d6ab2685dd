//! What people and programs are shown of a case, as values with one JSON form each. Prints nothing.
//!
//! A command asks for one of these and prints it as a table or as its JSON; a page or a program that uses the library
//! asks for the same, so that all say the same. The JSON forms are those of `docs/output.md`.

mod acquired;
mod acquisitions;
mod across;
mod auth;
mod case_info;
mod exceptions;
mod findings;
mod item;
mod item_clocks;
mod network_files;
mod path;
mod relay_clocks;
mod relays;
mod sessions;
mod way;
mod way_json;

pub use acquired::{AcquiredItem, DurableSince, acquired_items};
pub use acquisitions::{
    AcquisitionException, account_events, acquisition_event_json, acquisition_exceptions, event_folders,
    value_text,
};
pub use across::{CrossFindings, cross_rule};
pub use auth::{AuthView, field_standing, write_key_file};
pub use case_info::{CaseView, SourceLag, SourceView, lagging_sources};
pub use exceptions::{Exception, ExceptionCounts, each_exception, most_first};
pub use findings::{FindingsSummary, RuleCount, findings_follow_settings, findings_of_rule, write_finding};
pub use item::{ItemView, find_item, item_id, same_content};
pub use item_clocks::{ItemClock, ItemClocks};
pub use network_files::{NetworkFiles, NetworkHit};
pub use path::PathView;
pub use relay_clocks::RelayClocks;
pub use relays::{RelayView, RelaysView};
pub use sessions::{greeting_ahead_secs, greeting_clock, session_json};
pub use way::WayView;

use std::net::IpAddr;
use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::export::ExportError;
use crate::index::IndexError;
use crate::query::SearchError;
use crate::store::StoreError;
use crate::types::ItemId;
use crate::types::ids::NotAnId;

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The record could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The index could not be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The bytes of an item could not be read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The query is wrong, or could not be answered.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The text is no id of an item.
    #[error("{text:?}: {source}")]
    ItemId {
        /// The text.
        text: String,
        /// Why not.
        source: NotAnId,
    },
    /// The case has no such item.
    #[error("the case has no item {id}")]
    NoItem {
        /// Its id.
        id: ItemId,
    },
    /// There is no such rule.
    #[error("there is no rule {id:?}")]
    NoRule {
        /// Its id.
        id: String,
    },
    /// A file of networks could not be read.
    #[error("{name}: {what}")]
    NetworkFile {
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: String,
        /// Whether it was read, and is not in the format that is expected.
        is_format: bool,
    },
    /// A file of networks has a record that cannot be read.
    #[error("{name}: the record of {ip} cannot be read: {what}")]
    NetworkRecord {
        /// Its name.
        name: PathBuf,
        /// The address that was asked for.
        ip: IpAddr,
        /// What is wrong with it.
        what: String,
    },
}
