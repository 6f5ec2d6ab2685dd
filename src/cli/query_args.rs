//! The arguments of everything that takes a query.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to search.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// The query; terms side by side must all match, `*` is every item
    #[arg(required_unless_present_any = ["fields", "query_file", "terms", "replay"], value_name = "QUERY")]
    pub query: Vec<String>,
    /// Read the query from a file; its lines are put together, lines with `#` in front are left out
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub query_file: Option<PathBuf>,
    /// Count the items of each line of a file: a query a line, up to 100,000
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "snippets", "explain"])]
    pub terms: Option<PathBuf>,
    /// Search only the items whose ids stand in a file, one a line
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,
    /// Write what was asked, of what, and what came to a new file, to be asked again with --replay
    #[arg(long, value_name = "FILE", conflicts_with_all = ["terms", "items"])]
    pub card: Option<PathBuf>,
    /// Ask again what a card tells, and say what differs (exit code 4 when something does)
    #[arg(long, value_name = "CARD", conflicts_with_all = ["query", "query_file", "terms", "items", "card"])]
    pub replay: Option<PathBuf>,
    /// Tell what each part of the query finds
    #[arg(long)]
    pub explain: bool,
    /// Print how many items match, as one integer
    #[arg(long)]
    pub count: bool,
    /// Show at most this many (the total is always told)
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<usize>,
    /// Order of the hits
    #[arg(long, value_enum, default_value_t = SortArg::Newest)]
    pub sort: SortArg,
    /// Show the text around the first match
    #[arg(long)]
    pub snippets: bool,
    /// CSV instead of a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// With --json: all hops of each item, not only their number
    #[arg(long)]
    pub hops: bool,
    #[command(flatten)]
    /// How the query is read.
    pub reading: QueryArgs,
    /// List the fields of the query language
    #[arg(long)]
    pub fields: bool,
}

/// How a query is read.
#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// Zone in which days of the query begin, such as Europe/Berlin (default UTC)
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Version of the query language; 1 is that of manifests without `query_language`
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub language: u64,
}

/// Order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SortArg {
    /// By Date header, newest first; undated items last
    Newest,
    /// By Date header, oldest first; undated items last
    Oldest,
    /// Best match of the words first
    Relevance,
    /// Order of the ledger
    Ledger,
}
