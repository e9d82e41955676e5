//! Reading text: EDN, JSON and the log lines of old Jepsen, into events.
//!
//! Written for the verifier alone and after the descriptions of the notations, not after the
//! checker's readers, so that a mistake in one of them shows as a disagreement. It keeps only what
//! a proof can depend on, in memory, and is lenient where leniency cannot change a meaning (it
//! does not mind control characters); what it cannot make sense of it refuses with its place.

mod cursor;
mod edn;
mod events;
mod json;
mod log;
mod number;
mod pieces;
mod pool;

pub(crate) use cursor::Unreadable;
pub(crate) use events::{Event, Kind};

use crate::value::Value;
use cursor::Cursor;

/// The notation of a history, as its certificate names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// What the first bytes look like.
    Auto,
    Edn,
    /// A JSON array or JSON lines: either reader takes both.
    Json,
    Log,
}

impl Notation {
    pub(crate) fn named(name: &str) -> Option<Notation> {
        match name {
            "auto" => Some(Notation::Auto),
            "edn" => Some(Notation::Edn),
            "json" | "jsonl" => Some(Notation::Json),
            "log" => Some(Notation::Log),
            _ => None,
        }
    }
}

/// All events of a history, in order.
pub(crate) fn events(text: &[u8], notation: Notation) -> Result<Vec<Event>, Unreadable> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let read = match notation {
        Notation::Auto => return events(text, sniff(text)),
        Notation::Edn => edn::events,
        Notation::Json => json::events,
        Notation::Log => log::events,
    };
    let mut events = pieces::events(text, read).map_or_else(|| read(text), Ok)?;
    events::number(&mut events);
    Ok(events)
}

/// An object with a string for a key, or an array of these, is JSON; what starts with a bracket, a
/// tag or a comment is EDN, and so is nothing; anything else are log lines.
fn sniff(text: &[u8]) -> Notation {
    let mut bytes = text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b',');
    match (bytes.next(), bytes.next(), bytes.next()) {
        (Some(b'{'), Some(b'"'), _) | (Some(b'['), Some(b'{'), Some(b'"')) => Notation::Json,
        (Some(b'{' | b'[' | b'(' | b'#' | b';') | None, _, _) => Notation::Edn,
        _ => Notation::Log,
    }
}

/// Exactly one value of EDN.
pub(crate) fn edn_value(text: &str) -> Result<Value, Unreadable> {
    let mut cursor = Cursor::new(text.as_bytes());
    let value = edn::value(&mut cursor)?;
    match edn::next(&mut cursor)? {
        None => Ok(value),
        Some(_) => Err(cursor.refuse("one value and no more")),
    }
}

/// Exactly one value of plain JSON: objects are maps with strings for keys.
pub(crate) fn json_value(text: &[u8]) -> Result<Value, Unreadable> {
    json::plain(text)
}

#[cfg(test)]
mod tests;
