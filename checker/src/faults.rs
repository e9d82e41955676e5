//! Which faults were in force when, as far as the events of a history say.
//!
//! Whatever injects faults is no client, and writes two events with an equal `:f` for everything
//! that it does: when it begins, and when it is done. Our own say what kind of fault it was
//! (`{:id 4, :fault :partition, …}`) and which ones a heal ended (`{:heals [4], …}`). Jepsen's are
//! matched by name: `:start-partition` and `:stop-partition`, `:kill` and `:start`, `:pause` and
//! `:resume`; resetting a clock ends whatever was done to it, and looking at clocks is no fault. What
//! began and was never healed lasts to the end. What was planned and then left out (`{:skipped
//! "nobody leads"}`) was no fault.

use crate::history::{OpRef, Ops};
use crate::value::Value;

/// A fault, from the first event of its injection to the last of its heal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The kind of fault: `partition`, `kill`, `pause`, or what the history calls it.
    pub family: String,
    /// Position of the event with which its injection began.
    pub from: usize,
    /// Position of the event with which its heal was over; `None` if it never was.
    pub until: Option<usize>,
}

impl InForce {
    /// Whether it was in force at some moment between two positions.
    pub fn overlaps(&self, from: usize, to: usize) -> bool {
        self.from <= to && self.until.is_none_or(|until| until >= from)
    }
}

/// The faults of a history, in the order of their injections. O(n).
pub fn in_force(ops: Ops<'_>) -> Vec<InForce> {
    let mut reader = Reader::default();
    for (position, op) in ops.of_others() {
        reader.event(op, position);
    }
    reader.finish()
}

/// The families that a function of Jepsen's vocabulary ends; none if it begins one. `:start` ends
/// a kill where `kill_open` says that there is one, and is otherwise the old partitioner's
/// beginning.
pub fn families_ended_by(f: &str, kill_open: impl FnOnce() -> bool) -> Vec<&str> {
    match f {
        "resume" => vec!["pause"],
        "start" if kill_open() => vec!["kill"],
        "stop" => vec!["start"],
        "reset-clock" => vec!["bump-clock", "strobe-clock"],
        _ => f.strip_prefix("stop-").into_iter().collect(),
    }
}

/// Whether a function of Jepsen's vocabulary changes nothing.
pub fn only_looks(f: &str) -> bool {
    f == "check-clock-offsets"
}

/// The family that a function of Jepsen's vocabulary begins.
pub fn family_begun_by(f: &str) -> String {
    f.strip_prefix("start-").unwrap_or(f).to_owned()
}

#[derive(Default)]
struct Reader {
    faults: Vec<(Option<i64>, InForce)>,
    /// First events whose second has not come.
    begun: Vec<(String, usize)>,
}

impl Reader {
    fn event(&mut self, op: OpRef<'_>, position: usize) {
        let f = op.f.name().map_or_else(|| op.f.to_string(), str::to_owned);
        if only_looks(&f) {
            return;
        }
        let Some(first) = self.begun.iter().position(|(name, _)| *name == f) else {
            self.begun.push((f, position));
            return;
        };
        let (_, from) = self.begun.remove(first);
        let number = |value: &Value| match value {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        if op.value().get("skipped").is_some() {
            // Nothing was done, and so nothing is there to be healed.
        } else if let Some(family) = op.value().get("fault").and_then(Value::name) {
            let until = (family == "restart").then_some(position);
            let fault = InForce { family: family.to_owned(), from, until };
            self.faults.push((op.value().get("id").and_then(number), fault));
        } else if let Some(healed) = op.value().get("heals").and_then(Value::items) {
            let healed: Vec<i64> = healed.iter().filter_map(number).collect();
            self.end(position, |id, _| id.is_some_and(|id| healed.contains(&id)));
        } else if op.value().get("proof").is_some() {
            // A heal of ours that found nothing to heal.
        } else {
            self.by_name(&f, from, position);
        }
    }

    fn by_name(&mut self, f: &str, from: usize, position: usize) {
        let ended = families_ended_by(f, || self.is_open("kill"));
        self.end(position, |_, fault| ended.contains(&fault.family.as_str()));
        if ended.is_empty() {
            let fault = InForce { family: family_begun_by(f), from, until: None };
            self.faults.push((None, fault));
        }
    }

    fn is_open(&self, family: &str) -> bool {
        self.faults.iter().any(|(_, fault)| fault.until.is_none() && fault.family == family)
    }

    fn end(&mut self, position: usize, is_ended: impl Fn(Option<i64>, &InForce) -> bool) {
        for (id, fault) in &mut self.faults {
            if fault.until.is_none() && is_ended(*id, fault) {
                fault.until = Some(position);
            }
        }
    }

    /// An injection that was begun and never reported is a fault all the same. A `:start` is one only
    /// where the old partitioner was at work: it may have been a heal that found nothing.
    fn finish(mut self) -> Vec<InForce> {
        let may_partition = self.faults.iter().any(|(_, fault)| fault.family == "start");
        for (f, from) in std::mem::take(&mut self.begun) {
            let begins = families_ended_by(&f, || self.is_open("kill")).is_empty();
            if begins && (f != "start" || may_partition) {
                let fault = InForce { family: family_begun_by(&f), from, until: None };
                self.faults.push((None, fault));
            }
        }
        let mut faults: Vec<InForce> = self.faults.into_iter().map(|(_, fault)| fault).collect();
        faults.sort_by_key(|fault| fault.from);
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Format, read};

    fn told(text: &str) -> Vec<String> {
        let history = read(text.as_bytes(), Some(Format::Edn)).expect("readable");
        let tell = |fault: &InForce| format!("{} {}-{:?}", fault.family, fault.from, fault.until);
        in_force(history.ops()).iter().map(tell).collect()
    }

    #[test]
    fn our_own_faults_say_what_they_are_and_heals_what_they_end() {
        let text = "[{:process :nemesis, :type :info, :f :start-partition, :value {:id 4}}
                     {:process :nemesis, :type :info, :f :start-partition,
                      :value {:id 4, :fault :partition}}
                     {:process :nemesis, :type :info, :f :kill, :value nil}
                     {:process :nemesis, :type :info, :f :kill, :value {:id 5, :fault :kill}}
                     {:process :nemesis, :type :info, :f :stop-partition, :value nil}
                     {:process :nemesis, :type :info, :f :stop-partition, :value {:heals [4]}}]";
        assert_eq!(told(text), ["partition 0-Some(5)", "kill 2-None"]);
    }

    #[test]
    fn what_was_skipped_was_no_fault() {
        let text = "[{:process :nemesis, :type :info, :f :kill, :value :primaries}
                     {:process :nemesis, :type :info, :f :kill,
                      :value {:what \"skipped: nobody leads\", :nodes [], :skipped \"nobody leads\"}}]";
        assert!(told(text).is_empty(), "{:?}", told(text));
    }

    #[test]
    fn a_heal_that_found_nothing_to_heal_is_no_fault() {
        let text = "[{:process :nemesis, :type :info, :f :start, :value nil}
                     {:process :nemesis, :type :info, :f :start,
                      :value {:what \"\", :nodes [], :proof {:held true}}}]";
        assert!(told(text).is_empty(), "{:?}", told(text));
    }

    #[test]
    fn jepsens_faults_are_matched_by_name() {
        let event = |f: &str| format!("[:nemesis :info {f} nil]");
        let twice = |f: &str| event(f) + &event(f);
        let text = format!(
            "[{}{}{}{}{}]",
            twice(":kill"),
            twice(":start"),
            twice(":start"),
            twice(":stop"),
            event(":pause")
        );
        assert_eq!(told(&text), ["kill 0-Some(3)", "start 4-Some(7)", "pause 8-None"]);
        let clocks = ["bump-clock", "strobe-clock", "check-clock-offsets", "reset-clock"];
        let text = format!("[{}]", clocks.map(|f| twice(&format!(":{f}"))).concat());
        assert_eq!(told(&text), ["bump-clock 0-Some(7)", "strobe-clock 2-Some(7)"]);
    }

    #[test]
    fn a_start_that_was_cut_off_is_a_fault_only_of_a_partitioner() {
        let cut_off = "{:process :nemesis, :type :info, :f :start, :value nil}";
        assert!(told(cut_off).is_empty(), "{:?}", told(cut_off));
        let partitioner =
            cut_off.repeat(2) + "[:nemesis :info :stop nil][:nemesis :info :stop nil]";
        assert_eq!(told(&(partitioner + cut_off)), ["start 0-Some(3)", "start 4-None"]);
    }

    #[test]
    fn a_fault_overlaps_what_it_touches() {
        let fault = InForce { family: String::new(), from: 4, until: Some(8) };
        assert!(fault.overlaps(0, 4) && fault.overlaps(8, 9) && fault.overlaps(5, 6));
        assert!(!fault.overlaps(0, 3) && !fault.overlaps(9, 10));
    }
}
