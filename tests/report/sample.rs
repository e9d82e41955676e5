//! A run that never happened: ten workers against five nodes, three faults, and one stale read that
//! a checker would find. Simulated, so that the report can be looked at and tested without a cluster.

use checker::verdict::{Anomaly, Because, Part, PossibleState, Related, Relation, Stats};
use checker::{History, Kind, Op, Process, Validity, Value, Verdict};
use ordeal::report::RunFacts;

const MS: i64 = 1_000_000;
const WORKERS: u64 = 10;

/// A small generator, so that the sample is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.roll((high - low).unsigned_abs()).cast_signed()
    }
}

struct Planned {
    process: u64,
    key: i64,
    write: Option<i64>,
    start: i64,
    effect: i64,
    end: i64,
    kind: Kind,
    read: Option<i64>,
}

/// Family, the `:f`s that begin and end it, its interval in hundredths of the run, nodes struck.
type Planted = (&'static str, &'static str, &'static str, [i64; 2], [&'static str; 2]);

const FAULTS: [Planted; 3] = [
    ("partition", "start-partition", "stop-partition", [20, 40], ["n1", "n3"]),
    ("kill", "kill", "start", [52, 64], ["n2", "n4"]),
    ("pause", "pause", "resume", [75, 88], ["n1", "n5"]),
];

/// What a test of `operations` operations recorded, and the verdict on it.
pub(crate) struct Sample {
    pub(crate) history: History,
    pub(crate) verdict: Verdict,
}

/// `key` names the key that fails, or any other: `["k" 3]`, a string with markup in it, ….
pub(crate) fn invalid(operations: usize, key: &dyn Fn(i64) -> Value) -> Sample {
    let mut planned = plan(operations);
    planned.sort_by_key(|op| op.effect);
    let (stale, newer) = apply(&mut planned);
    let end = planned.iter().map(|op| op.end).max().expect("there are operations");
    let mut events: Vec<(i64, Op)> = nemesis(end);
    for (n, op) in planned.iter().enumerate() {
        let value = |inner: Option<i64>| {
            Value::Vector(vec![key(op.key), inner.map_or(Value::Nil, Value::Int)])
        };
        let f = Value::keyword(if op.write.is_some() { "write" } else { "read" });
        // The row is carried in `extra` until the indices are known.
        let mark = vec![(Value::keyword("row"), Value::Int(n as i64))];
        let base = Op {
            index: 0,
            time_ns: op.start,
            process: Process::Client(op.process),
            kind: Kind::Invoke,
            f,
            value: value(op.write),
            error: None,
            extra: mark,
        };
        let mut done = base.clone();
        (done.time_ns, done.kind) = (op.end, op.kind);
        match op.kind {
            Kind::Ok => done.value = value(op.write.or(op.read)),
            Kind::Info => done.error = Some(Value::keyword("timeout")),
            _ => done.error = Some(Value::string("connection refused")),
        }
        events.push((op.start, base));
        events.push((op.end, done));
    }
    events.sort_by_key(|(at, op)| (*at, op.kind == Kind::Invoke));
    let mut index_of = vec![[0; 2]; planned.len()];
    let mut ops = Vec::new();
    for (n, (_, mut op)) in events.into_iter().enumerate() {
        op.index = n as u64;
        if let [(_, Value::Int(row))] = op.extra[..] {
            index_of[row as usize][usize::from(op.kind != Kind::Invoke)] = op.index;
            op.extra.clear();
        }
        ops.push(op);
    }
    let verdict = verdict(&planned, stale, newer, &index_of, key);
    Sample { history: History::from_ops(ops).expect("well-formed"), verdict }
}

fn plan(operations: usize) -> Vec<Planned> {
    let mut dice = Dice(7);
    let share = operations / WORKERS as usize;
    let length = share as i64 * 12 * MS;
    let mut planned = Vec::new();
    for worker in 0..WORKERS {
        let (mut process, mut now) = (worker, dice.between(0, 8 * MS));
        for n in 0..share {
            let start = now + dice.between(MS, 10 * MS);
            let write = dice.roll(2) == 0;
            let node = format!("n{}", process % 5 + 1);
            let hit = FAULTS.iter().find(|(.., at, nodes)| {
                nodes.contains(&node.as_str())
                    && (at[0] * length / 100..at[1] * length / 100).contains(&start)
            });
            let mut op = Planned {
                process,
                start,
                key: (n as i64 * 10 / share as i64 + worker as i64 % 3) % 8,
                write: write.then(|| (n * 100) as i64 + worker as i64),
                effect: 0,
                end: 0,
                kind: Kind::Ok,
                read: None,
            };
            let took = dice.between(MS / 2, 5 * MS) + if dice.roll(20) == 0 { 20 * MS } else { 0 };
            op.end = start + took;
            op.effect = start + dice.between(1, took);
            match hit {
                Some(("kill", ..)) => (op.kind, op.end) = (Kind::Fail, start + MS / 3),
                Some(_) if dice.roll(3) > 0 => {
                    (op.kind, op.end) = (Kind::Info, start + 60 * MS);
                    process += WORKERS;
                }
                _ => {}
            }
            now = op.end + if op.kind == Kind::Fail { 20 * MS } else { 0 };
            planned.push(op);
        }
    }
    planned
}

/// Runs the registers; returns the row of the read that is made stale, and the rows of the write it
/// saw and of the one that it should have seen.
fn apply(planned: &mut [Planned]) -> (usize, [usize; 2]) {
    let mut last: std::collections::BTreeMap<i64, Vec<usize>> = Default::default();
    let mut found = None;
    let middle = planned.len() / 3;
    for n in 0..planned.len() {
        let key = planned[n].key;
        if planned[n].write.is_some() {
            if planned[n].kind == Kind::Ok {
                last.entry(key).or_default().push(n);
            }
            continue;
        }
        let seen = last.get(&key).cloned().unwrap_or_default();
        planned[n].read = seen.last().and_then(|row| planned[*row].write);
        if let [.., old, new] = seen[..]
            && found.is_none()
            && n > middle
            && planned[n].kind == Kind::Ok
            && planned[new].end < planned[n].start
            && planned[old].end < planned[new].start
        {
            planned[n].read = planned[old].write;
            found = Some((n, [old, new]));
        }
    }
    found.expect("the sample is long enough to hold a stale read")
}

fn nemesis(end: i64) -> Vec<(i64, Op)> {
    let mut events = Vec::new();
    for (id, (family, start, stop, [from, to], nodes)) in FAULTS.iter().enumerate() {
        let (from, to) = (from * end / 100, to * end / 100);
        let what = format!(
            "{}: {} | the rest",
            ["majority", "minority", "primaries"][id],
            nodes.join(" ")
        );
        let proof = |how: &str| map(&[("held", Value::Bool(true)), ("how", Value::string(how))]);
        let injected = map(&[
            ("id", Value::Int(id as i64)),
            ("fault", Value::keyword(family)),
            ("what", Value::string(what)),
            ("nodes", Value::Vector(nodes.iter().map(Value::string).collect())),
            ("primaries", Value::Vector(vec![Value::string("n1")])),
            ("proof", proof("datagrams between the nodes' namespaces")),
            ("last-open-ns", Value::Int(from + MS)),
            ("first-closed-ns", Value::Int(from + 12 * MS)),
        ]);
        let healed = map(&[
            ("heals", Value::Vector(vec![Value::Int(id as i64)])),
            ("proof", proof("datagrams between the nodes' namespaces")),
            ("last-closed-ns", Value::Int(to + MS)),
            ("first-open-ns", Value::Int(to + 9 * MS)),
        ]);
        for (at, f, value) in [
            (from, start, Value::keyword("majority")),
            (from + 14 * MS, start, injected),
            (to, stop, Value::Nil),
            (to + 12 * MS, stop, healed),
        ] {
            events.push((
                at,
                Op {
                    index: 0,
                    time_ns: at,
                    process: Process::nemesis(),
                    kind: Kind::Info,
                    f: Value::keyword(f),
                    value,
                    error: None,
                    extra: Vec::new(),
                },
            ));
        }
    }
    events
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (Value::keyword(key), value.clone())).collect())
}

/// The new value was there when the stale read began, and that read came before it.
fn argument(
    planned: &[Planned],
    index_of: &[[u64; 2]],
    [old, new, stale]: [usize; 3],
) -> Vec<Because> {
    let because = |from: usize, to: usize, relation: Relation| Because {
        from: index_of[from][0],
        to: index_of[to][0],
        relation,
        through: vec![index_of[old][0]],
        sentence: format!("process {} comes before {}", planned[from].process, planned[to].process),
    };
    vec![because(new, stale, Relation::RealTime), because(stale, new, Relation::MustPrecede)]
}

fn verdict(
    planned: &[Planned],
    stale: usize,
    [old, new]: [usize; 2],
    index_of: &[[u64; 2]],
    key: &dyn Fn(i64) -> Value,
) -> Verdict {
    let seconds = |ns: i64| format!("{:.3}", ns as f64 / 1e9);
    let (read, was, now) = (&planned[stale], &planned[old], &planned[new]);
    let bad = key(read.key);
    let sentence = format!(
        "stale read: process {} read {} from key {bad} between {} s and {} s, but process {} had overwritten it with {}, acknowledged at {} s, before the read began, and nothing wrote {} again",
        read.process,
        was.write.unwrap_or_default(),
        seconds(read.start),
        seconds(read.end),
        now.process,
        now.write.unwrap_or_default(),
        seconds(now.end),
        was.write.unwrap_or_default(),
    );
    let related = |row: usize, role: &str| Related { index: index_of[row][0], role: role.into() };
    let anomaly = Anomaly {
        kind: "stale-read".into(),
        key: Some(bad),
        sentence: sentence.clone(),
        op: Some(index_of[stale][1]),
        related: vec![
            related(old, "wrote the value that was read"),
            related(new, "overwrote it before the read began"),
        ],
        argument: argument(planned, index_of, [old, new, stale]),
        states: vec![PossibleState {
            state: Value::Int(now.write.unwrap_or_default()),
            linearized: vec![],
            pending: vec![],
            why: format!(
                "read {}, but the register holds {}",
                was.write.unwrap_or_default(),
                now.write.unwrap_or_default()
            ),
        }],
        examination: checker::verdict::Examination::default(),
    };
    let ok = planned.iter().filter(|op| op.kind == Kind::Ok).count() as u64;
    let plain = |validity, anomalies: Vec<Anomaly>, summary: &str, parts| Verdict {
        checker: "linearizable register".into(),
        validity,
        reason: None,
        summary: summary.into(),
        anomalies,
        assumptions: vec![
            "The registers hold nil at the beginning.".into(),
            "A failed write never took effect.".into(),
        ],
        stats: Stats {
            operations: planned.len() as u64,
            ok,
            acknowledged_writes: ok / 2,
            reads_of_written_values: ok / 2,
            ..Stats::default()
        },
        proof: None,
        parts,
    };
    let parts = (0..8).map(|k| {
        let wrong = k == read.key;
        let validity = if wrong { Validity::Invalid } else { Validity::Valid };
        let anomalies = if wrong { vec![anomaly.clone()] } else { vec![] };
        let said = if wrong { sentence.as_str() } else { "linearizable" };
        Part { key: key(k), verdict: plain(validity, anomalies, said, vec![]) }
    });
    plain(Validity::Invalid, vec![anomaly.clone()], &sentence, parts.collect())
}

/// The facts of the run that never happened.
pub(crate) fn facts() -> RunFacts {
    let text = |text: &str| text.to_owned();
    RunFacts {
        command: text("checker test --bug stale-read --seed 7"),
        seed: 7,
        version: text("0.1.0"),
        system: text("sandbox 0.1.0 (bug: stale-read)"),
        environment: text("netns: network namespaces inside a user namespace"),
        started: text("2026-11-21T03:00:00Z"),
        workload: text("register"),
        nodes: (1..=5).map(|n| format!("n{n}")).collect(),
        workers: WORKERS as usize,
        not_exercised: [
            "power loss",
            "clock skew",
            "packet loss",
            "disk faults",
            "membership changes",
        ]
        .map(text)
        .to_vec(),
        harness_errors: vec![],
        log_files: vec![text("n1/node.log"), text("n2/node.log")],
        reproduce: text("checker test --bug stale-read --seed 7 --time-limit 30s"),
        rejudge: text("checker analyze store/latest/history.edn"),
    }
}

/// The verdict on no history at all.
pub(crate) fn empty() -> Verdict {
    Verdict {
        checker: "linearizable register".into(),
        validity: Validity::Unknown,
        reason: Some(checker::verdict::Reason::Empty),
        summary: "there was no client operation".into(),
        anomalies: Vec::new(),
        assumptions: Vec::new(),
        stats: Stats::default(),
        proof: None,
        parts: Vec::new(),
    }
}
