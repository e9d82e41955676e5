//! Where a cluster lives, and the only hands that touch it.
//!
//! An [`Environment`] gives each node an address, a process and links to the other nodes, and can
//! break each of them. It does what it is told and reports what it *measures*; whether a fault took
//! hold is judged by [`crate::faults`], never here. `netns` puts every node into a network
//! namespace of a run's own namespaces; `local` runs nodes as processes on loopback and puts a
//! relay inside the tester into every directed link; `docker` takes containers that somebody else
//! made, and breaks them from outside.
//!
//! All methods may be called at any time and concurrently, and end within bounded time. Healing
//! methods are idempotent. What an environment cannot do it says, with the reason, in
//! [`Capabilities`], and refuses with [`EnvError::Unsupported`].

pub mod attach;
mod datagrams;
pub mod docker;
pub mod local;
pub mod netns;
mod open;
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use open::{Decision, PrepareError, open, prepare};

pub use crate::ability::{Ability, Disturbance};
pub use crate::link::{Grudge, Link, LinkMatrix, LinkState, NodeId};

/// Set to the [`RunId`] in the process environment of every node, so that a sweep finds a node even
/// if the tester died between spawning it and writing its process id down.
pub const RUN_VARIABLE: &str = "ORDEAL_RUN";

/// Which environment is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvChoice {
    /// `netns` where the kernel allows it, else `local`.
    #[default]
    Auto,
    /// Network namespaces inside namespaces of the run's own.
    Netns,
    /// Processes on loopback.
    Local,
    /// The containers of a Compose project.
    Docker,
    /// Nodes that something else runs.
    Attach,
}

/// Why a text does not choose an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no environment (auto, netns, local, docker, attach)")]
pub struct NotAnEnvironment(pub String);

impl std::str::FromStr for EnvChoice {
    type Err = NotAnEnvironment;

    fn from_str(text: &str) -> Result<EnvChoice, NotAnEnvironment> {
        match text {
            "auto" => Ok(EnvChoice::Auto),
            "netns" => Ok(EnvChoice::Netns),
            "local" => Ok(EnvChoice::Local),
            "docker" => Ok(EnvChoice::Docker),
            "attach" => Ok(EnvChoice::Attach),
            other => Err(NotAnEnvironment(other.to_owned())),
        }
    }
}

/// Names one run on this machine; part of every name that outlives a process. Short, and made of
/// letters and digits only, so that it may stand in the names of interfaces and rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A name that no other run on this machine has. Random, and not from the run's seed: two runs
    /// of one seed may be up at the same time. Not from the process id either: in a namespace of
    /// its own every tester has the same.
    pub fn fresh() -> RunId {
        let noise = RandomState::new().hash_one(SystemTime::now()) & 0xffff_ffff;
        RunId(format!("{noise:08x}"))
    }

    /// A run that somebody else named.
    pub(crate) fn named(name: &str) -> RunId {
        RunId(name.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How nodes learn to reach each other; it decides whether `local` can put relays between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddresses {
    /// Each node can be told its own address for each peer: every directed link gets a relay.
    PerPair,
    /// All nodes share one advertised address of a member (etcd): no relay, no partitions in
    /// `local`.
    Advertised,
}

/// What to open.
#[derive(Clone, Debug)]
pub struct EnvOptions {
    /// How many nodes.
    pub nodes: u16,
    /// Whose they are.
    pub run: RunId,
    /// How they reach each other.
    pub peers: PeerAddresses,
}

/// How to start a node. Kept by the environment: later starts of the node use the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables in addition to those of the tester.
    pub env: Vec<(String, String)>,
    /// Working directory; exists.
    pub dir: PathBuf,
    /// Where standard output and error go; appended, never truncated.
    pub log: PathBuf,
}

impl Launch {
    /// For a node that brings its own program: only where its output goes matters.
    pub fn of_its_own(dir: PathBuf, log: PathBuf) -> Launch {
        Launch { program: PathBuf::new(), args: Vec::new(), env: Vec::new(), dir, log }
    }
}

/// What a node binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// For clients.
    pub client: SocketAddr,
    /// For other nodes.
    pub peer: SocketAddr,
}

/// The signal that asks a system to stop; which one is a fact of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Interrupt,
}

/// How to stop a node gracefully.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// The signal.
    pub signal: StopSignal,
    /// How long the node may take before it is killed.
    pub patience: Duration,
}

impl Default for Grace {
    fn default() -> Grace {
        Grace { signal: StopSignal::Term, patience: Duration::from_secs(10) }
    }
}

/// How a dead process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was never started.
    NeverStarted,
    /// It exited by itself with this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone, and nobody collected how.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::NeverStarted => f.write_str("never started"),
            Exit::Code(code) => write!(f, "exit status {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Unknown => f.write_str("gone"),
        }
    }
}

/// What the process table says of a node, read at the time of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// At least one of its processes may run.
    Running {
        /// The node's first process: differs after a restart.
        pid: u32,
    },
    /// All its processes are stopped (state `T`).
    Paused {
        /// The node's first process.
        pid: u32,
    },
    /// No process of it is left (a zombie counts as dead).
    Dead {
        /// How it ended.
        exit: Exit,
    },
}

impl ProcessState {
    /// Whether it may serve.
    pub fn is_running(self) -> bool {
        matches!(self, ProcessState::Running { .. })
    }

    /// Whether it is stopped by a signal.
    pub fn is_paused(self) -> bool {
        matches!(self, ProcessState::Paused { .. })
    }

    /// Whether nothing of it is left.
    pub fn is_dead(self) -> bool {
        matches!(self, ProcessState::Dead { .. })
    }

    /// The node's first process, if it has one.
    pub fn pid(self) -> Option<u32> {
        match self {
            ProcessState::Running { pid } | ProcessState::Paused { pid } => Some(pid),
            ProcessState::Dead { .. } => None,
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessState::Running { .. } => f.write_str("running"),
            ProcessState::Paused { .. } => f.write_str("paused"),
            ProcessState::Dead { exit } => write!(f, "dead ({exit})"),
        }
    }
}

/// What an environment can do, and why it cannot do the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    absent: BTreeMap<Ability, String>,
}

impl Capabilities {
    /// Can do everything.
    pub fn all() -> Capabilities {
        Capabilities::default()
    }

    /// Cannot do this, for a reason that a person can act on.
    #[must_use]
    pub fn without(mut self, ability: Ability, reason: impl Into<String>) -> Capabilities {
        self.absent.insert(ability, reason.into());
        self
    }

    /// Why it cannot do this; nothing if it can.
    pub fn reason_against(&self, ability: Ability) -> Option<&str> {
        self.absent.get(&ability).map(String::as_str)
    }

    /// Whether it can do this.
    pub fn supports(&self, ability: Ability) -> bool {
        !self.absent.contains_key(&ability)
    }

    /// Refuses with the reason if it cannot do this.
    pub fn require(&self, ability: Ability) -> Result<(), EnvError> {
        match self.reason_against(ability) {
            None => Ok(()),
            Some(reason) => Err(EnvError::Unsupported { ability, reason: reason.to_owned() }),
        }
    }
}

/// Why an environment did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// This environment can never do that here.
    #[error("no {} here: {reason}", ability.word())]
    Unsupported {
        /// What was wanted.
        ability: Ability,
        /// Why not, and where possible what to do about it.
        reason: String,
    },
    /// The environment cannot be set up on this machine.
    #[error("environment {name} is not available: {reason}")]
    Unavailable {
        /// Its name.
        name: &'static str,
        /// Why not, and where possible what to do about it.
        reason: String,
    },
    /// There is no such node.
    #[error("there is no node {0}")]
    NoSuchNode(NodeId),
    /// A node cannot be started again before it was started.
    #[error("{0} was never started")]
    NeverStarted(NodeId),
    /// A node is started once at a time.
    #[error("{0} is running already")]
    AlreadyRunning(NodeId),
    /// A signal cannot reach a node that is dead.
    #[error("{0} is not running")]
    NotRunning(NodeId),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A command (`ip`, `iptables`) failed.
    #[error("`{command}` failed: {detail}")]
    Command {
        /// The command line.
        command: String,
        /// What it printed, or how it ended.
        detail: String,
    },
    /// Something was not seen to happen in time.
    #[error("{what} did not happen within {after:?}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
}

/// A cluster's machines: processes, addresses and links. See the module's essay for the rules.
#[async_trait]
pub trait Environment: Send + Sync {
    /// `netns`, `local`, `docker` or `attach`.
    fn name(&self) -> &'static str;

    /// All nodes, `n1` first.
    fn nodes(&self) -> &[NodeId];

    /// What can be done to them.
    fn capabilities(&self) -> Capabilities;

    /// Whether nodes bring their own programs, as containers do: then of a [`Launch`] only the log
    /// matters, and nodes outlive the run.
    fn brings_programs(&self) -> bool {
        false
    }

    /// Where the tester reaches a node's client port. Never affected by any cut. May change when a
    /// node is started again where others give out addresses.
    fn client_endpoint(&self, node: NodeId) -> SocketAddr;

    /// What a node binds.
    fn listen(&self, node: NodeId) -> Listen;

    /// What `from` dials to reach `to`'s peer port: in `local` the relay of that directed link, in
    /// `netns` the real address.
    fn peer_endpoint(&self, from: NodeId, to: NodeId) -> SocketAddr;

    /// Starts a node and remembers how. Returns when the process exists, not when it is ready.
    async fn start(&self, node: NodeId, launch: &Launch) -> Result<(), EnvError>;

    /// Starts a dead node as it was started before. Of a node that is not dead:
    /// [`EnvError::AlreadyRunning`].
    async fn start_again(&self, node: NodeId) -> Result<(), EnvError>;

    /// Asks a node to stop, and kills it if it has not after `grace.patience`. Returns when it is
    /// dead; of a dead node at once. A paused node is resumed first, or it could not obey.
    async fn stop(&self, node: NodeId, grace: Grace) -> Result<(), EnvError>;

    /// SIGKILL to all processes of a node. Of a dead node: nothing.
    async fn kill(&self, node: NodeId) -> Result<(), EnvError>;

    /// SIGSTOP to all processes of a node.
    async fn pause(&self, node: NodeId) -> Result<(), EnvError>;

    /// SIGCONT to all processes of a node. Of a dead or running node: nothing.
    async fn resume(&self, node: NodeId) -> Result<(), EnvError>;

    /// Stops a node gracefully and starts it again.
    async fn restart(&self, node: NodeId, grace: Grace) -> Result<(), EnvError> {
        self.stop(node, grace).await?;
        self.start_again(node).await
    }

    /// By what means [`Environment::state`] knows.
    fn states_seen_in(&self) -> &'static str {
        "process table"
    }

    /// What the process table says, now.
    async fn state(&self, node: NodeId) -> Result<ProcessState, EnvError>;

    /// All live processes of a node.
    async fn pids(&self, node: NodeId) -> Vec<u32>;

    /// Makes the cuts of the network exactly these: earlier ones that are not among them are
    /// removed. Existing connections are affected as well as new ones.
    async fn apply(&self, grudge: &Grudge) -> Result<(), EnvError>;

    /// Disturbs links, in addition to cuts and earlier disturbances. Returns how many connections
    /// were affected at that moment.
    async fn disturb(&self, links: &BTreeSet<Link>, how: Disturbance) -> Result<u64, EnvError> {
        let _ = links;
        Err(EnvError::Unsupported {
            ability: how.needs(),
            reason: format!("the environment {} only cuts links", self.name()),
        })
    }

    /// Removes all disturbances and leaves the cuts as they are.
    async fn calm(&self) -> Result<(), EnvError> {
        Ok(())
    }

    /// Removes all cuts and disturbances.
    async fn heal_network(&self) -> Result<(), EnvError>;

    /// Measures every directed link by probes of our own that pass the same gate as the nodes'
    /// bytes, whether or not the nodes live.
    async fn probe(&self) -> Result<LinkMatrix, EnvError>;

    /// Kills what lives and removes what was made. Idempotent; the last call.
    async fn teardown(&self) -> Result<(), EnvError>;
}
