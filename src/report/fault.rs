//! The faults of a run, read back from the history's nemesis events.
//!
//! The runner writes both events of an injection and of a heal as `:info` with equal `:f`; the
//! second carries a map with the proof and the brackets: when the thing that was to be broken was
//! last seen open and first seen closed, and the reverse for the heal. What lies between the first
//! proof of "closed" and the last one is the fault's *inner* interval: only operations that overlap
//! that one certainly met the fault.
//!
//! A history from Jepsen has the same pairs without proofs. Its starts and stops are matched by
//! name; the interval is then what the events say, and nothing is called proved.

use checker::Value;
use checker::faults::{families_ended_by, family_begun_by, only_looks};
use checker::history::{OpRef, Ops};

use super::scene::name_of;

/// Whether a fault was seen to be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Measured, and as intended.
    Held,
    /// Measured, and not as intended.
    Refuted,
    /// The history says nothing about it.
    None,
}

/// One fault, from its injection to its heal. Times are those of the history.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The number that the runner gave it.
    pub id: Option<i64>,
    /// The family: `partition`, `kill`, `pause`, `restart`, or what the history calls it.
    pub family: String,
    /// What exactly: `majority: n1 n3 | n2 n4 n5`.
    pub what: String,
    /// The nodes that it struck.
    pub nodes: Vec<String>,
    /// The nodes that led at that moment, where the history says so.
    pub primaries: Option<Vec<String>>,
    /// Whether the injection was proved.
    pub proof: Proof,
    /// How it was measured.
    pub how: String,
    /// Whether the heal was proved; [`Proof::None`] too when it was never healed.
    pub heal_proof: Proof,
    /// When the heal was over; `None` if the history ends before.
    pub healed_at: Option<i64>,
    /// From the beginning of the injection.
    pub start: i64,
    /// To the end of the heal, or of the history.
    pub end: i64,
    /// Certainly in force from here …
    pub inner_start: i64,
    /// … to here.
    pub inner_end: i64,
}

impl Fault {
    /// The colour of the family, as Jepsen's plots have it.
    pub fn colour(&self) -> &'static str {
        match self.family.as_str() {
            "partition" => "#E9DCA0",
            "kill" => "#E9A4A0",
            "pause" => "#A0B1E9",
            "packet" => "#D1E8A0",
            "clock" => "#A0E9E3",
            "restart" => "#E9A0E6",
            _ => "#CCCCCC",
        }
    }

    /// The proof in a few words.
    pub fn proof_words(&self) -> String {
        let how = if self.how.is_empty() { String::new() } else { format!(" ({})", self.how) };
        let heal = match (self.healed_at, self.heal_proof) {
            (None, _) => ", never healed",
            (_, Proof::Held) => ", heal proved",
            (_, Proof::Refuted) => ", heal NOT proved",
            (_, Proof::None) => "",
        };
        match self.proof {
            Proof::Held => format!("proved{how}{heal}"),
            Proof::Refuted => format!("NOT proved{how}{heal}"),
            Proof::None => format!("no proof recorded{heal}"),
        }
    }

    /// Whether it struck a node that led; unknown where the history does not name the leaders.
    pub fn hit_leader(&self) -> Option<bool> {
        let primaries = self.primaries.as_ref()?;
        Some(primaries.iter().any(|primary| self.nodes.contains(primary)))
    }
}

/// All faults of a history, in the order of their injections.
pub(crate) fn from_history(ops: Ops<'_>, horizon: i64, time: &dyn Fn(usize) -> i64) -> Vec<Fault> {
    let mut reader = Reader { faults: Vec::new(), begun: Vec::new(), horizon };
    for (position, op) in ops.of_others() {
        reader.event(op, time(position));
    }
    // An injection that was begun and never reported is a fault all the same; a `:start` only where
    // the old partitioner was at work: it may have been a heal that found nothing.
    let may_partition = reader.faults.iter().any(|fault| fault.family == "start");
    for (f, at) in std::mem::take(&mut reader.begun) {
        let begins = families_of_stop(&f, &reader.faults).is_empty();
        if begins && (f != "start" || may_partition) {
            reader.inject_plain(&f, &Value::Nil, at, horizon);
        }
    }
    reader.faults
}

/// What the system did by itself, in the nemesis's words: `n3 died by itself: signal 9`. No fault of
/// ours, and no proof of one.
pub(crate) fn surprises(ops: Ops<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for (_, op) in ops.of_others() {
        let value = op.value();
        if let Some(died) = value.get("surprises").and_then(Value::items) {
            told.extend(died.iter().map(name_of));
        } else if name_of(op.f) == "died" {
            told.push(name_of(value));
        }
    }
    told
}

/// How many planned faults were left out, for the reason that the history gives.
pub(crate) fn skipped(ops: Ops<'_>) -> usize {
    ops.of_others().filter(|(_, op)| op.value().get("skipped").is_some()).count()
}

struct Reader {
    faults: Vec<Fault>,
    /// First events whose second has not come: the `:f`, and when.
    begun: Vec<(String, i64)>,
    horizon: i64,
}

impl Reader {
    fn event(&mut self, op: OpRef<'_>, at: i64) {
        let f = name_of(op.f);
        if only_looks(&f) {
            return;
        }
        let Some(begun) = self.begun.iter().position(|(name, _)| *name == f) else {
            self.begun.push((f, at));
            return;
        };
        let (_, since) = self.begun.remove(begun);
        if op.value().get("skipped").is_some() {
            // Nothing was done: see `skipped`.
        } else if op.value().get("fault").is_some() {
            self.inject_proved(op.value(), since, at);
        } else if let Some(ids) = op.value().get("heals") {
            self.heal_proved(ids, op.value(), since, at);
        } else if op.value().get("proof").is_some() {
            // A heal of ours found broken what no fault of ours had broken: see `surprises`.
        } else {
            self.by_name(&f, op.value(), since, at);
        }
    }

    fn by_name(&mut self, f: &str, value: &Value, since: i64, at: i64) {
        let healed = families_of_stop(f, &self.faults);
        let is_healed = |fault: &&mut Fault| healed.iter().any(|family| fault.is_open_of(family));
        self.faults
            .iter_mut()
            .filter(is_healed)
            .for_each(|fault| fault.heal(since, at, Proof::None));
        if healed.is_empty() {
            self.inject_plain(f, value, since, at);
        }
    }

    fn inject_proved(&mut self, value: &Value, since: i64, at: i64) {
        let nanos = |name: &str| match value.get(name) {
            Some(Value::Int(ns)) => Some(*ns),
            _ => None,
        };
        let family = value.get("fault").map(name_of).unwrap_or_default();
        let proof = value.get("proof");
        let inner_start = nanos("first-closed-ns").unwrap_or(at);
        let own_end = nanos("first-open-ns").or((family == "restart").then_some(at));
        self.faults.push(Fault {
            id: nanos("id"),
            what: value.get("what").map(name_of).unwrap_or_default(),
            nodes: names(value.get("nodes")),
            primaries: value.get("primaries").map(|nodes| names(Some(nodes))),
            proof: proof_of(proof),
            how: proof.and_then(|p| p.get("how")).map(name_of).unwrap_or_default(),
            heal_proof: if own_end.is_some() { proof_of(proof) } else { Proof::None },
            healed_at: own_end,
            start: nanos("last-open-ns").unwrap_or(since).max(since),
            end: own_end.unwrap_or(self.horizon),
            inner_start,
            inner_end: nanos("last-closed-ns").or(own_end).unwrap_or(self.horizon),
            family,
        });
    }

    fn heal_proved(&mut self, ids: &Value, value: &Value, since: i64, at: i64) {
        let nanos = |name: &str, other: i64| match value.get(name) {
            Some(Value::Int(ns)) => *ns,
            _ => other,
        };
        let (closed, open) = (nanos("last-closed-ns", since), nanos("first-open-ns", at));
        let proof = proof_of(value.get("proof"));
        let ids = ids.items().unwrap_or_default();
        let healed = |fault: &&mut Fault| {
            fault.healed_at.is_none() && fault.id.is_some_and(|id| ids.contains(&Value::Int(id)))
        };
        self.faults.iter_mut().filter(healed).for_each(|fault| fault.heal(closed, open, proof));
    }

    fn inject_plain(&mut self, f: &str, value: &Value, since: i64, at: i64) {
        self.faults.push(Fault {
            id: None,
            family: family_begun_by(f),
            what: if value.is_nil() { String::new() } else { value.to_string() },
            nodes: Vec::new(),
            primaries: None,
            proof: Proof::None,
            how: String::new(),
            heal_proof: Proof::None,
            healed_at: None,
            start: since,
            end: self.horizon,
            inner_start: at,
            inner_end: self.horizon,
        });
    }
}

impl Fault {
    fn is_open_of(&self, family: &str) -> bool {
        self.healed_at.is_none() && self.family == family
    }

    fn heal(&mut self, closed: i64, open: i64, proof: Proof) {
        self.healed_at = Some(open);
        self.end = open.max(self.start);
        self.inner_end = closed.clamp(self.inner_start.min(self.end), self.end);
        self.heal_proof = proof;
    }
}

/// The families that a stopping `:f` heals; none if it starts one.
fn families_of_stop<'f>(f: &'f str, faults: &[Fault]) -> Vec<&'f str> {
    families_ended_by(f, || faults.iter().any(|fault| fault.is_open_of("kill")))
}

fn names(nodes: Option<&Value>) -> Vec<String> {
    nodes.and_then(Value::items).unwrap_or_default().iter().map(name_of).collect()
}

fn proof_of(proof: Option<&Value>) -> Proof {
    match proof.and_then(|proof| proof.get("held")) {
        Some(Value::Bool(true)) => Proof::Held,
        Some(Value::Bool(false)) => Proof::Refuted,
        _ => Proof::None,
    }
}
