//! What breaks a cluster: environments, faults, topologies and the seeded schedule.
//!
//! Read [`link`] first (nodes and what is between them), then [`env`] (the hands).

pub mod env;
pub mod faults;
pub mod link;
mod proc;
pub mod registry;
pub mod schedule;
mod seed;
pub mod topology;
