//! Reading JSON; the spelling is described in the parent module.

use std::sync::Arc;

use super::{is_bare_name, is_transaction};
use crate::edn::{
    Cursor, Fault, Read, Rest, SyntaxProblem, is_keyword_name, is_tag, number, refuse_duplicates,
};
use crate::history::draft::{Draft, Field};
use crate::history::input::Step;
use crate::value::Value;

/// Where in the file we are.
#[derive(Default)]
pub(in crate::history) enum JsonEvents {
    /// Between top-level values.
    #[default]
    Outside,
    /// Behind the bracket of an array, before its first element.
    Opened,
    /// Behind an element of an array.
    Within,
}

impl JsonEvents {
    /// Reads on, by at most one operation.
    pub(in crate::history) fn step(&mut self, cursor: &mut Cursor<'_>) -> Read<Step> {
        skip_white(cursor);
        match (cursor.peek()?, &self) {
            (None, JsonEvents::Outside) => return Ok(Step::End),
            (None, _) => return Err(cursor.unfinished()),
            (Some(b'['), JsonEvents::Outside) => {
                cursor.at += 1;
                *self = JsonEvents::Opened;
                return Ok(Step::Onward);
            }
            (Some(b']'), JsonEvents::Opened | JsonEvents::Within) => {
                cursor.at += 1;
                *self = JsonEvents::Outside;
                return Ok(Step::Onward);
            }
            (Some(b','), JsonEvents::Within) => {
                cursor.at += 1;
                skip_white(cursor);
            }
            (Some(_), JsonEvents::Within) => return Err(cursor.unexpected("`,` or `]`")),
            (Some(_), _) => {}
        }
        let at = cursor.at;
        if cursor.byte()? != b'{' {
            return Err(cursor.unexpected("an operation"));
        }
        let drafted = operation(cursor)?.finish()?;
        if !matches!(self, JsonEvents::Outside) {
            *self = JsonEvents::Within;
        }
        Ok(Step::Op { drafted, at })
    }
}

fn operation(cursor: &mut Cursor<'_>) -> Read<Draft> {
    let mut draft = Draft::new(cursor.at);
    let mut written_as_array = false;
    cursor.at += 1;
    let mut more = first_entry(cursor)?;
    while more {
        let key = cursor.string()?;
        colon(cursor)?;
        let at = cursor.at;
        match Field::named(key.as_bytes()) {
            Some(field @ (Field::Type | Field::F | Field::Process)) => {
                let name = name(cursor)?;
                draft.set(field, name, at)?;
            }
            Some(field) => {
                written_as_array |= field == Field::Value && cursor.byte()? == b'[';
                draft.set(field, value(cursor)?, at)?;
            }
            None if *key == *"#extra" => {
                for (key, value) in pairs(cursor)? {
                    draft.keep(key, value);
                }
            }
            None => {
                let value = value(cursor)?;
                draft.keep(key_value(key), value);
            }
        }
        more = next_entry(cursor)?;
    }
    if written_as_array && is_transaction(&draft.f) {
        name_micro_ops(&mut draft.value);
    }
    Ok(draft)
}

/// `["r", 1, null]` is `[:r 1 nil]`.
fn name_micro_ops(value: &mut Value) {
    let Value::Vector(micro_ops) = value else { return };
    for micro_op in micro_ops {
        if let Value::Vector(parts) = micro_op
            && let Some(head @ Value::Str(_)) = parts.first_mut()
            && let Value::Str(name) = head
            && is_keyword_name(name)
        {
            *head = Value::Keyword(name.clone());
        }
    }
}

/// Reads any value.
pub(in crate::history) fn value(cursor: &mut Cursor<'_>) -> Read<Value> {
    match cursor.byte()? {
        b'"' => cursor.string().map(string_value),
        b'[' => items(cursor).map(Value::Vector),
        b'{' => object(cursor),
        b'-' | b'0'..=b'9' => json_number(cursor),
        _ => {
            let start = cursor.at;
            match cursor.token()? {
                b"null" => Ok(Value::Nil),
                b"true" => Ok(Value::Bool(true)),
                b"false" => Ok(Value::Bool(false)),
                b"" => Err(cursor.unexpected("a value")),
                _ => Err(cursor.bad_token(start, "a value of JSON")),
            }
        }
    }
}

/// Reads a value where a string is a name.
pub(in crate::history) fn name(cursor: &mut Cursor<'_>) -> Read<Value> {
    if cursor.byte()? != b'"' {
        return value(cursor);
    }
    let text = cursor.string()?;
    Ok(if is_bare_name(&text) { Value::Keyword(text) } else { string_value(text) })
}

fn string_value(text: Arc<str>) -> Value {
    match text.as_bytes() {
        [b':', ..] if is_keyword_name(&text[1..]) => Value::Keyword(text[1..].into()),
        [b'~', b':' | b'~', ..] => Value::Str(text[1..].into()),
        _ => Value::Str(text),
    }
}

fn key_value(text: Arc<str>) -> Value {
    if is_keyword_name(&text) { Value::Keyword(text) } else { Value::Str(text) }
}

fn json_number(cursor: &mut Cursor<'_>) -> Read<Value> {
    if let Some(small) = cursor.small_integer() {
        return Ok(Value::Int(small));
    }
    let start = cursor.at;
    let token = cursor.token()?;
    let number = std::str::from_utf8(token).ok().and_then(number::parse);
    match number {
        Some(number @ (Value::Int(_) | Value::Float(_) | Value::BigInt(_))) if is_plain(token) => {
            Ok(number)
        }
        _ => Err(cursor.bad_token(start, "a number of JSON")),
    }
}

/// EDN knows more kinds of numbers than JSON: `1N`, `0x1`.
fn is_plain(token: &[u8]) -> bool {
    token.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// Reads the elements of an array, with the cursor at its bracket.
fn items(cursor: &mut Cursor<'_>) -> Read<Vec<Value>> {
    let first = cursor.tools.scratch.len();
    cursor.at += 1;
    cursor.nested(|cursor| {
        skip_white(cursor);
        if cursor.byte()? == b']' {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            skip_white(cursor);
            let item = value(cursor)?;
            cursor.tools.scratch.push(item);
            skip_white(cursor);
            match cursor.byte()? {
                b',' => cursor.at += 1,
                b']' => {
                    cursor.at += 1;
                    return Ok(());
                }
                _ => return Err(cursor.unexpected("`,` or `]`")),
            }
        }
    })?;
    Ok(cursor.tools.scratch.drain(first..).collect())
}

/// Reads an object, with the cursor at its brace.
fn object(cursor: &mut Cursor<'_>) -> Read<Value> {
    let start = cursor.at;
    let first = cursor.tools.scratch.len();
    cursor.at += 1;
    let special = cursor.nested(|cursor| {
        let mut more = first_entry(cursor)?;
        while more {
            let key = cursor.string()?;
            colon(cursor)?;
            if key.starts_with('#')
                && cursor.tools.scratch.len() == first
                && let Some(value) = special(cursor, &key)?
            {
                return Ok(Some(value));
            }
            let value = value(cursor)?;
            cursor.tools.scratch.extend([key_value(key), value]);
            more = next_entry(cursor)?;
        }
        Ok(None)
    })?;
    if let Some(value) = special {
        return Ok(value);
    }
    let entries = cursor.drain_pairs(first);
    refuse_duplicates(entries.iter().map(|(key, _)| key), start, "map")?;
    Ok(Value::Map(entries))
}

/// Reads what `key` announces, up to the end of the object; `None` if it announces nothing.
fn special(cursor: &mut Cursor<'_>, key: &str) -> Read<Option<Value>> {
    let at = cursor.at;
    let value = match key {
        "#set" => {
            let items = array(cursor)?;
            refuse_duplicates(items.iter(), at, "set")?;
            Value::Set(items)
        }
        "#list" => Value::List(array(cursor)?),
        "#map" => {
            let entries = pairs(cursor)?;
            refuse_duplicates(entries.iter().map(|(key, _)| key), at, "map")?;
            Value::Map(entries)
        }
        "#tag" => match <[Value; 2]>::try_from(array(cursor)?) {
            Ok([Value::Str(tag), inner]) if is_tag(&tag) => Value::Tagged(tag, Box::new(inner)),
            _ => return Err(not_special(at)),
        },
        "#edn" => embedded(cursor)?,
        _ => return Ok(None),
    };
    skip_white(cursor);
    if cursor.byte()? != b'}' {
        return Err(cursor.unexpected("`}`, since such an object has one entry"));
    }
    cursor.at += 1;
    Ok(Some(value))
}

fn not_special(at: usize) -> Fault {
    let text = "this is not what the `#` of its key announces";
    Fault::new(at, SyntaxProblem::NotAnOperation(text.into()))
}

fn array(cursor: &mut Cursor<'_>) -> Read<Vec<Value>> {
    if cursor.byte()? == b'[' { items(cursor) } else { Err(cursor.unexpected("an array")) }
}

fn pairs(cursor: &mut Cursor<'_>) -> Read<Vec<(Value, Value)>> {
    let at = cursor.at;
    let pair = |item: Value| match item {
        Value::Vector(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([key, value]) => Ok((key, value)),
            Err(_) => Err(not_special(at)),
        },
        _ => Err(not_special(at)),
    };
    array(cursor)?.into_iter().map(pair).collect()
}

/// Reads a string that holds one EDN value.
fn embedded(cursor: &mut Cursor<'_>) -> Read<Value> {
    let at = cursor.at;
    if cursor.byte()? != b'"' {
        return Err(cursor.unexpected("a string of EDN"));
    }
    let text = cursor.string()?;
    let mut inner = Cursor::new(text.as_bytes(), Rest::Nothing, cursor.tools);
    let result = inner.value().and_then(|value| match inner.skip_blanks()? {
        Some(_) => Err(inner.unexpected("the end")),
        None => Ok(value),
    });
    result.map_err(|fault| match fault.problem {
        // The inner text is complete: more of the outer one would not help.
        SyntaxProblem::Unfinished => not_special(at),
        problem => Fault::new(at, problem),
    })
}

fn first_entry(cursor: &mut Cursor<'_>) -> Read<bool> {
    skip_white(cursor);
    match cursor.byte()? {
        b'}' => {
            cursor.at += 1;
            Ok(false)
        }
        b'"' => Ok(true),
        _ => Err(cursor.unexpected("a key or `}`")),
    }
}

fn next_entry(cursor: &mut Cursor<'_>) -> Read<bool> {
    skip_white(cursor);
    match cursor.byte()? {
        b'}' => {
            cursor.at += 1;
            Ok(false)
        }
        b',' => {
            cursor.at += 1;
            skip_white(cursor);
            if cursor.byte()? == b'"' { Ok(true) } else { Err(cursor.unexpected("a key")) }
        }
        _ => Err(cursor.unexpected("`,` or `}`")),
    }
}

fn colon(cursor: &mut Cursor<'_>) -> Read<()> {
    skip_white(cursor);
    if cursor.byte()? != b':' {
        return Err(cursor.unexpected("`:`"));
    }
    cursor.at += 1;
    skip_white(cursor);
    Ok(())
}

/// JSON's white space; the comma is none here.
#[inline]
pub(in crate::history) fn skip_white(cursor: &mut Cursor<'_>) {
    let white = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    cursor.at += cursor.remaining().iter().take_while(white).count();
}
