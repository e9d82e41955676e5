//! What clients do to a cluster, and what must hold afterwards.
//!
//! A [`Workload`] is three things: generators that decide what each worker does next, clients that
//! do it once and say honestly what came of it, and the options of the checker that judges the
//! history. Generators are pure: they see no clock, no network and no other worker, so that a seed
//! fixes what every worker asks for (see [`generator`]). Clients are the opposite, all network, and
//! decide nothing (see [`clients`]).

mod call;
mod client;
pub mod clients;
pub mod generator;
mod params;
pub mod register;
mod seed;
pub mod set;
pub mod template;
mod workload;

pub use call::{Call, Outcome, Reason};
pub use client::{Client, Connect};
pub use generator::{Context, Generator, Next};
pub use params::{Params, Route};
pub use seed::stream;
pub use workload::{ALL, Workload, find};
