//! The rules against the definition: whatever they allow to leave out of a history that is
//! linearizable leaves one that is, and what is left of one that is not is as small as they allow.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::ground::{Ground, Kept, Nature, Spare};
use super::{Form, Proof, Shrunk, Why, shrink};
use crate::budget::Budget;
use crate::exhaustive::{Ask, Case, Cause, End, Nil, SmallOp, is_linearizable};
use crate::generate::{Shape, random_case, random_shape, seeded};
use crate::linear::Occurrence;
use crate::model::{ModelName, ModelOptions, Register, Transition};
use crate::value::Value;

const SEED: u64 = 20_261_121;

/// A case as the search takes it, with the operation of the case behind each occurrence.
struct Parsed {
    model: Register,
    all: Vec<Occurrence<Transition>>,
    behind: Vec<usize>,
}

fn parsed(case: &Case) -> Parsed {
    let options = ModelOptions { init: case.init.map(Value::Int), ..Default::default() };
    let mut model = Register::new(ModelName::CasRegister, &options);
    let (mut all, mut behind) = (Vec::new(), Vec::new());
    for (at, op) in case.ops.iter().enumerate() {
        let (end, how) = op.end.map_or((None, End::Info), |(end, how)| (Some(end), how));
        let mut number = |value: Option<i64>| model.intern(&value.map_or(Value::Nil, Value::Int));
        let transition = match (op.ask, how) {
            (Ask::Read, End::Ok) => Transition::Read(number(op.read)),
            (Ask::Write(value), End::Ok | End::Info) => Transition::Write(number(Some(value))),
            (Ask::Cas(old, new), End::Ok | End::Info) => {
                Transition::Cas(number(Some(old)), number(Some(new)))
            }
            (Ask::Cas(old, _), End::Fail)
                if case.observe_failed_cas && op.cause != Cause::Refused =>
            {
                Transition::Differs(number(Some(old)))
            }
            _ => continue,
        };
        let returned = end.filter(|_| how != End::Info);
        all.push(Occurrence { transition, invoked: op.begin, returned });
        behind.push(at);
    }
    Parsed { model, all, behind }
}

/// What is left of a case, in its own words.
fn rest(case: &Case, behind: &[usize], cut: u32, kept: &[(usize, Form)]) -> Case {
    let left = |(at, form): &(usize, Form)| {
        let mut op: SmallOp = case.ops[behind[*at]];
        if let (Form::Blind, Ask::Cas(_, new)) = (form, op.ask) {
            op.ask = Ask::Write(new);
        }
        op.end = op.end.filter(|(end, _)| *end <= cut);
        op
    };
    Case { ops: kept.iter().map(left).collect(), ..case.clone() }
}

/// Strict readings of nil: what the other ones mean is no business of shrinking.
fn strict(rng: &mut ChaCha8Rng) -> Case {
    let shape = Shape { nil: Nil::Value, ..random_shape(rng) };
    random_case(shape, rng)
}

#[test]
fn what_is_left_of_a_linearizable_history_is_linearizable() {
    let mut rng = seeded(SEED);
    let (mut judged, mut smaller, mut blinded) = (0, 0, 0);
    while judged < 150_000 {
        let case = strict(&mut rng);
        if !is_linearizable(&case) {
            continue;
        }
        judged += 1;
        let Parsed { model, all, behind } = parsed(&case);
        let last = all.iter().map(|one| one.returned.unwrap_or(one.invoked)).max().unwrap_or(0);
        let cut = rng.random_range(0..=last + 1);
        let mut ground = Ground::new(&model, &all, cut);
        let kept = random_rest(&mut ground, &mut rng);
        let kept: Vec<(usize, Form)> = kept.into_iter().collect();
        smaller += u32::from(kept.len() < all.len());
        blinded += u32::from(kept.iter().any(|(_, form)| *form == Form::Blind));
        let rest = rest(&case, &behind, cut, &kept);
        assert!(is_linearizable(&rest), "cut at {cut}: {kept:?}\nof {case:#?}");
    }
    assert!(smaller > 100_000 && blinded > 2_000, "{smaller} smaller, {blinded} blinded");
}

/// Something that the rules allow to keep alone: by leaving out, or by completing.
fn random_rest(ground: &mut Ground<'_, Register>, rng: &mut ChaCha8Rng) -> Kept {
    let begun = ground.begun();
    let mut kept: Kept = begun.iter().map(|at| (*at, Form::Whole)).collect();
    if rng.random_bool(0.5) {
        kept.retain(|_, _| rng.random_bool(0.4));
        ground.complete(&mut kept);
    }
    for _ in 0..rng.random_range(0..4) {
        let Some(gone) = begun.get(rng.random_range(0..begun.len().max(1))) else { break };
        let spare = if rng.random_bool(0.5) { Spare::Nothing } else { Spare::Blinded };
        kept = ground.without(&kept, &[*gone], spare).expect("registers have effects only");
    }
    kept
}

#[test]
fn what_is_left_of_a_violation_is_one_and_nothing_more_can_go() {
    let mut rng = seeded(SEED + 1);
    let (mut judged, mut sizes) = (0, [0_u32; 16]);
    while judged < 30_000 {
        let case = strict(&mut rng);
        if is_linearizable(&case) {
            continue;
        }
        judged += 1;
        let Parsed { model, all, behind } = parsed(&case);
        let shrunk = shrink(&model, &all, &Budget::unlimited()).expect("a violation");
        assert!(shrunk.minimal && shrunk.proof == Proof::Exhaustive, "{case:#?}");
        let left = rest(&case, &behind, shrunk.cut, &shrunk.kept);
        assert!(!is_linearizable(&left), "{shrunk:?}\nof {case:#?}");
        sizes[shrunk.kept.len()] += 1;
        assert_minimal(&case, &model, &all, &behind, &shrunk);
        let told = shrunk.left_out.len() + shrunk.kept.len();
        assert_eq!(told, all.len(), "{case:#?}");
    }
    assert!(sizes[1] > 0 && sizes[2] > 0 && sizes[4] > 0, "{sizes:?}");
}

/// Whatever else the rules allow to leave out leaves something linearizable.
fn assert_minimal(
    case: &Case,
    model: &Register,
    all: &[Occurrence<Transition>],
    behind: &[usize],
    shrunk: &Shrunk,
) {
    let mut ground = Ground::new(model, all, shrunk.cut);
    let kept: Kept = shrunk.kept.iter().copied().collect();
    assert!(ground.is_closed(&kept), "{shrunk:?}\nof {case:#?}");
    for gone in kept.keys() {
        for spare in [Spare::Nothing, Spare::Blinded] {
            let less = ground.without(&kept, &[*gone], spare).expect("registers have effects only");
            let less: Vec<(usize, Form)> = less.into_iter().collect();
            let rest = rest(case, behind, shrunk.cut, &less);
            assert!(is_linearizable(&rest), "{gone} can go from {shrunk:?}\nof {case:#?}");
        }
    }
}

#[test]
fn registers_have_effects_and_reasons_are_told() {
    let mut model = Register::new(ModelName::CasRegister, &ModelOptions::default());
    let mut value = |number| model.intern(&Value::Int(number));
    let (one, two, three) = (value(1), value(2), value(3));
    let history = [
        (Transition::Write(three), 0, 1),
        (Transition::Write(one), 2, 3),
        (Transition::Read(one), 4, 5),
        (Transition::Cas(one, two), 6, 7),
        (Transition::Read(one), 8, 9),
        (Transition::Write(three), 10, 11),
    ];
    let all: Vec<Occurrence<Transition>> = history
        .into_iter()
        .map(|(transition, invoked, end)| Occurrence { transition, invoked, returned: Some(end) })
        .collect();
    assert_eq!(Ground::new(&model, &all, 12).nature, Nature::Effects);
    let shrunk = shrink(&model, &all, &Budget::unlimited()).expect("a stale read");
    assert_eq!(shrunk.cut, 9);
    assert_eq!(shrunk.kept, [(1, Form::Whole), (3, Form::Whole), (4, Form::Whole)]);
    let why = [Why::Unseen, Why::Observer, Why::Later];
    assert_eq!(shrunk.left_out.iter().map(|(_, why)| *why).collect::<Vec<_>>(), why);
}
