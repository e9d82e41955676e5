//! A set to which unique elements are added and from which nothing is taken.
//!
//! What must hold: an acknowledged element is in every read that begins afterwards and is
//! acknowledged; an element that one read showed is in every read that begins after that one had
//! ended; nothing is in a read that nobody tried to add before the read ended. The last read
//! decides which elements are *lost*; one that misses an element while a later one has it is
//! *stale*, which an eventually consistent set may be ([`SetReads::Eventual`]).
//!
//! Without a successful read after the last acknowledged add nothing is known of what was kept,
//! and the verdict is unknown. One pass over the reads, each element in a hash map: linear in
//! the sum of what was read.

mod core;

use rustc_hash::{FxHashMap, FxHashSet};

use self::core::Shown;
use super::object::{Object, Recorded};
use super::sentence::{at_key, by_whom, process, titled, when};
use crate::budget::Budget;
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::{Anomaly, Examination, LeftOut, Reason, Related, Stats, Validity, Verdict};

/// What a read that misses an element means, when a later read has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SetReads {
    /// A violation: reads are linearizable.
    #[default]
    Linearizable,
    /// Nothing, as long as the final read is complete.
    Eventual,
}

/// What is known of one element.
struct Element<'a, 'h> {
    value: Value,
    /// Every operation that tried to add it.
    adds: Vec<&'a Recorded<'h>>,
    /// The operation after which every read must show it, as soon as there is one, with the
    /// position at which it ended.
    known: Option<(usize, &'a Recorded<'h>)>,
}

/// A read with its elements, by their canonical text.
struct Read<'a, 'h> {
    recorded: &'a Recorded<'h>,
    elements: FxHashMap<String, Value>,
    ended: usize,
}

pub(crate) fn judge(object: &Object<'_>, reads: SetReads, budget: &Budget) -> Verdict {
    let mut stats = Stats::default();
    object.operations.iter().for_each(|one| stats.count(one.outcome()));
    let mut verdict = match Sets::parse(object, budget) {
        Err(reason) => Verdict::undecided("set", reason),
        Ok(sets) => {
            sets.count(&mut stats);
            sets.verdict(reads, budget)
        }
    };
    verdict.stats = stats;
    verdict.assumptions = vec![
        "the set is empty at first".to_owned(),
        match reads {
            SetReads::Linearizable => "every read shows what was acknowledged before it began",
            SetReads::Eventual => "only the final reads must be complete",
        }
        .to_owned(),
    ];
    verdict
}

/// Adds to the core of a violation how many operations there are on other keys.
pub(crate) fn examine(object: &Object<'_>, verdict: &mut Verdict, all: usize) {
    let others = (all - object.operations.len()) as u64;
    let cores = verdict.anomalies.iter_mut().filter_map(|one| one.examination.core.as_mut());
    cores.filter(|_| others > 0).for_each(|core| core.left_out.push((LeftOut::OtherKeys, others)));
}

/// An anomaly, and the element that it is about.
type Found<'a, 'h> = (Anomaly, Shown<'a, 'h>);

struct Sets<'a, 'h> {
    object: &'a Object<'h>,
    elements: FxHashMap<String, Element<'a, 'h>>,
    /// Acknowledged reads, by the moment at which they ended.
    reads: Vec<Read<'a, 'h>>,
    last_acknowledged_add: Option<usize>,
}

impl<'a, 'h> Sets<'a, 'h> {
    fn parse(object: &'a Object<'h>, budget: &Budget) -> Result<Sets<'a, 'h>, Reason> {
        let mut sets = Sets {
            object,
            elements: FxHashMap::default(),
            reads: Vec::new(),
            last_acknowledged_add: None,
        };
        for (at, recorded) in object.operations.iter().enumerate() {
            match recorded.f().name() {
                Some("add") => sets.add(recorded),
                Some("read") => sets.read(recorded)?,
                _ => return Err(Reason::UnknownFunction(recorded.f().to_string())),
            }
            if at.is_multiple_of(256)
                && let Some(reason) = budget.spent()
            {
                return Err(reason);
            }
        }
        sets.reads.sort_by_key(|read| read.ended);
        Ok(sets)
    }

    /// The element that an operation tried to add.
    fn added(recorded: &Recorded<'h>) -> &'h Value {
        if recorded.argument.is_nil() { recorded.result } else { recorded.argument }
    }

    /// The elements that a read returned.
    fn shown(recorded: &Recorded<'h>) -> Option<&'h [Value]> {
        match recorded.result {
            Value::Set(items) | Value::Vector(items) | Value::List(items) => Some(items),
            Value::Nil => Some(&[]),
            _ => None,
        }
    }

    fn add(&mut self, recorded: &'a Recorded<'h>) {
        let value = Sets::added(recorded);
        let element = self.elements.entry(text(value)).or_insert_with(|| Element {
            value: value.clone(),
            adds: Vec::new(),
            known: None,
        });
        element.adds.push(recorded);
        if let Some(ended) = recorded.acknowledged() {
            if element.known.is_none_or(|(known, _)| ended < known) {
                element.known = Some((ended, recorded));
            }
            self.last_acknowledged_add = self.last_acknowledged_add.max(Some(ended));
        }
    }

    fn read(&mut self, recorded: &'a Recorded<'h>) -> Result<(), Reason> {
        let Some(ended) = recorded.acknowledged() else { return Ok(()) };
        let items = Sets::shown(recorded).ok_or_else(|| {
            Reason::BadValue(format!("a read must return a set, got {}", recorded.result))
        })?;
        let elements = items.iter().map(|item| (text(item), item.clone())).collect();
        self.reads.push(Read { recorded, elements, ended });
        Ok(())
    }

    fn count(&self, stats: &mut Stats) {
        let acknowledged = self.elements.values().filter(|one| one.known.is_some());
        stats.acknowledged_writes = acknowledged.count() as u64;
        let seen: FxHashSet<&String> =
            self.reads.iter().flat_map(|read| read.elements.keys()).collect();
        let written = seen.into_iter().filter(|text| self.elements.contains_key(*text));
        stats.reads_of_written_values = written.count() as u64;
    }

    fn verdict(mut self, reads: SetReads, budget: &Budget) -> Verdict {
        let mut found = self.unexpected();
        match self.missing(reads, budget) {
            Ok(missing) => found.extend(missing),
            Err(reason) if found.is_empty() => return Verdict::undecided("set", reason),
            Err(_) => {}
        }
        found.sort_by_key(|(anomaly, _)| (rank(&anomaly.kind), anomaly.op));
        if let Some((anomaly, shown)) = found.first_mut() {
            anomaly.examination.core = Some(core::core(&self, shown));
        }
        let anomalies: Vec<Anomaly> = found.into_iter().map(|(anomaly, _)| anomaly).collect();
        if let Some(first) = anomalies.first() {
            let more = match anomalies.len() - 1 {
                0 => String::new(),
                more => format!("; {more} more anomalies"),
            };
            return verdict(Validity::Invalid, format!("{}{more}", first.sentence), anomalies);
        }
        if self.final_read().is_none() {
            let missing = "no read succeeded after the last acknowledged add";
            return Verdict::undecided("set", Reason::Missing(missing.to_owned()));
        }
        let summary = format!(
            "every one of {} acknowledged elements is in the final read; {} recovered",
            self.elements.values().filter(|one| one.is_acknowledged()).count(),
            self.recovered()
        );
        verdict(Validity::Valid, summary, anomalies)
    }

    /// The last read that began when every acknowledged add had ended.
    fn final_read(&self) -> Option<&Read<'a, 'h>> {
        self.reads
            .iter()
            .rev()
            .find(|read| self.last_acknowledged_add.is_none_or(|add| read.recorded.invoked() > add))
    }

    /// Elements whose adds were never acknowledged and that are there all the same.
    fn recovered(&self) -> usize {
        let Some(last) = self.final_read() else { return 0 };
        let there = last.elements.keys().filter_map(|text| self.elements.get(text));
        there.filter(|element| !element.is_acknowledged()).count()
    }

    /// Elements that were read although nobody can have added them.
    fn unexpected(&self) -> Vec<Found<'a, 'h>> {
        let mut reported: FxHashSet<&String> = FxHashSet::default();
        let mut anomalies = Vec::new();
        for read in &self.reads {
            let mut elements: Vec<(&String, &Value)> = read.elements.iter().collect();
            elements.sort_by_key(|(text, _)| *text);
            for (text, value) in elements {
                let adds = self.elements.get(text).map_or(&[][..], |element| &element.adds);
                let in_time = |one: &&&Recorded<'_>| one.invoked() < read.ended;
                if adds.iter().filter(in_time).any(|one| one.outcome() != Outcome::Fail)
                    || !reported.insert(text)
                {
                    continue;
                }
                let failed = adds.iter().find(in_time);
                let anomaly = self.unexpected_element(read, value, failed.copied());
                let (element, read) = (value.clone(), read.recorded);
                anomalies.push((anomaly, Shown { element, read, witness: None, is_stale: false }));
            }
        }
        anomalies
    }

    fn unexpected_element(
        &self,
        read: &Read<'_, '_>,
        value: &Value,
        failed: Option<&Recorded<'_>>,
    ) -> Anomaly {
        let subject = self.reader(read.recorded);
        let sentence = match failed {
            None => format!("{subject} and found {value}, which nobody had added"),
            Some(add) => format!(
                "{subject} and found {value}, whose only add reported failure ({}): \
                 this :fail was observed: it should have been :info",
                by_whom(add)
            ),
        };
        let related = failed.map(|add| related(add, "added it and reported failure"));
        self.anomaly("unexpected", sentence, read.recorded, related.into_iter().collect())
    }

    /// Elements that must be in a read and are not.
    fn missing(&mut self, reads: SetReads, budget: &Budget) -> Result<Vec<Found<'a, 'h>>, Reason> {
        self.learn_from_reads();
        let final_ended = self.final_read().map(|read| read.ended);
        let mut worst: FxHashMap<&String, (&Read<'a, 'h>, &Element<'a, 'h>)> = FxHashMap::default();
        let mut known: Vec<(&String, &Element<'a, 'h>)> = self.elements.iter().collect();
        known.retain(|(_, element)| element.known.is_some());
        known.sort_by_key(|(_, element)| element.known.map(|(ended, _)| ended));
        for read in &self.reads {
            if let Some(reason) = budget.spent() {
                return Err(reason);
            }
            if reads == SetReads::Eventual && Some(read.ended) != final_ended {
                continue;
            }
            for (text, element) in &known {
                if element.known.is_none_or(|(ended, _)| ended >= read.recorded.invoked()) {
                    break;
                }
                if !read.elements.contains_key(*text) {
                    worst.insert(text, (read, element));
                }
            }
        }
        let mut missing: Vec<_> = worst.into_iter().collect();
        missing.sort_by_key(|(text, (read, _))| (read.ended, *text));
        let is_last = |text: &String, read: &Read<'_, '_>| {
            !self.reads.iter().any(|other| {
                other.recorded.invoked() > read.recorded.invoked()
                    && other.elements.contains_key(text)
            })
        };
        Ok(missing
            .into_iter()
            .map(|(text, (read, element))| {
                let is_stale = !is_last(text, read);
                let kind = if is_stale { "stale" } else { "lost" };
                let shown = Shown {
                    element: element.value.clone(),
                    read: read.recorded,
                    witness: element.known.map(|(_, witness)| witness),
                    is_stale,
                };
                (self.missing_element(kind, read, element), shown)
            })
            .collect())
    }

    /// An element that a read showed must be in every read that begins after this one ended.
    fn learn_from_reads(&mut self) {
        for read in &self.reads {
            for text in read.elements.keys() {
                if let Some(element) = self.elements.get_mut(text)
                    && element.known.is_none_or(|(known, _)| read.ended < known)
                {
                    element.known = Some((read.ended, read.recorded));
                }
            }
        }
    }

    fn missing_element(
        &self,
        kind: &str,
        read: &Read<'_, '_>,
        element: &Element<'_, '_>,
    ) -> Anomaly {
        let (_, witness) = element.known.expect("only known elements can be missing");
        let value = &element.value;
        let (how, role) = match witness.f().name() {
            Some("add") => ("had been added", "added it"),
            _ => ("had been read", "read it before"),
        };
        let fate = match kind {
            "lost" => "no later read has it",
            _ => "a later read has it",
        };
        let sentence = format!(
            "{} and missed {value}, which {how} ({}); {fate}",
            self.reader(read.recorded),
            by_whom(witness)
        );
        self.anomaly(kind, sentence, read.recorded, vec![related(witness, role)])
    }

    fn reader(&self, read: &Recorded<'_>) -> String {
        let key = at_key("of", self.object.key.as_ref());
        format!("{} read the set{key} {}", process(read.invoke()), when(read))
    }

    fn anomaly(
        &self,
        kind: &str,
        sentence: String,
        read: &Recorded<'_>,
        related: Vec<Related>,
    ) -> Anomaly {
        Anomaly {
            kind: kind.to_owned(),
            key: self.object.key.clone(),
            sentence: titled(kind, &sentence),
            op: read.completion().map(|op| op.index),
            related,
            argument: Vec::new(),
            states: Vec::new(),
            examination: Examination::default(),
        }
    }
}

impl Element<'_, '_> {
    fn is_acknowledged(&self) -> bool {
        self.adds.iter().any(|add| add.outcome() == Outcome::Ok)
    }
}

fn verdict(validity: Validity, summary: String, anomalies: Vec<Anomaly>) -> Verdict {
    Verdict {
        checker: "set".to_owned(),
        validity,
        reason: None,
        summary,
        anomalies,
        assumptions: Vec::new(),
        stats: Stats::default(),
        proof: None,
        parts: Vec::new(),
    }
}

fn related(recorded: &Recorded<'_>, role: &str) -> Related {
    Related { index: recorded.index(), role: role.to_owned() }
}

/// Worst first.
fn rank(kind: &str) -> u8 {
    match kind {
        "lost" => 0,
        "unexpected" => 1,
        _ => 2,
    }
}

fn text(value: &Value) -> String {
    value.canonical().to_string()
}
