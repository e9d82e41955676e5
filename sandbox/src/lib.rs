//! A real replicated key-value store to test against out of the box, with bugs one can switch on.

mod api;
mod bug;
mod command;
mod config;
mod failure;
mod forward;
mod network;
mod node;
mod propose;
mod reads;
mod server;
mod state;
mod status;
mod storage;
mod tickets;

pub use bug::{Bug, UnknownBug};
pub use config::{Config, Peer, Timings};
pub use server::run;
