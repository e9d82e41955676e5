//! The workloads against a simulated cluster, judged by the checker: what a correct store does is
//! valid and not vacuous, what a broken one does is found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use checker::{Budget, History, Kind, Op, Process, Validity, Value, Verdict};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use workloads::{Call, Context, Generator, Next, Outcome, Params, Reason, find, stream};

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// One read in a hundred shows the value before the last.
    StaleReads,
    /// One write in a hundred is acknowledged and forgotten.
    LostWrites,
}

/// What happens to a worker at a time.
#[derive(Debug)]
enum Event {
    Ask,
    Effect(Call),
    Complete(Call, Outcome),
}

/// Workers that act at once on one store, whose answers are lost now and then.
struct Cluster {
    flaw: Flaw,
    rng: ChaCha8Rng,
    now_ns: u64,
    events: BinaryHeap<Reverse<(u64, u64, usize)>>,
    pending: BTreeMap<u64, Event>,
    processes: Vec<u64>,
    /// The last two versions of every register, and of the set under no key.
    store: BTreeMap<Option<i64>, Vec<Value>>,
    history: Vec<Op>,
}

impl Cluster {
    fn new(flaw: Flaw, workers: usize) -> Cluster {
        Cluster {
            flaw,
            rng: stream(11, "cluster", 0),
            now_ns: 0,
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            processes: (0..workers as u64).collect(),
            store: BTreeMap::new(),
            history: Vec::new(),
        }
    }

    fn at(&mut self, at_ns: u64, worker: usize, event: Event) {
        let id = self.pending.last_key_value().map_or(0, |(id, _)| id + 1);
        self.pending.insert(id, event);
        self.events.push(Reverse((at_ns, id, worker)));
    }

    /// Lets every worker follow its generator to the end.
    fn run(&mut self, mut generators: Vec<Box<dyn Generator>>) {
        for worker in 0..generators.len() {
            self.at(self.now_ns, worker, Event::Ask);
        }
        while let Some(Reverse((now_ns, id, worker))) = self.events.pop() {
            self.now_ns = now_ns;
            let cx = Context { now_ns, worker, process: self.processes[worker] };
            match self.pending.remove(&id).expect("every event is there once") {
                Event::Ask => match generators[worker].next(&cx) {
                    Next::Done => {}
                    Next::Wait { until_ns } => self.at(until_ns, worker, Event::Ask),
                    Next::Call(call) => self.invoke(worker, call),
                },
                Event::Effect(call) => {
                    let outcome = self.perform(&call);
                    let delay_ns = self.delay_ns();
                    self.at(now_ns + delay_ns, worker, Event::Complete(call, outcome));
                }
                Event::Complete(call, outcome) => {
                    self.complete(worker, &call, &outcome);
                    generators[worker].observe(&cx, &call, &outcome);
                    self.at(now_ns, worker, Event::Ask);
                }
            }
        }
    }

    fn delay_ns(&mut self) -> u64 {
        self.rng.random_range(200_000..1_500_000)
    }

    fn invoke(&mut self, worker: usize, call: Call) {
        self.record(worker, Kind::Invoke, &call, call.recorded(), None);
        let at_ns = self.now_ns + self.delay_ns();
        let event = match self.rng.random_range(0..100) {
            0 => {
                let outcome = Outcome::Fail(Reason::new(Reason::REFUSED));
                Event::Complete(call, outcome)
            }
            // Lost on the way there.
            1 => {
                let outcome = Outcome::unanswered(&call, Reason::new(Reason::TIMEOUT));
                Event::Complete(call, outcome)
            }
            _ => Event::Effect(call),
        };
        self.at(at_ns, worker, event);
    }

    fn complete(&mut self, worker: usize, call: &Call, outcome: &Outcome) {
        let (kind, value, reason) = match outcome {
            Outcome::Ok(value) => (Kind::Ok, call.record(value.clone()), None),
            Outcome::Fail(reason) => (Kind::Fail, call.recorded(), Some(reason)),
            Outcome::Info(reason) => (Kind::Info, call.recorded(), Some(reason)),
        };
        self.record(worker, kind, call, value, reason);
        if kind == Kind::Info {
            self.processes[worker] += self.processes.len() as u64;
        }
    }

    fn record(
        &mut self,
        worker: usize,
        kind: Kind,
        call: &Call,
        value: Value,
        reason: Option<&Reason>,
    ) {
        self.history.push(Op {
            index: self.history.len() as u64,
            time_ns: self.now_ns as i64,
            process: Process::Client(self.processes[worker]),
            kind,
            f: Value::keyword(call.f),
            value,
            error: reason.map(Reason::to_value),
            extra: Vec::new(),
        });
    }

    /// The effect, in an instant between invocation and completion.
    fn perform(&mut self, call: &Call) -> Outcome {
        let dice = self.rng.random_range(0..100);
        let initial = if call.key.is_some() { Value::Nil } else { Value::Vector(Vec::new()) };
        let versions = self.store.entry(call.key).or_insert_with(|| vec![initial]);
        let latest = versions[versions.len() - 1].clone();
        if call.f == "read" {
            let stale = self.flaw == Flaw::StaleReads && dice == 0 && versions.len() > 1;
            return Outcome::Ok(if stale { versions[versions.len() - 2].clone() } else { latest });
        }
        let (new, answer) = match (call.f, &call.value, latest) {
            ("cas", Value::Vector(pair), latest) if pair[0] == latest => {
                (pair[1].clone(), &call.value)
            }
            ("cas", ..) => return Outcome::Fail(Reason::new(Reason::MISMATCH)),
            ("add", element, Value::Vector(mut set)) => {
                set.push(element.clone());
                (Value::Vector(set), element)
            }
            (_, value, _) => (value.clone(), value),
        };
        if !(self.flaw == Flaw::LostWrites && dice == 0) {
            versions.push(new);
            if versions.len() > 2 {
                versions.remove(0);
            }
        }
        // Lost on the way back.
        if dice == 99 {
            Outcome::Info(Reason::new(Reason::TIMEOUT))
        } else {
            Outcome::Ok(answer.clone())
        }
    }
}

fn judge(name: &str, params: &Params, flaw: Flaw) -> Verdict {
    let workload = find(name).expect("a workload of that name");
    let mut cluster = Cluster::new(flaw, params.workers);
    cluster.run((0..params.workers).map(|worker| (workload.load)(params, worker)).collect());
    let keys = cluster.store.keys().flatten().max().map_or(0, |key| key + 1);
    let last = |node| (workload.final_reads)(params, node, keys);
    cluster.run((0..params.nodes).filter_map(last).collect());
    let history = History::from_ops(cluster.history).expect("a well-formed history");
    checker::check(&history, &(workload.checker)(params), &Budget::unlimited())
}

#[test]
fn a_correct_store_is_valid_and_the_history_is_not_vacuous() {
    for name in ["register", "set"] {
        for values in [None, Some(5)] {
            let params = Params { values, time_limit_ns: 8_000_000_000, ..Params::default() };
            let verdict = judge(name, &params, Flaw::None);
            assert_eq!(verdict.validity, Validity::Valid, "{name}: {}", verdict.summary);
            assert!(verdict.stats.acknowledged_writes > 500, "{name}: {:?}", verdict.stats);
            assert!(verdict.stats.reads_of_written_values > 50, "{name}: {:?}", verdict.stats);
            assert!(verdict.stats.info > 10, "{name}: {:?}", verdict.stats);
        }
    }
}

#[test]
fn a_broken_store_is_found_out() {
    for name in ["register", "set"] {
        for flaw in [Flaw::StaleReads, Flaw::LostWrites] {
            let params = Params { time_limit_ns: 8_000_000_000, ..Params::default() };
            let verdict = judge(name, &params, flaw);
            assert_eq!(
                verdict.validity,
                Validity::Invalid,
                "{name}, {flaw:?}: {}",
                verdict.summary
            );
        }
    }
}
