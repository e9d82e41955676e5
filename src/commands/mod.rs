//! One file a subcommand: its arguments, and what it does with them.
//!
//! Each has `Args` (clap's derive) and `run(&Args, &Console) -> anyhow::Result<Exit>`. A mistake of
//! the caller is a [`BadInput`](crate::exit::BadInput) error, any other error is a failure of ours.

pub mod analyze;
pub mod attached;
pub mod client_check;
pub mod completions;
pub mod compose;
pub mod docker_hands;
pub mod doctor;
pub mod gate;
pub mod heal;
mod limits;
pub mod list;
pub mod man;
pub mod rerun;
pub mod sandbox_node;
pub mod serve;
pub mod shrink;
pub mod suite;
pub mod test;
pub mod verify;
