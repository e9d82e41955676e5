//! Histories whose values repeat, but so seldom that times tell the writers apart.
//!
//! If everybody who was acknowledged has only one [source](super::sources), everybody is known to
//! have found the state that this one left, in every order. So each operation's state may as well be
//! called by the operation, and nothing is lost or gained: an order is one of the history exactly if
//! it is one of the history so renamed. There every state is produced once, and zones decide it.
//!
//! A crashed operation that needs a state is renamed alike. With several sources it would need
//! several names, so then nothing is said; without one it cannot have happened.

use super::reduce::relevant;
use super::rules::Rules;
use super::sources::{Source, Sources};
use super::zones::{self, Zones};
use super::{Obstacle, Occurrence, Possible};
use crate::model::{Call, Class, Model, Requires};
use crate::value::Value;
use crate::verdict::Reason;

/// What was found out about a history whose values repeat.
pub(super) enum Apart<S> {
    /// Nothing.
    Ambiguous,
    /// An order, not yet verified.
    Order(Vec<usize>),
    /// There is none; this is the first operation that cannot be placed.
    Stuck(Obstacle<S>),
}

/// Decides whether those in `all` that are `kept` have a linearization, if sources are unique.
pub(super) fn decide<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    sources: &Sources<'_, M>,
) -> Apart<M::State> {
    let Some((renamed, members)) = renamed(model, all, kept, sources) else {
        return Apart::Ambiguous;
    };
    let whole = |ats: Vec<usize>| ats.into_iter().map(|at| members[at]).collect::<Vec<usize>>();
    let kept = relevant(&Names, &renamed, Rules::default());
    let pattern = match zones::decide(&Names, &renamed, &kept, Rules::default()) {
        Zones::Inapplicable(_) => return Apart::Ambiguous,
        Zones::Order(order) => return Apart::Order(whole(order)),
        Zones::Impossible(pattern) => pattern,
    };
    let Some(obstacle) = zones::earliest(&Names, &renamed, pattern) else {
        return Apart::Ambiguous;
    };
    let state = |name: Name| match name.checked_sub(1) {
        None => model.initial(),
        Some(at) => {
            let produced = model.produces(&all[at as usize].transition);
            produced.expect("only what leads to a state gives it a name")
        }
    };
    let possible = obstacle.possible.into_iter().map(|one| Possible {
        state: state(one.state),
        linearized: whole(one.linearized),
        pending: whole(one.pending),
    });
    // What excludes what here may do so only thanks to those who screen other sources.
    let possible = possible.collect();
    Apart::Stuck(Obstacle { at: members[obstacle.at], possible, pattern: None })
}

/// The history with a name of its own for each state, and the positions of its operations in the
/// input; `None` where a source is not certain.
fn renamed<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    sources: &Sources<'_, M>,
) -> Option<(Vec<Occurrence<Step>>, Vec<usize>)> {
    let (mut renamed, mut members) = (Vec::new(), Vec::new());
    for at in kept.iter().copied() {
        let one = &all[at];
        let own = Name::try_from(at + 1).ok()?;
        let needed = if sources.needs_one(at) {
            let mut found = sources.of(at);
            match (found.next(), found.next()) {
                (Some(Source::Initial), None) => Some(INITIAL),
                (Some(Source::Operation(source)), None) => Some(Name::try_from(source + 1).ok()?),
                // Nobody put there what it found.
                (None, _) if one.returned.is_some() => Some(NOBODY),
                (None, _) => continue,
                _ => return None,
            }
        } else {
            None
        };
        let transition = match (model.class(&one.transition), needed) {
            (Class::Observer, Some(needed)) => Step::Sees(needed),
            (Class::Observer, None) => return None,
            (_, Some(needed)) => Step::Replaces(needed, own),
            (_, None) => Step::Puts(own),
        };
        renamed.push(Occurrence { transition, invoked: one.invoked, returned: one.returned });
        members.push(at);
    }
    Some((renamed, members))
}

/// A state, by the operation that leads to it, plus one.
type Name = u32;

const INITIAL: Name = 0;
/// The state that nobody leads to.
const NOBODY: Name = Name::MAX;

/// A register of names.
struct Names;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Sees(Name),
    Puts(Name),
    Replaces(Name, Name),
}

impl Model for Names {
    type State = Name;
    type Transition = Step;

    fn initial(&self) -> Name {
        INITIAL
    }

    fn parse(&mut self, _: &Call<'_>) -> Result<Option<Step>, Reason> {
        Ok(None)
    }

    fn step(&self, state: &Name, step: &Step) -> Option<Name> {
        match *step {
            Step::Sees(seen) => (*state == seen).then_some(seen),
            Step::Puts(new) => Some(new),
            Step::Replaces(old, new) => (*state == old).then_some(new),
        }
    }

    fn class(&self, step: &Step) -> Class {
        match step {
            Step::Sees(_) => Class::Observer,
            Step::Puts(_) => Class::BlindWrite,
            Step::Replaces(..) => Class::Conditional,
        }
    }

    fn requires(&self, step: &Step) -> Requires<Name> {
        match *step {
            Step::Sees(needed) | Step::Replaces(needed, _) => Requires::Exactly(needed),
            Step::Puts(_) => Requires::Anything,
        }
    }

    fn produces(&self, step: &Step) -> Option<Name> {
        match *step {
            Step::Puts(new) | Step::Replaces(_, new) => Some(new),
            Step::Sees(_) => None,
        }
    }

    fn describe(&self, state: &Name) -> Value {
        Value::Int((*state).into())
    }

    fn refusal(&self, state: &Name, _: &Step) -> String {
        format!("the state is {state}")
    }
}
