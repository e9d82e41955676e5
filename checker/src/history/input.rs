//! Getting operations out of files, pipes and memory.
//!
//! Large input with one form a line, which is how histories are written, is cut at line ends and
//! read in parallel ([`chunks`](super::chunks)). Everything else, and whatever follows a place
//! where the cutting turned out wrong, is read through a window that holds whole forms: a form
//! that does not end in the window is read again once there is more of it. The window doubles when
//! it must, so this is O(bytes), and a form that outgrows [`FORM_LIMIT_BYTES`] is refused.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::columns::Columns;
use super::draft::Drafted;
use super::edn::EdnEvents;
use super::fast::{self, Quick, Texts};
use super::json::JsonEvents;
use super::pairing::Pairer;
use super::ramp::Ramp;
use super::{Format, History, OpRef, ReadError, chunks, compressed, log};
use crate::edn::{Cursor, Fault, Place, Read, Rest, SyntaxProblem, Tools, count_lines};
use crate::op::Op;

/// No single operation is larger than this.
pub const FORM_LIMIT_BYTES: usize = 256 << 20;

const WINDOW_BYTES: usize = 1 << 20;

/// What one step through the input brought.
pub(super) enum Step {
    /// An operation, which starts at `at` in the window.
    Op { drafted: Drafted, at: usize },
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
    paired(compressed::opened(input)?, format, WINDOW_BYTES)
}

/// All events of an input, paired while they are read.
fn paired(
    input: impl io::Read,
    format: Option<Format>,
    window_bytes: usize,
) -> Result<History, ReadError> {
    let (mut all, mut pairer) = (Events::default(), Pairer::default());
    read_windows(input, format, window_bytes, &mut |piece: &Events, lines| {
        all.append(piece, lines);
        pairer.follow(&all.rows);
        Ok::<(), ReadError>(())
    })?;
    let Events { rows, lines, .. } = all;
    History::paired(rows, pairer).map_err(|error| ReadError::Malformed {
        line: lines.get(error.position),
        earlier_line: error.earlier.map(|position| lines.get(position)),
        error,
    })
}

/// Hands the events of a history to `take`, one after the other with their lines, however many
/// there are: nothing is kept but the piece of the input that is being read. Nothing is paired
/// either; [`Monitor`](crate::Monitor) does that.
///
/// # Errors
///
/// When the input cannot be read or is not in the format, and what `take` returns.
pub fn stream<E: From<ReadError>>(
    input: impl io::Read,
    format: Option<Format>,
    mut take: impl FnMut(OpRef<'_>, u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut next = 0_u64;
    let input = compressed::opened(input).map_err(ReadError::Io)?;
    read_windows(input, format, WINDOW_BYTES, &mut |events: &Events, lines| {
        for at in 0..events.rows.len() {
            let mut op = events.rows.op(at);
            if at < events.unnumbered {
                op.index = next;
            }
            next = op.index.saturating_add(1);
            take(op, lines + events.lines.get(at))?;
        }
        Ok(())
    })
}

/// [`stream`] for the history in a file; `-` is standard input.
///
/// # Errors
///
/// Those of [`stream`], and when there is no such file.
pub fn stream_path<E: From<ReadError>>(
    path: &Path,
    format: Option<Format>,
    take: impl FnMut(OpRef<'_>, u64) -> Result<(), E>,
) -> Result<(), E> {
    if path == Path::new("-") {
        return stream(io::stdin().lock(), format, take);
    }
    let file = File::open(path).map_err(ReadError::Io)?;
    stream(file, format.or_else(|| Format::of_path(path)), take)
}

/// Reads the events in memory, without pairing them.
///
/// # Errors
///
/// When the bytes are not in the format.
pub fn read_bytes(bytes: &[u8], format: Format) -> Result<Vec<Op>, ReadError> {
    whole(bytes, &mut Parser::new(format)).map(Events::into_ops)
}

/// Reads all there is.
fn whole(bytes: &[u8], parser: &mut Parser) -> Result<Events, ReadError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut events = Events::default();
    let place = Place::default();
    parser
        .drain(bytes, Rest::Nothing, &place, &mut events)
        .map_err(|fault| fault.locate(bytes, &place))?;
    Ok(events)
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Events with the lines on which they start, which are needed only until they are paired.
#[derive(Default)]
pub(super) struct Events {
    pub(super) rows: Columns,
    pub(super) lines: Ramp,
    /// How many of the first events have no index of their own.
    pub(super) unnumbered: usize,
}

impl Events {
    /// Keeps an event that starts on this line.
    fn push(&mut self, drafted: Drafted, line: u64) {
        let Drafted { mut op, index } = drafted;
        op.index = self.number(index);
        self.rows.push_op(op);
        self.lines.push(line);
    }

    /// The index of the next event, which came with this one.
    #[inline]
    pub(super) fn number(&mut self, given: Option<u64>) -> u64 {
        given.unwrap_or_else(|| {
            self.unnumbered += usize::from(self.unnumbered == self.rows.len());
            self.rows.next_index()
        })
    }

    /// Appends what was read of the next piece of the input, which starts after `lines` lines.
    pub(super) fn append(&mut self, next: &Events, lines: u64) {
        self.rows.append(&next.rows, next.unnumbered);
        for (_, first, length) in next.lines.runs() {
            self.lines.push_run(first + lines, length);
        }
    }

    /// Forgets all events and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.lines.clear();
        self.unnumbered = 0;
    }

    pub(super) fn into_ops(self) -> Vec<Op> {
        (0..self.rows.len()).map(|at| self.rows.op(at).to_op()).collect()
    }
}

/// A reader of one format, between two operations.
pub(super) struct Parser {
    state: State,
    tools: Tools,
    /// `None` where everything is to be read by the general readers.
    texts: Option<Texts>,
    /// How many operations took the shortcut.
    quick: usize,
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
        Parser {
            state: State::new(format),
            tools: Tools::new(),
            texts: Some(Texts::default()),
            quick: 0,
        }
    }

    /// Reads the operations of one line of a journal, whatever came before it.
    pub(super) fn journal_line(&mut self, line: &[u8], events: &mut Events) -> Result<(), Fault> {
        self.state = State::new(Format::Jsonl);
        self.drain(line, Rest::Nothing, &Place::default(), events).map(drop)
    }

    /// Reads a piece of the input that seems to hold whole forms only.
    pub(super) fn chunk(&mut self, format: Format, text: &[u8], events: &mut Events) -> Read<()> {
        self.state = State::new(format);
        self.drain(text, Rest::Nothing, &Place::default(), events).map(drop)
    }

    /// Reads all whole operations in the window, and returns how many bytes they took.
    fn drain(
        &mut self,
        window: &[u8],
        rest: Rest,
        place: &Place,
        events: &mut Events,
    ) -> Read<usize> {
        self.tools.scratch.clear();
        self.texts.iter_mut().for_each(Texts::clear);
        let mut cursor = Cursor::new(window, rest, &mut self.tools);
        let (mut line, mut counted) = (place.lines + 1, 0);
        loop {
            let start = cursor.at;
            let quick = match (&mut self.state, &mut self.texts) {
                (State::Edn(_), Some(texts)) => fast::edn(&mut cursor, texts, &mut events.rows),
                (State::Json(JsonEvents::Outside), Some(texts)) => {
                    fast::json(&mut cursor, texts, &mut events.rows)
                }
                _ => None,
            };
            if let Some(Quick { at, index, row }) = quick {
                line += count_lines(&window[counted..at]);
                counted = at;
                let index = events.number(index);
                events.rows.push(index, &row);
                events.lines.push(line);
                self.quick += 1;
                continue;
            }
            let step = match &mut self.state {
                State::Edn(state) => state.step(&mut cursor),
                State::Json(state) => state.step(&mut cursor),
                State::Log => log::step(&mut cursor),
            };
            match step {
                Ok(Step::Op { drafted, at }) => {
                    line += count_lines(&window[counted..at]);
                    counted = at;
                    events.push(drafted, line);
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

/// Hands all events of the input to `take`, in pieces and in order, each with the number of lines
/// before it.
fn read_windows<E: From<ReadError>>(
    mut input: impl io::Read,
    format: Option<Format>,
    window_bytes: usize,
    take: &mut impl FnMut(&Events, u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut window = Vec::new();
    let mut rest = fill(&mut window, window_bytes, &mut input).map_err(ReadError::Io)?;
    let mut place = Place::default();
    if window.starts_with(BYTE_ORDER_MARK) {
        window.drain(..BYTE_ORDER_MARK.len());
        place.offset = BYTE_ORDER_MARK.len() as u64;
    }
    let format = format.unwrap_or_else(|| Format::sniff(&window));
    let mut left = match rest {
        Rest::Nothing => io::Cursor::new(Vec::new()).chain(input),
        Rest::Unknown => {
            let head = std::mem::take(&mut window);
            let unread = chunks::read(&mut input, format, head, window_bytes, &mut place, take)?;
            io::Cursor::new(unread).chain(input)
        }
    };
    let (mut parser, mut events) = (Parser::new(format), Events::default());
    loop {
        events.clear();
        let passed = parser
            .drain(&window, rest, &Place::default(), &mut events)
            .map_err(|fault| ReadError::from(fault.locate(&window, &place)))?;
        take(&events, place.lines)?;
        if rest == Rest::Nothing {
            return Ok(());
        }
        place.advance(&window[..passed]);
        window.drain(..passed);
        if window.len() > FORM_LIMIT_BYTES {
            let problem = SyntaxProblem::TooLarge { limit_bytes: FORM_LIMIT_BYTES };
            return Err(ReadError::from(Fault::new(0, problem).locate(&window, &place)).into());
        }
        // At least as much again: a form that is read in vain costs no more than the reading of it.
        let more = window_bytes.max(window.len());
        rest = fill(&mut window, more, &mut left).map_err(ReadError::Io)?;
    }
}

/// Appends `more` bytes of input, or all there are.
pub(super) fn fill(
    window: &mut Vec<u8>,
    more: usize,
    input: &mut impl io::Read,
) -> io::Result<Rest> {
    let read = input.by_ref().take(more as u64).read_to_end(window)?;
    Ok(if read < more { Rest::Nothing } else { Rest::Unknown })
}

#[cfg(test)]
pub(super) mod testing {
    //! The same reading in ways that must not differ.

    use super::*;

    /// The events, read by the general readers only.
    pub(in crate::history) fn read_generally(
        bytes: &[u8],
        format: Format,
    ) -> Result<Vec<Op>, ReadError> {
        let mut parser = Parser { texts: None, ..Parser::new(format) };
        whole(bytes, &mut parser).map(Events::into_ops)
    }

    /// How many of the events the general readers had to read.
    pub(in crate::history) fn read_slowly(bytes: &[u8], format: Format) -> usize {
        let mut parser = Parser::new(format);
        let events = whole(bytes, &mut parser).expect("well-formed");
        events.rows.len() - parser.quick
    }

    /// The history, read through windows of this size.
    pub(in crate::history) fn read_by_windows(
        bytes: &[u8],
        format: Format,
        window_bytes: usize,
    ) -> Result<History, ReadError> {
        paired(bytes, Some(format), window_bytes)
    }
}
