//! Shapes of a broken network: who still hears whom.
//!
//! A [`Topology`] is a name; [`Topology::draw`] makes of it, for given nodes and with a seeded
//! generator, a [`Partition`]: the exact directed links to cut and a line that tells a person. The
//! shapes are Jepsen's (`jepsen.nemesis`, `jepsen.nemesis.combined`), defined for any number of
//! nodes or refused with a word; a shape that would cut nothing is refused too, since a fault that
//! does nothing must not count as one. Pure; O(n²), as is the number of links.
//!
//! Two shapes differ from Jepsen's. `majorities-ring` is symmetric for every n: Jepsen's ring of
//! three lets each node hear one other in one direction only, which over TCP is no link at all.
//! `majority` of an even number of nodes leaves a majority on one side, and `halves` does not.

use std::fmt;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::link::{Grudge, Link, NodeId};

/// The shape of a partition, not yet of given nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// One node, and the rest.
    One,
    /// The largest minority, and the smallest majority that goes with it.
    Majority,
    /// Two halves, as equal as can be; of an even number neither is a majority.
    Halves,
    /// A third, rounded down so that it is less than the rest even if one of those fails.
    MinorityThird,
    /// Every node hears a majority, and no two hear the same one.
    MajoritiesRing,
    /// Two halves that hear each other only through one node, which hears all.
    Bridge,
    /// Every node that leads, each for itself, and the rest.
    Primaries,
    /// One node does not hear the rest, or is not heard by them; the other direction works.
    OneWay,
    /// Two nodes hear each other if some group has both. A node in two groups is a bridge.
    Groups(Vec<Vec<NodeId>>),
    /// Exactly these directions are cut.
    Links(Vec<Link>),
}

impl Topology {
    /// Those that can be drawn at random.
    pub const DRAWN: [Topology; 8] = [
        Topology::One,
        Topology::Majority,
        Topology::Halves,
        Topology::MinorityThird,
        Topology::MajoritiesRing,
        Topology::Bridge,
        Topology::Primaries,
        Topology::OneWay,
    ];

    /// Its name.
    pub fn word(&self) -> &'static str {
        match self {
            Topology::One => "one",
            Topology::Majority => "majority",
            Topology::Halves => "halves",
            Topology::MinorityThird => "minority-third",
            Topology::MajoritiesRing => "majorities-ring",
            Topology::Bridge => "bridge",
            Topology::Primaries => "primaries",
            Topology::OneWay => "one-way",
            Topology::Groups(_) => "groups",
            Topology::Links(_) => "links",
        }
    }

    /// The smallest cluster in which it cuts something. Explicit shapes name their nodes.
    pub fn smallest_cluster(&self) -> usize {
        match self {
            Topology::One | Topology::Halves | Topology::Primaries | Topology::OneWay => 2,
            Topology::Majority | Topology::MajoritiesRing | Topology::Bridge => 3,
            Topology::MinorityThird => 4,
            Topology::Groups(_) | Topology::Links(_) => 1,
        }
    }

    /// Whether some direction is cut whose reverse stays open.
    pub fn is_one_way(&self) -> bool {
        match self {
            Topology::OneWay => true,
            Topology::Links(links) => !Grudge::from_iter(links.iter().copied()).is_symmetric(),
            _ => false,
        }
    }

    /// Makes this shape of these nodes. `primaries` are the nodes that lead at the moment; only
    /// the shape of that name looks at them.
    pub fn draw(
        &self,
        nodes: &[NodeId],
        primaries: &[NodeId],
        rng: &mut impl Rng,
    ) -> Result<Partition, TopologyError> {
        let needs = self.smallest_cluster();
        if nodes.len() < needs {
            return Err(TopologyError::TooFewNodes {
                shape: self.word(),
                needs,
                nodes: nodes.len(),
            });
        }
        let mut shuffled = nodes.to_vec();
        shuffled.shuffle(rng);
        let (grudge, shape) = match self {
            Topology::One => two_sides(&shuffled, 1),
            Topology::Majority => two_sides(&shuffled, (nodes.len() - 1) / 2),
            Topology::Halves => two_sides(&shuffled, nodes.len() / 2),
            Topology::MinorityThird => two_sides(&shuffled, (nodes.len() - 1) / 3),
            Topology::MajoritiesRing => majorities_ring(&shuffled),
            Topology::Bridge => bridge(&shuffled),
            Topology::Primaries => alone(nodes, primaries)?,
            Topology::OneWay => one_way(&shuffled, rng.random()),
            Topology::Groups(groups) => explicit_groups(nodes, groups)?,
            Topology::Links(links) => explicit_links(nodes, links)?,
        };
        if grudge.is_empty() {
            return Err(TopologyError::CutsNothing { shape: self.word() });
        }
        Ok(Partition { grudge, what: format!("{}: {shape}", self.word()) })
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a text does not name a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no shape of a partition")]
pub struct NotATopology(pub String);

impl std::str::FromStr for Topology {
    type Err = NotATopology;

    fn from_str(text: &str) -> Result<Topology, NotATopology> {
        let named = Topology::DRAWN.into_iter().find(|shape| shape.word() == text);
        named.ok_or_else(|| NotATopology(text.to_owned()))
    }
}

/// A shape made of given nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The directions to cut.
    pub grudge: Grudge,
    /// For people: `majority: n1 n3 | n2 n4 n5`.
    pub what: String,
}

/// Why a shape cannot be made of these nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// The shape is not defined for so small a cluster.
    #[error("a partition of shape {shape} needs at least {needs} nodes and there are {nodes}")]
    TooFewNodes {
        /// Its name.
        shape: &'static str,
        /// The smallest cluster it is defined for.
        needs: usize,
        /// How many there are.
        nodes: usize,
    },
    /// No node leads at the moment, so there is nobody to cut off.
    #[error("no node says that it leads")]
    NoPrimary,
    /// An explicit shape that leaves every link open.
    #[error("this partition of shape {shape} cuts nothing")]
    CutsNothing {
        /// Its name.
        shape: &'static str,
    },
    /// An explicit shape names a node that does not exist.
    #[error("there is no node {0}")]
    NoSuchNode(NodeId),
    /// Whether a node in no group hears all or nobody would be a guess.
    #[error("{0} is in no group")]
    Ungrouped(NodeId),
    /// A node has no link to itself.
    #[error("{0} has no link to itself that could be cut")]
    SelfLink(NodeId),
}

/// Cuts every link between nodes that are not to hear each other.
fn cut_unless(nodes: &[NodeId], hear: impl Fn(NodeId, NodeId) -> bool) -> Grudge {
    Link::all(nodes).filter(|link| !hear(link.from, link.to)).collect()
}

fn two_sides(shuffled: &[NodeId], size: usize) -> (Grudge, String) {
    let (few, rest) = shuffled.split_at(size);
    let grudge = cut_unless(shuffled, |a, b| few.contains(&a) == few.contains(&b));
    (grudge, format!("{} | {}", list(few), list(rest)))
}

fn bridge(shuffled: &[NodeId]) -> (Grudge, String) {
    let (middle, ends) = (shuffled[0], &shuffled[1..]);
    let (left, right) = ends.split_at(ends.len() / 2);
    let grudge = cut_unless(shuffled, |a, b| {
        a == middle || b == middle || left.contains(&a) == left.contains(&b)
    });
    (grudge, format!("{} –{middle}– {}", list(left), list(right)))
}

/// Each node hears its `reach` neighbours to either side; where a majority is one more than that,
/// also the node opposite. With an odd number of nodes one is left without a partner, and shares
/// the opposite of another.
fn majorities_ring(ring: &[NodeId]) -> (Grudge, String) {
    let count = ring.len();
    let others_needed = count / 2;
    let reach = others_needed / 2;
    let opposite = count / 2;
    let hear = |a: usize, b: usize| {
        let ahead = (b + count - a) % count;
        let near = ahead.min(count - ahead) <= reach;
        let (low, high) = (a.min(b), a.max(b));
        let partners = low < opposite && high == low + opposite;
        let leftover = count % 2 == 1 && high == count - 1 && low == opposite - 1;
        near || (others_needed % 2 == 1 && (partners || leftover))
    };
    let place = |node: NodeId| {
        ring.iter().position(|&other| other == node).expect("every node is in the ring")
    };
    let grudge = cut_unless(ring, |a, b| hear(place(a), place(b)));
    let mut sorted = ring.to_vec();
    sorted.sort();
    let seen = sorted.iter().map(|&node| {
        let heard: Vec<NodeId> = sorted
            .iter()
            .copied()
            .filter(|&other| other != node && !grudge.cuts(Link::new(other, node)))
            .collect();
        format!("{node} hears {}", list(&heard))
    });
    let shape = seen.collect::<Vec<_>>().join(" | ");
    (grudge, shape)
}

fn alone(nodes: &[NodeId], primaries: &[NodeId]) -> Result<(Grudge, String), TopologyError> {
    let mut alone: Vec<NodeId> =
        nodes.iter().copied().filter(|node| primaries.contains(node)).collect();
    alone.sort();
    if alone.is_empty() {
        return Err(TopologyError::NoPrimary);
    }
    let grudge = cut_unless(nodes, |a, b| !alone.contains(&a) && !alone.contains(&b));
    let rest: Vec<NodeId> = nodes.iter().copied().filter(|node| !alone.contains(node)).collect();
    let mut sides: Vec<String> = alone.iter().map(NodeId::to_string).collect();
    if !rest.is_empty() {
        sides.push(list(&rest));
    }
    Ok((grudge, sides.join(" | ")))
}

fn one_way(shuffled: &[NodeId], is_mute: bool) -> (Grudge, String) {
    let (one, rest) = (shuffled[0], &shuffled[1..]);
    if is_mute {
        let grudge = rest.iter().map(|&other| Link::new(one, other)).collect();
        (grudge, format!("{one} ↛ {}", list(rest)))
    } else {
        let grudge = rest.iter().map(|&other| Link::new(other, one)).collect();
        (grudge, format!("{} ↛ {one}", list(rest)))
    }
}

fn explicit_groups(
    nodes: &[NodeId],
    groups: &[Vec<NodeId>],
) -> Result<(Grudge, String), TopologyError> {
    if let Some(&stranger) = groups.iter().flatten().find(|node| !nodes.contains(node)) {
        return Err(TopologyError::NoSuchNode(stranger));
    }
    let is_grouped = |node: &NodeId| groups.iter().any(|group| group.contains(node));
    if let Some(&node) = nodes.iter().find(|node| !is_grouped(node)) {
        return Err(TopologyError::Ungrouped(node));
    }
    let grudge = cut_unless(nodes, |a, b| {
        groups.iter().any(|group| group.contains(&a) && group.contains(&b))
    });
    let sides: Vec<String> = groups.iter().map(|group| list(group)).collect();
    Ok((grudge, sides.join(" | ")))
}

fn explicit_links(nodes: &[NodeId], links: &[Link]) -> Result<(Grudge, String), TopologyError> {
    for link in links {
        if let Some(stranger) = [link.from, link.to].into_iter().find(|node| !nodes.contains(node))
        {
            return Err(TopologyError::NoSuchNode(stranger));
        }
        if link.from == link.to {
            return Err(TopologyError::SelfLink(link.from));
        }
    }
    let grudge: Grudge = links.iter().copied().collect();
    let shown: Vec<String> =
        grudge.links().map(|link| format!("{} ↛ {}", link.from, link.to)).collect();
    Ok((grudge, shown.join(", ")))
}

/// `n1 n3 n5`, in order.
pub(crate) fn list(nodes: &[NodeId]) -> String {
    let mut sorted = nodes.to_vec();
    sorted.sort();
    sorted.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
