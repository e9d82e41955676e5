//! `docker`: nodes are the containers of a Compose project, and faults come from outside them.
//!
//! Nothing is asked of the images: no ssh, no init system, no privileges, no tools. The
//! engine (`engine`) kills, pauses, stops and starts containers and hands over their output; a small
//! process of ours, the [`hands`], cuts links on the bridge between them (see `rules`) and
//! measures links by datagrams from inside their network namespaces. What is done to containers that
//! are not ours is noted (`notes`) with the engine first, so that it is undone whoever dies.
//!
//! Cuts hold whatever happens to the containers, restarts included: a rule names addresses, not
//! namespaces. Where a container may be given another address when it starts, strangers are shut
//! out until the rules have followed.
//!
//! A policy that would bring a killed container back is switched off for the run, and restored.
//! The containers are found running, or started, and left running.
//!
//! Left out: disturbing links without cutting them, containers in the host's network, networks that
//! are no bridge of the engine's machine (overlay, macvlan), and engines on another machine.

mod engine;
mod frames;
mod grip;
pub mod hands;
mod links;
mod notes;
mod project;
mod rules;
mod sweep;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

pub use engine::EngineError;
pub use project::{Project, Target};
pub use sweep::{Healed, sweep};

use super::{
    Ability, Capabilities, EnvError, EnvOptions, Environment, Exit, Grace, Launch, Listen,
    ProcessState, StopSignal,
};
use crate::link::{Grudge, LinkMatrix, NodeId};
use engine::{Container, Engine, RestartPolicy, State};
use grip::Grip;
use hands::{Order, Reply};
use links::{Wire, misunderstood};
use notes::{Deed, NoteError, Noted, Notes};
use project::Found;

const NAME: &str = "docker";

/// How long the engine may take to show what it was told, on a busy machine.
const ENGINE_LIMIT: Duration = Duration::from_secs(10);

/// How often it is asked meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Finds the nodes of a target.
///
/// # Errors
/// When the engine does not answer, or there is no such project or service.
pub async fn find(target: &Target) -> Result<Project, EnvError> {
    let engine = Engine::of_machine()?;
    let version = engine.version().await?;
    tracing::debug!(version, "container engine");
    project::find(&engine, target).await
}

/// The Compose project that a container belongs to.
///
/// # Errors
/// When the engine does not answer, or the container belongs to none.
pub async fn project_of(container: &str) -> Result<String, EnvError> {
    let container = Engine::of_machine()?.container(container).await?;
    let project = container.label(project::PROJECT).map(str::to_owned);
    project.ok_or_else(|| unavailable("the container belongs to no Compose project"))
}

/// The environment; see the module's essay.
pub struct Docker {
    nodes: Vec<NodeId>,
    project: Project,
    engine: Engine,
    grip: Grip,
    notes: Notes,
    /// What is between the nodes. One change, or measurement, at a time.
    wire: tokio::sync::Mutex<Wire>,
    addresses: Mutex<BTreeMap<NodeId, Ipv4Addr>>,
    logs: Mutex<BTreeMap<NodeId, PathBuf>>,
    began: SystemTime,
}

fn unavailable(reason: impl Into<String>) -> EnvError {
    EnvError::Unavailable { name: NAME, reason: reason.into() }
}

fn unnoted(error: NoteError) -> EnvError {
    EnvError::Io { what: "note the run".into(), source: std::io::Error::other(error) }
}

impl Docker {
    /// Takes hold of the containers, starts those that do not run, and proves every link open.
    pub async fn open(options: &EnvOptions, project: &Project) -> Result<Docker, EnvError> {
        if project.nodes() != options.nodes {
            let (are, wanted) = (project.nodes(), options.nodes);
            return Err(unavailable(format!("{} has {are} nodes, not {wanted}", project.name)));
        }
        let engine = Engine::of_machine()?;
        let own = project::own_container(&engine).await;
        let mut noted = Vec::new();
        for found in &project.members {
            let container = engine.container(&found.id).await?;
            if container.host_config.publishes(project.peer_port) {
                let (name, port) = (&found.name, project.peer_port);
                tracing::warn!(
                    "{name} publishes port {port}, at which nodes serve each other: what goes that way \
                     goes around the cuts; let them advertise names of the project's network"
                );
            }
            let policy = container.host_config.restart_policy;
            noted.push(Noted { id: found.id.clone(), name: found.name.clone(), policy });
        }
        // Notes before hands: hands that lose us heal by the notes.
        let notes = Notes::begin(&engine, &options.run, &noted).await.map_err(unnoted)?;
        let grip = Grip::take(&engine, own.as_ref(), Some(&options.run)).await;
        let alone = match &grip {
            Ok(grip) => sweep::refuse_company(&engine, grip, &options.run, &noted).await,
            Err(_) => Ok(()),
        };
        let grip = match alone.and(grip) {
            Ok(grip) => grip,
            Err(error) => {
                notes.undo().await?;
                return Err(error);
            }
        };
        let environment = Docker {
            nodes: NodeId::cluster(options.nodes),
            project: project.clone(),
            wire: tokio::sync::Mutex::new(Wire::new(&options.run)),
            engine,
            grip,
            notes,
            addresses: Mutex::default(),
            logs: Mutex::default(),
            began: SystemTime::now(),
        };
        match environment.take_hold(&noted, own.as_ref()).await {
            Ok(()) => Ok(environment),
            Err(error) => {
                environment.teardown().await?;
                Err(error)
            }
        }
    }

    async fn take_hold(&self, noted: &[Noted], own: Option<&Container>) -> Result<(), EnvError> {
        for node in noted.iter().filter(|node| node.policy.restarts()) {
            // It would bring a node back that was killed, and hide one that crashed.
            self.engine.set_restart_policy(&node.id, &RestartPolicy::none()).await?;
        }
        for found in &self.project.members {
            if !self.engine.container(&found.id).await?.state.running {
                self.engine.order(&found.id, "start").await?;
            }
        }
        self.connect_the_wire(own).await?;
        self.prove_open().await
    }

    fn found(&self, node: NodeId) -> Result<&Found, EnvError> {
        let mut members = self.project.members.iter();
        members.find(|found| found.node == node).ok_or(EnvError::NoSuchNode(node))
    }

    async fn look(&self, node: NodeId) -> Result<Container, EnvError> {
        Ok(self.engine.container(&self.found(node)?.id).await?)
    }

    /// Waits until the engine says that it is dead, and no process of it is left.
    async fn died_within(&self, node: NodeId, limit: Duration) -> Result<bool, EnvError> {
        let deadline = Instant::now() + limit;
        while self.look(node).await?.state.running || !self.processes(node).await?.is_empty() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(true)
    }

    async fn processes(&self, node: NodeId) -> Result<Vec<u32>, EnvError> {
        let order = Order::Processes { container: self.found(node)?.id.clone() };
        match self.grip.order(&order).await? {
            Reply::Processes(pids) => Ok(pids),
            _ => Err(misunderstood()),
        }
    }

    async fn signal(&self, node: NodeId, signal: &str) -> Result<(), EnvError> {
        match self.engine.signal(&self.found(node)?.id, signal).await {
            // It has died by itself meanwhile.
            Err(error) if error.is_conflict() => Ok(()),
            other => Ok(other?),
        }
    }

    /// What the containers printed during the run, one file a node.
    async fn collect_logs(&self) -> Result<(), EnvError> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let since = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        for (node, path) in logs {
            let container = self.look(node).await?;
            let printed = self.engine.logs(&container.id, since.as_secs()).await?;
            let text = if container.config.tty { printed } else { frames::content(&printed) };
            tokio::fs::write(&path, text).await.map_err(|source| EnvError::Io {
                what: format!("write {}", path.display()),
                source,
            })?;
        }
        Ok(())
    }
}

#[async_trait]
impl Environment for Docker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    fn capabilities(&self) -> Capabilities {
        let reason = "docker only cuts links; local has relays that disturb them";
        [Ability::Stall, Ability::Delay, Ability::Reset]
            .into_iter()
            .fold(Capabilities::all(), |able, ability| able.without(ability, reason))
    }

    fn brings_programs(&self) -> bool {
        true
    }

    fn client_endpoint(&self, node: NodeId) -> SocketAddr {
        self.listen(node).client
    }

    fn listen(&self, node: NodeId) -> Listen {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let address = addresses.get(&node).copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let at = |port| SocketAddr::from((address, port));
        Listen { client: at(self.project.client_port), peer: at(self.project.peer_port) }
    }

    fn peer_endpoint(&self, _from: NodeId, to: NodeId) -> SocketAddr {
        self.listen(to).peer
    }

    async fn start(&self, node: NodeId, launch: &Launch) -> Result<(), EnvError> {
        let log = launch.log.clone();
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).insert(node, log);
        match self.start_again(node).await {
            Err(EnvError::AlreadyRunning(_)) => Ok(()),
            other => other,
        }
    }

    async fn start_again(&self, node: NodeId) -> Result<(), EnvError> {
        let container = self.look(node).await?;
        if container.state.running {
            return Err(EnvError::AlreadyRunning(node));
        }
        self.start_behind_cuts(node, &container).await?;
        self.notes.undone(Deed::Pause, &container.id).await?;
        Ok(self.notes.undone(Deed::Down, &container.id).await?)
    }

    async fn stop(&self, node: NodeId, grace: Grace) -> Result<(), EnvError> {
        let container = self.look(node).await?;
        if !container.state.running {
            return Ok(());
        }
        self.notes.about_to(Deed::Down, &container.id).await?;
        self.resume(node).await?;
        let signal = match grace.signal {
            StopSignal::Term => "TERM",
            StopSignal::Interrupt => "INT",
        };
        self.signal(node, signal).await?;
        if self.died_within(node, grace.patience).await? {
            return Ok(());
        }
        tracing::warn!(%node, patience = ?grace.patience, "did not stop, killing it");
        self.kill(node).await
    }

    async fn kill(&self, node: NodeId) -> Result<(), EnvError> {
        let container = self.look(node).await?;
        if !container.state.running {
            return Ok(());
        }
        self.notes.about_to(Deed::Down, &container.id).await?;
        self.signal(node, "KILL").await?;
        if self.died_within(node, ENGINE_LIMIT).await? {
            return Ok(());
        }
        Err(EnvError::TimedOut { what: format!("the death of {node}"), after: ENGINE_LIMIT })
    }

    async fn pause(&self, node: NodeId) -> Result<(), EnvError> {
        let container = self.look(node).await?;
        if container.state.paused {
            return Ok(());
        }
        if !container.state.running {
            return Err(EnvError::NotRunning(node));
        }
        self.notes.about_to(Deed::Pause, &container.id).await?;
        let deadline = Instant::now() + ENGINE_LIMIT;
        loop {
            match self.engine.order(&container.id, "pause").await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => return Err(EnvError::NotRunning(node)),
                // On a busy machine the freezer may not catch every process in the time it is
                // given: the engine lets them go then, and can be asked again.
                Err(error) if error.has_failed() && Instant::now() < deadline => {
                    tracing::debug!(%node, %error, "not paused, trying again");
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn resume(&self, node: NodeId) -> Result<(), EnvError> {
        let container = self.look(node).await?;
        if !container.state.paused {
            return Ok(());
        }
        self.engine.order(&container.id, "unpause").await?;
        Ok(self.notes.undone(Deed::Pause, &container.id).await?)
    }

    fn states_seen_in(&self) -> &'static str {
        "the container engine, and its machine's process table"
    }

    async fn state(&self, node: NodeId) -> Result<ProcessState, EnvError> {
        Ok(state_of(&self.look(node).await?.state))
    }

    async fn pids(&self, node: NodeId) -> Vec<u32> {
        self.processes(node).await.unwrap_or_default()
    }

    async fn apply(&self, grudge: &Grudge) -> Result<(), EnvError> {
        self.cut(grudge).await
    }

    async fn heal_network(&self) -> Result<(), EnvError> {
        self.cut(&Grudge::none()).await
    }

    async fn probe(&self) -> Result<LinkMatrix, EnvError> {
        self.measure().await
    }

    async fn teardown(&self) -> Result<(), EnvError> {
        let opened = self.remove_rules().await;
        let undone = self.notes.undo().await;
        let logged = self.collect_logs().await;
        opened.and(undone.map_err(EnvError::from).map(drop))?;
        self.grip.order(&Order::Release).await?;
        logged
    }
}

fn state_of(state: &State) -> ProcessState {
    match state {
        State { running: true, paused: true, pid, .. } => ProcessState::Paused { pid: *pid },
        State { running: true, pid, .. } => ProcessState::Running { pid: *pid },
        State { status, .. } if status == "created" => {
            ProcessState::Dead { exit: Exit::NeverStarted }
        }
        State { oom_killed: true, .. } => ProcessState::Dead { exit: Exit::Signal(9) },
        State { exit_code, .. } => ProcessState::Dead { exit: exit_of(*exit_code) },
    }
}

/// The engine tells a signal as shells do.
fn exit_of(code: i32) -> Exit {
    match code {
        129..=192 => Exit::Signal(code - 128),
        code => Exit::Code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_that_is_bound_on_the_machine_is_published() {
        let config = |bindings: serde_json::Value| -> engine::HostConfig {
            let policy = serde_json::json!({ "Name": "no" });
            serde_json::from_value(serde_json::json!({
                "RestartPolicy": policy, "NetworkMode": "n", "PortBindings": bindings,
            }))
            .unwrap()
        };
        let bound = config(serde_json::json!({ "2380/tcp": [{ "HostIp": "", "HostPort": "1" }] }));
        assert!(bound.publishes(2380) && !bound.publishes(2379) && !bound.publishes(23));
        for none in [serde_json::json!({}), serde_json::Value::Null] {
            assert!(!config(none).publishes(2380));
        }
    }

    #[test]
    fn what_the_engine_says_of_a_container_is_a_state_of_its_process() {
        let state = |status: &str, running, paused, exit_code| State {
            status: status.into(),
            running,
            paused,
            pid: 7,
            exit_code,
            oom_killed: false,
        };
        assert_eq!(state_of(&state("running", true, false, 0)), ProcessState::Running { pid: 7 });
        assert_eq!(state_of(&state("paused", true, true, 0)), ProcessState::Paused { pid: 7 });
        let dead = |exit| ProcessState::Dead { exit };
        assert_eq!(state_of(&state("created", false, false, 0)), dead(Exit::NeverStarted));
        assert_eq!(state_of(&state("exited", false, false, 137)), dead(Exit::Signal(9)));
        assert_eq!(state_of(&state("exited", false, false, 3)), dead(Exit::Code(3)));
    }
}
