//! Commands of the user, run by a shell and bounded in time.

use std::process::{Output, Stdio};

use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;
use crate::env::EnvError;

/// What a command prints, if it succeeds.
pub(super) async fn run(command: &str) -> Result<String, EnvError> {
    let output = output(command).await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let detail = format!("{}: {}", output.status, said.trim());
    Err(EnvError::Command { command: command.to_owned(), detail })
}

/// Whether a command succeeds. One that takes too long is one that does not: whoever waits for an
/// answer across a cut link may wait for long.
pub(super) async fn succeeds(command: &str) -> Result<bool, EnvError> {
    match output(command).await {
        Ok(output) => Ok(output.status.success()),
        Err(EnvError::TimedOut { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn output(command: &str) -> Result<Output, EnvError> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, shell.output()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(source)) => Err(EnvError::Io { what: format!("run `{command}`"), source }),
        Err(_) => {
            Err(EnvError::TimedOut { what: format!("the end of `{command}`"), after: PATIENCE })
        }
    }
}
