//! What judging a history may cost; the same flags for every command that judges one.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use checker::Budget;

use crate::memory;
use crate::scenario::Span;

/// Judging stops with `unknown` after this long, unless told otherwise: a nightly job that waits
/// for ever is a nightly job that nobody looks at.
const DEADLINE: &str = "10m";

/// What it may take.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Give up on a history after this long, with `unknown`
    #[arg(long, default_value = DEADLINE, value_name = "TIME")]
    deadline: Span,
    /// Give up when judging needs more memory than this, with `unknown`; unless given, three quarters
    /// of what the machine has available where it is told (Linux), and no limit elsewhere
    #[arg(long, value_parser = memory::bytes, value_name = "SIZE")]
    memory: Option<u64>,
    /// How many keys to judge at the same time; as many as there are cores unless given
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Limits {
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads.map(NonZeroUsize::get)
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline.0
    }

    /// A fresh budget; its time begins now.
    pub(crate) fn budget(&self) -> Budget {
        let budget = match Instant::now().checked_add(self.deadline.0) {
            Some(at) => Budget::unlimited().with_deadline(at),
            None => Budget::unlimited(),
        };
        let spare = || memory::available_bytes().map(|bytes| bytes / 4 * 3);
        match self.memory.or_else(spare) {
            Some(bytes) => budget.with_memory_bytes(bytes),
            None => budget,
        }
    }
}
