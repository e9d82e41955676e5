//! Strings and characters. The string syntax is that of JSON plus octal escapes, so both readers
//! of histories use it.

use std::sync::Arc;

use super::cursor::{Cursor, Read};
use super::error::SyntaxProblem;
use crate::value::Value;

impl Cursor<'_> {
    /// Reads a string, with the cursor at its opening quote.
    pub(crate) fn string(&mut self) -> Read<Arc<str>> {
        let start = self.at;
        let rest = &self.remaining()[1..];
        match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            Some(length) if rest[length] == b'"' => {
                self.at += length + 2;
                self.share(start, &rest[..length])
            }
            Some(length) => {
                self.at += length + 1;
                self.escaped_string(start, &rest[..length])
            }
            None => Err(self.unfinished()),
        }
    }

    /// Shares `text`, which started at `start`.
    pub(crate) fn share(&mut self, start: usize, text: &[u8]) -> Read<Arc<str>> {
        self.tools.names.share(text).ok_or_else(|| {
            self.at = start;
            self.fault(SyntaxProblem::NotUtf8)
        })
    }

    /// The slow way: `head` came before the first escape, at which the cursor is.
    fn escaped_string(&mut self, start: usize, head: &[u8]) -> Read<Arc<str>> {
        let mut text = std::mem::take(&mut self.tools.text);
        text.clear();
        text.extend_from_slice(head);
        loop {
            match self.byte()? {
                b'"' => break,
                b'\\' => {
                    let character = self.escape()?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        let shared = self.share(start, &text);
        self.tools.text = text;
        shared
    }

    /// Reads an escape, with the cursor at its backslash.
    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        let letter = self.byte_ahead(1)?;
        self.at += 2;
        let character = match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' | b'\'' => char::from(letter),
            b'u' => return self.unicode_escape(start),
            b'0'..=b'7' => {
                self.at -= 1;
                let code = self.octal()?;
                return char::from_u32(code)
                    .filter(|_| code <= 0o377)
                    .ok_or_else(|| self.bad(start));
            }
            _ => return Err(self.bad(start)),
        };
        Ok(character)
    }

    /// Reads what follows `\u`; characters beyond the basic plane are two escapes, as in JSON.
    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        let high = self.four_hex_digits(start)?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.bad(start));
        }
        if self.byte()? != b'\\' || self.byte_ahead(1)? != b'u' {
            return Err(self.bad(start));
        }
        self.at += 2;
        let low = self.four_hex_digits(start)?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(self.bad(start));
        }
        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        char::from_u32(code).ok_or_else(|| self.bad(start))
    }

    fn four_hex_digits(&mut self, start: usize) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte()?).to_digit(16).ok_or_else(|| self.bad(start))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn octal(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..3 {
            let Some(digit) = char::from(self.byte()?).to_digit(8) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn bad(&self, start: usize) -> super::error::Fault {
        super::error::Fault::new(start, SyntaxProblem::BadEscape)
    }

    /// Reads a character, with the cursor at its backslash.
    pub(crate) fn character(&mut self) -> Read<Value> {
        let start = self.at;
        // The first byte is part of the character even where it would end a token: `\(`.
        self.byte_ahead(1)?;
        self.at += 2;
        self.token()?;
        let spelled = std::str::from_utf8(&self.since(start)[1..])
            .map_err(|_| super::error::Fault::new(start, SyntaxProblem::NotUtf8))?;
        let mut characters = spelled.chars();
        let character = match (characters.next(), characters.as_str()) {
            (Some(single), "") => Some(single).filter(|c| !c.is_ascii_control()),
            (Some('u'), hex) if hex.len() == 4 => {
                u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
            }
            (Some('o'), octal) => {
                u32::from_str_radix(octal, 8).ok().filter(|c| *c <= 0o377).and_then(char::from_u32)
            }
            _ => named_character(spelled),
        };
        character.map(Value::Char).ok_or_else(|| self.bad_token(start, "a character"))
    }
}

/// The characters that have names, in both directions.
pub(crate) const NAMED_CHARACTERS: [(&str, char); 6] = [
    ("newline", '\n'),
    ("space", ' '),
    ("tab", '\t'),
    ("return", '\r'),
    ("backspace", '\u{8}'),
    ("formfeed", '\u{c}'),
];

fn named_character(spelled: &str) -> Option<char> {
    NAMED_CHARACTERS.iter().find_map(|(name, character)| (*name == spelled).then_some(*character))
}
