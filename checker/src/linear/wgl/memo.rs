//! What the depth-first search has met.

use rustc_hash::FxHashMap;

use super::super::crashed::{Ledger, UseId};
use super::super::table::StateId;
use super::super::words::Words;
use super::Config;

type Key<const W: usize> = (u32, StateId, Words<W>);

/// Configurations, each with the fewest uses of crashed operations with which it was met.
pub(super) struct Memo<const W: usize> {
    first: FxHashMap<Key<W>, UseId>,
    /// Where there are several combinations of uses of which none is less than another.
    more: FxHashMap<Key<W>, Vec<UseId>>,
    further: usize,
}

impl<const W: usize> Memo<W> {
    pub(super) fn new() -> Memo<W> {
        Memo { first: FxHashMap::default(), more: FxHashMap::default(), further: 0 }
    }

    /// Whether it was not met before, with no more uses; it is now.
    pub(super) fn insert(&mut self, config: &Config<W>, ledger: &Ledger) -> bool {
        let key = (config.due, config.state, config.used);
        let uses = ledger.tracked(config.crashed);
        let covers = |known: &UseId| ledger.tracked_at_most(ledger.tracked(*known), uses);
        let Some(known) = self.first.get(&key) else {
            self.first.insert(key, config.crashed);
            return true;
        };
        if covers(known) || self.more.get(&key).is_some_and(|more| more.iter().any(covers)) {
            return false;
        }
        self.more.entry(key).or_default().push(config.crashed);
        self.further += 1;
        true
    }

    pub(super) fn bytes(&self) -> u64 {
        let entry = size_of::<(Key<W>, UseId)>() + 1;
        let list = size_of::<(Key<W>, Vec<UseId>)>() + 1;
        let lists = self.more.capacity() * list + 2 * self.further * size_of::<UseId>();
        (self.first.capacity() * entry + lists) as u64
    }
}
