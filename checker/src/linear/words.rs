//! A set of open operations, by slot, in `W` machine words: `W` is chosen once per history from
//! the most operations that are ever open at once, so that the usual history pays for one word.

/// A fixed-size set of slot numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Words<const W: usize>([u64; W]);

impl<const W: usize> Words<W> {
    pub(crate) const CAPACITY: usize = 64 * W;
    pub(crate) const EMPTY: Words<W> = Words([0; W]);

    pub(crate) fn insert(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    pub(crate) fn has(&self, slot: usize) -> bool {
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }

    /// The same set in more words.
    pub(crate) fn widened<const V: usize>(&self) -> Words<V> {
        let mut words = [0; V];
        words[..W].copy_from_slice(&self.0);
        Words(words)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(crate) fn union(mut self, other: &Words<W>) -> Words<W> {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
        self
    }

    pub(crate) fn intersection(mut self, other: &Words<W>) -> Words<W> {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine &= theirs);
        self
    }

    pub(crate) fn minus(mut self, other: &Words<W>) -> Words<W> {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine &= !theirs);
        self
    }

    pub(crate) fn is_disjoint(&self, other: &Words<W>) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine & theirs == 0)
    }

    pub(crate) fn is_subset(&self, other: &Words<W>) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine & !theirs == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set_of(slots: &[usize]) -> Words<2> {
        let mut set = Words::EMPTY;
        slots.iter().for_each(|slot| set.insert(*slot));
        set
    }

    #[test]
    fn slots_beyond_the_first_word_are_kept_apart() {
        let mut set = set_of(&[3, 67]);
        assert!(set.has(3) && set.has(67) && !set.has(4) && !set.has(66));
        assert_eq!(set.len(), 2);
        assert!(set_of(&[67]).is_subset(&set) && !set.is_subset(&set_of(&[67])));
        assert_eq!(set.minus(&set_of(&[3])), set_of(&[67]));
        set.remove(67);
        assert_eq!(set, set_of(&[3]));
        assert!(set.intersection(&set_of(&[4])).is_empty());
        assert_eq!(set_of(&[3]).union(&set_of(&[67])).len(), 2);
    }

    /// Every set of a few slots with every other one, beside sets that nobody doubts.
    #[test]
    fn sets_are_what_sets_are() {
        let few = [0, 1, 63, 64, 66, 127];
        let subset = |number: usize| -> BTreeSet<usize> {
            (0..few.len()).filter(|bit| number >> bit & 1 == 1).map(|bit| few[bit]).collect()
        };
        let words = |set: &BTreeSet<usize>| set_of(&set.iter().copied().collect::<Vec<_>>());
        let subsets: Vec<BTreeSet<usize>> = (0..64).map(subset).collect();
        for one in &subsets {
            let mine = words(one);
            assert_eq!((mine.len() as usize, mine.is_empty()), (one.len(), one.is_empty()));
            assert!((0..128).all(|slot| mine.has(slot) == one.contains(&slot)), "{one:?}");
            let wider: Words<3> = mine.widened();
            assert!((0..192).all(|slot| wider.has(slot) == one.contains(&slot)), "{one:?}");
            for slot in few {
                let (mut with, mut without) = (mine, mine);
                with.insert(slot);
                without.remove(slot);
                assert_eq!(with, words(&(one | &BTreeSet::from([slot]))));
                assert_eq!(without, words(&(one - &BTreeSet::from([slot]))));
            }
            for other in &subsets {
                let theirs = words(other);
                assert_eq!(mine.union(&theirs), words(&(one | other)));
                assert_eq!(mine.intersection(&theirs), words(&(one & other)));
                assert_eq!(mine.minus(&theirs), words(&(one - other)));
                assert_eq!(mine.is_disjoint(&theirs), one.is_disjoint(other));
                assert_eq!(mine.is_subset(&theirs), one.is_subset(other));
            }
        }
    }
}
