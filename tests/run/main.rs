//! `checker test` from end to end: the real binary, real clusters, real faults, as a person or a
//! CI system runs it.
//!
//! Each test has a [place](place) of its own, ends only what it started, and is bounded in time.
//! Runs are short, so that all of them together take about two minutes; how often a bug is found
//! over many seeds is measured by `examples/measure.rs` and kept under `docs/`.

mod attached;
mod attached_links;
mod clusters;
mod described;
mod etcd;
mod found;
mod interrupted;
mod kill9;
mod killed;
mod managed;
mod place;
mod processes;
mod refused;
mod same_seed;
mod stored;
mod suite;
mod unformed;
mod valid;
mod waiting;
