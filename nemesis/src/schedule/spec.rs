//! The vocabulary of a plan: kinds of faults, whom they hit, and how each is written down.

use std::fmt;

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::majority;
use crate::ability::{Ability, Disturbance};
use crate::link::NodeId;
use crate::topology::Topology;

/// What is broken, without whom it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Nodes do not hear each other.
    Partition,
    /// SIGKILL; started again by the heal.
    Kill,
    /// SIGSTOP; continued by the heal.
    Pause,
    /// Stopped as the system likes to be stopped, and started again at once.
    Restart,
    /// Links hold bytes while connections stay up.
    Stall,
    /// Links deliver later.
    Delay,
    /// Links' connections are reset, once.
    Reset,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [FaultKind; 7] = [
        FaultKind::Partition,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::Restart,
        FaultKind::Stall,
        FaultKind::Delay,
        FaultKind::Reset,
    ];

    /// Those of a run that does not say otherwise: the ones that every environment has.
    pub const DEFAULT: [FaultKind; 4] =
        [FaultKind::Partition, FaultKind::Kill, FaultKind::Pause, FaultKind::Restart];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            FaultKind::Partition => "partition",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::Restart => "restart",
            FaultKind::Stall => "stall",
            FaultKind::Delay => "delay",
            FaultKind::Reset => "reset",
        }
    }

    /// For a person who chooses.
    pub fn about(self) -> &'static str {
        match self {
            FaultKind::Partition => "cut the network between nodes",
            FaultKind::Kill => "SIGKILL nodes, start them again later",
            FaultKind::Pause => "SIGSTOP nodes, SIGCONT them later",
            FaultKind::Restart => "stop nodes gracefully and start them at once",
            FaultKind::Stall => "hold the bytes of links whose connections stay up",
            FaultKind::Delay => "deliver the bytes of links later",
            FaultKind::Reset => "reset the connections of links, once",
        }
    }

    /// The `:f` of its operation.
    pub fn f(self) -> &'static str {
        match self {
            FaultKind::Partition => "start-partition",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::Restart => "restart",
            FaultKind::Stall | FaultKind::Delay => "start-packet",
            FaultKind::Reset => "reset-connections",
        }
    }

    /// What undoes it; nothing for a fault that begins and ends itself.
    pub fn healed_by(self) -> Option<Heal> {
        match self {
            FaultKind::Partition => Some(Heal::Partition),
            FaultKind::Kill => Some(Heal::Kill),
            FaultKind::Pause => Some(Heal::Pause),
            FaultKind::Stall | FaultKind::Delay => Some(Heal::Links),
            FaultKind::Restart | FaultKind::Reset => None,
        }
    }

    /// What an environment must be able to do for it; a one-way partition needs more.
    pub fn needs(self) -> Ability {
        match self {
            FaultKind::Partition => Ability::Partition,
            FaultKind::Kill => Ability::Kill,
            FaultKind::Pause => Ability::Pause,
            FaultKind::Restart => Ability::Restart,
            FaultKind::Stall => Ability::Stall,
            FaultKind::Delay => Ability::Delay,
            FaultKind::Reset => Ability::Reset,
        }
    }

    /// Whether it is aimed at links rather than at nodes.
    pub(super) fn has_shape(self) -> bool {
        !matches!(self, FaultKind::Kill | FaultKind::Pause | FaultKind::Restart)
    }

    pub(super) fn strike(self, strike: Strike) -> FaultSpec {
        match self {
            FaultKind::Kill => FaultSpec::Kill(strike),
            FaultKind::Pause => FaultSpec::Pause(strike),
            FaultKind::Restart => FaultSpec::Restart(strike),
            _ => unreachable!("{self:?} is aimed at links"),
        }
    }

    pub(super) fn shaped(self, topology: Topology, draw: Option<u32>, delay_ms: u64) -> FaultSpec {
        let how = match self {
            FaultKind::Partition => {
                return FaultSpec::Partition(PartitionSpec { topology, draw });
            }
            FaultKind::Stall => Disturbance::Stall,
            FaultKind::Delay => Disturbance::Delay { delay_ms },
            FaultKind::Reset => Disturbance::Reset,
            _ => unreachable!("{self:?} is aimed at nodes"),
        };
        FaultSpec::Links(LinkSpec { how, topology, draw })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a text does not name a kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault (partition, kill, pause, restart, stall, delay, reset)")]
pub struct NotAFault(pub String);

impl std::str::FromStr for FaultKind {
    type Err = NotAFault;

    fn from_str(text: &str) -> Result<FaultKind, NotAFault> {
        let named = FaultKind::ALL.into_iter().find(|kind| kind.word() == text);
        named.ok_or_else(|| NotAFault(text.to_owned()))
    }
}

/// Whom a kill, pause or restart hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// One node.
    One,
    /// The largest minority. (Jepsen takes half of an even number, which is none.)
    Minority,
    /// The smallest majority.
    Majority,
    /// The nodes that lead when it happens.
    Primaries,
    /// Every node.
    All,
    /// These.
    Nodes(Vec<NodeId>),
}

impl Target {
    /// Those that can be drawn at random.
    pub const DRAWN: [Target; 5] =
        [Target::One, Target::Minority, Target::Majority, Target::Primaries, Target::All];

    /// Its name.
    pub fn word(&self) -> &'static str {
        match self {
            Target::One => "one",
            Target::Minority => "minority",
            Target::Majority => "majority",
            Target::Primaries => "primaries",
            Target::All => "all",
            Target::Nodes(_) => "nodes",
        }
    }

    /// How many nodes it asks for; unknown beforehand for the primaries.
    pub fn count(&self, nodes: u16) -> Option<u16> {
        match self {
            Target::One => Some(nodes.min(1)),
            Target::Minority => Some(nodes.saturating_sub(1) / 2),
            Target::Majority => Some(majority(nodes).min(nodes)),
            Target::Primaries => None,
            Target::All => Some(nodes),
            Target::Nodes(named) => Some(u16::try_from(named.len()).unwrap_or(u16::MAX)),
        }
    }

    /// The nodes it may hit, best first: those who lead, those named, or all in an order drawn
    /// from `rng`. How many of them are hit is [`Target::count`], as far as they can be.
    pub fn preference(
        &self,
        nodes: &[NodeId],
        primaries: &[NodeId],
        rng: &mut impl Rng,
    ) -> Vec<NodeId> {
        let of = |wanted: &[NodeId]| {
            nodes.iter().copied().filter(|node| wanted.contains(node)).collect()
        };
        match self {
            Target::Primaries => of(primaries),
            Target::Nodes(named) => of(named),
            _ => {
                let mut shuffled = nodes.to_vec();
                shuffled.shuffle(rng);
                shuffled
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a text does not name a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no target (one, minority, majority, primaries, all)")]
pub struct NotATarget(pub String);

impl std::str::FromStr for Target {
    type Err = NotATarget;

    fn from_str(text: &str) -> Result<Target, NotATarget> {
        let named = Target::DRAWN.into_iter().find(|target| target.word() == text);
        named.ok_or_else(|| NotATarget(text.to_owned()))
    }
}

/// A partition to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionSpec {
    /// Its shape.
    pub topology: Topology,
    /// For what the shape leaves open; from the run's seed if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<u32>,
}

/// A kill, pause or restart to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strike {
    /// Whom.
    pub target: Target,
    /// For what the target leaves open; from the run's seed if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<u32>,
    /// How many nodes must stay up here, where the step wants another bound than the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_up: Option<u16>,
}

/// A disturbance of links to be: of those that a partition of this shape would cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// What happens to them.
    pub how: Disturbance,
    /// Which.
    pub topology: Topology,
    /// For what the shape leaves open; from the run's seed if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<u32>,
}

/// A fault to be: `{ fault = "partition", topology = "majority" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum FaultSpec {
    /// Cut links. Replaces a partition that is in force.
    Partition(PartitionSpec),
    /// SIGKILL.
    Kill(Strike),
    /// SIGSTOP.
    Pause(Strike),
    /// Stop gracefully, start again.
    Restart(Strike),
    /// Disturb links without cutting them.
    Links(LinkSpec),
}

impl FaultSpec {
    /// What kind it is.
    pub fn kind(&self) -> FaultKind {
        match self {
            FaultSpec::Partition(_) => FaultKind::Partition,
            FaultSpec::Kill(_) => FaultKind::Kill,
            FaultSpec::Pause(_) => FaultKind::Pause,
            FaultSpec::Restart(_) => FaultKind::Restart,
            FaultSpec::Links(spec) => match spec.how {
                Disturbance::Stall => FaultKind::Stall,
                Disturbance::Delay { .. } => FaultKind::Delay,
                Disturbance::Reset => FaultKind::Reset,
            },
        }
    }

    /// The shape of the links it is aimed at.
    pub fn shape(&self) -> Option<&Topology> {
        match self {
            FaultSpec::Partition(spec) => Some(&spec.topology),
            FaultSpec::Links(spec) => Some(&spec.topology),
            _ => None,
        }
    }

    /// The nodes it is aimed at.
    pub fn strike(&self) -> Option<&Strike> {
        match self {
            FaultSpec::Kill(strike) | FaultSpec::Pause(strike) | FaultSpec::Restart(strike) => {
                Some(strike)
            }
            _ => None,
        }
    }

    /// For what shape or target leave open.
    pub fn draw(&self) -> Option<u32> {
        match self {
            FaultSpec::Partition(spec) => spec.draw,
            FaultSpec::Links(spec) => spec.draw,
            FaultSpec::Kill(strike) | FaultSpec::Pause(strike) | FaultSpec::Restart(strike) => {
                strike.draw
            }
        }
    }

    /// What is planned, as Jepsen would write it: `"majority"`, `["n1", "n2"]`.
    pub(super) fn plan(&self) -> serde_json::Value {
        match self {
            FaultSpec::Partition(spec) => json!(spec.topology),
            FaultSpec::Links(spec) => json!([spec.topology, spec.how]),
            FaultSpec::Kill(strike) | FaultSpec::Pause(strike) | FaultSpec::Restart(strike) => {
                match &strike.target {
                    Target::Nodes(named) => json!(named),
                    symbolic => json!(symbolic),
                }
            }
        }
    }
}

/// What to undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heal {
    /// Remove all cuts.
    Partition,
    /// Start all dead nodes.
    Kill,
    /// Resume all paused nodes.
    Pause,
    /// Let all links flow as they did, cuts excepted.
    Links,
}

impl Heal {
    /// All of them, in the order in which everything is healed: a resumed node can be told to
    /// stop, and a started one finds its peers.
    pub const ALL: [Heal; 4] = [Heal::Partition, Heal::Links, Heal::Pause, Heal::Kill];

    /// The `:f` of its operation.
    pub fn f(self) -> &'static str {
        match self {
            Heal::Partition => "stop-partition",
            Heal::Kill => "start",
            Heal::Pause => "resume",
            Heal::Links => "stop-packet",
        }
    }
}
