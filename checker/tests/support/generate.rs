//! Small random histories: clients of a register that is correct, or nearly.
//!
//! Operations take effect at a random moment while they are open, crashed ones possibly much
//! later; then, in most cases, a result is bent, so that about half of the histories are not
//! linearizable, most of them only just.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::exhaustive::{Ask, Case, Cause, End, Nil, SmallOp};

/// What kind of histories to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) cas: bool,
    pub(crate) operations: (usize, usize),
    pub(crate) processes: u64,
    pub(crate) values: i64,
    /// Whether every write leads to a value of its own, instead of one of so many.
    pub(crate) unique: bool,
    pub(crate) crash_rate: f64,
    /// How often a result is bent.
    pub(crate) bend_rate: f64,
    /// Share of reads; the rest is split between writes and compare-and-sets.
    pub(crate) read_rate: f64,
    pub(crate) nil: Nil,
    pub(crate) observe_failed_cas: bool,
    pub(crate) init: Option<i64>,
}

/// A random shape; everything that readings and workloads can vary is varied.
pub(crate) fn random_shape(rng: &mut ChaCha8Rng) -> Shape {
    let crash_rate = [0.0, 0.1, 0.3, 0.5, 0.8][rng.random_range(0..5)];
    Shape {
        cas: rng.random_bool(0.7),
        operations: (2, rng.random_range(5..=12)),
        processes: rng.random_range(2..=5),
        values: rng.random_range(1..=4),
        unique: rng.random_bool(0.3),
        crash_rate,
        bend_rate: rng.random_range(0.3..1.2),
        read_rate: rng.random_range(0.1..0.7),
        nil: [Nil::Auto, Nil::Value, Nil::Unknown][rng.random_range(0..3)],
        observe_failed_cas: rng.random_bool(0.4),
        init: rng.random_bool(0.4).then(|| rng.random_range(0..2)),
    }
}

/// The generator of one seed.
pub(crate) fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

struct Client {
    process: u64,
    /// Index of the open operation, and whether it has taken effect.
    open: Option<(usize, bool)>,
}

struct Simulation<'r> {
    shape: Shape,
    rng: &'r mut ChaCha8Rng,
    ops: Vec<SmallOp>,
    moment: u32,
    value: Option<i64>,
    /// Crashed operations that may still take effect.
    ghosts: Vec<usize>,
}

/// One history.
pub(crate) fn random_case(shape: Shape, rng: &mut ChaCha8Rng) -> Case {
    let wanted = rng.random_range(shape.operations.0..=shape.operations.1);
    let mut simulation = Simulation {
        shape,
        rng,
        ops: Vec::new(),
        moment: 0,
        value: shape.init,
        ghosts: Vec::new(),
    };
    let mut clients: Vec<Client> =
        (0..shape.processes).map(|process| Client { process, open: None }).collect();
    while simulation.ops.len() < wanted || clients.iter().any(|client| client.open.is_some()) {
        let chosen = simulation.rng.random_range(0..clients.len());
        let may_begin = simulation.ops.len() < wanted;
        simulation.advance(&mut clients[chosen], may_begin);
    }
    let mut ops = simulation.ops;
    bend(&mut ops, shape, rng);
    Case { ops, init: shape.init, nil: shape.nil, observe_failed_cas: shape.observe_failed_cas }
}

impl Simulation<'_> {
    fn advance(&mut self, client: &mut Client, may_begin: bool) {
        self.moment += 1;
        if !self.ghosts.is_empty() && self.rng.random_bool(0.3) {
            let ghost = self.rng.random_range(0..self.ghosts.len());
            let at = self.ghosts.swap_remove(ghost);
            self.take_effect(at);
        }
        match client.open {
            None if may_begin => {
                let op = self.new_op(client.process);
                client.open = Some((self.ops.len(), false));
                self.ops.push(op);
            }
            None => {}
            Some((at, done)) if self.rng.random_bool(self.shape.crash_rate * 0.6) => {
                self.crash(at, done);
                client.process += self.shape.processes;
                client.open = None;
            }
            Some((at, false)) => {
                if self.rng.random_bool(0.05) {
                    self.ops[at].end = Some((self.moment, End::Fail));
                    self.ops[at].cause = Cause::Refused;
                    client.open = None;
                } else {
                    self.take_effect(at);
                    client.open = Some((at, true));
                }
            }
            Some((at, true)) => {
                let failed = self.ops[at].cause == Cause::Mismatch;
                let end = if failed { End::Fail } else { End::Ok };
                if failed && self.rng.random_bool(0.5) {
                    self.ops[at].cause = Cause::None;
                }
                self.ops[at].end = Some((self.moment, end));
                client.open = None;
            }
        }
    }

    fn new_op(&mut self, process: u64) -> SmallOp {
        let value = self.new_value();
        let ask = match () {
            () if self.rng.random_bool(self.shape.read_rate) => Ask::Read,
            () if self.shape.cas && self.rng.random_bool(0.6) => Ask::Cas(self.old_value(), value),
            () => Ask::Write(value),
        };
        SmallOp { process, ask, begin: self.moment, end: None, read: None, cause: Cause::None }
    }

    /// A value to write. A new one is told apart by the number of the operation.
    fn new_value(&mut self) -> i64 {
        match self.shape.unique {
            true => 10 + i64::try_from(self.ops.len()).expect("a small history"),
            false => self.rng.random_range(0..self.shape.values),
        }
    }

    /// A value to expect: of unique ones mostly the present one, since others are gone for good.
    fn old_value(&mut self) -> i64 {
        match self.value {
            Some(value) if self.shape.unique && self.rng.random_bool(0.7) => value,
            _ => any_value(&self.ops, self.shape, self.rng),
        }
    }

    fn crash(&mut self, at: usize, done: bool) {
        if self.rng.random_bool(0.7) {
            self.ops[at].end = Some((self.moment, End::Info));
        }
        self.ops[at].cause = Cause::None;
        if !done {
            self.ghosts.push(at);
        }
    }

    fn take_effect(&mut self, at: usize) {
        match self.ops[at].ask {
            Ask::Read => self.ops[at].read = self.value,
            Ask::Write(value) => self.value = Some(value),
            Ask::Cas(old, new) if self.value == Some(old) => self.value = Some(new),
            Ask::Cas(..) => self.ops[at].cause = Cause::Mismatch,
        }
    }
}

/// A value that may have been written.
fn any_value(ops: &[SmallOp], shape: Shape, rng: &mut ChaCha8Rng) -> i64 {
    let any = rng.random_range(0..shape.values.max(1));
    let written = |op: &SmallOp| match op.ask {
        Ask::Write(value) | Ask::Cas(_, value) => Some(value),
        Ask::Read => None,
    };
    let written: Vec<i64> = ops.iter().filter_map(written).collect();
    match shape.unique && !written.is_empty() && rng.random_bool(0.9) {
        true => written[rng.random_range(0..written.len())],
        false => any,
    }
}

fn bend(ops: &mut [SmallOp], shape: Shape, rng: &mut ChaCha8Rng) {
    while rng.random_bool(shape.bend_rate * 0.8) {
        let at = rng.random_range(0..ops.len());
        let value = any_value(ops, shape, rng);
        let op = &mut ops[at];
        match (op.ask, op.end) {
            (Ask::Read, Some((_, End::Ok))) => op.read = Some(value),
            (Ask::Cas(..), Some((moment, End::Fail))) => {
                op.end = Some((moment, End::Ok));
                op.cause = Cause::None;
            }
            (Ask::Cas(_, new), Some((_, End::Ok))) => op.ask = Ask::Cas(value, new),
            (Ask::Write(_), Some((moment, End::Ok))) if rng.random_bool(0.3) => {
                op.end = Some((moment, End::Fail));
                op.cause = Cause::Refused;
            }
            _ => {}
        }
    }
}
