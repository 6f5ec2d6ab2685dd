//! The only folder that prints.

mod acquire;
mod args;
mod ask;
mod auth;
mod card;
mod context;
mod exit;
mod export;
mod failure;
mod findings;
mod geoip;
mod handed;
mod hops;
mod import;
mod info;
mod init;
mod item;
mod keys;
mod list;
mod log;
mod man;
mod output;
mod progress;
mod query_args;
mod rebuild;
mod relays;
mod report;
mod restore;
mod rows;
mod search;
mod show;
mod table;
mod times;
mod trust;
mod understood;
mod verify;

use clap::Parser as _;

pub use exit::Exit;

use args::{Cli, Command};
use context::Context;
use failure::Failure;
use output::{Out, stderr};

/// Parses the command line, does what it says, and tells how it ended.
pub fn run() -> Exit {
    let cli = match Cli::try_parse_from(ask::arguments(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no failure; a closed pipe is nobody's loss.
            error.print().unwrap_or_default();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let context = Context::new(&cli.global);
    let mut out = Out::new();
    let ended = dispatch(&context, cli.command, &mut out);
    let flushed = out.flush().map_err(Failure::from);
    match ended.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.sentence.is_empty() {
                stderr(&format!("error: {}", failure.sentence));
                if let Some(hint) = failure.hint {
                    stderr(&format!("hint: {hint}"));
                }
            }
            failure.exit
        }
    }
}

fn dispatch(context: &Context, command: Command, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::run(context, args, out),
        Command::Import(args) => import::run(context, &args, out),
        #[cfg(feature = "net")]
        Command::Acquire(args) => acquire::run::run(context, &args, out),
        #[cfg(not(feature = "net"))]
        Command::Acquire { .. } => Err(Failure::new("this program was built without network").hint(
            "`cargo build --release` builds it with `acquire`; a case that it makes is read by every build",
        )),
        Command::Acquisitions(args) => acquire::views::run(context, &args, out),
        Command::Search(args) => search::run(context, &args, out),
        Command::Show(args) => show::run(context, &args, out),
        Command::Hops(args) if args.stats => relays::run(context, &args, out),
        Command::Hops(args) => hops::run(context, &args, out),
        Command::Findings(args) => findings::run(context, &args, out),
        Command::Clocks { item } => times::run(context, &item, out),
        Command::Path { item, geoip } => hops::path(context, &item, &geoip, out),
        Command::Trust(args) => trust::run(context, &args, out),
        Command::Auth(args) => auth::run(context, &args, out),
        Command::DkimKeys(args) => keys::run(context, &args, out),
        Command::List(args) => list::run(context, &args, out),
        Command::Info => info::run(context, out),
        Command::Custody => log::run(context, out),
        Command::Exceptions(args) => report::run(context, &args, out),
        Command::Export(args) => export::run(context, &args, out),
        Command::Restore(args) => restore::run(context, &args, out),
        Command::Verify(args) => verify::run(context, &args, out),
        Command::Rebuild(args) => rebuild::run(context, &args, out),
        Command::Completions { shell } => man::completions(shell, out),
        Command::Man { to } => man::pages(to.as_deref(), out),
    }
}
