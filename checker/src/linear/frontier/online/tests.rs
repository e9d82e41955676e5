//! What is remembered and what is not, and how much can be open at once.

use super::*;
use crate::model::{ModelName, ModelOptions, Register, Scope, Transition};
use crate::value::Value;

/// A register that is watched, event by event.
struct Watched {
    model: Register,
    watch: Watch<Register>,
    scratch: Scratch,
}

impl Watched {
    fn new() -> Watched {
        let mut model = Register::new(ModelName::CasRegister, &ModelOptions::default());
        model.go_online(Scope::OneKey).expect("a register can be watched");
        Watched { model, watch: Watch::new(), scratch: Scratch::default() }
    }

    fn see(&mut self, seen: Seen<Transition>) -> Result<(), Halt> {
        let (care, budget) = (Care::default(), Budget::unlimited());
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
