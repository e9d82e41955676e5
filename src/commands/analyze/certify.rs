//! The certificate of a verdict, checked before anybody is told the verdict.
//!
//! `analyze` trusts its own checker no more than anybody else should: it writes the certificate,
//! has the crate `verifier` hold it against the bytes of the history, and tells the verdict only
//! if the proof holds. If it does not, that is a bug in Ordeal; both files are kept.
//!
//! What a tester that died left of its journal is no file that anybody could read again, so the
//! events that were recovered are written as EDN: the proof is about these bytes, and they are kept
//! beside the certificate.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use checker::certificate::{self, Style, Subject};
use checker::history::{Format, write_edn};
use checker::{CheckOptions, History, Verdict};

use super::input::Source;
use crate::exit::BadInput;
use crate::memory;

/// The proofs of longer histories are verified only where somebody wants them: it takes twice as long
/// as reading and judging, and twice the memory (docs/certificates.md).
const VERIFIED_OPERATIONS_MAX: usize = 5_000_000;

/// What verifying takes for each operation: 220 bytes measured where every value is another one of a
/// single object, half of that where values repeat; and the text, where operations are not lines.
const VERIFIER_BYTES_PER_OPERATION: u64 = 400;

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

/// What became of the proof, as far as that has to be said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certified {
    /// Why the proof was not verified: part of what is believed of the verdict.
    pub(super) unverified: Option<String>,
    /// Which history the certificate is about, where that is not the one that was named.
    pub(super) notice: Option<String>,
}

impl<'a> Origin<'a> {
    pub(super) fn new(
        source: &'a Source,
        piped: Option<&'a [u8]>,
        format: Option<Format>,
    ) -> Origin<'a> {
        Origin { source, piped, format }
    }

    /// Writes the certificate where it is wanted, and has it verified.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, and when the proof does not hold.
    pub(super) fn certify(
        &self,
        judged: &Judged<'_>,
        wanted: Option<&Path>,
    ) -> anyhow::Result<Certified> {
        let unverified = unaffordable(judged.history.operations().len(), wanted);
        if unverified.is_some() && wanted.is_none() {
            return Ok(Certified { unverified, notice: None });
        }
        let recovered = self.recovered(judged.history)?;
        let bytes = match (self.piped.or(recovered.as_deref()), self.source) {
            (Some(bytes), _) => verifier::Source::Bytes(bytes),
            (None, Source::File(path) | Source::Journal(path)) => verifier::Source::File(path),
        };
        let certificate = self.certificate(bytes, judged)?;
        let mut notice = None;
        if let Some(wanted) = wanted {
            keep(wanted, &certificate)?;
            if let Some(recovered) = &recovered {
                let history = keep(&beside(wanted), recovered)?;
                notice = Some(format!(
                    "{} is about what was recovered, {}",
                    wanted.display(),
                    history.display()
                ));
            }
        }
        if unverified.is_none() {
            // It was read once and found affordable, however small it is compressed.
            match verifier::verify_within(bytes, &certificate, u64::MAX) {
                Ok(report) if report.claim.word() == judged.verdict.validity.word() => {}
                Ok(report) => self.broken(bytes, wanted, &certificate, report.claim.word())?,
                Err(refusal) => self.broken(bytes, wanted, &certificate, &refusal.to_string())?,
            }
        }
        Ok(Certified { unverified, notice })
    }

    /// What was recovered of a journal, which is what the proof is about then.
    fn recovered(&self, history: &History) -> anyhow::Result<Option<Vec<u8>>> {
        let Source::Journal(_) = self.source else { return Ok(None) };
        let mut recovered = Vec::new();
        for op in history.ops().iter() {
            write_edn(op, &mut recovered).context("writing what was recovered")?;
            recovered.push(b'\n');
        }
        Ok(Some(recovered))
    }

    fn certificate(
        &self,
        bytes: verifier::Source<'_>,
        judged: &Judged<'_>,
    ) -> anyhow::Result<Vec<u8>> {
        let notation = match self.source {
            Source::File(path) => self.format.or_else(|| Format::of_path(path)),
            Source::Journal(_) => Some(Format::Edn),
        };
        let style = Style::Cheapest;
        let Judged { history, options, verdict } = judged;
        let proofs = || {
            let mut proofs = Vec::new();
            certificate::proofs(style, history, options, verdict, &mut proofs).map(|()| proofs)
        };
        let (sha256, proofs) = rayon::join(|| bytes.sha256(), proofs);
        let (Source::File(path) | Source::Journal(path)) = self.source;
        let again = || BadInput(format!("reading {} again", path.display()));
        let subject = Subject { sha256: sha256.with_context(again)?, notation, style };
        let mut certificate = Vec::new();
        certificate::header(&subject, history, options, verdict, &mut certificate)
            .context("writing a certificate")?;
        certificate.extend(proofs.context("writing a certificate")?);
        Ok(certificate)
    }

    /// Keeps what is needed to find out why.
    fn broken(
        &self,
        bytes: verifier::Source<'_>,
        wanted: Option<&Path>,
        certificate: &[u8],
        why: &str,
    ) -> anyhow::Result<()> {
        let temporary = |name: &str| {
            let process = std::process::id();
            std::env::temp_dir().join(format!("ordeal-{process}-{name}"))
        };
        let certificate_path = match wanted {
            Some(wanted) => wanted.to_owned(),
            None => keep(&temporary("certificate.jsonl"), certificate)?,
        };
        let (Source::File(path) | Source::Journal(path)) = self.source;
        let history_path = match bytes {
            verifier::Source::File(path) => path.to_owned(),
            verifier::Source::Bytes(bytes) => keep(&temporary("history"), bytes)?,
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

/// Why the proof of so many operations is not verified here, if it is not.
fn unaffordable(operations: usize, wanted: Option<&Path>) -> Option<String> {
    let needed = operations as u64 * VERIFIER_BYTES_PER_OPERATION;
    let (why, cure) = match memory::available_bytes() {
        _ if operations > VERIFIED_OPERATIONS_MAX && wanted.is_none() => (
            format!("there are more than {VERIFIED_OPERATIONS_MAX} operations"),
            "`--certificate FILE` writes it and verifies it",
        ),
        Some(left) if needed > left => (
            format!(
                "that needs about {} MB, and {} are left",
                needed / 1_000_000,
                left / 1_000_000
            ),
            "`--certificate FILE` writes it and `checker verify` checks it",
        ),
        _ => return None,
    };
    Some(format!("the proof was not verified here, since {why}: {cure}"))
}

/// Where the history goes that a certificate is about, if it is nowhere else.
fn beside(certificate: &Path) -> PathBuf {
    let mut name = certificate.file_name().unwrap_or_default().to_owned();
    name.push(".history.edn");
    certificate.with_file_name(name)
}

fn keep(path: &Path, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    std::fs::write(path, bytes)
        .with_context(|| BadInput(format!("{} cannot be written", path.display())))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use checker::verdict::Proof;
    use checker::{Budget, Validity, check};

    use super::*;
    use crate::exit::Exit;

    /// A write and a read of it, acknowledged one after the other.
    const HISTORY: &str = "\
        {:index 0, :type :invoke, :process 0, :f :write, :value 1}\n\
        {:index 1, :type :ok, :process 0, :f :write, :value 1}\n\
        {:index 2, :type :invoke, :process 1, :f :read, :value nil}\n\
        {:index 3, :type :ok, :process 1, :f :read, :value 1}\n";

    fn certify(
        source: &Source,
        piped: Option<&[u8]>,
        wanted: Option<&Path>,
        spoil: impl Fn(&mut Verdict),
    ) -> anyhow::Result<Certified> {
        let history = checker::history::read(HISTORY.as_bytes(), Some(Format::Edn))?;
        let options = CheckOptions::default();
        let mut verdict = check(&history, &options, &Budget::unlimited());
        assert_eq!(verdict.validity, Validity::Valid);
        spoil(&mut verdict);
        let judged = Judged { history: &history, options: &options, verdict: &verdict };
        Origin::new(source, piped, Some(Format::Edn)).certify(&judged, wanted)
    }

    /// The wrong order, as a bug of the search could claim it.
    fn turn_round(verdict: &mut Verdict) {
        verdict.proof = Some(Proof::Order(vec![2, 0]));
    }

    #[test]
    fn what_would_take_too_long_or_too_much_is_not_verified_and_says_so() {
        assert_eq!(unaffordable(1000, None), None);
        let why = unaffordable(VERIFIED_OPERATIONS_MAX + 1, None).expect("too many");
        assert!(why.contains("there are more than 5000000 operations"), "{why}");
        if memory::available_bytes().is_some() {
            let wanted = unaffordable(usize::MAX / 1024, Some(Path::new("proof")));
            assert!(wanted.expect("too much").contains("are left"));
        }
    }

    #[test]
    fn a_wrong_proof_is_our_failure_and_both_files_are_kept_and_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wanted = folder.path().join("certificate.jsonl");
        let source = Source::File("-".into());
        let piped = Some(HISTORY.as_bytes());
        let error = certify(&source, piped, Some(&wanted), turn_round).expect_err("a wrong order");
        assert_eq!(Exit::of_error(&error).code(), 255);
        let text = error.to_string();
        let (_, files) = text.split_once("please send both ").expect("files are named");
        let (history, certificate) = files.split_once(" and ").expect("two files are named");
        assert_eq!(std::fs::read(history).expect("it is kept"), HISTORY.as_bytes());
        let kept = std::fs::read_to_string(certificate).expect("it is kept");
        assert!(Path::new(certificate) == wanted && kept.contains("\"order\""), "{kept}");
        std::fs::remove_file(history).expect("it is a file of ours");
    }

    #[test]
    fn a_right_proof_says_nothing_and_a_journal_keeps_its_history_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wanted = folder.path().join("proof");
        let piped = Some(HISTORY.as_bytes());
        let file = certify(&Source::File("-".into()), piped, None, |_| ()).expect("it holds");
        assert_eq!(file, Certified::default());
        let journal = Source::Journal("history.jsonl".into());
        let told = certify(&journal, None, Some(&wanted), |_| ()).expect("it holds");
        let history = folder.path().join("proof.history.edn");
        assert!(told.notice.expect("it is said").contains("proof.history.edn"));
        let (history, proof) = (std::fs::read(history), std::fs::read(&wanted));
        let report = verifier::verify(&history.expect("kept"), &proof.expect("kept"));
        assert_eq!(report.expect("it holds").proved(), verifier::Claim::Valid);
        certify(&journal, None, None, turn_round).expect_err("a wrong order");
    }
}
