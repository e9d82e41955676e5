//! Values as systems store them: the part of EDN that JSON has too.

use checker::Value;
use serde_json::json;

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

/// Workloads write whole numbers and nothing else: a text that was read would never be equal to
/// one, and every read would look like a violation.
pub(super) fn is_of_a_workload(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Int(_) => true,
        Value::Vector(items) => items.iter().all(is_of_a_workload),
        _ => false,
    }
}
