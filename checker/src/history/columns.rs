//! The events of a history as columns: forty-two bytes an operation of two events, whatever was
//! written in the file, beside one copy of each distinct value ([`Interner`]).
//!
//! Indices that count up cost nothing ([`Ramp`]); errors and further entries are rare and kept
//! aside, by position. Everything grows by appending, and nothing is allocated for an event whose
//! values were seen before.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::interner::{Interned, Interner, Translation};
use super::ramp::Ramp;
use super::view::OpRef;
use crate::op::{Kind, Op, Process};
use crate::value::Value;

/// The number of a process, in order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessNumber(u32);

impl ProcessNumber {
    pub(super) fn position(self) -> usize {
        self.0 as usize
    }
}

/// One event, its values already interned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) time_ns: i64,
    pub(super) process: ProcessNumber,
    pub(super) kind: Kind,
    pub(super) f: Interned,
    pub(super) value: Interned,
    pub(super) error: Option<Interned>,
    /// A map.
    pub(super) extra: Option<Interned>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(super) values: Interner,
    pub(super) indices: Ramp,
    times_ns: Vec<i64>,
    processes: Vec<ProcessNumber>,
    kinds: Vec<Kind>,
    functions: Vec<Interned>,
    operands: Vec<Interned>,
    errors: Sparse,
    extras: Sparse,
    known_processes: Processes,
    /// Where whoever is no client says something: few events, and asked for often.
    others: Vec<u32>,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Appends an event that was read in full.
    pub(super) fn push_op(&mut self, op: Op) {
        if matches!(op.process, Process::Other(_)) {
            self.others.push(narrow(self.len()));
        }
        let row = Row {
            time_ns: op.time_ns,
            process: self.known_processes.number(op.process),
            kind: op.kind,
            f: self.values.owned(op.f),
            value: self.values.split(op.value),
            error: op.error.map(|error| self.values.owned(error)),
            extra: (!op.extra.is_empty()).then(|| self.values.owned(Value::Map(op.extra))),
        };
        self.push(op.index, &row);
    }

    /// Appends an event of a client.
    #[inline]
    pub(super) fn push(&mut self, index: u64, row: &Row) {
        let position = self.kinds.len();
        self.indices.push(index);
        self.times_ns.push(row.time_ns);
        self.processes.push(row.process);
        self.kinds.push(row.kind);
        self.functions.push(row.f);
        self.operands.push(row.value);
        self.errors.push(position, row.error);
        self.extras.push(position, row.extra);
    }

    /// The number of a client.
    #[inline]
    pub(super) fn client(&mut self, process: u64) -> ProcessNumber {
        self.known_processes.client(process)
    }

    /// All processes, by their numbers.
    pub(super) fn all_processes(&self) -> &[Process] {
        &self.known_processes.all
    }

    /// Where whoever is no client says something, in order.
    pub(super) fn of_others(&self) -> impl Iterator<Item = usize> + Clone + use<'_> {
        self.others.iter().map(|at| *at as usize)
    }

    /// Whether everything is said by clients.
    pub(super) fn has_only_clients(&self) -> bool {
        self.others.is_empty()
    }

    #[inline]
    pub(super) fn process_number(&self, at: usize) -> ProcessNumber {
        self.processes[at]
    }

    /// The index that an event without one has next.
    pub(super) fn next_index(&self) -> u64 {
        self.indices.last().map_or(0, |index| index.saturating_add(1))
    }

    #[inline]
    pub(super) fn kind(&self, at: usize) -> Kind {
        self.kinds[at]
    }

    #[inline]
    pub(super) fn time_ns(&self, at: usize) -> i64 {
        self.times_ns[at]
    }

    /// The position of the event with this index: indices grow.
    pub(super) fn position(&self, index: u64) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.indices.get(middle).cmp(&index) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    #[inline]
    pub(super) fn process(&self, at: usize) -> (ProcessNumber, &Process) {
        let number = self.processes[at];
        (number, &self.known_processes.all[number.position()])
    }

    #[inline]
    pub(super) fn f(&self, at: usize) -> Interned {
        self.functions[at]
    }

    #[inline]
    pub(super) fn value(&self, at: usize) -> Interned {
        self.operands[at]
    }

    /// Looks at what tells an invocation; see [`History::touch`](super::History).
    #[inline]
    pub(super) fn touch_invocation(&self, at: usize) -> u32 {
        self.processes[at].0 ^ self.functions[at].number() ^ self.operands[at].number()
    }

    /// Looks at what tells a completion.
    #[inline]
    pub(super) fn touch_completion(&self, at: usize) -> u32 {
        self.kinds[at] as u32 ^ self.operands[at].number()
    }

    /// Looks at the value of an event.
    #[inline]
    pub(super) fn touch_value(&self, at: usize) -> u32 {
        let parts = self.values.parts(self.operands[at]);
        parts.map_or(0, |[one, other]| one.number() ^ other.number())
    }

    /// The event at a position that exists.
    pub(crate) fn op(&self, at: usize) -> OpRef<'_> {
        let (_, process) = self.process(at);
        OpRef::of_columns(
            self,
            self.operands[at],
            OpRef {
                index: self.indices.get(at),
                time_ns: self.times_ns[at],
                process,
                kind: self.kinds[at],
                f: self.values.get(self.functions[at]),
                error: self.error(at),
                extra: self.extra(at),
                value: super::view::Operand::NOTHING,
            },
        )
    }

    /// Why the operation of an event failed or is unknown.
    pub(super) fn error(&self, at: usize) -> Option<&Value> {
        self.errors.get(at).map(|error| self.values.get(error))
    }

    /// The entries of an event that only its writer understands.
    pub(super) fn extra(&self, at: usize) -> &[(Value, Value)] {
        match self.extras.get(at).map(|extra| self.values.get(extra)) {
            Some(Value::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// Appends all of `other`'s events, of which the first `unnumbered` count on from ours.
    pub(super) fn append(&mut self, other: &Columns, unnumbered: usize) {
        let translation = self.values.absorb(&other.values);
        let processes: Vec<ProcessNumber> =
            other.known_processes.all.iter().map(|one| self.known_processes.known(one)).collect();
        let offset = self.len();
        let next = self.next_index();
        for at in 0..unnumbered as u64 {
            self.indices.push(next.saturating_add(at));
        }
        for (begin, first, length) in other.indices.runs() {
            let passed = unnumbered.saturating_sub(begin).min(length);
            self.indices.push_run(first + passed as u64, length - passed);
        }
        let translated = |ids: &[Interned]| ids.iter().map(|id| translation.of(*id)).collect();
        let [functions, operands]: [Vec<Interned>; 2] =
            [translated(&other.functions), translated(&other.operands)];
        self.functions.extend(functions);
        self.operands.extend(operands);
        self.times_ns.extend_from_slice(&other.times_ns);
        self.processes.extend(other.processes.iter().map(|one| processes[one.position()]));
        self.kinds.extend_from_slice(&other.kinds);
        self.others.extend(other.others.iter().map(|at| narrow(offset + *at as usize)));
        self.errors.append(&other.errors, offset, &translation);
        self.extras.append(&other.extras, offset, &translation);
    }

    /// Forgets all events and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.indices.clear();
        self.times_ns.clear();
        self.processes.clear();
        self.kinds.clear();
        self.functions.clear();
        self.operands.clear();
        self.errors.entries.clear();
        self.extras.entries.clear();
        self.known_processes.clear();
        self.others.clear();
    }

    /// Gives back the memory that will not be needed.
    pub(super) fn shrink(&mut self) {
        self.indices.shrink();
        self.times_ns.shrink_to_fit();
        self.processes.shrink_to_fit();
        self.kinds.shrink_to_fit();
        self.functions.shrink_to_fit();
        self.operands.shrink_to_fit();
        self.errors.entries.shrink_to_fit();
        self.extras.entries.shrink_to_fit();
        self.others.shrink_to_fit();
    }
}

/// A column of which most cells are empty.
#[derive(Clone, Debug, Default)]
struct Sparse {
    /// Sorted by position.
    entries: Vec<(u32, Interned)>,
}

impl Sparse {
    #[inline]
    fn push(&mut self, position: usize, value: Option<Interned>) {
        if let Some(value) = value {
            self.entries.push((narrow(position), value));
        }
    }

    #[inline]
    fn get(&self, position: usize) -> Option<Interned> {
        if self.entries.is_empty() {
            return None;
        }
        let wanted = narrow(position);
        let at = self.entries.binary_search_by_key(&wanted, |(position, _)| *position).ok()?;
        Some(self.entries[at].1)
    }

    fn append(&mut self, other: &Sparse, offset: usize, translation: &Translation) {
        let moved = |(position, value): &(u32, Interned)| {
            (narrow(offset + *position as usize), translation.of(*value))
        };
        self.entries.extend(other.entries.iter().map(moved));
    }
}

/// A position as columns keep it.
pub(super) fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than 2^32 events")
}

/// Who appears in a history.
#[derive(Clone, Debug, Default)]
struct Processes {
    all: Vec<Process>,
    clients: FxHashMap<u64, ProcessNumber>,
    others: FxHashMap<Value, ProcessNumber>,
    /// Clients mostly come in turns, and there are few of them: most are found here.
    recent: Vec<Option<(u64, ProcessNumber)>>,
}

const RECENT: usize = 256;

impl Processes {
    fn number(&mut self, process: Process) -> ProcessNumber {
        match process {
            Process::Client(number) => self.client(number),
            Process::Other(name) => self.other(&name),
        }
    }

    fn known(&mut self, process: &Process) -> ProcessNumber {
        match process {
            Process::Client(number) => self.client(*number),
            Process::Other(name) => self.other(name),
        }
    }

    #[inline]
    fn client(&mut self, process: u64) -> ProcessNumber {
        let place = (process % RECENT as u64) as usize;
        match self.recent.get(place) {
            Some(Some((recent, number))) if *recent == process => return *number,
            Some(_) => {}
            None => self.recent.resize(RECENT, None),
        }
        let fresh = ProcessNumber(narrow(self.all.len()));
        let number = *self.clients.entry(process).or_insert(fresh);
        if number == fresh {
            self.all.push(Process::Client(process));
        }
        self.recent[place] = Some((process, number));
        number
    }

    fn other(&mut self, name: &Value) -> ProcessNumber {
        if let Some(number) = self.others.get(name) {
            return *number;
        }
        let fresh = ProcessNumber(narrow(self.all.len()));
        self.others.insert(name.clone(), fresh);
        self.all.push(Process::Other(name.clone()));
        fresh
    }

    fn clear(&mut self) {
        self.all.clear();
        self.clients.clear();
        self.others.clear();
        self.recent.fill(None);
    }
}
