//! The workloads that there are.

use checker::CheckOptions;

use crate::generator::Generator;
use crate::{Params, register, set};

/// One workload: what is asked of the system, and how the answers are judged.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does and what it finds, in a sentence.
    pub about: &'static str,
    /// The `:f` of what it asks for; a client has to know them all.
    pub functions: &'static [&'static str],
    /// The generator of one worker.
    pub load: fn(&Params, worker: usize) -> Box<dyn Generator>,
    /// One write through one node when all faults are healed, tried until it is acknowledged: the
    /// proof that the node serves again. The last argument is how many keys the run touched.
    pub recovery: fn(&Params, node: usize, keys: i64) -> Box<dyn Generator>,
    /// The reads through one node when all faults are healed; the last argument is how many keys
    /// the run touched, which is its greatest key plus one.
    pub final_reads: fn(&Params, node: usize, keys: i64) -> Option<Box<dyn Generator>>,
    /// What the history is held against.
    pub checker: fn(&Params) -> CheckOptions,
}

/// All workloads, in the order in which they are listed.
pub const ALL: &[Workload] = &[
    Workload {
        name: "register",
        about: "reads, writes and compare-and-sets of many independent registers; \
                finds stale reads, lost updates and everything else that is not linearizable",
        functions: &["read", "write", "cas"],
        load: register::load,
        recovery: register::recovery,
        final_reads: register::final_reads,
        checker: register::checker,
    },
    Workload {
        name: "set",
        about: "adds unique elements to one set and reads it, at the end through every node; \
                finds acknowledged elements that were lost",
        functions: &["read", "add"],
        load: set::load,
        recovery: set::recovery,
        final_reads: set::final_reads,
        checker: set::checker,
    },
];

/// The workload called `name`.
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}
