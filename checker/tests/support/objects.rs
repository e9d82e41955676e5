//! What every kind of object does, in as few words as possible, and what clients ask of it; the
//! ones with versions, transactions and accounts are in `records`.

use checker::Value;
use checker::model::{ModelName, ModelOptions};

use rand::RngExt;

use super::records;
use super::small::{Ask, Context, NOTHING, Object};

/// Objects of every kind that `small` can play.
pub(crate) fn all() -> Vec<Object> {
    let mut objects = vec![
        object(ModelName::FifoQueue, list([]), fifo_queue, enqueue_or_dequeue),
        object(ModelName::UnorderedQueue, list([]), unordered_queue, enqueue_or_dequeue),
        object(ModelName::Stack, list([]), stack, push_or_pop),
        object(ModelName::Mutex, Value::Int(1), semaphore, acquire_or_release),
        object(ModelName::OwnerMutex, list([Value::Nil, 0.into()]), owner_mutex, lock_or_unlock),
        object(ModelName::FencedMutex, list([Value::Nil, 0.into()]), fenced_mutex, lock_or_unlock),
        object(ModelName::MutableSet, list([]), mutable_set, change_or_ask),
        object(ModelName::Counter, Value::Int(0), counter, count_or_read),
        object(ModelName::FetchAndAdd, Value::Int(0), fetch_and_add, count_or_read),
        object(ModelName::AddAndFetch, Value::Int(0), add_and_fetch, count_or_read),
        object(ModelName::Log, list([]), log, append_or_read),
        object(ModelName::Map, Value::Map(Vec::new()), map, get_or_change),
        with_init(object(ModelName::Semaphore, Value::Int(3), semaphore, acquire_or_release), 3),
    ];
    objects.extend(records::all());
    objects
}

pub(super) fn object(
    model: ModelName,
    initial: Value,
    outcomes: fn(&Value, &Ask) -> Vec<(Value, Value)>,
    ask: fn(&mut Context<'_>) -> (&'static str, Value),
) -> Object {
    Object { model, options: ModelOptions::default(), initial, outcomes, ask, twist: None }
}

pub(super) fn with_init(mut object: Object, init: impl Into<Value>) -> Object {
    object.options.init = Some(init.into());
    object
}

pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Vector(items.into_iter().collect())
}

fn items(state: &Value) -> Vec<Value> {
    state.items().expect("a list").to_vec()
}

/// `state` with `item` taken from place `at`, and that item.
fn taken(state: &Value, at: usize) -> (Value, Value) {
    let mut rest = items(state);
    let item = rest.remove(at);
    (list(rest), item)
}

fn put(state: &Value, item: &Value) -> Vec<(Value, Value)> {
    vec![(list(items(state).into_iter().chain([item.clone()])), NOTHING)]
}

fn fifo_queue(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    match (ask.f, items(state).len()) {
        ("enqueue", _) => put(state, &ask.argument),
        (_, 0) => vec![(list([]), Value::Nil)],
        _ => vec![taken(state, 0)],
    }
}

fn unordered_queue(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    match (ask.f, items(state).len()) {
        ("enqueue", _) => put(state, &ask.argument),
        (_, 0) => vec![(list([]), Value::Nil)],
        (_, count) => (0..count).map(|at| taken(state, at)).collect(),
    }
}

fn enqueue_or_dequeue(context: &mut Context<'_>) -> (&'static str, Value) {
    match context.chance(0.55) {
        true => ("enqueue", context.value()),
        false => ("dequeue", Value::Nil),
    }
}

fn stack(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    match (ask.f, items(state).len()) {
        ("push", _) => put(state, &ask.argument),
        (_, 0) => vec![(list([]), Value::Nil)],
        (_, count) => vec![taken(state, count - 1)],
    }
}

fn push_or_pop(context: &mut Context<'_>) -> (&'static str, Value) {
    match context.chance(0.55) {
        true => ("push", context.value()),
        false => ("pop", Value::Nil),
    }
}

pub(super) fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        other => panic!("{other} is no number"),
    }
}

/// The state is what is free; a semaphore has three permits, a mutex one.
fn semaphore(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let (permits, count) = match &ask.argument {
        Value::Nil => (1, 1),
        argument => (3, number(argument)),
    };
    let free = number(state) + if ask.f == "acquire" { -count } else { count };
    if (0..=permits).contains(&free) { vec![(free.into(), NOTHING)] } else { Vec::new() }
}

fn acquire_or_release(context: &mut Context<'_>) -> (&'static str, Value) {
    let f = if context.chance(0.55) { "acquire" } else { "release" };
    let several = context.options.init.is_some();
    (f, if several { Value::Int(context.rng.random_range(1..=3)) } else { Value::Nil })
}

/// The largest token that there is.
const TOKENS: i64 = 12;

/// The state is the holder and the last token.
fn fenced_mutex(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let [holder, last] = state.items().expect("a pair") else { panic!("{state}") };
    let process = Value::Int(i64::try_from(ask.process).expect("few processes"));
    let last = number(last);
    let acquired = |token: i64| (list([process.clone(), token.into()]), token.into());
    let mapped = |token: i64| {
        let fence = Value::Map(vec![(Value::keyword("fence"), token.into())]);
        (list([process.clone(), token.into()]), fence)
    };
    match (ask.f, holder.is_nil()) {
        ("acquire", true) => {
            (last + 1..=TOKENS).flat_map(|token| [acquired(token), mapped(token)]).collect()
        }
        ("release", false) if *holder == process => {
            vec![(list([Value::Nil, last.into()]), NOTHING)]
        }
        _ => Vec::new(),
    }
}

fn owner_mutex(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let holder = &state.items().expect("a pair")[0];
    let process = Value::Int(i64::try_from(ask.process).expect("few processes"));
    match (ask.f, holder.is_nil()) {
        ("acquire", true) => vec![(list([process, 0.into()]), NOTHING)],
        ("release", false) if *holder == process => {
            vec![(list([Value::Nil, 0.into()]), NOTHING)]
        }
        _ => Vec::new(),
    }
}

fn lock_or_unlock(context: &mut Context<'_>) -> (&'static str, Value) {
    let holder = context.state.items().expect("a pair")[0].clone();
    let holds = holder == Value::Int(i64::try_from(context.process).expect("few processes"));
    let release = context.chance(if holds { 0.9 } else { 0.1 });
    (if release { "release" } else { "acquire" }, Value::Nil)
}

fn mutable_set(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let mut rest = items(state);
    rest.retain(|item| *item != ask.argument);
    let was_there = rest.len() < items(state).len();
    let changed = |mut after: Vec<Value>, change: bool| {
        after.sort_unstable();
        vec![(list(after.clone()), Value::Bool(change)), (list(after), Value::Nil)]
    };
    match ask.f {
        "add" => changed(rest.into_iter().chain([ask.argument.clone()]).collect(), !was_there),
        "remove" => changed(rest, was_there),
        "contains" => vec![(state.clone(), Value::Bool(was_there))],
        _ => vec![(state.clone(), Value::Set(items(state)))],
    }
}

fn change_or_ask(context: &mut Context<'_>) -> (&'static str, Value) {
    match ["add", "remove", "contains", "read"][context.rng.random_range(0..4)] {
        "read" => ("read", Value::Nil),
        f => (f, context.few()),
    }
}

/// The sum, of an operation that adds.
fn sum(state: &Value, ask: &Ask) -> Option<Value> {
    (ask.f == "add").then(|| Value::Int(number(state) + number(&ask.argument)))
}

fn counter(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    match sum(state, ask) {
        Some(sum) => vec![(sum, NOTHING)],
        None => vec![(state.clone(), state.clone())],
    }
}

fn fetch_and_add(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    vec![(sum(state, ask).unwrap_or_else(|| state.clone()), state.clone())]
}

fn add_and_fetch(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let after = sum(state, ask).unwrap_or_else(|| state.clone());
    vec![(after.clone(), after)]
}

fn count_or_read(context: &mut Context<'_>) -> (&'static str, Value) {
    match context.chance(0.6) {
        true => ("add", context.amount()),
        false => ("read", Value::Nil),
    }
}

/// An append repeats its argument, or says where it went.
fn log(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    if ask.f == "read" {
        return vec![(state.clone(), state.clone())];
    }
    let place = Value::Int(i64::try_from(items(state).len()).expect("short"));
    let after = list(items(state).into_iter().chain([ask.argument.clone()]));
    let offset = Value::Map(vec![(Value::keyword("offset"), place.clone())]);
    [ask.argument.clone(), place, offset].map(|result| (after.clone(), result)).into()
}

fn append_or_read(context: &mut Context<'_>) -> (&'static str, Value) {
    match context.chance(0.6) {
        true => ("append", context.value()),
        false => ("read", Value::Nil),
    }
}

fn map(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let Value::Map(entries) = state else { panic!("{state}") };
    let key = ask.key.as_ref().expect("every call has a key");
    let mut rest = entries.clone();
    rest.retain(|(other, _)| other != key);
    let held = entries.iter().find_map(|(other, held)| (other == key).then(|| held.clone()));
    let held = held.unwrap_or_else(|| Value::string(""));
    let becomes = |new: &Value| {
        let mut after = rest.clone();
        if *new != Value::string("") {
            after.push((key.clone(), new.clone()));
        }
        after.sort_unstable();
        Value::Map(after)
    };
    match (ask.f, ask.argument.items()) {
        ("get", _) if held == Value::string("") => {
            vec![(state.clone(), Value::Nil), (state.clone(), held)]
        }
        ("get", _) => vec![(state.clone(), held)],
        ("put", _) => vec![(becomes(&ask.argument), NOTHING)],
        ("delete", _) => vec![(becomes(&Value::string("")), NOTHING)],
        ("cas", Some([old, new])) if *old == held => vec![(becomes(new), NOTHING)],
        ("cas", _) => Vec::new(),
        _ => {
            let both = [held.name(), ask.argument.name()].map(|text| text.expect("a string"));
            vec![(becomes(&Value::string(both.concat())), NOTHING)]
        }
    }
}

fn get_or_change(context: &mut Context<'_>) -> (&'static str, Value) {
    context.key = Some(Value::Int(i64::from(context.chance(0.2))));
    let mut text = || Value::string(["a", "b", "c"][context.rng.random_range(0..3)]);
    let (new, old) = (text(), text());
    match context.rng.random_range(0..10) {
        0..4 => ("get", Value::Nil),
        4..6 => ("put", new),
        6..8 => ("append", new),
        8 => ("cas", list([old, new])),
        _ => ("delete", Value::Nil),
    }
}
