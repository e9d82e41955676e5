//! One worker: a task that plays one process after another against one node.
//!
//! A process is logically single-threaded. After an `info` nobody knows whether its operation is
//! still running somewhere, so it can never be heard of again: the worker goes on as process
//! `old + workers`, with a client and connections of its own.

use std::sync::Arc;
use std::time::Duration;

use checker::{Kind, Process, Value};
use tokio::time::{Instant, sleep_until};
use workloads::{Call, Client, Connect, Context, Generator, Next, Outcome};

use super::recorder::{Event, Recorder};
use super::stop::Stop;

/// How many operations a worker does before it lets others run, should its client never wait.
const OPERATIONS_A_TURN: u32 = 32;

/// What a worker is, and whom it talks to.
pub struct Worker {
    /// Its number, from 0.
    pub number: usize,
    /// The process it starts as; congruent to the number modulo `workers`.
    pub process: u64,
    /// How many workers there are.
    pub workers: usize,
    /// The node that its processes talk to, from 0.
    pub node: usize,
    /// How clients are made.
    pub connect: Arc<dyn Connect>,
    /// Where events go.
    pub recorder: Recorder,
    /// When its generator's time begins, on the recorder's clock.
    pub epoch_ns: u64,
    /// What it does.
    pub generator: Box<dyn Generator>,
}

/// A worker that has played.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The node that it talked to.
    pub node: usize,
    /// The process that would come next.
    pub next_process: u64,
    /// The greatest key that it touched, plus one.
    pub keys: i64,
    /// How many of its calls that change something were acknowledged.
    pub writes: u64,
    /// How many of its reads were answered.
    pub reads: u64,
    /// Whether it played to its end, and each of its calls succeeded, at the latest when repeated.
    pub served: bool,
}

/// Which of a worker's calls were given up.
#[derive(Default)]
struct Served {
    pending: Option<Call>,
    given_up: bool,
}

impl Served {
    /// A call that differs from the one that failed before means that the latter was given up.
    fn note(&mut self, call: &Call, outcome: &Outcome) {
        if self.pending.as_ref().is_some_and(|pending| pending != call) {
            self.given_up = true;
        }
        self.pending = match outcome {
            Outcome::Ok(_) => None,
            Outcome::Fail(_) | Outcome::Info(_) => Some(call.clone()),
        };
    }

    fn all(&self) -> bool {
        self.pending.is_none() && !self.given_up
    }
}

impl Worker {
    /// Plays the generator to its end, or until told to stop; an operation under way is completed
    /// first.
    pub async fn run(mut self, mut stop: Stop) -> Ended {
        let mut client = self.connect.open(self.node, self.process);
        let mut served = Served::default();
        let (mut keys, mut writes, mut reads) = (0, 0, 0);
        let mut turn = 0_u32;
        let played_out = loop {
            if stop.now() {
                break false;
            }
            let call = match self.generator.next(&self.context()) {
                Next::Done => break true,
                Next::Wait { until_ns } => {
                    let pause = Duration::from_nanos(until_ns.saturating_sub(self.now_ns()));
                    tokio::select! {
                        () = sleep_until(Instant::now() + pause) => {}
                        () = stop.wait() => {}
                    }
                    continue;
                }
                Next::Call(call) => call,
            };
            keys = keys.max(call.key.map_or(0, |key| key + 1));
            let outcome = self.operate(client.as_mut(), &call).await;
            served.note(&call, &outcome);
            match outcome {
                Outcome::Ok(_) if call.mutates() => writes += 1,
                Outcome::Ok(_) => reads += 1,
                Outcome::Fail(_) | Outcome::Info(_) => {}
            }
            if let Outcome::Info(_) = outcome {
                client.close().await;
                self.process += self.workers as u64;
                client = self.connect.open(self.node, self.process);
            }
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(OPERATIONS_A_TURN) {
                tokio::task::yield_now().await;
            }
        };
        client.close().await;
        let served = played_out && served.all();
        Ended { node: self.node, next_process: self.process, keys, writes, reads, served }
    }

    async fn operate(&mut self, client: &mut dyn Client, call: &Call) -> Outcome {
        let f = Value::keyword(call.f);
        self.record(Kind::Invoke, f.clone(), call.recorded(), None);
        let outcome = client.invoke(call).await;
        let (kind, value, error) = match &outcome {
            Outcome::Ok(value) => (Kind::Ok, call.record(value.clone()), None),
            Outcome::Fail(reason) => (Kind::Fail, call.recorded(), Some(reason.to_value())),
            Outcome::Info(reason) => (Kind::Info, call.recorded(), Some(reason.to_value())),
        };
        self.record(kind, f, value, error);
        let context = self.context();
        self.generator.observe(&context, call, &outcome);
        outcome
    }

    fn record(&self, kind: Kind, f: Value, value: Value, error: Option<Value>) {
        let process = Process::Client(self.process);
        self.recorder.record(Event { process, kind, f, value, error, extra: Vec::new() });
    }

    fn context(&self) -> Context {
        Context { now_ns: self.now_ns(), worker: self.number, process: self.process }
    }

    fn now_ns(&self) -> u64 {
        self.recorder.now_ns().saturating_sub(self.epoch_ns)
    }
}
