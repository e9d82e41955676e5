//! Operations in EDN: one map a line, or one vector or list of maps, or tuples
//! `[process type f value]` in the place of maps. Keys come in any order. A tag on an operation
//! (`#jepsen.history.Op{…}`) says nothing that the place does not say, and is dropped; tags inside
//! of operations are kept.

use super::draft::{Draft, Field};
use super::input::Step;
use crate::edn::{Cursor, Fault, Read, SyntaxProblem};
use crate::value::Value;

/// Where in the file we are.
#[derive(Default)]
pub(super) struct EdnEvents {
    /// The bracket that closes the collection we are in; `None` between top-level forms.
    within: Option<u8>,
}

impl EdnEvents {
    /// Reads on, by at most one operation.
    pub(super) fn step(&mut self, cursor: &mut Cursor<'_>) -> Read<Step> {
        let next = match (cursor.skip_blanks()?, self.within) {
            (Some(byte), Some(close)) if byte == close => {
                cursor.at += 1;
                self.within = None;
                return Ok(Step::Onward);
            }
            (Some(byte), _) => byte,
            (None, None) => return Ok(Step::End),
            (None, Some(_)) => return Err(cursor.unfinished()),
        };
        let at = cursor.at;
        let draft = match next {
            b'{' => map(cursor)?,
            b'#' => {
                cursor.tag()?;
                if cursor.next_form()? != b'{' {
                    return Err(cursor.unexpected("an operation after its tag"));
                }
                map(cursor)?
            }
            b'[' | b'(' => {
                let close = if next == b'[' { b']' } else { b')' };
                if self.within.is_none() && opens_collection(cursor)? {
                    self.within = Some(close);
                    return Ok(Step::Onward);
                }
                tuple(cursor, close)?
            }
            _ => return Err(cursor.unexpected("an operation")),
        };
        Ok(Step::Op { drafted: draft.finish()?, at })
    }
}

/// Whether the bracket at the cursor holds operations rather than being one. If so, passes it.
fn opens_collection(cursor: &mut Cursor<'_>) -> Read<bool> {
    let start = cursor.at;
    cursor.at += 1;
    let collection = matches!(cursor.next_form()?, b'{' | b'#' | b'[' | b'(' | b']' | b')');
    if !collection {
        cursor.at = start;
    }
    Ok(collection)
}

fn map(cursor: &mut Cursor<'_>) -> Read<Draft> {
    let mut draft = Draft::new(cursor.at);
    cursor.at += 1;
    loop {
        let at = cursor.at;
        let known = match cursor.next_form()? {
            b'}' => {
                cursor.at += 1;
                return Ok(draft);
            }
            b':' => {
                let start = cursor.at;
                cursor.at += 1;
                let field = Field::named(cursor.token()?);
                if field.is_none() {
                    cursor.at = start;
                }
                field
            }
            _ => None,
        };
        match known {
            Some(field) => {
                let at = end_of_key(cursor)?;
                draft.set(field, cursor.value()?, at)?;
            }
            None => {
                let key = cursor.value()?;
                end_of_key(cursor)?;
                draft.keep(key, cursor.value()?);
            }
        }
        debug_assert!(cursor.at > at, "every entry takes us forward");
    }
}

/// Passes the blanks between a key and its value; returns where the value starts.
fn end_of_key(cursor: &mut Cursor<'_>) -> Read<usize> {
    match cursor.next_form()? {
        b'}' => Err(cursor.fault(SyntaxProblem::OddMap)),
        _ => Ok(cursor.at),
    }
}

fn tuple(cursor: &mut Cursor<'_>, close: u8) -> Read<Draft> {
    let start = cursor.at;
    let items = cursor.items(close)?;
    let Ok([process, kind, f, value]) = <[Value; 4]>::try_from(items) else {
        let text = "a vector that is not [process type f value] is not an operation";
        return Err(Fault::new(start, SyntaxProblem::NotAnOperation(text.into())));
    };
    let mut draft = Draft::new(start);
    draft.set(Field::Process, process, start)?;
    draft.set(Field::Type, kind, start)?;
    draft.set(Field::F, f, start)?;
    draft.set(Field::Value, value, start)?;
    Ok(draft)
}
