//! Properties of the readers and writers: nothing is lost, and no input makes them panic.
//! `PROPTEST_CASES=100000` searches longer.

#[path = "support/strategies.rs"]
mod strategies;

use checker::history::{
    Format, Recovered, read, read_bytes, recover, write_edn, write_jsonl, write_value_json_plain,
};
use checker::{History, Kind, Op, Process, Value, edn};
use proptest::collection::vec;
use proptest::prelude::*;
use strategies::{nearly_history, op, value};

const FORMATS: [Format; 4] = [Format::Edn, Format::Jsonl, Format::Json, Format::Log];

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
