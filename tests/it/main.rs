//! Tests of behaviour, one binary: one file per behaviour, shared code in `support`.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::print_stdout, reason = "suites over real mail print what they measured")]

mod corpora_received;
mod corpora_source;
mod corpus_containers;
mod damaged_cases;
mod support;
