//! A small case as the history that the product reads.

use checker::checks::{CheckOptions, CheckerSpec};
use checker::history::Independent;
use checker::model::{FailedCas, ModelName, ModelOptions, NilReads};
use checker::op::{Kind, Op, Process};
use checker::{History, Value};

use super::exhaustive::{Ask, Case, Cause, End, Nil, SmallOp};

/// The history of a case.
pub(crate) fn history(case: &Case) -> History {
    let events = events(case).into_iter().map(|(_, op)| op).collect();
    History::from_ops(events).expect("the simulation pairs its events")
}

/// Its events in order, each with its moment.
pub(crate) fn events(case: &Case) -> Vec<(u32, Op)> {
    let mut events: Vec<(u32, Op)> = Vec::new();
    for op in &case.ops {
        events.push((op.begin, event(op, op.begin, Kind::Invoke)));
        if let Some((moment, end)) = op.end {
            let kind = match end {
                End::Ok => Kind::Ok,
                End::Fail => Kind::Fail,
                End::Info => Kind::Info,
            };
            events.push((moment, event(op, moment, kind)));
        }
    }
    events.sort_by_key(|(moment, _)| *moment);
    events.iter_mut().zip(0..).for_each(|((_, op), index)| op.index = index);
    events
}

fn event(op: &SmallOp, moment: u32, kind: Kind) -> Op {
    let number = |value: Option<i64>| value.map_or(Value::Nil, Value::Int);
    let (f, value) = match op.ask {
        Ask::Read if kind == Kind::Ok => ("read", number(op.read)),
        Ask::Read => ("read", Value::Nil),
        Ask::Write(value) => ("write", Value::Int(value)),
        Ask::Cas(old, new) => ("cas", Value::Vector(vec![Value::Int(old), Value::Int(new)])),
    };
    let error = match op.cause {
        Cause::None => None,
        Cause::Mismatch => Some(Value::keyword("mismatch")),
        Cause::Refused => Some(Value::keyword("connection-refused")),
    };
    Op {
        index: 0,
        time_ns: i64::from(moment) * 1_000_000,
        process: Process::Client(op.process),
        kind,
        f: Value::keyword(f),
        value,
        error: error.filter(|_| kind != Kind::Invoke),
        extra: Vec::new(),
    }
}

/// The options under which a case is judged.
pub(crate) fn options(case: &Case) -> CheckOptions {
    let readings = ModelOptions {
        init: case.init.map(Value::Int),
        nil_reads: match case.nil {
            Nil::Auto => NilReads::Auto,
            Nil::Value => NilReads::Value,
            Nil::Unknown => NilReads::Unknown,
        },
        failed_cas: match case.observe_failed_cas {
            true => FailedCas::Observe,
            false => FailedCas::Drop,
        },
    };
    let cas = case.ops.iter().any(|op| matches!(op.ask, Ask::Cas(..)));
    let model = if cas { ModelName::CasRegister } else { ModelName::Register };
    CheckOptions {
        spec: CheckerSpec::Linearizable { model, options: readings },
        independent: Independent::No,
        ..CheckOptions::default()
    }
}
