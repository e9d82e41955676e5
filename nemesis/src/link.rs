//! Nodes, the directed links between them, and what is intended for or measured of each link.
//!
//! Everything is per *directed* pair, since half a cut is a fault of its own: `n1 → n2` means what
//! `n1` sends to `n2`, on whichever connection. A symmetric cut is two entries. Ordered sets and
//! maps throughout, so that no iteration order leaks into an output.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A node of the cluster, numbered from one; shown as `n1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The nodes of a cluster of `count`: `n1` to `n<count>`.
    pub fn cluster(count: u16) -> Vec<NodeId> {
        (1..=count).map(NodeId).collect()
    }

    /// Position in a list of all nodes, from zero.
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// Why a text is not the name of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a node (n1, n2, …)")]
pub struct NotANode(pub String);

impl std::str::FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<NodeId, NotANode> {
        match text.strip_prefix('n').and_then(|digits| digits.parse().ok()) {
            Some(number) if number > 0 => Ok(NodeId(number)),
            _ => Err(NotANode(text.to_owned())),
        }
    }
}

// As text in every file, `"n3"`: scenarios, schedules and histories are read by people.
impl Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One direction between two nodes: what `from` sends to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// Who sends.
    pub from: NodeId,
    /// Who receives.
    pub to: NodeId,
}

impl Link {
    /// What `from` sends to `to`.
    pub fn new(from: NodeId, to: NodeId) -> Link {
        Link { from, to }
    }

    /// The other direction.
    pub fn reversed(self) -> Link {
        Link { from: self.to, to: self.from }
    }

    /// All directed links of a cluster: `n · (n − 1)`.
    pub fn all(nodes: &[NodeId]) -> impl Iterator<Item = Link> + '_ {
        nodes.iter().flat_map(move |&from| {
            nodes.iter().filter(move |&&to| to != from).map(move |&to| Link { from, to })
        })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.from, self.to)
    }
}

/// Who does not hear whom: the set of directed links to be closed. All others are to be open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grudge {
    cut: BTreeSet<Link>,
}

impl Grudge {
    /// Cuts nothing.
    pub fn none() -> Grudge {
        Grudge::default()
    }

    /// Closes one direction.
    pub fn cut(&mut self, link: Link) {
        self.cut.insert(link);
    }

    /// Closes both directions between two nodes.
    pub fn cut_both(&mut self, a: NodeId, b: NodeId) {
        self.cut(Link::new(a, b));
        self.cut(Link::new(b, a));
    }

    /// Whether this direction is to be closed.
    pub fn cuts(&self, link: Link) -> bool {
        self.cut.contains(&link)
    }

    /// The closed directions, in order.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.cut.iter().copied()
    }

    /// How many directions are closed.
    pub fn len(&self) -> usize {
        self.cut.len()
    }

    /// Whether nothing is cut.
    pub fn is_empty(&self) -> bool {
        self.cut.is_empty()
    }

    /// Whether a cut direction is always cut the other way as well.
    pub fn is_symmetric(&self) -> bool {
        self.links().all(|link| self.cuts(link.reversed()))
    }
}

impl FromIterator<Link> for Grudge {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Grudge {
        Grudge { cut: links.into_iter().collect() }
    }
}

/// What was seen of one directed link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// A probe came through, confirmed at the receiver.
    Open {
        /// How long it took. An upper bound is enough; a delay fault is proved by it.
        latency: Duration,
    },
    /// None of the probes came through within the time allowed.
    Closed,
}

impl LinkState {
    /// Whether a probe came through.
    pub fn is_open(self) -> bool {
        matches!(self, LinkState::Open { .. })
    }
}

/// One measurement of all links. A link that could not be measured is absent, and is then no proof
/// of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkMatrix {
    /// Just before the first probe was sent.
    pub began: Instant,
    /// When the last result was in.
    pub ended: Instant,
    /// By what means, in words: "datagrams between the nodes' namespaces".
    pub how: &'static str,
    /// What was seen.
    pub links: BTreeMap<Link, LinkState>,
}

impl LinkMatrix {
    /// What was seen of this link, if it was measured.
    pub fn state(&self, link: Link) -> Option<LinkState> {
        self.links.get(&link).copied()
    }
}
