//! The command line: every command, flag and example in one place (home of clap).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "net")]
use super::acquire::args::AcquireArgs;
use super::acquire::views_args::AcquisitionsArgs;
pub(super) use super::query_args::{QueryArgs, SearchArgs, SortArg};

/// Email evidence archive and indexer for forensic examiners.
///
/// mailtrail copies seized mail into a case without changing it, hashes every item, accounts for every byte, reads
/// headers and relay hops, indexes the text, answers queries, and exports hits with a manifest that stock tools check.
#[derive(Debug, Parser)]
#[command(name = "mailtrail", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  mailtrail import --case case-17 seized/\n  mailtrail search --case case-17 'from:alice@example.org hop:mx.example.net date:2025-03'\n  mailtrail export --case case-17 'invoice' --to handover/\n  mailtrail verify --case case-17\n\nExit codes: 0 done, 1 failed, 2 usage, 3 partial, 4 mismatch, 5 locked, 6 newer format, 130 interrupted."
)]
pub(super) struct Cli {
    #[command(flatten)]
    /// Flags of every command.
    pub global: Global,
    #[command(subcommand)]
    /// What to do.
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The case: the directory that mailtrail writes
    #[arg(long, global = true, env = "MAILTRAIL_CASE", value_name = "DIR")]
    pub case: Option<PathBuf>,
    /// Who examines: of the case with `init`, else of this command, as the custody log will tell
    #[arg(long, global = true, env = "MAILTRAIL_EXAMINER", value_name = "NAME")]
    pub examiner: Option<String>,
    /// Print JSON: one object, or one object per line
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, warnings or hints on stderr (errors are always printed)
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a case and record who, what and by which authority
    #[command(
        after_help = "Example:\n  mailtrail init --case case-17 --number 2026-17 --examiner 'A. Jones' --authority 'warrant 4711'"
    )]
    Init(InitArgs),
    /// Copy mail into the case: hash, account for, read and index it
    #[command(
        after_help = "Examples:\n  mailtrail import --case case-17 seized/inbox.mbox\n  mailtrail import --case case-17 seized/ --label 'exhibit A-3' --note 'from the laptop'\n\nImporting the same source again adds nothing. An import that was stopped goes on when it is run again."
    )]
    Import(ImportArgs),
    #[cfg(feature = "net")]
    /// Copy an account on an IMAP or POP3 server into the case, and leave it as it was
    #[command(
        after_help = "Examples:\n  mailtrail acquire --list imaps://ann@mail.example.org\n  mailtrail acquire --case case-17 imaps://ann@mail.example.org --label 'exhibit B-1'\n  mailtrail acquire --case case-17 imaps://ann%40example.org@imap.example.org/INBOX --since 2025-01-01 --password-file pw\n  mailtrail acquire --case case-17 pop3s://ann@mail.example.org --password-command 'pass show ann'\n\nRun again, it takes only what is new and tells what changed. A run that was cut off goes on when it is run again. See docs/acquire.md."
    )]
    Acquire(Box<AcquireArgs>),
    /// Not in this build, which was made without network
    #[cfg(not(feature = "net"))]
    Acquire {
        /// Whatever is asked
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<std::ffi::OsString>,
    },
    /// What was acquired from accounts: runs and books, exceptions, items, the talk with the server
    #[command(
        after_help = "Examples:\n  mailtrail acquisitions\n  mailtrail acquisitions --items --csv > items.csv\n  mailtrail acquisitions --exceptions --json\n  mailtrail acquisitions --sessions\n  mailtrail acquisitions --transcript > talk.txt\n  mailtrail acquisitions --blob 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 > other.eml"
    )]
    Acquisitions(AcquisitionsArgs),
    /// Find items by sender, words, dates, relay hops and more
    #[command(
        after_help = "Examples:\n  mailtrail search 'from:alice@example.org'               mail from an address\n  mailtrail search 'from:example.org NOT to:example.org'  from a domain to others\n  mailtrail search '\"bank details\" NOT kind:child'        a phrase, not in attached messages\n  mailtrail search 'subject:(invoice OR inv*) has:attachment'\n  mailtrail search 'wire NEAR/5 transfer'                 at most five words apart\n  mailtrail search 'recieve~1 *port re?ort /^inv/'        a letter off, wildcards, a pattern\n  mailtrail search 'date:2025-03..2025-05' --tz Europe/Berlin   March to May, May included\n  mailtrail search 'hop:192.0.2.0/24 after:2025-03-01'    through a network\n  mailtrail search 'hop{by:mx.example.org ip:192.0.2.9}'  one hop that is both\n  mailtrail search 'attachment:*.pdf size:>1M'            by file name and size\n  mailtrail search 'any:x-mailer'                         in all header fields too\n  mailtrail search --terms words.txt 'date:2025'          hits of each line of a list\n\nThe answer is told with how the query was understood and what was not searched. `mailtrail search --fields` has the fields, docs/query.md the language."
    )]
    Search(SearchArgs),
    /// Show one item: people and subject, hops, text, attachments, anomalies
    #[command(
        after_help = "Examples:\n  mailtrail show 5f0c2a9be4d17788-3-41\n  mailtrail show 5f0c2a9be4d17788-3-41 --raw > item.eml\n  mailtrail show 5f0c2a9be4d17788-3-41 --attachment 1 > file.bin"
    )]
    Show(ShowArgs),
    /// The way of one message: hops, delays, encryption, what is attested, what does not fit
    #[command(
        after_help = "Examples:\n  mailtrail hops 5f0c2a9be4d17788-3-41\n  mailtrail hops 5f0c2a9be4d17788-3-41 --raw\n  mailtrail hops --stats\n\nName the recipient's servers first: `mailtrail trust set --host example.org`."
    )]
    Hops(HopsArgs),
    /// What does not fit in the ways of all messages, by rule
    #[command(
        after_help = "Examples:\n  mailtrail findings\n  mailtrail findings 'date:2024-03 hop.by:example.org'\n  mailtrail findings --rule weekday-mismatch\n\nA finding is no verdict: each rule names its innocent causes."
    )]
    Findings(FindingsArgs),
    /// All the times that one item tells, side by side: Date, hops, ids, signatures, the mailbox
    #[command(after_help = "Example:\n  mailtrail clocks 5f0c2a9be4d17788-3-41")]
    Clocks {
        /// Id of the item
        item: String,
    },
    /// The servers on the way of one message, oldest first, on one line
    #[command(after_help = "Example:\n  mailtrail path 5f0c2a9be4d17788-3-41")]
    Path {
        /// Id of the item
        item: String,
        /// A .mmdb file that says whose networks are; may be repeated. Nothing is asked of a network
        #[arg(long, value_name = "FILE")]
        geoip: Vec<PathBuf>,
    },
    /// Name the recipient's own servers and networks, or show what was named
    #[command(
        subcommand,
        after_help = "Examples:\n  mailtrail trust set --host mx.example.org --network 192.0.2.0/24\n  mailtrail trust show\n  mailtrail trust clear"
    )]
    Trust(TrustArgs),
    /// What servers recorded of one message, and its signatures computed again, offline
    #[command(
        after_help = "Examples:\n  mailtrail auth 5f0c2a9be4d17788-3-41\n  mailtrail auth 5f0c2a9be4d17788-3-41 --keys keys.txt --json\n\nBody hashes need no key. Keys come from key files only; DNS is never asked."
    )]
    Auth(AuthArgs),
    /// Put keys of signers into the case, or list them
    #[command(
        subcommand,
        visible_alias = "keys",
        after_help = "Examples:\n  mailtrail dkim-keys add keys.txt --note 'from the provider, letter of 2026-03-01'\n  mailtrail dkim-keys show\n\nA line of a key file is `selector._domainkey.example.org v=DKIM1; p=..`, or a TXT line of a zone file. Lines with # say where the keys below them come from."
    )]
    DkimKeys(KeysArgs),
    /// List items, all or those that a query finds, in the order of the ledger
    #[command(
        after_help = "Examples:\n  mailtrail list --json | jq -r .sha256\n  mailtrail list 'kind:child'\n  mailtrail list --csv 'has:attachment' > items.csv"
    )]
    List(ListArgs),
    /// The case at a glance: sources, counts, index health
    #[command(after_help = "Example:\n  mailtrail info --case case-17")]
    Info,
    /// The custody log: what was done, when, with which tool
    #[command(visible_alias = "log", after_help = "Example:\n  mailtrail custody --case case-17")]
    Custody,
    /// What was odd, not read or not indexed, and why
    #[command(
        visible_alias = "report",
        after_help = "Example:\n  mailtrail exceptions --case case-17 --json"
    )]
    Exceptions(ReportArgs),
    /// Write hits as .eml files or one mbox, with a hashed manifest
    #[command(
        after_help = "Examples:\n  mailtrail export 'from:alice@example.org' --to handover/\n  mailtrail export '*' --to everything/ --mbox\n  cd handover && sha256sum -c SHA256SUMS"
    )]
    Export(ExportArgs),
    /// Rebuild an original file or folder tree, byte for byte
    #[command(
        after_help = "Examples:\n  mailtrail restore 5f0c2a9be4d17788-3 --to inbox.mbox\n  mailtrail restore 5f0c2a9be4d17788 --to folder/"
    )]
    Restore(RestoreArgs),
    /// Compare the record with itself, with an earlier head, and with the originals
    #[command(
        after_help = "Examples:\n  mailtrail verify --case case-17\n  mailtrail verify --case case-17 --source --expect-head 7c50cb0c4513990c567a05c67a03ba34d51141093f4dde2f0ca0b3be8dd18835"
    )]
    Verify(VerifyArgs),
    /// Make catalog and index anew from the blobs
    #[command(after_help = "Example:\n  mailtrail rebuild --case case-17")]
    Rebuild(RebuildArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  mailtrail completions bash > /etc/bash_completion.d/mailtrail")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a man page, or write all of them into a folder
    #[command(after_help = "Example:\n  mailtrail man --to /usr/local/share/man/man1")]
    Man {
        /// Folder for one page per command
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// Who, what and by which authority; all optional, all recorded.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Name of the case
    #[arg(long)]
    pub name: Option<String>,
    /// Number of the case
    #[arg(long)]
    pub number: Option<String>,
    /// Organisation
    #[arg(long)]
    pub organisation: Option<String>,
    /// Legal authority: warrant, consent, order
    #[arg(long)]
    pub authority: Option<String>,
    /// Notes
    #[arg(long)]
    pub notes: Option<String>,
}

/// What to import and how.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Files and folders of any shape; kinds are detected by content
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// Exhibit label of the source, recorded in the custody log
    #[arg(long)]
    pub label: Option<String>,
    /// Note on the source, recorded in the custody log
    #[arg(long)]
    pub note: Option<String>,
    /// Read every file as this kind instead of detecting it
    #[arg(long, default_value = "auto")]
    pub kind: String,
    /// Which `From ` lines separate messages of an mbox
    #[arg(long, value_enum, default_value_t = SplitArg::Header)]
    pub split: SplitArg,
    /// Also compute MD5 of every container
    #[arg(long)]
    pub md5: bool,
    /// Also compute SHA-1 of every container
    #[arg(long)]
    pub sha1: bool,
    /// Read a source again of which sizes, times and inodes are those of the last reading
    #[arg(long)]
    pub rehash: bool,
    /// Import a folder that is itself a case, as the files that it consists of
    #[arg(long)]
    pub force_case: bool,
    /// Number of worker threads (default: all cores; 4 at most); the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Which `From ` lines separate messages.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SplitArg {
    /// After a blank line, with a date; or before header fields, with a date or a lone sender
    Header,
    /// After a blank line, with a date (the rule of RFC 4155 and qmail's mbox(5))
    Strict,
    /// With a date, blank line or not
    Lenient,
    /// Every line that starts with `From `
    Any,
}

/// Which item to show.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Id of the item
    pub item: String,
    /// The exact bytes as found in the container (for a child: its decoded bytes)
    #[arg(long, conflicts_with_all = ["attachment", "message"])]
    pub raw: bool,
    /// The bytes of the message, un-escaped by the container's rule
    #[arg(long, conflicts_with = "attachment")]
    pub message: bool,
    /// The decoded bytes of attachment N (counted from 1)
    #[arg(long, value_name = "N")]
    pub attachment: Option<usize>,
    /// Also all header fields as they stand, with encoded words that are not decoded
    #[arg(long, conflicts_with_all = ["raw", "message", "attachment"])]
    pub headers: bool,
}

/// Which way to show.
#[derive(Debug, Args)]
pub(super) struct HopsArgs {
    /// Id of the item
    #[arg(required_unless_present = "stats", conflicts_with = "stats")]
    pub item: Option<String>,
    /// Each field as it stands, with marks below what was read from it
    #[arg(long, conflicts_with_all = ["json", "stats"])]
    pub raw: bool,
    /// All relays of the case in place of one message: hops, items, first and last seen, software, encryption
    #[arg(long)]
    pub stats: bool,
    /// A .mmdb file that says whose networks are; may be repeated. Nothing is asked of a network
    #[arg(long, value_name = "FILE")]
    pub geoip: Vec<PathBuf>,
}

/// Which findings to show.
#[derive(Debug, Args)]
pub(super) struct FindingsArgs {
    /// Only items that match; as for `search`
    pub query: Vec<String>,
    /// List the items of one rule, with what was found
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Comma-separated
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    /// How the query is read.
    pub reading: QueryArgs,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(super) enum TrustArgs {
    /// Set them; what was set before no longer counts
    #[command(
        after_help = "Example:\n  mailtrail trust set --host mx.example.org --host mail.example.org --network 192.0.2.0/24 --network '!192.0.2.9'"
    )]
    Set(TrustSet),
    /// Take back what was set: nothing is named any more
    #[command(after_help = "Example:\n  mailtrail trust clear")]
    Clear,
    /// Show them
    #[command(after_help = "Example:\n  mailtrail trust show")]
    Show,
}

/// The recipient's side.
#[derive(Debug, Args)]
pub(super) struct TrustSet {
    /// One of the recipient's own servers, or a domain with all servers below it
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// One of the recipient's own networks; `!` makes an exception, and the first that fits decides
    #[arg(long, value_name = "CIDR")]
    pub network: Vec<String>,
    /// A network of servers at which the recipient's users hand in mail
    #[arg(long, value_name = "CIDR")]
    pub submission: Vec<String>,
    /// Clients that signed in count as the recipient's
    #[arg(long)]
    pub signed_in_is_own: bool,
    /// Addresses for examples (192.0.2.0/24 and the like) stand for real ones, as in teaching material
    #[arg(long)]
    pub teaching_addresses: bool,
    /// When the mail was seized; nothing in it can be younger. A day alone counts to its end in UTC
    #[arg(long, value_name = "DATE")]
    pub acquired: Option<String>,
}

/// Whose signatures to check, and with which keys.
#[derive(Debug, Args)]
pub(super) struct AuthArgs {
    /// Id of the item
    pub item: String,
    /// Key file to use beside those of the case; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysArgs {
    /// Record a key file in the custody log, with its digest and the time
    Add(KeysAdd),
    /// List the keys of the case
    Show,
}

/// Which key file.
#[derive(Debug, Args)]
pub(super) struct KeysAdd {
    /// The file
    pub file: PathBuf,
    /// Where the keys come from
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// What to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The query; without one, or with `*`, every item
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Show at most this many
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<usize>,
    /// CSV instead of a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// With --json: all hops of each item, not only their number
    #[arg(long)]
    pub hops: bool,
    #[command(flatten)]
    /// How the query is read.
    pub reading: QueryArgs,
}

/// What to report.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Every anomaly of every item, not only counts (always so with --json)
    #[arg(long)]
    pub all: bool,
}

/// What to export and how.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The query; `*` is every item
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    /// Folder to make; it must not exist or be empty
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Write slices as found in the container, not the messages un-escaped by its rule
    #[arg(long, conflicts_with = "mbox")]
    pub raw: bool,
    /// One mbox (mboxrd) instead of .eml files
    #[arg(long)]
    pub mbox: bool,
    /// Also write the attachments, decoded
    #[arg(long)]
    pub attachments: bool,
    #[command(flatten)]
    /// How the query is read.
    pub reading: QueryArgs,
}

/// What to rebuild the bytes of.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Id of a container (a file) or of a source (a folder tree)
    pub id: String,
    /// File or folder to make; must not exist
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
}

/// How to verify.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Also read the original sources again and compare
    #[arg(long)]
    pub source: bool,
    /// Read the originals from here instead of where they were imported from (one source in the case)
    #[arg(long, value_name = "PATH", requires = "source")]
    pub from: Option<PathBuf>,
    /// The head printed by an earlier command and kept elsewhere: it must be in the chain
    #[arg(long, value_name = "SHA256")]
    pub expect_head: Option<String>,
    /// Check the record only, not catalog and index
    #[arg(long)]
    pub record_only: bool,
    /// Number of worker threads (default: all cores; 4 at most)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// How to rebuild.
#[derive(Debug, Args)]
pub(super) struct RebuildArgs {
    /// Number of worker threads (default: all cores; 4 at most)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}
