//! Every model, with its procedure if it has one, against the definition of linearizability on
//! small random histories. `cargo run --release -p checker --example fuzz -- --model all` does the
//! same for as long as one likes.

mod support {
    pub(crate) mod compare;
    pub(crate) mod objects;
    pub(crate) mod records;
    pub(crate) mod small;
}

use checker::history::{Independent, Operation, read_path};
use checker::model::{Call, Class, Model, ModelVisitor, Requires};
use checker::{Budget, CheckOptions, History, Validity, check, infer_spec};
use support::small::{events, random_history, random_shape, seeded};
use support::{compare, objects};

const HISTORIES: u64 = 10_000;

#[test]
fn every_model_agrees_with_the_definition() {
    for object in objects::all() {
        let name = object.model.name();
        let counts = compare::compare(&object, HISTORIES, 7)
            .unwrap_or_else(|wrong| panic!("{name}: {}", wrong.told()));
        let share = |count: u64| count * 100 / counts.histories;
        let bent = share(counts.not_linearizable);
        assert!((2..95).contains(&bent), "{name}: {bent} % are not linearizable");
        assert!(share(counts.with_crashes) > 20, "{name}: {counts:?}");
    }
}

#[test]
fn every_model_is_watched_while_a_history_grows_and_agrees_with_the_definition() {
    const HISTORIES: u64 = 3_000;
    for object in objects::all() {
        let name = object.model.name();
        let counts = compare::compare_watched(&object, HISTORIES, 11)
            .unwrap_or_else(|disagreement| panic!("{name}: {}", disagreement.told()));
        assert!(counts.not_linearizable > HISTORIES / 50, "{name}: {counts:?}");
        assert!(counts.with_crashes > HISTORIES / 3, "{name}: {counts:?}");
        assert!(counts.undecided < HISTORIES / 100, "{name}: {counts:?}");
    }
}

/// Holds what a model declares about the transitions of one history against what they do, over the
/// states that they lead to, the first few hundred of them.
struct Declarations<'h>(&'h History);

impl ModelVisitor for Declarations<'_> {
    type Output = usize;

    fn visit<M: Model>(self, mut model: M) -> usize {
        let parse = |operation: Operation| model.parse(&call(self.0, &operation));
        let parsed: Vec<_> = self.0.operations().iter().map(parse).collect();
        let transitions: Vec<M::Transition> = parsed
            .into_iter()
            .filter_map(|one| one.expect("a call that the model knows"))
            .collect();
        let states = reachable(&model, &transitions);
        for transition in &transitions {
            let steps: Vec<Option<M::State>> =
                states.iter().map(|state| model.step(state, transition)).collect();
            assert_declared(&model, transition, &states, &steps);
            let part = model.part(transition);
            if let Some(alone) = part.and_then(|part| model.alone(part)) {
                let own: Vec<_> =
                    transitions.iter().filter(|one| model.part(one) == part).cloned().collect();
                let states = reachable(&alone, &own);
                let steps: Vec<Option<M::State>> =
                    states.iter().map(|state| model.step(state, transition)).collect();
                assert_declared(&alone, transition, &states, &steps);
            }
        }
        assert_apart(&model, &transitions, &states);
        states.len()
    }
}

fn call<'h>(history: &'h History, operation: &Operation) -> Call<'h> {
    let invoke = history.invocation(operation);
    let completion = history.completion(operation);
    Call {
        process: operation.process,
        f: invoke.f,
        key: invoke.extra.first().map(|(_, key)| key),
        argument: invoke.value(),
        result: completion.map_or(&checker::Value::Nil, |op| op.value()),
        error: None,
        outcome: operation.outcome,
    }
}

fn reachable<M: Model>(model: &M, transitions: &[M::Transition]) -> Vec<M::State> {
    let mut states = vec![model.initial()];
    let mut at = 0;
    while at < states.len() && states.len() < 300 {
        for transition in transitions {
            if let Some(next) = model.step(&states[at], transition)
                && !states.contains(&next)
            {
                states.push(next);
            }
        }
        at += 1;
    }
    states
}

fn assert_declared<M: Model>(
    model: &M,
    transition: &M::Transition,
    states: &[M::State],
    steps: &[Option<M::State>],
) {
    let class = model.class(transition);
    match class {
        Class::Observer => assert!(
            states.iter().zip(steps).all(|(from, to)| to.as_ref().is_none_or(|to| to == from))
        ),
        Class::BlindWrite => {
            assert!(steps[0].is_some() && steps.iter().all(|to| *to == steps[0]));
        }
        Class::Conditional => {}
    }
    match model.requires(transition) {
        Requires::Anything => assert!(steps.iter().all(Option::is_some)),
        Requires::Exactly(needed) => {
            assert!(states.iter().zip(steps).all(|(from, to)| to.is_some() == (*from == needed)))
        }
        Requires::Some => {}
    }
    match model.produces(transition) {
        Some(produced) => {
            assert!(class != Class::Observer);
            assert!(steps.iter().flatten().all(|to| *to == produced));
        }
        None => assert!(class != Class::BlindWrite),
    }
    for (state, step) in states.iter().zip(steps) {
        let refusal = model.refusal(state, transition);
        assert!(step.is_some() || !refusal.is_empty(), "{}", model.describe(state));
    }
}

/// What happens to one part is seen by nobody who looks at another one.
fn assert_apart<M: Model>(model: &M, transitions: &[M::Transition], states: &[M::State]) {
    for (one, other) in
        transitions.iter().flat_map(|one| transitions.iter().map(move |two| (one, two)))
    {
        let (Some(part), Some(other_part)) = (model.part(one), model.part(other)) else { continue };
        if part == other_part {
            continue;
        }
        for state in states.iter().take(30) {
            let Some(after) = model.step(state, one) else { continue };
            let in_turn = model.step(&after, other);
            let swapped = model.step(state, other).and_then(|state| model.step(&state, one));
            assert!(in_turn == swapped, "{}", model.describe(state));
        }
    }
}

#[test]
fn what_models_declare_holds_over_the_states_that_they_reach() {
    for object in objects::all() {
        let mut rng = seeded(11);
        let mut states = 0;
        for _ in 0..400 {
            let shape = random_shape(&mut rng);
            let ops = random_history(&object, shape, &mut rng);
            let history = History::from_ops(events(&ops)).expect("paired");
            states += object.model.with(&object.options, Declarations(&history));
        }
        assert!(states > 600, "{}: only {states} states", object.model.name());
    }
}

/// Porcupine's key-value data: told apart by key, and as one object of ten keys.
#[test]
fn the_key_value_data_of_the_corpus_gets_its_verdicts() {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let corpus = std::env::var_os("ORDEAL_CORPUS").map_or(beside, Into::into);
    let folder = corpus.join("porcupine/kv");
    if !folder.is_dir() {
        eprintln!("SKIPPED: no corpus at {}", folder.display());
        return;
    }
    let cases = [
        ("c01", Independent::No),
        ("c10", Independent::No),
        ("c01", Independent::Auto),
        ("c10", Independent::Auto),
        ("c50", Independent::Auto),
    ];
    for (clients, independent) in cases {
        for (end, expected) in [("ok", Validity::Valid), ("bad", Validity::Invalid)] {
            let path = folder.join(format!("{clients}-{end}.txt"));
            let history = read_path(&path, None).expect("a readable history");
            assert_eq!(infer_spec(&history).name(), "linearizable map");
            let spec = infer_spec(&history);
            let options = CheckOptions { spec, independent, ..CheckOptions::default() };
            let started = std::time::Instant::now();
            let verdict = check(&history, &options, &Budget::unlimited());
            println!(
                "{clients}-{end} {independent:?}: {:?}, {} expansions",
                started.elapsed(),
                verdict.stats.expansions
            );
            assert_eq!(verdict.validity, expected, "{}: {}", path.display(), verdict.summary);
        }
    }
}
