//! What is remembered and what is not, and how much can be open at once.

use super::*;
use crate::model::{ModelName, ModelOptions, Register, Scope, Transition};
use crate::value::Value;

/// A register that is watched, event by event.
struct Watched {
    model: Register,
    watch: Watch<Register>,
    scratch: Scratch,
    care: Care,
}

impl Watched {
    fn new() -> Watched {
        Watched::with(Care::default())
    }

    fn with(care: Care) -> Watched {
        let mut model = Register::new(ModelName::CasRegister, &ModelOptions::default());
        model.go_online(Scope::OneKey).expect("a register can be watched");
        Watched { model, watch: Watch::new(), scratch: Scratch::default(), care }
    }

    fn see(&mut self, seen: Seen<Transition>) -> Result<(), Halt> {
        let (care, budget) = (self.care, Budget::unlimited());
        let seen = [seen].into_iter();
        self.watch.see(&mut self.model, &care, &budget, &mut self.scratch, seen)
    }

    fn begins(&mut self, op: u32, deed: fn(crate::model::ValueId) -> Transition, value: i64) {
        let transition = deed(self.model.intern(&Value::Int(value)));
        self.see(Seen::Begins { op, transition, deadline: op }).expect("beginning is harmless");
    }

    fn crashes(&mut self, value: i64) {
        let transition = Transition::Write(self.model.intern(&Value::Int(value)));
        self.see(Seen::Crashes { transition }).expect("beginning is harmless");
    }

    fn ends(&mut self, op: u32) -> Result<(), Halt> {
        self.see(Seen::Ends { op })
    }

    fn does(&mut self, op: u32, deed: fn(crate::model::ValueId) -> Transition, value: i64) -> bool {
        self.begins(op, deed, value);
        self.ends(op).is_ok()
    }
}

#[test]
fn what_is_named_no_longer_is_forgotten_while_something_is_always_open() {
    let mut watched = Watched::new();
    for op in 0..20_000 {
        watched.begins(op, Transition::Write, i64::from(op));
        if op > 0 {
            watched.ends(op - 1).expect("a write is always legal");
        }
        assert!(watched.watch.terms() < 600, "{} after {op}", watched.watch.terms());
    }
    assert!(!watched.does(20_000, Transition::Read, 7), "long overwritten");
}

#[test]
fn six_hundred_operations_can_be_open_at_once() {
    let mut watched = Watched::new();
    (0..600).for_each(|op| watched.begins(op, Transition::Write, 1));
    assert!(watched.does(600, Transition::Read, 1));
    (0..600).for_each(|op| watched.ends(op).expect("a write is always legal"));
    assert!(watched.does(601, Transition::Read, 1));
    assert!(!watched.does(602, Transition::Read, 2));
}

#[test]
fn crashed_writes_that_nobody_has_read_cost_nothing_and_can_be_read_later() {
    let mut watched = Watched::new();
    for op in 0..2_000 {
        watched.crashes(i64::from(op));
        assert!(watched.does(2 * op, Transition::Write, -1));
        assert!(watched.does(2 * op + 1, Transition::Read, -1));
    }
    assert!(watched.watch.effort().0 < 10_000, "{:?}", watched.watch.effort());
    assert!(watched.does(4_000, Transition::Read, 77));
    assert!(watched.does(4_001, Transition::Read, 1_234));
    assert!(!watched.does(4_002, Transition::Read, 77), "it was written once");
}

/// One crashed write of 1 that is read twice, with another write in between; whether the second
/// read could end. A second write of 1 would be needed, and it never began.
fn reads_a_crashed_write_twice(watched: &mut Watched) -> bool {
    watched.crashes(1);
    assert!(watched.does(0, Transition::Read, 1));
    assert!(watched.does(1, Transition::Write, 2));
    watched.does(2, Transition::Read, 1)
}

/// What began once and would have been needed twice is a violation while it is counted, and no
/// verdict afterwards: the one must not be missed, and the other not be told as if all were well.
#[test]
fn a_crashed_write_that_is_needed_twice_is_a_violation_or_no_verdict_and_never_right() {
    let counted = Care { exact_configurations: 1, ..Care::default() };
    assert!(!reads_a_crashed_write_twice(&mut Watched::with(counted)), "one at once is not many");
    let mut watched = Watched::with(Care { exact_configurations: 0, ..Care::default() });
    assert!(reads_a_crashed_write_twice(&mut watched), "it is not counted any more");
    assert!(watched.watch.is_overdrawn());
    assert!(watched.does(3, Transition::Read, 1));
    assert!(watched.watch.is_overdrawn(), "what follows does not excuse it");
}

#[test]
fn a_crashed_write_that_is_needed_as_often_as_it_began_is_right_counted_or_not() {
    for exact_configurations in [0, 1] {
        let mut watched = Watched::with(Care { exact_configurations, ..Care::default() });
        watched.crashes(1);
        watched.crashes(1);
        assert!(!watched.watch.is_overdrawn());
        for (op, value) in [(0, 1), (2, 1)] {
            assert!(watched.does(op, Transition::Read, value));
            assert!(watched.does(op + 1, Transition::Write, 2));
        }
        assert!(!watched.watch.is_overdrawn());
    }
}

/// Begins every change from one of five values to another at once, and one to 7: more ways to go
/// than are gone between two looks at what it cost.
fn begins_many_changes(watched: &mut Watched) {
    assert!(watched.does(200, Transition::Write, 0));
    let changes = (0..5).flat_map(|old| (0..5).map(move |new| (old, new)));
    for (op, (old, new)) in (0..).zip(changes.filter(|(old, new)| old != new).chain([(3, 7)])) {
        let [old, new] = [old, new].map(|value| watched.model.intern(&Value::Int(value)));
        let transition = Transition::Cas(old, new);
        watched.see(Seen::Begins { op, transition, deadline: op }).expect("beginning is harmless");
    }
}

#[test]
fn a_moment_that_is_too_dear_to_count_crashed_writes_is_gone_through_without() {
    let care = Care { exact_expansions: 0, ..Care::default() };
    let mut watched = Watched::with(care);
    begins_many_changes(&mut watched);
    watched.crashes(0);
    assert!(watched.does(100, Transition::Read, 7));
    assert!(!watched.watch.is_overdrawn());
    assert!(watched.does(101, Transition::Write, 9));
    assert!(watched.does(102, Transition::Read, 0) && watched.does(103, Transition::Write, 9));
    assert!(watched.does(104, Transition::Read, 0), "it is not counted any more");
    assert!(watched.watch.is_overdrawn());
}

#[test]
fn a_moment_that_is_too_dear_altogether_is_given_up() {
    for crashes in [false, true] {
        let care = Care { exact_expansions: 0, expansions: 0, ..Care::default() };
        let mut watched = Watched::with(care);
        begins_many_changes(&mut watched);
        if crashes {
            watched.crashes(0);
        }
        watched.begins(100, Transition::Read, 7);
        let told = watched.ends(100);
        assert!(matches!(&told, Err(Halt::Spent(Reason::Missing(_)))), "{told:?}");
    }
}

#[test]
fn crashed_writes_that_were_read_and_overwritten_are_forgotten() {
    let mut watched = Watched::new();
    for op in 0..2_000 {
        watched.crashes(i64::from(op));
        assert!(watched.does(3 * op, Transition::Read, i64::from(op)));
        assert!(watched.does(3 * op + 1, Transition::Write, -1));
        assert!(watched.does(3 * op + 2, Transition::Read, -1));
        assert!(watched.watch.terms() < 600, "{} after {op}", watched.watch.terms());
    }
    assert!(!watched.does(6_000, Transition::Read, 7), "it was written once");
}

/// Whatever was laid aside stays there while all the rest is forgotten again and again, and is found
/// once and no more.
#[test]
fn crashed_writes_that_slept_through_renewals_can_be_read_in_any_order() {
    for first in 0..4 {
        let mut watched = Watched::with(Care { terms: 0, ..Care::default() });
        for value in 0..4 {
            watched.crashes(value);
            assert!(watched.does(0, Transition::Write, 9) && watched.does(1, Transition::Read, 9));
        }
        for value in (first..4).chain(0..first) {
            assert!(watched.does(2, Transition::Read, value), "{value} after {first}");
            watched.crashes(9);
            assert!(watched.does(3, Transition::Write, 8) && watched.does(4, Transition::Read, 9));
        }
        assert!(!watched.does(5, Transition::Read, first), "it was written once");
    }
}

/// A failed compare-and-set shows that another value was there, whichever: it cannot say which write
/// it waits for, so nothing that crashes while it is open may be laid aside.
#[test]
fn a_crashed_write_can_be_what_a_failed_comparison_saw() {
    let mut watched = Watched::new();
    assert!(watched.does(0, Transition::Write, 0));
    watched.begins(1, Transition::Differs, 0);
    watched.crashes(1);
    assert!(watched.ends(1).is_ok());
    assert!(watched.does(2, Transition::Read, 1));
}

#[test]
fn states_transitions_and_combinations_that_are_known_are_counted() {
    let mut watched = Watched::new();
    let mut known = Vec::new();
    for op in 0..6 {
        assert!(watched.does(op, Transition::Write, i64::from(op / 2)));
        known.push(watched.watch.terms());
    }
    // The initial state, no crashed operation, and with each new value a state and a write.
    assert_eq!(known, [4, 4, 6, 6, 8, 8]);
}
