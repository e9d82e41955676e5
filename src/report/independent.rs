//! One folder a key: its history, its verdict, and for a key that failed its timeline.
//!
//! The name of a folder comes from a key, and a key may be any value: `../../etc`, `a/b`, a string
//! with markup, two that differ in case only. Names keep what is harmless on every file system and
//! are numbered where two keys would meet.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use checker::faults::in_force;
use checker::history::{OpRef, Ops};
use checker::{History, Process, Validity, Value};
use rayon::prelude::*;

use super::markup::escape;
use super::page::href;
use super::scene::{Call, Scene};
use super::{Input, history_edn, results, timeline};

/// More folders than this help nobody; the verdicts of all keys are in `results.edn`.
const MOST_FOLDERS: usize = 1_000;
/// A timeline is a megabyte, and the first few violations are what is looked at.
const MOST_TIMELINES: usize = 20;
/// Short enough for every file system, with the number behind it.
const MOST_LETTERS: usize = 60;

/// The folder of each key that gets one.
pub(crate) struct Folders {
    names: Vec<Option<String>>,
    timelines: BTreeSet<usize>,
}

impl Folders {
    /// Names a folder for each key of the verdict: the failing and undecided first if there are
    /// too many.
    pub(crate) fn of(scene: &Scene) -> Folders {
        let parts = &scene.verdict.parts;
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|n| std::cmp::Reverse(parts[*n].verdict.validity));
        let timelines = order
            .iter()
            .copied()
            .filter(|n| parts[*n].verdict.validity == Validity::Invalid)
            .take(MOST_TIMELINES)
            .collect();
        let mut names = vec![None; parts.len()];
        let mut taken = BTreeSet::new();
        order.truncate(MOST_FOLDERS);
        order.sort_unstable();
        for n in order {
            names[n] = Some(free_name(&parts[n].key, &mut taken));
        }
        Folders { names, timelines }
    }

    /// The file that shows most of a key, relative to the run's folder.
    pub(crate) fn link(&self, key: usize) -> Option<String> {
        let name = self.names.get(key)?.as_ref()?;
        let file = if self.timelines.contains(&key) { "timeline.html" } else { "results.edn" };
        Some(href(&format!("independent/{name}/{file}")))
    }

    /// Writes all folders, side by side; returns what went wrong.
    pub(crate) fn write(&self, dir: &Path, input: &Input, scene: &Scene) -> Vec<String> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let mut calls: Vec<Vec<&Call>> = vec![Vec::new(); self.names.len()];
        for call in scene.calls() {
            if let Some(key) = call.key {
                calls[key as usize].push(call);
            }
        }
        let faults = FaultEvents::of(scene.history.ops());
        let write = |(key, name): (usize, &Option<String>)| {
            let name = name.as_ref()?;
            let folder = dir.join("independent").join(name);
            let events = || events(scene, &calls[key], &faults);
            let written = std::fs::create_dir_all(&folder)
                .map_err(anyhow::Error::from)
                .and_then(|()| self.write_key(&folder, key, &events(), input));
            written.err().map(|error| format!("independent/{name} was not written: {error:#}"))
        };
        self.names.par_iter().enumerate().filter_map(write).collect()
    }

    fn write_key(
        &self,
        folder: &Path,
        key: usize,
        ops: &[OpRef<'_>],
        input: &Input,
    ) -> anyhow::Result<()> {
        let part = &input.verdict.parts[key];
        std::fs::write(folder.join("history.edn"), history_edn(ops)?)?;
        std::fs::write(folder.join("results.edn"), results::edn(&part.verdict.to_value()))?;
        if !self.timelines.contains(&key) {
            return Ok(());
        }
        let history = History::from_ops(ops.iter().map(OpRef::to_op).collect())?;
        let title = format!("{}, key {}", input.title, part.key);
        let input =
            Input { title, history: &history, verdict: &part.verdict, run: input.run.clone() };
        let scene = Scene::new(&input);
        let overlap = super::overlap(&input.axes());
        std::fs::write(
            folder.join("timeline.html"),
            timeline::page(&input.title, &scene, &overlap),
        )?;
        Ok(())
    }
}

/// The nemesis's events, stretch by stretch: a stretch is a time without a gap in which some fault was
/// in force. The events of a stretch belong together, since a fault without its heal looks as if it
/// had never been healed.
struct FaultEvents {
    /// Positions of all events of the nemesis, in order.
    positions: Vec<usize>,
    /// First and last position of each stretch, in order and disjoint.
    stretches: Vec<(usize, usize)>,
}

impl FaultEvents {
    fn of(ops: Ops<'_>) -> FaultEvents {
        let positions = ops.of_others().map(|(at, _)| at).collect();
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for fault in in_force(ops) {
            let until = fault.until.unwrap_or(usize::MAX);
            match stretches.last_mut() {
                Some((_, last)) if fault.from <= *last => *last = until.max(*last),
                _ => stretches.push((fault.from, until)),
            }
        }
        FaultEvents { positions, stretches }
    }

    /// The numbers of the stretches that overlap what lies between two positions.
    fn overlapping(&self, first: usize, last: usize) -> Range<usize> {
        let begin = self.stretches.partition_point(|(_, until)| *until < first);
        let end = self.stretches.partition_point(|(from, _)| *from <= last);
        begin..end.max(begin)
    }

    /// The positions of a stretch's events.
    fn events(&self, stretch: usize) -> &[usize] {
        let (from, until) = self.stretches[stretch];
        let begin = self.positions.partition_point(|at| *at < from);
        let end = self.positions.partition_point(|at| *at <= until);
        &self.positions[begin..end]
    }
}

/// The events of one key, with the key taken off their values, and those of the faults that its
/// operations met: a night has thousands of keys, and each is used for a short while and read once
/// more at the end, so that all faults in between would be most of its folder.
fn events<'h>(scene: &Scene<'h>, calls: &[&Call], faults: &FaultEvents) -> Vec<OpRef<'h>> {
    let mut met = BTreeSet::new();
    let mut positions = Vec::with_capacity(calls.len() * 2);
    for call in calls {
        positions.extend([Some(call.invoke), call.completion].into_iter().flatten());
        met.extend(faults.overlapping(call.invoke, call.completion.unwrap_or(usize::MAX)));
    }
    positions.extend(met.into_iter().flat_map(|stretch| faults.events(stretch)));
    positions.sort_unstable();
    let ops = scene.history.ops();
    let event = |at: usize| match ops.at(at) {
        client if matches!(client.process, Process::Client(_)) => scene.stripped(client),
        nemesis => nemesis,
    };
    positions.into_iter().map(event).collect()
}

/// A folder's name for a key, different from all that were taken, also where case does not count.
fn free_name(key: &Value, taken: &mut BTreeSet<String>) -> String {
    let text = key.name().map_or_else(|| key.to_string(), str::to_owned);
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String =
        text.chars().map(|c| if harmless(c) { c } else { '_' }).take(MOST_LETTERS).collect();
    if name.is_empty() || name.starts_with(['.', '-']) {
        name.insert(0, '_');
    }
    let mut free = name.clone();
    let mut number = 1;
    while !taken.insert(free.to_lowercase()) {
        number += 1;
        free = format!("{name}-{number}");
    }
    debug_assert_eq!(escape(&free), free, "a folder's name is harmless in markup too");
    free
}

#[cfg(test)]
mod tests {
    use checker::history::{Format, read};

    use super::*;

    #[test]
    fn a_key_gets_the_faults_that_its_operations_met_whole_and_no_others() {
        let event = |f: &str| format!("[:nemesis :info :{f} nil]");
        let twice = |f: &str| event(f) + &event(f);
        // A kill, then a pause and a partition that overlap, then a kill that nothing heals.
        let text = format!(
            "[{}{}{}{}{}{}{}]",
            twice("kill"),
            twice("start"),
            twice("pause"),
            twice("start-partition"),
            twice("resume"),
            twice("stop-partition"),
            twice("kill"),
        );
        let history = read(text.as_bytes(), Some(Format::Edn)).expect("readable");
        let faults = FaultEvents::of(history.ops());
        assert_eq!(faults.stretches, [(0, 3), (4, 11), (12, usize::MAX)]);
        assert_eq!(faults.overlapping(0, 2), 0..1);
        assert_eq!(faults.overlapping(3, 4), 0..2);
        assert_eq!(faults.overlapping(5, 5), 1..2);
        assert_eq!(faults.events(1), [4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(faults.events(2), [12, 13]);
    }

    #[test]
    fn between_two_faults_nothing_is_met() {
        let event = |f: &str| format!("[:nemesis :info :{f} nil]");
        let text = format!("[{}[0 :invoke :read nil]{}]", event("kill"), event("kill"));
        let history = read(text.as_bytes(), Some(Format::Edn)).expect("readable");
        assert_eq!(FaultEvents::of(history.ops()).overlapping(1, 1), 0..1);
        let text = "[[0 :invoke :read nil][0 :ok :read nil][:nemesis :info :kill nil][:nemesis :info :kill nil]]";
        let history = read(text.as_bytes(), Some(Format::Edn)).expect("readable");
        assert_eq!(FaultEvents::of(history.ops()).overlapping(0, 1), 0..0);
    }

    #[test]
    fn folder_names_are_harmless_and_never_meet() {
        let keys = [
            Value::Int(3),
            Value::string("3"),
            Value::string("../../etc/passwd"),
            Value::string(".."),
            Value::string(""),
            Value::string("a/b"),
            Value::string("a_b"),
            Value::string("A_B"),
            Value::string("</script><img src=x onerror=alert(1)>"),
            Value::string("a_b-2"),
            Value::string("é".repeat(500)),
            Value::Nil,
            Value::string("\u{0}"),
        ];
        let mut taken = BTreeSet::new();
        let names: Vec<String> = keys.iter().map(|key| free_name(key, &mut taken)).collect();
        for name in &names {
            assert!(!name.contains(['/', '\\', '<', '>', '\0']), "{name}");
            assert!(!name.starts_with('.') && !name.is_empty() && name.len() < 80, "{name}");
        }
        let different: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(different.len(), keys.len(), "{names:?}");
    }
}
