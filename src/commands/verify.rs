//! `checker verify`: holds a certificate against the history that it is about.
//!
//! The work is the crate `verifier`'s, which shares nothing with the checker that wrote the
//! certificate. What is printed says of every key which kind of proof was checked, and what
//! remains to be believed: the readings, which no history can prove. Exit codes are those of
//! verdicts, for what is *proved*: a claim without a proof counts as undecided.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use verifier::{Claim, KeyReport, Refusal, Report, Standing};

use crate::console::Console;
use crate::exit::{BadInput, Exit};
use crate::memory;

/// Check the proof of a verdict against the history, with code that shares nothing with the checker
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The history, the very file that was judged
    history: PathBuf,
    /// The certificate that `analyze --certificate` wrote
    certificate: PathBuf,
    /// Refuse files that unpack to more than this; 2 GiB unless given
    #[arg(long, value_parser = memory::bytes, value_name = "SIZE")]
    unpacked: Option<u64>,
    /// How to print what is proved
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// Verifies, and prints what is proved.
///
/// # Errors
/// When a file cannot be read, or the proof does not hold.
pub fn run(args: &Args, console: &Console) -> anyhow::Result<Exit> {
    let history = readable(&args.history, piped(&args.history))?;
    let history = match &history {
        Some(bytes) => verifier::Source::Bytes(bytes),
        None => verifier::Source::File(&args.history),
    };
    let certificate = readable(&args.certificate, fs::read(&args.certificate))?;
    let most = args.unpacked.unwrap_or(verifier::UNPACKED_BYTES_MAX);
    let report = verifier::verify_within(history, &certificate, most).map_err(|refusal| {
        let certificate = args.certificate.display();
        match refusal {
            Refusal::Unreadable { .. } => {
                anyhow::Error::new(BadInput(format!("{certificate}: {refusal}")))
            }
            Refusal::DoesNotHold { .. } => anyhow::anyhow!("{certificate}: {refusal}"),
        }
    })?;
    console.result(match args.format {
        Format::Text => text(&report),
        Format::Json => document(&report),
    })?;
    Ok(match report.proved() {
        Claim::Valid => Exit::Valid,
        Claim::Unknown => Exit::Unknown,
        Claim::Invalid => Exit::Invalid,
    })
}

/// What comes through a pipe and cannot be read again; `None` for a file.
fn piped(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map(|_| Some(bytes))
}

fn readable<T>(path: &Path, read: io::Result<T>) -> anyhow::Result<T> {
    read.with_context(|| BadInput(format!("{} cannot be read", path.display())))
}

fn text(report: &Report) -> String {
    let (proved, claimed) = (report.proved(), report.claim);
    let mut text = match (proved, proved == claimed) {
        (Claim::Unknown, _) => format!("{}: nothing is proved of the whole\n", claimed.word()),
        (_, true) => format!("{}: proved\n", claimed.word()),
        (_, false) => format!("{} claimed, {} proved\n", claimed.word(), proved.word()),
    };
    let _ = writeln!(text, "  {}, {} operations", report.checker, report.operations);
    for one in &report.keys {
        let _ = writeln!(text, "  {}", key(one));
    }
    text.push_str("believed, since no history can prove it:\n");
    for assumption in &report.assumptions {
        let _ = writeln!(text, "  {assumption}");
    }
    text
}

fn key(one: &KeyReport) -> String {
    let who = one.key.as_ref().map(|key| format!("key {key} is ")).unwrap_or_default();
    match &one.standing {
        Standing::Proved(how) => format!("{who}{}, proved by {how}", one.claim.word()),
        Standing::Unproved(why) => format!("{who}{}, not proved: {why}", one.claim.word()),
    }
}

fn document(report: &Report) -> String {
    let key = |one: &KeyReport| {
        let (proof, unproved) = match &one.standing {
            Standing::Proved(how) => (Some(how), None),
            Standing::Unproved(why) => (None, Some(why)),
        };
        json!({
            "key": one.key, "verdict": one.claim.word(), "proof": proof, "unproved": unproved,
        })
    };
    let document = json!({
        "proved": report.proved().word(),
        "claimed": report.claim.word(),
        "checker": report.checker,
        "operations": report.operations,
        "assumptions": report.assumptions,
        "keys": report.keys.iter().map(key).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}
