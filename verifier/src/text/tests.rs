use super::*;

fn events(text: &[u8], notation: Notation) -> Result<Events, String> {
    history(Source::Bytes(text), notation, 1 << 30).expect("memory can be read").events
}

/// All that an event says.
#[derive(Debug, PartialEq)]
struct Said {
    index: u64,
    process: Option<u64>,
    kind: Kind,
    f: Value,
    value: Value,
    error: Option<Value>,
    key: Option<Value>,
}

fn said(event: Event<'_>) -> Said {
    Said {
        index: event.index,
        process: event.process(),
        kind: event.kind(),
        f: event.f().clone(),
        value: event.value().clone(),
        error: event.error().cloned(),
        key: event.key().cloned(),
    }
}

fn all(text: &[u8], notation: Notation) -> Vec<Said> {
    let events = events(text, notation).unwrap_or_else(|error| panic!("{error}"));
    events.iter().map(said).collect()
}

fn one(text: &str, notation: Notation) -> Said {
    let mut events = all(text.as_bytes(), notation);
    assert_eq!(events.len(), 1, "{text}");
    events.remove(0)
}

fn value(text: &str) -> Value {
    edn_value(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_operation_is_read_from_every_notation() {
    let edn = one("{:index 4, :type :ok, :process 3, :f :cas, :value [1 2]}", Notation::Edn);
    assert_eq!((edn.index, edn.process, edn.kind), (4, Some(3), Kind::Ok));
    assert_eq!(edn.value, value("[1 2]"));
    let json = r#"{"index":4,"type":"ok","process":3,"f":"cas","value":[1,2]}"#;
    assert_eq!(one(json, Notation::Auto), edn);
    assert_eq!(one(&format!("[{json}]"), Notation::Auto), edn);
    let tagged = "#jepsen.history.Op{:value (1 2N) :f :cas :process 3 :type :ok :index 4}";
    assert_eq!(one(tagged, Notation::Auto), edn);
    let mut line = one("INFO  jepsen.util - 3\t:ok\t:cas\t[1 2]\n", Notation::Auto);
    line.index = 4;
    assert_eq!(line, edn);
}

#[test]
fn a_reason_in_the_place_of_a_value_is_an_error() {
    let event = one("INFO  jepsen.util - 3 :info :write :timed-out", Notation::Log);
    assert_eq!(event.value, Value::Nil);
    assert_eq!(event.error, Some(Value::Keyword("timed-out".into())));
}

#[test]
fn equal_values_are_equal_however_they_are_spelled() {
    for (a, b) in [
        ("(1 2)", "[1, 2N]"),
        ("#{2 1}", "#{1 2}"),
        ("{:a 1 :b 2}", "{:b 2, :a 1}"),
        ("-0.0", "0.0"),
        ("##NaN", "##NaN"),
        ("#:s{:a 1 :_/b 2}", "{:s/a 1 :b 2}"),
        ("\"\\u0041\\101\"", "\"AA\""),
        ("#_ x 5 ; five", "5"),
        ("\\newline", "\\o12"),
    ] {
        assert_eq!(value(a), value(b), "{a} and {b}");
    }
    assert_ne!(value("1"), value("1.0"));
    assert_ne!(value("\"a\""), value(":a"));
}

#[test]
fn json_says_what_clojure_would_have_had_there() {
    let read = |text: &str| {
        let op = format!(r#"{{"type":"ok","process":0,"f":"x","value":{text}}}"#);
        one(&op, Notation::Json).value
    };
    assert_eq!(read(r#"":a""#), value(":a"));
    assert_eq!(read(r#""~:a""#), value("\":a\""));
    assert_eq!(read(r##"{"#set":[2,1]}"##), value("#{1 2}"));
    assert_eq!(read(r##"{"#map":[[1,2]]}"##), value("{1 2}"));
    assert_eq!(read(r##"{"#edn":"1.5M"}"##), value("1.5M"));
    assert_eq!(read(r##"{"#tag":["inst","2020"]}"##), value("#inst \"2020\""));
    assert_eq!(read(r#"{"a b":null}"#), value("{\"a b\" nil}"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for text in [
        "5",
        "{:type :ok}",
        "{:process 0}",
        "{:type :ok :process -1}",
        "{:type :ok :process 0",
        "{:type :ok :process 0 :type :ok}",
        "[{:type :ok :process 0}",
        "[0 :ok :read]",
        "017",
        "{:type :ok :process 0 :value \"\\ud800\"}",
    ] {
        assert!(events(text.as_bytes(), Notation::Edn).is_err(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(edn_value(&deep).is_err());
    assert!(json_value(deep.as_bytes()).is_err());
}

/// More than fit one piece, with tables of their own in each: a reason and an index here and there.
#[test]
fn a_long_history_reads_as_its_lines_do() {
    let line = |at: u64| {
        let value = at * 7 % 1000;
        let rest = match at % 5 {
            0 => format!(":type :invoke, :f :write, :value [{value} \"\u{e4}{at}\"], :key {value}"),
            1 => format!(":type :info, :f :write, :value #{{{value}}}, :error [:x {value}]"),
            _ => format!(":type :ok, :f :read, :value [{value} nil]"),
        };
        let index =
            if at % 3 == 2 { String::new() } else { format!(":index {}, ", at + at / 90_000) };
        format!("{{{index}:process {}, {rest}}}\n", at % 13)
    };
    let count = 100_000;
    let text: String = (0..count).map(line).collect();
    assert!(text.len() > 6 << 20, "it is {} bytes", text.len());
    let events = events(text.as_bytes(), Notation::Auto).expect("it is a history");
    let indices: Vec<u64> = (0..count).map(|at| at + at / 90_000).collect();
    assert_eq!(events.len() as u64, count);
    for (at, (event, index)) in events.iter().zip(indices).enumerate() {
        let alone = one(&line(at as u64), Notation::Edn);
        assert_eq!(said(event), Said { index, ..alone });
        assert_eq!(events.position(index), Some(at));
    }
    assert_eq!((events.position(90_000), events.position(count + 1)), (None, None));
}

#[test]
fn a_mistake_in_a_long_history_has_its_place() {
    let mut text = "{:type :invoke, :process 1, :f :read, :value nil}\n".repeat(100_000);
    let place = text.len();
    text.push_str("{:type :ok, :process}");
    let error = events(text.as_bytes(), Notation::Edn).expect_err("a value is missing");
    assert_eq!(error, format!("byte {}: expected a value for the last key", place + 20));
    let lines = text.lines().count();
    let several = text.replace(", ", ",\n").replace("process}", "process 1}");
    assert_eq!(all(several.as_bytes(), Notation::Edn).len(), lines);
}

#[test]
fn a_byte_order_mark_says_nothing() {
    for text in ["", "{:type :ok, :process 1}"] {
        let marked = [MARK, text.as_bytes()].concat();
        assert_eq!(all(&marked, Notation::Auto), all(text.as_bytes(), Notation::Auto));
    }
}
