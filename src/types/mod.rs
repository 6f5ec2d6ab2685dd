//! Words that everybody uses: digests, ids, ranges, times, records, anomalies. No I/O.

pub mod account;
pub mod anomaly;
pub mod caught;
pub mod digest;
pub mod event;
pub mod finding;
pub mod ids;
pub mod json;
pub mod legacy;
pub mod path;
pub mod range;
pub mod readers;
pub mod record;
pub mod server;
pub mod source_digest;
pub mod text;
pub mod time;
pub mod unescape;
pub mod utf7;

pub use anomaly::{Anomaly, AnomalyKind, Parsed, Severity};
pub use digest::Sha256Digest;
pub use event::{CustodyEvent, CustodyEventKind};
pub use finding::{Finding, FindingKind};
pub use ids::{ContainerId, ItemId, ItemKey, SourceId};
pub use path::RelPath;
pub use range::ByteRange;
