//! `local`: nodes are processes on loopback, and links go through relays inside the tester.
//!
//! Needs no privilege and no kernel feature. Each directed link has a gate, through which the
//! relays of both dialing directions pass; cutting is closing gates. A system whose members
//! share one advertised address each ([`PeerAddresses::Advertised`]) cannot be told a different
//! address per peer, so its links are direct and cannot be cut here.
//!
//! Nodes die with the tester (their keepers see to it); relays are part of it. Ports are
//! reserved as long as the run lasts: a socket bound to a port, but never listening, keeps the kernel
//! from giving that port to anybody who asks for any port, and lets a node bind it which, like nearly
//! every server, sets `SO_REUSEADDR`. Otherwise a connection of the tester itself might take the
//! port of a node while that is down.

mod gate;
mod probe;
mod relay;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::AbortHandle;

use super::process::{NodeProcess, Processes};
use super::{
    Ability, Capabilities, Disturbance, EnvError, EnvOptions, Environment, Grace, Launch, Listen,
    PeerAddresses, ProcessState,
};
use crate::link::{Grudge, Link, LinkMatrix, NodeId};
use crate::registry::{Enlisted, Registry, RegistryError};
use gate::{Gate, GateState};
use probe::Prober;
use relay::Lane;

/// The environment; see the module's essay.
pub struct Local {
    nodes: Vec<NodeId>,
    processes: Processes,
    ports: BTreeMap<NodeId, Ports>,
    /// Nothing where members advertise one address to all.
    network: Option<Network>,
    /// From before the first node until nothing is left.
    enlisted: Enlisted,
}

/// Two ports of one node, reserved.
struct Ports {
    listen: Listen,
    _reserved: [TcpSocket; 2],
}

/// What is between the nodes.
struct Network {
    gates: BTreeMap<Link, Arc<Gate>>,
    relays: BTreeMap<Link, SocketAddr>,
    tasks: Vec<AbortHandle>,
    prober: Prober,
}

impl Local {
    /// Reserves ports and starts the relays.
    pub async fn open(options: &EnvOptions) -> Result<Local, EnvError> {
        let failed = |source| EnvError::Io { what: "reserve ports on loopback".to_owned(), source };
        raise_descriptor_limit();
        let nodes = NodeId::cluster(options.nodes);
        let mut ports = BTreeMap::new();
        for &node in &nodes {
            ports.insert(node, Ports::reserve().map_err(failed)?);
        }
        let network = match options.peers {
            PeerAddresses::PerPair => Some(Network::open(&nodes, &ports).await.map_err(failed)?),
            PeerAddresses::Advertised => None,
        };
        let processes = nodes
            .iter()
            .map(|&node| Ok(NodeProcess::new(node, &options.run, || Ok(()))?.0))
            .collect::<Result<_, EnvError>>()?;
        let enlisted = Registry::of_user()
            .and_then(|registry| registry.enlist(&options.run))
            .map_err(unregistered)?;
        Ok(Local { nodes, processes, ports, network, enlisted })
    }
}

/// Nodes that reconnect through a long cut may take many descriptors, of which the usual soft limit of
/// 1024 allows too few and the hard limit plenty.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}

impl Ports {
    fn reserve() -> io::Result<Ports> {
        let ((client, first), (peer, second)) = (reserve_port()?, reserve_port()?);
        Ok(Ports { listen: Listen { client, peer }, _reserved: [first, second] })
    }
}

/// Without the registry, what a killed tester leaves behind would be nobody's to sweep.
fn unregistered(error: RegistryError) -> EnvError {
    EnvError::Io {
        what: "write the run down in the registry".to_owned(),
        source: io::Error::other(error),
    }
}

fn reserve_port() -> io::Result<(SocketAddr, TcpSocket)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok((socket.local_addr()?, socket))
}

impl Network {
    async fn open(nodes: &[NodeId], ports: &BTreeMap<NodeId, Ports>) -> io::Result<Network> {
        let gates: BTreeMap<Link, Arc<Gate>> =
            Link::all(nodes).map(|link| (link, Arc::default())).collect();
        let lanes: BTreeMap<Link, Lane> = gates
            .iter()
            .map(|(&link, gate)| {
                (link, Lane { out: gate.clone(), back: gates[&link.reversed()].clone() })
            })
            .collect();
        let (mut relays, mut tasks) = (BTreeMap::new(), Vec::new());
        for (&link, lane) in &lanes {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            relays.insert(link, listener.local_addr()?);
            let target = ports[&link.to].listen.peer;
            let task = tokio::spawn(relay::serve(listener, target, lane.clone()));
            tasks.push(task.abort_handle());
        }
        let prober = Prober::new(&lanes).await?;
        Ok(Network { gates, relays, tasks, prober })
    }

    fn apply(&self, grudge: &Grudge) {
        for (&link, gate) in &self.gates {
            gate.change(|state| state.cut = grudge.cuts(link));
        }
    }

    fn disturb(&self, links: &BTreeSet<Link>, how: Disturbance) -> u64 {
        let gates = links.iter().filter_map(|link| self.gates.get(link));
        gates
            .map(|gate| {
                let connections = gate.connections();
                gate.change(|state| match how {
                    Disturbance::Stall => state.stalled = true,
                    Disturbance::Delay { delay_ms } => {
                        state.delay = Duration::from_millis(delay_ms);
                    }
                    Disturbance::Reset => state.resets += 1,
                });
                connections
            })
            .sum()
    }

    fn calm(&self) {
        for gate in self.gates.values() {
            gate.change(|state| {
                let GateState { cut, resets, .. } = *state;
                *state = GateState { cut, resets, ..Default::default() };
            });
        }
    }

    fn heal(&self) {
        for gate in self.gates.values() {
            gate.change(|state| *state = GateState { resets: state.resets, ..Default::default() });
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

#[async_trait]
impl Environment for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    fn capabilities(&self) -> Capabilities {
        if self.network.is_some() {
            return Capabilities::all();
        }
        let reason = "in the environment local links can only be broken if each node can be told its \
                      own address for each peer, and members of this system advertise one address \
                      to all; the environment netns can";
        [Ability::Partition, Ability::OneWay, Ability::Stall, Ability::Delay, Ability::Reset]
            .into_iter()
            .fold(Capabilities::all(), |able, ability| able.without(ability, reason))
    }

    fn client_endpoint(&self, node: NodeId) -> SocketAddr {
        self.listen(node).client
    }

    fn listen(&self, node: NodeId) -> Listen {
        self.ports[&node].listen
    }

    fn peer_endpoint(&self, from: NodeId, to: NodeId) -> SocketAddr {
        match &self.network {
            Some(network) => network.relays[&Link::new(from, to)],
            None => self.listen(to).peer,
        }
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
        match &self.network {
            Some(network) => network.apply(grudge),
            None if grudge.is_empty() => {}
            None => self.capabilities().require(Ability::Partition)?,
        }
        Ok(())
    }

    async fn disturb(&self, links: &BTreeSet<Link>, how: Disturbance) -> Result<u64, EnvError> {
        self.capabilities().require(how.needs())?;
        Ok(self.network.as_ref().map_or(0, |network| network.disturb(links, how)))
    }

    async fn calm(&self) -> Result<(), EnvError> {
        if let Some(network) = &self.network {
            network.calm();
        }
        Ok(())
    }

    async fn heal_network(&self) -> Result<(), EnvError> {
        if let Some(network) = &self.network {
            network.heal();
        }
        Ok(())
    }

    async fn probe(&self) -> Result<LinkMatrix, EnvError> {
        if let Some(network) = &self.network {
            return Ok(network.prober.measure().await);
        }
        let now = Instant::now();
        let how = "not measured: links are direct";
        Ok(LinkMatrix { began: now, ended: now, how, links: BTreeMap::new() })
    }

    async fn teardown(&self) -> Result<(), EnvError> {
        // Relays and reservations end with the environment itself.
        self.processes.kill_all().await?;
        self.enlisted.strike().map_err(unregistered)
    }
}
