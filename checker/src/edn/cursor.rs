//! The lexical level: bytes, blanks, tokens. Shared by all readers of histories.
//!
//! A cursor works on a window of the input. Whatever touches the end of the window while more
//! input may follow is [`SyntaxProblem::Unfinished`]; the owner of the window then fetches more
//! and reads that form again. So reading is streaming without being written as a state machine.

use super::error::{Fault, SyntaxProblem, printable};
use super::names::Names;
use crate::value::Value;

/// Nesting beyond this is an attack or a bug, and the reader is recursive.
pub(crate) const DEPTH_LIMIT: u32 = 200;

/// What bytes do to the token before them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a token.
    Token,
    /// Between tokens; the comma is white space in EDN.
    Blank,
    /// Ends a token and means something itself.
    Delimiter,
    /// Control characters that have no business outside strings.
    Forbidden,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Token; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = Class::Forbidden;
        byte += 1;
    }
    classes[0x7f] = Class::Forbidden;
    let (blanks, delimiters) = (b" ,\t\n\r\x0b\x0c", b"()[]{}\";");
    let mut i = 0;
    while i < blanks.len() {
        classes[blanks[i] as usize] = Class::Blank;
        i += 1;
    }
    i = 0;
    while i < delimiters.len() {
        classes[delimiters[i] as usize] = Class::Delimiter;
        i += 1;
    }
    classes
};

/// Whether `text` is a single token, as keywords, symbols and tags must be.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| CLASSES[byte as usize] == Class::Token)
}

/// What comes behind the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Perhaps more input.
    Unknown,
    /// Nothing: the window ends where the input ends.
    Nothing,
}

/// What outlives a cursor: memory that is used again for the next form.
pub(crate) struct Tools {
    pub(crate) names: Names,
    /// Elements of the collections being read. They are moved out when a collection closes, in
    /// one allocation of the right size.
    pub(crate) scratch: Vec<Value>,
    /// Text of a string with escapes.
    pub(crate) text: Vec<u8>,
}

impl Tools {
    pub(crate) fn new() -> Tools {
        Tools { names: Names::new(), scratch: Vec::new(), text: Vec::new() }
    }
}

/// A position in a window of the input.
pub(crate) struct Cursor<'a> {
    window: &'a [u8],
    pub(crate) at: usize,
    rest: Rest,
    depth: u32,
    pub(crate) tools: &'a mut Tools,
}

pub(crate) type Read<T> = Result<T, Fault>;

impl<'a> Cursor<'a> {
    pub(crate) fn new(window: &'a [u8], rest: Rest, tools: &'a mut Tools) -> Cursor<'a> {
        Cursor { window, at: 0, rest, depth: 0, tools }
    }

    /// The byte at the cursor; `None` at the end of the input.
    #[inline]
    pub(crate) fn peek(&self) -> Read<Option<u8>> {
        match self.window.get(self.at) {
            Some(byte) => Ok(Some(*byte)),
            None if self.rest == Rest::Nothing => Ok(None),
            None => Err(self.unfinished()),
        }
    }

    /// The byte at the cursor, where the input must not end.
    #[inline]
    pub(crate) fn byte(&self) -> Read<u8> {
        self.window.get(self.at).copied().ok_or_else(|| self.unfinished())
    }

    /// The byte `ahead` of the cursor, where the input must not end.
    #[inline]
    pub(crate) fn byte_ahead(&self, ahead: usize) -> Read<u8> {
        self.window.get(self.at + ahead).copied().ok_or_else(|| self.unfinished())
    }

    /// The window from `start` to the cursor.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.window[start..self.at]
    }

    /// The window from `begin` to `end`.
    #[inline]
    pub(crate) fn text(&self, begin: usize, end: usize) -> &'a [u8] {
        &self.window[begin..end]
    }

    /// What is left of the window.
    pub(crate) fn remaining(&self) -> &'a [u8] {
        &self.window[self.at..]
    }

    /// Takes the rest of the line, without its break; `None` at the end of the input.
    pub(crate) fn line(&mut self) -> Read<Option<&'a [u8]>> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let rest = self.remaining();
        let length = match rest.iter().position(|byte| *byte == b'\n') {
            Some(length) => length,
            None if self.rest == Rest::Nothing => rest.len(),
            None => return Err(self.unfinished()),
        };
        self.at += (length + 1).min(rest.len());
        Ok(Some(&rest[..length]))
    }

    /// Passes a token and returns it, which is empty if there is none.
    #[inline]
    pub(crate) fn token(&mut self) -> Read<&'a [u8]> {
        let start = self.at;
        let rest = &self.window[start..];
        match rest.iter().position(|byte| CLASSES[*byte as usize] != Class::Token) {
            Some(length) => self.at += length,
            None if self.rest == Rest::Nothing => self.at = self.window.len(),
            None => return Err(self.unfinished()),
        }
        Ok(self.since(start))
    }

    /// Passes decimal digits that are a whole token of at most 18, which is how nearly all numbers
    /// look; `None`, with the cursor unmoved, if they are anything else.
    #[inline]
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        let rest = &self.window[self.at..];
        let negative = rest.first() == Some(&b'-');
        let digits = &rest[usize::from(negative)..];
        let mut value = 0_i64;
        let mut length = 0;
        while let Some(byte) = digits.get(length)
            && byte.is_ascii_digit()
        {
            length += 1;
            if length > 18 {
                return None;
            }
            value = value * 10 + i64::from(byte - b'0');
        }
        let after = *digits.get(length)?;
        let leading_zero = length > 1 && digits[0] == b'0';
        if length == 0 || leading_zero || CLASSES[after as usize] == Class::Token {
            return None;
        }
        self.at += usize::from(negative) + length;
        Some(if negative { -value } else { value })
    }

    /// Passes white space and commas, nothing else.
    #[inline]
    pub(crate) fn skip_white(&mut self) {
        while let Some(byte) = self.window.get(self.at)
            && CLASSES[*byte as usize] == Class::Blank
        {
            self.at += 1;
        }
    }

    /// Passes everything up to the end of the line.
    pub(crate) fn skip_line(&mut self) -> Read<()> {
        self.line().map(|_| ())
    }

    /// Runs `read` one level deeper.
    #[inline]
    pub(crate) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEPTH_LIMIT {
            return Err(self.fault(SyntaxProblem::TooDeep { limit: DEPTH_LIMIT }));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(crate) fn fault(&self, problem: SyntaxProblem) -> Fault {
        Fault::new(self.at, problem)
    }

    pub(crate) fn unfinished(&self) -> Fault {
        Fault::new(self.window.len(), SyntaxProblem::Unfinished)
    }

    /// Complains about the byte at the cursor.
    pub(crate) fn unexpected(&self, expected: &'static str) -> Fault {
        match self.window.get(self.at) {
            Some(byte) => {
                self.fault(SyntaxProblem::Unexpected { found: printable(*byte), expected })
            }
            None => self.unfinished(),
        }
    }

    /// Complains about the token between `start` and the cursor.
    pub(crate) fn bad_token(&self, start: usize, expected: &'static str) -> Fault {
        let text = String::from_utf8_lossy(self.since(start));
        let problem = SyntaxProblem::BadToken { text: super::error::excerpt(&text), expected };
        Fault::new(start, problem)
    }
}
