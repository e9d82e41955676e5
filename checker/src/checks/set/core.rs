//! The few operations that show what is wrong with one element of a set.
//!
//! Each rule of the set is about one element and at most two operations, whatever else happened:
//! the element is missing from a read that began after somebody had added or read it, or it is in
//! a read before anybody tried to add it. So those operations are a violation by themselves, and
//! every element but that one can be left out of what was read. Two more are kept so that the
//! rest is the same violation and no other one: an add that explains what a read showed before,
//! and, of an element that is stale and not lost, a read that has it again.

use super::{Sets, text};
use crate::checks::object::Recorded;
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::{Core, CoreEnd, CoreOperation, LeftOut};

/// An element, and who shows that something is wrong with it.
pub(super) struct Shown<'a, 'h> {
    pub(super) element: Value,
    pub(super) read: &'a Recorded<'h>,
    /// Whoever added or read it before, where it is missing.
    pub(super) witness: Option<&'a Recorded<'h>>,
    /// Whether a later read has it.
    pub(super) is_stale: bool,
}

/// The part of the history that shows it.
pub(super) fn core(sets: &Sets<'_, '_>, shown: &Shown<'_, '_>) -> Core {
    let name = text(&shown.element);
    let mut kept: Vec<&Recorded<'_>> = shown.witness.into_iter().chain([shown.read]).collect();
    if shown.witness.is_some_and(|witness| witness.f().name() != Some("add")) {
        kept.extend(explanation(sets, &name, shown));
    }
    if shown.is_stale {
        let again = |one: &&super::Read<'_, '_>| {
            one.recorded.invoked() > shown.read.invoked() && one.elements.contains_key(&name)
        };
        kept.extend(sets.reads.iter().find(again).map(|one| one.recorded));
    }
    kept.sort_unstable_by_key(|one| one.invoked());
    let ends = kept.iter().filter_map(|one| one.acknowledged());
    let cut = ends.max().unwrap_or_else(|| shown.read.invoked());
    Core {
        operations: kept.iter().map(|one| alone(one, &name)).collect(),
        cut,
        left_out: left_out(sets, &kept, &name, cut),
        minimal: true,
        exhaustive: false,
    }
}

/// An add without which the read before would be a violation of its own. Where it is one all the same, any
/// add: only of what somebody tried to add can be said that it is lost.
fn explanation<'a, 'h>(
    sets: &Sets<'a, 'h>,
    name: &str,
    shown: &Shown<'a, 'h>,
) -> Option<&'a Recorded<'h>> {
    let ended = shown.witness?.acknowledged()?;
    let adds = &sets.elements.get(name)?.adds;
    let explains = |one: &&&Recorded<'_>| one.outcome() != Outcome::Fail && one.invoked() < ended;
    adds.iter().find(explains).or(adds.first()).copied()
}

/// An operation as far as it is about this element.
fn alone(one: &Recorded<'_>, name: &str) -> CoreOperation {
    let seen = Sets::shown(one).filter(|_| one.f().name() == Some("read"));
    let (same, others): (Vec<&Value>, Vec<&Value>) =
        seen.into_iter().flatten().partition(|item| text(item) == name);
    let only = || Value::Set(same.into_iter().take(1).cloned().collect());
    CoreOperation {
        index: one.index(),
        end: CoreEnd::Kept,
        instead: None,
        seen: (!others.is_empty()).then(only),
    }
}

fn left_out(
    sets: &Sets<'_, '_>,
    kept: &[&Recorded<'_>],
    name: &str,
    cut: usize,
) -> Vec<(LeftOut, u64)> {
    let mut left_out: Vec<(LeftOut, u64)> = Vec::new();
    for one in &sets.object.operations {
        if kept.iter().any(|other| other.invoked() == one.invoked()) {
            continue;
        }
        let is_read = one.f().name() == Some("read");
        let why = match one.outcome() {
            Outcome::Fail => LeftOut::Silent,
            Outcome::Info if is_read => LeftOut::Silent,
            _ if one.invoked() > cut => LeftOut::Later,
            _ if is_read => LeftOut::Observers,
            _ if text(Sets::added(one)) == name => LeftOut::Again,
            _ => LeftOut::OtherElements,
        };
        match left_out.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => left_out.push((why, 1)),
        }
    }
    left_out
}
