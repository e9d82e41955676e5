//! JSON, lossless: what is written here and read again is the same operation, down to the
//! difference between a keyword and a string, and ordinary operations still look ordinary:
//!
//! ```json
//! {"index":7,"time":1203,"type":"ok","process":3,"f":"cas","value":[1,2],"error":":timeout"}
//! ```
//!
//! | value | spelling |
//! |---|---|
//! | nil, booleans, integers, finite floats | as JSON has them; a float has a point or an exponent |
//! | string | string; one that starts with `:`, `~:` or `~~` gets a `~` in front |
//! | keyword | string with its colon: `":timeout"` |
//! | vector | array |
//! | map whose keys are all keywords | object, with the bare names as keys |
//! | set, list | `{"#set":[…]}`, `{"#list":[…]}` |
//! | any other map | `{"#map":[[key,value],…]}` |
//! | tagged value | `{"#tag":["inst","2020-01-01"]}` |
//! | everything else (symbol, character, big integer, decimal, ratio, NaN, ±Inf) | `{"#edn":"1.5M"}` |
//!
//! Where only names are expected, the string *is* the keyword: the `type`, `f` and `process` of an
//! operation, and the keys of objects. A key that cannot be a keyword, since it has a space in it,
//! is a string. In operations whose `f` is `txn` or missing the first element of every micro-op is
//! a keyword, so that what elle-cli reads is read as elle-cli does. Entries of an operation that do
//! not fit an object are collected in order under `"#extra"`.

mod read;
mod write;

pub use write::{write_jsonl, write_value_json, write_value_json_plain};

pub(super) use read::{JsonEvents, name, skip_white, value};

use crate::edn::is_keyword_name;
use crate::value::Value;

/// Whether operations of this function hold micro-ops.
pub(super) fn is_transaction(f: &Value) -> bool {
    f.is_nil() || matches!(f, Value::Keyword(name) if **name == *"txn")
}

/// The key of an object that is read as `key`, if there is one.
fn object_key(key: &Value) -> Option<&str> {
    match key {
        Value::Keyword(name) if is_keyword_name(name) && !name.starts_with('#') => Some(name),
        Value::Str(text) if !is_keyword_name(text) && !text.starts_with('#') => Some(text),
        _ => None,
    }
}

/// Whether a string needs a `~` in front to be read as itself.
fn needs_escape(text: &str) -> bool {
    text.starts_with(':') || text.starts_with("~:") || text.starts_with("~~")
}

/// Whether this text, where only names are expected, is the keyword of that name.
fn is_bare_name(text: &str) -> bool {
    is_keyword_name(text) && !needs_escape(text)
}
