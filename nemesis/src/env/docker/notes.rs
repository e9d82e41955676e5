//! What a run does to other people's containers, written down where it is done: with the engine.
//!
//! A file of the tester's would be gone with the container that the tester may be in. So each run
//! leaves empty *volumes* whose labels say it: one for the run (who its tester is, which containers
//! are its nodes, their restart policies), and one for each node that it is about to pause or bring
//! down, made before the deed and removed after its undoing. Whoever asks the same engine finds
//! them, from the host or from another container. Labels cannot be changed, hence one volume a deed.
//!
//! Undoing starts and resumes only what is noted: a node that somebody else stopped stays stopped. A
//! deed may still be under way when its tester dies: the order lies in the engine's socket, or the
//! node takes its time to stop. So undoing waits a little for what is noted to come true, and a node
//! that should be down and runs all the same is restarted: it would otherwise stop later, with
//! nobody left to start it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::LOOK_INTERVAL;
use super::engine::{Engine, EngineError, RestartPolicy, State, Volume};
use crate::env::RunId;
use crate::proc::Identity;
use crate::registry::{RegistryError, boot, pid_namespace};

/// How long an order may be on its way after the death of whoever gave it.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// On everything of ours, with the run's name.
pub(crate) const RUN_LABEL: &str = "ordeal.run";
const TESTER_LABEL: &str = "ordeal.tester";
const NODES_LABEL: &str = "ordeal.nodes";
const DEED_LABEL: &str = "ordeal.deed";
const CONTAINER_LABEL: &str = "ordeal.container";

/// One process for good, wherever it is on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tester {
    pub(crate) boot: String,
    pub(crate) pid_namespace: String,
    pub(crate) identity: Identity,
}

impl Tester {
    fn of_self() -> Result<Tester, RegistryError> {
        let identity = Identity::of_self().ok_or_else(|| RegistryError::Io {
            what: "reading",
            path: "/proc/self/stat".into(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        Ok(Tester { boot: boot()?, pid_namespace: pid_namespace()?, identity })
    }
}

/// A container that is a node of the run, as it was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Noted {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) policy: RestartPolicy,
}

/// What is done to a node and must be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Down,
    Pause,
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Deed::Down => "down",
            Deed::Pause => "paused",
        }
    }
}

/// Why notes cannot be kept or obeyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoteError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Identity(#[from] RegistryError),
}

/// The notes of one run.
pub(crate) struct Notes {
    engine: Engine,
    run: RunId,
}

impl Notes {
    /// Begins the notes of a run. To be done before anything that would have to be undone.
    pub(crate) async fn begin(
        engine: &Engine,
        run: &RunId,
        nodes: &[Noted],
    ) -> Result<Notes, NoteError> {
        let notes = Notes { engine: engine.clone(), run: run.clone() };
        let plain = "records have only text for keys";
        let labels = [
            (TESTER_LABEL, serde_json::to_string(&Tester::of_self()?).expect(plain)),
            (NODES_LABEL, serde_json::to_string(nodes).expect(plain)),
        ];
        notes.create(&notes.name(), labels).await?;
        Ok(notes)
    }

    /// The notes of a run of somebody else's.
    pub(crate) fn of_run(run: &RunId) -> Result<Notes, EngineError> {
        Ok(Notes { engine: Engine::of_machine()?, run: run.clone() })
    }

    /// Notes that this is about to be done to a container.
    pub(crate) async fn about_to(&self, deed: Deed, container: &str) -> Result<(), EngineError> {
        let labels =
            [(DEED_LABEL, deed.word().to_owned()), (CONTAINER_LABEL, container.to_owned())];
        self.create(&self.deed_name(deed, container), labels).await
    }

    /// Notes that it was undone.
    pub(crate) async fn undone(&self, deed: Deed, container: &str) -> Result<(), EngineError> {
        self.engine.remove_volume(&self.deed_name(deed, container)).await
    }

    /// Resumes and starts what the run paused or brought down, gives restart policies back, and
    /// removes the notes: last that of the run, so that whatever fails can be tried again. Says what
    /// it did, a sentence each.
    pub(crate) async fn undo(&self) -> Result<Vec<String>, EngineError> {
        let label = format!("{RUN_LABEL}={}", self.run);
        let mut volumes = self.engine.volumes(&label).await?;
        // A paused node cannot do what it is told, not even to stop.
        volumes.sort_by_key(|volume| match deed_of(volume) {
            Some((Deed::Pause, _)) => 0,
            Some((Deed::Down, _)) => 1,
            None => 2,
        });
        let nodes: Vec<Noted> = volumes.iter().filter_map(nodes_of).next().unwrap_or_default();
        let mut did = Vec::new();
        for volume in &volumes {
            match deed_of(volume) {
                Some((deed, container)) => {
                    did.extend(self.undo_deed(deed, container, &nodes).await?)
                }
                None => self.restore_policies(&nodes).await?,
            }
            self.engine.remove_volume(&volume.name).await?;
        }
        Ok(did)
    }

    async fn undo_deed(
        &self,
        deed: Deed,
        container: &str,
        nodes: &[Noted],
    ) -> Result<Option<String>, EngineError> {
        let name = nodes.iter().find(|node| node.id == container).map(|node| node.name.as_str());
        let name = name.unwrap_or(container);
        // Its owner may have removed it: nothing to undo.
        let Some(state) = self.state_after(deed, container).await? else { return Ok(None) };
        let (order, did) = match deed {
            Deed::Pause if !state.paused => return Ok(None),
            Deed::Pause => ("unpause", "resumed"),
            Deed::Down if state.running => ("restart?t=1", "restarted"),
            Deed::Down => ("start", "started"),
        };
        match self.engine.order(container, order).await {
            Ok(changed) => Ok(changed.then(|| format!("{did} {name}"))),
            // Somebody else may heal at the same time: what counts is how it is now.
            Err(error) => match self.engine.container(container).await {
                Ok(found) if !found.state.running || found.state.paused => Err(error),
                _ => Ok(None),
            },
        }
    }

    /// The state of a container once the deed has come true, or has had its time to.
    async fn state_after(&self, deed: Deed, container: &str) -> Result<Option<State>, EngineError> {
        let deadline = Instant::now() + UNDER_WAY;
        loop {
            let state = match self.engine.container(container).await {
                Ok(found) => found.state,
                Err(error) if error.is_absent() => return Ok(None),
                Err(error) => return Err(error),
            };
            let has_come_true = match deed {
                Deed::Pause => state.paused,
                Deed::Down => !state.running,
            };
            if has_come_true || Instant::now() >= deadline {
                return Ok(Some(state));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn restore_policies(&self, nodes: &[Noted]) -> Result<(), EngineError> {
        for node in nodes.iter().filter(|node| node.policy.restarts()) {
            match self.engine.set_restart_policy(&node.id, &node.policy).await {
                Err(error) if !error.is_absent() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn create<const N: usize>(
        &self,
        name: &str,
        labels: [(&str, String); N],
    ) -> Result<(), EngineError> {
        let run = (RUN_LABEL.to_owned(), self.run.to_string());
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.engine.create_volume(name, &labels.chain([run]).collect()).await
    }

    fn name(&self) -> String {
        name(&self.run)
    }

    fn deed_name(&self, deed: Deed, container: &str) -> String {
        let short = container.get(..12).unwrap_or(container);
        format!("{}-{}-{short}", self.name(), deed.word())
    }
}

/// The volume that says that there is a run.
pub(crate) fn name(run: &RunId) -> String {
    format!("ordeal-{run}")
}

/// What the notes of a run say of it, as far as that can be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noticed {
    /// Who does it.
    pub(crate) tester: Option<Tester>,
    /// Its nodes.
    pub(crate) nodes: Vec<Noted>,
}

/// The runs that have notes.
pub(crate) async fn runs(engine: &Engine) -> Result<BTreeMap<RunId, Noticed>, EngineError> {
    let mut runs: BTreeMap<RunId, Noticed> = BTreeMap::new();
    for volume in engine.volumes(RUN_LABEL).await? {
        let Some(name) = label(&volume, RUN_LABEL) else { continue };
        let noticed = runs.entry(RunId::named(name)).or_default();
        if let Some(tester) = label(&volume, TESTER_LABEL) {
            noticed.tester = serde_json::from_str(tester).ok();
            noticed.nodes = nodes_of(&volume).unwrap_or_default();
        }
    }
    Ok(runs)
}

fn label<'a>(volume: &'a Volume, name: &str) -> Option<&'a str> {
    volume.labels.as_ref()?.get(name).map(String::as_str)
}

fn nodes_of(volume: &Volume) -> Option<Vec<Noted>> {
    serde_json::from_str(label(volume, NODES_LABEL)?).ok()
}

fn deed_of(volume: &Volume) -> Option<(Deed, &str)> {
    let deed = match label(volume, DEED_LABEL)? {
        "down" => Deed::Down,
        _ => Deed::Pause,
    };
    Some((deed, label(volume, CONTAINER_LABEL)?))
}
