//! Certificates: the proofs of a verdict, in a form that somebody else can check.
//!
//! A verdict is worth as much as one's trust in the checker; a certificate is worth more, since
//! `checker verify` (the crate `verifier`, which shares no code with this one) or anybody else's
//! program can hold it against the bytes of the history. The format is described in
//! `docs/certificates.md`: a line of JSON about the whole, a line for each object, a last line.
//!
//! What a line holds depends on the verdict: an order of the operations where it is valid
//! (`lines`), a refutation where it is not.

mod lines;

use std::io::{self, Write};

use crate::checks::{CheckOptions, CheckerSpec, SetReads};
use crate::history::{Format, History, has_key_entries};
use crate::model::FailedCas;
use crate::value::Value;
use crate::verdict::Verdict;
use lines::Text;

/// The version of the format.
const VERSION: u32 = 1;

/// The file that a certificate is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The SHA-256 of its bytes, as they are (compressed, if they are), in hexadecimal.
    pub sha256: String,
    /// Its notation; `None` if its first bytes tell.
    pub notation: Option<Format>,
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
    let mut count = 0;
    for part in &verdict.parts {
        lines::object(Some(&part.key), &part.verdict, out)?;
        count += 1;
    }
    if verdict.parts.is_empty() && !history.operations().is_empty() {
        lines::object(None, verdict, out)?;
        count += 1;
    }
    writeln!(out, "{{\"end\":{count}}}")
}

fn header(
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
