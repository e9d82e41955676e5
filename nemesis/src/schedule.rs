//! The plan of faults: plain data, written down before the run and replayable.
//!
//! A [`Schedule`] comes from a seed ([`Schedule::generate`]) or from a scenario that lists its
//! steps ([`Schedule::of_steps`]). Generated faults come one at a time with a quiet window after
//! each heal, the last heal leaves a quiet window before the end, and kinds, shapes and targets are
//! dealt from shuffled decks rather than drawn independently: each kind occurs before any occurs
//! twice, so that a short run meets most of them. A scenario's steps may chain faults without a
//! heal between.
//!
//! Who exactly is hit is not in the plan: "the primaries" are known only when the fault happens.
//! Each step therefore carries a `draw` for the choices left, and what came out of it is recorded
//! with the fault. Deciding in advance which *kind* comes when keeps two runs of one seed equal.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::ability::{Ability, Disturbance};
use crate::link::NodeId;
use crate::seed;
use crate::topology::TopologyError;

mod generate;
mod spec;

pub use generate::ScheduleParams;
pub use spec::{
    FaultKind, FaultSpec, Heal, LinkSpec, NotAFault, NotATarget, PartitionSpec, Strike, Target,
};

/// More steps than any run needs: a schedule is bounded whatever its source.
pub const MOST_STEPS: usize = 10_000;

/// The longest plan: a day.
pub const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// One thing to do to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Break something.
    Inject(FaultSpec),
    /// Undo what faults of one kind did.
    Heal(Heal),
}

/// An [`Action`] and when, counted from the beginning of the load.
///
/// In a scenario: `{ at_ms = 4000, inject = { fault = "kill", target = "primaries" } }` or
/// `{ at_ms = 9000, heal = "kill" }`. With `after_ok = 500` it waits for the cluster as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenStep", into = "WrittenStep")]
pub struct Step {
    /// When.
    pub at_ms: u64,
    /// Not before so many operations were acknowledged since the step before, however slow the
    /// cluster is; what comes after is then later by as much.
    pub after_ok: u64,
    /// What.
    pub action: Action,
}

impl Step {
    /// At a time, whatever the cluster has done by then.
    pub fn at(at_ms: u64, action: Action) -> Step {
        Step { at_ms, after_ok: 0, action }
    }

    /// The `:f` of the operation that this becomes in the history; Jepsen's words.
    pub fn f(&self) -> &'static str {
        match &self.action {
            Action::Inject(fault) => fault.kind().f(),
            Action::Heal(heal) => heal.f(),
        }
    }

    /// The `:value` of the invocation: what is planned, before anybody knows whom it hits.
    pub fn plan(&self) -> serde_json::Value {
        match &self.action {
            Action::Inject(fault) => fault.plan(),
            Action::Heal(_) => serde_json::Value::Null,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_ok: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inject: Option<FaultSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heal: Option<Heal>,
}

/// A step does one thing.
#[derive(Debug, thiserror::Error)]
#[error("the step at {at_ms} ms needs either `inject` or `heal`")]
struct NotOneAction {
    at_ms: u64,
}

impl TryFrom<WrittenStep> for Step {
    type Error = NotOneAction;

    fn try_from(written: WrittenStep) -> Result<Step, NotOneAction> {
        let WrittenStep { at_ms, after_ok, .. } = written;
        let action = match (written.inject, written.heal) {
            (Some(fault), None) => Action::Inject(fault),
            (None, Some(heal)) => Action::Heal(heal),
            _ => return Err(NotOneAction { at_ms }),
        };
        Ok(Step { at_ms, after_ok: after_ok.map_or(0, NonZeroU64::get), action })
    }
}

impl From<Step> for WrittenStep {
    fn from(step: Step) -> WrittenStep {
        let (inject, heal) = match step.action {
            Action::Inject(fault) => (Some(fault), None),
            Action::Heal(heal) => (None, Some(heal)),
        };
        WrittenStep { at_ms: step.at_ms, after_ok: NonZeroU64::new(step.after_ok), inject, heal }
    }
}

/// Something that was asked for and cannot be planned for this cluster: to be told under "not
/// exercised", never silently dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The fault, shape or target.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What happens to the cluster, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Whence it was generated; of a scenario's steps, the seed of the run.
    pub seed: u64,
    /// How many nodes the cluster has.
    pub nodes: u16,
    /// At least so many nodes stay up, unless a step itself asks for more than that allows.
    pub keep_up: u16,
    /// In order of time.
    pub steps: Vec<Step>,
    /// What was asked for and is not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// The smallest number of nodes that is more than half.
pub fn majority(nodes: u16) -> u16 {
    nodes / 2 + 1
}

/// Why there is no such schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Without nodes there is nothing to break.
    #[error("a cluster of no nodes has no faults")]
    NoNodes,
    /// Quiet windows leave no time for faults.
    #[error(
        "an interval of {interval_ms} ms with {quiet_ms} ms of quiet leaves no time for faults"
    )]
    NoTimeInInterval {
        /// From fault to fault.
        interval_ms: u64,
        /// Of which quiet.
        quiet_ms: u64,
    },
    /// Not one fault with its quiet windows fits.
    #[error("{time_limit_ms} ms are too short for a fault of {hold_ms} ms and quiet around it")]
    TooShort {
        /// How long the load lasts.
        time_limit_ms: u64,
        /// How long a fault should last.
        hold_ms: u64,
    },
    /// More than a day, or more steps than anybody needs.
    #[error("a schedule lasts at most {LONGEST_MS} ms and has at most {MOST_STEPS} steps")]
    TooLong,
    /// Nothing of what was asked for is possible for this cluster.
    #[error("none of the faults asked for is possible: {0}")]
    NothingPossible(String),
    /// A scenario's steps go back in time.
    #[error("the step at {at_ms} ms comes after one at {after_ms} ms")]
    OutOfOrder {
        /// The later step's time.
        at_ms: u64,
        /// The earlier step's time.
        after_ms: u64,
    },
    /// A step's shape cannot be made of this cluster.
    #[error("the step at {at_ms} ms: {source}")]
    Shape {
        /// Which step.
        at_ms: u64,
        /// Why not.
        source: TopologyError,
    },
    /// A step names a node that does not exist.
    #[error("the step at {at_ms} ms: there is no node {node}")]
    NoSuchNode {
        /// Which step.
        at_ms: u64,
        /// Which node.
        node: NodeId,
    },
}

impl Schedule {
    /// A plan in which nothing happens.
    pub fn quiet(seed: u64, nodes: u16) -> Schedule {
        Schedule { seed, nodes, keep_up: majority(nodes), steps: Vec::new(), left_out: Vec::new() }
    }

    /// A scenario's own steps, checked against the size of the cluster.
    pub fn of_steps(seed: u64, nodes: u16, steps: Vec<Step>) -> Result<Schedule, ScheduleError> {
        let schedule = Schedule { steps, ..Schedule::quiet(seed, nodes) };
        schedule.validate()?;
        Ok(schedule)
    }

    /// Whether it can be executed on its cluster at all; for plans that were read from a file.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        if self.nodes == 0 {
            return Err(ScheduleError::NoNodes);
        }
        let last_ms = self.steps.last().map_or(0, |step| step.at_ms);
        if self.steps.len() > MOST_STEPS || last_ms > LONGEST_MS {
            return Err(ScheduleError::TooLong);
        }
        if let Some(pair) = self.steps.windows(2).find(|pair| pair[1].at_ms < pair[0].at_ms) {
            let (at_ms, after_ms) = (pair[1].at_ms, pair[0].at_ms);
            return Err(ScheduleError::OutOfOrder { at_ms, after_ms });
        }
        self.steps.iter().try_for_each(|step| validate_step(step, self.nodes))
    }
}

fn validate_step(step: &Step, nodes: u16) -> Result<(), ScheduleError> {
    let Action::Inject(fault) = &step.action else { return Ok(()) };
    let (at_ms, cluster) = (step.at_ms, NodeId::cluster(nodes));
    if let Some(shape) = fault.shape() {
        // Whoever leads then, some node can be cut off.
        let drawn = shape.draw(&cluster, &cluster[..1], &mut seed::rng(0, "schedule/validate"));
        drawn.map_err(|source| ScheduleError::Shape { at_ms, source })?;
    }
    if let Some(Strike { target: Target::Nodes(named), .. }) = fault.strike()
        && let Some(&node) = named.iter().find(|node| !cluster.contains(node))
    {
        return Err(ScheduleError::NoSuchNode { at_ms, node });
    }
    Ok(())
}

impl FaultSpec {
    /// What an environment must be able to do for it.
    pub fn needs(&self) -> Ability {
        match self {
            FaultSpec::Partition(spec) if spec.topology.is_one_way() => Ability::OneWay,
            FaultSpec::Partition(_) => Ability::Partition,
            FaultSpec::Kill(_) => Ability::Kill,
            FaultSpec::Pause(_) => Ability::Pause,
            FaultSpec::Restart(_) => Ability::Restart,
            FaultSpec::Links(spec) => Disturbance::needs(spec.how),
        }
    }
}

#[cfg(test)]
mod tests;
