//! The shortcuts against the general readers: the same operations, the same errors, on everything.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::history::input::testing::{read_by_windows, read_generally, read_slowly};
use crate::history::{Format, read_bytes};

/// Texts that stand where values do, common ones and traps.
fn value_text() -> impl Strategy<Value = String> {
    let texts = [
        "nil",
        "null",
        "true",
        "0",
        "5",
        "-3",
        "-0",
        "007",
        "1N",
        "1.5",
        "1/2",
        "1e3",
        "99999999999999999999",
        ":read",
        ":a/b",
        "::a",
        ":",
        "read",
        "\"read\"",
        "\"\"",
        "\"a b\"",
        "\"a\\n\"",
        "\":kw\"",
        "\"~:kw\"",
        "[1 2]",
        "[1 nil]",
        "[1,2]",
        "[1, [2 3]]",
        "[ 1  2 ]",
        "[1 2 3]",
        "[1]",
        "[]",
        "[[1 2] [3 4]]",
        "[nil nil]",
        "[:x [1 2]]",
        "(1 2)",
        "(1)",
        "{}",
        "{:a 1}",
        "{:a}",
        "{\"a\":1}",
        "{\"#set\":[1]}",
        "#{1}",
        "#_1 2",
        "#a 1",
        "[1 #_2 3]",
        "[1 ;\n 2]",
        "\\a",
        "[1 2",
        "1 2]",
        "[1)",
        "[\"r\",1,null]",
        "[[\"r\",1,null]]",
        "[\"a\" \"b\"]",
        "[\"]\" 1]",
        "[1 2]]",
        "##NaN",
        "ü",
        "\"ü\"",
        "9223372036854775807",
    ];
    select(texts.to_vec()).prop_map(str::to_owned)
}

fn entry(edn: bool) -> impl Strategy<Value = String> {
    let names = ["index", "time", "type", "process", "f", "value", "error", "node", "Type"];
    let usual = ["invoke", "ok", "fail", "info", "read", "txn", "done"];
    let separators = [" ", "  ", "", ",", "\n", "\t", " #_x ", " ;c\n"];
    let word = move |text: &str| if edn { format!(":{text}") } else { format!("\"{text}\"") };
    let value = prop_oneof![value_text(), select(usual.to_vec()).prop_map(word)];
    (select(names.to_vec()), value, select(separators.to_vec())).prop_map(
        move |(name, value, gap)| match edn {
            true => format!(":{name}{gap}{value}"),
            false => format!("\"{name}\":{gap}{value}"),
        },
    )
}

/// An operation that is well-formed but for one entry, as a rule.
fn operation(edn: bool) -> impl Strategy<Value = String> {
    let usual = move |field: &str, value: &str| match (edn, field) {
        (true, _) => format!(":{field} {value}"),
        (false, "type" | "f") => format!("\"{field}\":\"{}\"", &value[1..]),
        (false, _) => format!("\"{field}\":{}", value.replace("nil", "null").replace(' ', ",")),
    };
    let base = (
        0..50_u64,
        0..4_u64,
        select(vec![":invoke", ":ok", ":info"]),
        select(vec!["nil", "[1 2]", "7"]),
    )
        .prop_map(move |(index, process, kind, value)| {
            vec![
                usual("index", &index.to_string()),
                usual("type", kind),
                usual("process", &process.to_string()),
                usual("f", ":read"),
                usual("value", value),
            ]
        });
    let separators = if edn { [", ", " ", ","] } else { [",", ", ", " ,\n"] };
    (base, vec((any::<Index>(), entry(edn)), 0..2), select(separators.to_vec()), any::<Index>())
        .prop_map(|(mut entries, changes, gap, drop)| {
            for (at, change) in changes {
                let at = at.index(entries.len() + 1);
                match at < entries.len() {
                    true => entries[at] = change,
                    false => entries.push(change),
                }
            }
            let dropped = drop.index(3 * entries.len());
            if dropped < entries.len() {
                entries.remove(dropped);
            }
            format!("{{{}}}", entries.join(gap))
        })
}

fn document(edn: bool) -> impl Strategy<Value = Vec<u8>> {
    let gaps = ["\n", "", " ", "\r\n", ",", "[", "]", ";c\n", "#_"];
    let damage = proptest::option::weighted(0.2, (any::<Index>(), any::<u8>()));
    let piece = (operation(edn), prop_oneof![5 => Just("\n"), 1 => select(gaps.to_vec())]);
    (vec(piece, 0..6), damage, proptest::option::weighted(0.2, any::<Index>())).prop_map(
        |(pieces, damage, cut)| {
            let mut text: Vec<u8> =
                pieces.into_iter().flat_map(|(one, gap)| (one + gap).into_bytes()).collect();
            if let (Some((at, byte)), false) = (damage, text.is_empty()) {
                let at = at.index(text.len());
                text[at] = byte;
            }
            if let Some(cut) = cut {
                text.truncate(cut.index(text.len() + 1));
            }
            text
        },
    )
}

fn agrees(text: &[u8], format: Format) {
    let general = read_generally(text, format).map_err(|error| error.to_string());
    let quick = read_bytes(text, format).map_err(|error| error.to_string());
    assert_eq!(quick, general, "{format:?}: {}", String::from_utf8_lossy(text));
}

/// Cut into chunks or not, the same history and the same complaint come out.
fn agrees_in_windows(text: &[u8], format: Format, window_bytes: usize) {
    let read = |window_bytes| {
        read_by_windows(text, format, window_bytes)
            .map(|history| history.ops().to_vec())
            .map_err(|error| error.to_string())
    };
    let shown = String::from_utf8_lossy(text);
    assert_eq!(read(window_bytes), read(1 << 20), "{format:?} by {window_bytes}: {shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn edn_is_read_alike_with_and_without_the_shortcut(text in document(true)) {
        agrees(&text, Format::Edn);
    }

    #[test]
    fn json_is_read_alike_with_and_without_the_shortcut(text in document(false)) {
        agrees(&text, Format::Jsonl);
        agrees(&text, Format::Json);
    }

    #[test]
    fn windows_and_chunks_do_not_show(
        edn in document(true), json in document(false), window_bytes in 1_usize..200,
    ) {
        agrees_in_windows(&edn, Format::Edn, window_bytes);
        agrees_in_windows(&json, Format::Jsonl, window_bytes);
    }

    #[test]
    fn noise_is_read_alike_with_and_without_the_shortcut(text in vec(any::<u8>(), 0..60)) {
        agrees(&text, Format::Edn);
        agrees(&text, Format::Jsonl);
    }
}

#[test]
fn the_usual_operation_takes_the_shortcut() {
    let edn =
        "{:index 3, :time 17, :type :ok, :process 0, :f :cas, :value [1 [2 3]], :error :late}";
    let json = r#"{"index":3,"time":17,"type":"ok","process":0,"f":"cas","value":[1,[2,3]],"error":":late"}"#;
    for (text, format) in [(edn, Format::Edn), (json, Format::Jsonl)] {
        assert_eq!(read_slowly(text.repeat(3).as_bytes(), format), 0, "{format:?}");
        agrees(text.as_bytes(), format);
    }
}
