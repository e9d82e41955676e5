//! One way in which the operations seen so far can have taken effect.

use super::crashed::{TrackedId, UseId};
use super::path::PathId;
use super::table::StateId;
use super::words::Words;

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config<const W: usize> {
    pub(crate) state: StateId,
    /// Crashed operations that took effect.
    pub(crate) crashed: UseId,
    /// Open operations that took effect.
    pub(crate) used: Words<W>,
    /// Open blind writes that must still take effect visibly: no write has been linearized since
    /// they were invoked. Every other unused one is *absorbable*: it may have happened just before
    /// such a write, where nobody saw it.
    pub(crate) required: Words<W>,
    pub(crate) path: PathId,
}

/// What tells configurations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<const W: usize> {
    state: StateId,
    tracked: TrackedId,
    used: Words<W>,
    required: Words<W>,
}

impl<const W: usize> Config<W> {
    pub(crate) fn key(&self, tracked: TrackedId) -> Key<W> {
        Key { state: self.state, tracked, used: self.used, required: self.required }
    }

    /// The same once the operation in `slot` has returned.
    pub(crate) fn without(mut self, slot: usize) -> Config<W> {
        self.used.remove(slot);
        self.required.remove(slot);
        self
    }
}
