//! Random configurations, held against what it means that one can do as much as another.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::budget::Budget;
use crate::generate::seeded;
use crate::linear::crashed::ClassId;
use crate::linear::meter::Limits;
use crate::linear::path::Paths;

const WRITES: [usize; 3] = [0, 1, 2];
const CONDITIONALS: [usize; 2] = [3, 4];
const OBSERVERS: [usize; 2] = [5, 6];
const TRACKED: ClassId = ClassId(0);
const NOT_TRACKED: ClassId = ClassId(1);

fn set_of(slots: impl IntoIterator<Item = usize>) -> Words<1> {
    let mut set = Words::EMPTY;
    slots.into_iter().for_each(|slot| set.insert(slot));
    set
}

fn masks() -> Masks<1> {
    Masks {
        writes: set_of(WRITES),
        conditionals: set_of(CONDITIONALS),
        watching: set_of(OBSERVERS),
    }
}

/// A configuration as it can come about: what has been used need not be made visible any more.
fn random_config(ledger: &mut Ledger, rng: &mut ChaCha8Rng) -> Config<1> {
    let used = set_of((0..7).filter(|_| rng.random_bool(0.4)));
    let required = WRITES.into_iter().filter(|slot| !used.has(*slot) && rng.random_bool(0.4));
    let required = set_of(required);
    let mut crashed = Ledger::NOTHING;
    for class in [TRACKED, NOT_TRACKED] {
        for _ in 0..rng.random_range(0..3) {
            crashed = ledger.use_one(crashed, class, 1).unwrap_or(crashed);
        }
    }
    Config { state: StateId(rng.random_range(0..2)), crashed, used, required, path: Paths::START }
}

/// Whether whatever can follow `theirs` can follow `mine`, at no higher cost, slot by slot: of a
/// write that need not be seen any more nothing is asked.
fn can_do_as_much(mine: &Config<1>, theirs: &Config<1>, ledger: &Ledger) -> bool {
    let uses = |one: &Config<1>, class: ClassId| {
        let counts = ledger.counts(one.crashed).iter();
        counts.filter(|(other, _)| *other == class).map(|(_, count)| *count).sum::<u32>()
    };
    let status = |one: &Config<1>, slot: usize| (one.used.has(slot), one.required.has(slot));
    let is_absorbable = |one: &Config<1>, slot: usize| status(one, slot) == (false, false);
    let alike = |slot: usize| status(mine, slot) == status(theirs, slot);
    mine.state == theirs.state
        && CONDITIONALS.into_iter().all(alike)
        && WRITES.into_iter().all(|slot| is_absorbable(mine, slot) || alike(slot))
        && OBSERVERS.into_iter().all(|slot| mine.used.has(slot) || !theirs.used.has(slot))
        && uses(mine, TRACKED) <= uses(theirs, TRACKED)
        && ledger.cost(mine.crashed) <= ledger.cost(theirs.crashed)
}

#[test]
fn whatever_is_dropped_is_outdone_by_what_is_kept_and_nothing_kept_is() {
    let mut rng = seeded(20_261_130);
    let masks = masks();
    let (mut antichain, mut kept) = (Antichain::new(), Vec::new());
    let (mut crowded, mut dropped) = (0, 0);
    for _ in 0..20_000 {
        let mut ledger = Ledger::tracking(vec![TRACKED]);
        let configs: Vec<Config<1>> =
            (0..rng.random_range(1..40)).map(|_| random_config(&mut ledger, &mut rng)).collect();
        antichain.clear();
        for (number, config) in configs.iter().enumerate() {
            let is_new = antichain.insert(*config, Last::Other, &masks, &ledger).is_some();
            let before = &configs[..number];
            assert!(is_new || before.iter().any(|one| can_do_as_much(one, config, &ledger)));
        }
        crowded += u32::from(antichain.is_crowded);
        let unlimited = Budget::unlimited();
        let mut meter = Meter::new(Limits::of(&unlimited));
        antichain.finish(&mut kept, &masks, &ledger, &mut meter).expect("no limit");
        let outdone = |one: &Config<1>, by: &[Config<1>]| {
            by.iter().any(|better| can_do_as_much(better, one, &ledger))
        };
        assert!(configs.iter().all(|one| outdone(one, &kept)), "{configs:?} became {kept:?}");
        for (place, one) in kept.iter().enumerate() {
            let (before, after) = (&kept[..place], &kept[place + 1..]);
            assert!(!outdone(one, before) && !outdone(one, after), "{kept:?} keeps {one:?}");
        }
        dropped += configs.len() - kept.len();
    }
    assert!((4_000..16_000).contains(&crowded) && dropped > 20_000, "{crowded}, {dropped}");
}
