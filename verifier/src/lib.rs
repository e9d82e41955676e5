//! Holds a certificate against the history that it is about, and trusts neither whoever wrote the
//! certificate nor the checker that decided the verdict.
//!
//! This crate shares no code with the checker. It checks the hash of the raw bytes of the history
//! while it unpacks them (`unpack`) and reads the events (`text`); it pairs these (`pairing`), takes
//! the objects apart (`keys`), reads each operation with a model of its own (`models`) and then checks
//! the proof of each object:
//!
//! | verdict | proof | checked by |
//! |---|---|---|
//! | valid | an order | `order` |
//! | invalid | a few operations that exclude each other | `weaken`, then `exhaustive` |
//! | invalid | an inductive frontier | `weaken`, then `frontier` |
//! | either, of a set | the reads themselves | `sets` |
//!
//! What is left to be believed is the reading: the initial value, what a nil read and a failed
//! operation mean, and which operations work on one object. A certificate states them, the history
//! cannot prove them, and so they are part of every [`Report`].
//!
//! Everything is linear in history and certificate, but for finding operations by their index
//! (`O(log n)`) and for the proofs of *invalid*, whose cost their modules state.

mod certificate;
mod exhaustive;
mod frontier;
mod keys;
mod linearizable;
mod models;
mod order;
mod pairing;
mod reading;
mod report;
mod rules;
mod sets;
mod text;
mod threads;
mod timed;
mod unpack;
mod value;
mod verify;
mod weaken;

pub use certificate::Claim;
pub use reading::{Reading, read};
pub use report::{KeyReport, Refusal, Report, Standing};
pub use unpack::{Source, sha256};
pub use verify::{UNPACKED_BYTES_MAX, verify, verify_within};
