//! `checker heal`: undoes what runs left behind whose tester was killed, and says what it did.
//!
//! Runs in `netns` leave nothing, since the kernel takes their namespaces away with the tester;
//! this is for environments whose processes outlive it: `local`, and `docker`, where the notes are
//! with the container engine and not in the registry of this machine's user. What belongs to a
//! tester that is still alive is left alone, so it is safe to call at any time, also beside a
//! running test.

use std::fmt::Write as _;

use anyhow::Context as _;
use nemesis::env::docker::{self, Healed};
use nemesis::registry::{Registry, Swept};

use crate::console::Console;
use crate::exit::Exit;

/// Undo what killed runs left behind: nodes that still run or are paused, their folders, cut links
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Sweeps, and prints what was undone.
///
/// # Errors
/// When the registry of runs cannot be read. What could be found but not undone is printed and
/// makes the exit [`Exit::Broken`].
pub fn run(_: &Args, console: &Console) -> anyhow::Result<Exit> {
    let registry = Registry::of_user().context("opening the registry of runs")?;
    let swept = registry.sweep().context("sweeping")?;
    let (healed, unasked) = match containers() {
        Ok(healed) => (healed, false),
        Err(error) => {
            console.error(format_args!("containers were not healed: {error:#}"));
            (Vec::new(), true)
        }
    };
    if swept.is_empty() && healed.is_empty() {
        console.result("nothing to heal: no run of a dead tester is registered here\n")?;
    }
    let failed = unasked
        || swept.iter().any(|remains| !remains.errors.is_empty())
        || healed.iter().any(|remains| !remains.errors.is_empty());
    console.result(swept.iter().map(describe).collect::<String>())?;
    console.result(healed.iter().map(describe_containers).collect::<String>())?;
    Ok(if failed { Exit::Broken } else { Exit::Valid })
}

fn containers() -> anyhow::Result<Vec<Healed>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(docker::sweep())?)
}

/// What was done to the containers of one run, a line each.
pub(super) fn describe_containers(healed: &Healed) -> String {
    let Healed { run, did, errors } = healed;
    let mut text = String::new();
    for did in did {
        let _ = writeln!(text, "run {run}: {did}");
    }
    for error in errors {
        let _ = writeln!(text, "run {run}: could not be healed: {error}");
    }
    if text.is_empty() {
        let _ = writeln!(text, "run {run}: its tester is dead and left nothing behind");
    }
    text
}

/// What a sweep did to one run's remains, a line each. `checker test` says it too, at its start.
pub fn describe(swept: &Swept) -> String {
    let mut text = String::new();
    let run =
        swept.run.as_ref().map_or("an unreadable record".to_owned(), |run| format!("run {run}"));
    for (node, pid) in &swept.killed {
        let node = node.map_or("a process".to_owned(), |node| format!("node {node}"));
        let _ = writeln!(text, "{run}: killed {node} (process {pid})");
    }
    for path in &swept.removed {
        let _ = writeln!(text, "{run}: removed {}", path.display());
    }
    for what in &swept.undone {
        let _ = writeln!(text, "{run}: {what}: done");
    }
    for error in &swept.errors {
        let _ = writeln!(text, "{run}: could not be healed: {error}");
    }
    if text.is_empty() {
        let _ = writeln!(text, "{run}: its tester is dead and left nothing behind");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_and_folder_is_named() {
        let swept = Swept {
            killed: vec![(Some(nemesis::env::NodeId(2)), 41), (None, 42)],
            removed: vec!["/tmp/ordeal-x".into()],
            ..Swept::default()
        };
        assert_eq!(
            describe(&swept),
            "an unreadable record: killed node n2 (process 41)\n\
             an unreadable record: killed a process (process 42)\n\
             an unreadable record: removed /tmp/ordeal-x\n"
        );
    }
}
