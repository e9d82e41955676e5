//! Lines for people: `history.txt`, and the log of an old Jepsen with its logger in front.

use super::cursor::{Cursor, Read, Unreadable};
use super::edn;
use super::events::{Kind, Piece};
use super::scribe::{Draft, Field, Scribe};
use crate::value::Value;

const LOGGERS: [&str; 2] = ["jepsen.util - ", "jepsen.util: "];

const LEVELS: [&str; 5] = ["INFO", "WARN", "ERROR", "DEBUG", "TRACE"];

/// The events of a history.
pub(super) fn events(text: &[u8]) -> Read<Piece> {
    let mut scribe = Scribe::of(text);
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if let Some((fields, from_log)) = operation(line) {
            event(fields, from_log, &mut scribe).map_err(|error| Unreadable {
                at: start + line.len() - fields.len() + error.at,
                expected: error.expected,
            })?;
        }
        start += line.len();
    }
    Ok(scribe.done())
}

/// The fields of a line that is an operation, and whether a logger stood in front of them.
fn operation(line: &[u8]) -> Option<(&[u8], bool)> {
    let trimmed = line.trim_ascii_start();
    if trimmed.is_empty() || trimmed.starts_with(b";") {
        return None;
    }
    let logged = LOGGERS.iter().find_map(|logger| {
        let at = line.windows(logger.len()).position(|window| window == logger.as_bytes())?;
        Some(&line[at + logger.len()..])
    });
    match logged {
        Some(fields) => {
            let process = fields.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b':');
            process.then_some((fields, true))
        }
        None => {
            let dated = line.get(4) == Some(&b'-') && line.get(7) == Some(&b'-');
            let levelled = LEVELS.iter().any(|level| line.starts_with(level.as_bytes()));
            (!dated && !levelled).then_some((line, false))
        }
    }
}

fn event<'t>(fields: &'t [u8], from_log: bool, scribe: &mut Scribe<'t>) -> Read<()> {
    let mut cursor = Cursor::new(fields);
    let mut draft = Draft::new();
    for field in [Field::Process, Field::Type, Field::F, Field::Value] {
        edn::next(&mut cursor)?;
        let at = scribe.pool(field).read(&mut cursor, edn::value)?;
        draft.put(&cursor, field, at)?;
    }
    cursor.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
    if !cursor.rest().is_empty() {
        let error = error(&mut cursor)?;
        draft.put(&cursor, Field::Error, scribe.pool(Field::Error).shared(error))?;
    }
    // An old log has the reason of a failure where the value was.
    let failed = matches!(scribe.kind(&draft), Some(Kind::Fail | Kind::Info));
    let is_word = matches!(scribe.get(&draft, Field::Value), Some(Value::Keyword(_)));
    if from_log && failed && is_word && scribe.get(&draft, Field::Error).is_none() {
        draft.value_is_the_error();
    }
    scribe.push(&cursor, &draft)
}

/// The last field: one form of EDN, or else plain text.
fn error(cursor: &mut Cursor<'_>) -> Read<Value> {
    let start = cursor.at;
    if let Ok(value) = edn::value(cursor)
        && matches!(edn::next(cursor), Ok(None))
    {
        return Ok(value);
    }
    cursor.at = start;
    let text = std::str::from_utf8(cursor.rest()).map_err(|_| cursor.refuse("UTF-8"))?;
    Ok(Value::Str(text.trim_ascii().into()))
}
