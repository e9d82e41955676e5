//! What happened to one object, in the form in which checkers take it.

use crate::history::{History, KeyOperation, Operation, Outcome};
use crate::model::Call;
use crate::op::Op;
use crate::value::Value;

/// One operation on the object.
#[derive(Clone, Debug)]
pub(crate) struct Recorded<'h> {
    pub(crate) operation: Operation,
    pub(crate) invoke: &'h Op,
    pub(crate) completion: Option<&'h Op>,
    /// The value of the invocation, without the key.
    pub(crate) argument: &'h Value,
    /// The value of the completion, without the key; nil without one.
    pub(crate) result: &'h Value,
}

impl<'h> Recorded<'h> {
    /// An operation of a history whose values are not stripped of anything.
    pub(crate) fn whole(history: &'h History, operation: Operation) -> Recorded<'h> {
        let invoke = history.invocation(&operation);
        let completion = history.completion(&operation);
        Recorded {
            operation,
            invoke,
            completion,
            argument: &invoke.value,
            result: completion.map_or(&Value::Nil, |op| &op.value),
        }
    }

    /// An operation of one key, its values stripped of the key.
    pub(crate) fn stripped(history: &'h History, one: KeyOperation<'h>) -> Recorded<'h> {
        let operation = one.operation;
        Recorded {
            operation,
            invoke: history.invocation(&operation),
            completion: history.completion(&operation),
            argument: one.argument,
            result: one.result.unwrap_or(&Value::Nil),
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.operation.outcome
    }

    /// As a model reads it.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            process: self.operation.process,
            f: &self.invoke.f,
            argument: self.argument,
            result: self.result,
            error: self.completion.and_then(|op| op.error.as_ref()),
            outcome: self.outcome(),
        }
    }

    /// Position of the invocation in the history.
    pub(crate) fn invoked(&self) -> usize {
        self.operation.invoke
    }

    /// Position of the acknowledgement, if it was acknowledged.
    pub(crate) fn acknowledged(&self) -> Option<usize> {
        self.operation.completion.filter(|_| self.outcome() == Outcome::Ok)
    }

    /// Position of the last moment at which it can have taken effect or observed something:
    /// unbounded for an operation of which nobody knows.
    pub(crate) fn ended(&self) -> usize {
        match self.outcome() {
            Outcome::Ok | Outcome::Fail => self.operation.completion.unwrap_or(usize::MAX),
            Outcome::Info => usize::MAX,
        }
    }
}

/// One object, or all there was if objects are not told apart.
#[derive(Clone, Debug)]
pub(crate) struct Object<'h> {
    pub(crate) key: Option<Value>,
    /// In order of invocation.
    pub(crate) operations: Vec<Recorded<'h>>,
}
