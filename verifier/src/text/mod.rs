//! Reading text: EDN, JSON and the log lines of old Jepsen, into events.
//!
//! Written for the verifier alone and after the descriptions of the notations, not after the
//! checker's readers, so that a mistake in one of them shows as a disagreement. It keeps only what
//! a proof can depend on, and is lenient where leniency cannot change a meaning (it does not mind
//! control characters); what it cannot make sense of it refuses with its place.

mod cursor;
mod edn;
mod events;
mod json;
mod log;
mod number;
mod pieces;
mod pool;
mod scribe;

use std::io::{self, Read as _};
use std::iter;

pub(crate) use cursor::Unreadable;
pub(crate) use events::{Event, Events, Kind};

use crate::unpack::{Source, Text};
use crate::value::Value;
use cursor::{Cursor, Read};
use events::Piece;
use pieces::Pieces;

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

    /// What reads a text in this notation.
    fn reader(self, text: &[u8]) -> Reader {
        match self {
            Notation::Auto => sniff(text).reader(text),
            Notation::Edn => edn::events,
            Notation::Json => json::events,
            Notation::Log => log::events,
        }
    }
}

/// The events of a text that is a sequence of whole operations.
type Reader = fn(&[u8]) -> Read<Piece>;

/// A history as it was read.
pub(crate) struct History {
    /// The hash of the bytes that were read.
    pub(crate) sha256: String,
    /// All events in order, or why they make no sense.
    pub(crate) events: Result<Events, String>,
}

/// Reads a history that unpacks to no more than `bytes_max`. An error is one of reading the bytes.
pub(crate) fn history(
    source: Source<'_>,
    notation: Notation,
    bytes_max: u64,
) -> io::Result<History> {
    let mut pieces = Pieces::of(source.text(bytes_max)?);
    let events = in_pieces(&mut pieces, notation);
    let sha256 = pieces.into_text().sha256()?;
    match events {
        Ok(Some(events)) => Ok(History { sha256, events: Ok(events) }),
        Ok(None) => as_a_whole(source, notation, bytes_max),
        Err(error) => Ok(History { sha256, events: Err(error.to_string()) }),
    }
}

/// The events of a text without a mistake whose lines are whole operations.
fn in_pieces(pieces: &mut Pieces<Text<'_>>, notation: Notation) -> io::Result<Option<Events>> {
    let Some(mut first) = pieces.next().transpose()? else {
        return Ok(Some(Events::default()));
    };
    if first.starts_with(MARK) {
        first.drain(..MARK.len());
    }
    let read = notation.reader(&first);
    if pieces.have_ended() {
        return Ok(read(&first).ok().map(Events::from));
    }
    pieces::events(iter::once(Ok(first)).chain(pieces), read)
}

/// The events of any text, or the place of the mistake in it.
fn as_a_whole(source: Source<'_>, notation: Notation, bytes_max: u64) -> io::Result<History> {
    let (mut text, mut whole) = (source.text(bytes_max)?, Vec::new());
    let unpacked = text.read_to_end(&mut whole);
    let sha256 = text.sha256()?;
    let events = unpacked.map_err(|error| error.to_string()).and_then(|_| {
        let text = whole.strip_prefix(MARK).unwrap_or(&whole);
        notation.reader(text)(text).map(Events::from).map_err(|error| error.to_string())
    });
    Ok(History { sha256, events })
}

/// What some editors write in front of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

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
