use super::*;

fn read(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Reads, writes and reads again; returns what was written.
fn round(text: &str) -> String {
    let value = read(text);
    let written = value.to_string();
    assert_eq!(read(&written), value, "{text} was written as {written}");
    written
}

fn refused(text: &str) -> String {
    parse(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn every_kind_of_value_is_read_and_written_as_it_was() {
    for text in [
        "nil",
        "true",
        "false",
        "0",
        "-7",
        "123N",
        "1.5",
        "1.5M",
        "1/3",
        "##Inf",
        "##-Inf",
        "##NaN",
        "\\a",
        "\\newline",
        "\\space",
        "\\(",
        "\\u0000",
        "\"a\\\"b\\\\c\\n\\t\"",
        ":a",
        ":jepsen/start",
        "sym",
        "ns/sym",
        "-",
        "+",
        "-a",
        "/",
        "()",
        "(1 2)",
        "[1 [2 []]]",
        "{}",
        "{:from 5, :to 2}",
        "{0 97, 1 0}",
        "#{}",
        "#{3 1 2}",
        "\"ü – 漢\"",
        ":ü",
        "-1.0E10",
        "#inst \"2020-01-01T00:00:00.000-00:00\"",
        "#uuid \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
        "#jepsen.history.Op {:index 0}",
        "#knossos.model.CASRegister {:value 3}",
        "[[:r 1 nil] [:append 2 3]]",
        "[:a nil \"x\" {} #{[1]}]",
    ] {
        assert_eq!(round(text).replace("-10000000000.0", "-1.0E10"), text);
    }
}

#[test]
fn blanks_comments_commas_and_discards_mean_nothing() {
    assert_eq!(read("; hello\n [1,,2 #_3 #_#_4 5 ;; six\n 7 #_{:a [b]}]\n; end"), read("[1 2 7]"));
    assert_eq!(read("#{1\n  2}"), read("#{1 2}"));
}

#[test]
fn tags_may_touch_what_they_tag() {
    assert_eq!(read("#a.B{:c 1}"), read("#a.B {:c 1}"));
    assert_eq!(read("#inst\"2020\""), read("#inst \"2020\""));
}

#[test]
fn namespaced_maps_are_spelled_out() {
    assert_eq!(read("#:a{:b 1 :_/c 2 :d/e 3}"), read("{:a/b 1 :c 2 :d/e 3}"));
    assert!(refused("#:a{:b 1 :a/b 2}").contains("twice"));
}

#[test]
fn escapes_mean_what_clojure_and_json_say() {
    assert_eq!(read(r#""\u00fc\ud83d\ude00\101\/""#), Value::string("ü😀A/"));
    assert_eq!(read(r"\u00fc"), Value::Char('ü'));
    assert_eq!(read(r"\o101"), Value::Char('A'));
    for bad in [r#""\q""#, r#""\ud83d""#, r#""\ud83dx""#, r#""\u12""#, r#""\777""#, r"\abc"] {
        refused(bad);
    }
}

#[test]
fn control_characters_are_escaped_on_the_way_out() {
    let written = Value::string("a\u{0}\u{1b}\u{7f}").to_string();
    assert_eq!(written, r#""a\u0000\u001b\u007f""#);
    assert_eq!(read(&written), Value::string("a\u{0}\u{1b}\u{7f}"));
}

#[test]
fn what_is_not_edn_is_refused() {
    for text in [
        "",
        " ",
        "[",
        "(1",
        "{:a",
        "{:a}",
        "{:a 1 :b}",
        "]",
        "[1)",
        "\"abc",
        "\"abc\\",
        ":",
        "::a",
        "\\",
        "#",
        "#{1 1}",
        "{:a 1 :a 2}",
        "{1 2, 3 4, 1 5}",
        "@a",
        "^{:a 1} b",
        "`a",
        "#\"re\"",
        "#(+ 1)",
        "##Foo",
        "007",
        "1.2.3",
        "1 2",
        "\u{0}",
        "a\u{1}",
        "#_",
        "#_a",
        "#a",
        "#:a",
        "#:a[1]",
    ] {
        refused(text);
    }
    assert!(parse(b"\"\xff\"").is_err());
    assert!(parse(b":\xff").is_err());
}

#[test]
fn errors_name_byte_line_and_column() {
    let error = parse("[1\n ü 017]".as_bytes()).unwrap_err();
    assert_eq!((error.offset, error.line, error.column), (7, 2, 4));
    assert_eq!(error.to_string(), "line 2, column 4 (byte 7): `017` is not a number");
}

#[test]
fn nesting_is_bounded_however_it_is_spelled() {
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{1 ", "}"), ("#{", "}"), ("#a ", ""), ("#_", "")]
    {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(refused(&deep).contains("nested deeper"), "{open}");
    }
    read(&format!("{}{}", "[".repeat(150), "]".repeat(150)));
}

#[test]
fn names_that_edn_cannot_spell_are_written_as_strings() {
    assert_eq!(Value::keyword("a b").to_string(), "\"a b\"");
    assert_eq!(Value::Symbol("nil".into()).to_string(), "\"nil\"");
}
