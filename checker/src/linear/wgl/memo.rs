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
        (occupied(&self.first) + occupied(&self.more) + 2 * self.further * size_of::<UseId>())
            as u64
    }
}

/// What a map occupies, or will while it grows where that is near: the larger one is there before
/// the smaller one goes. An eighth of its places stay free, and each has a byte of its own.
fn occupied<K, V>(map: &FxHashMap<K, V>) -> usize {
    let own = map.capacity() / 7 * 8 * (size_of::<(K, V)>() + 1);
    let is_nearly_full = map.len() > map.capacity() - map.capacity() / 8;
    if is_nearly_full { 3 * own } else { own }
}
