//! The certificate of a verdict, checked before anybody is told the verdict.
//!
//! `analyze` trusts its own checker no more than anybody else should: it writes the certificate,
//! has the crate `verifier` hold it against the bytes of the history, and tells the verdict only
//! if the proof holds. If it does not, that is a bug in Ordeal; both files are kept.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use checker::certificate::{self, Style, Subject};
use checker::history::Format;
use checker::{CheckOptions, History, Verdict};

use super::input::Source;
use crate::exit::BadInput;

/// Larger files are not verified on the spot: reading them a second time would take longer than
/// reading and judging them did. Whoever wants it verified calls `checker verify`.
const VERIFIED_BYTES_MAX: u64 = 64 << 20;

/// What a history was read from, for whoever reads it again.
pub(super) struct Origin<'a> {
    source: &'a Source,
    /// What came through a pipe and cannot be read again.
    piped: Option<&'a [u8]>,
    /// The notation that was asked for.
    format: Option<Format>,
}

/// A verdict with the options under which it was reached.
pub(super) struct Judged<'a> {
    pub(super) history: &'a History,
    pub(super) options: &'a CheckOptions,
    pub(super) verdict: &'a Verdict,
}

impl<'a> Origin<'a> {
    pub(super) fn new(
        source: &'a Source,
        piped: Option<&'a [u8]>,
        format: Option<Format>,
    ) -> Origin<'a> {
        Origin { source, piped, format }
    }

    /// Writes the certificate where it is wanted, and has it verified. What must be said about
    /// that, if anything.
    pub(super) fn certify(
        &self,
        judged: &Judged<'_>,
        wanted: Option<&Path>,
    ) -> anyhow::Result<Option<String>> {
        let Source::File(path) = self.source else {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(BadInput(NO_JOURNALS.to_owned()).into()),
            };
        };
        let too_large = self.size(path)? > VERIFIED_BYTES_MAX;
        if too_large && wanted.is_none() {
            return Ok(Some(unverified(path)));
        }
        let read;
        let bytes = match self.piped {
            Some(bytes) => bytes,
            None => {
                read = std::fs::read(path)
                    .with_context(|| BadInput(format!("reading {} again", path.display())))?;
                &read
            }
        };
        let certificate = self.certificate(path, bytes, judged)?;
        if let Some(wanted) = wanted {
            keep(wanted, &certificate)?;
        }
        if too_large {
            return Ok(Some(unverified(path)));
        }
        match verifier::verify(bytes, &certificate) {
            Ok(report) if report.claim.word() == judged.verdict.validity.word() => Ok(None),
            Ok(report) => self.broken(path, bytes, wanted, &certificate, report.claim.word()),
            Err(refusal) => self.broken(path, bytes, wanted, &certificate, &refusal.to_string()),
        }
    }

    fn size(&self, path: &Path) -> anyhow::Result<u64> {
        match self.piped {
            Some(bytes) => Ok(bytes.len() as u64),
            None => {
                let about = || BadInput(format!("reading {} again", path.display()));
                Ok(std::fs::metadata(path).with_context(about)?.len())
            }
        }
    }

    fn certificate(
        &self,
        path: &Path,
        bytes: &[u8],
        judged: &Judged<'_>,
    ) -> anyhow::Result<Vec<u8>> {
        let notation = self.format.or_else(|| Format::of_path(path));
        let subject = Subject { sha256: verifier::sha256(bytes), notation, style: Style::Cheapest };
        let Judged { history, options, verdict } = judged;
        let mut certificate = Vec::new();
        certificate::write(&subject, history, options, verdict, &mut certificate)
            .context("writing a certificate")?;
        Ok(certificate)
    }

    /// Keeps what is needed to find out why.
    fn broken<T>(
        &self,
        path: &Path,
        bytes: &[u8],
        wanted: Option<&Path>,
        certificate: &[u8],
        why: &str,
    ) -> anyhow::Result<T> {
        let beside = |name: &str| {
            let process = std::process::id();
            std::env::temp_dir().join(format!("ordeal-{process}-{name}"))
        };
        let certificate_path = match wanted {
            Some(wanted) => wanted.to_owned(),
            None => keep(&beside("certificate.jsonl"), certificate)?,
        };
        let history_path = match self.piped {
            Some(_) => keep(&beside("history"), bytes)?,
            None => path.to_owned(),
        };
        anyhow::bail!(
            "the verdict on {} does not pass its own verification: {why}; this is a bug in \
             Ordeal, please send both {} and {}",
            path.display(),
            history_path.display(),
            certificate_path.display()
        )
    }
}

const NO_JOURNALS: &str = "--certificate needs a history: what a tester that died left of its \
                           journal has no proof";

fn unverified(path: &Path) -> String {
    format!(
        "{}: larger than {} MiB, so the proof of its verdict was not verified here; \
         `--certificate FILE` writes it and `checker verify` checks it",
        path.display(),
        VERIFIED_BYTES_MAX >> 20
    )
}

fn keep(path: &Path, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    std::fs::write(path, bytes)
        .with_context(|| BadInput(format!("{} cannot be written", path.display())))?;
    Ok(path.to_owned())
}
