//! An operation while it is being read: entries come in any order, and some are optional.

use crate::edn::{Fault, Read, SyntaxProblem, excerpt, refuse_duplicates};
use crate::op::{Kind, Op, Process};
use crate::value::Value;

/// The entries of an operation that mean something to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Index,
    Time,
    Type,
    Process,
    F,
    Value,
    Error,
}

impl Field {
    /// The field of this name, in any format.
    pub(super) fn named(name: &[u8]) -> Option<Field> {
        Some(match name {
            b"index" => Field::Index,
            b"time" => Field::Time,
            b"type" => Field::Type,
            b"process" => Field::Process,
            b"f" => Field::F,
            b"value" => Field::Value,
            b"error" => Field::Error,
            _ => return None,
        })
    }
}

/// What is known of an operation so far.
pub(super) struct Draft {
    /// Where it starts in the window.
    start: usize,
    seen: u8,
    index: Option<u64>,
    time_ns: i64,
    kind: Option<Kind>,
    process: Option<Process>,
    pub(super) f: Value,
    pub(super) value: Value,
    error: Option<Value>,
    extra: Vec<(Value, Value)>,
}

impl Draft {
    pub(super) fn new(start: usize) -> Draft {
        Draft {
            start,
            seen: 0,
            index: None,
            time_ns: -1,
            kind: None,
            process: None,
            f: Value::Nil,
            value: Value::Nil,
            error: None,
            extra: Vec::new(),
        }
    }

    /// Takes in the value of a field, which stands at `at`.
    pub(super) fn set(&mut self, field: Field, value: Value, at: usize) -> Read<()> {
        let bit = 1 << field as u8;
        if self.seen & bit != 0 {
            let text = format!(":{field:?}").to_lowercase().into();
            return Err(Fault::new(at, SyntaxProblem::Duplicate { text, place: "operation" }));
        }
        self.seen |= bit;
        match field {
            Field::Index => {
                self.index = index(&value).ok_or_else(|| wrong(at, ":index", &value))?
            }
            Field::Time => self.time_ns = time(&value).ok_or_else(|| wrong(at, ":time", &value))?,
            Field::Type => {
                self.kind = Some(kind(&value).ok_or_else(|| wrong(at, ":type", &value))?);
            }
            Field::Process => self.process = Some(process(value, at)?),
            Field::F => self.f = value,
            Field::Value => self.value = value,
            Field::Error => self.error = Some(value),
        }
        Ok(())
    }

    /// Keeps an entry that only its writer understands.
    pub(super) fn keep(&mut self, key: Value, value: Value) {
        self.extra.push((key, value));
    }

    /// The operation.
    pub(super) fn finish(self) -> Read<Drafted> {
        let missing = |what: &str| {
            let text = format!("a form without {what} is not an operation");
            Fault::new(self.start, SyntaxProblem::NotAnOperation(text.into()))
        };
        let kind = self.kind.ok_or_else(|| missing(":type"))?;
        if self.process.is_none() {
            return Err(missing(":process"));
        }
        if !self.extra.is_empty() {
            refuse_duplicates(self.extra.iter().map(|(key, _)| key), self.start, "operation")?;
        }
        let op = Op {
            index: 0,
            time_ns: self.time_ns,
            process: self.process.expect("checked above"),
            kind,
            f: self.f,
            value: self.value,
            error: self.error,
            extra: self.extra,
        };
        Ok(Drafted { op, index: self.index })
    }
}

/// An operation as it was written; without an index it gets the next one where it is put.
pub(super) struct Drafted {
    /// Its index means nothing yet.
    pub(super) op: Op,
    pub(super) index: Option<u64>,
}

fn wrong(at: usize, field: &str, value: &Value) -> Fault {
    let text = format!("{} cannot be the {field} of an operation", excerpt(&value.to_string()));
    Fault::new(at, SyntaxProblem::NotAnOperation(text.into()))
}

/// An index; −1 is how Jepsen spells "not assigned yet".
fn index(value: &Value) -> Option<Option<u64>> {
    match value {
        Value::Nil | Value::Int(-1) => Some(None),
        Value::Int(number) => u64::try_from(*number).ok().map(Some),
        Value::BigInt(digits) => digits.parse().ok().map(Some),
        _ => None,
    }
}

/// A time in nanoseconds. It is for people only, so a fraction of one is rounded, not refused.
fn time(value: &Value) -> Option<i64> {
    match value {
        Value::Nil => Some(-1),
        Value::Int(number) => Some(*number),
        Value::BigInt(digits) => digits.parse().ok(),
        Value::Float(number) if number.abs() < 9e18 => Some(number.round() as i64),
        _ => None,
    }
}

fn kind(value: &Value) -> Option<Kind> {
    [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info]
        .into_iter()
        .find(|kind| value.name() == Some(kind.word()))
}

/// Clients are numbered; everything else is somebody else.
fn process(value: Value, at: usize) -> Read<Process> {
    match &value {
        Value::Int(number) => match u64::try_from(*number) {
            Ok(number) => Ok(Process::Client(number)),
            Err(_) => Err(wrong(at, ":process", &value)),
        },
        Value::BigInt(digits) => match digits.parse() {
            Ok(number) => Ok(Process::Client(number)),
            Err(_) => Err(wrong(at, ":process", &value)),
        },
        _ => Ok(Process::Other(value)),
    }
}
