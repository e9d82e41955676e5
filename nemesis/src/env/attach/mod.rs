//! `attach`: a cluster that something else runs (systemd, Kubernetes, a vendor) and that was there
//! before the run.
//!
//! The tester has no hands on such nodes but commands that the user gives, one for each thing that can
//! be done to a node or to a link ([`Commands`]). A fault needs three: what breaks, what heals, and
//! what *shows* it, since no fault is believed that was not seen: `state` prints what a node's process
//! is, `reach` succeeds if a link is open. Whoever gives none is tested without faults, and
//! [`Capabilities`] says what is missing.
//!
//! Commands are run by `sh -c`, each within [`PATIENCE`]. What has to be undone is written to the
//! registry of runs *before* it is done, with the command that undoes it, so that a sweep can do so
//! if the tester dies.
//!
//! Two runs on one cluster would heal each other's faults. What can be kept apart is those on one
//! machine: a run holds a name for each endpoint, which the kernel gives back when the tester ends,
//! however it does.

mod shell;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as Name, UnixListener};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{
    Ability, Capabilities, EnvError, Environment, Exit, Grace, Launch, Listen, ProcessState, RunId,
};
use crate::link::{Grudge, Link, LinkMatrix, LinkState, NodeId};
use crate::registry::{Enlisted, Registry, RegistryError};

const NAME: &str = "attach";

/// How long one command may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at a node that is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A command for each node.
pub type PerNode = BTreeMap<NodeId, String>;

/// A command for each directed link.
pub type PerLink = BTreeMap<Link, String>;

/// What can be done to the nodes, as shell commands; what is absent cannot be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// Ends a node's processes at once.
    pub kill: Option<PerNode>,
    /// Starts a dead node.
    pub start: Option<PerNode>,
    /// Stops a node gracefully.
    pub stop: Option<PerNode>,
    /// Stops a node's processes where they are.
    pub pause: Option<PerNode>,
    /// Lets them go on.
    pub resume: Option<PerNode>,
    /// Prints `running`, `paused` or `dead`.
    pub state: Option<PerNode>,
    /// Cuts a link: its receiver no longer hears its sender.
    pub cut: Option<PerLink>,
    /// Opens all links to a node.
    pub heal: Option<PerNode>,
    /// Succeeds if a link is open.
    pub reach: Option<PerLink>,
    /// Whether `cut` and `reach` tell the two directions of a link apart.
    pub directions: Directions,
}

/// Whether the two directions of a link are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Directions {
    /// A link is cut in both directions or in none. A `ping` cannot see more.
    #[default]
    Together,
    /// Each by itself.
    Apart,
}

/// A cluster that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Where each node serves clients, `n1` first.
    pub endpoints: Vec<SocketAddr>,
    /// What can be done to them.
    pub commands: Commands,
}

/// The environment; see the module's essay.
pub struct Attach {
    nodes: Vec<NodeId>,
    run: RunId,
    attachment: Attachment,
    cut: Mutex<Grudge>,
    /// One change of the links at a time.
    changing: tokio::sync::Mutex<()>,
    enlisted: Enlisted,
    /// Held as long as the run.
    _claims: Vec<UnixListener>,
}

impl Attach {
    /// Takes the nodes as they are. Nothing is done to them yet.
    ///
    /// # Errors
    /// When another run on this machine has one of them, or the run cannot be written down.
    pub fn open(attachment: &Attachment, run: &RunId) -> Result<Attach, EnvError> {
        let claims = attachment.endpoints.iter().map(claim).collect::<Result<_, _>>()?;
        let enlisted =
            Registry::of_user().and_then(|registry| registry.enlist(run)).map_err(unregistered)?;
        Ok(Attach::of(attachment, run, enlisted, claims))
    }

    fn of(
        attachment: &Attachment,
        run: &RunId,
        enlisted: Enlisted,
        claims: Vec<UnixListener>,
    ) -> Attach {
        let nodes = NodeId::cluster(u16::try_from(attachment.endpoints.len()).unwrap_or(u16::MAX));
        Attach {
            nodes,
            run: run.clone(),
            attachment: attachment.clone(),
            cut: Mutex::new(Grudge::none()),
            changing: tokio::sync::Mutex::default(),
            enlisted,
            _claims: claims,
        }
    }

    fn commands(&self) -> &Commands {
        &self.attachment.commands
    }

    /// The command that a node has for something.
    fn command<'a>(
        &self,
        node: NodeId,
        per_node: Option<&'a PerNode>,
        ability: Ability,
    ) -> Result<&'a str, EnvError> {
        let Some(per_node) = per_node else {
            self.capabilities().require(ability)?;
            return Err(EnvError::NoSuchNode(node));
        };
        per_node.get(&node).map(String::as_str).ok_or(EnvError::NoSuchNode(node))
    }

    /// Writes down how to undo what is about to be done to a node.
    fn owe(&self, what: &str, node: NodeId, undo: Option<&PerNode>) -> Result<(), EnvError> {
        let Some(command) = undo.and_then(|undo| undo.get(&node)) else { return Ok(()) };
        self.enlisted.owe(&format!("{what} {node}"), command).map_err(unregistered)
    }

    fn settle(&self, what: &str, node: NodeId) -> Result<(), EnvError> {
        self.enlisted.settle(&format!("{what} {node}")).map_err(unregistered)
    }

    async fn died_within(&self, node: NodeId, patience: Duration) -> Result<bool, EnvError> {
        let deadline = Instant::now() + patience;
        while !self.state(node).await?.is_dead() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    fn cuts(&self) -> Grudge {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn heal_all_links(&self) -> Result<(), EnvError> {
        let heal = self.commands().heal.clone().unwrap_or_default();
        let heal = self.nodes.iter().filter_map(|node| heal.get(node)).cloned();
        all(heal.map(|command| async move { shell::run(&command).await })).await?;
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = Grudge::none();
        self.nodes.iter().try_for_each(|&node| self.settle("links to", node))
    }
}

/// Makes a node ours among the runs of this machine, by a name that has no file. Nobody is ever
/// answered under it.
fn claim(endpoint: &SocketAddr) -> Result<UnixListener, EnvError> {
    let name = Name::from_abstract_name(format!("ordeal attach {endpoint}"));
    match name.and_then(|name| UnixListener::bind_addr(&name)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(EnvError::Unavailable {
            name: NAME,
            reason: format!("another run on this machine tests {endpoint} now: wait for its end"),
        }),
        claimed => {
            claimed.map_err(|source| EnvError::Io { what: format!("claim {endpoint}"), source })
        }
    }
}

/// Runs commands beside each other; fails with one that failed, when all have ended.
async fn all<F>(commands: impl Iterator<Item = F>) -> Result<(), EnvError>
where
    F: Future<Output = Result<String, EnvError>> + Send + 'static,
{
    let running: JoinSet<_> = commands.collect();
    running.join_all().await.into_iter().try_for_each(|ended| ended.map(drop))
}

/// Without the registry, what a killed tester leaves behind would be nobody's to sweep.
fn unregistered(error: RegistryError) -> EnvError {
    EnvError::Io {
        what: "write the run down in the registry".to_owned(),
        source: std::io::Error::other(error),
    }
}

/// Why an ability is absent: which of the commands it takes were not given.
fn lacks(needs: &[(&str, bool)]) -> Option<String> {
    let missing: Vec<String> =
        needs.iter().filter(|(_, given)| !given).map(|(name, _)| format!("`{name}`")).collect();
    let what = missing.join(", ");
    let reason = || format!("the nodes are run by something else, and [attach] has no {what}");
    (!missing.is_empty()).then(reason)
}

#[async_trait]
impl Environment for Attach {
    fn name(&self) -> &'static str {
        NAME
    }

    fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    fn capabilities(&self) -> Capabilities {
        let Commands { kill, start, stop, pause, resume, state, cut, heal, reach, directions } =
            self.commands();
        let state = ("state", state.is_some());
        let start = ("start", start.is_some());
        let links = [("cut", cut.is_some()), ("heal", heal.is_some()), ("reach", reach.is_some())];
        let one_way = match directions {
            Directions::Apart => lacks(&links),
            Directions::Together => Some(
                "[attach] does not say that `cut` and `reach` tell directions apart (one-way = true)"
                    .to_owned(),
            ),
        };
        let absent = [
            (Ability::Kill, lacks(&[("kill", kill.is_some()), start, state])),
            (Ability::Restart, lacks(&[("stop", stop.is_some()), start, state])),
            (
                Ability::Pause,
                lacks(&[("pause", pause.is_some()), ("resume", resume.is_some()), state]),
            ),
            (Ability::Partition, lacks(&links)),
            (Ability::OneWay, one_way),
        ];
        let able = [Ability::Stall, Ability::Delay, Ability::Reset]
            .into_iter()
            .fold(Capabilities::all(), |able, it| able.without(it, "attach only cuts links"));
        absent.into_iter().fold(able, |able, (ability, reason)| match reason {
            Some(reason) => able.without(ability, reason),
            None => able,
        })
    }

    fn brings_programs(&self) -> bool {
        true
    }

    fn client_endpoint(&self, node: NodeId) -> SocketAddr {
        self.attachment.endpoints[node.index()]
    }

    /// Of the ports for other nodes nothing is known, or needed.
    fn listen(&self, node: NodeId) -> Listen {
        let client = self.client_endpoint(node);
        Listen { client, peer: client }
    }

    fn peer_endpoint(&self, _from: NodeId, to: NodeId) -> SocketAddr {
        self.listen(to).peer
    }

    /// It runs already.
    async fn start(&self, _node: NodeId, _launch: &Launch) -> Result<(), EnvError> {
        Ok(())
    }

    async fn start_again(&self, node: NodeId) -> Result<(), EnvError> {
        if !self.state(node).await?.is_dead() {
            return Err(EnvError::AlreadyRunning(node));
        }
        shell::run(self.command(node, self.commands().start.as_ref(), Ability::Kill)?).await?;
        // One that was killed while it was paused is no longer.
        self.settle("resume", node)?;
        self.settle("start", node)
    }

    async fn stop(&self, node: NodeId, grace: Grace) -> Result<(), EnvError> {
        if self.state(node).await?.is_dead() {
            return Ok(());
        }
        self.owe("start", node, self.commands().start.as_ref())?;
        shell::harm(
            self.command(node, self.commands().stop.as_ref(), Ability::Restart)?,
            &self.run,
        )
        .await?;
        if self.died_within(node, grace.patience).await? {
            return Ok(());
        }
        tracing::warn!(%node, patience = ?grace.patience, "did not stop, killing it");
        self.kill(node).await
    }

    async fn kill(&self, node: NodeId) -> Result<(), EnvError> {
        if self.state(node).await?.is_dead() {
            return Ok(());
        }
        self.owe("start", node, self.commands().start.as_ref())?;
        shell::harm(self.command(node, self.commands().kill.as_ref(), Ability::Kill)?, &self.run)
            .await
            .map(drop)
    }

    async fn pause(&self, node: NodeId) -> Result<(), EnvError> {
        self.owe("resume", node, self.commands().resume.as_ref())?;
        shell::harm(self.command(node, self.commands().pause.as_ref(), Ability::Pause)?, &self.run)
            .await
            .map(drop)
    }

    async fn resume(&self, node: NodeId) -> Result<(), EnvError> {
        if !self.state(node).await?.is_paused() {
            return self.settle("resume", node);
        }
        shell::run(self.command(node, self.commands().resume.as_ref(), Ability::Pause)?).await?;
        self.settle("resume", node)
    }

    fn states_seen_in(&self) -> &'static str {
        match self.commands().state {
            Some(_) => "the command `state`",
            None => "nothing: no command `state`",
        }
    }

    /// Without a command nothing is known, and nothing was done: nodes count as running.
    async fn state(&self, node: NodeId) -> Result<ProcessState, EnvError> {
        let Some(commands) = &self.commands().state else {
            return Ok(ProcessState::Running { pid: 0 });
        };
        let command = commands.get(&node).ok_or(EnvError::NoSuchNode(node))?;
        let printed = shell::run(command).await?;
        parse_state(&printed).ok_or_else(|| EnvError::Command {
            command: command.clone(),
            detail: format!("it must print running, paused or dead, and printed {printed:?}"),
        })
    }

    async fn pids(&self, _node: NodeId) -> Vec<u32> {
        Vec::new()
    }

    async fn apply(&self, grudge: &Grudge) -> Result<(), EnvError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = self.cuts();
        if grudge.is_empty() && before.is_empty() {
            return Ok(());
        }
        self.capabilities().require(Ability::Partition)?;
        if before.links().any(|link| !grudge.cuts(link)) {
            self.heal_all_links().await?;
        }
        let (before, cut) = (self.cuts(), self.commands().cut.clone().unwrap_or_default());
        let new: Vec<Link> = grudge.links().filter(|link| !before.cuts(*link)).collect();
        for link in &new {
            self.owe("links to", link.to, self.commands().heal.as_ref())?;
        }
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = grudge.clone();
        let run = || self.run.clone();
        let cut = new.iter().filter_map(|link| cut.get(link)).map(|it| (it.clone(), run()));
        all(cut.map(|(command, run)| async move { shell::harm(&command, &run).await })).await
    }

    async fn heal_network(&self) -> Result<(), EnvError> {
        let _one_at_a_time = self.changing.lock().await;
        self.heal_all_links().await
    }

    async fn probe(&self) -> Result<LinkMatrix, EnvError> {
        let began = Instant::now();
        let reach = self.commands().reach.clone().unwrap_or_default();
        let mut probing = JoinSet::new();
        for (link, command) in reach {
            probing.spawn(async move {
                let asked = Instant::now();
                let reached = shell::succeeds(&command).await?;
                let latency = asked.elapsed();
                let open = LinkState::Open { latency };
                Ok(reached.map(|reached| (link, if reached { open } else { LinkState::Closed })))
            });
        }
        let seen = probing.join_all().await.into_iter().collect::<Result<Vec<_>, EnvError>>()?;
        let links: BTreeMap<Link, LinkState> = seen.into_iter().flatten().collect();
        let how = "the command `reach`";
        Ok(LinkMatrix { began, ended: Instant::now(), how, links })
    }

    /// Heals what this run broke. Nodes are not ours to stop.
    async fn teardown(&self) -> Result<(), EnvError> {
        if !self.cuts().is_empty() {
            self.heal_network().await?;
        }
        let owing = self.enlisted.owing();
        if owing.is_empty() {
            return self.enlisted.strike().map_err(unregistered);
        }
        let what = format!("{} (left for `checker heal`)", owing.join(", "));
        Err(EnvError::TimedOut { what, after: PATIENCE })
    }
}

fn parse_state(printed: &str) -> Option<ProcessState> {
    let mut words = printed.split_whitespace();
    let word = words.next()?;
    let pid = words.next().and_then(|pid| pid.parse().ok()).unwrap_or(0);
    Some(match word {
        "running" => ProcessState::Running { pid },
        "paused" => ProcessState::Paused { pid },
        "dead" => ProcessState::Dead { exit: Exit::Unknown },
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
