//! Values as EDN text: one line, readable by Clojure and by our own reader without loss.
//!
//! What EDN has no spelling for (a keyword with a space in its name, built by a program) is
//! written as a string; no reader of this crate produces such values.

use std::fmt;
use std::io::{self, Write};

use super::cursor::is_token;
use super::number;
use super::reader::is_tag_start;
use super::text::NAMED_CHARACTERS;
use crate::value::Value;

/// Writes a value as EDN.
///
/// # Errors
///
/// Those of `out`.
pub fn write_value_edn(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Nil => out.write_all(b"nil"),
        Value::Bool(true) => out.write_all(b"true"),
        Value::Bool(false) => out.write_all(b"false"),
        Value::Int(number) => write_integer(*number, out),
        Value::BigInt(digits) if number::is_big(digits) => {
            out.write_all(digits.as_bytes())?;
            out.write_all(b"N")
        }
        Value::Exact(text) if number::is_exact(text) => out.write_all(text.as_bytes()),
        Value::Float(number) => write_float(*number, out),
        Value::Char(character) => write_char(*character, out),
        Value::Keyword(name) if is_keyword_name(name) => {
            out.write_all(b":")?;
            out.write_all(name.as_bytes())
        }
        Value::Symbol(name) if is_symbol_name(name) => out.write_all(name.as_bytes()),
        Value::Str(text)
        | Value::BigInt(text)
        | Value::Exact(text)
        | Value::Keyword(text)
        | Value::Symbol(text) => write_string(text, out),
        Value::List(items) => write_items(b"(", items, b")", out),
        Value::Vector(items) => write_items(b"[", items, b"]", out),
        Value::Set(items) => write_items(b"#{", items, b"}", out),
        Value::Map(entries) => write_map(entries, out),
        Value::Tagged(tag, inner) => {
            out.write_all(b"#")?;
            out.write_all(if is_tag(tag) { tag.as_bytes() } else { b"ordeal/unnamed" })?;
            out.write_all(b" ")?;
            write_value_edn(inner, out)
        }
    }
}

fn write_items(open: &[u8], items: &[Value], close: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(open)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.write_all(b" ")?;
        }
        write_value_edn(item, out)?;
    }
    out.write_all(close)
}

fn write_map(entries: &[(Value, Value)], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (i, (key, value)) in entries.iter().enumerate() {
        if i > 0 {
            out.write_all(b", ")?;
        }
        write_value_edn(key, out)?;
        out.write_all(b" ")?;
        write_value_edn(value, out)?;
    }
    out.write_all(b"}")
}

/// Writes an integer without going through the formatting machinery, which would be a third of
/// the time that writing an operation takes.
pub(crate) fn write_integer(number: i64, out: &mut impl Write) -> io::Result<()> {
    if number < 0 {
        out.write_all(b"-")?;
    }
    write_natural(number.unsigned_abs(), out)
}

/// [`write_integer`] for what has no sign.
pub(crate) fn write_natural(number: u64, out: &mut impl Write) -> io::Result<()> {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.write_all(&digits[first..])
}

/// Floating point is written with the fewest digits that are read as the same number, and always
/// with a point or an exponent, so that it does not come back as an integer.
fn write_float(number: f64, out: &mut impl Write) -> io::Result<()> {
    if number.is_finite() {
        write!(out, "{number:?}")
    } else if number.is_nan() {
        out.write_all(b"##NaN")
    } else if number > 0.0 {
        out.write_all(b"##Inf")
    } else {
        out.write_all(b"##-Inf")
    }
}

fn write_char(character: char, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\\")?;
    match NAMED_CHARACTERS.iter().find(|(_, named)| *named == character) {
        Some((name, _)) => out.write_all(name.as_bytes()),
        None if character.is_ascii_control() => write!(out, "u{:04x}", u32::from(character)),
        None => out.write_all(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn write_string(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    write_escaped(text.as_bytes(), out)?;
    out.write_all(b"\"")
}

/// Writes the inside of a string; EDN and JSON escape the same way.
pub(crate) fn write_escaped(text: &[u8], out: &mut impl Write) -> io::Result<()> {
    let mut plain = 0;
    for (i, byte) in text.iter().enumerate() {
        if *byte >= 0x20 && !matches!(byte, b'"' | b'\\' | 0x7f) {
            continue;
        }
        out.write_all(&text[plain..i])?;
        plain = i + 1;
        match byte {
            b'"' => out.write_all(b"\\\"")?,
            b'\\' => out.write_all(b"\\\\")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\t' => out.write_all(b"\\t")?,
            b'\r' => out.write_all(b"\\r")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
    }
    out.write_all(&text[plain..])
}

/// Whether `:name` reads as the keyword of this name.
pub(crate) fn is_keyword_name(name: &str) -> bool {
    is_token(name) && !name.starts_with(':')
}

fn is_symbol_name(name: &str) -> bool {
    let digit_second = name.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let like_number = name.starts_with(|first: char| first.is_ascii_digit())
        || (name.starts_with(['-', '+']) && digit_second);
    let special = name.starts_with([':', '#', '\\', '@', '^', '`', '~']);
    is_token(name) && !like_number && !special && !matches!(name, "nil" | "true" | "false")
}

/// Whether `#name` is read as this tag.
pub(crate) fn is_tag(name: &str) -> bool {
    is_token(name) && is_tag_start(name.as_bytes())
}

/// EDN, as [`write_value_edn`] writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value_edn(self, &mut FormatterOutput(f)).map_err(|_| fmt::Error)
    }
}

/// Lets a formatter be written to as a stream; all writes are whole pieces of UTF-8.
struct FormatterOutput<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for FormatterOutput<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
