//! The configurations met within one return, each kept only while no other one can do as much.
//!
//! Only configurations of equal state and equal used conditionals are comparable, so they are kept
//! in *buckets* of these, found by hashing; within a bucket a newcomer is held against those that
//! came before. Since shorter sequences come first, whatever dominates usually does, too. Buckets
//! hold a handful as a rule. One that does not stop growing is searched only up to
//! [`CROWD`]: what comes later is told apart by equality alone, and the rest is done once, sorted,
//! at the end ([`Antichain::finish`]). So a newcomer costs a constant, however hard the moment.

use super::config::{Config, Key};
use super::crashed::{Cost, Ledger, TrackedId};
use super::meter::Meter;
use super::open::Masks;
use super::seen::Seen;
use super::table::StateId;
use super::words::Words;
use crate::verdict::Reason;

/// How a configuration came to be met.
///
/// Two blind writes in a row, with nothing between them that saw the first, are never tried: the
/// first would rather be absorbed by the second, and stay available. (Whatever else leads to a
/// configuration that can do no more need not try the second write either, for the same reason;
/// so this plays no part in comparing them.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// By a blind write that nobody has seen yet.
    UnseenWrite,
    /// By anything else.
    Other,
}

/// A configuration with what it is compared by.
#[derive(Clone, Copy)]
pub(crate) struct Entry<const W: usize> {
    pub(crate) config: Config<W>,
    pub(crate) last: Last,
    cost: Cost,
    tracked: TrackedId,
    /// The next one in the bucket.
    next: u32,
    alive: bool,
}

/// The entries of equal state and equal used conditionals, a linked list.
#[derive(Clone, Copy)]
struct Bucket {
    first: u32,
    last: u32,
    len: u32,
}

/// Configurations of which none dominates another one, as far as buckets are not crowded.
pub(crate) struct Antichain<const W: usize> {
    entries: Vec<Entry<W>>,
    buckets: Seen<(StateId, Words<W>), Bucket>,
    /// Where bucket lists end: the configurations beyond, with their places among the entries.
    crowd: Seen<Key<W>, u32>,
    is_crowded: bool,
}

/// As many entries of a bucket are compared with a newcomer; so few in tests that small histories
/// meet crowds, too.
const CROWD: u32 = if cfg!(test) { 2 } else { 48 };
const NOBODY: u32 = u32::MAX;

impl<const W: usize> Antichain<W> {
    pub(crate) fn new() -> Antichain<W> {
        let (buckets, crowd) = (Seen::new(), Seen::new());
        Antichain { entries: Vec::new(), buckets, crowd, is_crowded: false }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.buckets.clear();
        self.crowd.clear();
        self.is_crowded = false;
    }

    /// How many were ever taken in, dominated ones included.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry taken in as number `at`, unless a later one dominates it.
    pub(crate) fn get(&self, at: usize) -> Option<&Entry<W>> {
        Some(&self.entries[at]).filter(|entry| entry.alive)
    }

    /// The configuration taken in as number `at`, unless a later one dominates it. Only its path
    /// may be changed.
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Config<W>> {
        Some(&mut self.entries[at]).filter(|entry| entry.alive).map(|entry| &mut entry.config)
    }

    pub(crate) fn bytes(&self) -> u64 {
        let entries = self.entries.capacity() * size_of::<Entry<W>>();
        entries as u64 + self.buckets.bytes() + self.crowd.bytes()
    }

    /// Takes a configuration in, unless one that is there can do as much at no higher cost. The
    /// caller may then set its path.
    pub(crate) fn insert(
        &mut self,
        config: Config<W>,
        last: Last,
        masks: &Masks<W>,
        ledger: &Ledger,
    ) -> Option<&mut Config<W>> {
        let (cost, tracked) = (ledger.cost(config.crashed), ledger.tracked(config.crashed));
        let new = Entry { config, last, cost, tracked, next: NOBODY, alive: true };
        let place = u32::try_from(self.entries.len()).expect("memory is spent before");
        let key = (config.state, config.used.intersection(&masks.conditionals));
        let (bucket, fresh) =
            self.buckets.get_or_put(key, Bucket { first: place, last: place, len: 1 });
        if !fresh {
            let (mut before, mut at) = (NOBODY, bucket.first);
            while at != NOBODY {
                let old = self.entries[at as usize];
                if old.dominates(&new, masks, ledger) {
                    return None;
                }
                if new.dominates(&old, masks, ledger) {
                    self.entries[at as usize].alive = false;
                    bucket.len -= 1;
                    match before {
                        NOBODY => bucket.first = old.next,
                        before => self.entries[before as usize].next = old.next,
                    }
                } else {
                    before = at;
                }
                at = old.next;
            }
            if bucket.len >= CROWD {
                self.is_crowded = true;
                if !is_new_to(&mut self.crowd, &mut self.entries, &new, place) {
                    return None;
                }
            } else {
                match before {
                    NOBODY => bucket.first = place,
                    before => self.entries[before as usize].next = place,
                }
                bucket.last = place;
                bucket.len += 1;
            }
        }
        self.entries.push(new);
        self.entries.last_mut().map(|entry| &mut entry.config)
    }

    /// Hands out the configurations that no other one dominates, in an order that depends on
    /// nothing else.
    pub(crate) fn finish(
        &mut self,
        into: &mut Vec<Config<W>>,
        masks: &Masks<W>,
        ledger: &Ledger,
        meter: &mut Meter<'_>,
    ) -> Result<(), Reason> {
        if self.is_crowded {
            self.thin_out(masks, ledger, meter)?;
        }
        into.clear();
        into.extend(self.entries.iter().filter(|entry| entry.alive).map(|entry| entry.config));
        Ok(())
    }

    /// Compares everything that is comparable; sorted so that whatever dominates comes first.
    fn thin_out(
        &mut self,
        masks: &Masks<W>,
        ledger: &Ledger,
        meter: &mut Meter<'_>,
    ) -> Result<(), Reason> {
        self.entries.retain(|entry| entry.alive);
        self.entries.sort_by_cached_key(|one| {
            let bucket = (one.config.state, one.config.used.intersection(&masks.conditionals));
            (bucket, one.cost, one.burden(masks, ledger), one.config.used, one.config.required)
        });
        let mut kept: Vec<Entry<W>> = Vec::with_capacity(self.entries.len());
        let mut bucket = 0;
        for one in &self.entries {
            let same_bucket = kept.get(bucket).is_some_and(|first| {
                let mine = one.config.used.intersection(&masks.conditionals);
                first.config.state == one.config.state
                    && first.config.used.intersection(&masks.conditionals) == mine
            });
            if !same_bucket {
                bucket = kept.len();
            }
            meter.work(kept.len() - bucket)?;
            if !kept[bucket..].iter().any(|better| better.dominates(one, masks, ledger)) {
                kept.push(*one);
            }
        }
        self.entries = kept;
        Ok(())
    }
}

/// Whether a crowd does not hold the configuration at this cost or a lower one; if so it does now.
fn is_new_to<const W: usize>(
    crowd: &mut Seen<Key<W>, u32>,
    entries: &mut [Entry<W>],
    new: &Entry<W>,
    place: u32,
) -> bool {
    let (known, fresh) = crowd.get_or_put(new.config.key(new.tracked), place);
    if fresh {
        return true;
    }
    let old = &mut entries[*known as usize];
    if old.cost <= new.cost {
        return false;
    }
    old.alive = false;
    *known = place;
    true
}

impl<const W: usize> Entry<W> {
    /// Whether whatever can follow `other` can follow this one too, at no higher cost. State and
    /// used conditionals are equal already.
    fn dominates(&self, other: &Entry<W>, masks: &Masks<W>, ledger: &Ledger) -> bool {
        let (mine, theirs) = (&self.config, &other.config);
        self.cost <= other.cost
            && mine.required.is_subset(&theirs.required)
            && mine.used.minus(&theirs.used).is_disjoint(&masks.writes)
            && theirs.used.intersection(&mine.required).is_disjoint(&masks.writes)
            && theirs.used.minus(&mine.used).is_disjoint(&masks.watching)
            && ledger.tracked_at_most(self.tracked, other.tracked)
    }

    /// Falls or stays equal towards a configuration that dominates at equal cost.
    fn burden(&self, masks: &Masks<W>, ledger: &Ledger) -> i64 {
        let writes = self.config.used.intersection(&masks.writes).len();
        let observers = self.config.used.intersection(&masks.watching).len();
        let more = self.config.required.len() + writes + ledger.tracked_uses(self.tracked);
        i64::from(more) - i64::from(observers)
    }
}

#[cfg(test)]
mod tests;
