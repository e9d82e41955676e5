//! From bytes to a report: reads both files and sends every object's proof to whoever checks it.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::thread;

use rustc_hash::FxHashMap;

use crate::certificate::{self, Claim, Line, Next, Proof};
use crate::keys::{Object, split};
use crate::report::{KeyReport, Refusal, Report, Standing};
use crate::rules::{Judge, Rules};
use crate::sets::Reads;
use crate::text::{self, Events, edn_value};
use crate::unpack::{Source, is_packed};
use crate::value::Value;
use crate::{pairing, sets, threads};

/// Neither file, if it is compressed, is unpacked to more bytes than this, unless told otherwise.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;

/// Holds the bytes of a certificate against the bytes of a history.
///
/// # Errors
///
/// When one of them cannot be read or unpacks to more than [`UNPACKED_BYTES_MAX`], or when a proof
/// does not hold.
pub fn verify(history: &[u8], certificate: &[u8]) -> Result<Report, Refusal> {
    verify_within(Source::Bytes(history), certificate, UNPACKED_BYTES_MAX)
}

/// What is this short is checked before another thread would have started.
const SHORT_EVENTS: usize = 200;

/// [`verify`], with a history that need not be in memory and another limit to what either file
/// unpacks to, in bytes.
///
/// # Errors
///
/// When one of them cannot be read or unpacks to more than that, or when a proof does not hold.
pub fn verify_within(
    history: Source<'_>,
    certificate: &[u8],
    unpacked_bytes_max: u64,
) -> Result<Report, Refusal> {
    let certificate = unpacked(certificate, unpacked_bytes_max)
        .map_err(|error| of_certificate(error.to_string()))?;
    let mut lines = certificate.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let first = lines.next().ok_or_else(|| of_certificate("it is empty".to_owned()))?;
    let header = certificate::header(first).map_err(of_certificate)?;
    let rules = Rules::of(&header).map_err(of_certificate)?;
    let history = text::history(history, rules.notation, unpacked_bytes_max)
        .map_err(|error| of_history(error.to_string()))?;
    if history.sha256 != header.sha256 {
        return Err(broken("it is about another history: the SHA-256 differs".to_owned()));
    }
    let events = history.events.map_err(of_history)?;
    let is_long = events.len() > SHORT_EVENTS;
    let operations = pairing::pair(&events).map_err(|error| of_history(error.to_string()))?;
    let objects =
        split(&events, &operations, rules.keys).map_err(|error| broken(error.to_string()))?;
    let lines: Vec<&[u8]> = lines.collect();
    let keys = Bench::new(&rules, &events, &objects).all(is_long, &lines)?;
    let report = Report {
        claim: header.claim,
        checker: rules.name.clone(),
        assumptions: rules.assumptions(),
        keys,
        operations: operations.len(),
    };
    // Millions of values take their time to be given back, and nobody has to wait for it.
    drop(objects);
    if is_long {
        let _ = thread::Builder::new().spawn(move || drop(events));
    }
    consistent(&report)?;
    Ok(report)
}

fn unpacked(certificate: &[u8], bytes_max: u64) -> io::Result<Cow<'_, [u8]>> {
    if !is_packed(certificate) {
        return Ok(certificate.into());
    }
    let mut text = Vec::new();
    Source::Bytes(certificate).text(bytes_max)?.read_to_end(&mut text)?;
    Ok(text.into())
}

fn of_certificate(why: String) -> Refusal {
    Refusal::Unreadable { file: "the certificate", why }
}

fn of_history(why: String) -> Refusal {
    Refusal::Unreadable { file: "the history", why }
}

fn no_such_object(key: Option<String>) -> Refusal {
    let why = "the history has no such object, or it was proved before".to_owned();
    Refusal::DoesNotHold { key, why }
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

/// Where proofs are checked, each on its own and so side by side.
struct Bench<'a> {
    rules: &'a Rules,
    events: &'a Events,
    objects: &'a [Object<'a>],
    /// Positions in `objects`.
    by_key: FxHashMap<Option<Value>, usize>,
}

/// A line of which everything holds that it says.
enum Checked {
    /// It is about this object.
    Object(usize, KeyReport),
    /// It is the last one: how many there are.
    End(u64),
}

impl<'a> Bench<'a> {
    fn new(rules: &'a Rules, events: &'a Events, objects: &'a [Object<'a>]) -> Bench<'a> {
        let by_key = objects.iter().map(|object| object.key.cloned()).zip(0..).collect();
        Bench { rules, events, objects, by_key }
    }

    /// Checks a line for each object, in any order, and the last line.
    fn all(&self, is_long: bool, lines: &[&[u8]]) -> Result<Vec<KeyReport>, Refusal> {
        let mut proved = vec![false; self.objects.len()];
        let mut keys = Vec::new();
        let mut ended = None;
        for checked in threads::map(is_long, lines, |line| self.line(line)) {
            if ended.is_some() {
                return Err(of_certificate("something stands behind its end".to_owned()));
            }
            match checked? {
                Checked::End(count) => ended = Some(count),
                Checked::Object(at, report) => {
                    if std::mem::replace(&mut proved[at], true) {
                        return Err(no_such_object(report.key));
                    }
                    keys.push(report);
                }
            }
        }
        if ended != Some(keys.len() as u64) {
            return Err(of_certificate("it was cut off: its end is missing".to_owned()));
        }
        match self.objects.iter().zip(&proved).find(|(_, proved)| !**proved) {
            None => Ok(keys),
            Some((object, _)) => Err(broken(match object.key {
                Some(key) => format!("the object {key} is not in it"),
                None => "the only object is not in it".to_owned(),
            })),
        }
    }

    fn line(&self, line: &[u8]) -> Result<Checked, Refusal> {
        let line = match certificate::next(line).map_err(of_certificate)? {
            Next::End(count) => return Ok(Checked::End(count)),
            Next::Object(line) => *line,
        };
        let at = self.by_key.get(&self.key(&line)?).copied();
        let at = at.ok_or_else(|| no_such_object(line.key.clone()))?;
        let standing = self.standing(&self.objects[at], &line);
        let standing =
            standing.map_err(|why| Refusal::DoesNotHold { key: line.key.clone(), why })?;
        Ok(Checked::Object(at, KeyReport { key: line.key, claim: line.claim, standing }))
    }

    fn key(&self, line: &Line) -> Result<Option<Value>, Refusal> {
        let text = line.key.as_deref();
        text.map(edn_value).transpose().map_err(|error| of_certificate(error.to_string()))
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
