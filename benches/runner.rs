//! How many operations a second workers and recorder sustain when the client answers at once: the
//! tester must not be the bottleneck of what it measures. The target is 200,000 on two cores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use checker::Value;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ordeal::runner::recorder::Recorder;
use ordeal::runner::stop::Stopper;
use ordeal::runner::worker::Worker;
use workloads::generator::Limit;
use workloads::{Call, Client, Connect, Outcome, Params};

const WORKERS: usize = 10;
const OPERATIONS: u32 = 400_000;

/// Answers at once, with what was written or a constant.
struct AtOnce;

#[async_trait]
impl Client for AtOnce {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        Outcome::Ok(if call.mutates() { call.value.clone() } else { Value::Int(1) })
    }
}

impl Connect for AtOnce {
    fn open(&self, _node: usize, _process: u64) -> Box<dyn Client> {
        Box::new(AtOnce)
    }
}

/// The register workload on all workers, journal included: how long until every event is written and
/// read back.
fn play(runtime: &tokio::runtime::Runtime) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (recorder, journal) =
        Recorder::start(&folder.path().join("history.jsonl")).expect("a journal");
    let params =
        Params { workers: WORKERS, rate_per_s: None, time_limit_ns: u64::MAX, ..Params::default() };
    let register = workloads::find("register").expect("it is built in");
    let (_stopper, stop) = Stopper::new();
    let began = Instant::now();
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| Worker {
            number,
            process: number as u64,
            workers: WORKERS,
            node: number % params.nodes,
            connect: Arc::new(AtOnce),
            recorder: recorder.clone(),
            epoch_ns: recorder.now_ns(),
            generator: Box::new(Limit::new(
                OPERATIONS / WORKERS as u32,
                (register.load)(&params, number),
            )),
        })
        .collect();
    drop(recorder);
    runtime.block_on(async {
        let playing: Vec<_> =
            workers.into_iter().map(|worker| tokio::spawn(worker.run(stop.clone()))).collect();
        for worker in playing {
            worker.await.expect("a worker does not panic");
        }
    });
    let recorded = journal.finish().expect("the journal is written and read back");
    assert_eq!(recorded.history.ops().len(), 2 * OPERATIONS as usize, "every event was recorded");
    began.elapsed()
}

fn benchmark(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut group = c.benchmark_group("runner");
    group.throughput(Throughput::Elements(u64::from(OPERATIONS)));
    group.sample_size(10);
    group.bench_function("operations", |b| {
        b.iter_custom(|times| (0..times).map(|_| play(&runtime)).sum());
    });
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
