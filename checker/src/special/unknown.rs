//! Takes that crashed: nobody knows what they took, if anything.
//!
//! An item that was never taken may have been taken by one of them, and must have been if somebody
//! found nothing afterwards, or, in a queue, took what came later. Any of them can stand in for
//! any other, so all that matters is how many there are in time: an item needs one that began
//! before its *deadline*. All deadlines grow with the moment from which an item is certainly
//! there, so the first of these takes goes to the first deadline, and so on.
//!
//! For whoever found nothing any moment will do at which no item is certainly there that is known
//! to have been taken, and at which at least as many of these takes had begun as there are items
//! certainly there that nobody is known to have taken. It does not matter which such moment it is:
//! the items to be gone by then are the first so many, whatever is asked for at other moments, and
//! there are takes enough for these. `O(n log n)`.

use super::cuts::{Covered, never_empty};
use super::lifetimes::Lifetimes;
use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Occurrence, Pattern};
use crate::model::{ItemTransition, Items};

/// Until when an item must have been taken, and which.
pub(super) type Deadline = (u32, usize);

impl Lifetimes {
    /// Gives each of these items to the take that it needs; `Err` is the first, by place, for
    /// which there is none in time.
    pub(super) fn hand_out(
        &mut self,
        all: &[Occurrence<ItemTransition>],
        deadlines: &[Deadline],
    ) -> Result<(), usize> {
        let mut unknown = self.unknown_takes.iter().copied();
        for (place, (deadline, at)) in deadlines.iter().enumerate() {
            let take = unknown.next().filter(|take| all[*take].invoked < *deadline).ok_or(place)?;
            let item = &mut self.items[*at];
            item.take = Some(take);
            item.take_from = all[take].invoked.max(item.put_from);
        }
        Ok(())
    }

    /// Gives every item that must have been taken, for these deadlines or because somebody found
    /// nothing, to a take, and leaves the other takes out. The deadlines by themselves can be met.
    /// `Err` if somebody cannot have found nothing; `Err(None)` would be a mistake in the proof.
    pub(super) fn explain_empties(
        &mut self,
        all: &[Occurrence<ItemTransition>],
        mut deadlines: Vec<Deadline>,
        names: &Items,
    ) -> Result<(), Option<Pattern>> {
        let moments = self.empty_moments(all, names)?;
        let left = (0..self.items.len()).filter(|at| self.items[*at].take.is_none());
        deadlines.extend(left.filter_map(|at| {
            let after = moments.partition_point(|moment| *moment < self.items[at].put_until);
            Some((moments.get(after)? + 1, at))
        }));
        // Of two deadlines of one item the first counts.
        deadlines.sort_unstable();
        let mut met = vec![false; self.items.len()];
        deadlines.retain(|(_, at)| !std::mem::replace(&mut met[*at], true));
        self.hand_out(all, &deadlines).map_err(|_| None)?;
        self.unknown_takes.clear();
        Ok(())
    }

    /// A moment for each operation that found nothing, in order.
    fn empty_moments(
        &self,
        all: &[Occurrence<ItemTransition>],
        names: &Items,
    ) -> Result<Vec<u32>, Pattern> {
        let taken: Vec<_> = self.items.iter().filter(|one| one.take.is_some()).copied().collect();
        let covered = Covered::new(&taken, self.too_many(all));
        let certain = Covered::new(&taken, Vec::new());
        let mut moments = Vec::with_capacity(self.empties.len());
        for empty in self.empties.iter().copied() {
            let begin = all[empty].invoked;
            let end = all[empty].returned.unwrap_or(NEVER);
            let moment = covered.first_free(begin);
            if moment < end {
                moments.push(moment);
            } else if certain.first_free(begin) >= end {
                return Err(never_empty(all, &taken, empty, names));
            } else {
                return Err(self.too_few_takes(begin, end, empty, names));
            }
        }
        if makes(WrongRule::EmptiesDoNotWait) {
            moments.clear();
        }
        moments.sort_unstable();
        Ok(moments)
    }

    /// When more items are certainly there that nobody is known to have taken than takes had
    /// begun of which nobody knows.
    fn too_many(&self, all: &[Occurrence<ItemTransition>]) -> Vec<(u32, u32)> {
        let left = self.items.iter().filter(|one| one.take.is_none());
        let mut changes: Vec<(u32, i64)> = left.map(|one| (one.put_until, 1)).collect();
        changes.extend(self.unknown_takes.iter().map(|at| (all[*at].invoked, -1)));
        changes.sort_unstable();
        let (mut too_many, mut count, mut since) = (Vec::new(), 0_i64, 0);
        for (moment, change) in changes {
            count += change;
            match (count, change) {
                (1, 1) => since = moment,
                (0, -1) => too_many.push((since, moment)),
                _ => {}
            }
        }
        too_many.extend((count > 0).then_some((since, NEVER)));
        too_many
    }

    fn too_few_takes(&self, begin: u32, end: u32, empty: usize, names: &Items) -> Pattern {
        let there =
            |one: &&super::lifetimes::Lifetime| one.put_until < end && one.take_from > begin;
        let operations = self.items.iter().filter(there).flat_map(|one| one.operations());
        let operations = [empty].into_iter().chain(operations).collect();
        let why = format!(
            "the {} was found empty, but there was always something in it: more was put in than \
             was taken, even if all that crashed took something",
            names.words.noun
        );
        pattern("false-empty", operations, why)
    }
}
