//! `completions` and `man`: made from the command line's own description.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

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
    fs::create_dir_all(to)?;
    fs::write(to.join("mailtrail.1"), page(&command)?)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("mailtrail-{}", sub.get_name());
        let renamed = sub.clone().name(leaked(&name));
        fs::write(to.join(format!("{name}.1")), page(&renamed)?)?;
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
