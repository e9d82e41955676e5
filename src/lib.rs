//! Ordeal's binary as a library, so that benches and tests reach its parts.
//!
//! Everything here wires the crates of the workspace together: `commands` are what a person or a
//! script types, and each of them ends in one [`exit::Exit`]. Only [`console`] prints.
//!
//! Testing a cluster takes Linux: namespaces, the packet filter, the process table. Everywhere else
//! there is what judges a history, proves it, tells it and decides on it, and nothing more.

pub mod cli;
pub mod command_line;
pub mod commands;
pub mod console;
pub mod exit;
pub mod gate;
pub mod host_port;
pub mod interrupt;
pub mod memory;
pub mod pages;
pub mod report;
pub mod scenario;
pub mod store;
pub mod suite;

#[cfg(target_os = "linux")]
pub mod runner;
#[cfg(target_os = "linux")]
pub mod systems;
