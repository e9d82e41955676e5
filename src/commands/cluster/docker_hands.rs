//! `checker docker-hands`, hidden: the process that cuts and measures links between containers.

use anyhow::{Context, Result};

use crate::console::Console;
use crate::exit::Exit;

/// Serve a tester of containers; `checker test --env docker` starts it by itself.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Serves until the tester lets go, or heals what it did if it dies.
///
/// # Errors
/// When healing failed.
pub fn run(_: &Args, _console: &Console) -> Result<Exit> {
    nemesis::env::docker::hands::serve().context("healing after a tester that died")?;
    Ok(Exit::Valid)
}
