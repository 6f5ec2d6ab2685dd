//! Bytes in, parsed value and anomalies out. Never fails.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::panic
)]

pub mod date;
pub mod received;
