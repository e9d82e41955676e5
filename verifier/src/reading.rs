//! What a history holds, as this crate reads it: for whoever compares that with another reader.

use crate::pairing::{self, Outcome};
use crate::report::Refusal;
use crate::text::{self, Notation};
use crate::unpack::Source;
use crate::verify::UNPACKED_BYTES_MAX;

/// One operation of a client, its values in EDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The index of its invocation, by which certificates name it.
    pub index: u64,
    /// The client.
    pub process: u64,
    /// What was done.
    pub f: String,
    /// An entry `:key` of the invocation.
    pub key: Option<String>,
    /// The value of the invocation.
    pub argument: String,
    /// The value of the completion; `None` without one.
    pub result: Option<String>,
    /// Why it failed or is unknown.
    pub error: Option<String>,
    /// `ok`, `fail` or `info`.
    pub outcome: &'static str,
    /// Position of the invocation among all events.
    pub invoked: usize,
    /// Position of the completion.
    pub completed: Option<usize>,
}

/// The operations of a history in the order of their invocations; `notation` is one that a
/// certificate can name.
///
/// # Errors
///
/// When the bytes make no sense, or there is no such notation.
pub fn read(history: &[u8], notation: &str) -> Result<Vec<Reading>, Refusal> {
    let refused = |why: String| Refusal::Unreadable { file: "the history", why };
    let named = Notation::named(notation);
    let notation = named.ok_or_else(|| refused(format!("{notation} is no notation")))?;
    let history = text::history(Source::Bytes(history), notation, UNPACKED_BYTES_MAX);
    let events = history.map_err(|error| refused(error.to_string()))?.events.map_err(refused)?;
    let operations = pairing::pair(&events).map_err(|error| refused(error.to_string()))?;
    let reading = |one: &pairing::Paired| {
        let invocation = events.at(one.invoked());
        let completion = one.completed().map(|at| events.at(at));
        Reading {
            index: invocation.index,
            process: invocation.process().unwrap_or_default(),
            f: invocation.f().to_string(),
            key: invocation.key().map(ToString::to_string),
            argument: invocation.value().to_string(),
            result: completion.map(|event| event.value().to_string()),
            error: completion.and_then(|event| Some(event.error()?.to_string())),
            outcome: match one.outcome {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info => "info",
            },
            invoked: one.invoked(),
            completed: one.completed(),
        }
    };
    Ok(operations.iter().map(reading).collect())
}
