//! What violations of different runs have in common.
//!
//! `cas-register/stale-read/partition`: the model, the kind of anomaly, and the kinds of faults
//! that it met. Never a key, a value, a node or a time, so that the same mistake found again has
//! the same fingerprint, tonight or after the next release.
//!
//! A violation met a fault that was in force between the last thing that contradicts the failing
//! operation (in the core of the violation, or among the operations that its sentence names) and
//! the end of the failing operation. So a stale read has the partition that it happened under, and
//! a write that was lost the kill between the write and the read that misses it. Several kinds are
//! joined by `+`; none at all is `no-fault`.

use crate::faults::InForce;
use crate::history::{History, Ops};
use crate::verdict::Anomaly;

/// The fingerprint of an anomaly.
pub(crate) fn of(
    checker: &str,
    anomaly: &Anomaly,
    history: &History,
    faults: &[InForce],
) -> String {
    let model = checker.strip_prefix("linearizable ").unwrap_or(checker);
    let mut met: Vec<&str> = match window(anomaly, history) {
        Some((from, to)) => {
            let met = faults.iter().filter(|fault| fault.overlaps(from, to));
            met.map(|fault| fault.family.as_str()).collect()
        }
        None => Vec::new(),
    };
    met.sort_unstable();
    met.dedup();
    let met = if met.is_empty() { "no-fault".to_owned() } else { met.join("+") };
    format!("{model}/{}/{met}", anomaly.kind)
}

/// From the last contradiction to the end of the failing operation, as positions.
fn window(anomaly: &Anomaly, history: &History) -> Option<(usize, usize)> {
    let ops = history.ops();
    let position = |index: u64| position(ops, index);
    let to = position(anomaly.op?)?;
    let began = (0..to).rev().find(|at| ops.at(*at).process == ops.at(to).process)?;
    let named: Vec<u64> = match &anomaly.examination.core {
        Some(core) => core.operations.iter().map(|one| one.index).collect(),
        None => anomaly.related.iter().map(|one| one.index).collect(),
    };
    let others = named.into_iter().filter_map(position);
    let before = others.filter(|at| *at != began && *at < to);
    Some((before.max().map_or(began, |before| before.min(began)), to))
}

/// The event of this index, which grows with the position.
fn position(ops: Ops<'_>, index: u64) -> Option<usize> {
    let (mut from, mut to) = (0, ops.len());
    while from < to {
        let middle = usize::midpoint(from, to);
        match ops.at(middle).index < index {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    Some(from).filter(|at| *at < ops.len() && ops.at(*at).index == index)
}
