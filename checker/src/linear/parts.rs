//! Objects that are made of parts which know nothing of each other, as a map is of its keys.
//!
//! Where every operation is about one part, a history is linearizable exactly if what happened to
//! each part is (locality: Herlihy and Wing, *Linearizability*, 1990; for parts of one object Horn
//! and Kroening, *Faster linearizability checking via P-compositionality*, 2015). A search of the
//! whole would carry every combination of the ways in which each part can have gone; here each is
//! decided by itself. One operation that is about several parts, and the object is whole.
//!
//! The orders of the parts become one order by time: a step stands at the latest invocation among
//! itself and the steps before it in its own order. That is before its return, or its own order
//! would be none; so if all steps stand in the order of these moments, none comes after a step that
//! was invoked when it had returned. The whole order is held against the definition like any other.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Decision, Effort, Obstacle, Occurrence, Pattern, Possible};
use crate::model::Model;

/// Decides a history part by part, each by `decide`, which is told the model of the part; `None`
/// if it does not fall into parts.
pub(crate) fn decide<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    decide: impl Fn(&M, &[Occurrence<M::Transition>]) -> (Decision<M::State>, Effort) + Sync,
) -> Option<(Decision<M::State>, Effort)> {
    let parts = parts(model, all)?;
    let decide_part = |(part, members): &(u64, Vec<usize>)| {
        let alone = model.alone(*part);
        let own: Vec<_> = members.iter().map(|at| all[*at].clone()).collect();
        let (decision, effort) = decide(alone.as_ref().unwrap_or(model), &own);
        (renumbered(decision, members), effort)
    };
    let outcomes: Vec<_> = parts.par_iter().map(decide_part).collect();
    let mut effort = Effort::default();
    let mut decisions = Vec::with_capacity(outcomes.len());
    for (decision, own) in outcomes {
        effort = effort.after(own);
        decisions.push(decision);
    }
    Some((merged(all, decisions), effort))
}

/// The parts, in the order in which they turn up, each with its operations; `None` unless there
/// are several and every operation is about one of them.
fn parts<M: Model>(model: &M, all: &[Occurrence<M::Transition>]) -> Option<Vec<(u64, Vec<usize>)>> {
    let mut parts: Vec<(u64, Vec<usize>)> = Vec::new();
    let mut places: FxHashMap<u64, usize> = FxHashMap::default();
    for (at, one) in all.iter().enumerate() {
        let part = model.part(&one.transition)?;
        let place = *places.entry(part).or_insert(parts.len());
        if place == parts.len() {
            parts.push((part, Vec::new()));
        }
        parts[place].1.push(at);
    }
    (parts.len() > 1).then_some(parts)
}

/// The same with operations by their position in the whole history.
fn renumbered<S>(decision: Decision<S>, members: &[usize]) -> Decision<S> {
    let whole = |ats: Vec<usize>| ats.into_iter().map(|at| members[at]).collect::<Vec<usize>>();
    let pattern = |one: Pattern| Pattern { operations: whole(one.operations), ..one };
    match decision {
        Decision::Linearizable { order } => Decision::Linearizable { order: whole(order) },
        Decision::Impossible(one) => Decision::Impossible(pattern(one)),
        Decision::Undecided(reason) => Decision::Undecided(reason),
        Decision::Stuck(Obstacle { at, possible, pattern: known }) => {
            let possible = possible.into_iter().map(|Possible { state, linearized, pending }| {
                Possible { state, linearized: whole(linearized), pending: whole(pending) }
            });
            Decision::Stuck(Obstacle {
                at: members[at],
                possible: possible.collect(),
                pattern: known.map(pattern),
            })
        }
    }
}

/// What the parts say together: of violations the first, or an order of everything.
fn merged<T, S>(all: &[Occurrence<T>], decisions: Vec<Decision<S>>) -> Decision<S> {
    let mut first: Option<(Option<u32>, Decision<S>)> = None;
    let mut undecided = None;
    let mut steps: Vec<(u32, usize)> = Vec::with_capacity(all.len());
    for decision in decisions {
        let shows_at = match &decision {
            Decision::Linearizable { order } => {
                let mut latest = 0;
                steps.extend(order.iter().map(|at| {
                    latest = all[*at].invoked.max(latest);
                    (latest, *at)
                }));
                continue;
            }
            Decision::Undecided(_) => {
                undecided.get_or_insert(decision);
                continue;
            }
            Decision::Stuck(obstacle) => all[obstacle.at].returned,
            Decision::Impossible(pattern) => {
                pattern.operations.iter().filter_map(|at| all[*at].returned).max()
            }
        };
        if first.as_ref().is_none_or(|(earliest, _)| shows_at < *earliest) {
            first = Some((shows_at, decision));
        }
    }
    if let Some(decision) = first.map(|(_, decision)| decision).or(undecided) {
        return decision;
    }
    // Of one part only the first step can stand at a moment, and the others right behind it.
    steps.sort_by_key(|(moment, _)| *moment);
    Decision::Linearizable { order: steps.into_iter().map(|(_, at)| at).collect() }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::budget::Budget;
    use crate::generate::seeded;
    use crate::linear::{Algorithm, decide_with};
    use crate::model::{Call, Class, Requires};
    use crate::value::Value;
    use crate::verdict::Reason;

    /// Two registers that can be read together.
    struct Two {
        /// Whether to make the mistake of taking a read of both as one of the first.
        is_careless: bool,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Step {
        Write(usize, u8),
        Read(usize, u8),
        ReadBoth([u8; 2]),
    }

    impl Model for Two {
        type State = [u8; 2];
        type Transition = Step;

        fn initial(&self) -> [u8; 2] {
            [0, 0]
        }

        fn parse(&mut self, _: &Call<'_>) -> Result<Option<Step>, Reason> {
            Ok(None)
        }

        fn step(&self, state: &[u8; 2], step: &Step) -> Option<[u8; 2]> {
            let mut after = *state;
            match *step {
                Step::Write(part, value) => after[part] = value,
                Step::Read(part, value) if state[part] != value => return None,
                Step::ReadBoth(both) if *state != both => return None,
                Step::Read(..) | Step::ReadBoth(_) => {}
            }
            Some(after)
        }

        fn class(&self, step: &Step) -> Class {
            match step {
                Step::Write(..) => Class::Conditional,
                Step::Read(..) | Step::ReadBoth(_) => Class::Observer,
            }
        }

        fn requires(&self, step: &Step) -> Requires<[u8; 2]> {
            match step {
                Step::Write(..) => Requires::Anything,
                Step::Read(..) => Requires::Some,
                Step::ReadBoth(both) => Requires::Exactly(*both),
            }
        }

        fn produces(&self, _: &Step) -> Option<[u8; 2]> {
            None
        }

        fn describe(&self, _: &[u8; 2]) -> Value {
            Value::Nil
        }

        fn refusal(&self, _: &[u8; 2], _: &Step) -> String {
            String::new()
        }

        fn part(&self, step: &Step) -> Option<u64> {
            match step {
                Step::Write(part, _) | Step::Read(part, _) => u64::try_from(*part).ok(),
                Step::ReadBoth(_) => self.is_careless.then_some(0),
            }
        }
    }

    /// Six operations at random moments, one in four of them crashed.
    fn random_history(rng: &mut impl RngExt) -> Vec<Occurrence<Step>> {
        let mut moments: Vec<u32> = (0..12).collect();
        let mut moment = || moments.swap_remove(rng.random_range(0..moments.len()));
        let times: Vec<(u32, u32)> = (0..6).map(|_| (moment(), moment())).collect();
        let mut value = || rng.random_range(0..2_u8);
        let mut all: Vec<Occurrence<Step>> = Vec::new();
        for (a, b) in times {
            let (part, both) = (usize::from(value()), [value(), value()]);
            let transition = match (value(), value(), value()) {
                (0, ..) => Step::Write(part, both[0]),
                (_, 0, 0) => Step::ReadBoth(both),
                _ => Step::Read(part, both[0]),
            };
            let returned = (value() + value() > 0).then_some(a.max(b));
            all.push(Occurrence { transition, invoked: a.min(b), returned });
        }
        all.sort_by_key(|one| one.invoked);
        all
    }

    /// Whether deciding by parts, with this mistake or none, agrees with the definition.
    fn agrees(is_careless: bool, all: &[Occurrence<Step>]) -> bool {
        let verdict = |algorithm| {
            let (decision, _) =
                decide_with(&Two { is_careless }, all, &Budget::unlimited(), algorithm);
            match decision {
                Decision::Linearizable { .. } => Some(true),
                Decision::Stuck(_) | Decision::Impossible(_) => Some(false),
                // An order that is none.
                Decision::Undecided(_) => None,
            }
        };
        let expected = verdict(Algorithm::Exhaustive);
        assert!(expected.is_some());
        [Algorithm::Frontier, Algorithm::Wgl].iter().all(|by| verdict(*by) == expected)
    }

    #[test]
    fn parts_agree_with_the_definition_unless_an_operation_is_about_two_of_them() {
        let mut rng = seeded(20_261_131);
        let (mut in_parts, mut caught) = (0, 0);
        for _ in 0..20_000 {
            let all = random_history(&mut rng);
            assert!(agrees(false, &all), "{all:?}");
            in_parts += u32::from(parts(&Two { is_careless: false }, &all).is_some());
            caught += u32::from(!agrees(true, &all));
        }
        assert!(in_parts > 2_000 && caught > 50, "{in_parts} in parts, {caught} caught");
    }

    fn occurrence(invoked: u32, returned: u32) -> Occurrence<()> {
        Occurrence { transition: (), invoked, returned: Some(returned) }
    }

    fn order<S>(decision: Decision<S>) -> Vec<usize> {
        match decision {
            Decision::Linearizable { order } => order,
            _ => panic!("every part has an order"),
        }
    }

    #[test]
    fn orders_of_parts_are_merged_by_the_moments_at_which_their_steps_can_be_taken() {
        // The order of the first part keeps its early operation waiting for its late one.
        let all = [occurrence(0, 9), occurrence(6, 8), occurrence(1, 3), occurrence(4, 5)];
        let parts: [Decision<()>; 2] = [
            Decision::Linearizable { order: vec![1, 0] },
            Decision::Linearizable { order: vec![2, 3] },
        ];
        assert_eq!(order(merged(&all, parts.into())), [2, 3, 1, 0]);
    }

    #[test]
    fn of_several_violations_the_first_one_is_told() {
        let all = [occurrence(0, 9), occurrence(1, 3), occurrence(4, 5)];
        let stuck = |at| Decision::Stuck(Obstacle::<()> { at, possible: vec![], pattern: None });
        let told = merged(&all, vec![stuck(0), stuck(2), stuck(1)]);
        assert!(matches!(told, Decision::Stuck(obstacle) if obstacle.at == 1));
    }

    #[test]
    fn what_a_part_names_is_told_by_its_place_in_the_whole() {
        let members = [3, 5, 8, 9];
        let pattern =
            |operations| Pattern { rule: "no-writer", operations, why: "so it is".to_owned() };
        let possible = vec![Possible { state: (), linearized: vec![0], pending: vec![1, 3] }];
        let stuck = Obstacle { at: 2, possible, pattern: Some(pattern(vec![1, 2])) };
        let Decision::Stuck(told) = renumbered(Decision::Stuck(stuck), &members) else {
            panic!("a violation stays one");
        };
        assert_eq!(told.at, 8);
        assert_eq!(
            (&told.possible[0].linearized[..], &told.possible[0].pending[..]),
            (&[3][..], &[5, 9][..])
        );
        assert_eq!(told.pattern, Some(pattern(vec![5, 8])));
        let impossible = Decision::<()>::Impossible(pattern(vec![0, 3]));
        let Decision::Impossible(told) = renumbered(impossible, &members) else {
            panic!("a violation stays one");
        };
        assert_eq!(told, pattern(vec![3, 9]));
    }
}
