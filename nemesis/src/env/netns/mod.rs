//! `netns`: every node in a network namespace, the whole run in namespaces of its own.
//!
//! The program goes [inside](enter) first; then this environment builds a small network there
//! (see `network`), and proves it open before anything else happens. Nothing has to be healed after a
//! crash: nodes, rules and interfaces exist only inside, and end with the tester.
//!
//! What it cannot do: disturb links without cutting them. The cures (netem, a packet queue) are not in
//! every kernel; `local` has relays for that.

mod enter;
mod network;
mod support;
pub(super) mod tools;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

pub(crate) use enter::ROLE_VARIABLE;
pub use enter::{EnterError, enter, inside};
pub use support::probe_support;
pub use tools::ToolError;

use super::datagrams::{Measured, Pair, Prober};
use super::process::{NodeProcess, Processes};
use super::{
    Ability, Capabilities, EnvError, EnvOptions, Environment, Grace, Launch, Listen, ProcessState,
};
use crate::link::{Grudge, Link, LinkMatrix, LinkState, NodeId};

const NAME: &str = "netns";

/// Ports are free to choose where every node has an address of its own.
const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;

/// How long a fresh bridge may take until it passes everything.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// The environment; see the module's essay.
pub struct Netns {
    nodes: Vec<NodeId>,
    processes: Processes,
    prober: Arc<Prober>,
    /// One change of the rules at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Netns {
    /// Builds the network and proves it open. The program must have gone inside with [`enter`].
    pub async fn open(options: &EnvOptions) -> Result<Netns, EnvError> {
        if !inside() {
            return Err(unavailable("the program has not entered namespaces of its own"));
        }
        if options.nodes > network::NODES_MAX {
            return Err(unavailable(format!("it has room for {} nodes", network::NODES_MAX)));
        }
        let nodes = NodeId::cluster(options.nodes);
        let to_build = nodes.clone();
        blocking(move || network::build(&to_build)).await??;

        let mut processes = Vec::new();
        // The tester comes first, so a node's number is its position.
        let io = |source| EnvError::Io { what: "make sockets for probes".to_owned(), source };
        let mut sockets = vec![network::tester_socket().map_err(io)?];
        for &node in &nodes {
            let (process, socket) =
                NodeProcess::new(node, &options.run, move || network::probe_socket(node))?;
            processes.push(process);
            sockets.push(socket);
        }
        let prober = Arc::new(Prober::new(sockets).map_err(io)?);
        let changing = tokio::sync::Mutex::new(());
        let processes = processes.into_iter().collect();
        let environment = Netns { nodes, processes, prober, changing };
        environment.prove_open().await?;
        Ok(environment)
    }

    /// A bridge that passes nothing (the host's packet filter may get hold of it) must not look like
    /// a cluster that never forms. The kernel brings a fresh bridge's ports up at its leisure, which
    /// on a busy machine is seconds.
    async fn prove_open(&self) -> Result<(), EnvError> {
        let deadline = Instant::now() + OPEN_WITHIN;
        loop {
            let ends = self.nodes.len() + 1;
            let all = (0..ends).flat_map(move |from| (0..ends).map(move |to| (from, to)));
            let measured = self.measure(all.filter(|(from, to)| from != to)).await?;
            let closed = measured.pairs.iter().find(|(_, state)| !state.is_open());
            let Some((&(from, to), _)) = closed else { return Ok(()) };
            if Instant::now() >= deadline {
                let name = |end| if end == 0 { "the tester".to_owned() } else { format!("n{end}") };
                return Err(unavailable(format!(
                    "nothing gets from {} to {} over the fresh bridge; if the sysctl \
                     net.bridge.bridge-nf-call-iptables is 1, set it to 0",
                    name(from),
                    name(to)
                )));
            }
        }
    }

    async fn measure(
        &self,
        pairs: impl Iterator<Item = Pair> + Send + 'static,
    ) -> Result<Measured, EnvError> {
        let prober = self.prober.clone();
        blocking(move || prober.measure(pairs)).await
    }
}

#[async_trait]
impl Environment for Netns {
    fn name(&self) -> &'static str {
        NAME
    }

    fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    fn capabilities(&self) -> Capabilities {
        let reason = "netns only cuts links; local has relays that disturb them";
        [Ability::Stall, Ability::Delay, Ability::Reset]
            .into_iter()
            .fold(Capabilities::all(), |able, ability| able.without(ability, reason))
    }

    fn client_endpoint(&self, node: NodeId) -> SocketAddr {
        self.listen(node).client
    }

    fn listen(&self, node: NodeId) -> Listen {
        let address = network::address(node);
        Listen { client: (address, CLIENT_PORT).into(), peer: (address, PEER_PORT).into() }
    }

    fn peer_endpoint(&self, _from: NodeId, to: NodeId) -> SocketAddr {
        self.listen(to).peer
    }

    async fn start(&self, node: NodeId, launch: &Launch) -> Result<(), EnvError> {
        self.processes.of(node)?.start(launch).await
    }

    async fn start_again(&self, node: NodeId) -> Result<(), EnvError> {
        self.processes.of(node)?.start_again().await
    }

    async fn stop(&self, node: NodeId, grace: Grace) -> Result<(), EnvError> {
        self.processes.of(node)?.stop(grace).await
    }

    async fn kill(&self, node: NodeId) -> Result<(), EnvError> {
        self.processes.of(node)?.kill().await
    }

    async fn pause(&self, node: NodeId) -> Result<(), EnvError> {
        self.processes.of(node)?.pause().await
    }

    async fn resume(&self, node: NodeId) -> Result<(), EnvError> {
        self.processes.of(node)?.resume().await
    }

    async fn state(&self, node: NodeId) -> Result<ProcessState, EnvError> {
        Ok(self.processes.of(node)?.state())
    }

    async fn pids(&self, node: NodeId) -> Vec<u32> {
        self.processes.of(node).map(NodeProcess::pids).unwrap_or_default()
    }

    async fn apply(&self, grudge: &Grudge) -> Result<(), EnvError> {
        let _changing = self.changing.lock().await;
        let (nodes, grudge) = (self.nodes.clone(), grudge.clone());
        Ok(blocking(move || network::cut(&nodes, &grudge)).await??)
    }

    async fn heal_network(&self) -> Result<(), EnvError> {
        self.apply(&Grudge::none()).await
    }

    async fn probe(&self) -> Result<LinkMatrix, EnvError> {
        let links: BTreeMap<Pair, Link> = Link::all(&self.nodes)
            .map(|link| ((usize::from(link.from.0), usize::from(link.to.0)), link))
            .collect();
        let pairs: Vec<Pair> = links.keys().copied().collect();
        let Measured { began, ended, pairs } = self.measure(pairs.into_iter()).await?;
        let links: BTreeMap<Link, LinkState> =
            pairs.into_iter().map(|(pair, state)| (links[&pair], state)).collect();
        Ok(LinkMatrix { began, ended, how: "datagrams between the nodes' namespaces", links })
    }

    async fn teardown(&self) -> Result<(), EnvError> {
        self.processes.kill_all().await?;
        let nodes = self.nodes.clone();
        // What is left, or was removed before, ends with the tester's own namespaces.
        if let Err(error) = blocking(move || network::remove(&nodes)).await? {
            tracing::debug!(%error, "the network was not removed as a whole");
        }
        Ok(())
    }
}

fn unavailable(reason: impl Into<String>) -> EnvError {
    EnvError::Unavailable { name: NAME, reason: reason.into() }
}

/// Programs and probes block; the runtime's own threads must not.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EnvError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EnvError::Io { what: "run a task".to_owned(), source: error.into() })
}
