//! Every model held against the definition, on histories without end.

use std::fmt::Write as _;

use checker::checks::{CheckOptions, CheckerSpec};
use checker::history::Independent;
use checker::linear::Algorithm;
use checker::monitor::{Care, Keys};
use checker::verdict::Proof;
use checker::{Budget, History, Monitor, Op, Validity, Verdict, check};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::small::{End, Object, SmallOp, is_linearizable, random_history, random_shape, seeded};

/// What came of a comparison.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) histories: u64,
    pub(crate) not_linearizable: u64,
    pub(crate) with_crashes: u64,
    /// Decided without search.
    pub(crate) by_procedure: u64,
    /// Of these, not linearizable.
    pub(crate) impossible: u64,
}

/// A history on which the checker is wrong.
pub(crate) struct Disagreement {
    pub(crate) ops: Vec<SmallOp>,
    pub(crate) expected: Validity,
    pub(crate) verdict: Verdict,
}

/// The checker's verdict on a small history.
pub(crate) fn judge(object: &Object, ops: &[SmallOp]) -> Verdict {
    judge_by(Algorithm::Auto, object, ops)
}

fn judge_by(algorithm: Algorithm, object: &Object, ops: &[SmallOp]) -> Verdict {
    let history =
        History::from_ops(super::small::events(ops)).expect("the simulation pairs its events");
    let spec = CheckerSpec::Linearizable { model: object.model, options: object.options.clone() };
    let options =
        CheckOptions { spec, independent: Independent::No, algorithm, ..CheckOptions::default() };
    check(&history, &options, &Budget::unlimited())
}

/// Compares verdicts on this many random histories; stops at the first disagreement.
pub(crate) fn compare(
    object: &Object,
    histories: u64,
    seed: u64,
) -> Result<Counts, Box<Disagreement>> {
    let mut rng = seeded(seed);
    let mut counts = Counts::default();
    for _ in 0..histories {
        let shape = random_shape(&mut rng);
        let ops = random_history(object, shape, &mut rng);
        let expected = match is_linearizable(object, &ops) {
            true => Validity::Valid,
            false => Validity::Invalid,
        };
        let verdict = judge(object, &ops);
        if verdict.validity != expected {
            return Err(Box::new(Disagreement { ops, expected, verdict }));
        }
        counts.count(&ops, &verdict);
        // Where a procedure answered, the searches have not been heard yet.
        for algorithm in [Algorithm::Frontier, Algorithm::Wgl] {
            let verdict = judge_by(algorithm, object, &ops);
            if verdict.validity != expected {
                return Err(Box::new(Disagreement { ops, expected, verdict }));
            }
        }
    }
    Ok(counts)
}

/// What came of a comparison with what is said while a history grows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WatchedCounts {
    pub(crate) not_linearizable: u64,
    pub(crate) with_crashes: u64,
    /// With crashed operations that would have had to be counted exactly.
    pub(crate) undecided: u64,
}

impl WatchedCounts {
    /// Whether a verdict is right; one is undecided only where operations crashed.
    pub(crate) fn agree(&mut self, verdict: &Verdict, linearizable: bool, crashed: bool) -> bool {
        self.not_linearizable += u64::from(!linearizable);
        self.with_crashes += u64::from(crashed);
        self.undecided += u64::from(verdict.validity == Validity::Unknown);
        match verdict.validity {
            Validity::Valid => linearizable,
            Validity::Invalid => !linearizable,
            Validity::Unknown => crashed,
        }
    }
}

/// Now and then so little that small histories meet the end of it.
pub(crate) fn random_care(rng: &mut ChaCha8Rng) -> Care {
    let usual = Care::default();
    Care {
        terms: rng.random_range(0..12),
        exact_configurations: match rng.random_bool(0.2) {
            true => rng.random_range(0..6),
            false => usual.exact_configurations,
        },
        ..usual
    }
}

/// The verdict of a monitor that was fed these events one by one.
pub(crate) fn watched(spec: &CheckerSpec, keys: Keys, care: Care, events: &[Op]) -> Verdict {
    let mut monitor = Monitor::new(spec, keys).expect("it can be watched").with_care(care);
    for event in events {
        monitor.push(event).unwrap_or_else(|error| panic!("{error}: {events:#?}"));
    }
    monitor.finish()
}

/// Compares what monitors say on this many random histories; stops at the first disagreement.
pub(crate) fn compare_watched(
    object: &Object,
    histories: u64,
    seed: u64,
) -> Result<WatchedCounts, Box<Disagreement>> {
    let mut rng = seeded(seed);
    let mut counts = WatchedCounts::default();
    let spec = CheckerSpec::Linearizable { model: object.model, options: object.options.clone() };
    for _ in 0..histories {
        let shape = random_shape(&mut rng);
        let ops = random_history(object, shape, &mut rng);
        let linearizable = is_linearizable(object, &ops);
        let has_keys = ops.iter().any(|op| op.ask.key.is_some());
        let keys = if has_keys && rng.random_bool(0.5) { Keys::Entry } else { Keys::None };
        let verdict = watched(&spec, keys, random_care(&mut rng), &super::small::events(&ops));
        if !counts.agree(&verdict, linearizable, ops.iter().any(has_crashed)) {
            let expected = if linearizable { Validity::Valid } else { Validity::Invalid };
            return Err(Box::new(Disagreement { ops, expected, verdict }));
        }
    }
    Ok(counts)
}

fn has_crashed(op: &SmallOp) -> bool {
    op.end.is_none_or(|(_, end)| end == End::Info)
}

impl Disagreement {
    /// Everything that is known of it, an operation a line.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("expected {:?}, got {:#?}\n", self.expected, self.verdict);
        for SmallOp { ask, begin, end, result } in &self.ops {
            let (process, f, argument) = (ask.process, ask.f, &ask.argument);
            let _ = writeln!(text, "{process}: {f} {argument} -> {result}, {begin} to {end:?}");
        }
        text
    }
}

impl Counts {
    fn count(&mut self, ops: &[SmallOp], verdict: &Verdict) {
        let invalid = verdict.validity == Validity::Invalid;
        let impossible = matches!(verdict.proof, Some(Proof::Pattern { .. }));
        let without_search = verdict.stats.largest_frontier == 0 && !invalid || impossible;
        self.histories += 1;
        self.not_linearizable += u64::from(invalid);
        self.with_crashes += u64::from(ops.iter().any(has_crashed));
        self.by_procedure += u64::from(without_search);
        self.impossible += u64::from(impossible);
    }
}
