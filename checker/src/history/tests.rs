use proptest::prelude::*;

use super::input::testing::read_by_windows;
use super::*;
use crate::op::{Kind, Process};
use crate::value::Value;

fn edn(text: &str) -> Vec<Op> {
    read_bytes(text.as_bytes(), Format::Edn).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn json(text: &str) -> Vec<Op> {
    read_bytes(text.as_bytes(), Format::Json).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn log(text: &str) -> Vec<Op> {
    read_bytes(text.as_bytes(), Format::Log).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str, format: Format) -> String {
    read_bytes(text.as_bytes(), format).expect_err(text).to_string()
}

fn as_edn(op: &Op) -> String {
    let mut out = Vec::new();
    write_edn(op, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn as_jsonl(op: &Op) -> String {
    let mut out = Vec::new();
    write_jsonl(op, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Reads one operation of EDN, sends it through JSON and back, and returns the JSON.
fn through_json(text: &str) -> String {
    let ops = edn(text);
    assert_eq!(ops.len(), 1, "{text}");
    let written = as_jsonl(&ops[0]);
    assert_eq!(json(&written), ops, "{text} became {written}");
    assert_eq!(edn(&as_edn(&ops[0])), ops);
    written
}

const CAS: &str = "{:index 4, :time 12, :type :ok, :process 3, :f :cas, :value [1 2], :error :late, :node \"n1\"}";

#[test]
fn an_operation_is_written_as_jepsen_writes_it() {
    assert_eq!(as_edn(&edn(CAS)[0]), CAS);
}

#[test]
fn keys_come_in_any_order_and_most_are_optional() {
    let old = "{:type :ok, :f :cas, :value [1 2], :process 3, :node \"n1\", :error :late, \
               :time 12, :index 4}";
    assert_eq!(edn(old), edn(CAS));
    let short = &edn("{:type :invoke :process 0}")[0];
    assert_eq!((short.index, short.time_ns, &short.f), (0, -1, &Value::Nil));
    assert_eq!(short.value, Value::Nil);
}

#[test]
fn operations_come_one_a_line_or_in_a_vector_or_in_a_list() {
    let [a, b] = ["{:type :invoke, :process 0, :f :read}", "{:type :ok, :process 0, :f :read}"];
    let lines = edn(&format!("; a history\n\n{a}\r\n{b},\n;end"));
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1].index, 1);
    assert_eq!(edn(&format!("[{a}, {b}]")), lines);
    assert_eq!(edn(&format!("(; one\n{a}\n{b})\n")), lines);
    assert_eq!(edn(&format!("#_{{:type 5}} {a}{b}")), lines);
    assert_eq!(edn("[]"), []);
    assert_eq!(edn(""), []);
}

#[test]
fn records_are_operations_with_or_without_a_space() {
    let plain = edn("{:type :ok, :process 0, :f :read, :value 3}");
    for tagged in ["#jepsen.history.Op{", "#knossos.op.Op {"] {
        assert_eq!(edn(&format!("{tagged}:type :ok, :process 0, :f :read, :value 3}}")), plain);
    }
    let value = &edn("{:type :ok :process 0 :value #knossos.model.CASRegister{:value 3}}")[0].value;
    assert_eq!(value.to_string(), "#knossos.model.CASRegister {:value 3}");
}

#[test]
fn tuples_of_process_type_f_and_value_are_operations() {
    let plain = edn("{:type :invoke, :process 0, :f :write, :value [1 2]}");
    assert_eq!(edn("[0 :invoke :write [1 2]]"), plain);
    assert_eq!(edn("[[0 :invoke :write [1 2]]]"), plain);
    assert_eq!(edn("[:nemesis :info :start nil]")[0].process, Process::nemesis());
    assert!(refused("[0 :invoke :write]", Format::Edn).contains("[process type f value]"));
}

#[test]
fn missing_indices_are_positions_and_sparse_ones_stay() {
    let indices = |text: &str| edn(text).iter().map(|op| op.index).collect::<Vec<_>>();
    let op = |index: &str| format!("{{:type :info, :process :nemesis {index}}}\n");
    assert_eq!(indices(&[op(""), op(":index -1"), op(":index nil")].concat()), [0, 1, 2]);
    assert_eq!(indices(&[op(":index 7"), op(""), op(":index 90N")].concat()), [7, 8, 90]);
}

#[test]
fn what_is_no_operation_is_refused_with_its_place() {
    let text = "{:type :invoke, :process 0, :f :read}\n{:process 0, :f :ok, :type :done}";
    let message = "line 2, column 28 (byte 65): :done cannot be the :type of an operation";
    assert_eq!(refused(text, Format::Edn), message);
    for text in [
        "5",
        "nil",
        "{:process 0}",
        "{:type :ok}",
        "{}",
        "{:type :ok :process -1}",
        "{:type :ok :process 0 :index -2}",
        "{:type :ok :process 0 :time :now}",
        "{:type :ok :process 0 :type :ok}",
        "{:type :ok :process 0 :a 1 :a 2}",
        "{:type :ok :process 0 :a}",
        "{:type :ok :process",
        "[{:type :ok :process 0}",
        "#{1}",
        "#jepsen.Op 5",
        "{:type :ok :process 0}]",
    ] {
        refused(text, Format::Edn);
    }
}

#[test]
fn jsonl_is_readable_for_ordinary_operations() {
    assert_eq!(
        through_json(CAS),
        r#"{"index":4,"time":12,"type":"ok","process":3,"f":"cas","value":[1,2],"error":":late","node":"n1"}"#
    );
    assert_eq!(
        through_json(
            "{:index 0, :time 1, :type :info, :process :nemesis, :f :kill, :value {:n1 :dead}}"
        ),
        r#"{"index":0,"time":1,"type":"info","process":"nemesis","f":"kill","value":{"n1":":dead"}}"#
    );
}

#[test]
fn nothing_is_lost_on_the_way_through_json() {
    for value in [
        "nil",
        "true",
        "1.0",
        "1e300",
        "-0.0",
        "##NaN",
        "##Inf",
        "##-Inf",
        "123N",
        "1.5M",
        "1/3",
        "\\a",
        "\\newline",
        "sym",
        ":kw",
        ":a/b",
        "\":kw\"",
        "\"~:kw\"",
        "\"~~\"",
        "\"~a\"",
        "\"#x\"",
        "\"a\\u0000\\n\\\"\\u007f\"",
        "(1 2)",
        "#{1 #{2}}",
        "{}",
        "{:a 1}",
        "{\"a\" 1}",
        "{0 97, 1 0}",
        "{\"a b\" 1}",
        "{\"#set\" 1}",
        "{:#set 1}",
        "{nil nil}",
        "#inst \"2020\"",
        "#a #b [:c]",
        "[[:r 1 nil] [:append 2 3]]",
        "[[\"r\" 1 nil]]",
        "[[\"r s\" 1 nil]]",
        "[[\":r\" 1]]",
        "[[\"~:r\"]]",
        "#uuid \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
        "9223372036854775808",
        "\"ü😀\"",
    ] {
        for f in [":read", ":txn", "nil", "\"read\"", "\":read\"", "[:foo :start]", "\"a b\"", "5"]
        {
            through_json(&format!(
                "{{:type :ok, :process \"p\", :f {f}, :value {value}, :error {value}}}"
            ));
        }
        through_json(&format!("{{:type :ok, :process {{:a 1}}, :clock {value}}}"));
        through_json(&format!("{{:type :ok, :process 1, {value} 1, \"type\" 2}}"));
    }
}

#[test]
fn json_as_elle_cli_has_it_is_read_with_keywords() {
    let text = r#"[{"type":"invoke","f":"txn","value":[["append",5,1],["r",5,null]],"process":0},
                   {"type":"ok","f":"txn","value":[["append",5,1],["r",5,[1]]],"process":0,"time":17,
                    "info":{"a":{"b":"c"}, "d e": 1}}]"#;
    let ops = json(text);
    assert_eq!(ops[0].kind, Kind::Invoke);
    assert_eq!(ops[0].f, Value::keyword("txn"));
    assert_eq!(ops[1].value.to_string(), "[[:append 5 1] [:r 5 [1]]]");
    assert_eq!(ops[1].extra[0].1.to_string(), "{:a {:b \"c\"}, \"d e\" 1}");
    assert_eq!(json(text.trim_matches(['[', ']']).replace("},\n", "}\n").as_str()), ops);
    let value_first = r#"{"value":[["r",1,null]],"type":"ok","process":1,"f":"txn"}"#;
    assert_eq!(json(value_first)[0].value.to_string(), "[[:r 1 nil]]");
}

#[test]
fn json_that_is_none_is_refused() {
    let op = r#"{"type":"ok","process":0}"#;
    for text in [
        format!("[{op}"),
        format!("[{op} {op}]"),
        format!("[{op},]"),
        format!("[,{op}]"),
        format!("{op},"),
        format!("{op}]"),
        "5".into(),
        r#"{"type":"ok","process":0"#.into(),
        "{type:1}".into(),
        r#"{"type":"ok","process":0,}"#.into(),
        r#"{"type":"ok" "process":0}"#.into(),
        r#"{"type":"ok","process":0,"value":1N}"#.into(),
        r#"{"type":"ok","process":0,"value":1/3}"#.into(),
        r#"{"type":"ok","process":0,"value":nil}"#.into(),
        r#"{"type":"ok","process":0,"value":[1 2]}"#.into(),
        r#"{"type":"ok","process":0,"value":{"a":1,"a":2}}"#.into(),
        r##"{"type":"ok","process":0,"value":{"#set":[1,1]}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#set":1}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#set":[],"b":1}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#edn":"(1"}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#edn":"1 2"}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#map":[[1]]}}"##.into(),
        r##"{"type":"ok","process":0,"value":{"#tag":[1,2]}}"##.into(),
    ] {
        refused(&text, Format::Json);
    }
    let strange = r##"[{"type":"ok","process":0,"value":[7,{"a":1,"#set":[1]}]}]"##;
    assert_eq!(json(strange)[0].value.to_string(), "[7 {:a 1, :#set [1]}]");
}

#[test]
fn plain_json_is_what_other_programs_expect() {
    let value =
        crate::edn::parse(b"{:valid? :unknown 1 [#{a} (1.5M) 12N ##NaN nil] \"s\" #inst \"x\"}");
    let mut out = Vec::new();
    write_value_json_plain(&value.unwrap(), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r###"{"valid?":"unknown","1":[["a"],["1.5M"],12,"##NaN",null],"s":"x"}"###
    );
}

#[test]
fn old_log_lines_are_read_with_tabs_or_spaces() {
    let text = "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\n\
                INFO  jepsen.core - Worker 3 starting\n\
                INFO  jepsen.util - 1  :invoke :read   nil\r\n\
                INFO  jepsen.util - 0   :info   :cas    :timed-out\n\
                INFO  jepsen.util - 1\t:fail\t:read\t:timed-out\n\
                INFO  jepsen.util - :nemesis\t:info\t:start\tnil";
    let ops = log(text);
    assert_eq!(ops.len(), 5);
    assert_eq!(ops[0].value.to_string(), "[1 2]");
    assert_eq!((ops[2].kind, &ops[2].error), (Kind::Info, &Some(Value::keyword("timed-out"))));
    assert_eq!(ops[2].value, Value::Nil);
    assert_eq!(ops[4].process, Process::nemesis());
}

#[test]
fn history_txt_is_read_with_errors_in_any_form() {
    let text = "0\t:invoke\t:write\t3\n0\t:info\t:write\t3\t:timeout\n\
                :nemesis\t:info\t:start\t[:isolated {\"n1\" #{\"n2\"}}]\n\
                1\t:invoke\t:read\tnil\n1\t:fail\t:read\tnil\tconnection refused: n1\n";
    let ops = log(text);
    assert_eq!(ops[1].error, Some(Value::keyword("timeout")));
    assert_eq!(ops[2].value.to_string(), "[:isolated {\"n1\" #{\"n2\"}}]");
    assert_eq!(ops[4].error, Some(Value::string("connection refused: n1")));
    for bad in ["0\t:invoke\t:write", "hello", "0\t:nothing\t:read\tnil", "0 :ok :read [1"] {
        refused(bad, Format::Log);
    }
}

#[test]
fn compressed_input_is_recognised_and_windows_do_not_show() {
    let one = |i: usize| {
        let (process, padding) = (i % 7, " ".repeat(i % 50));
        let kind = if (i / 7).is_multiple_of(2) { "invoke" } else { "ok" };
        format!("{{:process {process}, :type :{kind},{padding} :f :write, :value \"ü{i}\"}}\n")
    };
    let text: String = (0..40_000).map(one).collect();
    let whole = read_bytes(text.as_bytes(), Format::Edn).unwrap();
    assert!(text.len() > 2 << 20, "more than two windows");
    let streamed = read(text.as_bytes(), None).unwrap();
    assert_eq!(streamed.ops().to_vec(), whole);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(read(packed.as_slice(), None).unwrap().ops().to_vec(), whole);
    assert!(matches!(read(&packed[..packed.len() / 2], None), Err(ReadError::Io(_))));
    let frames: Vec<u8> = text.as_bytes().chunks(700_000).flat_map(zstd_frame).collect();
    assert_eq!(read(frames.as_slice(), None).unwrap().ops().to_vec(), whole);
    assert!(matches!(read(&frames[..frames.len() / 2], None), Err(ReadError::Io(_))));
    // An error far behind the first window knows its line and byte.
    let broken = format!("{text}\n  {{:type :ok :process ]");
    let message = read(broken.as_bytes(), None).unwrap_err().to_string();
    let byte = broken.len() - 1;
    assert_eq!(
        message,
        format!("line 40002, column 23 (byte {byte}): found `]`, expected a value")
    );
}

/// A compressed frame with a skippable one behind it.
fn zstd_frame(content: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let mut frame = ruzstd::encoding::compress_to_vec(content, level);
    frame.extend(b"\x50\x2a\x4d\x18\x03\0\0\0abc");
    frame
}

#[test]
fn one_form_may_be_larger_than_the_window() {
    let elements: Vec<String> = (0..500_000).map(|i| i.to_string()).collect();
    let text = format!("{{:type :info, :process :nemesis, :value [{}]}}", elements.join(" "));
    let history = read(text.as_bytes(), None).unwrap();
    assert_eq!(history.ops().at(0).value().items().map(<[Value]>::len), Some(500_000));
}

#[test]
fn a_malformed_history_names_both_lines() {
    let text = "; comment\n{:type :invoke, :process 3, :f :read, :index 10}\n\n\
                {:type :invoke, :process 3, :f :read, :index 20}\n";
    let message = read(text.as_bytes(), None).unwrap_err().to_string();
    assert_eq!(
        message,
        "line 4 (and line 2): process 3 invokes op 20 while its op 10 is still running"
    );
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(read_bytes(b"\xef\xbb\xbf[]", Format::Edn).unwrap(), []);
    assert!(read(b"\xef\xbb\xbf[]".as_slice(), None).unwrap().ops().is_empty());
}

#[test]
fn events_are_found_by_index_and_told_apart_by_who_they_are_of() {
    let text = "{:index 3, :process 0, :type :invoke, :f :write, :value [1 2]}
                {:index 4, :process :nemesis, :type :info, :f :kill}
                {:index 9, :process 0, :type :fail, :f :write, :value [1 2], :error :full}";
    let history = read(text.as_bytes(), Some(Format::Edn)).unwrap();
    let ops = history.ops();
    assert_eq!([3, 4, 9].map(|index| ops.position(index)), [Some(0), Some(1), Some(2)]);
    assert_eq!([0, 5, 10].map(|index| ops.position(index)), [None; 3]);
    let clients: Vec<(usize, Kind)> = ops.of_clients().collect();
    assert_eq!(clients, [(0, Kind::Invoke), (2, Kind::Fail)]);
    let others: Vec<usize> = ops.of_others().map(|(at, _)| at).collect();
    assert_eq!(others, [1]);
    let mut log = Vec::new();
    ops.iter().for_each(|op| write_log(op, &mut log).unwrap());
    let log = String::from_utf8(log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let expected = [
        "0\t:invoke\t:write\t[1 2]",
        ":nemesis\t:info\t:kill\tnil",
        "0\t:fail\t:write\t[1 2]\t:full",
    ];
    assert_eq!(lines, expected);
    let [_, value] = ops.at(0).pair().expect("a pair");
    assert_eq!(ops.at(0).with_value(value).to_op().value, Value::Int(2));
}

/// Events of three clients and a nemesis, in order but for one now and then.
fn line(index: usize, (who, how): (u64, u8), running: &mut [bool; 4]) -> String {
    let process = if who == 3 { ":nemesis".to_owned() } else { who.to_string() };
    let runs = std::mem::replace(&mut running[who as usize], how == 0);
    let kind = match how {
        0 => ":invoke",
        1 => ":info",
        _ if !runs => {
            running[who as usize] = true;
            ":invoke"
        }
        2 => ":fail",
        _ => ":ok",
    };
    let index = if how == 3 { index / 2 } else { index };
    format!("{{:index {index}, :process {process}, :type {kind}, :f :read}}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn events_are_paired_alike_however_many_come_at_a_time(
        events in proptest::collection::vec((0..4_u64, 0..40_u8), 0..40),
        window_bytes in 1_usize..400,
    ) {
        let mut running = [false; 4];
        let text: String =
            events.iter().enumerate().map(|(at, event)| line(at, *event, &mut running)).collect();
        let at_once = History::from_ops(read_bytes(text.as_bytes(), Format::Edn).unwrap());
        let in_pieces = read_by_windows(text.as_bytes(), Format::Edn, window_bytes);
        match (at_once, in_pieces) {
            (Ok(one), Ok(other)) => {
                assert_eq!(one.operations(), other.operations(), "{text}");
                let others = |history: &History| -> Vec<usize> {
                    history.ops().of_others().map(|(at, _)| at).collect()
                };
                assert_eq!(others(&one), others(&other), "{text}");
            }
            (Err(error), Err(ReadError::Malformed { error: other, .. })) => {
                assert_eq!(error, other, "{text}");
            }
            (one, other) => panic!("{one:?} or {other:?}: {text}"),
        }
    }
}
