//! JSON: histories as arrays or lines of objects, and plain documents.
//!
//! In histories a string with a colon in front is a keyword (`":timeout"`), one with a `~` in
//! front is what follows, and an object with one entry named `#set`, `#list`, `#map`, `#tag` or
//! `#edn` is what that says. Names (`type`, `f`, `process`, keys of objects) are keywords without
//! their colon. In operations whose `f` is `txn`, or missing, the heads of micro-ops are keywords.

use std::borrow::Cow;
use std::sync::Arc;

use super::cursor::{Cursor, Read};
use super::events::Piece;
use super::scribe::{Draft, Field, Scribe};
use super::{number, pool};
use crate::value::Value;

/// What strings and objects mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Themselves.
    Plain,
    /// What Clojure would have had there.
    History,
}

fn skip(cursor: &mut Cursor<'_>) {
    cursor.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
}

/// One document and nothing else.
pub(super) fn plain(text: &[u8]) -> Read<Value> {
    let mut cursor = Cursor::new(text);
    skip(&mut cursor);
    let value = value(&mut cursor, Dialect::Plain)?;
    skip(&mut cursor);
    if cursor.rest().is_empty() { Ok(value) } else { Err(cursor.refuse("one value and no more")) }
}

fn value(cursor: &mut Cursor<'_>, dialect: Dialect) -> Read<Value> {
    match cursor.peek() {
        Some(b'"') => {
            let text = cursor.string()?;
            Ok(if dialect == Dialect::Plain { Value::Str(text.into()) } else { string(&text) })
        }
        Some(b'[') => items(cursor, dialect).map(Value::vector),
        Some(b'{') => object(cursor, dialect),
        Some(b'-' | b'0'..=b'9') => {
            if let Some(small) = cursor.small_integer() {
                return Ok(Value::Int(small));
            }
            let word = cursor.word()?;
            let plain = word.bytes().all(|byte| b"0123456789.-+eE".contains(&byte));
            number::read(word).filter(|_| plain).ok_or_else(|| cursor.refuse("a number"))
        }
        _ => match cursor.word()? {
            "null" => Ok(Value::Nil),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(cursor.refuse("a value of JSON")),
        },
    }
}

/// Whether a keyword can have this name.
fn is_name(text: &str) -> bool {
    let breaks = |byte: u8| byte < 0x20 || byte == 0x7f || b" ,()[]{}\";".contains(&byte);
    !text.is_empty() && !text.starts_with(':') && !text.bytes().any(breaks)
}

fn string(text: &str) -> Value {
    match text.strip_prefix(':') {
        Some(name) if is_name(name) => Value::Keyword(name.into()),
        _ if text.starts_with("~:") || text.starts_with("~~") => Value::Str(text[1..].into()),
        _ => Value::Str(text.into()),
    }
}

/// A string where a name is expected.
fn name(text: &str) -> Value {
    match is_name(text) && !text.starts_with("~:") && !text.starts_with("~~") {
        true => Value::Keyword(text.into()),
        false => string(text),
    }
}

fn items(cursor: &mut Cursor<'_>, dialect: Dialect) -> Read<Vec<Value>> {
    cursor.nested(|cursor| {
        let mut items = Vec::new();
        listed(cursor, b']', |cursor| {
            items.push(value(cursor, dialect)?);
            Ok(())
        })?;
        Ok(items)
    })
}

/// Reads what stands between brackets, parted by commas.
fn listed<'t>(
    cursor: &mut Cursor<'t>,
    close: u8,
    mut each: impl FnMut(&mut Cursor<'t>) -> Read<()>,
) -> Read<()> {
    cursor.at += 1;
    skip(cursor);
    if cursor.peek() == Some(close) {
        cursor.at += 1;
        return Ok(());
    }
    loop {
        skip(cursor);
        each(cursor)?;
        skip(cursor);
        match cursor.peek() {
            Some(b',') => cursor.at += 1,
            Some(byte) if byte == close => break,
            _ => return Err(cursor.refuse("`,` or the closing bracket")),
        }
    }
    cursor.at += 1;
    Ok(())
}

fn key<'t>(cursor: &mut Cursor<'t>) -> Read<Cow<'t, str>> {
    let key = cursor.string()?;
    skip(cursor);
    cursor.expect(b':', "`:`")?;
    skip(cursor);
    Ok(key)
}

fn object(cursor: &mut Cursor<'_>, dialect: Dialect) -> Read<Value> {
    let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
    cursor.nested(|cursor| {
        listed(cursor, b'}', |cursor| {
            entries.push((key(cursor)?.into(), value(cursor, dialect)?));
            Ok(())
        })
    })?;
    if dialect == Dialect::History && entries.len() == 1 && entries[0].0.starts_with('#') {
        let (key, inner) = entries.swap_remove(0);
        return special(cursor, &key, inner);
    }
    let key = |key: Arc<str>| match dialect {
        Dialect::History if is_name(&key) => Value::Keyword(key),
        _ => Value::Str(key),
    };
    let entries = entries.into_iter().map(|(text, value)| (key(text), value)).collect();
    Value::map(entries).ok_or_else(|| cursor.refuse("no key twice in an object"))
}

/// What `{"#…": inner}` stands for.
fn special(cursor: &Cursor<'_>, key: &str, inner: Value) -> Read<Value> {
    let refused = || cursor.refuse("what the `#` of the key announces");
    match (key, inner) {
        ("#set", Value::Vector(items)) => Ok(Value::set(items.to_vec())),
        ("#list", Value::Vector(items)) => Ok(Value::Vector(items)),
        ("#map", Value::Vector(pairs)) => {
            let entries = pairs.iter().map(|pair| match pair.items() {
                Some([key, value]) => Some((key.clone(), value.clone())),
                _ => None,
            });
            let entries = entries.collect::<Option<Vec<_>>>().and_then(Value::map);
            entries.ok_or_else(refused)
        }
        ("#tag", Value::Vector(pair)) => match &*pair {
            [Value::Str(tag), inner] => {
                Ok(Value::Tagged(Arc::new(((&**tag).into(), inner.clone()))))
            }
            _ => Err(refused()),
        },
        ("#edn", Value::Str(text)) => super::edn_value(&text).map_err(|_| refused()),
        // A text such as ":a" was taken for the keyword that it spells.
        ("#edn", keyword @ Value::Keyword(_)) => Ok(keyword),
        ("#set" | "#list" | "#map" | "#tag" | "#edn", _) => Err(refused()),
        (_, inner) => {
            let name =
                if is_name(key) { Value::Keyword(key.into()) } else { Value::Str(key.into()) };
            Ok(Value::Map([(name, inner)].into()))
        }
    }
}

/// The events of a history.
pub(super) fn events(text: &[u8]) -> Read<Piece> {
    let (mut cursor, mut scribe) = (Cursor::new(text), Scribe::of(text));
    skip(&mut cursor);
    while let Some(byte) = cursor.peek() {
        match byte {
            b'[' => listed(&mut cursor, b']', |cursor| operation(cursor, &mut scribe))?,
            _ => operation(&mut cursor, &mut scribe)?,
        }
        skip(&mut cursor);
    }
    Ok(scribe.done())
}

/// A value that is an array, and which of its elements are.
struct Array {
    items: Vec<Value>,
    are_arrays: Vec<bool>,
}

fn operation<'t>(cursor: &mut Cursor<'t>, scribe: &mut Scribe<'t>) -> Read<()> {
    if cursor.peek() != Some(b'{') {
        return Err(cursor.refuse("an operation"));
    }
    let (mut draft, mut array) = (Draft::new(), None);
    listed(cursor, b'}', |cursor| entry(cursor, &mut draft, &mut array, scribe))?;
    if let Some(mut array) = array {
        let f = scribe.get(&draft, Field::F);
        if f.is_none_or(|f| f.is_nil() || *f == Value::Keyword("txn".into())) {
            array.name_micro_ops();
        }
        let value = scribe.pool(Field::Value).shared(Value::vector(array.items));
        draft.put(cursor, Field::Value, value)?;
    }
    scribe.push(cursor, &draft)
}

/// Reads an entry of an operation. What an array with strings in it means depends on what was done,
/// which is perhaps still to come.
fn entry<'t>(
    cursor: &mut Cursor<'t>,
    draft: &mut Draft,
    array: &mut Option<Array>,
    scribe: &mut Scribe<'t>,
) -> Read<()> {
    let history = |cursor: &mut Cursor<'t>| value(cursor, Dialect::History);
    match Field::named(&key(cursor)?) {
        Some(Field::Index) => {
            let index = history(cursor)?;
            draft.put_index(cursor, index)
        }
        Some(field @ (Field::Type | Field::F | Field::Process)) => {
            let at = scribe.pool(field).read(cursor, |cursor| match cursor.peek() {
                Some(b'"') => Ok(name(&cursor.string()?)),
                _ => history(cursor),
            })?;
            draft.put(cursor, field, at)
        }
        Some(Field::Value) if cursor.peek() == Some(b'[') && !pool::is_plain(cursor.rest()) => {
            match array.replace(self::array(cursor)?) {
                None => Ok(()),
                Some(_) => Err(cursor.refuse("no second Value in one operation")),
            }
        }
        Some(field) => {
            let at = scribe.pool(field).read(cursor, history)?;
            draft.put(cursor, field, at)
        }
        None => history(cursor).map(drop),
    }
}

fn array(cursor: &mut Cursor<'_>) -> Read<Array> {
    let mut array = Array { items: Vec::new(), are_arrays: Vec::new() };
    cursor.nested(|cursor| {
        listed(cursor, b']', |cursor| {
            array.are_arrays.push(cursor.peek() == Some(b'['));
            array.items.push(value(cursor, Dialect::History)?);
            Ok(())
        })
    })?;
    Ok(array)
}

impl Array {
    /// `["r", 1, null]` is `[:r 1 nil]`.
    fn name_micro_ops(&mut self) {
        for (micro_op, is_array) in self.items.iter_mut().zip(&self.are_arrays) {
            if *is_array
                && let Value::Vector(parts) = micro_op
                && let Some(Value::Str(head)) = parts.first()
                && is_name(head)
            {
                let head = Value::Keyword(head.clone());
                let rest = parts[1..].iter().cloned();
                *micro_op = Value::Vector(std::iter::once(head).chain(rest).collect());
            }
        }
    }
}
