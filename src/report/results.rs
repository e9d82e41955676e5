//! `results.edn` and `results.json`: the verdict as data, with the four axes beside it.
//!
//! EDN is broken over lines where a map or a vector would be long, so that `less` and `diff` show
//! something; JSON is for programs and stays as it comes.

use checker::history::write_value_json_plain;
use checker::{Value, Verdict};

use super::axes::Axes;

/// What both files hold.
pub(crate) fn value(verdict: &Verdict, axes: &Axes) -> Value {
    let mut entries = match verdict.to_value() {
        Value::Map(entries) => entries,
        other => vec![(Value::keyword("verdict"), other)],
    };
    let axis = |name: &str| Value::keyword(name);
    let all = axes.all().map(|one| {
        let word = (axis("word"), Value::keyword(one.word));
        (axis(one.name), Value::Map(vec![word, (axis("sentence"), Value::string(&one.sentence))]))
    });
    // Right behind `:valid?`, before what may be thousands of keys.
    entries.insert(entries.len().min(1), (axis("axes"), Value::Map(all.to_vec())));
    Value::Map(entries)
}

/// As JSON.
pub(crate) fn json(value: &Value) -> anyhow::Result<String> {
    let mut out = Vec::new();
    write_value_json_plain(value, &mut out)?;
    out.push(b'\n');
    Ok(String::from_utf8(out)?)
}

/// As EDN.
pub(crate) fn edn(value: &Value) -> String {
    let mut out = String::new();
    layout(value, 0, &mut out);
    out.push('\n');
    out
}

const COLUMNS: usize = 100;

/// One line if it fits, else an entry a line.
fn layout(value: &Value, indent: usize, out: &mut String) {
    let line = value.to_string();
    if indent + line.chars().count() <= COLUMNS {
        return out.push_str(&line);
    }
    let inner = format!("\n{}", " ".repeat(indent + 1));
    match value {
        Value::Map(entries) => {
            out.push('{');
            for (n, (key, value)) in entries.iter().enumerate() {
                let key = key.to_string();
                out.push_str(if n > 0 { &inner } else { "" });
                out.push_str(&key);
                out.push(' ');
                layout(value, indent + 2 + key.chars().count(), out);
            }
            out.push('}');
        }
        Value::Vector(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { &inner } else { "" });
                layout(item, indent + 1, out);
            }
            out.push(']');
        }
        _ => out.push_str(&line),
    }
}
