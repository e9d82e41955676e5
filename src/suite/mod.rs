//! A suite: many runs, one after the other, with nobody watching.
//!
//! ```text
//!   suite.toml ──► cells ──► suite.json (the plan of the night, written before the first run)
//!                    │
//!                    └─ each: checker test … in a process of its own ──► <cell>/<time>/summary.json
//!                                                                          │
//!                          runs.jsonl of the night and of the store ◄──────┘
//! ```
//!
//! A cell runs in a child because that is what isolates it: the child enters namespaces of its own,
//! may run out of memory or panic, and takes nothing along but itself. What came of it is read from
//! the store, never from its output.
//!
//! *What is retried.* A tester that failed (255, a signal, a time limit) says nothing about the
//! system, so the cell is run again, as often as the suite allows, and every attempt stays on
//! record. A violation is never retried: it happened. Nor is *unknown*, which a second try would
//! only hide.
//!
//! *What is resumed.* The plan lies in the night's folder before the first run, and a line is
//! appended to `runs.jsonl` as each run ends. The same command therefore goes on where it was
//! interrupted, by ctrl-c or by `kill -9`: cells with a line are done, a run that left a summary
//! but no line is adopted, and a run that left neither is run anew, unless what it left half-way was
//! a violation already. A summary that is torn is a failure of the tester, on record like any other.
//! Left out: running cells beside each other, since they would take each other's time and make each
//! other's latencies.

mod cell;
mod file;
mod left;
mod night;
#[cfg(target_os = "linux")]
pub mod play;
mod seeds;

pub use cell::Cell;
pub use file::Suite;
pub use night::{Night, Plan, Row, Standing, last_night, nights_of};
pub(crate) use night::{PLAN, folders};
