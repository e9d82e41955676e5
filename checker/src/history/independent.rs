//! Independent keys: one history over many objects, which are judged one by one.
//!
//! Jepsen marks such operations by wrapping their value: `[key value]`. Printed as EDN, that looks
//! like any vector of two, and the compare-and-set `[old new]` looks the same. Splitting a history
//! of one register by its old values would be nonsense with a confident verdict, so keys are only
//! inferred where nothing else is possible: every invocation of a client has a vector of two whose
//! first element is not nil, what is acknowledged has the same key again, and reads are invoked
//! with `[key nil]` — in a history of a single object they are invoked with nothing.
//!
//! Other recorders write a `:key` entry; when all operations have one, it is the key. Both are
//! lossless and borrow from the history.

use rustc_hash::FxHashMap;
use thiserror::Error;

use super::{History, Operation};
use crate::op::{Kind, Op};
use crate::value::Value;

/// Whether a history is one of independent keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Independent {
    /// Where nothing else is possible, see the module.
    #[default]
    Auto,
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// What happened to one key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyHistory<'h> {
    /// The key.
    pub key: Value,
    /// The operations on it, in the order of their invocations.
    pub operations: Vec<KeyOperation<'h>>,
}

/// An operation, seen without its key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyOperation<'h> {
    /// The operation in the history.
    pub operation: Operation,
    /// What it was invoked with.
    pub argument: &'h Value,
    /// What it completed with; `None` when it never did.
    pub result: Option<&'h Value>,
}

/// A history was said to be one of independent keys and is not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("op {index} has no key: neither is its value a vector [key value] nor has it a :key")]
pub struct NoKey {
    /// The index of the operation's invocation or completion.
    pub index: u64,
}

/// Splits a history by its keys, in the order of their first operations; `None` if it is not one
/// of independent keys. O(n).
///
/// # Errors
///
/// When it was said to be one ([`Independent::Yes`]), and an operation has no key.
pub fn split(history: &History, how: Independent) -> Result<Option<Vec<KeyHistory<'_>>>, NoKey> {
    if how == Independent::No || history.operations().is_empty() {
        return Ok(None);
    }
    if has_key_entries(history) {
        return by_key(history, Keying::Entry).map(Some);
    }
    match how {
        Independent::Yes => by_key(history, Keying::Tuple).map(Some),
        _ if reads_name_their_key(history) => Ok(by_key(history, Keying::Tuple).ok()),
        _ => Ok(None),
    }
}

/// Whether every operation has an entry `:key`, which then is its key.
pub fn has_key_entries(history: &History) -> bool {
    history.operations().iter().all(|each| entry(history.invocation(each)).is_some())
}

/// Where the keys are.
#[derive(Clone, Copy)]
enum Keying {
    /// In an entry `:key` beside the value.
    Entry,
    /// In the value, `[key value]`.
    Tuple,
}

fn entry(op: &Op) -> Option<&Value> {
    let named = |key: &Value| matches!(key, Value::Keyword(name) if **name == *"key");
    op.extra.iter().find_map(|(key, value)| named(key).then_some(value))
}

fn tuple(op: &Op) -> Option<(&Value, &Value)> {
    match &op.value {
        Value::Vector(items) => match items.as_slice() {
            [key, value] if !key.is_nil() => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether there are reads, and all are invoked with `[key nil]`.
fn reads_name_their_key(history: &History) -> bool {
    let mut reads = history
        .operations()
        .iter()
        .map(|each| history.invocation(each))
        .filter(|op| matches!(op.f.name(), Some("read" | "r" | "get")))
        .peekable();
    reads.peek().is_some()
        && reads.all(|op| tuple(op).is_some_and(|(_, argument)| argument.is_nil()))
}

fn by_key(history: &History, keying: Keying) -> Result<Vec<KeyHistory<'_>>, NoKey> {
    let mut numbers: FxHashMap<Value, usize> = FxHashMap::default();
    let mut keys: Vec<KeyHistory<'_>> = Vec::new();
    for operation in history.operations() {
        let invocation = history.invocation(operation);
        let keyed = match keying {
            Keying::Entry => entry(invocation).map(|key| (key, &invocation.value)),
            Keying::Tuple => tuple(invocation),
        };
        let (key, argument) = keyed.ok_or(NoKey { index: invocation.index })?;
        let result = match history.completion(operation) {
            Some(completion) => Some(result(completion, key, keying)?),
            None => None,
        };
        let number = *numbers.entry(key.canonical()).or_insert_with(|| {
            keys.push(KeyHistory { key: key.clone(), operations: Vec::new() });
            keys.len() - 1
        });
        keys[number].operations.push(KeyOperation { operation: *operation, argument, result });
    }
    Ok(keys)
}

/// What a completion says about `key`. One that failed or is unknown need not repeat the key:
/// clients put all sorts of things there, and it says nothing about the object.
fn result<'h>(completion: &'h Op, key: &Value, keying: Keying) -> Result<&'h Value, NoKey> {
    static NOTHING: Value = Value::Nil;
    let (same, value) = match keying {
        Keying::Entry => (entry(completion), &completion.value),
        Keying::Tuple => match tuple(completion) {
            Some((key, value)) => (Some(key), value),
            None if completion.kind == Kind::Ok => return Err(NoKey { index: completion.index }),
            None => return Ok(&NOTHING),
        },
    };
    match same {
        Some(same) if same != key && same.canonical() != key.canonical() => match completion.kind {
            Kind::Ok => Err(NoKey { index: completion.index }),
            _ => Ok(&NOTHING),
        },
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Format, read};

    fn history(text: &str) -> History {
        read(text.as_bytes(), Some(Format::Edn)).unwrap()
    }

    /// The keys with the arguments and results of their operations.
    fn keys(text: &str, how: Independent) -> Option<Vec<String>> {
        let describe = |key: &KeyHistory<'_>| {
            let operation = |each: &KeyOperation<'_>| match each.result {
                Some(result) => format!(" {}->{result}", each.argument),
                None => format!(" {}", each.argument),
            };
            key.key.to_string() + &key.operations.iter().map(operation).collect::<String>()
        };
        let history = history(text);
        split(&history, how).unwrap().map(|keys| keys.iter().map(describe).collect())
    }

    const KEYED: &str =
        "[[0 :invoke :write [:x 1]] [1 :invoke :read [:y nil]] [0 :ok :write [:x 1]]
                          [1 :ok :read [:y 2]] [1 :invoke :cas [:x [1 2]]] [1 :info :cas :timeout]
                          [:nemesis :info :start nil] [0 :invoke :read [:x nil]]]";

    const CAS: &str = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :cas [1 2]]
                        [0 :ok :cas [1 2]] [0 :invoke :read nil] [0 :ok :read 2]]";

    #[test]
    fn keyed_histories_are_split_in_the_order_of_first_operations() {
        let expected = vec![":x 1->1 [1 2]->nil nil".to_owned(), ":y nil->2".to_owned()];
        assert_eq!(keys(KEYED, Independent::Auto), Some(expected.clone()));
        assert_eq!(keys(KEYED, Independent::Yes), Some(expected));
        assert_eq!(keys(KEYED, Independent::No), None);
    }

    #[test]
    fn a_plain_compare_and_set_history_is_not_split() {
        assert_eq!(keys(CAS, Independent::Auto), None);
        let only_cas = "[[0 :invoke :cas [1 2]] [0 :ok :cas [1 2]]]";
        assert_eq!(keys(only_cas, Independent::Auto), None);
    }

    #[test]
    fn vectors_that_are_not_keyed_are_not_split() {
        let versioned = "[[0 :invoke :write [1 5]] [0 :ok :write [1 5]]
                          [0 :invoke :read [nil nil]] [0 :ok :read [1 5]]]";
        assert_eq!(keys(versioned, Independent::Auto), None);
        let other_key = "[[0 :invoke :read [1 nil]] [0 :ok :read [2 5]]]";
        assert_eq!(keys(other_key, Independent::Auto), None);
        let bare = "[[0 :invoke :read [1 nil]] [0 :ok :read 5]]";
        assert_eq!(keys(bare, Independent::Auto), None);
        assert_eq!(keys("[[:nemesis :info :start nil]]", Independent::Yes), None);
    }

    #[test]
    fn what_was_said_to_be_keyed_must_be() {
        let error = split(&history(CAS), Independent::Yes).unwrap_err();
        assert_eq!(error.index, 0);
    }

    #[test]
    fn keys_that_are_equal_are_one_key() {
        let text = "[[0 :invoke :read [1 nil]] [0 :ok :read [1N 3]] [0 :invoke :read [1N nil]]]";
        assert_eq!(keys(text, Independent::Auto).unwrap().len(), 1);
    }

    #[test]
    fn a_key_entry_is_the_key_and_the_value_stays_whole() {
        let text = "{:process 0, :type :invoke, :f :get, :key \"0\", :value nil}
                    {:process 1, :type :invoke, :f :put, :key \"1\", :value [1 2]}
                    {:process 0, :type :ok, :f :get, :key \"0\", :value \"x\"}
                    {:process 1, :type :ok, :f :put, :value [1 2]}";
        let expected = vec!["\"0\" nil->\"x\"".to_owned(), "\"1\" [1 2]->[1 2]".to_owned()];
        assert_eq!(keys(text, Independent::Auto), Some(expected));
        let partly =
            "{:process 0, :type :invoke, :f :get, :key 1}{:process 1, :type :invoke, :f :get}";
        assert_eq!(keys(partly, Independent::Auto), None);
    }
}
