//! `set`: everybody adds unique elements to one set and now and then reads it.
//!
//! Nothing is cheaper to judge: an acknowledged element that a later read does not hold was lost,
//! an element that nobody added came from nowhere. What was acknowledged just before a fault shows
//! only at the end, so every node is read once more when all is healed.

use checker::history::Independent;
use checker::{CheckOptions, CheckerSpec, SetReads, Value};

use rand::RngExt;

use crate::generator::{
    BackOff, FreshValues, Generator, Paced, TimeLimit, UntilOk, Values, repeat,
};
use crate::seed::stream;
use crate::{Call, Params};

/// How often a final read is tried; with the back-off, about half a minute.
const FINAL_ATTEMPTS: u32 = 30;

/// The stream of one worker.
pub fn load(params: &Params, worker: usize) -> Box<dyn Generator> {
    let mix = adds_and_reads(params, worker);
    let calls = FreshValues::new(Values::unique(params, worker), mix);
    let pace = stream(params.seed, "pace", worker);
    let paced = Paced::new(params.rate_per_s, params.workers, pace, calls);
    Box::new(TimeLimit::new(params.time_limit_ns, BackOff::new(paced)))
}

/// The addition of an element of the node's own: a negative number, which the load never adds.
pub fn recovery(_params: &Params, node: usize, _keys: i64) -> Box<dyn Generator> {
    let call = Call::new("add", Value::Int(-1 - node as i64));
    Box::new(BackOff::new(UntilOk::new(FINAL_ATTEMPTS, [call])))
}

/// The read of the whole set through one node at the end.
pub fn final_reads(_params: &Params, _node: usize, _keys: i64) -> Option<Box<dyn Generator>> {
    Some(Box::new(BackOff::new(UntilOk::new(FINAL_ATTEMPTS, [read()]))))
}

/// One set, empty at first, whose reads are linearizable.
pub fn checker(_params: &Params) -> CheckOptions {
    let spec = CheckerSpec::Set { reads: SetReads::Linearizable };
    CheckOptions { spec, independent: Independent::No, ..CheckOptions::default() }
}

/// Additions, and reads that become rarer as the set grows: a tenth of it is added by this worker
/// between two. What is read in a run then stays in proportion to what is added, where a fixed
/// share of reads would make it grow with the square.
fn adds_and_reads(params: &Params, worker: usize) -> impl Generator + use<> {
    let mut rng = stream(params.seed, "reads", worker);
    let mut adds: u64 = 0;
    let mut read_at = rng.random_range(0..10);
    repeat(move || {
        if adds < read_at {
            adds += 1;
            return add();
        }
        let gap = (adds / 10).max(10);
        read_at = adds + rng.random_range(gap / 2..=gap + gap / 2);
        read()
    })
}

/// An addition whose element [`FreshValues`] fills in.
fn add() -> Call {
    Call::new("add", Value::Nil)
}

fn read() -> Call {
    Call::new("read", Value::Nil)
}
