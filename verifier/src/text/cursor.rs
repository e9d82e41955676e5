//! Bytes, blanks and tokens, and the strings that all notations share.

use std::borrow::Cow;

use thiserror::Error;

/// Nesting beyond this is an attack or a bug, and reading is recursive.
const DEPTH_LIMIT: u32 = 200;

/// Text that makes no sense, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: expected {expected}")]
pub(crate) struct Unreadable {
    pub(crate) at: usize,
    pub(crate) expected: String,
}

pub(crate) type Read<T> = Result<T, Unreadable>;

/// A part of a string without escapes, and the byte that ends it.
struct Plain<'a> {
    text: &'a [u8],
    end: u8,
}

fn ends_word(byte: &u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';' | 0x0b)
}

/// A position in a text.
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    pub(crate) at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor { text, at: 0, depth: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    pub(crate) fn refuse(&self, expected: impl Into<String>) -> Unreadable {
        Unreadable { at: self.at, expected: expected.into() }
    }

    /// Passes this byte, which must be there.
    pub(crate) fn expect(&mut self, byte: u8, expected: &str) -> Read<()> {
        if self.peek() != Some(byte) {
            return Err(self.refuse(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Passes white space; in EDN the comma is white as well.
    pub(crate) fn skip(&mut self, white: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&white) {
            self.at += 1;
        }
    }

    /// Passes the rest of the line.
    pub(crate) fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
    }

    /// Passes an integer of so few digits that it fits, if that is the whole word.
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        const DIGITS_MAX: usize = 18;
        let word = self.rest();
        let negative = word.first() == Some(&b'-');
        let digits = &word[usize::from(negative)..];
        let count =
            digits.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let plain = (1..=DIGITS_MAX).contains(&count) && (count == 1 || digits[0] != b'0');
        if !plain || !digits.get(count).is_none_or(ends_word) {
            return None;
        }
        let number =
            digits[..count].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.at += usize::from(negative) + count;
        Some(if negative { -number } else { number })
    }

    /// Passes a word, which is empty if there is none.
    pub(crate) fn word(&mut self) -> Read<&'a str> {
        let rest = self.rest();
        let word = &rest[..rest.iter().position(ends_word).unwrap_or(rest.len())];
        let word = std::str::from_utf8(word).map_err(|_| self.refuse("UTF-8"))?;
        self.at += word.len();
        Ok(word)
    }

    /// Runs `read` one level deeper.
    pub(crate) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEPTH_LIMIT {
            return Err(self.refuse(format!("no more than {DEPTH_LIMIT} levels of nesting")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Reads a string, with the cursor at its quote.
    pub(crate) fn string(&mut self) -> Read<Cow<'a, str>> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        let plain = self.until_special()?;
        if plain.end == b'"' {
            return Self::utf8(start, plain.text).map(Cow::Borrowed);
        }
        let mut text = plain.text.to_vec();
        loop {
            let one = self.escape()?;
            text.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
            let plain = self.until_special()?;
            text.extend_from_slice(plain.text);
            if plain.end == b'"' {
                break;
            }
        }
        Self::utf8(start, &text).map(|text| Cow::Owned(text.to_owned()))
    }

    /// Passes what stands before the next quote or backslash, and that byte.
    fn until_special(&mut self) -> Read<Plain<'a>> {
        let rest = self.rest();
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let length = length.ok_or_else(|| self.refuse("the end of a string"))?;
        self.at += length + 1;
        Ok(Plain { text: &rest[..length], end: rest[length] })
    }

    fn utf8(start: usize, text: &[u8]) -> Read<&str> {
        std::str::from_utf8(text)
            .map_err(|_| Unreadable { at: start, expected: "UTF-8".to_owned() })
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Read<char> {
        let letter = self.peek().ok_or_else(|| self.refuse("an escape"))?;
        if matches!(letter, b'0'..=b'7') {
            return self.octal();
        }
        self.at += 1;
        Ok(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' | b'\'' => char::from(letter),
            b'u' => return self.unicode(),
            _ => return Err(self.refuse("an escape that means a character")),
        })
    }

    /// Up to three octal digits.
    fn octal(&mut self) -> Read<char> {
        let mut code = 0;
        for _ in 0..3 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(8));
            let Some(digit) = digit else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        let one = char::from_u32(code).filter(|_| code <= 0o377);
        one.ok_or_else(|| self.refuse("an octal escape up to 377"))
    }

    /// Four hexadecimal digits, or twice that for what needs two halves.
    fn unicode(&mut self) -> Read<char> {
        let high = self.hexadecimal()?;
        let code = match high {
            0xD800..0xDC00 if self.rest().starts_with(b"\\u") => {
                self.at += 2;
                let low = self.hexadecimal()?;
                if !(0xDC00..0xE000).contains(&low) {
                    return Err(self.refuse("the second half of a surrogate pair"));
                }
                0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            }
            whole => whole,
        };
        char::from_u32(code).ok_or_else(|| self.refuse("an escape that means a character"))
    }

    fn hexadecimal(&mut self) -> Read<u32> {
        let digits = self.rest().get(..4).and_then(|four| std::str::from_utf8(four).ok());
        let digits = digits.filter(|four| four.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|four| u32::from_str_radix(four, 16).ok());
        let code = code.ok_or_else(|| self.refuse("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_integer_is_a_whole_word() {
        let read = |text: &str| {
            let mut cursor = Cursor::new(text.as_bytes());
            (cursor.small_integer(), cursor.at)
        };
        assert_eq!(read("0"), (Some(0), 1));
        assert_eq!(read("-12]"), (Some(-12), 3));
        assert_eq!(read("999999999999999999 "), (Some(999_999_999_999_999_999), 18));
        for text in ["", "-", "07", "1.5", "1e3", "1/2", "5N", "+5", "x", "1000000000000000000"] {
            assert_eq!(read(text), (None, 0), "{text}");
        }
    }
}
