//! What may be done to a history without changing its verdict, or without making a valid one
//! invalid, on histories too long for the exhaustive checker.
//!
//! None of these rules needs to know the right answer: they relate two answers of the checker.

use crate::support::case;
use crate::support::exhaustive::{Ask, Case, Cause, End, SmallOp};
use crate::support::generate::{Shape, random_case, random_shape, seeded};
use checker::{Budget, Validity, check};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const HISTORIES: usize = 3_000;

/// A history of some dozens of operations, about half of them linearizable.
fn long_case(rng: &mut ChaCha8Rng) -> Case {
    let shape = random_shape(rng);
    let operations = (20, rng.random_range(21..=70));
    let (crash_rate, bend_rate) = (shape.crash_rate / 4.0, [0.0, 1.2][rng.random_range(0..2)]);
    let processes = rng.random_range(2..=9);
    random_case(Shape { operations, processes, crash_rate, bend_rate, ..shape }, rng)
}

fn verdict(case: &Case) -> Validity {
    check(&case::history(case), &case::options(case), &Budget::unlimited()).validity
}

/// Applies a change to many histories and hands over the verdicts before and after.
fn for_each_change(
    seed: u64,
    change: impl Fn(&mut Case, &mut ChaCha8Rng),
    holds: impl Fn(Validity, Validity) -> bool,
) {
    let mut rng = seeded(seed);
    let (mut valid, mut invalid) = (0, 0);
    for number in 0..HISTORIES {
        let before = long_case(&mut rng);
        let mut after = before.clone();
        change(&mut after, &mut rng);
        let (was, is) = (verdict(&before), verdict(&after));
        assert!(
            holds(was, is),
            "history {number} of seed {seed}: {was:?} became {is:?}: {before:#?}"
        );
        match was {
            Validity::Valid => valid += 1,
            Validity::Invalid => invalid += 1,
            Validity::Unknown => panic!("nothing limits the check"),
        }
    }
    assert!(valid > HISTORIES / 10 && invalid > HISTORIES / 10, "{valid} valid, {invalid} not");
}

fn same(before: Validity, after: Validity) -> bool {
    before == after
}

fn valid_stays_valid(before: Validity, after: Validity) -> bool {
    before != Validity::Valid || after == Validity::Valid
}

/// Gives every moment room around it, so that others fit between.
fn spread(case: &mut Case) {
    for op in &mut case.ops {
        op.begin = 10 * op.begin + 10;
        op.end = op.end.map(|(moment, end)| (10 * moment + 10, end));
    }
}

fn moment_of_end(op: &SmallOp) -> u32 {
    op.end.map_or(u32::MAX, |(moment, _)| moment)
}

#[test]
fn names_of_values_and_processes_mean_nothing() {
    let rename = |value: i64| 1_000 - 7 * value;
    let change = |case: &mut Case, _: &mut ChaCha8Rng| {
        case.init = case.init.map(rename);
        for op in &mut case.ops {
            op.process = 3 * op.process + 11;
            op.read = op.read.map(rename);
            op.ask = match op.ask {
                Ask::Read => Ask::Read,
                Ask::Write(value) => Ask::Write(rename(value)),
                Ask::Cas(old, new) => Ask::Cas(rename(old), rename(new)),
            };
        }
    };
    for_each_change(1, change, same);
}

#[test]
fn only_the_order_of_ends_and_later_beginnings_counts() {
    // Two neighbouring beginnings, or two neighbouring ends, may change places.
    let change = |case: &mut Case, rng: &mut ChaCha8Rng| {
        let mut moments: Vec<(u32, usize, bool)> = Vec::new();
        for (at, op) in case.ops.iter().enumerate() {
            moments.push((op.begin, at, true));
            moments.extend(op.end.map(|(moment, _)| (moment, at, false)));
        }
        moments.sort_unstable();
        for _ in 0..20 {
            let place = rng.random_range(0..moments.len() - 1);
            let ((early, one, begins), (late, other, others_begin)) =
                (moments[place], moments[place + 1]);
            if begins != others_begin {
                continue;
            }
            for (at, moment) in [(one, late), (other, early)] {
                let op = &mut case.ops[at];
                match begins {
                    true => op.begin = moment,
                    false => op.end = op.end.map(|(_, end)| (moment, end)),
                }
            }
            moments[place] = (early, other, begins);
            moments[place + 1] = (late, one, begins);
        }
    };
    for_each_change(2, change, same);
}

#[test]
fn a_wider_operation_leaves_more_orders_and_not_fewer() {
    let change = |case: &mut Case, rng: &mut ChaCha8Rng| {
        spread(case);
        for (at, odd) in (0..case.ops.len()).zip((1..10).step_by(2).cycle()) {
            let others = case.ops.clone();
            let op = &mut case.ops[at];
            // Within the bounds that the process' other operations set.
            let own = others.iter().filter(|other| other.process == op.process);
            let (before, after): (Vec<_>, Vec<_>) =
                own.filter(|other| other.begin != op.begin).partition(|o| o.begin < op.begin);
            let earliest = before.iter().map(|other| moment_of_end(other) + 1).max().unwrap_or(0);
            let latest = after.iter().map(|other| other.begin).min().unwrap_or(100_000);
            if rng.random_bool(0.3) && op.begin > earliest + 60 {
                op.begin -= 50 + odd;
            }
            if let Some((moment, end)) = op.end
                && rng.random_bool(0.3)
                && moment + 60 < latest
            {
                op.end = Some((moment + 50 + odd, end));
            }
        }
        make_moments_differ(case);
    };
    for_each_change(3, change, valid_stays_valid);
}

/// Two events that came to lie on one moment are taken apart, beginnings first: closed intervals.
fn make_moments_differ(case: &mut Case) {
    let mut moments: Vec<(u32, bool, usize)> = Vec::new();
    for (at, op) in case.ops.iter().enumerate() {
        moments.push((op.begin, false, at));
        moments.extend(op.end.map(|(moment, _)| (moment, true, at)));
    }
    moments.sort_unstable();
    for (moment, (_, ends, at)) in (1..).zip(moments) {
        let op = &mut case.ops[at];
        match ends {
            false => op.begin = moment,
            true => op.end = op.end.map(|(_, end)| (moment, end)),
        }
    }
}

#[test]
fn what_was_acknowledged_may_as_well_be_unknown() {
    let change = |case: &mut Case, rng: &mut ChaCha8Rng| {
        let at = rng.random_range(0..case.ops.len());
        let op = &mut case.ops[at];
        if let Some((moment, End::Ok)) = op.end {
            op.end = Some((moment, End::Info));
            // Its process would have retired.
            let (process, retired) = (op.process, moment);
            let later = case.ops.iter_mut().filter(|o| o.process == process && o.begin > retired);
            later.for_each(|one| one.process += 1_000_000);
        }
    };
    for_each_change(4, change, valid_stays_valid);
}

#[test]
fn an_unknown_write_that_nobody_saw_changes_nothing() {
    let change = |case: &mut Case, rng: &mut ChaCha8Rng| {
        // A compare-and-set that failed by comparison may have seen it.
        if case.observe_failed_cas {
            return;
        }
        spread(case);
        let begin = rng.random_range(0..400_u32) * 10 + 5;
        case.ops.push(stranger(Ask::Write(999), begin, None, None));
    };
    for_each_change(5, change, same);
}

#[test]
fn a_read_of_what_nobody_wrote_is_never_excused() {
    let change = |case: &mut Case, rng: &mut ChaCha8Rng| {
        spread(case);
        let begin = rng.random_range(0..400_u32) * 10 + 5;
        case.ops.push(stranger(Ask::Read, begin, Some((begin + 3, End::Ok)), Some(999)));
    };
    for_each_change(6, change, |_, after| after == Validity::Invalid);
}

#[test]
fn a_read_of_the_initial_value_before_all_else_changes_nothing() {
    let change = |case: &mut Case, _: &mut ChaCha8Rng| {
        spread(case);
        case.ops.push(stranger(Ask::Read, 1, Some((2, End::Ok)), case.init));
    };
    for_each_change(7, change, same);
}

/// An operation of a process that does nothing else.
fn stranger(ask: Ask, begin: u32, end: Option<(u32, End)>, read: Option<i64>) -> SmallOp {
    SmallOp { process: 77_777_777, ask, begin, end, read, cause: Cause::None }
}
