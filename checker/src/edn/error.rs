//! What can be wrong with text, and where.

use thiserror::Error;

/// Text that could not be read, with the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column} (byte {offset}): {problem}")]
pub struct SyntaxError {
    /// Bytes before the place, counted from the start of the (uncompressed) input.
    pub offset: u64,
    /// Line, counted from one.
    pub line: u64,
    /// Column in characters, counted from one.
    pub column: u64,
    /// What is wrong there.
    pub problem: SyntaxProblem,
}

/// What is wrong with a piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SyntaxProblem {
    /// The input stops inside a form.
    #[error("the input ends in the middle of something")]
    Unfinished,
    /// A character where something else must be.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// The byte that was found, printable.
        found: Box<str>,
        /// What should be there.
        expected: &'static str,
    },
    /// A word that is no value.
    #[error("`{text}` is not {expected}")]
    BadToken {
        /// The word, cut if it is long.
        text: Box<str>,
        /// What it was taken for.
        expected: &'static str,
    },
    /// A key of a map, or an element of a set, that occurs twice.
    #[error("{text} occurs twice in one {place}")]
    Duplicate {
        /// The key or element, cut if it is long.
        text: Box<str>,
        /// `map`, `set` or `operation`.
        place: &'static str,
    },
    /// A map with a key and no value.
    #[error("a map with an odd number of forms")]
    OddMap,
    /// Bytes that are not UTF-8.
    #[error("bytes that are not UTF-8")]
    NotUtf8,
    /// An escape such as `\q`, or half of a surrogate pair.
    #[error("an escape that means no character")]
    BadEscape,
    /// Deeper nesting than anything that is meant seriously.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// A single form larger than anything that is meant seriously.
    #[error("a single form of more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Well-formed, but not an operation.
    #[error("{0}")]
    NotAnOperation(Box<str>),
}

/// A problem at a position of the text at hand; becomes a [`SyntaxError`] once that text's place
/// in the whole input is known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: SyntaxProblem,
}

impl Fault {
    pub(crate) fn new(at: usize, problem: SyntaxProblem) -> Fault {
        Fault { at, problem }
    }

    /// The error, for `text` that starts at this place of the input.
    pub(crate) fn locate(self, text: &[u8], start: &Place) -> SyntaxError {
        let mut place = start.clone();
        place.advance(&text[..self.at.min(text.len())]);
        SyntaxError {
            offset: place.offset,
            line: place.lines + 1,
            column: place.column + 1,
            problem: self.problem,
        }
    }
}

/// A place in the input: how much of it lies before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) lines: u64,
    /// Characters since the last line break.
    pub(crate) column: u64,
}

impl Place {
    /// Moves behind `passed`.
    pub(crate) fn advance(&mut self, passed: &[u8]) {
        self.offset += passed.len() as u64;
        let line = match passed.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => {
                self.lines += count_lines(&passed[..=end]);
                self.column = 0;
                &passed[end + 1..]
            }
            None => passed,
        };
        // Continuation bytes of UTF-8 do not start a character.
        self.column += line.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64;
    }
}

/// Line breaks in `text`. Counted in bytes by the chunk, which compilers turn into vector
/// instructions: every byte of the input passes here.
pub(crate) fn count_lines(text: &[u8]) -> u64 {
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    text.chunks(192).map(|chunk| u64::from(in_chunk(chunk))).sum()
}

/// At most 40 characters of `text`, for messages.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// A byte as a message shows it.
pub(crate) fn printable(byte: u8) -> Box<str> {
    match byte {
        b'!'..=b'~' => format!("`{}`", char::from(byte)).into(),
        b'\n' => "a line break".into(),
        b' ' => "a space".into(),
        _ => format!("byte 0x{byte:02x}").into(),
    }
}
