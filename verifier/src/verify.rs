//! From bytes to a report: reads both files and sends every object's proof to whoever checks it.

use std::collections::HashMap;

use crate::certificate::{self, Claim, Line, Next, Proof};
use crate::keys::{Object, split};
use crate::report::{KeyReport, Refusal, Report, Standing};
use crate::rules::{Judge, Rules};
use crate::sets::Reads;
use crate::text::{Event, edn_value, events};
use crate::unpack::{sha256, unpack};
use crate::value::Value;
use crate::{pairing, sets};

/// Neither file is unpacked to more bytes than this, unless told otherwise.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;

/// Holds the bytes of a certificate against the bytes of a history.
///
/// # Errors
///
/// When one of them cannot be read or unpacks to more than [`UNPACKED_BYTES_MAX`], or when a proof
/// does not hold.
pub fn verify(history: &[u8], certificate: &[u8]) -> Result<Report, Refusal> {
    verify_within(history, certificate, UNPACKED_BYTES_MAX)
}

/// [`verify`], with another limit to what either file unpacks to, in bytes.
///
/// # Errors
///
/// When one of them cannot be read or unpacks to more than that, or when a proof does not hold.
pub fn verify_within(
    history: &[u8],
    certificate: &[u8],
    unpacked_bytes_max: u64,
) -> Result<Report, Refusal> {
    let certificate = unpack(certificate, unpacked_bytes_max)
        .map_err(|error| of_certificate(error.to_string()))?;
    let mut lines = certificate.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let first = lines.next().ok_or_else(|| of_certificate("it is empty".to_owned()))?;
    let header = certificate::header(first).map_err(of_certificate)?;
    let rules = Rules::of(&header).map_err(of_certificate)?;
    if sha256(history) != header.sha256 {
        return Err(broken("it is about another history: the SHA-256 differs".to_owned()));
    }
    let text =
        unpack(history, unpacked_bytes_max).map_err(|error| of_history(error.to_string()))?;
    let events = events(&text, rules.notation).map_err(|error| of_history(error.to_string()))?;
    drop(text);
    let operations = pairing::pair(&events).map_err(|error| of_history(error.to_string()))?;
    let objects =
        split(&events, &operations, rules.keys).map_err(|error| broken(error.to_string()))?;
    let mut bench = Bench { rules: &rules, events: &events, keys: Vec::new() };
    bench.all(&objects, lines)?;
    let report = Report {
        claim: header.claim,
        checker: rules.name.clone(),
        assumptions: rules.assumptions(),
        keys: bench.keys,
        operations: operations.len(),
    };
    consistent(&report)?;
    Ok(report)
}

fn of_certificate(why: String) -> Refusal {
    Refusal::Unreadable { file: "the certificate", why }
}

fn of_history(why: String) -> Refusal {
    Refusal::Unreadable { file: "the history", why }
}

fn broken(why: String) -> Refusal {
    Refusal::DoesNotHold { key: None, why }
}

/// The claim about the whole must be the worst of the claims about its parts.
fn consistent(report: &Report) -> Result<(), Refusal> {
    let worst = report.keys.iter().map(|one| one.claim).max().unwrap_or(Claim::Unknown);
    match worst == report.claim {
        true => Ok(()),
        false => Err(broken(format!(
            "it claims that the whole is {}, but the worst of its parts is {}",
            report.claim.word(),
            worst.word()
        ))),
    }
}

/// Where proofs are checked, one object after the other.
struct Bench<'a> {
    rules: &'a Rules,
    events: &'a [Event],
    keys: Vec<KeyReport>,
}

impl Bench<'_> {
    /// Checks a line for each object, in any order, and the last line.
    fn all<'c>(
        &mut self,
        objects: &[Object<'_>],
        lines: impl Iterator<Item = &'c [u8]>,
    ) -> Result<(), Refusal> {
        let mut left: HashMap<Option<Value>, &Object<'_>> =
            objects.iter().map(|object| (object.key.cloned(), object)).collect();
        let mut ended = None;
        for line in lines {
            if ended.is_some() {
                return Err(of_certificate("something stands behind its end".to_owned()));
            }
            match certificate::next(line).map_err(of_certificate)? {
                Next::End(count) => ended = Some(count),
                Next::Object(line) => {
                    let key = self.key(&line)?;
                    let object = left.remove(&key).ok_or_else(|| Refusal::DoesNotHold {
                        key: line.key.clone(),
                        why: "the history has no such object, or it was proved before".to_owned(),
                    })?;
                    self.one(object, *line)?;
                }
            }
        }
        if ended != Some(self.keys.len() as u64) {
            return Err(of_certificate("it was cut off: its end is missing".to_owned()));
        }
        match left.into_keys().next() {
            None => Ok(()),
            Some(Some(key)) => Err(broken(format!("the object {key} is not in it"))),
            Some(None) => Err(broken("the only object is not in it".to_owned())),
        }
    }

    fn key(&self, line: &Line) -> Result<Option<Value>, Refusal> {
        let text = line.key.as_deref();
        text.map(edn_value).transpose().map_err(|error| of_certificate(error.to_string()))
    }

    fn one(&mut self, object: &Object<'_>, line: Line) -> Result<(), Refusal> {
        let standing = self
            .standing(object, &line)
            .map_err(|why| Refusal::DoesNotHold { key: line.key.clone(), why })?;
        self.keys.push(KeyReport { key: line.key, claim: line.claim, standing });
        Ok(())
    }

    fn standing(&self, object: &Object<'_>, line: &Line) -> Result<Standing, String> {
        if let Proof::None(why) = &line.proof {
            return Ok(Standing::Unproved(why.clone()));
        }
        match &self.rules.judge {
            Judge::Unknown => {
                Ok(Standing::Unproved(format!("not verified: no rule for {}", self.rules.name)))
            }
            Judge::Senseless(why) => Err(why.clone()),
            Judge::Set(reads) => set(object, *reads, line),
            Judge::Linearizable(model) => model.standing(self.events, object, line),
        }
    }
}

fn set(object: &Object<'_>, reads: Reads, line: &Line) -> Result<Standing, String> {
    match (line.claim, &line.proof) {
        (Claim::Valid, Proof::Set) => {
            sets::verify(object, reads)?;
            Ok(Standing::Proved("every read holds what it must, and nothing else".to_owned()))
        }
        (Claim::Invalid, Proof::SetEvidence(evidence)) => {
            sets::refute(object, reads, evidence)?;
            Ok(Standing::Proved("a read that misses an element, or has one too many".to_owned()))
        }
        _ => Err(mismatch(line.claim)),
    }
}

pub(crate) fn mismatch(claim: Claim) -> String {
    format!("a proof of this kind cannot show that something is {}", claim.word())
}
