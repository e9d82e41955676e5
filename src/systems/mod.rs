//! Systems under test: how each is started, found ready, asked who leads, and stopped.
//!
//! A system is one file here and one client in `workloads::clients`; nothing else names it. It
//! says what to run, never runs it: that is the environment's part, so that the same system runs
//! on loopback, in network namespaces or in containers.

pub mod described;
mod etcd;
pub mod sandbox;

pub use etcd::SERIALIZABLE_READS;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use async_trait::async_trait;
use nemesis::env::attach::Commands;
use nemesis::env::{Environment, Grace, Launch, NodeId, PeerAddresses};
use nemesis::faults::Primaries;
use workloads::clients::external::Program;
use workloads::{Connect, Route, Workload};

use crate::scenario::{Scenario, path_in};

/// How long a member may take to say how it is; a healthy one takes a millisecond.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// A system that Ordeal can test.
#[async_trait]
pub trait System: Send + Sync {
    /// What `--system` calls it.
    fn name(&self) -> &str;

    /// One line for `checker list`.
    fn about(&self) -> &str;

    /// Its knowingly broken variants; `--bug` picks one.
    fn flaws(&self) -> Vec<Flaw>;

    /// How its members learn to reach each other, which decides whether `local` can put a relay
    /// into every link.
    fn peers(&self) -> PeerAddresses;

    /// What must be there before it can run; the error says how to get it.
    ///
    /// # Errors
    /// When a program is missing.
    fn require(&self) -> Result<()>;

    /// The command line of one member. A restart uses the same one, and must find the data that
    /// the member left.
    ///
    /// # Errors
    /// When its program cannot be found.
    fn launch(&self, member: &Member<'_>) -> Result<Launch>;

    /// The file that describes it, if one does; kept with each run.
    fn description(&self) -> Option<&str> {
        None
    }

    /// The Compose service that is a node, and the port at which it serves clients inside its
    /// container, if it says so.
    fn service(&self, node: NodeId) -> Option<(String, u16)> {
        let _ = node;
        None
    }

    /// Whether its clients can do what a workload asks for.
    ///
    /// # Errors
    /// With what is missing.
    fn serves(&self, workload: &Workload) -> Result<()> {
        let _ = workload;
        Ok(())
    }

    /// Whether its members say who leads, so that faults can be aimed at leaders.
    fn finds_leaders(&self) -> bool {
        true
    }

    /// Makes one cluster of members that have been started, where that takes more than starting
    /// them. Whether they then know a leader is seen from their [status](System::status).
    ///
    /// # Errors
    /// When that does not come about in the time that the system takes for it.
    async fn form(&self, members: &[Member<'_>]) -> Result<()> {
        let _ = members;
        Ok(())
    }

    /// Asks one member how it is; `None` when it does not answer in time.
    async fn status(&self, client: SocketAddr) -> Option<Status>;

    /// Makes clients of its members, given where the tester reaches each.
    fn connect(&self, endpoints: &[SocketAddr], terms: &Terms) -> Arc<dyn Connect>;

    /// The program that its clients are, if they are one.
    fn client_program(&self) -> Option<Program> {
        None
    }

    /// What can be done to its nodes where something else runs them; nothing, unless somebody says
    /// how.
    ///
    /// # Errors
    /// When a command cannot be made for one of these nodes.
    fn attach_commands(&self, nodes: &[AttachedNode]) -> Result<Commands> {
        let _ = nodes;
        Ok(Commands::default())
    }

    /// The longest for which a member may still act on a request that its client gave up on; the
    /// recovery wait is longer than this and the client's time-out together.
    fn request_lifetime(&self) -> Duration;

    /// How it is asked to stop, and how long it may take before that counts as hanging.
    fn grace(&self) -> Grace;
}

/// What a client is told about how to behave.
pub struct Terms {
    /// How long it waits for an answer.
    pub timeout: Duration,
    /// Whom it asks.
    pub route: Route,
    /// The knowingly broken variant that runs, for those that live in the client's requests.
    pub bug: Option<String>,
    /// What it will be asked to do.
    pub workload: String,
    /// Goes before every key and names what has none, so that a run does not inherit from another
    /// on the same cluster.
    pub key_prefix: String,
}

impl Terms {
    fn timeout_ms(&self) -> u64 {
        u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A knowingly broken variant.
pub struct Flaw {
    /// What `--bug` calls it.
    pub name: Cow<'static, str>,
    /// What is broken.
    pub about: Cow<'static, str>,
    /// The fault that shows it.
    pub shown_by: Cow<'static, str>,
}

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it believes that it leads.
    pub leads: bool,
    /// Whether it knows of a leader.
    pub has_leader: bool,
    /// Raft's term, or what stands for it.
    pub term: u64,
    /// What it says its version is.
    pub version: String,
}

/// A node that something else runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedNode {
    /// Which one.
    pub node: NodeId,
    /// Its host, as it was given.
    pub host: String,
    /// Where it serves clients.
    pub client: SocketAddr,
}

/// One member of a cluster that is about to start.
pub struct Member<'a> {
    /// Which one.
    pub node: NodeId,
    /// Where it runs.
    pub env: &'a dyn Environment,
    /// Where it keeps its data; empty before the run, kept over restarts within it.
    pub data: PathBuf,
    /// Where its output is appended.
    pub log: PathBuf,
    /// The knowingly broken variant to start.
    pub bug: Option<&'a str>,
    /// Tells this run's cluster from every other: no member of another run may join.
    pub nonce: u64,
}

/// Every system that is built in.
pub fn all() -> Vec<Box<dyn System>> {
    vec![Box::new(sandbox::Sandbox), Box::new(etcd::Etcd)]
}

/// The system that a scenario asks for, its bug and its workload checked.
///
/// # Errors
/// When there is no such system, its description has a mistake, or it lacks what is asked of it;
/// the message lists what there is.
pub fn find(scenario: &Scenario) -> Result<Arc<dyn System>> {
    let system = named(&scenario.system)?;
    if let Some(bug) = &scenario.bug
        && !system.flaws().iter().any(|flaw| flaw.name == *bug)
    {
        let flaws = system.flaws();
        let names: Vec<&str> = flaws.iter().map(|flaw| flaw.name.as_ref()).collect();
        bail!("{} has no bug {bug:?}; there is: {}", system.name(), names.join(", "));
    }
    if let Some(workload) = workloads::find(&scenario.workload) {
        system.serves(workload)?;
    }
    Ok(system.into())
}

/// The system of this name, or the one that the file at this path describes.
///
/// # Errors
/// When there is no such system, or its description has a mistake.
pub fn named(name: &str) -> Result<Box<dyn System>> {
    if let Some(path) = path_in(name) {
        return Ok(Box::new(described::Described::read(path)?));
    }
    let Some(system) = all().into_iter().find(|system| system.name() == name) else {
        let all = all();
        let names: Vec<&str> = all.iter().map(|system| system.name()).collect();
        bail!("no system {name:?}; there is: {}, or the path of a description", names.join(", "));
    };
    Ok(system)
}

/// Finds who leads by asking every member: what `primaries` means when a fault is injected.
pub struct AskLeaders {
    /// The system that is asked.
    pub system: Arc<dyn System>,
    /// Where its members are.
    pub env: Arc<dyn Environment>,
}

#[async_trait]
impl Primaries for AskLeaders {
    /// Every member that believes it leads, the highest term first: during a partition there may
    /// be several, and the deposed one is worth hitting too.
    async fn primaries(&self) -> Vec<NodeId> {
        let asked: Vec<_> = (self.env.nodes().iter())
            .map(|&node| {
                let (system, client) = (self.system.clone(), self.env.client_endpoint(node));
                tokio::spawn(async move { (node, system.status(client).await) })
            })
            .collect();
        let mut leaders = Vec::new();
        for answer in asked {
            if let Ok((node, Some(status))) = answer.await
                && status.leads
            {
                leaders.push((std::cmp::Reverse(status.term), node));
            }
        }
        leaders.sort();
        leaders.into_iter().map(|(_, node)| node).collect()
    }

    async fn is_ready(&self, node: NodeId) -> bool {
        let client = self.env.client_endpoint(node);
        self.system.status(client).await.is_some_and(|status| status.has_leader)
    }
}
