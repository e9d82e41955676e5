//! Keys with values: get, put, append, cas and delete; one key of it is a register with append.
//!
//! A key that is missing reads as `nil` or as the empty string. Appending makes a new value of
//! every order of appends, most of which nobody ever reads; so a string that is no prefix of
//! anything that was read is forgotten and held as *unread*. That changes no verdict: whatever
//! happens to such a string, no get is legal before the next put, whichever string it is. It needs
//! to know all that was read, so strings of a history that still grows are kept as they are.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::{Call, Class, Model, ModelOptions, Requires, Scope, ValueId, Values, keyed};
use crate::history::Outcome;
use crate::value::Value;
use crate::verdict::Reason;

/// The model `map`.
#[derive(Clone, Debug)]
pub struct Map {
    options: ModelOptions,
    keys: Arc<Values>,
    values: Arc<Values>,
    initial: Held,
    /// What there will be, where not everything is known yet.
    online: Option<Scope>,
    /// Every string that somebody read, or replaced.
    observed: Arc<BTreeSet<Arc<str>>>,
    /// Whether everything is about one key, however many there are.
    is_alone: bool,
}

/// What a key holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Held {
    /// Nothing.
    #[default]
    Nothing,
    /// A string.
    Text(Arc<str>),
    /// Anything else.
    Other(ValueId),
    /// A string that nobody read, nor anything that begins with it.
    Unread,
}

/// What can happen to a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MapTransition {
    key: ValueId,
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Change {
    Get(Held),
    Put(Held),
    Append(Arc<str>),
    Cas(Held, Held),
}

impl Map {
    /// A map whose keys hold at first what the options say, or nothing.
    pub fn new(options: &ModelOptions) -> Map {
        let mut values = Values::default();
        let initial = held(&mut values, options.init.as_ref().unwrap_or(&Value::Nil));
        Map {
            options: options.clone(),
            keys: Arc::default(),
            values: Arc::new(values),
            initial,
            online: None,
            observed: Arc::default(),
            is_alone: false,
        }
    }

    fn hold(&mut self, value: &Value) -> Held {
        held(Arc::make_mut(&mut self.values), value)
    }

    fn observe(&mut self, value: &Value) -> Held {
        let held = self.hold(value);
        if let Held::Text(text) = &held
            && self.online.is_none()
        {
            Arc::make_mut(&mut self.observed).insert(text.clone());
        }
        held
    }

    fn change(
        &mut self,
        call: &Call<'_>,
        argument: &Value,
        result: &Value,
    ) -> Result<Option<Change>, Reason> {
        Ok(match (call.f.name(), call.outcome) {
            (Some("get" | "read"), Outcome::Ok) => {
                let says_nothing = result.is_nil() && self.options.nil_is_unknown();
                (!says_nothing).then(|| Change::Get(self.observe(result)))
            }
            (
                Some("get" | "read" | "put" | "write" | "append" | "cas" | "delete"),
                Outcome::Fail,
            )
            | (Some("get" | "read"), Outcome::Info) => None,
            (Some("put" | "write"), _) => Some(Change::Put(self.hold(argument))),
            (Some("delete"), _) => Some(Change::Put(Held::Nothing)),
            (Some("append"), _) => match argument {
                Value::Str(text) => Some(Change::Append(text.clone())),
                other => {
                    return Err(Reason::BadValue(format!("append needs a string, got {other}")));
                }
            },
            (Some("cas"), _) => match argument.items() {
                Some([old, new]) => Some(Change::Cas(self.observe(old), self.hold(new))),
                _ => {
                    let text = format!("cas needs [expected new], got {argument}");
                    return Err(Reason::BadValue(text));
                }
            },
            _ => return Err(Reason::UnknownFunction(call.f.to_string())),
        })
    }

    fn appended(&self, held: &Held, text: &Arc<str>) -> Option<Held> {
        let whole: Arc<str> = match held {
            _ if text.is_empty() && !matches!(held, Held::Other(_)) => return Some(held.clone()),
            Held::Nothing => text.clone(),
            Held::Text(before) => format!("{before}{text}").into(),
            Held::Other(_) => return None,
            Held::Unread => return Some(Held::Unread),
        };
        if self.online.is_some() {
            return Some(Held::Text(whole));
        }
        let behind = (Bound::Included(whole.as_ref()), Bound::Unbounded);
        let next = self.observed.range::<str, _>(behind).next();
        let may_be_read = next.is_some_and(|observed| observed.starts_with(whole.as_ref()));
        Some(if may_be_read { Held::Text(whole) } else { Held::Unread })
    }

    /// Whether everything is about one key, so that a put leaves nothing of the state before.
    fn has_one_key(&self) -> bool {
        self.is_alone || self.online.map_or(self.keys.len() == 1, |scope| scope == Scope::OneKey)
    }

    fn get<'s>(&'s self, state: &'s [(ValueId, Held)], key: ValueId) -> &'s Held {
        keyed::get(state, key).unwrap_or(&self.initial)
    }

    fn with(&self, state: &[(ValueId, Held)], key: ValueId, held: Held) -> Vec<(ValueId, Held)> {
        let mut state = state.to_vec();
        keyed::set(&mut state, key, held, &self.initial);
        state
    }

    fn value(&self, held: &Held) -> Value {
        match held {
            Held::Nothing => Value::Nil,
            Held::Text(text) => Value::Str(text.clone()),
            Held::Other(id) => self.values.value(*id).clone(),
            Held::Unread => Value::keyword("a-string-that-nobody-read"),
        }
    }
}

impl Held {
    fn id_mut(&mut self) -> Option<&mut ValueId> {
        match self {
            Held::Other(id) => Some(id),
            Held::Nothing | Held::Text(_) | Held::Unread => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Held::Text(text) => text.len(),
            Held::Nothing | Held::Other(_) | Held::Unread => 0,
        }
    }
}

fn held(values: &mut Values, value: &Value) -> Held {
    match value {
        Value::Nil => Held::Nothing,
        Value::Str(text) if text.is_empty() => Held::Nothing,
        Value::Str(text) => Held::Text(text.clone()),
        other => Held::Other(values.intern(other)),
    }
}

/// A value without its key.
fn second(pair: &Value) -> Result<&Value, Reason> {
    match pair.items() {
        Some([_, value]) => Ok(value),
        _ => Err(Reason::BadValue(format!("{pair} is no pair of a key and a value"))),
    }
}

impl Model for Map {
    /// What keys hold, by key; without those that hold what they held at first.
    type State = Vec<(ValueId, Held)>;
    type Transition = MapTransition;

    fn initial(&self) -> Vec<(ValueId, Held)> {
        Vec::new()
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<MapTransition>, Reason> {
        let (key, argument, result) = match (call.key, call.argument.items(), call.outcome) {
            (Some(key), ..) => (key, call.argument, call.result),
            (None, Some([key, argument]), Outcome::Ok) => (key, argument, second(call.result)?),
            (None, Some([key, argument]), _) => (key, argument, &Value::Nil),
            (None, ..) => return Err(second(call.argument).err().unwrap_or(Reason::Empty)),
        };
        let key = Arc::make_mut(&mut self.keys).intern(key);
        Ok(self.change(call, argument, result)?.map(|change| MapTransition { key, change }))
    }

    fn step(
        &self,
        state: &Vec<(ValueId, Held)>,
        transition: &MapTransition,
    ) -> Option<Vec<(ValueId, Held)>> {
        let holds = self.get(state, transition.key);
        let becomes = match &transition.change {
            Change::Get(seen) => return (holds == seen).then(|| state.clone()),
            Change::Put(new) => new.clone(),
            Change::Append(text) => self.appended(holds, text)?,
            Change::Cas(old, new) if holds == old => new.clone(),
            Change::Cas(..) => return None,
        };
        Some(self.with(state, transition.key, becomes))
    }

    fn class(&self, transition: &MapTransition) -> Class {
        match &transition.change {
            Change::Get(_) => Class::Observer,
            Change::Cas(old, new) if old == new => Class::Observer,
            Change::Append(text) if text.is_empty() => Class::Observer,
            Change::Put(_) if self.has_one_key() => Class::BlindWrite,
            Change::Put(_) | Change::Append(_) | Change::Cas(..) => Class::Conditional,
        }
    }

    fn requires(&self, transition: &MapTransition) -> Requires<Vec<(ValueId, Held)>> {
        match &transition.change {
            Change::Put(_) => Requires::Anything,
            Change::Get(held) | Change::Cas(held, _) if self.has_one_key() => {
                Requires::Exactly(self.with(&[], transition.key, held.clone()))
            }
            Change::Get(_) | Change::Append(_) | Change::Cas(..) => Requires::Some,
        }
    }

    fn produces(&self, transition: &MapTransition) -> Option<Vec<(ValueId, Held)>> {
        match &transition.change {
            Change::Cas(old, new) if old == new => None,
            Change::Put(new) | Change::Cas(_, new) if self.has_one_key() => {
                Some(self.with(&[], transition.key, new.clone()))
            }
            _ => None,
        }
    }

    fn describe(&self, state: &Vec<(ValueId, Held)>) -> Value {
        if self.has_one_key() {
            return self.value(state.first().map_or(&self.initial, |(_, held)| held));
        }
        let entry =
            |(key, held): &(ValueId, Held)| (self.keys.value(*key).clone(), self.value(held));
        Value::Map(state.iter().map(entry).collect())
    }

    fn refusal(&self, state: &Vec<(ValueId, Held)>, transition: &MapTransition) -> String {
        let holds = self.value(self.get(state, transition.key));
        match &transition.change {
            Change::Get(seen) => format!("got {}, but the key holds {holds}", self.value(seen)),
            Change::Cas(old, _) => {
                format!("cas expected {}, but the key holds {holds}", self.value(old))
            }
            Change::Append(text) => format!("appended {text:?}, but the key holds {holds}"),
            Change::Put(_) => "a put is always legal".to_owned(),
        }
    }

    fn part(&self, transition: &MapTransition) -> Option<u64> {
        Some(transition.key.0.into())
    }

    fn alone(&self, _: u64) -> Option<Map> {
        Some(Map { is_alone: true, ..self.clone() })
    }

    fn assumptions(&self) -> Vec<String> {
        let initial = match &self.initial {
            Held::Nothing => "every key is missing at first, and reads as nil or \"\"".to_owned(),
            held => format!("every key holds {} at first", self.value(held)),
        };
        vec![initial, "a failed cas says only that it did not happen".to_owned()]
    }

    fn go_online(&mut self, scope: Scope) -> Result<(), Reason> {
        self.online = Some(scope);
        Ok(())
    }

    fn forget(&mut self, states: &mut [Vec<(ValueId, Held)>], transitions: &mut [MapTransition]) {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        values.extend(self.initial.id_mut());
        for (key, held) in states.iter_mut().flatten() {
            keys.push(key);
            values.extend(held.id_mut());
        }
        for MapTransition { key, change } in transitions {
            keys.push(key);
            match change {
                Change::Get(held) | Change::Put(held) => values.extend(held.id_mut()),
                Change::Cas(old, new) => {
                    values.extend(old.id_mut().into_iter().chain(new.id_mut()))
                }
                Change::Append(_) => {}
            }
        }
        Arc::make_mut(&mut self.keys).retain(keys);
        Arc::make_mut(&mut self.values).retain(values);
    }

    fn footprint(&self, state: &Vec<(ValueId, Held)>) -> usize {
        let texts: usize = state.iter().map(|(_, held)| held.bytes()).sum();
        size_of_val(state) + size_of_val(state.as_slice()) + texts
    }
}
