//! Certificates held against the truth: every proof must be accepted, and whatever is accepted of a
//! proof that was damaged, or is about another history, must be true.

use checker::certificate::{Style, Subject, write};
use checker::history::{Format, read, write_edn};
use checker::{Budget, CheckOptions, History, Validity, check};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use verifier::{Claim, Refusal, Report, sha256, verify};

use super::damage::damaged;

/// A history of which the truth is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) history: History,
    pub(crate) options: CheckOptions,
    pub(crate) is_linearizable: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
    /// Of the proofs of *invalid*, those by an inductive frontier.
    pub(crate) frontiers: u64,
    /// Damaged proofs, and proofs of other histories, that were refused.
    pub(crate) refused: u64,
    /// Those that hold all the same, and say nothing false.
    pub(crate) accepted: u64,
}

/// A history as bytes, and the certificate of its verdict.
struct Certified {
    bytes: Vec<u8>,
    certificate: Vec<u8>,
}

impl Known {
    fn truth(&self) -> Claim {
        if self.is_linearizable { Claim::Valid } else { Claim::Invalid }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for op in self.history.ops().iter() {
            write_edn(op, &mut bytes).expect("memory takes it");
            bytes.push(b'\n');
        }
        bytes
    }

    /// Whether it can be read again: a result that was bent may be a map with a key twice.
    pub(crate) fn is_readable(&self) -> bool {
        read(self.bytes().as_slice(), Some(Format::Edn)).is_ok()
    }

    fn certify(&self, style: Style) -> Result<Certified, String> {
        let verdict = check(&self.history, &self.options, &Budget::unlimited());
        let expected = if self.is_linearizable { Validity::Valid } else { Validity::Invalid };
        if verdict.validity != expected {
            return Err(format!("the verdict is wrong: {verdict:#?}"));
        }
        let bytes = self.bytes();
        let subject = Subject { sha256: sha256(&bytes), notation: Some(Format::Edn), style };
        let mut certificate = Vec::new();
        write(&subject, &self.history, &self.options, &verdict, &mut certificate)
            .expect("memory takes it");
        Ok(Certified { bytes, certificate })
    }

    /// Whether the bytes pass as a proof; an error if they prove what is false.
    fn accepts(&self, bytes: &[u8], certificate: &[u8]) -> Result<bool, String> {
        let report = match verify(bytes, certificate) {
            Err(_) => return Ok(false),
            Ok(report) => report,
        };
        match report.proved() {
            Claim::Unknown => Ok(true),
            proved if proved == self.truth() => Ok(true),
            _ => Err(format!("it proves what is false: {report:?}\n{}", told(bytes, certificate))),
        }
    }
}

fn told(bytes: &[u8], certificate: &[u8]) -> String {
    format!("{}\n{}", String::from_utf8_lossy(bytes), String::from_utf8_lossy(certificate))
}

/// Certifies a history, has the proof verified, and then whatever can be made of it: damaged, cut
/// off, with the opposite claim, with another hash, and as a proof about `other`.
pub(crate) fn hold(
    known: &Known,
    other: &Known,
    style: Style,
    rng: &mut ChaCha8Rng,
    counts: &mut Counts,
) -> Result<(), String> {
    let Certified { bytes, certificate } = known.certify(style)?;
    let report = verify(&bytes, &certificate);
    if report.as_ref().map(Report::proved) != Ok(known.truth()) {
        return Err(format!("it is not proved: {report:?}\n{}", told(&bytes, &certificate)));
    }
    match known.is_linearizable {
        true => counts.valid += 1,
        false => counts.invalid += 1,
    }
    let text = String::from_utf8_lossy(&certificate).into_owned();
    counts.frontiers += u64::from(text.contains("\"proof\":\"frontier\""));
    let mut tell = |accepted: bool| match accepted {
        true => counts.accepted += 1,
        false => counts.refused += 1,
    };
    tell(known.accepts(&bytes, &damaged(&certificate, rng))?);
    let opposite = match known.is_linearizable {
        true => text.replace("\"valid\"", "\"invalid\""),
        false => text.replace("\"invalid\"", "\"valid\""),
    };
    tell(known.accepts(&bytes, opposite.as_bytes())?);
    let cut = &certificate[..rng.random_range(0..certificate.len() - 1)];
    let strange = text.replace(&sha256(&bytes), &sha256(b"another"));
    for forged in [cut, strange.as_bytes()] {
        match verify(&bytes, forged) {
            Ok(_) => return Err(format!("it is accepted:\n{}", told(&bytes, forged))),
            Err(Refusal::DoesNotHold { .. } | Refusal::Unreadable { .. }) => tell(false),
        }
    }
    let other_bytes = other.bytes();
    let moved = text.replace(&sha256(&bytes), &sha256(&other_bytes));
    tell(other.accepts(&other_bytes, moved.as_bytes())?);
    Ok(())
}
