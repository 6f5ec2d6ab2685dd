//! `completions` and `man`: made from the command line's own description.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::CommandFactory as _;

use crate::types::text::shown;

use super::args::Cli;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;

/// Prints a completion script.
pub(super) fn completions(shell: clap_complete::Shell, out: &mut Out) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mailtrail", &mut script);
    out.bytes(&script)?;
    Ok(Exit::Done)
}

/// Prints the main man page, or writes one page for each command into a folder.
pub(super) fn pages(to: Option<&Path>, out: &mut Out) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(to) = to else {
        out.bytes(&page(&command)?)?;
        return Ok(Exit::Done);
    };
    let named = |path: &Path, error: io::Error| {
        let mut failure = Failure::from(error);
        failure.sentence =
            format!("cannot write {}: {}", shown(&path.display().to_string()), failure.sentence);
        failure
    };
    fs::create_dir_all(to).map_err(|error| named(to, error))?;
    let write = |path: PathBuf, page: Vec<u8>| fs::write(&path, page).map_err(|error| named(&path, error));
    write(to.join("mailtrail.1"), page(&command)?)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("mailtrail-{}", sub.get_name());
        let renamed = sub.clone().name(leaked(&name));
        write(to.join(format!("{name}.1")), page(&renamed)?)?;
    }
    Ok(Exit::Done)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

/// clap wants names that live as long as the program; there are a dozen of them.
fn leaked(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}
