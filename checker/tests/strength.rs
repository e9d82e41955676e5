//! How strong a violation is, held against the definition; and what violations have in common.

mod support;

use std::time::Duration;

use checker::checks::Patience;
use checker::verdict::{Anomaly, Extent, Strength};
use checker::{Budget, CheckOptions, History, check, infer_spec};
use support::exhaustive::{Ask, Case, Cause, End, is_linearizable};
use support::generate::{random_case, random_shape, seeded};
use support::{case, corpus};

const SEED: u64 = 20_261_121;

fn strength(anomaly: &Anomaly) -> &Strength {
    anomaly.examination.strength.as_ref().expect("asked of every linearizable history")
}

/// The case with every failure doubted but for those that began at these moments.
fn doubted(small: &Case, trusted: &[u32]) -> Case {
    let mut doubted = small.clone();
    for op in &mut doubted.ops {
        if let Some((moment, End::Fail)) = op.end
            && op.ask != Ask::Read
            && !trusted.contains(&op.begin)
        {
            op.end = Some((moment, End::Info));
            op.cause = Cause::None;
        }
    }
    doubted
}

#[test]
fn what_a_violation_depends_on_is_enough_and_nothing_of_it_can_be_spared() {
    let mut rng = seeded(SEED + 20);
    let (mut judged, mut weak, mut several, mut many) = (0, 0, 0, 0);
    while judged < 12_000 {
        let small = random_case(random_shape(&mut rng), &mut rng);
        if is_linearizable(&small) {
            continue;
        }
        judged += 1;
        let options = case::options(&small);
        let verdict = check(&case::history(&small), &options, &Budget::unlimited());
        let depends_on = strength(&verdict.anomalies[0]).depends_on.as_ref().expect("no budget");
        let events = case::events(&small);
        let moment = |index: u64| events[usize::try_from(index).expect("small")].0;
        let trusted: Vec<u32> = depends_on.iter().map(|one| moment(one.index)).collect();
        let is_all = strength(&verdict.anomalies[0]).extent == Extent::All;
        // Where there may be more, each of these is indispensable by itself.
        let needed =
            if is_all { trusted.clone() } else { small.ops.iter().map(|op| op.begin).collect() };
        assert!(!is_linearizable(&doubted(&small, &needed)), "{depends_on:?}\n{small:#?}");
        many += u32::from(!is_all);
        for spared in &trusted {
            let rest: Vec<u32> = needed.iter().copied().filter(|one| one != spared).collect();
            assert!(is_linearizable(&doubted(&small, &rest)), "{depends_on:?}\n{small:#?}");
        }
        weak += u32::from(!trusted.is_empty());
        several += u32::from(trusted.len() > 1);
    }
    println!("{weak} depend on failures, {several} on several, {many} on too many to name all");
    assert!(weak > 500 && several > 20, "{weak} depend on failures, {several} on several");
}

fn anomaly(text: &str) -> Anomaly {
    let history: History = checker::history::read(text.as_bytes(), None).expect("readable");
    let options = CheckOptions { spec: infer_spec(&history), ..CheckOptions::default() };
    check(&history, &options, &Budget::unlimited()).anomalies.remove(0)
}

/// Write 1, fail to write 2, write 3, read 2.
const OBSERVED_FAILURE: &str = "[[0 :invoke :write 1] [0 :ok :write 1] [1 :invoke :write 2]
    {:process 1, :type :fail, :f :write, :value 2, :error \"HTTP 503\"}
    [2 :invoke :write 7] [2 :fail :write 7]
    [0 :invoke :read nil] [0 :ok :read 2]]";

#[test]
fn strength_is_told_in_a_sentence() {
    let told = |text: &str| strength(&anomaly(text)).sentence();
    assert_eq!(told(OBSERVED_FAILURE), "depends on 1 of 2 definite failures: #3 (HTTP 503)");
    let stale = OBSERVED_FAILURE.replace(":ok :read 2", ":ok :read 5");
    assert_eq!(told(&stale), "invalid even if all 2 definite failures are doubted");
    let sure = "[[0 :invoke :read nil] [0 :ok :read 2]]";
    let sentence = "no failure is involved: none of them could have changed anything";
    assert_eq!(told(sure), sentence);
}

#[test]
fn what_would_have_made_it_legal_is_told_the_most_plausible_first() {
    let legal = |text: &str| anomaly(text).examination.remedies;
    assert_eq!(
        legal(OBSERVED_FAILURE),
        [
            "if write 2 (process 1), which reported failure, had taken effect: then this :fail \
             should have been :info",
            "if the read by process 0 had read 1",
        ]
    );
    let stale = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :write 2] [1 :invoke :write 3]
        [0 :ok :write 2] [1 :ok :write 3] [2 :invoke :read nil] [2 :ok :read 1]]";
    assert_eq!(legal(stale), ["if the read by process 2 had read 2 or 3"]);
    let lost = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :write 2] [0 :ok :write 2]
        {:process 2, :type :invoke, :f :read, :value nil, :node \"n3\"} [2 :ok :read 1]]";
    assert_eq!(
        legal(lost),
        [
            "if the read by process 2 on n3 had read 2",
            "if write 2 (process 0), which was acknowledged, had not taken effect",
        ]
    );
    let twice = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :cas [1 2]]
        [1 :invoke :cas [1 3]] [0 :ok :cas [1 2]] [1 :ok :cas [1 3]]]";
    assert_eq!(
        legal(twice),
        [
            "if cas [1 2] (process 0), which was acknowledged, had not taken effect",
            "if cas [1 3] (process 1) had failed",
        ]
    );
}

/// Values come again, so nothing is certain of the whole history; of its core it is.
#[test]
fn the_core_explains_what_is_too_much_in_the_whole() {
    let text = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :write 5] [0 :ok :write 5]
        [0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :cas [1 2]] [1 :invoke :cas [1 3]]
        [0 :ok :cas [1 2]] [1 :ok :cas [1 3]]]";
    let found = anomaly(text);
    assert_eq!(found.kind, "lost-update", "{}", found.sentence);
    assert!(found.examination.core_explains);
    assert_eq!(found.examination.argument.len(), 2, "{found:#?}");
}

/// A stale read under a partition, after a kill that was healed before.
const UNDER_PARTITION: &str = "[[0 :invoke :write [:a 1]] [0 :ok :write [:a 1]]
    [:nemesis :info :kill nil] [:nemesis :info :kill nil]
    [:nemesis :info :start nil] [:nemesis :info :start nil]
    [1 :invoke :read [:a nil]] [1 :ok :read [:a 1]]
    [:nemesis :info :start-partition nil] [:nemesis :info :start-partition nil]
    [2 :invoke :write [:a 2]] [2 :ok :write [:a 2]]
    [1 :invoke :read [:a nil]] [1 :ok :read [:a 1]]
    [:nemesis :info :stop-partition nil] [:nemesis :info :stop-partition nil]]";

#[test]
fn fingerprints_have_model_kind_and_fault_but_no_keys_and_values() {
    let print = |text: &str| anomaly(text).examination.fingerprint;
    assert_eq!(print(UNDER_PARTITION), "cas-register/stale-read/partition");
    let other = UNDER_PARTITION.replace(":a", "77").replace(" 2]", " 9]");
    assert_eq!(print(&other), "cas-register/stale-read/partition");
    assert_eq!(print(OBSERVED_FAILURE), "cas-register/phantom-read/no-fault");
    let lost = "[[0 :invoke :add 1] [0 :ok :add 1] [:nemesis :info :kill nil]
                 [:nemesis :info :pause nil] [1 :invoke :read nil] [1 :ok :read #{}]]";
    assert_eq!(print(lost), "set/lost/kill+pause");
}

/// Thousands of doubted failures are thousands of crashed operations, and still decided.
#[test]
fn the_strength_of_every_violation_in_the_corpus_is_determined() {
    let Some(folder) = corpus::folder() else { return };
    for entry in corpus::entries(&folder).iter().filter(|entry| entry.verdict == "invalid") {
        let (history, patience) = (entry.read(&folder), Patience(Duration::from_mins(5)));
        if history.operations().len() > 20_000 {
            continue;
        }
        let options = CheckOptions { patience, ..entry.options() };
        let verdict = check(&history, &options, &Budget::unlimited());
        let strength = strength(&verdict.anomalies[0]);
        assert!(strength.depends_on.is_some(), "{}: {strength:?}", entry.file);
    }
}
