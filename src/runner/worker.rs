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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use checker::Op;
    use workloads::Reason;
    use workloads::generator::{UntilOk, once};

    use super::super::recorder::Recorder;
    use super::super::stop::Stopper;
    use super::*;

    /// Answers what it was told to, in this order, whoever asks; and remembers who did.
    #[derive(Default)]
    struct Script {
        outcomes: Mutex<VecDeque<Outcome>>,
        opened: Mutex<Vec<u64>>,
    }

    struct Scripted(Arc<Script>);

    impl Connect for Scripted {
        fn open(&self, _node: usize, process: u64) -> Box<dyn Client> {
            self.0.opened.lock().unwrap().push(process);
            Box::new(Scripted(self.0.clone()))
        }
    }

    #[async_trait]
    impl Client for Scripted {
        async fn invoke(&mut self, _call: &Call) -> Outcome {
            self.0.outcomes.lock().unwrap().pop_front().expect("as many outcomes as calls")
        }
    }

    struct Played {
        ended: Ended,
        opened: Vec<u64>,
        ops: Vec<Op>,
    }

    /// Worker 2 of 5 plays `generator`, and its calls come to `outcomes`.
    async fn play(
        generator: impl Generator + 'static,
        outcomes: impl IntoIterator<Item = Outcome>,
        stop: Stop,
    ) -> Played {
        let script = Arc::new(Script::default());
        script.outcomes.lock().unwrap().extend(outcomes);
        let folder = tempfile::tempdir().unwrap();
        let (recorder, journal) = Recorder::start(&folder.path().join("history.jsonl")).unwrap();
        let worker = Worker {
            number: 2,
            process: 2,
            workers: 5,
            node: 0,
            connect: Arc::new(Scripted(script.clone())),
            recorder,
            epoch_ns: 0,
            generator: Box::new(generator),
        };
        let ended = worker.run(stop).await;
        let opened = script.opened.lock().unwrap().clone();
        Played { ended, opened, ops: journal.finish().unwrap().history.ops().to_vec() }
    }

    fn write(key: i64) -> Call {
        Call { key: Some(key), ..Call::new("write", Value::Int(7)) }
    }

    fn ok() -> Outcome {
        Outcome::Ok(Value::Int(7))
    }

    fn fail() -> Outcome {
        Outcome::Fail(Reason::new(Reason::REFUSED))
    }

    fn info() -> Outcome {
        Outcome::Info(Reason::new(Reason::TIMEOUT))
    }

    #[tokio::test]
    async fn after_an_info_a_process_is_never_heard_of_again() {
        let (_stopper, stop) = Stopper::new();
        let calls = once([write(0), write(1), write(2), write(3)]);
        let played = play(calls, [ok(), info(), info(), ok()], stop).await;
        let processes: Vec<Process> = played.ops.iter().map(|op| op.process.clone()).collect();
        assert_eq!(processes, [2, 2, 2, 2, 7, 7, 12, 12].map(Process::Client));
        assert_eq!(played.opened, [2, 7, 12], "each with a client of its own");
        assert_eq!(played.ended.next_process, 12);
        assert_eq!((played.ended.keys, played.ended.writes, played.ended.reads), (4, 2, 0));
    }

    #[tokio::test]
    async fn a_process_goes_on_after_a_failure() {
        let (_stopper, stop) = Stopper::new();
        let played = play(once([write(0), write(1)]), [fail(), ok()], stop).await;
        assert_eq!(played.opened, [2]);
        let kinds: Vec<Kind> = played.ops.iter().map(|op| op.kind).collect();
        assert_eq!(kinds, [Kind::Invoke, Kind::Fail, Kind::Invoke, Kind::Ok]);
    }

    #[tokio::test]
    async fn what_succeeds_when_repeated_was_served_and_what_is_given_up_was_not() {
        let (_stopper, stop) = Stopper::new();
        let twice = || UntilOk::new(2, [write(0), write(1)]);
        let outcomes = [fail(), ok(), info(), ok()];
        assert!(play(twice(), outcomes, stop.clone()).await.ended.served);
        let outcomes = [fail(), info(), ok()];
        assert!(!play(twice(), outcomes, stop.clone()).await.ended.served, "the first call");
        let outcomes = [ok(), fail(), fail()];
        assert!(!play(twice(), outcomes, stop).await.ended.served, "the last call");
    }

    #[tokio::test]
    async fn a_worker_that_was_stopped_early_does_not_count_as_served() {
        let (stopper, stop) = Stopper::new();
        stopper.stop();
        let played = play(once([write(0)]), [], stop).await;
        assert!(!played.ended.served);
        assert!(played.ops.is_empty());
    }
}
