//! The operations that exclude each other, named in the sentence of a violation that only the search
//! or a procedure knows of: by the core, which is a violation by itself.

use super::explain::GENERAL;
use super::linearizable::{EXCLUDES, Parsed};
use super::object::Recorded;
use super::sentence::{at_key, operations, process, titled, when};
use crate::shrink::Shrunk;
use crate::value::Value;
use crate::verdict::{Anomaly, Related};

/// More operations than this make no sentence.
const TOLD_MAX: usize = 4;

/// Adds to a sentence that says only what the search proved which operations are enough for it.
pub(crate) fn tell<T: Clone>(parsed: &Parsed<'_, '_, T>, shrunk: &Shrunk, anomaly: &mut Anomaly) {
    if anomaly.kind != GENERAL {
        return;
    }
    let core: Vec<&Recorded<'_>> = shrunk.kept.iter().map(|(at, _)| parsed.recorded(*at)).collect();
    let is_failing =
        |one: &&&Recorded<'_>| one.completion().is_some_and(|op| Some(op.index) == anomaly.op);
    let Some(failing) = core.iter().find(is_failing) else { return };
    let others = || core.iter().copied().filter(|one| !std::ptr::eq(*one, *failing));
    if others().count() > TOLD_MAX || others().next().is_none() {
        return;
    }
    for one in others() {
        let index = one.index();
        if anomaly.related.iter().all(|known| known.index != index) {
            anomaly.related.push(Related { index, role: EXCLUDES.to_owned() });
        }
    }
    let is_argued = !(anomaly.argument.is_empty() && anomaly.examination.argument.is_empty());
    match held_twice(others().chain([*failing]), anomaly.key.as_ref()) {
        Some(sentence) => {
            HELD_TWICE.clone_into(&mut anomaly.kind);
            anomaly.sentence = titled(HELD_TWICE, &sentence);
        }
        // The circle names them one by one.
        None if is_argued => {}
        None => {
            let told = operations(others());
            anomaly.sentence = format!("{}; enough to exclude it: {told}", anomaly.sentence);
        }
    }
}

/// The kind of a violation in which two hold a lock.
const HELD_TWICE: &str = "held-twice";

/// The sentence of operations that exclude each other by a pattern, with who did them and when.
pub(crate) fn sentence(
    rule: &str,
    why: &str,
    key: Option<&Value>,
    these: &[&Recorded<'_>],
) -> String {
    match held_twice(these.iter().copied(), key).filter(|_| rule == HELD_TWICE) {
        Some(sentence) => sentence,
        None if these.len() > TOLD_MAX => why.to_owned(),
        None => {
            let mut in_time = these.to_vec();
            in_time.sort_by_key(|one| one.invoked());
            format!("{why}: {}", operations(in_time.into_iter()))
        }
    }
}

/// Two that hold a lock, the second acquired last: `process 3 acquired the lock at … while process
/// 1, which had acquired it at …, released it only at …`.
fn held_twice<'r, 'h: 'r>(
    these: impl Iterator<Item = &'r Recorded<'h>>,
    key: Option<&Value>,
) -> Option<String> {
    let (acquires, releases): (Vec<_>, Vec<_>) =
        these.partition(|one| one.f().name() == Some("acquire") && one.argument.is_nil());
    let [first, second] = acquires.as_slice() else { return None };
    let by_first = |one: &&&Recorded<'_>| one.invoke().process == first.invoke().process;
    let after_first = releases.iter().filter(by_first).collect::<Vec<_>>();
    let by_second = releases.iter().filter(|one| one.invoke().process == second.invoke().process);
    if after_first.len() + by_second.count() < releases.len() {
        return None;
    }
    let (key, second_when, first_when) = (at_key("of", key), when(second), when(first));
    let (who, whose) = (process(second.invoke()), process(first.invoke()));
    match after_first.as_slice() {
        [] => Some(format!(
            "{who} acquired the lock{key} {second_when}, while {whose} had acquired it \
             {first_when} and nobody can have released it since"
        )),
        [release] if release.f().name() == Some("release") => Some(format!(
            "{who} acquired the lock{key} {second_when}, while {whose}, which had acquired it \
             {first_when}, released it only {}",
            when(release)
        )),
        _ => None,
    }
}
