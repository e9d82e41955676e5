//! Judging histories: which checker, with which readings, within which budget.
//!
//! Independent keys are objects of their own (linearizability is local: a history is linearizable
//! exactly if each object's part is), so they are judged in parallel, the largest first, and the
//! verdicts are merged: the worst wins. A checker that panics has said nothing, and nothing is
//! never a pass: that object is unknown.

mod argument;
mod company;
mod core;
mod examine;
pub(crate) mod explain;
mod fingerprint;
mod infer;
pub(crate) mod linearizable;
mod merge;
pub(crate) mod object;
mod remedy;
mod results;
mod sentence;
mod set;
mod settle;
mod strength;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub use infer::{Asked, Reading, Readings, infer_spec, readings};
pub use set::SetReads;
pub use settle::check_readings;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::budget::Budget;
use crate::history::{History, Independent, NoKey, split};
use crate::linear::Algorithm;
use crate::model::{Model, ModelName, ModelOptions};
use crate::verdict::{Reason, Verdict};
use examine::{Allowance, Examine};
use linearizable::{Judge, WithModel as _, with_model};
use object::{Object, Source};

/// What a history is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckerSpec {
    /// Some order of the operations that respects real time is one that the model allows.
    Linearizable {
        /// What an object does when nothing runs beside anything else.
        model: ModelName,
        /// How to read what can be read in two ways.
        options: ModelOptions,
    },
    /// Elements that were added are there at the end, and nothing else is.
    Set {
        /// What a read that misses an element means.
        reads: SetReads,
    },
}

impl Default for CheckerSpec {
    fn default() -> CheckerSpec {
        CheckerSpec::linearizable(ModelName::default())
    }
}

impl CheckerSpec {
    /// Linearizability against this model, every point read strictly.
    pub fn linearizable(model: ModelName) -> CheckerSpec {
        CheckerSpec::Linearizable { model, options: ModelOptions::default() }
    }

    /// The name that verdicts carry.
    pub fn name(&self) -> String {
        match self {
            CheckerSpec::Linearizable { model, .. } => format!("linearizable {}", model.name()),
            CheckerSpec::Set { .. } => "set".to_owned(),
        }
    }
}

/// How to judge a history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckOptions {
    /// Against what.
    pub spec: CheckerSpec,
    /// Whether the history is about many objects.
    pub independent: Independent,
    /// How many threads to use; as many as there are processors unless given.
    pub threads: Option<usize>,
    /// How to search for a linearization.
    pub algorithm: Algorithm,
    /// How long to look for explanations, over all keys, once every verdict is there.
    pub patience: Patience,
}

/// How long to look for explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

impl Default for Patience {
    /// Five seconds: nobody should wait longer for the end of a run.
    fn default() -> Patience {
        Patience(Duration::from_secs(5))
    }
}

/// Judges a history. Always returns: what the budget does not allow is unknown, with the reason.
pub fn check(history: &History, options: &CheckOptions, budget: &Budget) -> Verdict {
    let all = history.operations().len();
    let algorithm = options.algorithm;
    let judge = |object: &Object<'_>| match &options.spec {
        CheckerSpec::Linearizable { model, options } => {
            with_model(*model, options, Judge { object, name: model.name(), algorithm, budget })
        }
        CheckerSpec::Set { reads } => set::judge(object, *reads, budget),
    };
    let examine =
        |object: &Object<'_>, verdict: &mut Verdict, allowance: &Allowance| match &options.spec {
            CheckerSpec::Linearizable { model, options } => {
                with_model(*model, options, Examine { object, verdict, all, allowance });
            }
            CheckerSpec::Set { .. } => set::examine(object, verdict, all),
        };
    let task = Task { checker: &options.spec.name(), judge, examine };
    task.judge_history(history, options, budget)
}

/// Judges a history by a model that this crate does not know: `model` makes one for each object,
/// and `name` is what verdicts call it. Of `options`, all but the spec is used.
pub fn check_model<M: Model>(
    history: &History,
    name: &str,
    model: impl Fn() -> M + Sync,
    options: &CheckOptions,
    budget: &Budget,
) -> Verdict {
    let all = history.operations().len();
    let algorithm = options.algorithm;
    let judge = |object: &Object<'_>| {
        Judge { object, name, algorithm, budget }.run(model(), explain::general)
    };
    let examine = |object: &Object<'_>, verdict: &mut Verdict, allowance: &Allowance| {
        Examine { object, verdict, all, allowance }.run(model(), explain::general);
    };
    let task = Task { checker: &format!("linearizable {name}"), judge, examine };
    task.judge_history(history, options, budget)
}

/// How to judge an object, and how to examine it if it is invalid.
struct Task<'c, J, E> {
    checker: &'c str,
    judge: J,
    examine: E,
}

impl<J, E> Task<'_, J, E>
where
    J: Fn(&Object<'_>) -> Verdict + Sync,
    E: Fn(&Object<'_>, &mut Verdict, &Allowance) + Sync,
{
    fn judge_history(&self, history: &History, options: &CheckOptions, budget: &Budget) -> Verdict {
        let undecided = |reason| Verdict::undecided(self.checker, reason);
        if history.operations().is_empty() {
            return undecided(Reason::Empty);
        }
        let (sources, keyed) = match sources(history, options.independent) {
            Ok(sources) => sources,
            Err(no_key) => return undecided(Reason::BadValue(no_key.to_string())),
        };
        let guarded = |source: &Source<'_>| {
            let judged = catch_unwind(AssertUnwindSafe(|| (self.judge)(&source.object())));
            judged.unwrap_or_else(|panic| undecided(broken(panic.as_ref())))
        };
        let mut verdicts = judge_all(&sources, options.threads, guarded);
        let patience = options.patience.0;
        let budget = budget.for_explaining(patience);
        let allowance = Allowance { budget, patience: patience / 3 };
        examine::all(history, &sources, &mut verdicts, &allowance, |object, verdict| {
            (self.examine)(object, verdict, &allowance);
        });
        match keyed {
            Keyed::Yes => {
                let keys = sources.into_iter().filter_map(Source::into_key);
                merge::merged(self.checker, keys, verdicts)
            }
            Keyed::No => {
                let mut verdict = verdicts.into_iter().next().expect("one object, one verdict");
                verdict.assumptions.push("the whole history is about one object".to_owned());
                verdict
            }
        }
    }
}

fn broken(panic: &(dyn std::any::Any + Send)) -> Reason {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Reason::Failed(format!("panic: {text}"))
}

pub(crate) enum Keyed {
    Yes,
    No,
}

pub(crate) fn sources(
    history: &History,
    independent: Independent,
) -> Result<(Vec<Source<'_>>, Keyed), NoKey> {
    Ok(match split(history, independent)? {
        None => (vec![Source::Whole(history)], Keyed::No),
        Some(keys) => (keys.into_iter().map(|key| Source::Key(history, key)).collect(), Keyed::Yes),
    })
}

/// Whether so few operations can be ordered is decided sooner than another thread is there.
const QUICKLY_DECIDED: usize = 32;

/// A verdict for each object, in their order.
fn judge_all(
    sources: &[Source<'_>],
    threads: Option<usize>,
    judge: impl Fn(&Source<'_>) -> Verdict + Sync,
) -> Vec<Verdict> {
    let mut largest_first: Vec<usize> = (0..sources.len()).collect();
    largest_first.sort_by_key(|at| std::cmp::Reverse(sources[*at].len()));
    let verdicts: Vec<OnceLock<Verdict>> = sources.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(at) = largest_first.get(next.fetch_add(1, Ordering::Relaxed)) {
            let verdict = judge(&sources[*at]);
            verdicts[*at].set(verdict).expect("each object is judged once");
        }
    };
    let in_parallel = |threads: usize| {
        rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
    };
    let is_quick =
        sources.len() == 1 || sources.iter().map(Source::len).sum::<usize>() <= QUICKLY_DECIDED;
    match threads.map(pool) {
        None if is_quick => work(),
        Some(Some(pool)) if sources.len() == 1 => pool.install(work),
        Some(Some(pool)) => pool.install(|| in_parallel(pool.current_num_threads())),
        Some(None) => work(),
        None => in_parallel(rayon::current_num_threads()),
    }
    verdicts.into_iter().map(|one| one.into_inner().expect("every object is judged")).collect()
}

/// The threads for whoever wants so many. They are kept: to start one takes longer than to judge a
/// small history. `None` if the system has none to give.
fn pool(threads: usize) -> Option<Arc<ThreadPool>> {
    static POOLS: Mutex<BTreeMap<usize, Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = pools.get(&threads) {
        return Some(known.clone());
    }
    let built = ThreadPoolBuilder::new().num_threads(threads.max(1)).build().ok()?;
    Some(pools.entry(threads).or_insert(Arc::new(built)).clone())
}
