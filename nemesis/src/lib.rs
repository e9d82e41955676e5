//! What breaks a cluster: environments, faults, topologies and the seeded schedule.
//!
//! Read [`link`] first (nodes and what is between them), then [`mod@env`] (the hands), [`topology`] and
//! [`schedule`] (the plan: pure, from a seed), [`faults`] (carrying it out, with proof), and
//! [`registry`] (what a killed run leaves behind). Plans are made and read everywhere; what breaks
//! something needs Linux.

pub mod ability;
pub mod link;
pub mod schedule;
mod seed;
pub mod topology;

#[cfg(target_os = "linux")]
pub mod env;
#[cfg(target_os = "linux")]
pub mod faults;
#[cfg(target_os = "linux")]
mod proc;
#[cfg(target_os = "linux")]
pub mod registry;
