//! Every mistake that `wrong` names must be caught by a generator that aims at it, and by a small
//! history that it once judged wrongly.
//!
//! Histories are spelled as EDN, a vector for each operation: process, function, argument, result,
//! begin and end; without an end it crashed.

use rand_chacha::ChaCha8Rng;

use super::wrong::{WrongRule, making};
use crate::checks::object::Recorded;
use crate::history::{History, Outcome};
use crate::linear::{Answer, Occurrence, verify_order};
use crate::model::{Model, ModelName, ModelVisitor};
use crate::objects;
use crate::small::{
    Ask, End, Object, Shape, SmallOp, events, is_linearizable, random_history, random_shape, seeded,
};
use crate::value::Value;

/// What a procedure says about a history; `None` if nothing.
struct Procedure<'o>(&'o [SmallOp]);

impl ModelVisitor for Procedure<'_> {
    type Output = Option<bool>;

    fn visit<M: Model>(self, mut model: M) -> Option<bool> {
        let history = History::from_ops(events(self.0)).expect("the simulation pairs its events");
        let mut all = Vec::new();
        for operation in history.operations().iter() {
            let recorded = Recorded::whole(&history, operation);
            let call = recorded.call();
            if let Some(transition) = model.parse(&call).expect("a call that the model knows") {
                let acknowledged = operation.completion.filter(|_| call.outcome == Outcome::Ok);
                let moment = |at: usize| u32::try_from(at).expect("a small history");
                let (invoked, returned) = (moment(operation.invoke), acknowledged.map(moment));
                all.push(Occurrence { transition, invoked, returned });
            }
        }
        match model.procedure(&all) {
            Answer::Inapplicable => None,
            Answer::Order(order) => verify_order(&model, &all, &order).is_ok().then_some(true),
            Answer::Impossible(_) => Some(false),
        }
    }
}

fn answer(object: &Object, ops: &[SmallOp], rule: Option<WrongRule>) -> Option<bool> {
    making(rule, || object.model.with(&object.options, Procedure(ops)))
}

/// Whether a mistake shows: a violation that is none, or one that is not seen any more.
fn is_caught(object: &Object, ops: &[SmallOp], rule: WrongRule) -> bool {
    let right = answer(object, ops, None);
    assert!(right.is_none_or(|right| right == is_linearizable(object, ops)), "{}", spell(ops));
    match right {
        Some(false) => answer(object, ops, Some(rule)) != Some(false),
        _ => answer(object, ops, Some(rule)) == Some(false) && is_linearizable(object, ops),
    }
}

/// Where each mistake shows, and in which histories.
fn aimed_at(rule: WrongRule, rng: &mut ChaCha8Rng) -> (ModelName, Shape) {
    let any = Shape { unique: true, operations: 6, ..random_shape(rng) };
    let crashing = Shape { crash_rate: 0.5, processes: 3, ..any };
    match rule {
        WrongRule::TakesBeginAfterPuts | WrongRule::OnlyTakenItems => (ModelName::FifoQueue, any),
        WrongRule::DeadlinesInAnyOrder => {
            (ModelName::FifoQueue, Shape { operations: 9, ..crashing })
        }
        WrongRule::HeldWhenAsked => (ModelName::OwnerMutex, any),
        WrongRule::EqualTokens => (ModelName::FencedMutex, any),
        WrongRule::FirstBegunFills | WrongRule::WaitingHasTime => (ModelName::Log, any),
        WrongRule::NeverExchanged => {
            (ModelName::VersionedRegister, Shape { operations: 8, unique: false, ..crashing })
        }
        WrongRule::CrashedBeforeTheyBegan | WrongRule::ExpectsNothing => {
            (ModelName::VersionedRegister, Shape { unique: false, ..crashing })
        }
        WrongRule::ReadsBehindAdditions => (ModelName::FetchAndAdd, crashing),
        WrongRule::EmptiesDoNotWait => {
            (ModelName::UnorderedQueue, Shape { operations: 5, ..crashing })
        }
        WrongRule::PartedWhereOneIs | WrongRule::BottomByEitherEnd | WrongRule::OutWhenAsked => {
            (ModelName::Stack, Shape { operations: 9, ..any })
        }
    }
}

const ALL: [WrongRule; 15] = [
    WrongRule::TakesBeginAfterPuts,
    WrongRule::OnlyTakenItems,
    WrongRule::DeadlinesInAnyOrder,
    WrongRule::HeldWhenAsked,
    WrongRule::EqualTokens,
    WrongRule::FirstBegunFills,
    WrongRule::WaitingHasTime,
    WrongRule::NeverExchanged,
    WrongRule::CrashedBeforeTheyBegan,
    WrongRule::ExpectsNothing,
    WrongRule::ReadsBehindAdditions,
    WrongRule::EmptiesDoNotWait,
    WrongRule::PartedWhereOneIs,
    WrongRule::BottomByEitherEnd,
    WrongRule::OutWhenAsked,
];

fn object(model: ModelName) -> Object {
    objects::all().into_iter().find(|one| one.model == model).expect("every model has an object")
}

/// Takes operations away for as long as the mistake still shows.
fn smallest(object: &Object, mut ops: Vec<SmallOp>, rule: WrongRule) -> Vec<SmallOp> {
    let mut at = 0;
    while at < ops.len() {
        let mut less = ops.clone();
        less.remove(at);
        match is_caught(object, &less, rule) {
            true => (ops, at) = (less, 0),
            false => at += 1,
        }
    }
    ops
}

#[test]
fn every_mistake_is_caught_by_a_generator_that_aims_at_it() {
    let mut missed = Vec::new();
    for rule in ALL {
        let mut rng = seeded(20_261_141);
        let caught = (0..100_000).find_map(|number| {
            let (model, shape) = aimed_at(rule, &mut rng);
            let object = object(model);
            let ops = random_history(&object, shape, &mut rng);
            is_caught(&object, &ops, rule).then_some((number, object, ops))
        });
        match caught {
            None => missed.push(rule),
            Some((number, object, ops)) => {
                let ops = smallest(&object, ops, rule);
                println!("{rule:?}: history {number}: {}", spell(&ops));
            }
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

/// The smallest history on which each mistake was seen to give a wrong answer.
const SMALLEST: [(WrongRule, &str); 10] = [
    (WrongRule::TakesBeginAfterPuts, "[1 dequeue nil 1 2 4] [2 enqueue 1 \\- 3 5]"),
    (
        WrongRule::OnlyTakenItems,
        "[0 enqueue 1 \\- 2 3] [0 enqueue 2 \\- 6 7] [1 dequeue nil 2 8 10]",
    ),
    (
        WrongRule::DeadlinesInAnyOrder,
        "[0 enqueue 1 \\- 0 1] [2 enqueue 2 \\- 2 4] [0 enqueue 3 \\- 3 5] [2 dequeue nil 1 6] \
         [1 enqueue 4 \\- 8 9] [1 dequeue nil 2 10 11] [0 dequeue nil 4 13 17] [1 dequeue nil 3 14]",
    ),
    (
        WrongRule::HeldWhenAsked,
        "[2 acquire nil \\- 10 20] [3 acquire nil \\- 13 15] [3 release nil \\- 17 22]",
    ),
    (
        WrongRule::EqualTokens,
        "[0 acquire nil {:fence 8} 1 2] [0 release nil \\- 7 8] [1 acquire nil {:fence 8} 6 11]",
    ),
    (
        WrongRule::FirstBegunFills,
        "[0 append 1 0 0 1] [1 append 2 {:offset 3} 2] \
         [0 append 3 3 3 7] [3 append 4 {:offset 2} 8 9]",
    ),
    (WrongRule::WaitingHasTime, "[0 append 1 0 0 1] [1 append 2 2 5 7] [0 read nil [1] 9 10]"),
    (
        WrongRule::NeverExchanged,
        "[1 write [nil 1] [2 nil] 1] [5 read nil [2 1] 5 9] [3 write [nil 2] nil 7]",
    ),
    (
        WrongRule::CrashedBeforeTheyBegan,
        "[0 write [nil 1] [1 nil] 0] [1 write [nil 1] [2 nil] \
         2] [2 cas [nil [1 1]] nil 8] [6 write [nil 3] [4 nil] 5 7]",
    ),
    (
        WrongRule::ExpectsNothing,
        "[1 cas [nil [3 2]] [2 nil] 0] [4 cas [nil [1 1]] nil 4] [7 write [nil 3] [3 nil] 7 10]",
    ),
];

#[test]
fn the_smallest_history_for_each_mistake_is_judged_rightly_without_it() {
    for (rule, text) in SMALLEST {
        let ops = parse(text);
        assert_eq!(spell(&ops), text);
        let (model, _) = aimed_at(rule, &mut seeded(1));
        assert!(is_caught(&object(model), &ops, rule), "{rule:?} does not show in {text}");
    }
}

fn parse(text: &str) -> Vec<SmallOp> {
    let number = |value: &Value| match value {
        Value::Int(number) => *number,
        other => panic!("{other} is no number"),
    };
    let moment = |value: &Value| u32::try_from(number(value)).expect("a moment");
    let op = |one: &Value| {
        let Some([process, f, argument, result, begin, end @ ..]) = one.items() else {
            panic!("{one} is no operation");
        };
        let ask = Ask {
            process: u64::try_from(number(process)).expect("a process"),
            f: f.name().expect("a function").to_owned().leak(),
            key: None,
            argument: argument.clone(),
        };
        let end = end.first().map(|end| (moment(end), End::Ok));
        SmallOp { ask, begin: moment(begin), end, result: result.clone() }
    };
    let all = crate::edn::parse(format!("[{text}]").as_bytes()).expect("EDN");
    all.items().expect("operations").iter().map(op).collect()
}

fn spell(ops: &[SmallOp]) -> String {
    let told = |op: &SmallOp| {
        let Ask { process, f, argument, .. } = &op.ask;
        let end = match op.end {
            Some((end, End::Ok)) => end.to_string(),
            Some((_, End::Fail)) => "failed".to_owned(),
            Some((_, End::Info)) | None => String::new(),
        };
        format!("[{process} {f} {argument} {} {} {end}]", op.result, op.begin)
    };
    ops.iter().map(told).collect::<Vec<_>>().join(" ").replace(" ]", "]")
}
