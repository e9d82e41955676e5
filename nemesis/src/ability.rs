//! What it takes to break a cluster in some way: named here, so that a plan can be made where there is
//! nothing to break.

use serde::{Deserialize, Serialize};

/// What an environment may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ability {
    /// Cut links in both directions.
    Partition,
    /// Cut one direction of a link.
    OneWay,
    /// Kill a node and start it again.
    Kill,
    /// Stop and continue a node's processes.
    Pause,
    /// Stop a node gracefully and start it again.
    Restart,
    /// Hold a link's bytes while its connections stay up.
    Stall,
    /// Deliver a link's bytes later.
    Delay,
    /// Reset a link's connections.
    Reset,
}

impl Ability {
    /// All of them.
    pub const ALL: [Ability; 8] = [
        Ability::Partition,
        Ability::OneWay,
        Ability::Kill,
        Ability::Pause,
        Ability::Restart,
        Ability::Stall,
        Ability::Delay,
        Ability::Reset,
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Ability::Partition => "partition",
            Ability::OneWay => "one-way partition",
            Ability::Kill => "kill",
            Ability::Pause => "pause",
            Ability::Restart => "restart",
            Ability::Stall => "link stall",
            Ability::Delay => "link delay",
            Ability::Reset => "link reset",
        }
    }
}

/// How a link is disturbed without being cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// Bytes are held while connections stay up, and flow after the heal.
    Stall,
    /// Bytes arrive this much later.
    Delay {
        /// How much later.
        delay_ms: u64,
    },
    /// Connections are reset once; new ones are served. Leaves nothing to heal.
    Reset,
}

impl Disturbance {
    /// What an environment needs to be able to do.
    pub fn needs(self) -> Ability {
        match self {
            Disturbance::Stall => Ability::Stall,
            Disturbance::Delay { .. } => Ability::Delay,
            Disturbance::Reset => Ability::Reset,
        }
    }
}
