//! Commands of the user, run by a shell and bounded in time.
//!
//! What breaks something carries the run's name in its environment, by which a sweep finds and ends it
//! before it undoes what it was about: it would otherwise come true afterwards. What starts a node must
//! not, since the node may inherit it.

use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;
use crate::env::{EnvError, RUN_VARIABLE, RunId};

/// What a command prints, if it succeeds.
pub(super) async fn run(command: &str) -> Result<String, EnvError> {
    printed(command, output(command, None).await?)
}

/// The same of one that breaks something.
pub(super) async fn harm(command: &str, run: &RunId) -> Result<String, EnvError> {
    printed(command, output(command, Some(run)).await?)
}

fn printed(command: &str, output: Output) -> Result<String, EnvError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let detail = format!("{}: {}", output.status, said.trim());
    Err(EnvError::Command { command: command.to_owned(), detail })
}

/// Whether a command succeeds; nothing where it did not get as far as telling: the shell could not
/// run it, ssh (whose own failures are 255) did not get there, or somebody killed it. One that takes
/// too long is one that does not succeed: whoever waits for an answer across a cut link may wait for
/// long.
pub(super) async fn succeeds(command: &str) -> Result<Option<bool>, EnvError> {
    match output(command, None).await {
        Ok(output) => Ok(match output.status.code() {
            None | Some(126 | 127 | 255) => None,
            Some(code) => Some(code == 0),
        }),
        Err(EnvError::TimedOut { .. }) => Ok(Some(false)),
        Err(error) => Err(error),
    }
}

async fn output(command: &str, harms: Option<&RunId>) -> Result<Output, EnvError> {
    output_within(command, harms, PATIENCE).await
}

async fn output_within(
    command: &str,
    harms: Option<&RunId>,
    patience: Duration,
) -> Result<Output, EnvError> {
    let failed = |source| EnvError::Io { what: format!("run `{command}`"), source };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    shell.envs(harms.map(|run| (RUN_VARIABLE, run.as_str())));
    // A group of its own: a ctrl-c is for the tester, and what takes too long ends as a whole.
    let child = shell.process_group(0).kill_on_drop(true).spawn().map_err(failed)?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let ending = child.wait_with_output();
    tokio::pin!(ending);
    if let Ok(ended) = timeout(patience, &mut ending).await {
        return ended.map_err(failed);
    }
    // It must not come true after it was undone.
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    Err(EnvError::TimedOut { what: format!("the end of `{command}`"), after: patience })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::{Identity, Stat};

    #[tokio::test]
    async fn only_what_harms_is_found_by_the_runs_name() {
        let (command, name) = (format!("echo ${{{RUN_VARIABLE}:-nobody}}"), RunId::fresh());
        assert_eq!(run(&command).await.unwrap(), "nobody\n");
        assert_eq!(harm(&command, &name).await.unwrap(), format!("{name}\n"));
    }

    #[tokio::test]
    async fn what_takes_too_long_ends_with_whatever_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        let command = format!("sleep 600 & echo $! > {}; wait", file.display());
        let error = output_within(&command, None, Duration::from_secs(2)).await.unwrap_err();
        assert!(matches!(error, EnvError::TimedOut { .. }), "{error}");
        let child: u32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let Some(stat) = Stat::read(child) else { return };
        let child = Identity { pid: child, start_ticks: stat.start_ticks() };
        assert!(child.wait_until_gone(Duration::from_secs(30)), "its child lives on");
    }
}
