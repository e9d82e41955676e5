//! The common operation in EDN: `{:index 3, :time 17, :type :ok, :process 0, :f :read, :value 5}`.

use super::{
    Quick, Sketch, Sort, Texts, client, end_of_collection, end_of_string, end_of_word, index, kind,
};
use crate::edn::Cursor;
use crate::history::columns::Columns;
use crate::history::draft::Field;
use crate::history::interner::{Interned, Interner};
use crate::value::Value;

/// The operation at the cursor, if it is a common one; otherwise the cursor stays where it was.
pub(in crate::history) fn edn(
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
    cursor.skip_white();
    let at = cursor.at;
    if cursor.byte().ok()? != b'{' {
        return None;
    }
    cursor.at += 1;
    let mut sketch = Sketch::default();
    loop {
        cursor.skip_white();
        match cursor.byte().ok()? {
            b':' => cursor.at += 1,
            b'}' => break,
            _ => return None,
        }
        let field = Field::named(cursor.token().ok()?)?;
        sketch.first(field)?;
        cursor.skip_white();
        let values = &mut rows.values;
        match field {
            Field::Index => sketch.index = index(cursor)?,
            Field::Time => sketch.time_ns = Some(cursor.small_integer()?),
            Field::Type => sketch.kind = Some(kind(keyword(cursor)?)?),
            Field::Process => sketch.process = Some(client(cursor, rows)?),
            Field::F => sketch.f = Some(plain(cursor, texts, values, Sort::Plain)?),
            Field::Value => sketch.value = Some(operand(cursor, texts, values)?),
            Field::Error => sketch.error = Some(plain(cursor, texts, values, Sort::Plain)?),
        }
    }
    cursor.at += 1;
    sketch.finish(at, rows)
}

fn keyword<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if cursor.byte().ok()? != b':' {
        return None;
    }
    cursor.at += 1;
    cursor.token().ok()
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
    cursor.skip_white();
    let first = plain(cursor, texts, values, Sort::Plain)?;
    cursor.skip_white();
    let second = plain(cursor, texts, values, Sort::Plain)?;
    cursor.skip_white();
    if cursor.byte().ok()? != b']' {
        return None;
    }
    cursor.at += 1;
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
        b':' | b'a'..=b'z' | b'A'..=b'Z' => end_of_word(cursor)?,
        b'"' => end_of_string(cursor)?,
        b'[' | b'(' | b'{' => end_of_collection(cursor)?,
        _ => return None,
    };
    texts.value(cursor, end, sort, values, Cursor::value)
}
