//! What breaks a cluster: environments, faults, topologies and the seeded schedule.
//!
//! Read [`link`] first (nodes and what is between them), then [`mod@env`] (the hands), [`topology`] and
//! [`schedule`] (the plan: pure, from a seed), [`faults`] (carrying it out, with proof), and
//! [`registry`] (what a killed run leaves behind).

pub mod env;
pub mod faults;
pub mod link;
mod proc;
pub mod registry;
pub mod schedule;
mod seed;
pub mod topology;
