//! Crashed operations as counts.
//!
//! Crashed operations with the same transition are interchangeable once invoked, so a
//! configuration keeps only how often it used each such *class*. Unless a class is *tracked*, its
//! count does not tell configurations apart, and it may even be used more often than it was
//! invoked: the configuration is then *overdrawn*, judged at that moment and never cleared, since
//! a later invocation cannot lend an earlier use. Dropping counts merges frontiers that would
//! otherwise be exponential in the crashed operations; what it admits too much is either harmless
//! (some final configuration is not overdrawn) or named by the overdraft, so that the next round
//! can track exactly these classes.
//!
//! Counts are interned: a configuration holds one number for all of them.

use rustc_hash::FxHashMap;

/// A class of crashed operations with the same transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClassId(pub(crate) u32);

impl ClassId {
    pub(crate) fn numbered(number: usize) -> ClassId {
        ClassId(u32::try_from(number).expect("fewer than 2^32 operations"))
    }
}

/// What a configuration has used of crashed operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UseId(pub(crate) u32);

/// Counts of the tracked classes only, as far as configurations are told apart by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TrackedId(pub(crate) u32);

type Counts = Box<[(ClassId, u32)]>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Uses {
    counts: Counts,
    overdrawn: Box<[ClassId]>,
}

#[derive(Clone, Copy, Debug)]
struct Summary {
    tracked: TrackedId,
    cost: Cost,
}

/// Cheaper is better: first of all not overdrawn, then few crashed operations used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cost {
    pub(crate) overdrawn: bool,
    pub(crate) uses: u32,
}

/// What is known of using a class once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It cannot be used.
    Refused,
    /// It leads to this.
    Becomes(UseId),
    /// It leads to a combination that was not met before.
    NotYet,
}

/// Whether classes that are not tracked may be overdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdrafts {
    Allowed,
    Refused,
}

/// All combinations of uses that one search has met.
pub(crate) struct Ledger {
    tracked_classes: Vec<ClassId>,
    overdrafts: Overdrafts,
    uses: Vec<Uses>,
    summaries: Vec<Summary>,
    ids: FxHashMap<Uses, UseId>,
    successors: FxHashMap<(UseId, ClassId, bool), UseId>,
    tracked: Vec<Counts>,
    tracked_ids: FxHashMap<Counts, TrackedId>,
    bytes: u64,
}

impl Ledger {
    /// Nothing used yet.
    pub(crate) const NOTHING: UseId = UseId(0);

    /// A ledger that tells configurations apart by these classes, sorted.
    pub(crate) fn tracking(tracked_classes: Vec<ClassId>) -> Ledger {
        let mut ledger = Ledger {
            tracked_classes,
            overdrafts: Overdrafts::Allowed,
            uses: Vec::new(),
            summaries: Vec::new(),
            ids: FxHashMap::default(),
            successors: FxHashMap::default(),
            tracked: Vec::new(),
            tracked_ids: FxHashMap::default(),
            bytes: 0,
        };
        ledger.intern(Uses { counts: Box::new([]), overdrawn: Box::new([]) });
        ledger
    }

    pub(crate) fn cost(&self, id: UseId) -> Cost {
        self.summaries[id.0 as usize].cost
    }

    pub(crate) fn tracked(&self, id: UseId) -> TrackedId {
        self.summaries[id.0 as usize].tracked
    }

    /// The classes used more often than they had been invoked.
    pub(crate) fn overdrawn(&self, id: UseId) -> &[ClassId] {
        &self.uses[id.0 as usize].overdrawn
    }

    /// Roughly what the ledger occupies.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// From here on no class is overdrawn, tracked or not.
    pub(crate) fn refuse_overdrafts(&mut self) {
        self.overdrafts = Overdrafts::Refused;
    }

    fn refuses_to_overdraw(&self, class: ClassId) -> bool {
        self.overdrafts == Overdrafts::Refused || self.tracked_classes.binary_search(&class).is_ok()
    }

    /// One more use of `class`, of which `invoked` have begun so far. `None` where all of them are
    /// used and the class is tracked, or overdrafts are refused.
    pub(crate) fn use_one(&mut self, from: UseId, class: ClassId, invoked: u32) -> Option<UseId> {
        let before = &self.uses[from.0 as usize].counts;
        let place = before.binary_search_by_key(&class, |(class, _)| *class);
        let used = 1 + place.map_or(0, |at| before[at].1);
        let overdraft = used > invoked;
        if overdraft && self.refuses_to_overdraw(class) {
            return None;
        }
        if let Some(id) = self.successors.get(&(from, class, overdraft)) {
            return Some(*id);
        }
        let mut uses = self.uses[from.0 as usize].clone();
        let mut counts = uses.counts.into_vec();
        match place {
            Ok(at) => counts[at].1 = used,
            Err(at) => counts.insert(at, (class, used)),
        }
        uses.counts = counts.into();
        if overdraft && let Err(at) = uses.overdrawn.binary_search(&class) {
            let mut overdrawn = uses.overdrawn.into_vec();
            overdrawn.insert(at, class);
            uses.overdrawn = overdrawn.into();
        }
        let id = self.intern(uses);
        self.successors.insert((from, class, overdraft), id);
        Some(id)
    }

    /// What [`use_one`](Ledger::use_one) would say, as far as that is known already.
    pub(crate) fn known_use(&self, from: UseId, class: ClassId, invoked: u32) -> Known {
        let before = &self.uses[from.0 as usize].counts;
        let place = before.binary_search_by_key(&class, |(class, _)| *class);
        let overdraft = 1 + place.map_or(0, |at| before[at].1) > invoked;
        if overdraft && self.refuses_to_overdraw(class) {
            return Known::Refused;
        }
        let known = self.successors.get(&(from, class, overdraft));
        known.map_or(Known::NotYet, |id| Known::Becomes(*id))
    }

    /// Whether `a` used none of the tracked classes more often than `b`.
    pub(crate) fn tracked_at_most(&self, a: TrackedId, b: TrackedId) -> bool {
        let theirs = &self.tracked[b.0 as usize];
        a == b
            || self.tracked[a.0 as usize].iter().all(|(class, mine)| {
                theirs
                    .binary_search_by_key(class, |(class, _)| *class)
                    .is_ok_and(|at| *mine <= theirs[at].1)
            })
    }

    /// How often tracked classes were used in all.
    pub(crate) fn tracked_uses(&self, id: TrackedId) -> u32 {
        self.tracked[id.0 as usize].iter().map(|(_, count)| count).sum()
    }

    /// Tells configurations apart by one more class, which none of them has used, and which comes
    /// after all others.
    pub(crate) fn track(&mut self, class: ClassId) {
        self.tracked_classes.push(class);
    }

    /// How many combinations there are.
    pub(crate) fn len(&self) -> usize {
        self.uses.len()
    }

    /// How often each class was used, for those that were.
    pub(crate) fn counts(&self, id: UseId) -> &[(ClassId, u32)] {
        &self.uses[id.0 as usize].counts
    }

    /// What another ledger knows under `id`, each class with the number that it has here, and how
    /// many of its uses no longer count; `None` if all that were allowed are spent. The classes
    /// keep their order.
    pub(crate) fn adopt(
        &mut self,
        other: &Ledger,
        id: UseId,
        renamed: impl Fn(ClassId) -> Option<(ClassId, u32)>,
    ) -> UseId {
        let Uses { counts, overdrawn } = &other.uses[id.0 as usize];
        let counts = counts.iter().filter_map(|(class, used)| {
            let (class, spent) = renamed(*class)?;
            (*used > spent).then(|| (class, used - spent))
        });
        let overdrawn =
            overdrawn.iter().filter_map(|class| renamed(*class).map(|(class, _)| class));
        self.intern(Uses { counts: counts.collect(), overdrawn: overdrawn.collect() })
    }

    fn intern(&mut self, uses: Uses) -> UseId {
        if let Some(id) = self.ids.get(&uses) {
            return *id;
        }
        let id = UseId(u32::try_from(self.uses.len()).expect("fewer than 2^32 combinations"));
        let cost = Cost {
            overdrawn: !uses.overdrawn.is_empty(),
            uses: uses.counts.iter().map(|(_, count)| count).sum(),
        };
        let counts: Counts = (uses.counts.iter().copied())
            .filter(|(class, _)| self.tracked_classes.binary_search(class).is_ok())
            .collect();
        let fresh = TrackedId(u32::try_from(self.tracked.len()).expect("not more than uses"));
        let tracked = *self.tracked_ids.entry(counts.clone()).or_insert(fresh);
        self.bytes += 160 + 20 * uses.counts.len() as u64 + 8 * uses.overdrawn.len() as u64;
        if tracked == fresh {
            self.tracked.push(counts);
        }
        self.summaries.push(Summary { tracked, cost });
        self.ids.insert(uses.clone(), id);
        self.uses.push(uses);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overdraft_is_judged_when_it_happens_and_never_cleared() {
        let mut ledger = Ledger::tracking(Vec::new());
        let once = ledger.use_one(Ledger::NOTHING, ClassId(3), 1).expect("untracked");
        let twice = ledger.use_one(once, ClassId(3), 1).expect("untracked");
        assert_eq!(ledger.cost(once), Cost { overdrawn: false, uses: 1 });
        assert_eq!(ledger.overdrawn(twice), [ClassId(3)]);
        let legal = ledger.use_one(once, ClassId(3), 2).expect("untracked");
        assert!(!ledger.cost(legal).overdrawn && ledger.cost(twice).overdrawn);
        assert_eq!(ledger.tracked(twice), ledger.tracked(Ledger::NOTHING));
    }

    #[test]
    fn a_tracked_class_cannot_be_overdrawn_and_tells_configurations_apart() {
        let mut ledger = Ledger::tracking(vec![ClassId(3)]);
        let once = ledger.use_one(Ledger::NOTHING, ClassId(3), 1).expect("one was invoked");
        assert_eq!(ledger.use_one(once, ClassId(3), 1), None);
        let (zero, one) = (ledger.tracked(Ledger::NOTHING), ledger.tracked(once));
        assert!(ledger.tracked_at_most(zero, one) && !ledger.tracked_at_most(one, zero));
        assert_eq!(ledger.tracked_uses(one), 1);
    }

    /// Uses a class so often, of which so many have begun.
    fn used(ledger: &mut Ledger, from: UseId, class: u32, times: u32, invoked: u32) -> UseId {
        (0..times).fold(from, |uses, _| {
            ledger.use_one(uses, ClassId(class), invoked).expect("it may be overdrawn")
        })
    }

    #[test]
    fn one_counts_as_no_more_than_another_class_by_class() {
        let mut ledger = Ledger::tracking(vec![ClassId(1), ClassId(2)]);
        let mut tracked = |ones, twos, others| {
            let uses = used(&mut ledger, Ledger::NOTHING, 1, ones, 9);
            let uses = used(&mut ledger, uses, 2, twos, 9);
            let uses = used(&mut ledger, uses, 3, others, 9);
            (ones, twos, ledger.tracked(uses), ledger.cost(uses).uses == ones + twos + others)
        };
        let all: Vec<_> = (0..27).map(|n| tracked(n / 9, n / 3 % 3, n % 3)).collect();
        for (ones, twos, mine, right_cost) in &all {
            assert!(right_cost, "{ones} and {twos}");
            assert_eq!(ledger.tracked_uses(*mine), ones + twos);
            for (more_ones, more_twos, theirs, _) in &all {
                let at_most = ones <= more_ones && twos <= more_twos;
                assert_eq!(ledger.tracked_at_most(*mine, *theirs), at_most);
            }
        }
    }

    #[test]
    fn what_is_known_of_a_use_is_what_using_it_gave() {
        let mut ledger = Ledger::tracking(vec![ClassId(1)]);
        let (mut from, mut met) = (Ledger::NOTHING, 1);
        assert_eq!(ledger.len(), met);
        for (class, invoked) in [(1, 1), (1, 1), (2, 1), (2, 1), (2, 4), (1, 2), (0, 1)] {
            let class = ClassId(class);
            let known = ledger.known_use(from, class, invoked);
            let used = ledger.use_one(from, class, invoked);
            match used {
                None => assert_eq!(known, Known::Refused),
                Some(id) => {
                    assert_eq!(known, Known::NotYet);
                    assert_eq!(ledger.known_use(from, class, invoked), Known::Becomes(id));
                    assert_eq!(ledger.use_one(from, class, invoked), Some(id));
                    (from, met) = (id, met + 1);
                }
            }
            assert_eq!(ledger.len(), met);
        }
        let counts = [(ClassId(0), 1), (ClassId(1), 2), (ClassId(2), 3)];
        assert_eq!(ledger.counts(from), counts);
        assert_eq!(ledger.overdrawn(from), [ClassId(2)]);
    }

    #[test]
    fn a_class_is_told_apart_from_when_it_is_tracked() {
        let mut ledger = Ledger::tracking(vec![ClassId(1)]);
        ledger.track(ClassId(4));
        let once = used(&mut ledger, Ledger::NOTHING, 4, 1, 1);
        assert_ne!(ledger.tracked(once), ledger.tracked(Ledger::NOTHING));
        assert_eq!(ledger.use_one(once, ClassId(4), 1), None);
        assert_eq!(ledger.known_use(once, ClassId(4), 1), Known::Refused);
    }

    /// What is spent is no longer counted, what is left keeps its overdraft, and what has no name
    /// any more is gone.
    #[test]
    fn what_another_ledger_knows_is_taken_over_under_new_names() {
        let mut other = Ledger::tracking(Vec::new());
        let uses = used(&mut other, Ledger::NOTHING, 1, 2, 2);
        let uses = used(&mut other, uses, 2, 3, 1);
        let uses = used(&mut other, uses, 3, 4, 4);
        let mut ledger = Ledger::tracking(vec![ClassId(7)]);
        let renamed = |class: ClassId| match class {
            ClassId(1) => Some((ClassId(5), 2)),
            ClassId(2) => Some((ClassId(7), 1)),
            _ => None,
        };
        let adopted = ledger.adopt(&other, uses, renamed);
        assert_eq!(ledger.counts(adopted), [(ClassId(7), 2)]);
        assert_eq!(ledger.overdrawn(adopted), [ClassId(7)]);
        assert_eq!(ledger.cost(adopted), Cost { overdrawn: true, uses: 2 });
        assert_eq!(ledger.tracked_uses(ledger.tracked(adopted)), 2);
        assert_eq!(ledger.adopt(&other, Ledger::NOTHING, renamed), Ledger::NOTHING);
    }
}
