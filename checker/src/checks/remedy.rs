//! What would have made a violation legal: single changes, each tried on the whole history.
//!
//! Whoever looks at a violation asks what the system did wrong, and usually one operation answers:
//! a write that reported failure and was seen, a read that should have returned something else, an
//! acknowledged write that was lost. Only operations of the core can help, since the core is a
//! violation whatever happens elsewhere; so there are few to try.

use rustc_hash::FxHashSet;

use super::QUICKLY_DECIDED;
use super::linearizable::Parsed;
use super::object::Recorded;
use super::sentence::{alternatives, process};
use super::strength::Doubts;
use crate::budget::Budget;
use crate::cores;
use crate::history::Outcome;
use crate::linear::{Decision, Occurrence, decide};
use crate::model::{Call, Class, Model};
use crate::shrink::Shrunk;
use crate::value::Value;
use crate::verdict::Anomaly;

/// More answers than this are none.
pub(crate) const TOLD_MAX: usize = 3;
const TRIED_MAX: usize = 6;

/// The operation that nothing could be found for.
pub(crate) struct Failing<T> {
    at: Option<usize>,
    /// What else it could have said.
    observed: Vec<(Value, T)>,
}

impl<T: Clone> Failing<T> {
    /// That of an anomaly.
    pub(crate) fn of<M: Model<Transition = T>>(
        model: &mut M,
        parsed: &Parsed<'_, '_, T>,
        anomaly: &Anomaly,
    ) -> Failing<T> {
        let at = anomaly.op.and_then(|op| {
            let ended =
                |at: &usize| parsed.recorded(*at).completion().is_some_and(|one| one.index == op);
            (0..parsed.occurrences.len()).find(ended)
        });
        let observed = at.map(|at| results(model, parsed, at, anomaly)).unwrap_or_default();
        Failing { at, observed }
    }
}

/// Sentences that each name one failure on which the violation depends, which must be known by now.
pub(crate) fn failures<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    doubts: &Doubts<M::Transition>,
    anomaly: &Anomaly,
    budget: &Budget,
) -> Vec<String> {
    Trial { model, parsed, budget }.failures(doubts, anomaly)
}

/// Sentences that each name another change, the most plausible first.
pub(crate) fn others<M: Model>(
    model: &M,
    parsed: &Parsed<'_, '_, M::Transition>,
    shrunk: &Shrunk,
    failing: &Failing<M::Transition>,
    budget: &Budget,
) -> Vec<String> {
    let trial = Trial { model, parsed, budget };
    let (results, losses) = cores::both(
        parsed.occurrences.len() > QUICKLY_DECIDED,
        || failing.at.and_then(|at| trial.other_results(at, &failing.observed)),
        || trial.losses(shrunk, failing.at),
    );
    results.into_iter().chain(losses).collect()
}

/// What the failing operation would say, had it found one of the possible states.
fn results<M: Model>(
    model: &mut M,
    parsed: &Parsed<'_, '_, M::Transition>,
    failing: usize,
    anomaly: &Anomaly,
) -> Vec<(Value, M::Transition)> {
    let recorded = parsed.recorded(failing);
    if model.class(&parsed.occurrences[failing].transition) != Class::Observer
        || recorded.outcome() != Outcome::Ok
    {
        return Vec::new();
    }
    let mut found: Vec<(Value, M::Transition)> = Vec::new();
    for state in anomaly.states.iter().map(|one| &one.state) {
        let call = Call { result: state, ..recorded.call() };
        let known = found.iter().any(|(value, _)| value == state);
        if found.len() < TRIED_MAX
            && !known
            && let Ok(Some(transition)) = model.parse(&call)
        {
            found.push((state.clone(), transition));
        }
    }
    found
}

struct Trial<'a, 'o, 'h, M: Model> {
    model: &'a M,
    parsed: &'a Parsed<'o, 'h, M::Transition>,
    budget: &'a Budget,
}

impl<M: Model> Trial<'_, '_, '_, M> {
    fn is_legal(&self, history: &[Occurrence<M::Transition>]) -> bool {
        self.budget.spent().is_none()
            && matches!(decide(self.model, history, self.budget).0, Decision::Linearizable { .. })
    }

    /// Failures of which one alone explains everything, had it taken effect.
    fn failures(&self, doubts: &Doubts<M::Transition>, anomaly: &Anomaly) -> Vec<String> {
        let strength = anomaly.examination.strength.as_ref();
        let depends_on = strength.and_then(|strength| strength.depends_on.as_deref());
        // Where any of many would do, none of them is a plausible culprit.
        let few = depends_on.unwrap_or_default();
        let few = if few.len() > TOLD_MAX { &[] } else { few };
        let suspects: FxHashSet<u64> = few.iter().map(|one| one.index).collect();
        let operations = &self.parsed.object.operations;
        let explains = |at: &usize| {
            suspects.contains(&operations[*at].index())
                && self.is_legal(&doubts.doubting_only(self.parsed, &[*at]))
        };
        let told = |at: usize| {
            format!(
                "if {}, which reported failure, had taken effect: then this :fail should have \
                 been :info",
                name(&operations[at])
            )
        };
        let first = doubts.all().into_iter().find(explains);
        first.map(told).into_iter().collect()
    }

    /// What the failing operation should have returned.
    fn other_results(&self, at: usize, results: &[(Value, M::Transition)]) -> Option<String> {
        let legal = |transition: &M::Transition| {
            let mut history = self.parsed.occurrences.clone();
            history[at].transition = transition.clone();
            self.is_legal(&history)
        };
        let legal = results.iter().filter(|(_, transition)| legal(transition));
        let values: Vec<String> = legal.map(|(value, _)| value.to_string()).collect();
        (!values.is_empty()).then(|| {
            let recorded = self.parsed.recorded(at);
            let verb = if recorded.f().name() == Some("read") { "read" } else { "returned" };
            format!("if {} had {verb} {}", name(recorded), alternatives(&values))
        })
    }

    /// Acknowledged effects that were lost, or had better failed.
    fn losses(&self, shrunk: &Shrunk, failing: Option<usize>) -> Vec<String> {
        let changes = |at: &usize| {
            let one = &self.parsed.occurrences[*at];
            one.returned.is_some() && self.model.class(&one.transition) != Class::Observer
        };
        let in_core = shrunk.kept.iter().map(|(at, _)| *at).filter(changes).take(TRIED_MAX);
        let legal = |at: &usize| {
            let mut history = self.parsed.occurrences.clone();
            history.remove(*at);
            self.is_legal(&history)
        };
        let told = |at: usize| {
            let what = name(self.parsed.recorded(at));
            match Some(at) == failing {
                true => format!("if {what} had failed"),
                false => format!("if {what}, which was acknowledged, had not taken effect"),
            }
        };
        in_core.filter(legal).map(told).collect()
    }
}

/// `write 3 (process 2)`, `the read by process 7`.
fn name(recorded: &Recorded<'_>) -> String {
    let f = recorded.f().name().map_or_else(|| recorded.f().to_string(), str::to_owned);
    match recorded.argument.is_nil() {
        true => format!("the {f} by {}", process(recorded.invoke())),
        false => format!("{f} {} ({})", recorded.argument, process(recorded.invoke())),
    }
}
