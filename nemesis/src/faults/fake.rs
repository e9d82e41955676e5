//! An environment in memory, for the executor's own tests: it keeps what it is told and measures
//! that, except where it is told to lie.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::Primaries;
use crate::env::{
    Capabilities, Disturbance, EnvError, Environment, Exit, Grace, Grudge, Launch, Link,
    LinkMatrix, LinkState, Listen, NodeId, ProcessState,
};

/// What the environment claims to do and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    CutsHaveNoEffect,
    CutsTooMuch,
    HealsNothing,
    KillsNobody,
    PausesNobody,
    StartsNobody,
    ApplyFails,
    StartFails,
    DisturbsNothing,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) states: BTreeMap<NodeId, ProcessState>,
    pub(super) cuts: Grudge,
    pub(super) disturbed: BTreeMap<Link, Disturbance>,
    pub(super) lies: Vec<Lie>,
    pub(super) leaders: Vec<NodeId>,
    pub(super) unready: BTreeSet<NodeId>,
    /// Nodes that exit at once when started.
    pub(super) crashing: BTreeSet<NodeId>,
    pub(super) next_pid: u32,
}

pub(super) struct Fake {
    nodes: Vec<NodeId>,
    capabilities: Capabilities,
    world: Mutex<World>,
}

impl Fake {
    pub(super) fn new(nodes: u16, capabilities: Capabilities) -> Fake {
        let nodes = NodeId::cluster(nodes);
        let running =
            |node: &NodeId| (*node, ProcessState::Running { pid: 100 + u32::from(node.0) });
        let states = nodes.iter().map(running).collect();
        let world = World { states, next_pid: 200, ..World::default() };
        Fake { nodes, capabilities, world: Mutex::new(world) }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) fn dies(&self, node: NodeId, exit: Exit) {
        self.world().states.insert(node, ProcessState::Dead { exit });
    }
}

impl World {
    fn lies(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }

    fn start(&mut self, node: NodeId) {
        self.next_pid += 1;
        let state = if self.crashing.contains(&node) {
            ProcessState::Dead { exit: Exit::Code(1) }
        } else {
            ProcessState::Running { pid: self.next_pid }
        };
        self.states.insert(node, state);
    }

    fn link(&self, link: Link) -> LinkState {
        let latency = match self.disturbed.get(&link) {
            Some(Disturbance::Stall) => return LinkState::Closed,
            Some(Disturbance::Delay { delay_ms }) => Duration::from_millis(*delay_ms),
            _ => Duration::from_micros(50),
        };
        if self.cuts.cuts(link) { LinkState::Closed } else { LinkState::Open { latency } }
    }
}

fn failed(command: &str) -> EnvError {
    EnvError::Command { command: command.to_owned(), detail: "made to fail".to_owned() }
}

#[async_trait]
impl Primaries for Fake {
    async fn primaries(&self) -> Vec<NodeId> {
        self.world().leaders.clone()
    }

    async fn is_ready(&self, node: NodeId) -> bool {
        !self.world().unready.contains(&node)
    }
}

#[async_trait]
impl Environment for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn client_endpoint(&self, node: NodeId) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, node.0).into()
    }

    fn listen(&self, node: NodeId) -> Listen {
        let client = self.client_endpoint(node);
        Listen { client, peer: client }
    }

    fn peer_endpoint(&self, _: NodeId, to: NodeId) -> SocketAddr {
        self.client_endpoint(to)
    }

    async fn start(&self, node: NodeId, _: &Launch) -> Result<(), EnvError> {
        self.start_again(node).await
    }

    async fn start_again(&self, node: NodeId) -> Result<(), EnvError> {
        let mut world = self.world();
        if !world.states[&node].is_dead() {
            return Err(EnvError::AlreadyRunning(node));
        }
        if world.lies(Lie::StartFails) {
            return Err(failed("start"));
        }
        if !world.lies(Lie::StartsNobody) {
            world.start(node);
        }
        Ok(())
    }

    async fn stop(&self, node: NodeId, _: Grace) -> Result<(), EnvError> {
        self.dies(node, Exit::Code(0));
        Ok(())
    }

    async fn kill(&self, node: NodeId) -> Result<(), EnvError> {
        if !self.world().lies(Lie::KillsNobody) {
            self.dies(node, Exit::Signal(9));
        }
        Ok(())
    }

    async fn pause(&self, node: NodeId) -> Result<(), EnvError> {
        let mut world = self.world();
        let pid = world.states[&node].pid().ok_or(EnvError::NotRunning(node))?;
        if !world.lies(Lie::PausesNobody) {
            world.states.insert(node, ProcessState::Paused { pid });
        }
        Ok(())
    }

    async fn resume(&self, node: NodeId) -> Result<(), EnvError> {
        let mut world = self.world();
        if let ProcessState::Paused { pid } = world.states[&node] {
            world.states.insert(node, ProcessState::Running { pid });
        }
        Ok(())
    }

    async fn state(&self, node: NodeId) -> Result<ProcessState, EnvError> {
        Ok(self.world().states[&node])
    }

    async fn pids(&self, node: NodeId) -> Vec<u32> {
        self.world().states[&node].pid().into_iter().collect()
    }

    async fn apply(&self, grudge: &Grudge) -> Result<(), EnvError> {
        let mut world = self.world();
        if world.lies(Lie::ApplyFails) && !grudge.is_empty() {
            return Err(failed("apply"));
        }
        if world.lies(if grudge.is_empty() { Lie::HealsNothing } else { Lie::CutsHaveNoEffect }) {
            return Ok(());
        }
        world.cuts = if world.lies(Lie::CutsTooMuch) && !grudge.is_empty() {
            Link::all(&self.nodes).collect()
        } else {
            grudge.clone()
        };
        Ok(())
    }

    async fn disturb(&self, links: &BTreeSet<Link>, how: Disturbance) -> Result<u64, EnvError> {
        let mut world = self.world();
        if world.lies(Lie::DisturbsNothing) {
            return Ok(0);
        }
        if how != Disturbance::Reset {
            world.disturbed.extend(links.iter().map(|link| (*link, how)));
        }
        Ok(links.len() as u64)
    }

    async fn calm(&self) -> Result<(), EnvError> {
        self.world().disturbed.clear();
        Ok(())
    }

    async fn heal_network(&self) -> Result<(), EnvError> {
        self.calm().await?;
        self.apply(&Grudge::none()).await
    }

    async fn probe(&self) -> Result<LinkMatrix, EnvError> {
        let began = Instant::now();
        let world = self.world();
        let links = Link::all(&self.nodes).map(|link| (link, world.link(link))).collect();
        Ok(LinkMatrix { began, ended: Instant::now(), how: "looking it up", links })
    }

    async fn teardown(&self) -> Result<(), EnvError> {
        Ok(())
    }
}
