//! Operations as lines for people: `history.txt` (process, type, f, value and perhaps an error,
//! parted by tabs) and the log lines of old Jepsen, which have the logger in front:
//! `INFO  jepsen.util - 0 :invoke :read nil`.
//!
//! The fields are EDN, so a value may hold spaces and fields may be parted by spaces as well.
//! Lines of a log that are not operations are passed over; in a plain `history.txt` every line
//! must be one.

use super::draft::{Draft, Drafted, Field};
use super::input::Step;
use crate::edn::{Cursor, Fault, Read, Rest, SyntaxProblem};
use crate::op::{Kind, Op};
use crate::value::Value;

/// What stands before an operation in a log, old and newer.
const LOGGERS: [&[u8]; 2] = [b"jepsen.util - ", b"jepsen.util: "];

/// How a line of a log starts that is none of our business.
const LEVELS: [&[u8]; 5] = [b"INFO", b"WARN", b"ERROR", b"DEBUG", b"TRACE"];

/// Reads on by one line.
pub(super) fn step(cursor: &mut Cursor<'_>) -> Read<Step> {
    let start = cursor.at;
    let Some(line) = cursor.line()? else { return Ok(Step::End) };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) || line.trim_ascii_start().starts_with(b";") {
        return Ok(Step::Onward);
    }
    let logged = LOGGERS.iter().find_map(|logger| position_after(line, logger));
    let fields = match logged {
        Some(at) if starts_like_process(&line[at..]) => at,
        None if !is_log_line(line) => 0,
        Some(_) | None => return Ok(Step::Onward),
    };
    let mut inner = Cursor::new(&line[fields..], Rest::Nothing, cursor.tools);
    let result = operation(&mut inner);
    let mut drafted =
        result.map_err(|fault| Fault::new(start + fields + fault.at, fault.problem))?;
    if logged.is_some() {
        reason_in_place_of_value(&mut drafted.op);
    }
    Ok(Step::Op { drafted, at: start })
}

fn position_after(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).position(|window| window == what).map(|at| at + what.len())
}

/// A client's number or a name such as `:nemesis`.
fn starts_like_process(fields: &[u8]) -> bool {
    fields.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b':')
}

/// A line of a log starts with its level, or with a date.
fn is_log_line(line: &[u8]) -> bool {
    let dated = line.get(4) == Some(&b'-') && line.get(7) == Some(&b'-');
    dated || LEVELS.iter().any(|level| line.starts_with(level))
}

fn operation(cursor: &mut Cursor<'_>) -> Read<Drafted> {
    let mut draft = Draft::new(cursor.at);
    for field in [Field::Process, Field::Type, Field::F, Field::Value] {
        if cursor.skip_blanks()?.is_none() {
            let text = "a line without process, type, f and value is not an operation";
            return Err(cursor.fault(SyntaxProblem::NotAnOperation(text.into())));
        }
        let at = cursor.at;
        draft.set(field, cursor.value()?, at)?;
    }
    cursor.skip_white();
    if !cursor.remaining().is_empty() {
        let at = cursor.at;
        draft.set(Field::Error, error(cursor)?, at)?;
    }
    draft.finish()
}

/// The last field: one EDN form, or else plain text, for Jepsen prints errors either way.
fn error(cursor: &mut Cursor<'_>) -> Read<Value> {
    let start = cursor.at;
    if let Ok(value) = cursor.value()
        && matches!(cursor.skip_blanks(), Ok(None))
    {
        return Ok(value);
    }
    cursor.at = start;
    let text = cursor.remaining().trim_ascii();
    cursor.share(start, text).map(Value::Str)
}

/// Old Jepsen logs an operation that timed out with the reason where its value was.
fn reason_in_place_of_value(op: &mut Op) {
    let incomplete = matches!(op.kind, Kind::Fail | Kind::Info);
    if incomplete && op.error.is_none() && matches!(op.value, Value::Keyword(_)) {
        op.error = Some(std::mem::replace(&mut op.value, Value::Nil));
    }
}
