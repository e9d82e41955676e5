//! From bytes to a report: reads both files and sends every object's proof to whoever checks it.

use std::collections::HashMap;

use crate::certificate::{self, Claim, Entries, Header, Line, Next, Proof};
use crate::keys::{Keys, Object, split};
use crate::models::{Model, Readings, Register};
use crate::report::{KeyReport, Refusal, Report, Standing};
use crate::sets::Reads;
use crate::text::{Event, Notation, edn_value, events};
use crate::unpack::{sha256, unpack};
use crate::value::Value;
use crate::weaken::{Part, Weakened, weaken};
use crate::{exhaustive, frontier, order, pairing, sets, timed};

/// Holds the bytes of a certificate against the bytes of a history.
///
/// # Errors
///
/// When one of them cannot be read, or when a proof does not hold.
pub fn verify(history: &[u8], certificate: &[u8]) -> Result<Report, Refusal> {
    let certificate = unpack(certificate).map_err(|error| of_certificate(error.to_string()))?;
    let mut lines = certificate.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let first = lines.next().ok_or_else(|| of_certificate("it is empty".to_owned()))?;
    let header = certificate::header(first).map_err(of_certificate)?;
    let rules = Rules::of(&header).map_err(of_certificate)?;
    if sha256(history) != header.sha256 {
        return Err(broken("it is about another history: the SHA-256 differs".to_owned()));
    }
    let text = unpack(history).map_err(|error| of_history(error.to_string()))?;
    let events = events(&text, rules.notation).map_err(|error| of_history(error.to_string()))?;
    drop(text);
    let operations = pairing::pair(&events).map_err(|error| of_history(error.to_string()))?;
    let objects =
        split(&events, &operations, rules.keys).map_err(|error| broken(error.to_string()))?;
    let mut bench = Bench { rules: &rules, events: &events, keys: Vec::new() };
    bench.all(&objects, lines)?;
    let report = Report {
        claim: header.claim,
        checker: rules.name(),
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

/// By which rules objects are judged.
struct Rules {
    notation: Notation,
    keys: Keys,
    judge: Judge,
}

enum Judge {
    Register {
        name: String,
        readings: Readings,
        init: Value,
    },
    Set(Reads),
    /// A model that this verifier has no rules for.
    Unknown(String),
}

impl Rules {
    fn of(header: &Header) -> Result<Rules, String> {
        let entries = &header.entries;
        let notation = entries.text("notation")?;
        let notation = Notation::named(notation).ok_or(format!("{notation} is no notation"))?;
        let keys = entries.text("keys")?;
        let keys = Keys::named(keys).ok_or(format!("{keys} is no way to tell objects apart"))?;
        let judge = match entries.text("checker")? {
            "set" => Judge::Set(one_of(
                entries,
                "set-reads",
                [("linearizable", Reads::Every), ("eventual", Reads::Final)],
            )?),
            "linearizable" => linearizable(entries)?,
            other => Judge::Unknown(other.to_owned()),
        };
        Ok(Rules { notation, keys, judge })
    }

    fn name(&self) -> String {
        match &self.judge {
            Judge::Register { name, .. } => format!("linearizable {name}"),
            Judge::Set(_) => "set".to_owned(),
            Judge::Unknown(name) => name.clone(),
        }
    }

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec![self.keys.sentence().to_owned()];
        match &self.judge {
            Judge::Register { readings, init, .. } => {
                assumptions.push(format!("the initial value is {init}"));
                assumptions.extend(readings.sentences().map(str::to_owned));
            }
            Judge::Set(reads) => {
                assumptions.push("the set is empty at first".to_owned());
                assumptions.push(reads.sentence().to_owned());
            }
            Judge::Unknown(_) => {}
        }
        assumptions.push(
            "an operation that failed did not happen; an indeterminate one may have".to_owned(),
        );
        assumptions
    }
}

fn one_of<T, const N: usize>(
    entries: &Entries,
    name: &str,
    choices: [(&str, T); N],
) -> Result<T, String> {
    let word = entries.text(name)?;
    let chosen = choices.into_iter().find(|(choice, _)| *choice == word);
    chosen.map(|(_, value)| value).ok_or_else(|| format!("{word} is no choice for `{name}`"))
}

fn linearizable(entries: &Entries) -> Result<Judge, String> {
    let name = entries.text("model")?.to_owned();
    let has_cas = match name.as_str() {
        "register" => false,
        "cas-register" => true,
        _ => return Ok(Judge::Unknown(format!("linearizable {name}"))),
    };
    let readings = Readings {
        has_cas,
        nil_unknown: one_of(entries, "nil-reads", [("value", false), ("unknown", true)])?,
        observe_failed_cas: one_of(entries, "failed-cas", [("drop", false), ("observe", true)])?,
    };
    let init = edn_value(entries.text("init")?).map_err(|error| error.to_string())?;
    Ok(Judge::Register { name, readings, init })
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
                    self.one(object, line)?;
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
            Judge::Unknown(name) => {
                Ok(Standing::Unproved(format!("not verified: no rule for {name}")))
            }
            Judge::Set(reads) => set(object, *reads, line),
            Judge::Register { readings, init, .. } => {
                self.linearizable(Register::new(*readings, init.clone()), object, line)
            }
        }
    }

    fn linearizable<M: Model>(
        &self,
        mut model: M,
        object: &Object<'_>,
        line: &Line,
    ) -> Result<Standing, String> {
        let steps = timed::steps(&mut model, object)?;
        let proved = |what: String| Ok(Standing::Proved(what));
        match (line.claim, &line.proof) {
            (Claim::Valid, Proof::Order(order)) => {
                order::verify(&model, &steps, order)?;
                proved(format!("an order of {} operations", order.len()))
            }
            (Claim::Invalid, Proof::SubHistory(part)) => {
                let part = self.part(&model, &steps, part)?;
                exhaustive::refute(&model, &part)?;
                proved(format!("no order of {} operations", part.steps.len()))
            }
            (Claim::Invalid, Proof::Frontier(part, proof)) => {
                let part = self.part(&model, &steps, part)?;
                frontier::refute(&mut model, &part, proof)?;
                proved(format!(
                    "an inductive frontier over {} operations and {} returns",
                    part.steps.len(),
                    proof.stages.len()
                ))
            }
            _ => Err(mismatch(line.claim)),
        }
    }

    fn part<M: Model>(
        &self,
        model: &M,
        steps: &[timed::Timed<M::Step>],
        part: &Part,
    ) -> Result<Weakened<M::Step, M::State>, String> {
        let position = |index: u64| self.events.binary_search_by_key(&index, |one| one.index).ok();
        weaken(model, steps, part, &position)
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

fn mismatch(claim: Claim) -> String {
    format!("a proof of this kind cannot show that something is {}", claim.word())
}
