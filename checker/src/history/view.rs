//! Looking at a history: events and operations, put together from its columns when asked for.

use super::columns::Columns;
use super::interner::Interned;
use super::{History, Operation};
use crate::op::{Kind, Op, Process};
use crate::value::Value;

/// An event of a history, or an [`Op`] seen as one; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct OpRef<'h> {
    /// Position in the history as recorded, see [`Op::index`].
    pub index: u64,
    /// Nanoseconds since the start of the test; −1 when unknown.
    pub time_ns: i64,
    /// Who.
    pub process: &'h Process,
    /// Which event of the operation.
    pub kind: Kind,
    /// What was done.
    pub f: &'h Value,
    /// Why it failed or is unknown.
    pub error: Option<&'h Value>,
    /// All other entries of the operation.
    pub extra: &'h [(Value, Value)],
    pub(super) value: Operand<'h>,
}

/// Where the value of an event is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand<'h> {
    Here(&'h Value),
    /// In columns, perhaps in pieces: only who asks for the value has it put together.
    Columns(&'h Columns, Interned),
}

impl Operand<'_> {
    pub(super) const NOTHING: Operand<'static> = Operand::Here(&Value::Nil);
}

impl<'h> OpRef<'h> {
    pub(super) fn of_columns(columns: &'h Columns, value: Interned, rest: OpRef<'h>) -> OpRef<'h> {
        OpRef { value: Operand::Columns(columns, value), ..rest }
    }

    /// Its argument (invocation) or result (completion), see [`Op::value`].
    pub fn value(&self) -> &'h Value {
        match self.value {
            Operand::Here(value) => value,
            Operand::Columns(columns, value) => columns.values.get(value),
        }
    }

    /// The same event with another value.
    #[must_use]
    pub fn with_value(self, value: &'h Value) -> OpRef<'h> {
        OpRef { value: Operand::Here(value), ..self }
    }

    /// The elements of its value, if that is a vector of two such as `[key value]`; the value itself
    /// need not be put together for that.
    pub fn pair(&self) -> Option<[&'h Value; 2]> {
        match self.value {
            Operand::Here(Value::Vector(items)) => match items.as_slice() {
                [first, second] => Some([first, second]),
                _ => None,
            },
            Operand::Here(_) => None,
            Operand::Columns(columns, value) => {
                columns.values.parts(value).map(|parts| parts.map(|part| columns.values.get(part)))
            }
        }
    }

    /// The entry `:key`.
    pub(crate) fn key_entry(&self) -> Option<&'h Value> {
        let is_key = |name: &Value| matches!(name, Value::Keyword(name) if **name == *"key");
        self.extra.iter().find_map(|(name, key)| is_key(name).then_some(key))
    }

    /// The event for itself.
    pub fn to_op(&self) -> Op {
        Op {
            index: self.index,
            time_ns: self.time_ns,
            process: self.process.clone(),
            kind: self.kind,
            f: self.f.clone(),
            value: self.value().clone(),
            error: self.error.cloned(),
            extra: self.extra.to_vec(),
        }
    }
}

impl<'h> From<&'h Op> for OpRef<'h> {
    fn from(op: &'h Op) -> OpRef<'h> {
        OpRef {
            index: op.index,
            time_ns: op.time_ns,
            process: &op.process,
            kind: op.kind,
            f: &op.f,
            error: op.error.as_ref(),
            extra: &op.extra,
            value: Operand::Here(&op.value),
        }
    }
}

impl PartialEq for OpRef<'_> {
    fn eq(&self, other: &OpRef<'_>) -> bool {
        (self.index, self.time_ns, self.process, self.kind)
            == (other.index, other.time_ns, other.process, other.kind)
            && (self.f, self.error, self.extra) == (other.f, other.error, other.extra)
            && self.value() == other.value()
    }
}

impl PartialEq<Op> for OpRef<'_> {
    fn eq(&self, other: &Op) -> bool {
        *self == OpRef::from(other)
    }
}

/// The events of a history, in order.
#[derive(Clone, Copy, Debug)]
pub struct Ops<'h> {
    columns: &'h Columns,
}

impl<'h> Ops<'h> {
    pub(super) fn new(columns: &'h Columns) -> Ops<'h> {
        Ops { columns }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at this position, which must exist.
    pub fn at(&self, position: usize) -> OpRef<'h> {
        self.columns.op(position)
    }

    /// The index of the one at this position, without looking at the rest of it.
    pub fn index(&self, position: usize) -> u64 {
        self.columns.indices.get(position)
    }

    /// When the one at this position happened, without looking at the rest of it: see
    /// [`OpRef::time_ns`].
    pub fn time_ns(&self, position: usize) -> i64 {
        self.columns.time_ns(position)
    }

    /// Where the one with this index is; O(log n).
    pub fn position(&self, index: u64) -> Option<usize> {
        self.columns.position(index)
    }

    /// All of them.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = OpRef<'h>> + DoubleEndedIterator + Clone + use<'h> {
        let columns = self.columns;
        (0..columns.len()).map(move |position| columns.op(position))
    }

    /// Where clients say something, and what: to see who did not answer, one need not look at more.
    pub fn of_clients(&self) -> impl Iterator<Item = (usize, Kind)> + use<'h> {
        let columns = self.columns;
        let all = columns.has_only_clients();
        let positions = (0..columns.len()).filter(move |at| all || is_client(columns, *at));
        positions.map(|at| (at, columns.kind(at)))
    }

    /// The events of whoever is no client, such as the nemesis, with their positions; no others are
    /// looked at.
    pub fn of_others(&self) -> impl Iterator<Item = (usize, OpRef<'h>)> + use<'h> {
        let columns = self.columns;
        columns.of_others().map(|at| (at, columns.op(at)))
    }

    /// All of them, for themselves.
    pub fn to_vec(&self) -> Vec<Op> {
        self.iter().map(|op| op.to_op()).collect()
    }
}

fn is_client(columns: &Columns, at: usize) -> bool {
    matches!(columns.process(at).1, Process::Client(_))
}

impl PartialEq for Ops<'_> {
    fn eq(&self, other: &Ops<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}

/// The operations of clients, in the order of their invocations.
#[derive(Clone, Copy)]
pub struct Operations<'h> {
    history: &'h History,
}

impl<'h> Operations<'h> {
    pub(super) fn new(history: &'h History) -> Operations<'h> {
        Operations { history }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.history.pairing.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The operation of this number, counted in order of invocation; it must exist.
    pub fn at(&self, number: usize) -> Operation {
        self.history.pairing.operation(&self.history.columns, number)
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Operation> + Clone + use<'h> {
        let all = *self;
        (0..self.len()).map(move |number| all.at(number))
    }
}

impl std::fmt::Debug for Operations<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Operations<'_> {
    fn eq(&self, other: &Operations<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}
