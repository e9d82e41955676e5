//! Values as systems store them: the part of EDN that JSON has too.

use checker::Value;
use serde_json::json;

use crate::Call;

/// The JSON of a value that a workload writes.
pub(super) fn to_json(value: &Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Str(text) => json!(&**text),
        _ => return None,
    })
}

/// The value of what a system answered; no workload stores objects.
pub(super) fn from_json(value: &serde_json::Value) -> Option<Value> {
    Some(match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => Value::Int(number.as_i64()?),
        serde_json::Value::String(text) => Value::string(text),
        serde_json::Value::Array(items) => {
            Value::Vector(items.iter().map(from_json).collect::<Option<_>>()?)
        }
        serde_json::Value::Object(_) => return None,
    })
}

/// Whether a read can have found this. Workloads write whole numbers and nothing else: a text, or a
/// list where a register was read, would never be equal to one, and every read would look like a
/// violation; and "nothing" is no set.
pub(super) fn can_be_read(call: &Call, value: &Value) -> bool {
    match (call.key, value) {
        (Some(_), value) => matches!(value, Value::Nil | Value::Int(_)),
        (None, Value::Vector(items)) => items.iter().all(|item| matches!(item, Value::Int(_))),
        (None, _) => false,
    }
}

/// What [`can_be_read`], in words.
pub(super) fn readable(call: &Call) -> &'static str {
    match call.key {
        Some(_) => "a whole number, or null where nobody has written",
        None => "a list of whole numbers",
    }
}
