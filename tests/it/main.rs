//! Tests of behaviour, one binary: one file per behaviour, shared code in `support`.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::print_stdout, reason = "suites over real mail print what they measured")]

mod acquire;
mod acquire_imap;
mod acquire_pop3;
mod acquire_sign_in;
mod acquire_sign_in_hostile;
mod acquire_tokens;
mod acquire_twice;
mod acquisition_views;
mod auth;
mod changed_bytes;
mod command_line;
mod corpora_auth;
mod corpora_import;
mod corpora_parse;
mod corpora_received;
mod corpora_route;
mod corpora_search;
mod corpora_source;
mod corpus_containers;
mod corpus_facts;
mod damaged_cases;
mod device_flow;
mod docs_tables;
mod exports;
mod first_steps;
mod geoip;
mod hop_queries;
mod hostile_hops;
mod hostile_inputs;
mod hostile_servers;
mod hostile_sources;
mod interrupted_import;
mod labels;
mod manifest_schema;
mod old_cases;
mod only_reads;
mod read_only_and_offline;
mod repeatable;
mod restored_accounts;
mod routes;
mod stock_tools;
mod support;
mod support_servers;
mod verify_words;
