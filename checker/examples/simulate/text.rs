//! An event as a line of a history.

use std::io::{self, Write};

use super::{Ask, Shape};

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        }
    }
}

pub(super) struct Event {
    pub(super) number: u64,
    pub(super) process: u64,
    pub(super) kind: Kind,
    /// `None`: the history is about one object.
    pub(super) key: Option<usize>,
    pub(super) ask: Ask,
    pub(super) read: Option<i64>,
}

/// How the two notations differ.
struct Notation {
    nil: &'static str,
    gap: &'static str,
}

const EDN: Notation = Notation { nil: "nil", gap: " " };
const JSON: Notation = Notation { nil: "null", gap: "," };

impl Event {
    pub(super) fn write(&self, shape: &Shape, out: &mut impl Write) -> io::Result<()> {
        let Event { number, process, .. } = *self;
        let (kind, time) = (self.kind.word(), number * shape.event_ns);
        let f = match self.ask {
            Ask::Read => "read",
            Ask::Write(_) => "write",
            Ask::Cas(..) => "cas",
        };
        if shape.jsonl {
            write!(out, "{{\"index\":{number},\"time\":{time},\"type\":\"{kind}\"")?;
            write!(out, ",\"process\":{process},\"f\":\"{f}\",\"value\":")?;
        } else {
            write!(out, "{{:index {number}, :time {time}, :type :{kind}")?;
            write!(out, ", :process {process}, :f :{f}, :value ")?;
        }
        self.value(if shape.jsonl { &JSON } else { &EDN }, out)?;
        out.write_all(b"}\n")
    }

    fn value(&self, notation: &Notation, out: &mut impl Write) -> io::Result<()> {
        let gap = notation.gap;
        if let Some(key) = self.key {
            write!(out, "[{key}{gap}")?;
        }
        match (self.ask, self.read) {
            (Ask::Read, None) => out.write_all(notation.nil.as_bytes())?,
            (Ask::Read, Some(value)) | (Ask::Write(value), _) => write!(out, "{value}")?,
            (Ask::Cas(old, new), _) => write!(out, "[{old}{gap}{new}]")?,
        }
        out.write_all(if self.key.is_some() { b"]" } else { b"" })
    }
}
