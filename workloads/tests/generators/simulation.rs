//! A worker and its system, simulated: time passes only as operations take it.

use std::collections::BTreeMap;

use checker::Value;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use workloads::{Call, Context, Generator, Next, Outcome, Reason, stream};

/// One call that was made, when, by whom, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) at_ns: u64,
    pub(crate) worker: usize,
    pub(crate) call: Call,
    pub(crate) outcome: Outcome,
}

impl Made {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Ok(_))
    }
}

/// One worker, alone with a store of registers, and some noise.
pub(crate) struct Simulation {
    worker: usize,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) registers: BTreeMap<Option<i64>, Value>,
}

impl Simulation {
    pub(crate) fn new(worker: usize, noise: u64) -> Simulation {
        Simulation { worker, rng: stream(noise, "noise", worker), registers: BTreeMap::new() }
    }

    /// Runs `generator` to its end; `perform` says what a call comes to, and how long it takes.
    pub(crate) fn run(
        mut self,
        mut generator: Box<dyn Generator>,
        mut perform: impl FnMut(&mut Simulation, &Call) -> (Outcome, u64),
    ) -> Vec<Made> {
        let mut made = Vec::new();
        let mut now_ns = 0;
        loop {
            let cx = Context { now_ns, worker: self.worker, process: self.worker as u64 };
            match generator.next(&cx) {
                Next::Done => return made,
                Next::Wait { until_ns } => {
                    assert!(until_ns > now_ns, "a wait must lead on");
                    now_ns = until_ns;
                }
                Next::Call(call) => {
                    let (outcome, took_ns) = perform(&mut self, &call);
                    now_ns += took_ns;
                    generator.observe(&Context { now_ns, ..cx }, &call, &outcome);
                    made.push(Made { at_ns: cx.now_ns, worker: self.worker, call, outcome });
                }
            }
        }
    }
}

/// A healthy register of one's own: answers within two milliseconds.
pub(crate) fn healthy(simulation: &mut Simulation, call: &Call) -> (Outcome, u64) {
    let register = simulation.registers.entry(call.key).or_insert(Value::Nil);
    let outcome = match (call.f, &call.value) {
        ("read", _) => Outcome::Ok(register.clone()),
        ("cas", Value::Vector(pair)) if pair[0] == *register => {
            *register = pair[1].clone();
            Outcome::Ok(call.value.clone())
        }
        ("cas", _) => Outcome::Fail(Reason::new(Reason::MISMATCH)),
        (_, value) => {
            *register = value.clone();
            Outcome::Ok(value.clone())
        }
    };
    (outcome, simulation.rng.random_range(500_000..2_000_000))
}

/// A dead node.
pub(crate) fn refused(_simulation: &mut Simulation, _call: &Call) -> (Outcome, u64) {
    (Outcome::Fail(Reason::new(Reason::REFUSED)), 40_000)
}

/// Anything at all, at any speed.
pub(crate) fn noisy(simulation: &mut Simulation, call: &Call) -> (Outcome, u64) {
    match simulation.rng.random_range(0..10) {
        0 => (Outcome::Fail(Reason::new(Reason::REFUSED)), 40_000),
        1 if call.mutates() => (Outcome::Info(Reason::new(Reason::TIMEOUT)), 1_000_000_000),
        2 => (Outcome::Fail(Reason::new(Reason::MISMATCH)), 1_000),
        3 => (Outcome::Ok(Value::Nil), 90_000_000),
        _ => healthy(simulation, call),
    }
}

/// A call on one line.
pub(crate) fn text(call: &Call) -> String {
    fn plain(value: &Value) -> String {
        match value {
            Value::Int(value) => value.to_string(),
            Value::Vector(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                format!("[{}]", items.join(" "))
            }
            _ => "nil".to_owned(),
        }
    }
    format!("{} {}", call.f, plain(&call.recorded()))
}
