//! Getting operations out of files, pipes and memory.
//!
//! Input is read through a window that holds whole forms: a form that does not end in the window
//! is read again once there is more of it. The window doubles when it must, so this is O(bytes),
//! and a form that outgrows [`FORM_LIMIT_BYTES`] is refused. Compression is recognised by its magic
//! number, whatever the file is called.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::edn::EdnEvents;
use super::json::JsonEvents;
use super::{Format, History, ReadError, log};
use crate::edn::{Cursor, Fault, Place, Read, Rest, SyntaxProblem, Tools, count_lines};
use crate::op::Op;

/// No single operation is larger than this.
pub const FORM_LIMIT_BYTES: usize = 256 << 20;

const WINDOW_BYTES: usize = 1 << 20;

/// What one step through the input brought.
pub(super) enum Step {
    /// An operation, which starts at `at` in the window.
    Op { op: Op, at: usize },
    /// Nothing yet.
    Onward,
    /// The end of the input.
    End,
}

/// Reads and pairs the history in a file; `-` is standard input. Without a format the name of the
/// file decides, or else its first bytes.
///
/// # Errors
///
/// When the file cannot be read, is not in the format, or holds no history.
pub fn read_path(path: &Path, format: Option<Format>) -> Result<History, ReadError> {
    if path == Path::new("-") {
        return read(io::stdin().lock(), format);
    }
    read(File::open(path)?, format.or_else(|| Format::of_path(path)))
}

/// Reads and pairs a history, compressed or not. Without a format its first bytes decide.
///
/// # Errors
///
/// When the input cannot be read, is not in the format, or holds no history.
pub fn read(input: impl io::Read, format: Option<Format>) -> Result<History, ReadError> {
    let mut events = Events::default();
    read_stream(input, format, &mut events)?;
    let Events { ops, lines } = events;
    History::from_ops(ops).map_err(|error| ReadError::Malformed {
        line: u64::from(lines[error.position]),
        earlier_line: error.earlier.map(|position| u64::from(lines[position])),
        error,
    })
}

/// Reads the events in memory, without pairing them.
///
/// # Errors
///
/// When the bytes are not in the format.
pub fn read_bytes(bytes: &[u8], format: Format) -> Result<Vec<Op>, ReadError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut events = Events::default();
    let mut parser = Parser::new(format);
    let place = Place::default();
    parser
        .drain(bytes, Rest::Nothing, &place, &mut events)
        .map_err(|fault| fault.locate(bytes, &place))?;
    Ok(events.ops)
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// Events with the lines on which they start, which are needed only until they are paired.
#[derive(Default)]
pub(super) struct Events {
    pub(super) ops: Vec<Op>,
    lines: Vec<u32>,
}

/// A reader of one format, between two operations.
pub(super) struct Parser {
    state: State,
    tools: Tools,
}

enum State {
    Edn(EdnEvents),
    Json(JsonEvents),
    Log,
}

impl State {
    fn new(format: Format) -> State {
        match format {
            Format::Edn => State::Edn(EdnEvents::default()),
            Format::Json | Format::Jsonl => State::Json(JsonEvents::default()),
            Format::Log => State::Log,
        }
    }
}

impl Parser {
    pub(super) fn new(format: Format) -> Parser {
        Parser { state: State::new(format), tools: Tools::new() }
    }

    /// Reads the operations of one line of a journal, whatever came before it.
    pub(super) fn journal_line(&mut self, line: &[u8], events: &mut Events) -> Result<(), Fault> {
        self.state = State::new(Format::Jsonl);
        self.drain(line, Rest::Nothing, &Place::default(), events).map(drop)
    }

    /// Reads all whole operations in the window, and returns how many bytes they took.
    fn drain(
        &mut self,
        window: &[u8],
        rest: Rest,
        place: &Place,
        events: &mut Events,
    ) -> Result<usize, Fault> {
        self.tools.scratch.clear();
        let mut cursor = Cursor::new(window, rest, &mut self.tools);
        let (mut line, mut counted) = (place.lines + 1, 0);
        loop {
            let start = cursor.at;
            let next_index = events.ops.last().map_or(0, |op| op.index.saturating_add(1));
            let step: Read<Step> = match &mut self.state {
                State::Edn(state) => state.step(&mut cursor, next_index),
                State::Json(state) => state.step(&mut cursor, next_index),
                State::Log => log::step(&mut cursor, next_index),
            };
            match step {
                Ok(Step::Op { op, at }) => {
                    line += count_lines(&window[counted..at]);
                    counted = at;
                    events.ops.push(op);
                    events.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
                }
                Ok(Step::Onward) => {}
                Ok(Step::End) => return Ok(window.len()),
                Err(Fault { problem: SyntaxProblem::Unfinished, .. }) if rest == Rest::Unknown => {
                    return Ok(start);
                }
                Err(fault) => return Err(fault),
            }
        }
    }
}

fn read_stream(
    mut input: impl io::Read,
    format: Option<Format>,
    events: &mut Events,
) -> Result<(), ReadError> {
    let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
    input.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic)?;
    let compressed = magic == GZIP_MAGIC;
    let input = io::Cursor::new(magic).chain(input);
    if compressed {
        read_windows(MultiGzDecoder::new(input), format, events)
    } else {
        read_windows(input, format, events)
    }
}

fn read_windows(
    mut input: impl io::Read,
    format: Option<Format>,
    events: &mut Events,
) -> Result<(), ReadError> {
    let mut window = Vec::new();
    let mut rest = fill(&mut window, WINDOW_BYTES, &mut input)?;
    let mut place = Place::default();
    if window.starts_with(BYTE_ORDER_MARK) {
        window.drain(..BYTE_ORDER_MARK.len());
        place.offset = BYTE_ORDER_MARK.len() as u64;
    }
    let mut parser = Parser::new(format.unwrap_or_else(|| Format::sniff(&window)));
    loop {
        let passed = parser
            .drain(&window, rest, &place, events)
            .map_err(|fault| fault.locate(&window, &place))?;
        if rest == Rest::Nothing {
            return Ok(());
        }
        place.advance(&window[..passed]);
        window.drain(..passed);
        if window.len() > FORM_LIMIT_BYTES {
            let problem = SyntaxProblem::TooLarge { limit_bytes: FORM_LIMIT_BYTES };
            return Err(Fault::new(0, problem).locate(&window, &place).into());
        }
        // At least as much again: a form that is read in vain costs no more than the reading of it.
        let more = WINDOW_BYTES.max(window.len());
        rest = fill(&mut window, more, &mut input)?;
    }
}

/// Appends `more` bytes of input, or all there are.
fn fill(window: &mut Vec<u8>, more: usize, input: &mut impl io::Read) -> io::Result<Rest> {
    let read = input.by_ref().take(more as u64).read_to_end(window)?;
    Ok(if read < more { Rest::Nothing } else { Rest::Unknown })
}
