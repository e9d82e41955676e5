//! Objects that hold several things: a value and its version, values by key, balances by account.

use checker::Value;
use checker::model::ModelName;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::objects::{list, number, object, with_init};
use super::small::{Ask, Context, NOTHING, Object};

pub(super) fn all() -> Vec<Object> {
    let nothing_yet = list([0.into(), Value::Nil]);
    let registers = Value::Map((0..3).map(|key| (Value::Int(key), Value::Nil)).collect());
    let money: Vec<(Value, Value)> =
        [2, 1, 0].into_iter().zip(0..).map(|(n, account)| (account.into(), n.into())).collect();
    let bank = object(ModelName::Bank, Value::Map(money.clone()), bank, read_or_transfer);
    vec![
        object(ModelName::VersionedRegister, nothing_yet, versioned, read_or_change),
        Object {
            twist: Some(see_something_else),
            ..object(ModelName::MultiRegister, registers, transaction, some_transaction)
        },
        Object { twist: Some(count_wrongly), ..with_init(bank, Value::Map(money)) },
    ]
}

/// A completion says the version, or that it does not know it.
fn versioned(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let [version, held] = state.items().expect("a pair") else { panic!("{state}") };
    if ask.f == "read" {
        let known = [version.clone(), Value::Nil];
        return known.map(|version| (state.clone(), list([version, held.clone()]))).into();
    }
    let [_, change] = ask.argument.items().expect("a pair") else { panic!("{state}") };
    let next = Value::Int(number(version) + 1);
    let new = match (ask.f, change.items()) {
        ("cas", Some([old, new])) if old == held => new,
        ("cas", _) => return Vec::new(),
        _ => change,
    };
    let after = list([next.clone(), new.clone()]);
    [next, Value::Nil].map(|version| (after.clone(), list([version, Value::Nil]))).into()
}

fn read_or_change(context: &mut Context<'_>) -> (&'static str, Value) {
    match context.rng.random_range(0..5) {
        0 | 1 => ("read", Value::Nil),
        2 => ("write", list([Value::Nil, context.value()])),
        _ => {
            let held = context.state.items().expect("a pair")[1].clone();
            let old = if held.is_nil() { context.few() } else { held };
            ("cas", list([Value::Nil, list([old, context.value()])]))
        }
    }
}

fn held(state: &Value, key: &Value) -> Value {
    let Value::Map(entries) = state else { panic!("{state}") };
    let entry = entries.iter().find(|(other, _)| other == key);
    entry.map_or(Value::Nil, |(_, held)| held.clone())
}

fn with(state: &Value, key: &Value, new: &Value) -> Value {
    let Value::Map(entries) = state else { panic!("{state}") };
    let mut entries = entries.clone();
    for (_, held) in entries.iter_mut().filter(|(other, _)| other == key) {
        *held = new.clone();
    }
    Value::Map(entries)
}

fn is_read(micro_operation: &[Value]) -> bool {
    matches!(micro_operation[0].name(), Some("r" | "read"))
}

fn transaction(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    let mut after = state.clone();
    let mut done = Vec::new();
    for one in ask.argument.items().expect("a list") {
        let [deed, key, value] = one.items().expect("three") else { panic!("{one}") };
        let value =
            if is_read(one.items().expect("three")) { held(&after, key) } else { value.clone() };
        if !is_read(one.items().expect("three")) {
            after = with(&after, key, &value);
        }
        done.push(list([deed.clone(), key.clone(), value]));
    }
    vec![(after, list(done))]
}

fn some_transaction(context: &mut Context<'_>) -> (&'static str, Value) {
    let length = context.rng.random_range(0..4);
    let one = |_| {
        let key = Value::Int(context.rng.random_range(0..3) / 2);
        let (word, value) = match context.rng.random_range(0..6) {
            0..3 => ("r", Value::Nil),
            3 => ("read", Value::Nil),
            4 => ("w", context.value()),
            _ => ("write", context.value()),
        };
        list([Value::keyword(word), key, value])
    };
    ("txn", list((0..length).map(one).collect::<Vec<_>>()))
}

/// Another value in one of a transaction's reads.
fn see_something_else(result: &mut Value, rng: &mut ChaCha8Rng) {
    let Value::Vector(done) = result else { return };
    let mut reads: Vec<&mut Vec<Value>> = Vec::new();
    for one in done {
        match one {
            Value::Vector(one) if is_read(one) => reads.push(one),
            _ => {}
        }
    }
    if !reads.is_empty() {
        let chosen = rng.random_range(0..reads.len());
        reads[chosen][2] =
            if rng.random_bool(0.2) { Value::Nil } else { rng.random_range(1..4_i64).into() };
    }
}

fn bank(state: &Value, ask: &Ask) -> Vec<(Value, Value)> {
    if ask.f == "read" {
        return vec![(state.clone(), state.clone())];
    }
    let entry = |name| ask.argument.get(name).expect("an entry");
    let (from, to, amount) = (entry("from"), entry("to"), number(entry("amount")));
    let (Value::Int(there), Value::Int(_)) = (held(state, from), held(state, to)) else {
        return Vec::new();
    };
    if amount < 0 || there < amount {
        return Vec::new();
    }
    let after = with(state, from, &(there - amount).into());
    let sum = number(&held(&after, to)) + amount;
    vec![(with(&after, to, &sum.into()), NOTHING)]
}

fn read_or_transfer(context: &mut Context<'_>) -> (&'static str, Value) {
    if context.chance(0.35) {
        return ("read", Value::Nil);
    }
    // Account 3 does not exist, and nothing but nonsense moves less than nothing.
    let odd = context.chance(0.05);
    let mut account = || Value::Int(context.rng.random_range(0..if odd { 4 } else { 3 }));
    let (from, to) = (account(), account());
    let amount = context.rng.random_range(if odd { -1..2 } else { 0..3_i64 });
    let entries = [("from", from), ("to", to), ("amount", amount.into())];
    ("transfer", Value::Map(entries.map(|(name, value)| (Value::keyword(name), value)).into()))
}

/// Another balance in a read, or one account too few or too many.
fn count_wrongly(result: &mut Value, rng: &mut ChaCha8Rng) {
    let Value::Map(balances) = result else { return };
    match rng.random_range(0..8) {
        0 => drop(balances.pop()),
        1 => balances.push((3.into(), 0.into())),
        _ if balances.len() < 2 => {}
        _ => {
            let (from, to) =
                (rng.random_range(0..balances.len()), rng.random_range(0..balances.len()));
            balances[from].1 = Value::Int(number(&balances[from].1) - 1);
            balances[to].1 = Value::Int(number(&balances[to].1) + 1);
        }
    }
}
