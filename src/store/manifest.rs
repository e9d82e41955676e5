//! What was run, in enough detail to run it again.

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Ordeal's version.
    pub version: String,
    /// The seed from which every random choice of the run derives.
    pub seed: u64,
    /// The command line, quoted for a shell.
    pub command: String,
    /// Everything that was decided by scenario file, flags and defaults together.
    pub scenario: Scenario,
    /// When it started, UTC, RFC 3339.
    pub started: String,
    /// The environment, and why that one: `netns: the kernel allows …`.
    pub environment: String,
    /// What the system says its version is; empty until it has answered.
    pub system_version: String,
    /// Members' names and the address at which the tester reached each.
    pub nodes: Vec<(String, String)>,
}
