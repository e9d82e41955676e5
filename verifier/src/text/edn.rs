//! EDN: values, and histories as Jepsen writes them.
//!
//! A history is a sequence of operations, or one vector or list of them; an operation is a map
//! with or without a tag, or a vector `[process type f value]`.

use std::sync::Arc;

use super::cursor::{Cursor, Read, Unreadable};
use super::events::Piece;
use super::number;
use super::scribe::{Draft, Field, Scribe};
use crate::value::Value;

/// Passes blanks, comments and discarded forms; the byte that follows, if any.
pub(super) fn next(cursor: &mut Cursor<'_>) -> Read<Option<u8>> {
    loop {
        cursor.skip(|byte| byte.is_ascii_whitespace() || byte == b',' || byte == 0x0b);
        match (cursor.peek(), cursor.peek_at(1)) {
            (Some(b';'), _) | (Some(b'#'), Some(b'!')) => cursor.skip_line(),
            (Some(b'#'), Some(b'_')) => {
                cursor.at += 2;
                cursor.nested(value)?;
            }
            (byte, _) => return Ok(byte),
        }
    }
}

/// Like [`next`], where something must follow.
fn must(cursor: &mut Cursor<'_>) -> Read<u8> {
    next(cursor)?.ok_or_else(|| cursor.refuse("more, but the text ends"))
}

/// Reads one value.
pub(super) fn value(cursor: &mut Cursor<'_>) -> Read<Value> {
    match must(cursor)? {
        b'"' => Ok(Value::Str(cursor.string()?.into())),
        b'[' => items(cursor, b']').map(Value::vector),
        b'(' => items(cursor, b')').map(Value::vector),
        b'{' => map(cursor, None),
        b'#' => dispatch(cursor),
        b'\\' => character(cursor),
        b':' => Ok(Value::Keyword(keyword(cursor)?.into())),
        b')' | b']' | b'}' | b'@' | b'^' | b'`' | b'~' => Err(cursor.refuse("a value")),
        _ => match cursor.small_integer() {
            Some(small) => Ok(Value::Int(small)),
            None => word(cursor),
        },
    }
}

/// The name of a keyword.
fn keyword<'a>(cursor: &mut Cursor<'a>) -> Read<&'a str> {
    cursor.at += 1;
    match cursor.word()? {
        "" => Err(cursor.refuse("a keyword")),
        name if name.starts_with(':') => Err(cursor.refuse("a keyword with one colon")),
        name => Ok(name),
    }
}

fn word(cursor: &mut Cursor<'_>) -> Read<Value> {
    let start = cursor.at;
    let word = cursor.word()?;
    let bytes = word.as_bytes();
    let signed = matches!(bytes.first(), Some(b'-' | b'+'));
    let digit = bytes.get(usize::from(signed)).is_some_and(u8::is_ascii_digit);
    let refused = |expected: &str| Unreadable { at: start, expected: expected.to_owned() };
    match word {
        "" => Err(refused("a value")),
        "nil" => Ok(Value::Nil),
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        _ if digit => number::read(word).ok_or_else(|| refused("a number")),
        _ => Ok(Value::Symbol(word.into())),
    }
}

/// Reads elements up to the closing bracket, with the cursor at the opening one.
fn items(cursor: &mut Cursor<'_>, close: u8) -> Read<Vec<Value>> {
    cursor.at += 1;
    cursor.nested(|cursor| {
        let mut items = Vec::new();
        while must(cursor)? != close {
            items.push(value(cursor)?);
        }
        cursor.at += 1;
        Ok(items)
    })
}

/// Reads a map, with the cursor at its brace; bare names get the namespace, if there is one.
fn map(cursor: &mut Cursor<'_>, namespace: Option<&str>) -> Read<Value> {
    let start = cursor.at;
    let mut items = items(cursor, b'}')?.into_iter();
    let mut entries = Vec::new();
    while let Some(key) = items.next() {
        let value = items.next().ok_or(Unreadable { at: start, expected: "pairs".to_owned() })?;
        entries.push((qualified(key, namespace), value));
    }
    let twice = || Unreadable { at: start, expected: "no key twice in a map".to_owned() };
    Value::map(entries).ok_or_else(twice)
}

/// In `#:space{:a 1}` the key is `:space/a`; `:_/a` opts out.
fn qualified(key: Value, namespace: Option<&str>) -> Value {
    let qualify = |name: &str, space: &str| -> Arc<str> {
        match name.strip_prefix("_/") {
            Some(bare) => bare.into(),
            None if name.contains('/') => name.into(),
            None => format!("{space}/{name}").into(),
        }
    };
    match (key, namespace) {
        (Value::Keyword(name), Some(space)) => Value::Keyword(qualify(&name, space)),
        (Value::Symbol(name), Some(space)) => Value::Symbol(qualify(&name, space)),
        (key, _) => key,
    }
}

/// Reads what starts with `#`.
fn dispatch(cursor: &mut Cursor<'_>) -> Read<Value> {
    match cursor.peek_at(1) {
        Some(b'{') => {
            cursor.at += 1;
            items(cursor, b'}').map(Value::set)
        }
        Some(b'#') => {
            cursor.at += 2;
            match cursor.word()? {
                "Inf" => Ok(Value::float(f64::INFINITY)),
                "-Inf" => Ok(Value::float(f64::NEG_INFINITY)),
                "NaN" => Ok(Value::float(f64::NAN)),
                _ => Err(cursor.refuse("##Inf, ##-Inf or ##NaN")),
            }
        }
        Some(b':') => {
            cursor.at += 2;
            let space = cursor.word()?;
            match must(cursor)? {
                b'{' => map(cursor, Some(space)),
                _ => Err(cursor.refuse("a map after its namespace")),
            }
        }
        _ => {
            let tag = tag(cursor)?;
            let inner = cursor.nested(value)?;
            Ok(Value::Tagged(Arc::new((tag.into(), inner))))
        }
    }
}

fn tag<'a>(cursor: &mut Cursor<'a>) -> Read<&'a str> {
    cursor.at += 1;
    match cursor.word()? {
        "" => Err(cursor.refuse("a tag")),
        tag => Ok(tag),
    }
}

/// Reads a character, with the cursor at its backslash.
fn character(cursor: &mut Cursor<'_>) -> Read<Value> {
    cursor.at += 1;
    let start = cursor.at;
    // The first character belongs to it even where it would end a word: `\(`.
    let rest = cursor.rest();
    let head = (1..=4).find_map(|length| std::str::from_utf8(rest.get(..length)?).ok());
    let head = head.ok_or_else(|| cursor.refuse("a character"))?;
    cursor.at += head.len();
    let spelled = format!("{head}{}", cursor.word()?);
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
    let mut characters = spelled.chars();
    let one = match (characters.next(), characters.as_str()) {
        (Some(single), "") => Some(single),
        (Some('u'), hex) if hex.len() == 4 => code(hex, 16).and_then(char::from_u32),
        (Some('o'), octal) => code(octal, 8).filter(|code| *code <= 0o377).and_then(char::from_u32),
        _ => named(&spelled),
    };
    let refused = || Unreadable { at: start, expected: "a character".to_owned() };
    one.map(Value::Char).ok_or_else(refused)
}

fn named(spelled: &str) -> Option<char> {
    Some(match spelled {
        "newline" => '\n',
        "space" => ' ',
        "tab" => '\t',
        "return" => '\r',
        "backspace" => '\u{8}',
        "formfeed" => '\u{c}',
        _ => return None,
    })
}

/// The events of a history.
pub(super) fn events(text: &[u8]) -> Read<Piece> {
    let (mut cursor, mut scribe) = (Cursor::new(text), Scribe::of(text));
    let mut within = None;
    while let Some(byte) = next(&mut cursor)? {
        match (byte, within) {
            (byte, Some(close)) if byte == close => {
                cursor.at += 1;
                within = None;
            }
            (b'[' | b'(', None) if holds_operations(&mut cursor)? => {
                cursor.at += 1;
                within = Some(if byte == b'[' { b']' } else { b')' });
            }
            _ => {
                let draft = operation(&mut cursor, byte, &mut scribe)?;
                scribe.push(&cursor, &draft)?;
            }
        }
    }
    match within {
        None => Ok(scribe.done()),
        Some(_) => Err(cursor.refuse("the end of the vector of operations")),
    }
}

/// Whether the bracket at the cursor holds operations, rather than being one.
fn holds_operations(cursor: &mut Cursor<'_>) -> Read<bool> {
    let start = cursor.at;
    cursor.at += 1;
    let inner = must(cursor)?;
    cursor.at = start;
    Ok(matches!(inner, b'{' | b'#' | b'[' | b'(' | b']' | b')'))
}

fn operation<'t>(cursor: &mut Cursor<'t>, byte: u8, scribe: &mut Scribe<'t>) -> Read<Draft> {
    match byte {
        b'{' => entries(cursor, scribe),
        b'#' => {
            tag(cursor)?;
            match must(cursor)? {
                b'{' => entries(cursor, scribe),
                _ => Err(cursor.refuse("an operation after its tag")),
            }
        }
        b'[' => tuple(cursor, b']', scribe),
        b'(' => tuple(cursor, b')', scribe),
        _ => Err(cursor.refuse("an operation")),
    }
}

fn entries<'t>(cursor: &mut Cursor<'t>, scribe: &mut Scribe<'t>) -> Read<Draft> {
    cursor.at += 1;
    let mut draft = Draft::new();
    loop {
        let field = match must(cursor)? {
            b'}' => break,
            b':' => Field::named(keyword(cursor)?),
            _ => value(cursor).map(|_| None)?,
        };
        if must(cursor)? == b'}' {
            return Err(cursor.refuse("a value for the last key"));
        }
        match field {
            Some(Field::Index) => {
                let index = value(cursor)?;
                draft.put_index(cursor, index)?;
            }
            Some(field) => {
                let at = scribe.pool(field).read(cursor, value)?;
                draft.put(cursor, field, at)?;
            }
            None => drop(value(cursor)?),
        }
    }
    cursor.at += 1;
    Ok(draft)
}

fn tuple(cursor: &mut Cursor<'_>, close: u8, scribe: &mut Scribe<'_>) -> Read<Draft> {
    let Ok([process, kind, f, value]) = <[Value; 4]>::try_from(items(cursor, close)?) else {
        return Err(cursor.refuse("[process type f value]"));
    };
    let mut draft = Draft::new();
    let fields = [(Field::Process, process), (Field::Type, kind), (Field::F, f)];
    for (field, value) in fields.into_iter().chain([(Field::Value, value)]) {
        draft.put(cursor, field, scribe.pool(field).shared(value))?;
    }
    Ok(draft)
}
