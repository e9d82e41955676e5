//! What was done to the cluster, how it was proved, and when it began and ended as far as anybody
//! saw.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use crate::env::{EnvError, Exit, Grudge, Link, LinkMatrix, LinkState, NodeId, ProcessState};
use crate::topology::TopologyError;

/// A change, as closely as it was seen: it happened between these two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// The last moment at which everything concerned was still seen in the old state.
    pub last_before: Instant,
    /// The first moment at which everything concerned was seen in the new state.
    pub first_after: Instant,
}

/// The measurement that shows that the cluster is in the state that was intended, or is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// By what means.
    pub how: String,
    /// The links, if they were what mattered.
    pub matrix: Option<LinkMatrix>,
    /// The processes, if they were what mattered.
    pub states: BTreeMap<NodeId, ProcessState>,
    /// What is not as intended. A proof holds if there is nothing.
    pub flaw: Option<String>,
}

impl Proof {
    /// Whether everything was seen as it was intended.
    pub fn held(&self) -> bool {
        self.flaw.is_none()
    }

    /// For the history: `held`, `how`, and what was measured. Of links, per node whom it hears.
    pub fn to_json(&self) -> Value {
        let mut proof = json!({ "held": self.held(), "how": self.how });
        if let Some(matrix) = &self.matrix {
            proof["hears"] = hears(matrix);
        }
        if !self.states.is_empty() {
            let states = self.states.iter();
            proof["states"] =
                states.map(|(node, state)| (node.to_string(), json!(state.to_string()))).collect();
        }
        if let Some(flaw) = &self.flaw {
            proof["flaw"] = json!(flaw);
        }
        proof
    }
}

fn hears(matrix: &LinkMatrix) -> Value {
    let mut heard: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for (link, state) in &matrix.links {
        let from = heard.entry(link.to).or_default();
        if state.is_open() {
            from.push(link.from);
        }
    }
    heard.into_iter().map(|(node, from)| (node.to_string(), json!(from))).collect()
}

/// A node that died by itself: an event of the system under test, never a proof of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surprise {
    /// Which.
    pub node: NodeId,
    /// How it ended.
    pub exit: Exit,
}

impl std::fmt::Display for Surprise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} died by itself: {}", self.node, self.exit)
    }
}

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The `:f` of its operation.
    pub f: &'static str,
    /// Names the fault within the run; none for a heal.
    pub id: Option<u64>,
    /// The faults that this ended: by healing them, or by replacing them.
    pub heals: Vec<u64>,
    /// For people: `majority: n1 n3 | n2 n4 n5`, `primaries: n2`.
    pub what: String,
    /// The nodes concerned: hit, started, resumed; of a partition, those with a cut link.
    pub nodes: Vec<NodeId>,
    /// The links concerned.
    pub links: Grudge,
    /// The measurement afterwards.
    pub proof: Proof,
    /// When the fault took hold, for an injection that was not skipped.
    pub began: Option<Bracket>,
    /// When the faults it heals ended. A graceful restart both begins and ends.
    pub ended: Option<Bracket>,
    /// Why nothing was done. Such a step is not a fault and proves nothing.
    pub skipped: Option<String>,
    /// What the system did by itself meanwhile.
    pub surprises: Vec<Surprise>,
}

impl Evidence {
    /// A step that could not be aimed.
    pub(super) fn skipped(f: &'static str, reason: String) -> Evidence {
        Evidence {
            f,
            what: format!("skipped: {reason}"),
            skipped: Some(reason),
            ..Default::default()
        }
    }

    /// What Jepsen would write as the completion's value: `["isolated", {n1: [n2 n3]}]` with the
    /// nodes that each node does not hear, or what became of each node.
    pub fn value(&self) -> Value {
        if let Some(reason) = &self.skipped {
            return json!(["skipped", reason]);
        }
        if self.links.is_empty() {
            let did = self.nodes.iter().map(|node| (node.to_string(), json!(self.done())));
            return did.collect();
        }
        let mut isolated: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
        for link in self.links.links() {
            isolated.entry(link.to).or_default().insert(link.from);
        }
        let isolated: Value =
            isolated.into_iter().map(|(node, from)| (node.to_string(), json!(from))).collect();
        json!([self.done(), isolated])
    }

    fn done(&self) -> &'static str {
        match self.f {
            "start-partition" => "isolated",
            "stop-partition" => "network-healed",
            "start-packet" => "shaped",
            "stop-packet" => "reliable",
            "kill" => "killed",
            "start" => "started",
            "pause" => "paused",
            "resume" => "resumed",
            "reset-connections" => "reset",
            _ => "restarted",
        }
    }
}

/// Why a step is a failure of the tester. None of these says anything about the system under test.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// The environment cannot do that; nothing was done.
    #[error(transparent)]
    Refused(EnvError),
    /// The shape cannot be made of this cluster; nothing was done.
    #[error(transparent)]
    Shape(#[from] TopologyError),
    /// The environment failed while it was looked at or told what to do.
    #[error("{f}: {source}")]
    Environment {
        /// The step's operation.
        f: &'static str,
        /// What went wrong.
        source: EnvError,
    },
    /// The cluster was not seen in the intended state within the time allowed, or did not stay in
    /// it. The flaw is in the evidence's proof.
    #[error("{} ({}) is not proved: {}", evidence.f, evidence.what, flaw(evidence))]
    NotProved {
        /// What was done and measured.
        evidence: Box<Evidence>,
    },
    /// Of everything that was to be healed, these parts failed; the others were done.
    #[error("not everything could be healed: {}", joined(errors))]
    NotAllHealed {
        /// What failed.
        errors: Vec<FaultError>,
        /// What was healed.
        done: Vec<Evidence>,
    },
}

impl FaultError {
    /// What was measured of a fault or heal that is not proved.
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            FaultError::NotProved { evidence } => Some(evidence),
            _ => None,
        }
    }
}

fn flaw(evidence: &Evidence) -> &str {
    evidence.proof.flaw.as_deref().unwrap_or("nothing was measured")
}

fn joined(errors: &[FaultError]) -> String {
    errors.iter().map(FaultError::to_string).collect::<Vec<_>>().join("; ")
}

/// What a matrix shows that is not as intended: links that should be closed and are open, links
/// that should be open and are closed, links of which nothing is known. `excused` links need not
/// have been measured, unless they should be closed.
pub(super) fn link_flaw(
    nodes: &[NodeId],
    grudge: &Grudge,
    matrix: &LinkMatrix,
    excused: impl Fn(Link) -> bool,
) -> Option<String> {
    let (mut open, mut closed, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for link in Link::all(nodes) {
        match (matrix.state(link), grudge.cuts(link)) {
            (Some(LinkState::Closed), true) | (Some(LinkState::Open { .. }), false) => {}
            (Some(LinkState::Open { .. }), true) => open.push(link),
            (Some(LinkState::Closed), false) => closed.push(link),
            (None, false) if excused(link) => {}
            (None, _) => unknown.push(link),
        }
    }
    let parts: Vec<String> =
        [("still open", open), ("closed unasked", closed), ("not measured", unknown)]
            .into_iter()
            .filter(|(_, links)| !links.is_empty())
            .map(|(word, links)| {
                let shown: Vec<String> = links.iter().map(Link::to_string).collect();
                format!("{word}: {}", shown.join(", "))
            })
            .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
