//! What the search can decide, by how much it looks at: what makes it stronger proves nothing, so the
//! verdict of no small history tells when it is gone. `targets harder` measures the same and more.

#[expect(dead_code, reason = "a command line is for commands")]
#[path = "../examples/simulate/mod.rs"]
mod simulate;

use std::time::Duration;

use checker::checks::Patience;
use checker::history::{Format, read};
use checker::model::ModelName;
use checker::{Budget, CheckOptions, CheckerSpec, Validity, check};
use simulate::Shape;

/// How many configurations a valid history of a compare-and-set register takes.
fn expansions(shape: &Shape) -> u64 {
    let mut text = Vec::new();
    simulate::write(shape, &mut text).expect("memory takes everything");
    let history = read(text.as_slice(), Some(Format::Edn)).expect("a history");
    let spec = CheckerSpec::linearizable(ModelName::CasRegister);
    let patience = Patience(Duration::ZERO);
    let options = CheckOptions { spec, patience, threads: Some(1), ..CheckOptions::default() };
    let budget = Budget::unlimited().with_memory_bytes(256 << 20);
    let verdict = check(&history, &options, &budget);
    assert_eq!(verdict.validity, Validity::Valid);
    verdict.stats.expansions
}

/// Without it they take up to eight times as many, and one of them more memory than it may.
#[test]
fn what_is_ahead_tells_which_configurations_have_a_future() {
    let of = |seed| Shape {
        operations: 10_000,
        processes: 100,
        crashed: 20,
        values: Some(10),
        cas: true,
        seed,
        ..Shape::default()
    };
    for seed in 1..=6 {
        let expansions = expansions(&of(seed));
        assert!(expansions < 700_000, "seed {seed}: {expansions}, and were at most 551,331");
    }
}
