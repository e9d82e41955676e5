//! EDN, the notation of Clojure in which Jepsen writes histories and results.
//!
//! A reader of our own, because this is the hot input path and a verdict hangs on it: it keeps
//! order, tags and the kinds of numbers, refuses what it does not understand with byte, line and
//! column, refuses duplicate keys, and bounds nesting. It shares repeated text, and its lexical
//! level serves the JSON and log readers of [`crate::history`] too.
//!
//! Accepted beyond the EDN specification, since Clojure prints it: `##Inf`, ratios, `#:ns{…}`
//! maps, hexadecimal integers (in `#object[…]`), octal escapes. Not accepted: metadata, quotes,
//! regular expressions, `#=`.
//!
//! Reading is O(bytes), but for maps and sets whose keys do not come sorted: O(n log n) there.

mod cursor;
mod error;
mod names;
pub(crate) mod number;
mod reader;
mod text;
mod write;

pub use error::{SyntaxError, SyntaxProblem};
pub use write::write_value_edn;

pub(crate) use cursor::{Cursor, Read, Rest, Tools};
pub(crate) use error::{Fault, Place, count_lines, excerpt};
pub(crate) use reader::refuse_duplicates;
pub(crate) use write::{is_keyword_name, is_tag, write_escaped, write_integer, write_natural};

use crate::value::Value;

/// Reads exactly one value.
///
/// # Errors
///
/// When the text is not EDN, or not one form.
pub fn parse(text: &[u8]) -> Result<Value, SyntaxError> {
    let mut tools = Tools::new();
    let mut cursor = Cursor::new(text, Rest::Nothing, &mut tools);
    let result = cursor.value().and_then(|value| match cursor.skip_blanks()? {
        Some(_) => Err(cursor.unexpected("the end")),
        None => Ok(value),
    });
    result.map_err(|fault| fault.locate(text, &Place::default()))
}

#[cfg(test)]
mod tests;
