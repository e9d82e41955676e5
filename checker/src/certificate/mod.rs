//! Certificates: the proofs of a verdict, in a form that somebody else can check.
//!
//! A verdict is worth as much as one's trust in the checker; a certificate is worth more, since
//! `checker verify` (the crate `verifier`, which shares no code with this one) or anybody else's
//! program can hold it against the bytes of the history. The format is described in
//! `docs/certificates.md`: a line of JSON about the whole, a line for each object, a last line.
//!
//! What a line holds depends on the verdict. Of a valid one it is the order that the search found.
//! Of an invalid one the search knows only where it got stuck, so a proof is looked for now
//! (`refute`): a few operations, or a window before the failing return, that have no order. That
//! is done for every invalid object, and costs little beside the search, since most of the history
//! is not looked at again.

mod frontier;
mod invalid;
mod lines;
mod machine;
mod refute;
mod sets;
mod things;

use std::io::{self, Write};

use crate::checks::{CheckOptions, CheckerSpec, SetReads, sources};
use crate::history::{Format, History, has_key_entries};
use crate::model::FailedCas;
use crate::value::Value;
use crate::verdict::{Proof, Reason, Validity, Verdict};
use invalid::refuted;
use lines::{Said, Text};

/// The version of the format.
const VERSION: u32 = 1;

/// The file that a certificate is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The SHA-256 of its bytes, as they are (compressed, if they are), in hexadecimal.
    pub sha256: String,
    /// Its notation; `None` if its first bytes tell.
    pub notation: Option<Format>,
    /// How to prove that an object is invalid.
    pub style: Style,
}

/// How to prove that an object is invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As is cheapest to check.
    #[default]
    Cheapest,
    /// By an inductive frontier, even where every order could be tried: for tests of whoever
    /// checks them.
    Frontier,
}

/// Writes the certificate of a verdict.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    subject: &Subject,
    history: &History,
    options: &CheckOptions,
    verdict: &Verdict,
    out: &mut impl Write,
) -> io::Result<()> {
    header(subject, history, options, verdict, out)?;
    proofs(subject.style, history, options, verdict, out)
}

/// What follows the first line, which names the history: it can be written before that is known.
///
/// # Errors
///
/// Those of `out`.
pub fn proofs(
    style: Style,
    history: &History,
    options: &CheckOptions,
    verdict: &Verdict,
    out: &mut impl Write,
) -> io::Result<()> {
    let parts = verdict.parts.iter().map(|part| (Some(&part.key), &part.verdict));
    let whole =
        (verdict.parts.is_empty() && !history.operations().is_empty()).then_some((None, verdict));
    let claims: Vec<_> = parts.chain(whole).collect();
    let is_invalid = |(_, verdict): &(_, &Verdict)| verdict.validity == Validity::Invalid;
    let sources = match claims.iter().any(is_invalid) {
        true => sources(history, options.independent).map(|(sources, _)| sources),
        false => Ok(Vec::new()),
    };
    let sources = sources.unwrap_or_default();
    for (at, (key, verdict)) in claims.iter().enumerate() {
        let refuted = match (verdict.validity, sources.get(at)) {
            (Validity::Invalid, Some(source)) => {
                refuted(&source.object(), &options.spec, verdict, style)
            }
            _ => Err(verdict.reason.as_ref().map_or_else(String::new, Reason::sentence)),
        };
        let said = match (verdict.validity, &verdict.proof, &refuted) {
            (Validity::Valid, Some(Proof::Order(order)), _) => Said::Order(order),
            (Validity::Valid, _, _) => Said::Set,
            (_, _, Ok(refuted)) => Said::Refuted(refuted),
            (validity, _, Err(why)) => Said::Nothing { verdict: validity.word(), why },
        };
        lines::object(*key, &said, out)?;
    }
    writeln!(out, "{{\"end\":{}}}", claims.len())
}

/// The first line.
///
/// # Errors
///
/// Those of `out`.
pub fn header(
    subject: &Subject,
    history: &History,
    options: &CheckOptions,
    verdict: &Verdict,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "{{\"certificate\":\"ordeal\",\"version\":{VERSION}")?;
    write!(out, ",\"sha256\":{}", Text(&subject.sha256))?;
    let notation = match subject.notation {
        None => "auto",
        Some(Format::Edn) => "edn",
        Some(Format::Json | Format::Jsonl) => "json",
        Some(Format::Log) => "log",
    };
    write!(out, ",\"notation\":\"{notation}\"")?;
    let keys = match () {
        () if verdict.parts.is_empty() => "none",
        () if has_key_entries(history) => "entry",
        () => "tuple",
    };
    write!(out, ",\"keys\":\"{keys}\"")?;
    match &options.spec {
        CheckerSpec::Set { reads } => {
            let reads = match reads {
                SetReads::Linearizable => "linearizable",
                SetReads::Eventual => "eventual",
            };
            write!(out, ",\"checker\":\"set\",\"set-reads\":\"{reads}\"")?;
        }
        CheckerSpec::Linearizable { model, options } => {
            let init = options.init.as_ref().unwrap_or(&Value::Nil).to_string();
            let nil = if options.nil_is_unknown() { "unknown" } else { "value" };
            let cas = match options.failed_cas {
                FailedCas::Drop => "drop",
                FailedCas::Observe => "observe",
            };
            write!(out, ",\"checker\":\"linearizable\",\"model\":\"{}\"", model.name())?;
            write!(out, ",\"init\":{},\"nil-reads\":\"{nil}\"", Text(&init))?;
            write!(out, ",\"failed-cas\":\"{cas}\"")?;
        }
    }
    writeln!(out, ",\"verdict\":\"{}\"}}", verdict.validity.word())
}
