//! Random values, events and texts that look like histories.

use std::sync::Arc;

use checker::{Kind, Op, Process, Value};
use proptest::collection::vec;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        "[a-z]{1,4}",
        "[:~#]{0,3}[a-z\"\\\\]{0,2}",
        "(txn|r|append|read|#set|#edn|type|index|nil)",
        any::<String>(),
    ]
    .prop_map(Arc::from)
}

/// Names that keywords and symbols can have.
fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof!["[a-z][a-z0-9]{0,3}(/[a-z?!*<>=-]{1,3})?", "[a-z~#'é漢][a-z:#~'?!\\\\]{0,3}"]
        .prop_map(Arc::from)
        .prop_filter("no symbol may be a literal", |name: &Arc<str>| {
            !matches!(&**name, "nil" | "true" | "false") && !name.starts_with(['#', '~'])
        })
}

fn keyword_name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![3 => name(), 1 => "[#~0-9-][:a-z0-9~#]{0,3}".prop_map(Arc::from)]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-3_i64..3).prop_map(Value::Int),
        "-?[1-9][0-9]{0,25}".prop_map(|digits| Value::BigInt(digits.into())),
        any::<f64>().prop_map(Value::Float),
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-0.0)].prop_map(Value::Float),
        "-?[1-9][0-9]{0,3}(\\.[0-9]{0,3})?(e[0-9])?M|[0-9]/[1-9]"
            .prop_map(|it| Value::Exact(it.into())),
        any::<char>().prop_map(Value::Char),
        text().prop_map(Value::Str),
        name().prop_map(Value::Symbol),
        keyword_name().prop_map(Value::Keyword),
    ]
    .prop_map(|value| match value {
        // There is one NaN in text.
        Value::Float(number) if number.is_nan() => Value::Float(f64::NAN),
        value => value,
    })
}

fn entries(of: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Vec<(Value, Value)>> {
    vec((of.clone(), of), 0..4).prop_map(|mut entries| {
        let mut seen = std::collections::HashSet::new();
        entries.retain(|(key, _)| seen.insert(key.canonical()));
        entries
    })
}

pub(crate) fn value() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::Vector),
                vec(inner.clone(), 0..4).prop_map(Value::List),
                entries(inner.clone()).prop_map(Value::Map),
                entries(inner.clone()).prop_map(|entries| Value::Set(
                    entries.into_iter().map(|(key, _)| key).collect()
                )),
                ("[a-z][a-z./]{0,4}", inner)
                    .prop_map(|(tag, inner)| Value::Tagged(tag.into(), Box::new(inner))),
            ]
        })
        .boxed()
}

fn process() -> impl Strategy<Value = Process> {
    let named = value().prop_filter("an integer is a client", |value| {
        !matches!(value, Value::Int(_) | Value::BigInt(_))
    });
    prop_oneof![any::<u64>().prop_map(Process::Client), named.prop_map(Process::Other)]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let kind = prop_oneof![Just(Kind::Invoke), Just(Kind::Ok), Just(Kind::Fail), Just(Kind::Info)];
    let f = prop_oneof![value(), Just(Value::keyword("txn"))];
    let extra = entries(value()).prop_map(|mut extra| {
        let fields = ["index", "time", "type", "process", "f", "value", "error"];
        extra.retain(|(key, _)| !matches!(key, Value::Keyword(name) if fields.contains(&&**name)));
        extra
    });
    (any::<u64>(), any::<i64>(), process(), kind, f, value(), proptest::option::of(value()), extra)
        .prop_map(|(index, time_ns, process, kind, f, value, error, extra)| Op {
            index,
            time_ns,
            process,
            kind,
            f,
            value,
            error,
            extra,
        })
}

/// Pieces of all notations in senseless order: more of the readers is reached than by noise.
pub(crate) fn nearly_history() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 48] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"(",
        b")",
        b"#{",
        b"#_",
        b"#a ",
        b"#:a{",
        b"##Inf",
        b"\"",
        b"\\",
        b":type :ok",
        b":type",
        b":process 0",
        b":f :read",
        b":value",
        b"nil",
        b"1",
        b"-",
        b"0x",
        b"1N",
        b"1/2",
        b"1e9",
        b" ",
        b",",
        b"\n",
        b"\t",
        b";",
        b"\"type\":\"ok\"",
        b"\"process\":0",
        b":",
        b"\"f\":\"txn\"",
        b"\"value\":",
        b"\"#set\":",
        b"\"#edn\":\"",
        b"\"#map\":[[1,2]]",
        b"\"#extra\":",
        b"null",
        b"\\u00",
        b"\\ud83d",
        b"INFO  jepsen.util - ",
        b"0\t:ok\t:read\tnil",
        b"\xff",
        b"\x00",
        b"[0 :invoke :read nil]",
        b"{:type :ok :process 0}",
    ];
    vec(proptest::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}
