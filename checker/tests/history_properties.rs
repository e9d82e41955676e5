//! Properties of the readers and writers: nothing is lost, and no input makes them panic.
//! `PROPTEST_CASES=100000` searches longer.

use std::sync::Arc;

use checker::history::{
    Format, Recovered, read, read_bytes, recover, write_edn, write_jsonl, write_value_json_plain,
};
use checker::{History, Kind, Op, Process, Value, edn};
use proptest::collection::vec;
use proptest::prelude::*;

const FORMATS: [Format; 4] = [Format::Edn, Format::Jsonl, Format::Json, Format::Log];

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
        entries.retain(|(key, _)| seen.insert(key.clone()));
        entries
    })
}

fn value() -> BoxedStrategy<Value> {
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

fn op() -> impl Strategy<Value = Op> {
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

fn as_edn(op: &Op) -> Vec<u8> {
    let mut out = Vec::new();
    write_edn(op, &mut out).expect("memory takes it");
    out
}

fn as_jsonl(op: &Op) -> Vec<u8> {
    let mut out = Vec::new();
    write_jsonl(op, &mut out).expect("memory takes it");
    out
}

/// Reads what we wrote of one operation.
fn again(written: &[u8], format: Format) -> Op {
    let mut ops = read_bytes(written, format).expect("we read what we write");
    assert_eq!(ops.len(), 1, "one operation stays one");
    ops.remove(0)
}

/// Pieces of all notations in senseless order: more of the readers is reached than by noise.
fn nearly_history() -> impl Strategy<Value = Vec<u8>> {
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

/// Reads in every way. What can be read can be written in both formats and read again unchanged.
fn survives(bytes: &[u8]) {
    for format in FORMATS {
        let _ = read(bytes, Some(format));
        let Ok(ops) = read_bytes(bytes, format) else { continue };
        for op in ops {
            assert_eq!(again(&as_edn(&op), Format::Edn), op, "{format:?}");
            assert_eq!(again(&as_jsonl(&op), Format::Jsonl), op, "{format:?}");
        }
    }
    let _ = read(bytes, None);
    let _ = recover(bytes);
    if let Ok(value) = edn::parse(bytes) {
        assert_eq!(edn::parse(value.to_string().as_bytes()), Ok(value.clone()));
        let _ = value.canonical();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back_from_edn(value in value()) {
        prop_assert_eq!(edn::parse(value.to_string().as_bytes()).unwrap(), value);
    }

    #[test]
    fn operations_come_back_from_edn_and_json(op in op()) {
        let (edn, jsonl) = (as_edn(&op), as_jsonl(&op));
        prop_assert!(!jsonl.contains(&b'\n'), "an operation is one line");
        prop_assert!(!edn.contains(&b'\n'), "an operation is one line");
        prop_assert_eq!(&again(&edn, Format::Edn), &op);
        prop_assert_eq!(&again(&jsonl, Format::Jsonl), &op);
    }

    #[test]
    fn what_we_write_as_json_is_json(op in op(), value in value()) {
        serde_json::from_slice::<serde_json::Value>(&as_jsonl(&op)).unwrap();
        let mut plain = Vec::new();
        write_value_json_plain(&value, &mut plain).unwrap();
        serde_json::from_slice::<serde_json::Value>(&plain).unwrap();
    }

    #[test]
    fn canonical_forms_are_their_own(value in value()) {
        let canonical = value.canonical();
        prop_assert_eq!(canonical.canonical(), canonical);
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn near_misses_never_panic(bytes in nearly_history()) {
        survives(&bytes);
    }

    #[test]
    fn histories_with_a_changed_byte_never_panic(
        op in op(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        for mut bytes in [as_edn(&op), as_jsonl(&op)] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&bytes);
            survives(&bytes[..at]);
        }
    }

    #[test]
    fn a_journal_cut_anywhere_is_a_beginning(count in 1_u64..20, cut in any::<prop::sample::Index>()) {
        let event = |index: u64| Op {
            index,
            time_ns: index as i64,
            process: Process::Client(index),
            kind: Kind::Invoke,
            f: Value::keyword("read"),
            value: Value::Nil,
            error: None,
            extra: Vec::new(),
        };
        let ops: Vec<Op> = (0..count).map(event).collect();
        let journal: Vec<u8> = ops.iter().flat_map(|op| [as_jsonl(op), b"\n".to_vec()].concat()).collect();
        let cut = cut.index(journal.len());
        let Recovered { ops: kept, damaged_lines, behind_gap } = recover(&journal[..cut]).unwrap();
        prop_assert_eq!(&kept[..], &ops[..kept.len()]);
        prop_assert!(damaged_lines <= 1 && behind_gap == 0);
        prop_assert!(History::from_ops(kept).is_ok());
    }
}
