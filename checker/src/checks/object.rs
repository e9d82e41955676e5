//! What happened to one object, in the form in which checkers take it.

use crate::history::{History, KeyHistory, KeyOperation, OpRef, Operation, Outcome};
use crate::model::Call;
use crate::value::Value;

/// One operation on the object.
#[derive(Clone, Debug)]
pub(crate) struct Recorded<'h> {
    history: &'h History,
    pub(crate) operation: Operation,
    /// What was done.
    f: &'h Value,
    /// See [`Call::key`].
    key: Option<&'h Value>,
    /// The value of the invocation, without the key.
    pub(crate) argument: &'h Value,
    /// The value of the completion, without the key; nil without one.
    pub(crate) result: &'h Value,
}

impl<'h> Recorded<'h> {
    /// An operation of a history whose values are not stripped of anything.
    pub(crate) fn whole(history: &'h History, operation: Operation) -> Recorded<'h> {
        let invocation = history.invocation(&operation);
        let (argument, key) = (invocation.value(), invocation.key_entry());
        let result = history.completion(&operation).map_or(&Value::Nil, |op| op.value());
        Recorded { history, operation, f: history.function(&operation), key, argument, result }
    }

    /// An operation of one key, its values stripped of the key.
    pub(crate) fn stripped(history: &'h History, one: KeyOperation<'h>) -> Recorded<'h> {
        let KeyOperation { operation, argument, result } = one;
        let (key, result) = (Some(&Value::Nil), result.unwrap_or(&Value::Nil));
        Recorded { history, operation, f: history.function(&operation), key, argument, result }
    }

    /// The index of its invocation.
    pub(crate) fn index(&self) -> u64 {
        self.history.ops().index(self.operation.invoke)
    }

    /// The event with which it began.
    pub(crate) fn invoke(&self) -> OpRef<'h> {
        self.history.invocation(&self.operation)
    }

    /// The event with which it ended, if it did.
    pub(crate) fn completion(&self) -> Option<OpRef<'h>> {
        self.history.completion(&self.operation)
    }

    /// What was done.
    pub(crate) fn f(&self) -> &'h Value {
        self.f
    }

    /// See [`Call::key`].
    pub(crate) fn key(&self) -> Option<&'h Value> {
        self.key
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.operation.outcome
    }

    /// As a model reads it.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            process: self.operation.process,
            f: self.f(),
            key: self.key,
            argument: self.argument,
            result: self.result,
            error: self.history.error(&self.operation),
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

/// Where an object comes from: it is put together only when it is judged, since all of them at
/// once would need more memory than the history.
pub(crate) enum Source<'h> {
    /// Everything there is.
    Whole(&'h History),
    /// What happened to one key.
    Key(&'h History, KeyHistory<'h>),
}

impl<'h> Source<'h> {
    /// How many operations there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Source::Whole(history) => history.operations().len(),
            Source::Key(_, key) => key.len(),
        }
    }

    /// The key, if objects are told apart.
    pub(crate) fn into_key(self) -> Option<Value> {
        match self {
            Source::Whole(_) => None,
            Source::Key(_, key) => Some(key.key),
        }
    }

    /// The object itself.
    pub(crate) fn object(&self) -> Object<'h> {
        match self {
            Source::Whole(history) => {
                let all = history.operations().iter();
                Object {
                    key: None,
                    operations: all.map(|one| Recorded::whole(history, one)).collect(),
                }
            }
            Source::Key(history, key) => {
                let all = key.operations().map(|one| Recorded::stripped(history, one));
                Object { key: Some(key.key.clone()), operations: all.collect() }
            }
        }
    }
}
