//! Histories in, verdicts out.
//!
//! Pure and synchronous: no network, no printing, no clock but the [`Budget`]'s.

#[cfg(test)]
extern crate self as checker;

mod budget;
#[cfg(test)]
#[path = "../tests/support/case.rs"]
mod case;
pub mod certificate;
pub mod checks;
mod cores;
pub mod edn;
#[cfg(test)]
#[path = "../tests/support/exhaustive.rs"]
mod exhaustive;
pub mod faults;
#[cfg(test)]
#[path = "../tests/support/generate.rs"]
mod generate;
pub mod history;
pub mod linear;
pub mod model;
pub mod monitor;
#[cfg(test)]
#[path = "../tests/support/objects.rs"]
mod objects;
pub mod op;
pub mod record;
#[cfg(test)]
#[path = "../tests/support/records.rs"]
mod records;
pub mod shrink;
#[cfg(test)]
#[path = "../tests/support/small.rs"]
mod small;
mod special;
pub mod value;
pub mod verdict;

pub use budget::Budget;
pub use checks::{
    CheckOptions, CheckerSpec, SetReads, check, check_model, check_readings, infer_spec, readings,
};
pub use history::History;
pub use monitor::Monitor;
pub use op::{Kind, Op, Process};
pub use value::Value;
pub use verdict::{Validity, Verdict};
