//! The rows run at all: the smallest of them, and the histories that all the others are made of.

use checker::{Budget, CheckOptions, CheckerSpec, check};

use super::judge::{alone, history};
use super::simulate::{Lie, Shape};

#[test]
fn simulated_histories_have_the_verdict_they_claim() {
    for seed in 0..40 {
        for lie in [None, Some(Lie::Stale), Some(Lie::Phantom)] {
            for values in [None, Some(2), Some(5)] {
                for cas in [false, true] {
                    let (operations, processes, crashed) = (200, 2 + seed % 7, 15);
                    let shape = Shape {
                        operations,
                        processes,
                        crashed,
                        values,
                        cas,
                        lie,
                        seed,
                        ..Shape::default()
                    };
                    assert_eq!(verdict(&shape), lie.map_or("valid", |_| "invalid"), "{shape:?}");
                }
            }
        }
    }
}

#[test]
fn a_lie_is_told_on_one_of_many_keys() {
    for jsonl in [false, true] {
        let valid = Shape { operations: 2000, keys: 20, jsonl, ..Shape::default() };
        assert_eq!(verdict(&valid), "valid");
        assert_eq!(verdict(&Shape { lie: Some(Lie::Stale), ..valid }), "invalid");
    }
}

fn verdict(shape: &Shape) -> &'static str {
    let history = history(shape).unwrap();
    let infos = history.ops().iter().filter(|op| op.kind == checker::Kind::Info).count();
    assert_eq!(infos, shape.crashed, "{shape:?}");
    let options =
        alone(CheckOptions { spec: checker::infer_spec(&history), ..CheckOptions::default() });
    assert!(matches!(options.spec, CheckerSpec::Linearizable { .. }));
    check(&history, &options, &Budget::unlimited()).validity.word()
}
