//! What is between the containers: where they are, which links are cut, and how links are measured.
//!
//! Addresses are read anew whenever links are cut or measured, since a container that starts may get
//! another one. Rules that no longer fit are replaced after links were measured, not before: a cut
//! that had opened must be seen to have.
//!
//! Two nodes may share several networks. What comes through any of them comes through: a link is closed
//! where it is closed in all.
//!
//! A dead container has no network namespace to measure from. Of a link with such an end it is read
//! back from the packet filter that it is cut; that it is open cannot be known, and is not said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::engine::{Container, Endpoint};
use super::hands::{End, Order, Reply, sees};
use super::rules::{self, Place, Strangers};
use super::{Docker, ENGINE_LIMIT, LOOK_INTERVAL, unavailable};
use crate::env::datagrams::Pair;
use crate::env::{EnvError, RunId};
use crate::link::{Grudge, Link, LinkMatrix, LinkState, NodeId};

/// Links as they are meant to be, and the addresses of their ends.
pub(super) struct Wire {
    table: String,
    grudge: Grudge,
    places: BTreeMap<NodeId, Place>,
    /// The places that the rules in force were made for.
    ruled: BTreeMap<NodeId, Place>,
    /// The network in which clients reach all nodes.
    network: String,
    /// The networks that several nodes are in, this one among them.
    shared: BTreeSet<String>,
}

/// Of the live nodes, by shared network: a process in the namespace, and the address there.
type Ends = BTreeMap<(NodeId, String), End>;

impl Wire {
    pub(super) fn new(run: &RunId) -> Wire {
        Wire {
            table: rules::table(run),
            grudge: Grudge::none(),
            places: BTreeMap::new(),
            ruled: BTreeMap::new(),
            network: String::new(),
            shared: BTreeSet::new(),
        }
    }

    fn script(&self, strangers: Option<&Strangers>) -> String {
        rules::script(&self.table, &self.grudge, &self.places, strangers)
    }

    /// Whether somebody has moved since the rules were made, now or in an earlier attempt to follow.
    fn is_outdated(&self) -> bool {
        !self.grudge.is_empty() && self.places != self.ruled
    }
}

impl Docker {
    /// Finds the networks that nodes share, and one that all share, with the tester if that is a
    /// container.
    pub(super) async fn connect_the_wire(&self, own: Option<&Container>) -> Result<(), EnvError> {
        let mut shared: Option<BTreeMap<String, String>> = None;
        let (mut seen, mut of_several) = (BTreeMap::new(), BTreeMap::new());
        for &node in &self.nodes {
            let container = self.look(node).await?;
            if container.host_config.network_mode == "host" {
                let name = &self.found(node)?.name;
                return Err(unavailable(format!(
                    "{name} is in the host's network: it has no links"
                )));
            }
            if own.is_none() && !sees(&container.id, container.state.pid) {
                return Err(unavailable(
                    "the engine's containers do not run on this very machine; run checker as a \
                     container that is given the engine's socket",
                ));
            }
            let networks = networks_of(&container);
            for (id, name) in networks.clone() {
                of_several.extend(seen.insert(id.clone(), name).map(|name| (id, name)));
            }
            shared = Some(match shared {
                None => networks,
                Some(shared) => {
                    shared.into_iter().filter(|it| networks.contains_key(&it.0)).collect()
                }
            });
        }
        let shared = shared.unwrap_or_default();
        let mut reachable = shared
            .keys()
            .filter(|id| own.is_none_or(|own| networks_of(own).contains_key(id.as_str())));
        let Some(network) = reachable.next() else {
            let who = if own.is_some() { "the nodes and the tester" } else { "the nodes" };
            return Err(unavailable(format!("{who} share no network")));
        };
        self.require_bridges(&of_several).await?;
        let mut wire = self.wire.lock().await;
        wire.network.clone_from(network);
        wire.shared.extend(of_several.into_keys().chain([network.clone()]));
        self.read_ends(&mut wire).await.map(drop)
    }

    /// Nodes that share a network which is no bridge would talk on behind every cut. Networks of
    /// several nodes, by id, with their names.
    async fn require_bridges(&self, of_several: &BTreeMap<String, String>) -> Result<(), EnvError> {
        for (id, name) in of_several {
            let driver = self.engine.network(id).await?.driver;
            if driver != "bridge" {
                return Err(unavailable(format!(
                    "links can be cut on a bridge of this machine, and the network {name}, in which \
                     there are several nodes, is {driver}"
                )));
            }
        }
        Ok(())
    }

    /// A network that passes nothing must not look like a cluster that never forms.
    pub(super) async fn prove_open(&self) -> Result<(), EnvError> {
        let deadline = Instant::now() + ENGINE_LIMIT;
        loop {
            let matrix = self.measure().await?;
            let is_closed = |link: &Link| !matrix.state(*link).is_some_and(LinkState::is_open);
            let Some(link) = Link::all(&self.nodes).find(is_closed) else { return Ok(()) };
            if Instant::now() >= deadline {
                return Err(unavailable(format!(
                    "{link}: no datagram arrives, before anything was cut; `checker heal` removes \
                     what an earlier run may have left"
                )));
            }
        }
    }

    /// Makes the cuts exactly these.
    pub(super) async fn cut(&self, grudge: &Grudge) -> Result<(), EnvError> {
        let mut wire = self.wire.lock().await;
        self.read_ends(&mut wire).await?;
        wire.grudge = grudge.clone();
        self.enforce(&mut wire).await
    }

    /// Whatever the addresses are: removes the table.
    pub(super) async fn remove_rules(&self) -> Result<(), EnvError> {
        let mut wire = self.wire.lock().await;
        wire.grudge = Grudge::none();
        self.filter(rules::removal(&wire.table)).await
    }

    /// Starts a container so that cuts hold from its first packet, whatever address it gets.
    pub(super) async fn start_behind_cuts(
        &self,
        node: NodeId,
        container: &Container,
    ) -> Result<(), EnvError> {
        let mut wire = self.wire.lock().await;
        let keeps_address = container.network_settings.networks.values().all(has_fixed_address);
        let is_cut = wire.grudge.links().any(|link| link.from == node || link.to == node);
        if is_cut && !keeps_address {
            let strangers = self.strangers(&wire).await?;
            self.filter(wire.script(Some(&strangers))).await?;
            self.start_and_wait(node, container).await?;
        } else {
            // No rule has to follow it, so nodes that are started together come up together.
            drop(wire);
            self.start_and_wait(node, container).await?;
            wire = self.wire.lock().await;
        }
        self.read_ends(&mut wire).await?;
        if is_cut || wire.is_outdated() {
            self.enforce(&mut wire).await?;
        }
        Ok(())
    }

    async fn strangers(&self, wire: &Wire) -> Result<Strangers, EnvError> {
        let mut strangers = Strangers::default();
        for id in &wire.shared {
            let members = self.engine.network(id).await?.containers;
            for (container, member) in members.into_iter().filter(|it| !it.1.mac_address.is_empty())
            {
                if self.project.members.iter().any(|found| found.id == container) {
                    strangers.guarded.push(member.mac_address.clone());
                }
                strangers.known.push(member.mac_address);
            }
        }
        Ok(strangers)
    }

    async fn start_and_wait(&self, node: NodeId, container: &Container) -> Result<(), EnvError> {
        self.engine.order(&container.id, "start").await?;
        self.wait_for_address(node).await
    }

    async fn wait_for_address(&self, node: NodeId) -> Result<(), EnvError> {
        let deadline = Instant::now() + ENGINE_LIMIT;
        loop {
            let container = self.look(node).await?;
            // One that died at once has no address, and needs none.
            if !container.state.running || !place_of(&container).ipv4.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let what = format!("an address for {node}");
                return Err(EnvError::TimedOut { what, after: ENGINE_LIMIT });
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Measures every link; see the essay.
    pub(super) async fn measure(&self) -> Result<LinkMatrix, EnvError> {
        let mut wire = self.wire.lock().await;
        let ends = self.read_ends(&mut wire).await?;
        let began = Instant::now();
        let mut links = self.probe_between(&ends).await?;
        let unmeasured = |link: &Link| !links.contains_key(link);
        let absent: Vec<Link> = Link::all(&self.nodes).filter(unmeasured).collect();
        if !absent.is_empty() {
            let listing = self.grip.order(&Order::List { table: wire.table.clone() }).await?;
            let Reply::Listed(listing) = listing else { return Err(misunderstood()) };
            let cut = absent.into_iter().filter(|link| rules::lists(&listing, *link));
            links.extend(cut.map(|link| (link, LinkState::Closed)));
        }
        if wire.is_outdated() {
            tracing::warn!("addresses have changed: the rules follow");
            self.enforce(&mut wire).await?;
        }
        let how = "datagrams between the containers' network namespaces; of dead ones, the rules";
        Ok(LinkMatrix { began, ended: Instant::now(), how, links })
    }

    async fn probe_between(&self, ends: &Ends) -> Result<BTreeMap<Link, LinkState>, EnvError> {
        let links = pairs_of(ends);
        let pairs = links.keys().copied().collect();
        let order = Order::Probe { ends: ends.values().copied().collect(), pairs };
        let Reply::Probed(probed) = self.grip.order(&order).await? else {
            return Err(misunderstood());
        };
        Ok(states_of(probed.into_iter().map(|(pair, latency)| (links[&pair], latency))))
    }

    /// Reads where everybody is.
    async fn read_ends(&self, wire: &mut Wire) -> Result<Ends, EnvError> {
        let mut ends = Ends::new();
        for &node in &self.nodes {
            let container = self.look(node).await?;
            let here = ends_of(&container, &wire.shared);
            if !container.state.running || here.is_empty() {
                continue;
            }
            if let Some(end) = here.get(&wire.network) {
                let mut addresses =
                    self.addresses.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                addresses.insert(node, end.address);
            }
            ends.extend(here.into_iter().map(|(network, end)| ((node, network), end)));
            wire.places.insert(node, place_of(&container));
        }
        forget_reused_addresses(wire, &ends);
        Ok(ends)
    }

    /// Makes the rules those of the cuts and of the places that are known now.
    async fn enforce(&self, wire: &mut Wire) -> Result<(), EnvError> {
        self.filter(wire.script(None)).await?;
        wire.ruled = wire.places.clone();
        Ok(())
    }

    async fn filter(&self, script: String) -> Result<(), EnvError> {
        self.grip.order(&Order::Filter { script }).await.map(drop)
    }
}

/// The directions that can be measured, by the positions of their ends: within a network each.
fn pairs_of(ends: &Ends) -> BTreeMap<Pair, Link> {
    let numbered = || ends.keys().enumerate();
    let from_each = numbered().flat_map(|(at, (from, network))| {
        let there = numbered().filter(move |(_, (to, other))| to != from && other == network);
        there.map(move |(to_at, (to, _))| ((at, to_at), Link::new(*from, *to)))
    });
    from_each.collect()
}

/// A link as the fastest of its networks shows it; closed if none passes anything.
fn states_of(probed: impl Iterator<Item = (Link, Option<u64>)>) -> BTreeMap<Link, LinkState> {
    let mut fastest: BTreeMap<Link, Option<u64>> = BTreeMap::new();
    for (link, latency) in probed {
        let known = fastest.entry(link).or_default();
        *known = known.iter().copied().chain(latency).min();
    }
    let state = |latency: Option<u64>| match latency {
        Some(ns) => LinkState::Open { latency: Duration::from_nanos(ns) },
        None => LinkState::Closed,
    };
    fastest.into_iter().map(|(link, latency)| (link, state(latency))).collect()
}

fn ends_of(container: &Container, networks: &BTreeSet<String>) -> BTreeMap<String, End> {
    let endpoints = container.network_settings.networks.values();
    let shared = endpoints.filter(|endpoint| networks.contains(&endpoint.network_id));
    let end = |endpoint: &Endpoint| {
        let address = endpoint.ip_address.parse().ok()?;
        Some((endpoint.network_id.clone(), End { pid: container.state.pid, address }))
    };
    shared.filter_map(end).collect()
}

/// The last address of a dead node may be a live one's by now: its rules would cut the wrong node.
fn forget_reused_addresses(wire: &mut Wire, ends: &Ends) {
    let live: BTreeSet<NodeId> = ends.keys().map(|(node, _)| *node).collect();
    let places = || live.iter().map(|node| &wire.places[node]);
    let taken: BTreeSet<Ipv4Addr> = places().flat_map(|place| place.ipv4.clone()).collect();
    let ipv6: BTreeSet<Ipv6Addr> = places().flat_map(|place| place.ipv6.clone()).collect();
    let hardware: BTreeSet<String> = places().flat_map(|place| place.hardware.clone()).collect();
    for (_, place) in wire.places.iter_mut().filter(|(node, _)| !live.contains(node)) {
        place.ipv4.retain(|address| !taken.contains(address));
        place.ipv6.retain(|address| !ipv6.contains(address));
        place.hardware.retain(|address| !hardware.contains(address));
    }
}

/// The networks of a container, with their names.
fn networks_of(container: &Container) -> BTreeMap<String, String> {
    let networks = container.network_settings.networks.iter();
    networks.map(|(name, endpoint)| (endpoint.network_id.clone(), name.clone())).collect()
}

fn place_of(container: &Container) -> Place {
    let endpoints = || container.network_settings.networks.values();
    Place {
        ipv4: endpoints().filter_map(|endpoint| endpoint.ip_address.parse().ok()).collect(),
        ipv6: endpoints().filter_map(|endpoint| endpoint.ipv6_address.parse().ok()).collect(),
        hardware: endpoints()
            .map(|endpoint| endpoint.mac_address.clone())
            .filter(|address| !address.is_empty())
            .collect(),
    }
}

fn has_fixed_address(endpoint: &Endpoint) -> bool {
    endpoint
        .ipam
        .as_ref()
        .is_some_and(|ipam| ipam.ipv4_address.as_ref().is_some_and(|address| !address.is_empty()))
}

pub(super) fn misunderstood() -> EnvError {
    EnvError::Io {
        what: "understand the hands".into(),
        source: std::io::ErrorKind::InvalidData.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(last: u8) -> End {
        End { pid: 1, address: Ipv4Addr::new(10, 0, 0, last) }
    }

    #[test]
    fn links_are_measured_in_every_network_that_both_ends_are_in() {
        let (n1, n2, n3) = (NodeId(1), NodeId(2), NodeId(3));
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let ends = Ends::from([
            ((n1, a.clone()), end(1)),
            ((n1, b.clone()), end(2)),
            ((n2, a), end(3)),
            ((n2, b.clone()), end(4)),
            ((n3, b), end(5)),
        ]);
        let pairs = pairs_of(&ends);
        let between =
            |from, to| pairs.values().filter(|link| **link == Link::new(from, to)).count();
        assert_eq!((between(n1, n2), between(n2, n1)), (2, 2));
        assert_eq!((between(n1, n3), between(n3, n2)), (1, 1));
        assert_eq!(pairs.len(), 8);
    }

    #[test]
    fn what_passes_in_one_network_passes() {
        let (there, back) = (Link::new(NodeId(1), NodeId(2)), Link::new(NodeId(2), NodeId(1)));
        let probed =
            [(there, None), (back, None), (there, Some(7)), (there, Some(5)), (back, None)];
        let states = states_of(probed.into_iter());
        let open = LinkState::Open { latency: Duration::from_nanos(5) };
        assert_eq!(states, BTreeMap::from([(there, open), (back, LinkState::Closed)]));
    }
}
