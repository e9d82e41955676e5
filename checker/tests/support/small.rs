//! Small histories of any kind of object, and the definition of linearizability tried out on them
//! in every possible way.
//!
//! Shares no code with the checker but its values: an [`Object`] says what a call returns and what
//! it leaves behind, and both the simulation that makes histories and the judge that holds them
//! against the definition know nothing else. Memoised over (operations done, state).

use std::collections::HashSet;

use checker::Value;
use checker::model::{ModelName, ModelOptions};
use checker::op::{Kind, Op, Process};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The result of a call that returns nothing that anybody looks at.
pub(crate) const NOTHING: Value = Value::Char('-');

/// Instead of an amount that is always added: a different one each time.
const MIXED: i64 = 0x006d_6978;

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) process: u64,
    pub(crate) f: &'static str,
    pub(crate) key: Option<Value>,
    pub(crate) argument: Value,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ok,
    Fail,
    Info,
}

/// One operation, with the moments (all different) of its begin and end.
#[derive(Clone, Debug)]
pub(crate) struct SmallOp {
    pub(crate) ask: Ask,
    pub(crate) begin: u32,
    pub(crate) end: Option<(u32, End)>,
    pub(crate) result: Value,
}

/// The definition of a kind of object.
pub(crate) struct Object {
    pub(crate) model: ModelName,
    pub(crate) options: ModelOptions,
    pub(crate) initial: Value,
    /// Everything that a call may leave behind and return.
    pub(crate) outcomes: fn(&Value, &Ask) -> Vec<(Value, Value)>,
    /// A call that a client might make.
    pub(crate) ask: fn(&mut Context<'_>) -> (&'static str, Value),
    /// Changes a result a little, where that takes knowing what results are.
    pub(crate) twist: Option<fn(&mut Value, &mut ChaCha8Rng)>,
}

/// What a client that thinks of a call knows.
pub(crate) struct Context<'r> {
    pub(crate) rng: &'r mut ChaCha8Rng,
    pub(crate) process: u64,
    pub(crate) state: &'r Value,
    pub(crate) options: &'r ModelOptions,
    /// For whoever asks: the key of the call.
    pub(crate) key: Option<Value>,
    unique: bool,
    fresh: &'r mut i64,
}

impl Context<'_> {
    /// A value: a new one, or one of a few.
    pub(crate) fn value(&mut self) -> Value {
        if self.unique {
            *self.fresh += 1;
            return Value::Int(*self.fresh);
        }
        self.few()
    }

    /// One of a few values.
    pub(crate) fn few(&mut self) -> Value {
        Value::Int(self.rng.random_range(1..4))
    }

    /// How much to add: mostly the same all the time, or at least something, or anything.
    pub(crate) fn amount(&mut self) -> Value {
        if !self.unique {
            return Value::Int(self.rng.random_range(-1..3));
        }
        if *self.fresh == 0 {
            *self.fresh = [1, 1, 1, 2, 3, -1, -2, MIXED][self.rng.random_range(0..8)];
        }
        match *self.fresh {
            MIXED => Value::Int(self.rng.random_range(1..4)),
            same => Value::Int(same),
        }
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }
}

struct Step<'c> {
    op: &'c SmallOp,
    end: u32,
    must_happen: bool,
}

/// Whether the history is linearizable.
pub(crate) fn is_linearizable(object: &Object, ops: &[SmallOp]) -> bool {
    let steps: Vec<Step<'_>> = ops
        .iter()
        .filter_map(|op| match op.end {
            Some((_, End::Fail)) => None,
            Some((end, End::Ok)) => Some(Step { op, end, must_happen: true }),
            Some((_, End::Info)) | None => Some(Step { op, end: u32::MAX, must_happen: false }),
        })
        .collect();
    assert!(steps.len() <= 64, "small histories only");
    completes(object, &steps, 0, &object.initial, &mut HashSet::new())
}

fn completes(
    object: &Object,
    steps: &[Step<'_>],
    done: u64,
    state: &Value,
    dead_ends: &mut HashSet<(u64, Value)>,
) -> bool {
    let left = |at: &usize| done >> at & 1 == 0;
    if !(0..steps.len()).filter(left).any(|at| steps[at].must_happen) {
        return true;
    }
    if dead_ends.contains(&(done, state.clone())) {
        return false;
    }
    let deadline = (0..steps.len()).filter(left).map(|at| steps[at].end).min().unwrap_or(u32::MAX);
    for at in (0..steps.len()).filter(left).filter(|at| steps[*at].op.begin < deadline) {
        let one = &steps[at];
        for (after, result) in (object.outcomes)(state, &one.op.ask) {
            let fits = !one.must_happen || result == one.op.result || result == NOTHING;
            if fits && completes(object, steps, done | 1 << at, &after, dead_ends) {
                return true;
            }
        }
    }
    dead_ends.insert((done, state.clone()));
    false
}

/// What kind of histories to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) operations: usize,
    pub(crate) processes: u64,
    pub(crate) unique: bool,
    pub(crate) crash_rate: f64,
    /// How often something is bent.
    pub(crate) bend_rate: f64,
}

/// A random shape.
pub(crate) fn random_shape(rng: &mut ChaCha8Rng) -> Shape {
    Shape {
        operations: rng.random_range(2..=10),
        processes: rng.random_range(2..=5),
        unique: rng.random_bool(0.7),
        crash_rate: [0.0, 0.0, 0.1, 0.3, 0.5, 0.8][rng.random_range(0..6)],
        bend_rate: rng.random_range(0.3..1.2),
    }
}

/// The generator of one seed.
pub(crate) fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[derive(Clone, Copy)]
struct Client {
    process: u64,
    /// The open operation, and whether it has taken effect.
    open: Option<(usize, bool)>,
}

struct Simulation<'r> {
    object: &'r Object,
    shape: Shape,
    rng: &'r mut ChaCha8Rng,
    ops: Vec<SmallOp>,
    moment: u32,
    state: Value,
    fresh: i64,
    /// Crashed operations that may still take effect.
    ghosts: Vec<usize>,
}

/// One history of a correct object, or of one that is nearly correct.
pub(crate) fn random_history(object: &Object, shape: Shape, rng: &mut ChaCha8Rng) -> Vec<SmallOp> {
    let mut simulation = Simulation {
        object,
        shape,
        rng,
        ops: Vec::new(),
        moment: 0,
        state: object.initial.clone(),
        fresh: 0,
        ghosts: Vec::new(),
    };
    let mut clients: Vec<Client> =
        (0..shape.processes).map(|process| Client { process, open: None }).collect();
    while simulation.ops.len() < shape.operations || clients.iter().any(|one| one.open.is_some()) {
        let chosen = simulation.rng.random_range(0..clients.len());
        let may_begin = simulation.ops.len() < shape.operations;
        simulation.advance(&mut clients[chosen], may_begin);
    }
    let mut ops = simulation.ops;
    while rng.random_bool(shape.bend_rate * 0.8) {
        bend(object, &mut ops, rng);
    }
    ops
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
                client.open = Some((self.ops.len(), false));
                self.begin(client.process);
            }
            None => {}
            Some((at, done)) if self.rng.random_bool(self.shape.crash_rate * 0.6) => {
                self.ops[at].end = self.rng.random_bool(0.7).then_some((self.moment, End::Info));
                self.ops[at].result = Value::Nil;
                if !done {
                    self.ghosts.push(at);
                }
                *client = Client { process: client.process + self.shape.processes, open: None };
            }
            Some((at, false)) => {
                let fails = self.rng.random_bool(0.05);
                if !fails && self.take_effect(at) {
                    client.open = Some((at, true));
                } else if fails || self.rng.random_bool(0.2) {
                    self.ops[at].end = Some((self.moment, End::Fail));
                    client.open = None;
                }
            }
            Some((at, true)) => {
                self.ops[at].end = Some((self.moment, End::Ok));
                client.open = None;
            }
        }
    }

    fn begin(&mut self, process: u64) {
        let mut context = Context {
            rng: self.rng,
            process,
            state: &self.state,
            options: &self.object.options,
            unique: self.shape.unique,
            fresh: &mut self.fresh,
            key: None,
        };
        let (f, argument) = (self.object.ask)(&mut context);
        let ask = Ask { process, f, key: context.key, argument };
        self.ops.push(SmallOp { ask, begin: self.moment, end: None, result: Value::Nil });
    }

    /// Whether the object lets it.
    fn take_effect(&mut self, at: usize) -> bool {
        let mut outcomes = (self.object.outcomes)(&self.state, &self.ops[at].ask);
        if outcomes.is_empty() {
            return false;
        }
        let chosen = self.rng.random_range(0..outcomes.len());
        (self.state, self.ops[at].result) = outcomes.swap_remove(chosen);
        true
    }
}

/// Makes a history a little wrong.
pub(crate) fn bend(object: &Object, ops: &mut [SmallOp], rng: &mut ChaCha8Rng) {
    let (one, other) = (rng.random_range(0..ops.len()), rng.random_range(0..ops.len()));
    let ok = |op: &SmallOp| op.end.is_some_and(|(_, end)| end == End::Ok);
    // A result that belongs to what was asked for makes sense there only.
    let alike = ops[one].ask.f == ops[other].ask.f
        && (object.twist.is_none() || ops[one].ask.argument == ops[other].ask.argument);
    match rng.random_range(0..6) {
        0 | 1 if ok(&ops[one]) && ok(&ops[other]) && alike => {
            let results = (ops[one].result.clone(), ops[other].result.clone());
            (ops[other].result, ops[one].result) = results;
        }
        2 if ok(&ops[one]) && ok(&ops[other]) && alike => {
            ops[one].result = ops[other].result.clone();
        }
        0..=2 if ok(&ops[one]) && object.twist.is_some() => {
            if let Some(twist) = object.twist {
                twist(&mut ops[one].result, rng);
            }
        }
        3 if ok(&ops[one]) && rng.random_bool(0.3) => {
            let end = ops[one].end.map(|(moment, _)| (moment, End::Fail));
            ops[one].end = end;
        }
        _ => squeeze(ops, one, rng),
    }
}

/// Lets an operation begin later or end earlier.
fn squeeze(ops: &mut [SmallOp], which: usize, rng: &mut ChaCha8Rng) {
    let mut events: Vec<(u32, usize, bool)> = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        events.push((op.begin, at, true));
        events.extend(op.end.map(|(moment, _)| (moment, at, false)));
    }
    events.sort_unstable();
    let place = |begins| events.iter().position(|(_, at, b)| *at == which && *b == begins);
    let begin = place(true).expect("it begins");
    let end = place(false).unwrap_or(events.len());
    if end - begin < 2 {
        return;
    }
    let to = rng.random_range(begin + 1..end);
    if rng.random_bool(0.5) || end == events.len() {
        events[begin..=to].rotate_left(1);
    } else {
        events[to..=end].rotate_right(1);
    }
    for (moment, (_, at, begins)) in (0..).zip(events) {
        match &mut ops[at] {
            op if begins => op.begin = moment,
            op => op.end = op.end.map(|(_, end)| (moment, end)),
        }
    }
}

/// The events of a history in order, as the checker reads them.
pub(crate) fn events(ops: &[SmallOp]) -> Vec<Op> {
    let mut events: Vec<(u32, Op)> = Vec::new();
    for op in ops {
        events.push((op.begin, event(op, op.begin, Kind::Invoke)));
        if let Some((moment, end)) = op.end {
            let kind = match end {
                End::Ok => Kind::Ok,
                End::Fail => Kind::Fail,
                End::Info => Kind::Info,
            };
            events.push((moment, event(op, moment, kind)));
        }
    }
    events.sort_by_key(|(moment, _)| *moment);
    events.iter_mut().zip(0..).for_each(|((_, op), index)| op.index = index);
    events.into_iter().map(|(_, op)| op).collect()
}

fn event(op: &SmallOp, moment: u32, kind: Kind) -> Op {
    Op {
        index: 0,
        time_ns: i64::from(moment) * 1_000_000,
        process: Process::Client(op.ask.process),
        kind,
        f: Value::keyword(op.ask.f),
        value: match kind {
            Kind::Ok if op.result != NOTHING => op.result.clone(),
            _ => op.ask.argument.clone(),
        },
        error: None,
        extra: op.ask.key.iter().map(|key| (Value::keyword("key"), key.clone())).collect(),
    }
}
