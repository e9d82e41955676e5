//! Operations, in the words of the field: a process invokes, and later completes with `ok` (it
//! took effect), `fail` (it certainly did not) or `info` (nobody knows, now or later).

use crate::value::Value;

/// Who did it.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// A logically single-threaded client. After an `info` it retires for good; its successor is
    /// `old + number of workers`.
    Client(u64),
    /// Anything that is not an integer: almost always `:nemesis`.
    Other(Value),
}

impl Process {
    /// The process that injects faults.
    pub fn nemesis() -> Process {
        Process::Other(Value::keyword("nemesis"))
    }
}

/// What kind of event an [`Op`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The operation begins; nothing has happened yet.
    Invoke,
    /// It took effect.
    Ok,
    /// It certainly did not.
    Fail,
    /// It may have, it may not, and it may still do so at any later time.
    Info,
}

impl Kind {
    /// The word used in every format: `invoke`, `ok`, `fail`, `info`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        }
    }
}

/// One event of a history: an invocation or a completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// Position in the history as recorded; dense in our own histories, sparse in filtered ones.
    pub index: u64,
    /// Monotonic nanoseconds since the start of the test, for people; −1 when unknown. Order comes
    /// from the position in the history alone.
    pub time_ns: i64,
    /// Who.
    pub process: Process,
    /// Which event of the operation.
    pub kind: Kind,
    /// What was done, usually a keyword: `:read`, `:write`, `:cas`.
    pub f: Value,
    /// Its argument (invocation) or result (completion); in a history of independent keys the
    /// pair `[key value]`.
    pub value: Value,
    /// Why it failed or is unknown.
    pub error: Option<Value>,
    /// All other entries of the operation, kept in order and written back.
    pub extra: Vec<(Value, Value)>,
}
