//! The definition of linearizability, tried out in every possible way.
//!
//! Shares no code with the checker: its own events, its own readings, its own register. Memoised
//! over (operations done, value), so histories of a dozen operations are decided at once.

use std::collections::HashSet;

/// How an operation of a [`Case`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ok,
    Fail,
    Info,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Read,
    Write(i64),
    Cas(i64, i64),
}

/// Why an operation failed or is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    None,
    Mismatch,
    Refused,
}

/// One operation, with the moments (all different) of its begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SmallOp {
    pub(crate) process: u64,
    pub(crate) ask: Ask,
    pub(crate) begin: u32,
    /// Nothing was ever heard: also `None` for some operations that end as [`End::Info`].
    pub(crate) end: Option<(u32, End)>,
    /// What an acknowledged read returned; `None` is nil.
    pub(crate) read: Option<i64>,
    pub(crate) cause: Cause,
}

/// How to read the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nil {
    Auto,
    Value,
    Unknown,
}

/// A small history of one register, with its readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) ops: Vec<SmallOp>,
    pub(crate) init: Option<i64>,
    pub(crate) nil: Nil,
    pub(crate) observe_failed_cas: bool,
}

struct Step {
    ask: Meaning,
    begin: u32,
    end: u32,
    must_happen: bool,
}

enum Meaning {
    Sees(Option<i64>),
    Becomes(Option<i64>),
    Swaps(Option<i64>, Option<i64>),
    SeesAnother(Option<i64>),
}

/// Whether the history is linearizable.
pub(crate) fn is_linearizable(case: &Case) -> bool {
    let nil_unknown = match case.nil {
        Nil::Auto => case.init.is_some(),
        Nil::Value => false,
        Nil::Unknown => true,
    };
    let mut steps = Vec::new();
    for op in &case.ops {
        let (end, how) = op.end.unwrap_or((u32::MAX, End::Info));
        let ask = match (op.ask, how) {
            (Ask::Read, End::Ok) if op.read.is_none() && nil_unknown => continue,
            (Ask::Read, End::Ok) => Meaning::Sees(op.read),
            (Ask::Read, _) | (Ask::Write(_), End::Fail) => continue,
            (Ask::Write(value), _) => Meaning::Becomes(Some(value)),
            (Ask::Cas(old, _), End::Fail) => {
                if !case.observe_failed_cas || op.cause == Cause::Refused {
                    continue;
                }
                Meaning::SeesAnother(Some(old))
            }
            (Ask::Cas(old, new), _) => Meaning::Swaps(Some(old), Some(new)),
        };
        let (end, must_happen) = if how == End::Info { (u32::MAX, false) } else { (end, true) };
        steps.push(Step { ask, begin: op.begin, end, must_happen });
    }
    assert!(steps.len() <= 64, "small histories only");
    completes(&steps, 0, case.init, &mut HashSet::new())
}

fn completes(
    steps: &[Step],
    done: u64,
    value: Option<i64>,
    dead_ends: &mut HashSet<(u64, Option<i64>)>,
) -> bool {
    let left = |at: &usize| done >> at & 1 == 0;
    if !(0..steps.len()).filter(left).any(|at| steps[at].must_happen) {
        return true;
    }
    if dead_ends.contains(&(done, value)) {
        return false;
    }
    let deadline = (0..steps.len()).filter(left).map(|at| steps[at].end).min().unwrap_or(u32::MAX);
    for at in (0..steps.len()).filter(left) {
        if steps[at].begin > deadline {
            continue;
        }
        let after = match steps[at].ask {
            Meaning::Sees(seen) if seen == value => value,
            Meaning::Becomes(new) => new,
            Meaning::Swaps(old, new) if old == value => new,
            Meaning::SeesAnother(old) if old != value => value,
            _ => continue,
        };
        if completes(steps, done | 1 << at, after, dead_ends) {
            return true;
        }
    }
    dead_ends.insert((done, value));
    false
}
