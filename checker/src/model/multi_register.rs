//! Several registers that are read and written together, in transactions that happen at once:
//! Knossos' `multi-register`.
//!
//! A transaction is a list of `[:r key value]` and `[:w key value]` (or `:read`, `:write`), done in
//! this order. Of it remains what it found before it wrote anything, and what it left behind; two
//! transactions in which these are the same are the same transition.

use super::keyed::{self, Keyed};
use super::{Call, Class, Model, ModelOptions, Requires, Scope, ValueId, Values};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `multi-register`.
#[derive(Clone, Debug)]
pub struct MultiRegister {
    keys: Values,
    values: Values,
    /// Of each key that occurs, what it holds at first.
    initial: Vec<ValueId>,
    init: Result<Vec<(Value, Value)>, String>,
    /// Further keys may turn up.
    online: Option<Scope>,
}

/// A transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// What keys held before it.
    finds: Keyed<ValueId>,
    /// What the keys that it wrote hold after it.
    leaves: Keyed<ValueId>,
    /// A read of a key that saw the first of two values, where the second was there for it.
    contradiction: Option<(ValueId, ValueId, ValueId)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Read,
    Write,
}

/// One operation of a transaction: what it does, to which key, and with which value.
type MicroOperation<'v> = (Deed, &'v Value, &'v Value);

fn micro_operations(value: &Value) -> Result<Vec<MicroOperation<'_>>, Reason> {
    let wrong = |what: &Value| {
        Reason::BadValue(format!("{what} is none of [:r key value] and [:w key value]"))
    };
    let one = |item| match Value::items(item) {
        Some([deed, key, value]) => match deed.name() {
            Some("r" | "read") => Ok((Deed::Read, key, value)),
            Some("w" | "write") => Ok((Deed::Write, key, value)),
            _ => Err(wrong(item)),
        },
        _ => Err(wrong(item)),
    };
    match value.items() {
        Some(items) => items.iter().map(one).collect(),
        None => Err(Reason::BadValue(format!("a transaction must be a list, got {value}"))),
    }
}

impl MultiRegister {
    /// Registers that hold at first what the map of the options says, the others nil.
    pub fn new(options: &ModelOptions) -> MultiRegister {
        let init = match &options.init {
            None | Some(Value::Nil) => Ok(Vec::new()),
            Some(Value::Map(entries)) => Ok(entries.clone()),
            Some(other) => Err(format!("a multi-register starts with a map, not with {other}")),
        };
        let (keys, values, initial) = (Values::default(), Values::default(), Vec::new());
        MultiRegister { keys, values, initial, init, online: None }
    }

    /// What is wrong with the initial value.
    pub(super) fn problem(&self) -> Option<&String> {
        self.init.as_ref().err()
    }

    fn key(&mut self, key: &Value) -> ValueId {
        let id = self.keys.intern(key);
        if self.keys.len() > self.initial.len() {
            let key = key.canonical();
            let given = self.init.as_ref().map(Vec::as_slice).unwrap_or_default();
            let held = given.iter().find(|(other, _)| other.canonical() == key);
            let held = held.map_or(Value::Nil, |(_, held)| held.clone());
            self.initial.push(self.values.intern(&held));
        }
        id
    }

    fn initially(&self, key: ValueId) -> &ValueId {
        &self.initial[key.0 as usize]
    }

    fn holds(&self, state: &[(ValueId, ValueId)], key: ValueId) -> ValueId {
        *keyed::get(state, key).unwrap_or(self.initially(key))
    }

    /// What an operation of a transaction adds to it; `reads` if what it read is known.
    fn add(&mut self, done: &mut Transaction, (deed, key, value): MicroOperation<'_>, reads: bool) {
        let (key, value) = (self.key(key), self.values.intern(value));
        match deed {
            Deed::Write => insert(&mut done.leaves, key, value),
            Deed::Read if !reads => {}
            Deed::Read => {
                let own = keyed::get(&done.leaves, key).or_else(|| keyed::get(&done.finds, key));
                match own {
                    None => insert(&mut done.finds, key, value),
                    Some(own) if *own == value => {}
                    Some(own) => {
                        done.contradiction.get_or_insert((key, value, *own));
                    }
                }
            }
        }
    }

    /// Whether a transaction says of every key what it holds.
    fn covers_all(&self, of: impl Iterator<Item = ValueId>) -> bool {
        let mut keys: Vec<ValueId> = of.collect();
        keys.sort_unstable();
        keys.dedup();
        self.online.is_none() && keys.len() == self.keys.len()
    }

    fn state(&self, entries: impl Iterator<Item = (ValueId, ValueId)>) -> Keyed<ValueId> {
        let mut state = Keyed::new();
        for (key, value) in entries {
            keyed::set(&mut state, key, value, self.initially(key));
        }
        state
    }

    /// Where it is legal, it leaves everything as it is.
    fn changes_nothing(transaction: &Transaction) -> bool {
        let found =
            |(key, value): &(ValueId, ValueId)| keyed::get(&transaction.finds, *key) == Some(value);
        transaction.leaves.iter().all(found) || transaction.contradiction.is_some()
    }
}

/// Lets a key stand for a value, whatever it stood for.
fn insert(entries: &mut Keyed<ValueId>, key: ValueId, value: ValueId) {
    match entries.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(at) => entries[at].1 = value,
        Err(at) => entries.insert(at, (key, value)),
    }
}

/// The operations of a transaction with what they read.
fn done<'c>(call: &Call<'c>) -> Result<Vec<MicroOperation<'c>>, Reason> {
    let asked = micro_operations(call.argument)?;
    if call.outcome != Outcome::Ok {
        return Ok(asked);
    }
    let done = micro_operations(call.result)?;
    let same = asked.len() == done.len()
        && asked.iter().zip(&done).all(|((deed, key, value), (did, of, with))| {
            let writes_it = *deed == Deed::Read || value.canonical() == with.canonical();
            deed == did && key.canonical() == of.canonical() && writes_it
        });
    match same {
        true => Ok(done),
        false => {
            let text = format!("asked for {}, but completed {}", call.argument, call.result);
            Err(Reason::BadValue(text))
        }
    }
}

impl Model for MultiRegister {
    /// What keys hold, by key; without those that hold what they held at first.
    type State = Vec<(ValueId, ValueId)>;
    type Transition = Transaction;

    fn initial(&self) -> Vec<(ValueId, ValueId)> {
        Vec::new()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Transaction>, Reason> {
        self.init.as_ref().map_err(|why| Reason::BadValue(why.clone()))?;
        match (call.f.name(), call.outcome) {
            (Some("txn"), Outcome::Fail) => return Ok(None),
            (Some("txn"), _) => {}
            _ => return Err(Reason::UnknownFunction(call.f.to_string())),
        }
        let mut transaction = Transaction::default();
        for one in done(call)? {
            self.add(&mut transaction, one, call.outcome == Outcome::Ok);
        }
        Ok((transaction != Transaction::default()).then_some(transaction))
    }

    fn step(
        &self,
        state: &Vec<(ValueId, ValueId)>,
        transition: &Transaction,
    ) -> Option<Vec<(ValueId, ValueId)>> {
        let fits = |(key, value): &(ValueId, ValueId)| self.holds(state, *key) == *value;
        if transition.contradiction.is_some() || !transition.finds.iter().all(fits) {
            return None;
        }
        let mut after = state.clone();
        for (key, value) in &transition.leaves {
            keyed::set(&mut after, *key, *value, self.initially(*key));
        }
        Some(after)
    }

    fn class(&self, transition: &Transaction) -> Class {
        let writes = || transition.leaves.iter().map(|(key, _)| *key);
        match () {
            () if MultiRegister::changes_nothing(transition) => Class::Observer,
            () if transition.finds.is_empty() && self.covers_all(writes()) => Class::BlindWrite,
            () => Class::Conditional,
        }
    }

    fn requires(&self, transition: &Transaction) -> Requires<Vec<(ValueId, ValueId)>> {
        let Transaction { finds, contradiction, .. } = transition;
        match () {
            () if contradiction.is_some() => Requires::Some,
            () if finds.is_empty() => Requires::Anything,
            () if self.covers_all(finds.iter().map(|(key, _)| *key)) => {
                Requires::Exactly(self.state(finds.iter().copied()))
            }
            () => Requires::Some,
        }
    }

    fn produces(&self, transition: &Transaction) -> Option<Vec<(ValueId, ValueId)>> {
        let Transaction { finds, leaves, .. } = transition;
        let known = || finds.iter().chain(leaves).copied();
        let always_the_same = self.covers_all(known().map(|(key, _)| key));
        let changes = !MultiRegister::changes_nothing(transition);
        (changes && always_the_same).then(|| self.state(known()))
    }

    fn describe(&self, state: &Vec<(ValueId, ValueId)>) -> Value {
        let entry = |number: u32| {
            let key = ValueId(number);
            (self.keys.value(key).clone(), self.values.value(self.holds(state, key)).clone())
        };
        Value::Map((0..).take(self.keys.len()).map(entry).collect())
    }

    fn refusal(&self, state: &Vec<(ValueId, ValueId)>, transition: &Transaction) -> String {
        let (key, value) = (|key| self.keys.value(key), |value| self.values.value(value));
        if let Some((of, seen, own)) = transition.contradiction {
            let (of, seen, own) = (key(of), value(seen), value(own));
            return format!("read {seen} from key {of}, where it had seen or written {own} itself");
        }
        let wrong = transition.finds.iter().find(|(key, seen)| self.holds(state, *key) != *seen);
        match wrong {
            Some((of, seen)) => {
                let holds = value(self.holds(state, *of));
                format!("read {} from key {}, but it holds {holds}", value(*seen), key(*of))
            }
            None => "a write is always legal".to_owned(),
        }
    }

    /// The key, of a transaction with one.
    fn part(&self, transition: &Transaction) -> Option<u64> {
        let Transaction { finds, leaves, contradiction } = transition;
        let of = contradiction.map(|(key, ..)| key);
        let mut keys = finds.iter().chain(leaves).map(|(key, _)| *key).chain(of);
        let first = keys.next()?;
        keys.all(|key| key == first).then_some(u64::from(first.0))
    }

    fn shows_effect(&self, transition: &Transaction) -> bool {
        transition.finds.iter().any(|(key, value)| value != self.initially(*key))
    }

    fn assumptions(&self) -> Vec<String> {
        let given = self.init.as_ref().map(Vec::as_slice).unwrap_or_default();
        let initial = match given {
            [] => "every key holds nil at first".to_owned(),
            given => format!("the keys hold {} at first, others nil", Value::Map(given.to_vec())),
        };
        vec![initial, "a transaction happens at once or not at all".to_owned()]
    }

    fn go_online(&mut self, scope: Scope) -> Result<(), Reason> {
        self.online = Some(scope);
        Ok(())
    }

    /// Values only: there are as many keys as there are.
    fn forget(&mut self, states: &mut [Vec<(ValueId, ValueId)>], transitions: &mut [Transaction]) {
        let mut names: Vec<&mut ValueId> = self.initial.iter_mut().collect();
        names.extend(states.iter_mut().flatten().map(|(_, value)| value));
        for Transaction { finds, leaves, contradiction } in transitions {
            names.extend(finds.iter_mut().chain(leaves).map(|(_, value)| value));
            names.extend(contradiction.iter_mut().flat_map(|(_, seen, own)| [seen, own]));
        }
        self.values.retain(names);
    }

    fn footprint(&self, state: &Vec<(ValueId, ValueId)>) -> usize {
        size_of_val(state) + size_of_val(state.as_slice())
    }
}
