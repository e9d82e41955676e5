//! Where the histories come from whose certificates are held against the truth.

use checker::History;
use checker::certificate::Style;
use checker::checks::{CheckOptions, CheckerSpec};
use checker::history::Independent;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::certify::{Counts, Known, hold};
use super::exhaustive::{Ask, Case, End};
use super::small::{Object, SmallOp};
use super::{case, exhaustive, generate, small};

/// Certifies random histories of registers in all their readings; an error says which fails, and
/// how.
pub(crate) fn registers(histories: u64, seed: u64) -> Result<Counts, String> {
    let mut rng = generate::seeded(seed);
    let mut counts = Counts::default();
    for number in 0..histories {
        let shape = generate::random_shape(&mut rng);
        let case = generate::random_case(shape, &mut rng);
        let other = bent(&case, &mut rng);
        hold(&of_case(&case), &of_case(&other), style(number), &mut rng, &mut counts)
            .map_err(|why| format!("history {number} of seed {seed}: {why}\n{case:#?}"))?;
    }
    Ok(counts)
}

/// The same of any other kind of object.
pub(crate) fn objects(object: &Object, histories: u64, seed: u64) -> Result<Counts, String> {
    let mut rng = small::seeded(seed);
    let mut counts = Counts::default();
    for number in 0..histories {
        let shape = small::random_shape(&mut rng);
        let ops = small::random_history(object, shape, &mut rng);
        let mut other = ops.clone();
        small::bend(object, &mut other, &mut rng);
        let [known, other] = [&ops, &other].map(|ops| of_object(object, ops));
        if !(known.is_readable() && other.is_readable()) {
            continue;
        }
        hold(&known, &other, style(number), &mut rng, &mut counts).map_err(|why| {
            format!("{}, history {number} of seed {seed}: {why}\n{ops:#?}", object.model.name())
        })?;
    }
    Ok(counts)
}

fn style(number: u64) -> Style {
    if number.is_multiple_of(2) { Style::Cheapest } else { Style::Frontier }
}

fn of_case(case: &Case) -> Known {
    Known {
        history: case::history(case),
        options: case::options(case),
        is_linearizable: exhaustive::is_linearizable(case),
    }
}

fn of_object(object: &Object, ops: &[SmallOp]) -> Known {
    let spec = CheckerSpec::Linearizable { model: object.model, options: object.options.clone() };
    Known {
        history: History::from_ops(small::events(ops)).expect("the simulation pairs its events"),
        options: CheckOptions { spec, independent: Independent::No, ..CheckOptions::default() },
        is_linearizable: small::is_linearizable(object, ops),
    }
}

/// The same history, but for one result, outcome or moment.
fn bent(case: &Case, rng: &mut ChaCha8Rng) -> Case {
    let mut bent = case.clone();
    let at = rng.random_range(0..bent.ops.len());
    let value = rng.random_range(0..4);
    let moment = |op: &exhaustive::SmallOp| op.end.map_or(op.begin, |(end, _)| end);
    let latest = bent.ops.iter().map(moment).max().unwrap_or(0);
    let op = &mut bent.ops[at];
    match (rng.random_range(0..6), op.ask) {
        (0, Ask::Read) => op.read = Some(value),
        (0, Ask::Write(_)) => op.ask = Ask::Write(value),
        (0, Ask::Cas(old, _)) => op.ask = Ask::Cas(old, value),
        (1, Ask::Cas(_, new)) => op.ask = Ask::Cas(value, new),
        (2, _) => op.end = op.end.map(|(end, _)| (end, End::Info)),
        (3, _) => op.end = op.end.map(|(end, _)| (end, End::Ok)),
        // Later than anything else: its interval is wider, and other moments stay free.
        (4, _) => op.end = op.end.map(|(_, how)| (latest + 1, how)),
        _ => drop(bent.ops.remove(at)),
    }
    // An indeterminate process does nothing more, and one that ends late has done nothing since.
    for (number, op) in bent.ops.iter_mut().enumerate() {
        op.process = number as u64;
    }
    bent
}
