//! `checker man [COMMAND]`: manual pages, generated from the same definitions that parse the command
//! line, for those who package it.

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::console::Console;
use crate::exit::{BadInput, Exit};

/// Print the manual page, or that of a command, for `man -l -`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of which command
    command: Option<String>,
}

/// Prints the page.
///
/// # Errors
/// When there is no such command, or standard output cannot be written.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    let mut all = Cli::command();
    // Gives the pages of commands their full names and the options that all have.
    all.build();
    let page = match &args.command {
        None => Man::new(all),
        Some(name) => {
            let command = all.find_subcommand(name).cloned();
            let command = command.ok_or_else(|| BadInput(format!("there is no command {name}")))?;
            Man::new(command.name(format!("checker-{name}").leak() as &str))
        }
    };
    let mut text = Vec::new();
    page.render(&mut text)?;
    console.result(String::from_utf8_lossy(&text))?;
    Ok(Exit::Valid)
}
