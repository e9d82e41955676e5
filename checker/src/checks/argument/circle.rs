//! The graph over a few operations, and its cheapest cycle.
//!
//! Real time and reads-from are read off the history. What must precede is derived from these two
//! alone, for each value that was written once (by W) or never (so that it was there at the
//! start); S saw the value, O is about another one, and `⇒` is a path of those two relations:
//!
//! - `W ⇒ O`: S before O, because after O the value never came back;
//! - `O ⇒ S`: O before W, because between W and S there was only this value;
//! - O replaced the value: S before O;
//! - the value was there at the start and never written: S before O.

use petgraph::algo::astar;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::facts::{Facts, Source};
use crate::model::ValueId;
use crate::verdict::Relation;

/// Why one operation must come before another, with the operations that this rests on.
#[derive(Clone, Debug)]
pub(crate) enum Why {
    /// It had ended when the other began.
    Ended,
    /// The other saw what it alone wrote.
    Saw(ValueId),
    /// It saw a value after whose only write the other came: along this path.
    Overwritten { value: ValueId, path: Vec<usize> },
    /// It came, along this path, before somebody who saw what the other alone wrote.
    Earlier { value: ValueId, path: Vec<usize> },
    /// It saw the value that the other replaced.
    Replaced { value: ValueId, source: Source },
    /// It saw the value from before the first write.
    AtStart { value: ValueId },
}

impl Why {
    pub(crate) fn relation(&self) -> Relation {
        match self {
            Why::Ended => Relation::RealTime,
            Why::Saw(_) => Relation::ReadsFrom,
            _ => Relation::MustPrecede,
        }
    }

    /// The operations named beside the two.
    fn beside(&self) -> Vec<usize> {
        match self {
            Why::Overwritten { path, .. } | Why::Earlier { path, .. } => path.clone(),
            Why::Replaced { source: Source::Only(writer), .. } => vec![*writer],
            Why::Ended | Why::Saw(_) | Why::Replaced { .. } | Why::AtStart { .. } => Vec::new(),
        }
    }

    /// Fewer operations and plainer reasons are cheaper.
    fn cost(&self) -> usize {
        match self.relation() {
            Relation::RealTime | Relation::ReadsFrom => 2,
            Relation::MustPrecede => 3 + self.beside().len(),
        }
    }
}

/// One edge of a cycle.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) why: Why,
    /// Whatever else it rests on, the witnesses of crashed operations included.
    pub(crate) through: Vec<usize>,
}

struct Graph<'f, 'a, 'h> {
    facts: &'f Facts<'a, 'h>,
    graph: DiGraph<usize, Why>,
}

/// The cheapest cycle among these operations, which all took effect.
pub(crate) fn cheapest(facts: &Facts<'_, '_>, set: &[usize]) -> Option<Vec<Step>> {
    let mut graph = Graph { facts, graph: DiGraph::new() };
    for at in set {
        graph.graph.add_node(*at);
    }
    graph.relate();
    for (from, to, why) in graph.derived() {
        graph.add(from, to, why);
    }
    graph.cycle()
}

impl Graph<'_, '_, '_> {
    fn add(&mut self, from: NodeIndex, to: NodeIndex, why: Why) {
        let known = self.graph.find_edge(from, to);
        if known.is_none_or(|edge| self.graph[edge].cost() > why.cost()) {
            self.graph.update_edge(from, to, why);
        }
    }

    /// The edges that the history itself shows.
    fn relate(&mut self) {
        let nodes: Vec<NodeIndex> = self.graph.node_indices().collect();
        for from in &nodes {
            for to in &nodes {
                let (first, second) = (self.graph[*from], self.graph[*to]);
                if self.facts.in_real_time(first, second) {
                    self.add(*from, *to, Why::Ended);
                } else if self.facts.read_from(first, second)
                    && let Some(value) = self.facts.sees(second)
                {
                    self.add(*from, *to, Why::Saw(value));
                }
            }
        }
    }

    /// The edges that follow from those of [`Graph::relate`].
    fn derived(&self) -> Vec<(NodeIndex, NodeIndex, Why)> {
        let mut derived = Vec::new();
        for seer in self.graph.node_indices() {
            let Some(value) = self.facts.sees(self.graph[seer]) else { continue };
            let Some(source) = self.facts.source(value) else { continue };
            let writer = match source {
                Source::Initial => None,
                Source::Only(at) => match self.node(at) {
                    Some(writer) => Some(writer),
                    None => continue,
                },
            };
            for other in self.graph.node_indices().filter(|other| *other != seer) {
                let at = self.graph[other];
                if self.facts.consumes(at, value) {
                    derived.push((seer, other, Why::Replaced { value, source }));
                }
                if !self.facts.excludes(at, value) {
                    continue;
                }
                match writer {
                    None => derived.push((seer, other, Why::AtStart { value })),
                    Some(writer) => {
                        if let Some(path) = self.path(writer, other) {
                            derived.push((seer, other, Why::Overwritten { value, path }));
                        }
                        if let Some(path) = self.path(other, seer) {
                            derived.push((other, writer, Why::Earlier { value, path }));
                        }
                    }
                }
            }
        }
        derived
    }

    fn node(&self, at: usize) -> Option<NodeIndex> {
        self.graph.node_indices().find(|node| self.graph[*node] == at)
    }

    /// The shortest path, as operations.
    fn path(&self, from: NodeIndex, to: NodeIndex) -> Option<Vec<usize>> {
        let (_, path) = self.route(from, to)?;
        Some(path.into_iter().map(|node| self.graph[node]).collect())
    }

    fn route(&self, from: NodeIndex, to: NodeIndex) -> Option<(usize, Vec<NodeIndex>)> {
        astar(&self.graph, from, |node| node == to, |edge| edge.weight().cost(), |_| 0)
    }

    /// Each edge closed by the cheapest way back; the cheapest of all.
    fn cycle(&self) -> Option<Vec<Step>> {
        let closed = self.graph.edge_references().filter_map(|edge| {
            let (cost, way_back) = self.route(edge.target(), edge.source())?;
            Some((cost + edge.weight().cost(), way_back))
        });
        let (_, mut nodes) = closed.min_by_key(|(cost, _)| *cost)?;
        // The story is told from what began first.
        let first = (0..nodes.len()).min_by_key(|n| self.facts.began(self.graph[nodes[*n]]))?;
        nodes.rotate_left(first);
        let following = nodes.iter().cycle().skip(1);
        nodes.iter().zip(following).map(|(from, to)| self.step(*from, *to)).collect()
    }

    fn step(&self, from: NodeIndex, to: NodeIndex) -> Option<Step> {
        let why = self.graph[self.graph.find_edge(from, to)?].clone();
        let (from, to) = (self.graph[from], self.graph[to]);
        let mut through = Vec::new();
        for at in [from, to].into_iter().chain(why.beside()) {
            let mut next = Some(at);
            while let Some(at) = next.filter(|at| !through.contains(at)) {
                through.push(at);
                next = self.facts.witness(at);
            }
        }
        through.retain(|at| *at != from && *at != to);
        Some(Step { from, to, why, through })
    }
}
