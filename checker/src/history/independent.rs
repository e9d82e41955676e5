//! Independent keys: one history over many objects, which are judged one by one.
//!
//! Jepsen marks such operations by wrapping their value: `[key value]`. Printed as EDN, that looks
//! like any vector of two, and the compare-and-set `[old new]` looks the same. Splitting a history
//! of one register by its old values would be nonsense with a confident verdict, so keys are only
//! inferred where nothing else is possible: every invocation of a client has a vector of two whose
//! first element is not nil, what is acknowledged has the same key again, and whatever asks for
//! something (a read, a dequeue, a lock) is invoked with `[key nil]`, or `[key [nil nil]]` where it
//! asks for a version as well — in a history of a single object these are invoked with nothing.
//! Where all but the last holds, or nobody asks, both is possible ([`possible`]).
//!
//! Other recorders write a `:key` entry; when all operations have one, it is the key. Both are
//! lossless and borrow from the history.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use thiserror::Error;

use super::columns::{Columns, narrow};
use super::interner::Interned;
use super::{History, Operation};
use crate::cores;
use crate::op::Kind;
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

/// How many operations are touched before the first of them is read.
const TOGETHER: usize = 64;

/// What happened to one key.
#[derive(Clone, Debug)]
pub struct KeyHistory<'h> {
    /// The key.
    pub key: Value,
    history: &'h History,
    keying: Keying,
    /// Which operations, in the order of their invocations: four bytes each, for there may be as
    /// many keys' worth of them as fit into memory.
    numbers: Vec<u32>,
}

impl<'h> KeyHistory<'h> {
    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none; a history has no such keys.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The numbers of its operations among those of the history, growing.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = usize> + use<'_, 'h> {
        self.numbers.iter().map(|number| *number as usize)
    }

    /// The operations on the key, in the order of their invocations.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = KeyOperation<'h>> + use<'_, 'h> {
        let (history, keying) = (self.history, self.keying);
        let columns = &history.columns;
        self.numbers.iter().enumerate().map(move |(at, number)| {
            if at % TOGETHER == 0 {
                history.touch(&self.numbers[at..self.len().min(at + TOGETHER)]);
            }
            let operation = history.operations().at(*number as usize);
            let keyed = Keyed::invocation(columns, operation.invoke, keying);
            let keyed = keyed.expect("it was split by this key");
            let result = |at| keyed.result(columns, at, keying).expect("it was split by this key");
            KeyOperation {
                operation,
                argument: columns.values.get(keyed.value),
                result: operation.completion.map(|at| match result(at) {
                    Some(value) => columns.values.get(value),
                    None => &Value::Nil,
                }),
            }
        })
    }
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

/// Whether a history is one of independent keys: what was said, or what it can be, the likelier
/// first. O(n).
pub fn possible(history: &History, how: Independent) -> Vec<Independent> {
    match how {
        Independent::Yes | Independent::No => vec![how],
        Independent::Auto if history.operations().is_empty() => vec![Independent::No],
        Independent::Auto if has_key_entries(history) => vec![Independent::Yes],
        Independent::Auto if !are_keyed(history, Keying::Tuple) => vec![Independent::No],
        Independent::Auto if reads_name_their_key(history) => vec![Independent::Yes],
        Independent::Auto => vec![Independent::No, Independent::Yes],
    }
}

/// Whether every operation has an entry `:key`, which then is its key.
pub fn has_key_entries(history: &History) -> bool {
    let columns = &history.columns;
    history.operations().iter().all(|each| entry(columns, each.invoke).is_some())
}

/// Where the keys are.
#[derive(Clone, Copy, Debug)]
enum Keying {
    /// In an entry `:key` beside the value.
    Entry,
    /// In the value, `[key value]`.
    Tuple,
}

fn entry(columns: &Columns, at: usize) -> Option<&Value> {
    let named = |key: &Value| matches!(key, Value::Keyword(name) if **name == *"key");
    columns.extra(at).iter().find_map(|(key, value)| named(key).then_some(value))
}

fn tuple(columns: &Columns, at: usize) -> Option<[Interned; 2]> {
    let parts = columns.values.parts(columns.value(at))?;
    (!columns.values.get(parts[0]).is_nil()).then_some(parts)
}

/// Whether somebody asks for something, and all who do name a key and nothing else.
fn reads_name_their_key(history: &History) -> bool {
    let columns = &history.columns;
    let is_read = |f: &Value| {
        let asking = ["read", "r", "get", "dequeue", "pop", "acquire", "release"];
        f.name().is_some_and(|name| asking.contains(&name))
    };
    let is_nothing =
        |value: &Value| value.is_nil() || matches!(value.items(), Some([Value::Nil, Value::Nil]));
    let all = history.operations();
    let asks = |one: &Operation| is_read(history.function(one));
    let names = |one: &Operation| {
        let pair = tuple(columns, one.invoke);
        pair.is_some_and(|[_, value]| is_nothing(columns.values.get(value)))
    };
    all.iter().any(|one| asks(&one))
        && (0..all.len()).into_par_iter().with_min_len(cores::EACH).all(|number| {
            let one = all.at(number);
            !asks(&one) || names(&one)
        })
}

/// An invocation taken apart.
struct Keyed<'h> {
    key: &'h Value,
    /// Its number, where it has one.
    number: Option<Interned>,
    value: Interned,
}

impl<'h> Keyed<'h> {
    /// An operation whose completion agrees with its invocation.
    fn operation(history: &'h History, number: usize, keying: Keying) -> Result<Keyed<'h>, NoKey> {
        let (columns, operation) = (&history.columns, history.operations().at(number));
        let keyed = Keyed::invocation(columns, operation.invoke, keying)
            .ok_or_else(|| NoKey { index: columns.indices.get(operation.invoke) })?;
        if let Some(at) = operation.completion {
            keyed.result(columns, at, keying)?;
        }
        Ok(keyed)
    }

    fn invocation(columns: &'h Columns, at: usize, keying: Keying) -> Option<Keyed<'h>> {
        match keying {
            Keying::Entry => {
                Some(Keyed { key: entry(columns, at)?, number: None, value: columns.value(at) })
            }
            Keying::Tuple => {
                let [key, value] = tuple(columns, at)?;
                Some(Keyed { key: columns.values.get(key), number: Some(key), value })
            }
        }
    }

    /// What a completion says about the key. One that failed or is unknown need not repeat the
    /// key: clients put all sorts of things there, and it says nothing about the object.
    fn result(
        &self,
        columns: &Columns,
        at: usize,
        keying: Keying,
    ) -> Result<Option<Interned>, NoKey> {
        let no_key = || NoKey { index: columns.indices.get(at) };
        let (same, value) = match keying {
            Keying::Entry => {
                let same = entry(columns, at).is_none_or(|key| self.is(key));
                (same, columns.value(at))
            }
            Keying::Tuple => match tuple(columns, at) {
                Some([key, value]) => {
                    (self.number == Some(key) || self.is(columns.values.get(key)), value)
                }
                None if columns.kind(at) == Kind::Ok => return Err(no_key()),
                None => return Ok(None),
            },
        };
        match same {
            true => Ok(Some(value)),
            false if columns.kind(at) == Kind::Ok => Err(no_key()),
            false => Ok(None),
        }
    }

    fn is(&self, key: &Value) -> bool {
        self.key == key || self.key.canonical() == key.canonical()
    }
}

fn are_keyed(history: &History, keying: Keying) -> bool {
    let all = (0..history.operations().len()).into_par_iter().with_min_len(cores::EACH);
    all.all(|number| Keyed::operation(history, number, keying).is_ok())
}

/// Takes a history apart. The operations are looked at on all cores, some at a time: that is mostly
/// waiting for memory. Meanwhile those before them are put beside others of their keys.
fn by_key(history: &History, keying: Keying) -> Result<Vec<KeyHistory<'_>>, NoKey> {
    const SOME: usize = 1 << 16;
    let count = history.operations().len();
    let look_at = |from: usize| -> Vec<Result<Keyed<'_>, NoKey>> {
        let some = (from..count.min(from + SOME)).into_par_iter().with_min_len(cores::EACH);
        some.map(|number| Keyed::operation(history, number, keying)).collect()
    };
    let mut sorter = Sorter::new(history, keying);
    let mut some = look_at(0);
    while !some.is_empty() {
        let after = sorter.taken + some.len();
        let is_worth_it = some.len() > cores::EACH;
        let (next, sorted) = cores::both(is_worth_it, || look_at(after), || sorter.take(some));
        sorted?;
        some = next;
    }
    Ok(sorter.keys)
}

/// Puts operations to their keys, in order.
struct Sorter<'h> {
    history: &'h History,
    keying: Keying,
    keys: Vec<KeyHistory<'h>>,
    places: FxHashMap<Value, usize>,
    /// Most keys are recognised by their number, without a look at them.
    recognised: FxHashMap<Interned, usize>,
    /// How many operations were taken.
    taken: usize,
}

impl<'h> Sorter<'h> {
    fn new(history: &'h History, keying: Keying) -> Sorter<'h> {
        let (places, recognised) = (FxHashMap::default(), FxHashMap::default());
        Sorter { history, keying, keys: Vec::new(), places, recognised, taken: 0 }
    }

    fn take(&mut self, some: Vec<Result<Keyed<'h>, NoKey>>) -> Result<(), NoKey> {
        for keyed in some {
            let place = self.place(&keyed?);
            self.keys[place].numbers.push(narrow(self.taken));
            self.taken += 1;
        }
        Ok(())
    }

    fn place(&mut self, keyed: &Keyed<'h>) -> usize {
        let known = keyed.number.and_then(|number| self.recognised.get(&number));
        if let Some(place) = known {
            return *place;
        }
        let (history, keying, keys) = (self.history, self.keying, &mut self.keys);
        let place = *self.places.entry(keyed.key.canonical()).or_insert_with(|| {
            let key = keyed.key.clone();
            keys.push(KeyHistory { key, history, keying, numbers: Vec::new() });
            keys.len() - 1
        });
        self.recognised.extend(keyed.number.map(|number| (number, place)));
        place
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
            key.key.to_string() + &key.operations().map(|each| operation(&each)).collect::<String>()
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
