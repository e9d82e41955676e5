//! The common operation in JSON lines, as our own journal writes it:
//! `{"index":3,"time":17,"type":"ok","process":0,"f":"read","value":5}`.

use super::{
    Quick, Sketch, Sort, Texts, client, end_of_collection, end_of_string, end_of_word, index, kind,
};
use crate::edn::Cursor;
use crate::history::columns::Columns;
use crate::history::draft::Field;
use crate::history::interner::{Interned, Interner};
use crate::history::json;
use crate::value::Value;

/// The operation at the cursor, if it is a common one; otherwise the cursor stays where it was.
pub(in crate::history) fn json(
    cursor: &mut Cursor<'_>,
    texts: &mut Texts,
    rows: &mut Columns,
) -> Option<Quick> {
    let start = cursor.at;
    let quick = operation(cursor, texts, rows);
    if quick.is_none() {
        cursor.at = start;
    }
    quick
}

fn operation(cursor: &mut Cursor<'_>, texts: &mut Texts, rows: &mut Columns) -> Option<Quick> {
    json::skip_white(cursor);
    let at = cursor.at;
    let mut before = b'{';
    let mut sketch = Sketch::default();
    // An operation has two entries at least, so there is no empty object to think of.
    while cursor.byte().ok()? == before {
        cursor.at += 1;
        json::skip_white(cursor);
        let field = Field::named(short_string(cursor)?)?;
        sketch.first(field)?;
        pass(cursor, b':')?;
        json::skip_white(cursor);
        let values = &mut rows.values;
        match field {
            Field::Index => sketch.index = index(cursor)?,
            Field::Time => sketch.time_ns = Some(cursor.small_integer()?),
            Field::Type => sketch.kind = Some(kind(short_string(cursor)?)?),
            Field::Process => sketch.process = Some(client(cursor, rows)?),
            Field::F => {
                let end = end_of_string(cursor)?;
                sketch.f = Some(texts.value(cursor, end, Sort::Name, values, json::name)?);
            }
            Field::Value => sketch.value = Some(operand(cursor, texts, values)?),
            Field::Error => sketch.error = Some(plain(cursor, texts, values, Sort::Plain)?),
        }
        json::skip_white(cursor);
        before = b',';
    }
    pass(cursor, b'}')?;
    let quick = sketch.finish(at, rows)?;
    // The strings in the micro-ops of a transaction mean keywords.
    (!json::is_transaction(rows.values.get(quick.row.f))).then_some(quick)
}

/// The inside of the string at the cursor, and the cursor behind it.
fn short_string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if cursor.byte().ok()? != b'"' {
        return None;
    }
    let begin = cursor.at + 1;
    cursor.at = end_of_string(cursor)?;
    Some(cursor.text(begin, cursor.at - 1))
}

fn pass(cursor: &mut Cursor<'_>, byte: u8) -> Option<()> {
    json::skip_white(cursor);
    let there = cursor.byte().ok()? == byte;
    cursor.at += usize::from(there);
    there.then_some(())
}

/// The value of an operation: most are pairs with their key, and few pairs come twice.
fn operand(cursor: &mut Cursor<'_>, texts: &mut Texts, values: &mut Interner) -> Option<Interned> {
    let start = cursor.at;
    if cursor.byte().ok()? == b'['
        && let Some(pair) = pair(cursor, texts, values)
    {
        return Some(pair);
    }
    cursor.at = start;
    plain(cursor, texts, values, Sort::Operand)
}

fn pair(cursor: &mut Cursor<'_>, texts: &mut Texts, values: &mut Interner) -> Option<Interned> {
    cursor.at += 1;
    json::skip_white(cursor);
    let first = plain(cursor, texts, values, Sort::Plain)?;
    pass(cursor, b',')?;
    json::skip_white(cursor);
    let second = plain(cursor, texts, values, Sort::Plain)?;
    pass(cursor, b']')?;
    Some(values.pair([first, second]))
}

fn plain(
    cursor: &mut Cursor<'_>,
    texts: &mut Texts,
    values: &mut Interner,
    sort: Sort,
) -> Option<Interned> {
    let end = match cursor.byte().ok()? {
        b'0'..=b'9' | b'-' => {
            return cursor.small_integer().map(|number| values.plain(&Value::Int(number)));
        }
        b'a'..=b'z' => end_of_word(cursor)?,
        b'"' => end_of_string(cursor)?,
        b'[' | b'{' => end_of_collection(cursor)?,
        _ => return None,
    };
    texts.value(cursor, end, sort, values, json::value)
}
