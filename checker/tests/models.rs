//! What models declare about their transitions, held against what they do, over all states that
//! a few values give rise to. The search trusts these declarations.

use checker::Value;
use checker::history::Outcome;
use checker::model::{
    Call, Class, FailedCas, Model, ModelName, ModelOptions, NilReads, Register, Requires,
    Transition, ValueId,
};
use proptest::prelude::*;

const VALUES: i64 = 4;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Nil),
        4 => (0..VALUES).prop_map(Value::Int),
        1 => "[a-c]".prop_map(Value::string),
        1 => "[a-c]".prop_map(|text| Value::keyword(&text)),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Ok), Just(Outcome::Fail), Just(Outcome::Info)]
}

fn options() -> impl Strategy<Value = ModelOptions> {
    (prop::option::of(value()), 0..3_usize, any::<bool>()).prop_map(|(init, nil, observe)| {
        ModelOptions {
            init,
            nil_reads: [NilReads::Auto, NilReads::Value, NilReads::Unknown][nil],
            failed_cas: if observe { FailedCas::Observe } else { FailedCas::Drop },
        }
    })
}

/// A recorded operation: function, argument, result, outcome.
fn recorded() -> impl Strategy<Value = (&'static str, Value, Value, Outcome)> {
    let cas = (value(), value()).prop_map(|(old, new)| Value::Vector(vec![old, new]));
    prop_oneof![
        (value(), outcome()).prop_map(|(read, how)| ("read", Value::Nil, read, how)),
        (value(), outcome()).prop_map(|(write, how)| ("write", write.clone(), write, how)),
        (cas, outcome()).prop_map(|(pair, how)| ("cas", pair.clone(), pair, how)),
    ]
}

fn parse(
    model: &mut Register,
    (f, argument, result, outcome): &(&str, Value, Value, Outcome),
) -> Option<Transition> {
    let f = Value::keyword(f);
    let call =
        Call { process: 0, f: &f, key: None, argument, result, error: None, outcome: *outcome };
    model.parse(&call).expect("known functions and values")
}

/// The initial state and everything that any of the transitions leads to.
fn states(model: &Register, transitions: &[Transition]) -> Vec<ValueId> {
    let mut states = vec![model.initial()];
    let mut at = 0;
    while at < states.len() {
        let from = states[at];
        for next in transitions.iter().filter_map(|one| model.step(&from, one)) {
            if !states.contains(&next) {
                states.push(next);
            }
        }
        at += 1;
    }
    states
}

proptest! {
    #[test]
    fn declared_classes_hold_over_all_states(
        options in options(),
        recorded in prop::collection::vec(recorded(), 1..24),
    ) {
        let mut model = Register::new(ModelName::CasRegister, &options);
        let transitions: Vec<Transition> =
            recorded.iter().filter_map(|one| parse(&mut model, one)).collect();
        let states = states(&model, &transitions);
        for transition in &transitions {
            let steps: Vec<Option<ValueId>> =
                states.iter().map(|state| model.step(state, transition)).collect();
            match model.class(transition) {
                Class::Observer => prop_assert!(
                    states.iter().zip(&steps).all(|(from, to)| to.is_none_or(|to| to == *from))
                ),
                Class::BlindWrite => prop_assert!(
                    steps[0].is_some() && steps.iter().all(|to| *to == steps[0])
                ),
                Class::Conditional => {}
            }
            match model.requires(transition) {
                Requires::Anything => prop_assert!(steps.iter().all(Option::is_some)),
                Requires::Exactly(needed) => prop_assert!(
                    states.iter().zip(&steps).all(|(from, to)| to.is_some() == (*from == needed))
                ),
                Requires::Some => {}
            }
            match (model.produces(transition), model.class(transition)) {
                (Some(produced), class) => {
                    prop_assert!(class != Class::Observer);
                    prop_assert!(steps.iter().flatten().all(|to| *to == produced));
                }
                (None, class) => prop_assert!(class == Class::Observer),
            }
        }
    }

    #[test]
    fn what_certainly_did_not_happen_changes_nothing(
        options in options(),
        recorded in prop::collection::vec(recorded(), 1..24),
    ) {
        let mut model = Register::new(ModelName::CasRegister, &options);
        for one in recorded.iter().filter(|one| one.3 == Outcome::Fail) {
            let observes = parse(&mut model, one);
            prop_assert!(observes.is_none_or(|one| model.class(&one) == Class::Observer));
        }
    }
}

#[test]
fn only_a_failure_by_comparison_is_an_observation() {
    let options = ModelOptions { failed_cas: FailedCas::Observe, ..ModelOptions::default() };
    let observed = |error: Option<Value>| {
        let mut model = Register::new(ModelName::CasRegister, &options);
        let (f, pair) = (Value::keyword("cas"), Value::Vector(vec![1.into(), 2.into()]));
        let outcome = Outcome::Fail;
        let call = Call {
            process: 0,
            f: &f,
            key: None,
            argument: &pair,
            result: &pair,
            error: error.as_ref(),
            outcome,
        };
        model.parse(&call).expect("a cas").is_some()
    };
    assert!(observed(None));
    assert!(observed(Some(Value::keyword("mismatch"))));
    assert!(observed(Some(Value::Vector(vec![Value::keyword("precondition-failed"), 1.into()]))));
    assert!(!observed(Some(Value::keyword("connection-refused"))));
    assert!(!observed(Some(Value::string("timed out"))));
    assert!(!observed(Some(Value::Int(412))));
}

#[test]
fn nil_is_a_value_until_another_initial_value_is_given() {
    let reads_nil = |options: &ModelOptions| {
        let mut model = Register::new(ModelName::Register, options);
        parse(&mut model, &("read", Value::Nil, Value::Nil, Outcome::Ok)).is_some()
    };
    let with = |init: Option<i64>, nil_reads| ModelOptions {
        init: init.map(Value::Int),
        nil_reads,
        ..ModelOptions::default()
    };
    assert!(reads_nil(&with(None, NilReads::Auto)));
    assert!(!reads_nil(&with(Some(0), NilReads::Auto)));
    assert!(reads_nil(&with(Some(0), NilReads::Value)));
    assert!(!reads_nil(&with(None, NilReads::Unknown)));
}
