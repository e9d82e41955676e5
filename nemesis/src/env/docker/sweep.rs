//! Runs of other testers, by the notes they keep with the engine: healing what dead ones left behind,
//! and keeping away from where live ones are.

use super::engine::{Engine, EngineError};
use super::grip::Grip;
use super::hands::{Order, Reply};
use super::notes::{self, Noted, Notes, RUN_LABEL, Tester};
use super::{NAME, project, rules};
use crate::env::netns::tools;
use crate::env::{EnvError, RunId};

/// What was done about one run's remains.
#[derive(Debug)]
pub struct Healed {
    /// Whose.
    pub run: RunId,
    /// A sentence for each thing that was undone.
    pub did: Vec<String>,
    /// What could not be undone.
    pub errors: Vec<EnvError>,
}

/// Heals what belongs to runs whose tester is dead, and touches nothing else. Without an engine on
/// this machine there is nothing to do.
///
/// # Errors
/// When the engine is there and cannot be asked, or the network cannot be reached.
pub async fn sweep() -> Result<Vec<Healed>, EnvError> {
    let engine = Engine::of_machine()?;
    if !engine.socket().exists() {
        return Ok(Vec::new());
    }
    let runs = match notes::runs(&engine).await {
        // Whoever may not ask it, or finds it stopped, cannot have had a run with it.
        Err(EngineError::Unreachable { .. }) => return Ok(Vec::new()),
        runs => runs?,
    };
    let own = project::own_container(&engine).await;
    let could_cut = rustix::process::geteuid().is_root() && tools::find("nft").is_some();
    if runs.is_empty() && own.is_none() && !could_cut {
        return Ok(Vec::new());
    }
    let grip = Grip::take(&engine, own.as_ref(), None).await?;
    let tables = tables(&grip).await?;
    // Asked again: a run that began since the first time has its notes before its table.
    let runs = notes::runs(&engine).await?;
    let orphans = tables.iter().filter(|run| !runs.contains_key(*run)).cloned();
    let mut dead: Vec<RunId> = orphans.collect();
    for (run, noticed) in runs {
        if is_dead(&grip, noticed.tester).await? {
            dead.push(run);
        }
    }
    let mut healed = Vec::new();
    for run in dead {
        let had_table = tables.contains(&run);
        healed.push(heal(&engine, &grip, run, had_table).await);
    }
    Ok(healed)
}

/// Two runs on one cluster would heal each other's faults, and each take the other's for its own: an
/// error if another run, whose tester is not known to be dead, has one of these nodes. Its own notes
/// must have been made before it is asked, so that of two that begin together neither overlooks the
/// other.
pub(super) async fn refuse_company(
    engine: &Engine,
    grip: &Grip,
    own: &RunId,
    nodes: &[Noted],
) -> Result<(), EnvError> {
    for (run, noticed) in notes::runs(engine).await? {
        let shared = |theirs: &&Noted| nodes.iter().any(|ours| ours.id == theirs.id);
        let Some(node) = noticed.nodes.iter().find(shared) else { continue };
        if run == *own || is_dead(grip, noticed.tester.clone()).await? {
            continue;
        }
        let reason = format!(
            "the run {run} has {} already: wait for its end (or, if it has ended, remove its note: \
             docker volume rm {})",
            node.name,
            notes::name(&run)
        );
        return Err(EnvError::Unavailable { name: NAME, reason });
    }
    Ok(())
}

async fn tables(grip: &Grip) -> Result<Vec<RunId>, EnvError> {
    let Reply::Listed(tables) = grip.order(&Order::Tables).await? else { return Ok(Vec::new()) };
    let names = tables.lines().filter_map(|table| table.strip_prefix(rules::TABLE_PREFIX));
    Ok(names.map(RunId::named).collect())
}

/// A note that does not say whose it is protects nobody; a tester that cannot be seen is left alone.
async fn is_dead(grip: &Grip, tester: Option<Tester>) -> Result<bool, EnvError> {
    let Some(tester) = tester else { return Ok(true) };
    let reply = grip.order(&Order::Alive { testers: vec![tester] }).await?;
    Ok(matches!(reply, Reply::Alive(alive) if alive == [Some(false)]))
}

async fn heal(engine: &Engine, grip: &Grip, run: RunId, had_table: bool) -> Healed {
    let mut healed = Healed { run, did: Vec::new(), errors: Vec::new() };
    if had_table {
        let script = rules::removal(&rules::table(&healed.run));
        match grip.order(&Order::Filter { script }).await {
            Ok(_) => healed.did.push("removed the rules that cut links".to_owned()),
            Err(error) => healed.errors.push(error),
        }
    }
    match undo(engine, &healed.run).await {
        Ok(did) => healed.did.extend(did),
        Err(error) => healed.errors.push(error.into()),
    }
    healed
}

async fn undo(engine: &Engine, run: &RunId) -> Result<Vec<String>, EngineError> {
    let mut did = Notes::of_run(run)?.undo().await?;
    let hands = [format!("{RUN_LABEL}={run}"), "ordeal.hands".to_owned()];
    for id in engine.containers(&hands).await? {
        match engine.remove(&id).await {
            // They end by themselves when they lose their tester.
            Err(error) if error.is_absent() || error.is_conflict() => {}
            other => other.map(|()| did.push("removed its helper container".to_owned()))?,
        }
    }
    Ok(did)
}
