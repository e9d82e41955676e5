//! One file a subcommand: its arguments, and what it does with them.
//!
//! Each has `Args` (clap's derive) and `run(&Args, &Console) -> anyhow::Result<Exit>`. A mistake of
//! the caller is a [`BadInput`](crate::exit::BadInput) error, any other error is a failure of ours.
//! Commands that test clusters are in `cluster`, and need Linux; all others work on what a test left.

pub mod analyze;
#[cfg(target_os = "linux")]
pub mod cluster;
pub mod completions;
pub mod gate;
mod limits;
pub mod man;
pub mod serve;
pub mod shrink;
pub mod verify;
