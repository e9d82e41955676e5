//! Who plays a night: a lock that its suite holds, and each run that the suite starts.
//!
//! The kernel lets go of it when the last of them ends, however they end. So whoever goes on with the
//! night of a suite that was killed waits for the run that it left, which still heals and judges, and
//! begins no cell that is about to be done.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::exit::BadInput;

/// Makes a night ours, for as long as the file is open, here or in a child that shares it
/// ([`super::Night::held_lock`]).
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let mut file = File::options()
        .create(true)
        .read(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let deadline = Instant::now() + ORPHAN_LIMIT;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock)
                if is_player_alive(&path) || Instant::now() >= deadline =>
            {
                bail!(BadInput(format!("another `checker suite` plays {} now", folder.display())))
            }
            // The player is dead, and the run that it left still heals and judges; nothing wakes one up
            // for the end of a process that is not one's child. Between two looks; the deadline bounds it.
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    let night = folder.display();
                    tracing::warn!(%night, "waiting for the run that a killed suite left there");
                }
                std::thread::sleep(ORPHAN_LOOK);
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
    file.set_len(0)
        .and_then(|()| write!(file, "{}", std::process::id()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file)
}

/// How long a run that a killed suite left may heal and judge before nobody waits for it any more.
const ORPHAN_LIMIT: Duration = Duration::from_secs(150);
const ORPHAN_LOOK: Duration = Duration::from_millis(100);

/// Whether whoever wrote his process into the lock is alive.
fn is_player_alive(lock: &Path) -> bool {
    let process = fs::read_to_string(lock).unwrap_or_default();
    let state = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_not_gone_on_with_while_the_run_of_a_dead_player_ends() {
        let folder = tempfile::tempdir().unwrap();
        let played = lock(folder.path()).unwrap();
        let said = lock(folder.path()).unwrap_err().to_string();
        assert!(said.contains("another `checker suite` plays"), "we are alive: {said}");
        // No process has such a number.
        fs::write(folder.path().join(".lock"), "4194305").unwrap();
        let run = played.try_clone().unwrap();
        drop(played);
        let folder = folder.path().to_path_buf();
        let (sender, waited) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(lock(&folder).is_ok()));
        assert!(waited.recv_timeout(Duration::from_millis(300)).is_err(), "it waits");
        drop(run);
        assert_eq!(waited.recv_timeout(Duration::from_secs(60)), Ok(true));
    }
}
