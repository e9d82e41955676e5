//! A line about one object.

use std::fmt;
use std::io::{self, Write};

use crate::edn::write_escaped;
use crate::value::Value;
use crate::verdict::{Proof, Reason, Verdict};

/// Writes the line of an object.
pub(super) fn object(
    key: Option<&Value>,
    verdict: &Verdict,
    out: &mut impl Write,
) -> io::Result<()> {
    let word = verdict.validity.word();
    match key {
        Some(key) => write!(out, "{{\"key\":{},\"verdict\":\"{word}\"", Text(&key.to_string()))?,
        None => write!(out, "{{\"verdict\":\"{word}\"")?,
    }
    match &verdict.proof {
        Some(Proof::Order(order)) => {
            out.write_all(b",\"proof\":\"order\",\"order\":")?;
            indices(order, out)?;
        }
        _ => {
            let why = verdict.reason.as_ref().map(Reason::sentence);
            let why = why.unwrap_or_else(|| "this checker writes no proof of it".to_owned());
            write!(out, ",\"proof\":\"none\",\"why\":{}", Text(&why))?;
        }
    }
    out.write_all(b"}\n")
}

/// Writes an array of indices.
pub(super) fn indices(indices: &[u64], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, index) in indices.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}{index}")?;
    }
    out.write_all(b"]")
}

/// Text as a string of JSON.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut escaped = Vec::with_capacity(self.0.len() + 2);
        write_escaped(self.0.as_bytes(), &mut escaped).map_err(|_| fmt::Error)?;
        write!(f, "\"{}\"", String::from_utf8_lossy(&escaped))
    }
}
