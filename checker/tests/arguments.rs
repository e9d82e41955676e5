//! Arguments against the definition: whatever is told as a circle is one, every step of it is
//! true, and the operations that it names are a violation by themselves.

#[path = "support/case.rs"]
mod case;
#[path = "support/exhaustive.rs"]
mod exhaustive;
#[path = "support/generate.rs"]
mod generate;

use std::collections::{BTreeMap, BTreeSet};

use checker::verdict::{Anomaly, Because, Relation};
use checker::{Budget, check};
use exhaustive::{Ask, Case, End, SmallOp, is_linearizable};
use generate::{Shape, random_case, random_shape, seeded};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 20_261_130;

/// Every second history is one of many values, most of them written once, in which reads were bent
/// to what somebody wrote: such reads are seldom phantoms.
fn history(rng: &mut ChaCha8Rng) -> Case {
    let shape = random_shape(rng);
    if rng.random_bool(0.5) {
        return random_case(shape, rng);
    }
    let values = rng.random_range(3..=20);
    let mut small = random_case(Shape { values, bend_rate: 0.0, ..shape }, rng);
    let written = |op: &SmallOp| match op.ask {
        Ask::Read => None,
        Ask::Write(value) | Ask::Cas(_, value) => Some(value),
    };
    let written: Vec<i64> = small.ops.iter().filter_map(written).collect();
    for op in &mut small.ops {
        let is_read = op.ask == Ask::Read && matches!(op.end, Some((_, End::Ok)));
        if is_read && !written.is_empty() && rng.random_bool(0.4) {
            op.read = Some(written[rng.random_range(0..written.len())]);
        }
    }
    small
}

#[test]
fn every_argument_is_a_circle_of_true_steps_and_its_operations_are_a_violation_by_themselves() {
    let mut rng = seeded(SEED);
    let (mut invalid, mut relations) = (0, [0_u32; 3]);
    // Of each kind of anomaly, how many there were and how many had an argument.
    let mut kinds: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    while invalid < 24_000 {
        let small = history(&mut rng);
        let verdict = check(&case::history(&small), &case::options(&small), &Budget::unlimited());
        let Some(anomaly) = verdict.anomalies.first() else { continue };
        invalid += 1;
        let (met, argued) = kinds.entry(anomaly.kind.clone()).or_default();
        *met += 1;
        if anomaly.argument.is_empty() {
            continue;
        }
        *argued += 1;
        assert_circle(&anomaly.argument);
        for step in &anomaly.argument {
            relations[step.relation as usize] += 1;
        }
        let told = [Told::until_failure(&small, anomaly), Told::of_everything(&small)];
        let sound = told.iter().any(|told| told.holds(&anomaly.argument));
        assert!(sound, "{:#?}\n{small:#?}", anomaly.argument);
    }
    eprintln!("of {invalid} invalid histories (met, argued): {kinds:?}; steps {relations:?}");
    assert!(kinds.values().map(|(_, argued)| argued).sum::<u32>() > 5_000, "{kinds:?}");
    assert!(kinds.values().all(|(_, argued)| *argued > 50), "{kinds:?}");
    assert!(relations.iter().all(|count| *count > 1_000), "{relations:?}");
}

fn assert_circle(argument: &[Because]) {
    let following = argument.iter().cycle().skip(1);
    for (step, next) in argument.iter().zip(following) {
        assert_eq!(step.to, next.from, "{argument:#?}");
    }
    let visited: BTreeSet<u64> = argument.iter().map(|step| step.from).collect();
    assert!(argument.len() > 1 && visited.len() == argument.len(), "{argument:#?}");
}

/// A part of a history that an argument may be about.
struct Told<'c> {
    small: &'c Case,
    /// The moment of each event, by its index.
    moments: Vec<u32>,
    /// What began or ended later is not known.
    until: u32,
}

impl Told<'_> {
    fn of_everything(small: &Case) -> Told<'_> {
        let moments = case::events(small).into_iter().map(|(at, _)| at).collect();
        Told { small, moments, until: u32::MAX }
    }

    fn until_failure<'c>(small: &'c Case, anomaly: &Anomaly) -> Told<'c> {
        let told = Told::of_everything(small);
        let failed = usize::try_from(anomaly.op.expect("named")).expect("small");
        Told { until: told.moments[failed], ..told }
    }

    /// Whether every step is true, and the operations that are named exclude each other.
    fn holds(&self, argument: &[Because]) -> bool {
        argument.iter().all(|step| self.is_true(step)) && !is_linearizable(&self.alone(argument))
    }

    fn op(&self, index: u64) -> &SmallOp {
        let begin = self.moments[usize::try_from(index).expect("small")];
        self.small.ops.iter().find(|op| op.begin == begin).expect("an invocation")
    }

    fn is_true(&self, step: &Because) -> bool {
        let (from, to) = (self.op(step.from), self.op(step.to));
        match step.relation {
            Relation::RealTime => {
                let known = to.begin < self.until;
                known && matches!(from.end, Some((end, End::Ok)) if end < to.begin)
            }
            Relation::ReadsFrom => {
                let Some(seen) = sees(to) else { return false };
                let writers: Vec<&SmallOp> = self.writers(seen).collect();
                self.small.init != seen && writers.len() == 1 && writers[0].begin == from.begin
            }
            // Held against the definition by way of the operations that the argument names.
            Relation::MustPrecede => true,
        }
    }

    /// Everybody who can have written the value.
    fn writers(&self, value: Option<i64>) -> impl Iterator<Item = &SmallOp> {
        let may = |op: &&SmallOp| op.begin < self.until && !matches!(op.end, Some((_, End::Fail)));
        self.small.ops.iter().filter(may).filter(move |op| match op.ask {
            Ask::Read => false,
            Ask::Write(new) => Some(new) == value,
            Ask::Cas(old, new) => old != new && Some(new) == value,
        })
    }

    /// The operations that the argument names, without the others. What needs a value of somebody
    /// who is left out no longer needs it, but puts there what it saw or wrote.
    fn alone(&self, argument: &[Because]) -> Case {
        let named: BTreeSet<u32> = argument
            .iter()
            .flat_map(|step| step.through.iter().chain([&step.from, &step.to]))
            .map(|index| self.op(*index).begin)
            .collect();
        let mut alone = self.small.clone();
        alone.ops.retain(|op| named.contains(&op.begin));
        assert_eq!(alone.ops.len(), named.len());
        for op in &mut alone.ops {
            let all_named = sees(op)
                .is_none_or(|seen| self.writers(seen).all(|one| named.contains(&one.begin)));
            if !all_named {
                op.ask = match op.ask {
                    Ask::Read => op.read.map_or(Ask::Read, Ask::Write),
                    Ask::Cas(_, new) => Ask::Write(new),
                    Ask::Write(value) => Ask::Write(value),
                };
            }
            op.end = op.end.filter(|(end, _)| *end <= self.until);
        }
        alone
    }
}

/// The value that the operation needs to be there.
fn sees(op: &SmallOp) -> Option<Option<i64>> {
    match (op.ask, op.end) {
        (Ask::Read, Some((_, End::Ok))) => Some(op.read),
        (Ask::Cas(old, _), _) => Some(Some(old)),
        _ => None,
    }
}
