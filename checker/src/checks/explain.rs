//! Why an operation of a register could not be placed, in one sentence.
//!
//! The search proves *that* nothing fits; a person wants the two or three operations that exclude
//! each other. Each kind named here is established anew from the recorded operations and would be
//! a violation by itself, so that a sentence is never a guess; where none applies the general one
//! says only what the search proved.
//!
//! | kind | established by |
//! |---|---|
//! | `phantom-read` | no operation that can have taken effect before the read ended writes the value |
//! | `stale-read` | every write of the value had taken effect, and another value was seen or written entirely later, before the read began |
//! | `lost-update` | two acknowledged compare-and-sets replaced one value, which was written once |
//! | `nonlinearizable` | the search alone |

use super::argument;
use super::linearizable::{Scope, Stuck};
use super::object::{Object, Recorded};
use super::sentence::{alternatives, at_key, by_whom, process, when};
use crate::history::Outcome;
use crate::linear::Possible;
use crate::model::{Model, Register, Transition, ValueId};
use crate::value::Value;
use crate::verdict::{Because, Related};

/// The kind of a violation of which only the search knows.
pub(crate) const GENERAL: &str = "nonlinearizable";

/// What is told about a violation.
pub(crate) struct Explanation {
    pub(crate) kind: &'static str,
    pub(crate) sentence: String,
    /// What else there could have been, as a further clause of the sentence. It may be empty, and
    /// whoever can name the operations that exclude this one has no need of it.
    pub(crate) instead: String,
    pub(crate) related: Vec<Related>,
    pub(crate) argument: Vec<Because>,
}

impl Explanation {
    fn new(kind: &'static str, sentence: String, related: Vec<Related>) -> Explanation {
        Explanation { kind, sentence, instead: String::new(), related, argument: Vec::new() }
    }
}

/// Why an operation of a register could not be placed.
pub(crate) fn register(stuck: &Stuck<'_, '_, Register>) -> Explanation {
    let explainer = Explainer {
        object: stuck.object,
        model: stuck.model,
        failing: stuck.failing,
        meanings: stuck.meanings,
        scope: stuck.scope,
    };
    explainer.explain(stuck.transition, stuck.possible)
}

/// Why an operation of an object of any kind could not be placed, as far as the search knows.
pub(crate) fn general<M: Model>(stuck: &Stuck<'_, '_, M>) -> Explanation {
    refused(stuck).unwrap_or_else(|| undescribed(stuck))
}

/// In the words of the model, which says why the operation does not fit a state.
fn refused<M: Model>(stuck: &Stuck<'_, '_, M>) -> Option<Explanation> {
    let Stuck { model, transition, failing, .. } = *stuck;
    let mut done = None;
    let mut reasons: Vec<String> = Vec::new();
    for one in stuck.possible {
        let reason = match model.step(&one.state, transition) {
            Some(_) => "nothing that returned earlier may come after it".to_owned(),
            None => {
                let refusal = model.refusal(&one.state, transition);
                let (deed, reason) = refusal.split_once(", but ")?;
                done.get_or_insert_with(|| deed.to_owned());
                reason.to_owned()
            }
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let sentence = format!(
        "{} {}{} {}, but {}, in every order of the operations until then",
        process(failing.invoke()),
        done?,
        at_key("on", stuck.object.key.as_ref()),
        when(failing),
        alternatives(&reasons)
    );
    Some(Explanation::new(GENERAL, sentence, Vec::new()))
}

/// In the words of the history, where the model has none.
fn undescribed<M: Model>(stuck: &Stuck<'_, '_, M>) -> Explanation {
    let (Recorded { argument, result, .. }, invoke) = (stuck.failing, stuck.failing.invoke());
    let given = if argument.is_nil() { String::new() } else { format!(" {argument}") };
    let got = if result.is_nil() || result == argument {
        String::new()
    } else {
        format!(", which returned {result}")
    };
    let subject = format!(
        "{} did {}{given}{}{got} {}",
        process(invoke),
        invoke.f.name().map_or_else(|| invoke.f.to_string(), str::to_owned),
        at_key("on", stuck.object.key.as_ref()),
        when(stuck.failing)
    );
    unplaced(&subject, "object", stuck.model, stuck.possible)
}

/// What the search proved, and nothing more.
fn unplaced<M: Model>(
    subject: &str,
    noun: &str,
    model: &M,
    possible: &[Possible<M::State>],
) -> Explanation {
    let mut states: Vec<String> = Vec::new();
    for one in possible {
        let text = model.describe(&one.state).to_string();
        if !states.contains(&text) {
            states.push(text);
        }
    }
    let instead = match states.is_empty() {
        true => String::new(),
        false => format!("; before it the {noun} could have held {}", alternatives(&states)),
    };
    let sentence = format!("{subject}, and no order of the operations until then allows it");
    Explanation { instead, ..Explanation::new(GENERAL, sentence, Vec::new()) }
}

/// Looks for the reason why one operation could not be placed.
struct Explainer<'a, 'h> {
    object: &'a Object<'h>,
    model: &'a Register,
    failing: &'a Recorded<'h>,
    /// What each operation did, if the model has a meaning for it.
    meanings: &'a [Option<Transition>],
    scope: Scope,
}

/// Somebody who may have put the value there.
#[derive(Clone, Copy)]
enum Writer<'a, 'h> {
    Initial,
    Operation(&'a Recorded<'h>),
}

impl<'a, 'h> Explainer<'a, 'h> {
    fn explain(&self, transition: &Transition, possible: &[Possible<ValueId>]) -> Explanation {
        let specific = match *transition {
            Transition::Read(value) => self.phantom(value).or_else(|| self.stale(value)),
            Transition::Cas(value, new) => {
                let lost = if new == value { None } else { self.lost_update(value) };
                lost.or_else(|| self.phantom(value)).or_else(|| self.stale(value))
            }
            Transition::Write(_) | Transition::Differs(_) => None,
        };
        let explanation =
            specific.unwrap_or_else(|| unplaced(&self.subject(), "register", self.model, possible));
        self.argued(explanation)
    }

    /// Adds the circle that the operations form, if one is certain, and whoever plays a part in it.
    fn argued(&self, mut explanation: Explanation) -> Explanation {
        let named: Vec<u64> = explanation.related.iter().map(|one| one.index).collect();
        let (model, meanings) = (self.model, self.meanings);
        explanation.argument = argument::argue(self.object, model, meanings, self.failing, &named);
        let on_circle = explanation.argument.iter().map(|one| (one.from, "is in the circle"));
        let through = explanation.argument.iter().flat_map(|one| &one.through);
        let beside = through.map(|index| (*index, "the circle rests on it"));
        for (index, role) in on_circle.chain(beside) {
            let known = explanation.related.iter().any(|one| one.index == index);
            if !known && index != self.failing.index() {
                explanation.related.push(Related { index, role: role.to_owned() });
            }
        }
        explanation
    }

    /// The failing operation in words, up to what is wrong with it.
    fn subject(&self) -> String {
        let key = self.object.key.as_ref();
        let who = process(self.failing.invoke());
        let when = when(self.failing);
        match (self.failing.f().name(), self.failing.argument.items()) {
            (Some("cas"), Some([expected, new])) => {
                let word = match self.failing.outcome() {
                    Outcome::Fail => "found no",
                    Outcome::Ok | Outcome::Info => "replaced",
                };
                format!("{who} {word} {expected} by {new}{} {when}", at_key("in", key))
            }
            _ => format!("{who} read {}{} {when}", self.failing.result, at_key("from", key)),
        }
    }

    fn with_meaning(&self) -> impl Iterator<Item = (&'a Recorded<'h>, Transition)> + '_ {
        let meanings = self.meanings.iter().copied();
        self.object
            .operations
            .iter()
            .zip(meanings)
            .filter_map(|(one, meaning)| Some((one, meaning?)))
    }

    /// Everything that may have produced `value` before the failing operation ended.
    fn writers(&self, value: ValueId) -> Vec<Writer<'a, 'h>> {
        let initial = (self.model.initial() == value).then_some(Writer::Initial);
        let written = self.with_meaning().filter_map(|(one, meaning)| {
            let writes = self.model.produces(&meaning) == Some(value);
            let in_time = one.invoked() < self.failing.ended();
            (writes && in_time && !self.is_failing(one)).then_some(Writer::Operation(one))
        });
        initial.into_iter().chain(written).collect()
    }

    fn is_failing(&self, one: &Recorded<'_>) -> bool {
        one.invoked() == self.failing.invoked()
    }

    /// Nobody can have written the value.
    fn phantom(&self, value: ValueId) -> Option<Explanation> {
        if !self.writers(value).is_empty() {
            return None;
        }
        let text = self.model.value(value);
        let (reason, related) = match (self.failed_writer(text), self.later_writer(value)) {
            (Some(failed), _) => (
                format!(
                    "but {text} had only been written by an operation that reported failure \
                     ({}): this :fail was observed: it should have been :info",
                    by_whom(failed)
                ),
                vec![related(failed, "wrote the value and reported failure")],
            ),
            (None, Some(later)) => (
                format!("but {text} was first written later ({})", by_whom(later)),
                vec![related(later, "wrote the value, later")],
            ),
            (None, None) => (format!("but nobody ever wrote {text}"), Vec::new()),
        };
        let sentence = format!("{}, {reason}", self.subject());
        Some(Explanation::new("phantom-read", sentence, related))
    }

    /// A write of `value` that claims not to have happened, and began before the read ended.
    fn failed_writer(&self, value: &Value) -> Option<&'a Recorded<'h>> {
        let value = value.canonical();
        self.object.operations.iter().find(|one| {
            let written = match (one.f().name(), one.argument.items()) {
                (Some("write"), _) => Some(one.argument),
                (Some("cas"), Some([_, new])) => Some(new),
                _ => None,
            };
            one.outcome() == Outcome::Fail
                && one.invoked() < self.failing.ended()
                && written.is_some_and(|written| written.canonical() == value)
        })
    }

    fn later_writer(&self, value: ValueId) -> Option<&'a Recorded<'h>> {
        self.with_meaning()
            .find(|(one, meaning)| {
                self.model.produces(meaning) == Some(value) && !self.is_failing(one)
            })
            .map(|(one, _)| one)
    }

    /// Everybody who wrote the value had done so, and then another value was there, before the
    /// failing operation began.
    fn stale(&self, value: ValueId) -> Option<Explanation> {
        let writers = self.writers(value);
        let mut last: Option<(usize, Writer<'a, 'h>)> = None;
        for writer in &writers {
            let settled = match writer {
                Writer::Initial => 0,
                Writer::Operation(one) if writers.len() == 1 => self.first_seen(value, one)? + 1,
                Writer::Operation(one) => one.acknowledged()? + 1,
            };
            if last.is_none_or(|(latest, _)| settled > latest) {
                last = Some((settled, *writer));
            }
        }
        let (settled, writer) = last?;
        let later = self.with_meaning().filter(|(one, _)| {
            one.invoked() >= settled
                && one.acknowledged().is_some_and(|at| at < self.failing.invoked())
        });
        let (mut overwriter, mut witness) = (None, None);
        for (one, meaning) in later {
            match (self.model.produces(&meaning), meaning) {
                (Some(other), _) if other != value => {
                    overwriter = overwriter.or(Some((one, other)));
                }
                (_, Transition::Read(other)) if other != value => {
                    witness = witness.or(Some((one, other)));
                }
                _ => {}
            }
        }
        let (reason, mut related_operations) = match (overwriter, witness) {
            (Some((one, other)), _) => (
                format!("had been overwritten by {} ({})", self.model.value(other), by_whom(one)),
                vec![related(one, "overwrote it")],
            ),
            (None, Some((one, other))) => (
                format!(
                    "had been overwritten: {} was read before ({})",
                    self.model.value(other),
                    by_whom(one)
                ),
                vec![related(one, "read another value before")],
            ),
            (None, None) => return None,
        };
        let sentence = format!("{}, but {} {reason}", self.subject(), self.model.value(value));
        if let Writer::Operation(one) = writer {
            related_operations.insert(0, related(one, "wrote the value"));
        }
        Some(Explanation::new("stale-read", sentence, related_operations))
    }

    /// When the only write of `value` had certainly taken effect: it was acknowledged, or somebody
    /// had seen the value.
    fn first_seen(&self, value: ValueId, writer: &Recorded<'h>) -> Option<usize> {
        let seen = self.with_meaning().filter_map(|(one, meaning)| match meaning {
            Transition::Read(read) | Transition::Cas(read, _) if read == value => {
                one.acknowledged()
            }
            _ => None,
        });
        writer.acknowledged().into_iter().chain(seen).min()
    }

    /// Two compare-and-sets replaced the same value, and it was written only once.
    fn lost_update(&self, value: ValueId) -> Option<Explanation> {
        let written = self
            .with_meaning()
            .filter(|(_, meaning)| self.model.produces(meaning) == Some(value))
            .count();
        let initially = usize::from(self.model.initial() == value);
        if written + initially != 1 {
            return None;
        }
        let (other, by) = self.with_meaning().find_map(|(one, meaning)| match meaning {
            Transition::Cas(from, to) if from == value && to != value => {
                let acknowledged = one.acknowledged().is_some() && !self.is_failing(one);
                acknowledged.then_some((one, to))
            }
            _ => None,
        })?;
        let once = match self.scope {
            Scope::Whole => "only once",
            // Long before these it may have been there as well.
            Scope::Core => "only once for both",
        };
        let sentence = format!(
            "{}, but {} was there {once} and was also replaced by {} ({})",
            self.subject(),
            self.model.value(value),
            self.model.value(by),
            by_whom(other)
        );
        let related = vec![related(other, "replaced the same value")];
        Some(Explanation::new("lost-update", sentence, related))
    }
}

fn related(recorded: &Recorded<'_>, role: &str) -> Related {
    Related { index: recorded.index(), role: role.to_owned() }
}
