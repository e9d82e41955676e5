//! Writing JSON; the spelling is described in the parent module. Nothing is allocated: this is
//! how the journal of a running test is written.

use std::io::{self, Write};

use super::{is_bare_name, is_transaction, needs_escape, object_key};
use crate::edn::{is_keyword_name, is_tag, write_escaped, write_integer, write_value_edn};
use crate::history::draft::Field;
use crate::history::view::OpRef;
use crate::op::Process;
use crate::value::Value;

/// Writes an operation as one line of JSON, without the line break.
///
/// # Errors
///
/// Those of `out`.
pub fn write_jsonl<'h>(op: impl Into<OpRef<'h>>, out: &mut impl Write) -> io::Result<()> {
    let op = op.into();
    write!(out, "{{\"index\":")?;
    write_unsigned(op.index, out)?;
    out.write_all(b",\"time\":")?;
    write_integer(op.time_ns, out)?;
    out.write_all(b",\"type\":\"")?;
    out.write_all(op.kind.word().as_bytes())?;
    out.write_all(b"\",\"process\":")?;
    match op.process {
        Process::Client(number) => write_unsigned(*number, out)?,
        Process::Other(name) => write_name(name, out)?,
    }
    out.write_all(b",\"f\":")?;
    write_name(op.f, out)?;
    out.write_all(b",\"value\":")?;
    if is_transaction(op.f) && has_strings_for_names(op.value()) {
        write_embedded(op.value(), out)?;
    } else {
        write_value_json(op.value(), out)?;
    }
    if let Some(error) = op.error {
        out.write_all(b",\"error\":")?;
        write_value_json(error, out)?;
    }
    write_extra(op.extra, out)?;
    out.write_all(b"}")
}

/// Writes a value as JSON that is read as the same value.
///
/// # Errors
///
/// Those of `out`.
pub fn write_value_json(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Nil => out.write_all(b"null"),
        Value::Bool(true) => out.write_all(b"true"),
        Value::Bool(false) => out.write_all(b"false"),
        Value::Int(number) => write_integer(*number, out),
        Value::Float(number) if number.is_finite() => write!(out, "{number:?}"),
        Value::Str(text) => {
            let escape = if needs_escape(text) { "~" } else { "" };
            write_string([escape, text], out)
        }
        Value::Keyword(name) if is_keyword_name(name) => write_string([":", name], out),
        Value::Vector(items) => write_items(items, out),
        Value::Set(items) => write_special("set", items, out),
        Value::List(items) => write_special("list", items, out),
        Value::Map(entries) => write_map(entries, out),
        Value::Tagged(tag, inner) if is_tag(tag) => {
            out.write_all(b"{\"#tag\":[")?;
            write_string(["", tag], out)?;
            out.write_all(b",")?;
            write_value_json(inner, out)?;
            out.write_all(b"]}")
        }
        _ => write_embedded(value, out),
    }
}

/// Writes a value as other programs like JSON: keywords and symbols as strings, sets and lists as
/// arrays, every map as an object. Not meant to be read back.
///
/// # Errors
///
/// Those of `out`.
pub fn write_value_json_plain(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Str(text) | Value::Keyword(text) | Value::Symbol(text) => {
            write_string(["", text], out)
        }
        Value::BigInt(digits) => out.write_all(digits.as_bytes()),
        Value::List(items) | Value::Vector(items) | Value::Set(items) => {
            out.write_all(b"[")?;
            for (i, item) in items.iter().enumerate() {
                separate(i, out)?;
                write_value_json_plain(item, out)?;
            }
            out.write_all(b"]")
        }
        Value::Map(entries) => {
            out.write_all(b"{")?;
            for (i, (key, value)) in entries.iter().enumerate() {
                separate(i, out)?;
                match key.name() {
                    Some(name) => write_string(["", name], out)?,
                    None => write_as_string(key, out)?,
                }
                out.write_all(b":")?;
                write_value_json_plain(value, out)?;
            }
            out.write_all(b"}")
        }
        Value::Tagged(_, inner) => write_value_json_plain(inner, out),
        Value::Nil | Value::Bool(_) | Value::Int(_) => write_value_json(value, out),
        Value::Float(number) if number.is_finite() => write_value_json(value, out),
        Value::Float(_) | Value::Exact(_) | Value::Char(_) => write_as_string(value, out),
    }
}

fn write_name(name: &Value, out: &mut impl Write) -> io::Result<()> {
    match name {
        Value::Keyword(text) if is_bare_name(text) => write_string(["", text], out),
        Value::Str(text) if is_bare_name(text) => write_embedded(name, out),
        _ => write_value_json(name, out),
    }
}

/// Whether this, as an array of arrays, would be read with keywords where it has strings.
fn has_strings_for_names(value: &Value) -> bool {
    let Value::Vector(micro_ops) = value else { return false };
    micro_ops.iter().any(|micro_op| match micro_op {
        Value::Vector(parts) => {
            matches!(parts.first(), Some(Value::Str(head)) if is_keyword_name(head))
        }
        _ => false,
    })
}

fn write_extra(extra: &[(Value, Value)], out: &mut impl Write) -> io::Result<()> {
    let plain =
        |key: &Value| object_key(key).is_some_and(|name| Field::named(name.as_bytes()).is_none());
    if extra.iter().all(|(key, _)| plain(key)) {
        for (key, value) in extra {
            out.write_all(b",")?;
            write_string(["", object_key(key).unwrap_or_default()], out)?;
            out.write_all(b":")?;
            write_value_json(value, out)?;
        }
        return Ok(());
    }
    out.write_all(b",\"#extra\":")?;
    write_pairs(extra, out)
}

fn write_items(items: &[Value], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (i, item) in items.iter().enumerate() {
        separate(i, out)?;
        write_value_json(item, out)?;
    }
    out.write_all(b"]")
}

fn write_special(name: &str, items: &[Value], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\"#")?;
    out.write_all(name.as_bytes())?;
    out.write_all(b"\":")?;
    write_items(items, out)?;
    out.write_all(b"}")
}

fn write_map(entries: &[(Value, Value)], out: &mut impl Write) -> io::Result<()> {
    if entries.iter().any(|(key, _)| object_key(key).is_none()) {
        out.write_all(b"{\"#map\":")?;
        write_pairs(entries, out)?;
        return out.write_all(b"}");
    }
    out.write_all(b"{")?;
    for (i, (key, value)) in entries.iter().enumerate() {
        separate(i, out)?;
        write_string(["", object_key(key).unwrap_or_default()], out)?;
        out.write_all(b":")?;
        write_value_json(value, out)?;
    }
    out.write_all(b"}")
}

fn write_pairs(entries: &[(Value, Value)], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (i, (key, value)) in entries.iter().enumerate() {
        separate(i, out)?;
        out.write_all(b"[")?;
        write_value_json(key, out)?;
        out.write_all(b",")?;
        write_value_json(value, out)?;
        out.write_all(b"]")?;
    }
    out.write_all(b"]")
}

fn write_embedded(value: &Value, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\"#edn\":")?;
    write_as_string(value, out)?;
    out.write_all(b"}")
}

/// Writes the EDN of a value as a string.
fn write_as_string(value: &Value, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    write_value_edn(value, &mut Escaped(&mut *out as &mut dyn Write))?;
    out.write_all(b"\"")
}

fn write_string(parts: [&str; 2], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for part in parts {
        write_escaped(part.as_bytes(), out)?;
    }
    out.write_all(b"\"")
}

fn write_unsigned(number: u64, out: &mut impl Write) -> io::Result<()> {
    match i64::try_from(number) {
        Ok(small) => write_integer(small, out),
        Err(_) => write!(out, "{number}"),
    }
}

fn separate(i: usize, out: &mut impl Write) -> io::Result<()> {
    if i > 0 { out.write_all(b",") } else { Ok(()) }
}

/// Escapes what is written through it, for the inside of a string.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_escaped(bytes, &mut self.0)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
