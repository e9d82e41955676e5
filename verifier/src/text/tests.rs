use super::*;

fn one(text: &str, notation: Notation) -> Event {
    let mut events = events(text.as_bytes(), notation).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(events.len(), 1, "{text}");
    events.remove(0)
}

fn value(text: &str) -> Value {
    edn_value(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_operation_is_read_from_every_notation() {
    let edn = one("{:index 4, :type :ok, :process 3, :f :cas, :value [1 2]}", Notation::Edn);
    assert_eq!((edn.index, edn.process(), edn.kind), (4, Some(3), Kind::Ok));
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
    assert_eq!(event.error(), Some(&Value::Keyword("timed-out".into())));
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
