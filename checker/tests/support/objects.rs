//! What every kind of object does, in as few words as possible, and what clients ask of it.

use checker::Value;
use checker::model::{ModelName, ModelOptions};

use rand::RngExt;

use super::small::{Ask, Context, NOTHING, Object};

/// Objects of every kind that `small` can play.
pub(crate) fn all() -> Vec<Object> {
    vec![
        object(ModelName::FifoQueue, list([]), fifo_queue, enqueue_or_dequeue),
        object(ModelName::UnorderedQueue, list([]), unordered_queue, enqueue_or_dequeue),
        object(ModelName::Stack, list([]), stack, push_or_pop),
        object(ModelName::Mutex, Value::Int(1), semaphore, acquire_or_release),
        object(ModelName::OwnerMutex, list([Value::Nil, 0.into()]), owner_mutex, lock_or_unlock),
        object(ModelName::FencedMutex, list([Value::Nil, 0.into()]), fenced_mutex, lock_or_unlock),
        with_init(object(ModelName::Semaphore, Value::Int(3), semaphore, acquire_or_release), 3),
    ]
}

fn object(
    model: ModelName,
    initial: Value,
    outcomes: fn(&Value, &Ask) -> Vec<(Value, Value)>,
    ask: fn(&mut Context<'_>) -> (&'static str, Value),
) -> Object {
    Object { model, options: ModelOptions::default(), initial, outcomes, ask }
}

fn with_init(mut object: Object, init: impl Into<Value>) -> Object {
    object.options.init = Some(init.into());
    object
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
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

fn number(value: &Value) -> i64 {
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
