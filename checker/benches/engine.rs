//! What the parts of an analysis cost: reading a history, judging it, verifying the proof.
//!
//! `cargo bench -p checker`. Small histories and few samples: these are for comparing two commits;
//! whether a promise is kept is what `examples/targets` measures.

#[path = "../examples/simulate/mod.rs"]
mod simulate;

use std::hint::black_box;
use std::time::Duration;

use checker::certificate::{self, Style, Subject};
use checker::history::{Format, read};
use checker::{
    Budget, CheckOptions, CheckerSpec, History, Kind, Op, Process, Value, check, infer_spec,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use simulate::Shape;

/// The history that `examples/generate` prints for these flags.
fn text(flags: &str) -> Vec<u8> {
    let flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    let mut text = Vec::new();
    simulate::write(&Shape::parse(&flags).expect("true flags"), &mut text)
        .expect("memory takes it");
    text
}

fn history(text: &[u8]) -> History {
    read(text, None).expect("a history that can be read")
}

fn options(history: &History) -> CheckOptions {
    CheckOptions { spec: infer_spec(history), ..CheckOptions::default() }
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    for (name, format) in [("edn", Format::Edn), ("jsonl", Format::Jsonl)] {
        let text = text(&format!("--operations 50000 --keys 100 --format {name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| read(black_box(text.as_slice()), Some(format)).expect("it can be read"));
        });
    }
    group.finish();
}

/// Histories by name, each with its verdict.
fn judged() -> Vec<(&'static str, History, &'static str)> {
    let register = "--operations 2000 --crashed 20";
    let cas = "--operations 2000 --crashed 20 --workload cas-register";
    let unique = "--operations 2000 --crashed 20 --workload cas-register --values unique";
    let of = |flags: &str| history(&text(flags));
    let stale = |flags: &str| history(&text(&format!("{flags} --lie stale")));
    vec![
        ("register", of(register), "valid"),
        ("register stale", stale(register), "invalid"),
        ("cas", of(cas), "valid"),
        ("cas stale", stale(cas), "invalid"),
        ("cas unique", of(unique), "valid"),
        ("cas unique stale", stale(unique), "invalid"),
        ("fifo-queue", queue(1000, false), "valid"),
        ("fifo-queue swapped", queue(1000, true), "invalid"),
    ]
}

fn judging(c: &mut Criterion) {
    let mut group = c.benchmark_group("judge");
    for (name, history, verdict) in judged() {
        let options = options(&history);
        group.throughput(Throughput::Elements(history.operations().len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let found = check(black_box(&history), &options, &Budget::unlimited());
                assert_eq!(found.validity.word(), verdict, "{name}");
            });
        });
    }
    group.finish();
}

/// A queue with two producers beside one consumer; `swapped`: two elements leave in the wrong order.
fn queue(elements: i64, swapped: bool) -> History {
    let mut ops = Vec::new();
    let mut event = |process, kind, f: &str, value| {
        let index = ops.len() as u64;
        let time_ns = i64::try_from(index).expect("a short history");
        let process = Process::Client(process);
        let f = Value::keyword(f);
        ops.push(Op { index, time_ns, process, kind, f, value, error: None, extra: Vec::new() });
    };
    for element in 0..elements {
        let producer = u64::from(element % 2 == 1);
        event(producer, Kind::Invoke, "enqueue", Value::Int(element));
        event(producer, Kind::Ok, "enqueue", Value::Int(element));
        if element % 2 == 1 {
            for taken in [element - 1, element] {
                let wrong = swapped && element > elements / 2;
                let taken = if wrong { 2 * element - 1 - taken } else { taken };
                event(2, Kind::Invoke, "dequeue", Value::Nil);
                event(2, Kind::Ok, "dequeue", Value::Int(taken));
            }
        }
    }
    History::from_ops(ops).expect("events in pairs")
}

fn verifying(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    for (name, lie) in [("valid", "none"), ("invalid", "stale")] {
        let bytes = text(&format!("--operations 2000 --workload cas-register --lie {lie}"));
        let history = history(&bytes);
        let options = options(&history);
        assert!(matches!(options.spec, CheckerSpec::Linearizable { .. }));
        let verdict = check(&history, &options, &Budget::unlimited());
        let sha256 = verifier::sha256(&bytes);
        let subject = Subject { sha256, notation: Some(Format::Edn), style: Style::Cheapest };
        let mut certificate = Vec::new();
        certificate::write(&subject, &history, &options, &verdict, &mut certificate)
            .expect("memory takes it");
        group.throughput(Throughput::Elements(history.operations().len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| verifier::verify(black_box(&bytes), &certificate).expect("a true proof"));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = reading, judging, verifying
}
criterion_main!(benches);
