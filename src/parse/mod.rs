//! Bytes in, parsed value and anomalies out. Never fails.
// Tests may index; the build without them is held to the same words in every check.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::panic
    )
)]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::format_push_string,
        reason = "a test may stop at a surprise"
    )
)]

pub mod address;
pub mod authres;
pub(crate) mod bytes;
pub mod charset;
mod charset_names;
mod codepages;
mod css;
pub mod date;
pub mod decode;
pub mod dkim;
mod entity;
pub mod header;
pub mod html;
pub mod idclock;
mod iso2022;
pub mod known;
pub mod mime;
pub mod received;
mod tag;
pub mod unseen;
pub mod uu;
pub mod value;
pub mod words;
pub mod yenc;
