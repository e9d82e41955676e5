//! A line about one object, as JSON.

use std::fmt;
use std::io::{self, Write};

use super::frontier::{Config, Mark, Refutation};
use super::invalid::Refuted;
use super::machine::Name;
use super::refute::{Part, Proof};
use super::sets::Evidence;
use crate::edn::write_escaped;
use crate::value::Value;

/// What a line says of its object.
pub(super) enum Said<'a> {
    /// Valid: here is an order, by the indices of invocations.
    Order(&'a [u64]),
    /// Valid: the reads of a set show it.
    Set,
    /// Invalid.
    Refuted(&'a Refuted),
    /// Not proved.
    Nothing {
        /// The verdict all the same.
        verdict: &'static str,
        why: &'a str,
    },
}

impl Said<'_> {
    fn verdict(&self) -> &'static str {
        match self {
            Said::Order(_) | Said::Set => "valid",
            Said::Refuted(_) => "invalid",
            Said::Nothing { verdict, .. } => verdict,
        }
    }
}

/// Writes the line of an object.
pub(super) fn object(key: Option<&Value>, said: &Said<'_>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    if let Some(key) = key {
        write!(out, "\"key\":{},", Text(&key.to_string()))?;
    }
    write!(out, "\"verdict\":\"{}\",\"proof\":", said.verdict())?;
    match said {
        Said::Order(order) => {
            out.write_all(b"\"order\",\"order\":")?;
            array(order, out, |index, out| write!(out, "{index}"))?;
        }
        Said::Set => out.write_all(b"\"set\"")?,
        Said::Refuted(Refuted::Set(evidence)) => set_evidence(evidence, out)?,
        Said::Refuted(Refuted::Part(Proof::SubHistory(range))) => {
            out.write_all(b"\"sub-history\"")?;
            part(range, out)?;
        }
        Said::Refuted(Refuted::Part(Proof::Frontier(range, refutation, names))) => {
            out.write_all(b"\"frontier\"")?;
            part(range, out)?;
            frontier(refutation, names, out)?;
        }
        Said::Nothing { why, .. } => write!(out, "\"none\",\"why\":{}", Text(why))?,
    }
    out.write_all(b"}\n")
}

fn set_evidence(evidence: &Evidence, out: &mut impl Write) -> io::Result<()> {
    let (anomaly, element, read) = match evidence {
        Evidence::Unexpected { element, read } => ("unexpected", element, read),
        Evidence::Missing { element, read, .. } => ("missing", element, read),
    };
    let element = element.to_string();
    write!(out, "\"set-evidence\",\"anomaly\":\"{anomaly}\"")?;
    write!(out, ",\"element\":{},\"read\":{read}", Text(&element))?;
    match evidence {
        Evidence::Unexpected { .. } => Ok(()),
        Evidence::Missing { witness, .. } => write!(out, ",\"witness\":{witness}"),
    }
}

fn part(part: &Part, out: &mut impl Write) -> io::Result<()> {
    if let Some(things) = &part.about {
        out.write_all(b",\"about\":")?;
        array(things, out, |thing, out| write!(out, "{}", Text(&thing.to_string())))?;
    }
    if let Some(from) = part.from {
        write!(out, ",\"from\":{from}")?;
    }
    if let Some(until) = part.until {
        write!(out, ",\"until\":{until}")?;
    }
    if let Some(keep) = &part.keep {
        out.write_all(b",\"keep\":")?;
        array(keep, out, |index, out| write!(out, "{index}"))?;
    }
    if !part.as_write.is_empty() {
        out.write_all(b",\"as-write\":")?;
        array(&part.as_write, out, |index, out| write!(out, "{index}"))?;
    }
    Ok(())
}

fn frontier(refutation: &Refutation, names: &[Name], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b",\"states\":")?;
    array(names, out, |name, out| match name {
        Name::Text(text) => write!(out, "{}", Text(text)),
        Name::Initial => out.write_all(b"null"),
        Name::After(from, operation) => write!(out, "[{from},{operation}]"),
    })?;
    if !refutation.counted.is_empty() {
        out.write_all(b",\"counted\":")?;
        array(&refutation.counted, out, |index, out| write!(out, "{index}"))?;
    }
    out.write_all(b",\"start\":")?;
    array(&refutation.start, out, config)?;
    out.write_all(b",\"stages\":")?;
    array(&refutation.stages, out, |stage, out| {
        write!(out, "[{},", stage.returns)?;
        array(&stage.tried, out, config)?;
        out.write_all(b",")?;
        array(&stage.left, out, config)?;
        out.write_all(b"]")
    })
}

fn config<W: Write>(config: &Config, out: &mut W) -> io::Result<()> {
    write!(out, "[{},\"", config.state)?;
    for mark in &config.marks {
        out.write_all(match mark {
            Mark::Not => b".",
            Mark::Done => b"x",
            Mark::Either => b"?",
        })?;
    }
    out.write_all(b"\"")?;
    if config.counts.iter().any(|count| *count > 0) {
        out.write_all(b",")?;
        array(&config.counts, out, |count, out| write!(out, "{count}"))?;
    }
    out.write_all(b"]")
}

fn array<T, W: Write>(
    items: &[T],
    out: &mut W,
    each: impl Fn(&T, &mut W) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        each(item, out)?;
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
