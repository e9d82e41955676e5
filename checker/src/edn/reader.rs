//! The grammar of EDN, as a recursive descent.

use super::cursor::{Cursor, Read, is_token};
use super::error::{Fault, SyntaxProblem, excerpt};
use super::number;
use crate::value::Value;

impl<'a> Cursor<'a> {
    /// Passes blanks, comments and discarded forms. Returns the byte that follows; `None` at the
    /// end of the input.
    #[inline]
    pub(crate) fn skip_blanks(&mut self) -> Read<Option<u8>> {
        loop {
            self.skip_white();
            match self.peek()? {
                Some(b';') => self.skip_line()?,
                Some(b'#') => match self.byte_ahead(1)? {
                    b'_' => self.discard()?,
                    b'!' => self.skip_line()?,
                    _ => return Ok(Some(b'#')),
                },
                byte => return Ok(byte),
            }
        }
    }

    /// Like [`skip_blanks`](Cursor::skip_blanks), where something must follow.
    #[inline]
    pub(crate) fn next_form(&mut self) -> Read<u8> {
        self.skip_blanks()?.ok_or_else(|| self.unfinished())
    }

    /// Reads and forgets the form after `#_`; `#_ #_ a b` discards both.
    fn discard(&mut self) -> Read<()> {
        self.at += 2;
        self.nested(Cursor::value).map(drop)
    }

    /// Reads one value.
    pub(crate) fn value(&mut self) -> Read<Value> {
        match self.next_form()? {
            b'-' | b'+' | b'0'..=b'9' => self.number_or_symbol(),
            b':' => self.keyword(),
            b'"' => self.string().map(Value::Str),
            b'[' => self.items(b']').map(Value::Vector),
            b'(' => self.items(b')').map(Value::List),
            b'{' => self.map().map(Value::Map),
            b'#' => self.dispatch(),
            b'\\' => self.character(),
            b')' | b']' | b'}' | b'@' | b'^' | b'`' | b'~' => Err(self.unexpected("a value")),
            _ => self.symbol(),
        }
    }

    #[inline]
    fn number_or_symbol(&mut self) -> Read<Value> {
        if let Some(small) = self.small_integer() {
            return Ok(Value::Int(small));
        }
        let start = self.at;
        let token = self.token()?;
        let second = token.get(1).copied().unwrap_or(b' ');
        if !token[0].is_ascii_digit() && !second.is_ascii_digit() {
            self.at = start;
            return self.symbol();
        }
        let number = std::str::from_utf8(token).ok().and_then(number::parse);
        number.ok_or_else(|| self.bad_token(start, "a number"))
    }

    #[inline]
    fn keyword(&mut self) -> Read<Value> {
        let start = self.at;
        self.at += 1;
        let name = self.token()?;
        if name.is_empty() || name[0] == b':' {
            return Err(self.bad_token(start, "a keyword"));
        }
        self.share(start, name).map(Value::Keyword)
    }

    fn symbol(&mut self) -> Read<Value> {
        let start = self.at;
        match self.token()? {
            b"nil" => Ok(Value::Nil),
            b"true" => Ok(Value::Bool(true)),
            b"false" => Ok(Value::Bool(false)),
            b"" => Err(self.unexpected("a value")),
            name => self.share(start, name).map(Value::Symbol),
        }
    }

    /// Reads the elements up to the closing bracket, with the cursor at the opening one.
    pub(crate) fn items(&mut self, close: u8) -> Read<Vec<Value>> {
        self.at += 1;
        self.nested(|cursor| {
            let first = cursor.tools.scratch.len();
            loop {
                let next = cursor.next_form()?;
                if next == close {
                    cursor.at += 1;
                    return Ok(cursor.tools.scratch.drain(first..).collect());
                }
                let item = cursor.value()?;
                cursor.tools.scratch.push(item);
            }
        })
    }

    /// Reads a map, with the cursor at its opening brace.
    fn map(&mut self) -> Read<Vec<(Value, Value)>> {
        let start = self.at;
        self.at += 1;
        let first = self.tools.scratch.len();
        self.nested(|cursor| {
            while cursor.next_form()? != b'}' {
                let item = cursor.value()?;
                cursor.tools.scratch.push(item);
            }
            cursor.at += 1;
            Ok(())
        })?;
        if (self.tools.scratch.len() - first) % 2 == 1 {
            return Err(Fault::new(start, SyntaxProblem::OddMap));
        }
        let entries = self.drain_pairs(first);
        refuse_duplicates(entries.iter().map(|(key, _)| key), start, "map")?;
        Ok(entries)
    }

    /// Takes what was read since the scratch was `first` long, as pairs.
    pub(crate) fn drain_pairs(&mut self, first: usize) -> Vec<(Value, Value)> {
        let scratch = &mut self.tools.scratch;
        let mut entries = Vec::with_capacity((scratch.len() - first) / 2);
        let mut items = scratch.drain(first..);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        entries
    }

    /// Reads what starts with `#`.
    fn dispatch(&mut self) -> Read<Value> {
        let start = self.at;
        match self.byte_ahead(1)? {
            b'{' => {
                self.at += 1;
                let items = self.items(b'}')?;
                refuse_duplicates(items.iter(), start, "set")?;
                Ok(Value::Set(items))
            }
            b'#' => self.symbolic(),
            b':' => self.namespaced_map(),
            _ => {
                let tag = self.tag()?;
                let tag = self.share(start, tag)?;
                let value = self.nested(Cursor::value)?;
                Ok(Value::Tagged(tag, Box::new(value)))
            }
        }
    }

    /// Passes `#tag` and returns the tag.
    pub(crate) fn tag(&mut self) -> Read<&'a [u8]> {
        let start = self.at;
        self.at += 1;
        let tag = self.token()?;
        if is_tag_start(tag) { Ok(tag) } else { Err(self.bad_token(start, "a tag")) }
    }

    fn symbolic(&mut self) -> Read<Value> {
        let start = self.at;
        self.at += 2;
        match self.token()? {
            b"Inf" => Ok(Value::Float(f64::INFINITY)),
            b"-Inf" => Ok(Value::Float(f64::NEG_INFINITY)),
            b"NaN" => Ok(Value::Float(f64::NAN)),
            _ => Err(self.bad_token(start, "##Inf, ##-Inf or ##NaN")),
        }
    }

    /// Reads `#:space{:a 1}`, which is `{:space/a 1}`; `:_/a` opts out.
    fn namespaced_map(&mut self) -> Read<Value> {
        let start = self.at;
        self.at += 2;
        let space = self.token()?;
        let space = std::str::from_utf8(space).ok().filter(|text| is_tag_start(text.as_bytes()));
        let Some(space) = space else { return Err(self.bad_token(start, "a namespace")) };
        if self.next_form()? != b'{' {
            return Err(self.unexpected("a map after its namespace"));
        }
        let mut entries = self.map()?;
        for (key, _) in &mut entries {
            let (Value::Keyword(name) | Value::Symbol(name)) = key else { continue };
            match name.strip_prefix("_/") {
                Some(bare) if is_token(bare) => *name = bare.into(),
                Some(_) => return Err(self.bad_token(start, "a map of names")),
                None if name.contains('/') => {}
                None => *name = format!("{space}/{name}").into(),
            }
        }
        refuse_duplicates(entries.iter().map(|(key, _)| key), start, "map")?;
        Ok(Value::Map(entries))
    }
}

/// Whether a tag or namespace may start like this.
pub(crate) fn is_tag_start(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
}

/// Refuses keys or elements that occur twice: which one counts is anybody's guess, and a guess
/// must not decide a verdict.
pub(crate) fn refuse_duplicates<'v>(
    values: impl ExactSizeIterator<Item = &'v Value> + Clone,
    at: usize,
    place: &'static str,
) -> Read<()> {
    let ascending = values.clone().zip(values.clone().skip(1)).all(|(a, b)| a < b);
    if ascending {
        return Ok(());
    }
    let mut sorted: Vec<&Value> = values.collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let text = excerpt(&pair[0].to_string());
            Err(Fault::new(at, SyntaxProblem::Duplicate { text, place }))
        }
        None => Ok(()),
    }
}
