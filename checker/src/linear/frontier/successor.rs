//! From one configuration to the next: an open or crashed operation takes effect.

use super::CrashedClass;
use crate::linear::antichain::Last;
use crate::linear::config::Config;
use crate::linear::crashed::ClassId;
use crate::linear::open::{Group, Open, OpenOp};
use crate::linear::path::Choice;
use crate::linear::rules::{Rules, WrongRule};
use crate::linear::steps::{Mover, Step};
use crate::linear::table::TransitionId;
use crate::linear::words::Words;
use crate::model::Class;

/// What is the same for all configurations of one return.
#[derive(Clone, Copy)]
pub(super) struct Moment<'f, const W: usize> {
    pub(super) open: &'f Open<W>,
    pub(super) crashed: &'f [CrashedClass],
    pub(super) rules: Rules,
    /// The slot of the operation that returns.
    pub(super) slot: usize,
}

/// A configuration with one more operation used.
pub(super) struct Successor<const W: usize> {
    pub(super) config: Config<W>,
    pub(super) choice: Choice,
    /// The crashed class that has still to be charged for it, and how many of it have begun.
    pub(super) owes: Option<(ClassId, u32)>,
}

/// A configuration that was met, with how.
#[derive(Clone, Copy)]
pub(super) struct Arrival<const W: usize> {
    /// Its path is still that of the configuration that it comes from.
    pub(super) config: Config<W>,
    pub(super) last: Last,
    /// `None` where nothing took effect but unseen.
    pub(super) choice: Option<Choice>,
    /// Whether it has used the operation that returns.
    pub(super) is_settled: bool,
}

impl<const W: usize> Moment<'_, W> {
    fn returning(&self) -> OpenOp {
        self.open.get(self.slot)
    }

    /// Whether the operation that returns may have taken effect unseen.
    pub(super) fn absorbs(&self, config: &Config<W>) -> bool {
        self.returning().class == Class::BlindWrite && !config.required.has(self.slot)
    }

    /// The configuration in which that has happened.
    pub(super) fn absorbed(&self, config: &Config<W>) -> Arrival<W> {
        let config = config.without(self.slot);
        Arrival { config, last: Last::Other, choice: None, is_settled: true }
    }

    /// Whether a step need not be tried from a configuration that was met like this.
    pub(super) fn is_pointless(&self, config: &Config<W>, last: Last, step: Step) -> bool {
        if step.class == Class::BlindWrite && last == Last::UnseenWrite {
            return true;
        }
        self.rules.breaks(WrongRule::AbsorbedOnlyAtOnce)
            && self.absorbs(config)
            && !self.belongs_to(self.returning().transition, step.mover)
    }

    /// Only a wrong rule asks this.
    fn belongs_to(&self, transition: TransitionId, mover: Mover) -> bool {
        matches!(mover, Mover::Live { group } if self.open.movers[group].transition == transition)
    }

    /// The configuration with one more operation used, if there is one left to use.
    pub(super) fn successor(&self, from: &Config<W>, step: Step) -> Option<Successor<W>> {
        let mut config = *from;
        config.state = step.after;
        let (choice, owes) = match step.mover {
            Mover::Live { group } => {
                let next = self.next_of(&self.open.movers[group], &from.used)?;
                config.used.insert(next);
                config.required.remove(next);
                (Choice::Live(self.open.get(next).op), None)
            }
            Mover::Crashed { class: id, twin } => {
                let twin = twin.map(|group| &self.open.movers[group]);
                // Without anything to absorb a no-op would be the same configuration, only dearer.
                let futile =
                    from.required.is_empty() || self.rules.breaks(WrongRule::SkipNoOpCrashed);
                let has_twin = twin.is_some_and(|live| live.earliest_unused(&from.used).is_some());
                if has_twin || (step.after == from.state && futile) {
                    return None;
                }
                let CrashedClass { total, invoked, .. } = self.crashed[id.0 as usize];
                let late = self.rules.breaks(WrongRule::OverdraftAtTheEnd);
                (Choice::Crashed(id), Some((id, if late { total } else { invoked })))
            }
        };
        if step.class == Class::BlindWrite {
            config.required = Words::EMPTY;
        }
        Some(Successor { config, choice, owes })
    }

    fn next_of(&self, group: &Group<W>, used: &Words<W>) -> Option<usize> {
        if self.rules.breaks(WrongRule::LatestDeadlineFirst) {
            return group.latest_unused(used);
        }
        group.earliest_unused(used)
    }

    /// The configuration once every observer that has become legal is used.
    pub(super) fn arrival(
        &self,
        mut config: Config<W>,
        choice: Choice,
        class: Class,
        legal: &Words<W>,
    ) -> Arrival<W> {
        let last = match class {
            Class::BlindWrite if legal.is_subset(&config.used) => Last::UnseenWrite,
            _ => Last::Other,
        };
        config.used = config.used.union(legal);
        let is_settled = config.used.has(self.slot);
        let config = if is_settled { config.without(self.slot) } else { config };
        Arrival { config, last, choice: Some(choice), is_settled }
    }
}
