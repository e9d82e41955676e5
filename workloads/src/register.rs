//! `register`: many independent registers, read, written and compared-and-set, in the manner of
//! Jepsen's linearizable-register test.
//!
//! A group of two workers a node works on a key. Half of the group only reads, which keeps an eye
//! on the key through every node; the other half mixes reads, blind writes and compare-and-sets.
//! The halves change places with every key: reads are faster than writes, and workers that only
//! ever read would run ahead to keys that nobody has written yet.
//! Each compare-and-set comes right after a read of the same worker, so that it has a fair chance
//! to match, and competes with those of the others. Every written value is used once in the whole
//! run, so that a read names the write that it saw; a small domain (`values`) is the harder-to-judge
//! variant that also covers values that come back.

use checker::history::Independent;
use checker::model::ModelName;
use checker::{CheckOptions, CheckerSpec, Value};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::generator::{
    BackOff, ExpectLastSeen, FreshValues, Generator, Limit, Mix, Paced, PerKey, Then, TimeLimit,
    UntilOk, Values, once, repeat, reserve,
};
use crate::params::Place;
use crate::seed::stream;
use crate::{Call, Params};

/// How often a final read is tried; with the back-off, about half a minute.
const FINAL_ATTEMPTS: u32 = 30;

/// Keys that are read through every node at the end: the youngest ones, which the last faults could
/// have hurt.
const YOUNGEST_KEYS: i64 = 64;

/// A value that no write of this workload uses: what a compare-and-set expects of a register of
/// which its worker knows nothing yet.
const NEVER_WRITTEN: i64 = -1;

/// The stream of one worker.
pub fn load(params: &Params, worker: usize) -> Box<dyn Generator> {
    let place = Place::of(worker, params);
    let shares = shares(params, worker, place);
    let keys = PerKey::new(place.group as i64, place.groups as i64, shares);
    let values = Values::of(params, worker);
    let pace = stream(params.seed, "pace", worker);
    let paced = Paced::new(params.rate_per_s, params.workers, pace, FreshValues::new(values, keys))
        .hurrying(&["cas"]);
    let resolved = ExpectLastSeen::new(Value::Int(NEVER_WRITTEN), BackOff::new(paced));
    Box::new(TimeLimit::new(params.time_limit_ns, resolved))
}

/// A write to a key of the node's own, above those of the load, so that it is the only one there.
pub fn recovery(_params: &Params, node: usize, keys: i64) -> Box<dyn Generator> {
    let key = keys + node as i64;
    let call = Call { key: Some(key), ..Call::new("write", Value::Int(0)) };
    Box::new(BackOff::new(UntilOk::new(FINAL_ATTEMPTS, [call])))
}

/// Reads at the end of a run, through one node: of the youngest keys, which every node is asked
/// for, then of this node's share of all older ones, since a write may be lost long after its key
/// was last read. `keys` is how many keys the run has touched. If time runs out, older keys are
/// what is left out.
pub fn final_reads(params: &Params, node: usize, keys: i64) -> Option<Box<dyn Generator>> {
    let youngest = (keys - YOUNGEST_KEYS).max(0);
    let share = (node as i64..youngest).step_by(params.nodes.max(1));
    let calls = (youngest..keys).chain(share).map(|key| Call { key: Some(key), ..read() });
    Some(Box::new(BackOff::new(UntilOk::new(FINAL_ATTEMPTS, calls))))
}

/// Every key is a compare-and-set register that holds `nil` at first.
pub fn checker(_params: &Params) -> CheckOptions {
    let spec = CheckerSpec::linearizable(ModelName::CasRegister);
    CheckOptions { spec, independent: Independent::Yes, ..CheckOptions::default() }
}

/// What one worker does with each key: its share of the key's operations, jittered so that not all
/// keys end at the same step.
fn shares(
    params: &Params,
    worker: usize,
    place: Place,
) -> impl FnMut(i64) -> Box<dyn Generator> + Send + use<> {
    let mut rng = stream(params.seed, "shares", worker);
    let mean = (params.ops_per_key / place.size as u32).max(2);
    let mutations = params.mutations_per_key.max(1);
    let mut visit = 0;
    move |_key| {
        let position = (place.position + visit * place.readers()) % place.size;
        visit += 1;
        let share = rng.random_range(mean - mean / 4..=mean + mean / 4);
        // Drawn for readers as well: every worker's stream then has the same shape.
        let mix = ChaCha8Rng::seed_from_u64(rng.random());
        let work = reserve(
            position,
            place.readers(),
            || repeat(read),
            || Then::new(once([write()]), mixed(mutations - 1, mix)),
        );
        // A write that nobody reads shows nothing, so every share ends with a read.
        Box::new(Then::new(Limit::new(share - 1, work), once([read()])))
    }
}

/// Reads, writes, and reads that a compare-and-set follows, with at most `mutations` of the latter
/// two kinds together. Reads go on when those are spent.
fn mixed(mutations: u32, rng: ChaCha8Rng) -> Mix {
    let writes = mutations / 2;
    let sets = mutations - writes;
    let mut turn = 0_u32;
    let read_then_cas = repeat(move || {
        turn += 1;
        if turn % 2 == 1 { read() } else { cas() }
    });
    Mix::new(rng).arm(1, repeat(read)).arm(1, Limit::new(writes, repeat(write))).burst(
        1,
        2,
        Limit::new(2 * sets, read_then_cas),
    )
}

fn read() -> Call {
    Call::new("read", Value::Nil)
}

/// A write whose value [`FreshValues`] fills in.
fn write() -> Call {
    Call::new("write", Value::Nil)
}

/// A compare-and-set; [`FreshValues`] and [`ExpectLastSeen`] fill it in.
fn cas() -> Call {
    Call::new("cas", Value::Vector(vec![Value::Nil, Value::Nil]))
}
