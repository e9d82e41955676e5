//! The rows of the gate: each with its answer, its exit code and its reason in one line.

use std::path::Path;

use super::*;
use crate::store::{
    Coverage, InSuite, Keys, Outcome, RUN_SCHEMA, Record, Tally, UnderFault as Under, Violation,
    runs,
};

const NOW: &str = "2026-11-21T06:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// A run that nothing can be said against.
fn good(cell: &str) -> Record {
    Record {
        schema: RUN_SCHEMA.into(),
        id: format!("nightly/1/{cell}/1"),
        folder: format!("{cell}/1"),
        suite: Some(InSuite {
            name: "nightly".into(),
            night: "nightly/1".into(),
            cell: cell.into(),
            attempt: 1,
            cells: 2,
        }),
        ended: "2026-11-21T04:00:00Z".into(),
        system: "etcd".into(),
        system_version: "3.5.1".into(),
        workload: "register".into(),
        planned: vec!["kill".into()],
        verdict: Outcome::Valid,
        sentence: "10 keys are linearizable".into(),
        operations: Tally { all: 1000, ok: 900, fail: 60, info: 40 },
        keys: Keys { all: 10, ..Keys::default() },
        acknowledged_writes: 400,
        reads_of_written_values: 400,
        load_ms: 60_000,
        longest_gap_ms: 4_000,
        faults: vec![Under {
            fault: "kill".into(),
            injected: 4,
            proved: 4,
            healed: 4,
            met: 4,
            operations: 300,
            ok: 200,
            leader: 1,
            leader_known: 4,
        }],
        again: "checker test --seed 1".into(),
        rejudge: "checker analyze x".into(),
        ..Record::default()
    }
}

fn violated(cell: &str, fingerprint: Option<&str>) -> Record {
    let violation = Violation {
        fingerprint: fingerprint.map(str::to_owned),
        kind: "stale-read".into(),
        sentence: "stale read: process 1 read 24".into(),
        count: 1,
    };
    Record { verdict: Outcome::Invalid, violations: vec![violation], ..good(cell) }
}

fn crashed(cell: &str) -> Record {
    let trouble = vec!["a kill did not take hold".into()];
    Record { verdict: Outcome::Crashed, trouble, ..good(cell) }
}

/// A night of two cells, with these attempts on record.
fn night(attempts: &[Record]) -> Evidence {
    let cells = ["a", "b"].map(|name| Cell {
        name: name.into(),
        attempts: (attempts.iter())
            .filter(|one| one.suite.as_ref().is_some_and(|suite| suite.cell == name))
            .cloned()
            .collect(),
        missing: "it has no record".into(),
        nemesis: Some("kill".into()),
    });
    Evidence { cells: cells.into(), from: vec!["nightly/1".into()], ..Evidence::default() }
}

fn held(attempts: &[Record], policy: Policy) -> Decision {
    decide(night(attempts), policy, None, now())
}

fn parsed(text: &str) -> Policy {
    toml::from_str(text).expect("a policy")
}

/// Asserts the answer, and that one line of the screen gives the reason.
fn assert_row(decision: &Decision, exit: Exit, rule: &str, reason: &str) {
    let screen = text(decision, crate::report::Colour::Never);
    assert_eq!(decision.exit(), exit, "{screen}");
    let headline = if exit == Exit::Valid { "SHIP  " } else { "DO NOT SHIP  " };
    assert!(screen.starts_with(headline), "{screen}");
    assert!(screen.lines().count() <= 24, "one screen: {screen}");
    let told = |line: &str| line.trim_start().starts_with(rule) && line.contains(reason);
    assert!(rule.is_empty() || screen.lines().any(told), "{rule} {reason:?}: {screen}");
}

#[test]
fn all_valid_ships() {
    let decision = held(&[good("a"), good("b")], Policy::default());
    assert_row(&decision, Exit::Valid, "", "");
    assert!(decision.findings.is_empty(), "{:?}", decision.findings);
}

#[test]
fn one_invalid_does_not_ship() {
    let decision = held(&[good("a"), violated("b", None)], Policy::default());
    assert_row(
        &decision,
        Exit::Invalid,
        "violation",
        "new, without a fingerprint, in b: stale read: process 1",
    );
}

#[test]
fn one_unknown_does_not_ship_unless_the_policy_allows_it() {
    let unknown = Record {
        verdict: Outcome::Unknown,
        reason: Some("deadline".into()),
        keys: Keys { all: 10, unknown: 1, invalid: 0 },
        ..good("b")
    };
    let runs = [good("a"), unknown];
    assert_row(&held(&runs, Policy::default()), Exit::Unknown, "unknown", "1 of 2 runs");
    let one_run = parsed("[safety]\nunknown-runs = 1\n");
    assert_row(&held(&runs, one_run), Exit::Valid, "note", "1 of 2 runs");
    let one_key = parsed("[safety]\nunknown-keys = 1\n");
    assert_row(&held(&runs, one_key), Exit::Valid, "note", "0 of 2 runs are undecided (1 keys)");
}

#[test]
fn a_run_that_lacks_something_is_not_excused_by_the_number_of_its_keys() {
    let unread = Record { verdict: Outcome::Unknown, reason: Some("missing".into()), ..good("b") };
    let keys = parsed("[safety]\nunknown-keys = 100\n");
    assert_row(&held(&[good("a"), unread], keys), Exit::Unknown, "unknown", "1 of 2 runs");
}

#[test]
fn a_vacuous_run_never_ships_whatever_the_policy_and_the_verdict_say() {
    let lenient = || {
        parsed(
            "[safety]\nunknown-runs = 9\nunknown-keys = 9\n[power]\nacknowledged-writes = 0\n\
             reads-of-written-values = 0\n",
        )
    };
    for verdict in [Outcome::Unknown, Outcome::Valid] {
        let vacuous = Record { verdict, reads_of_written_values: 0, ..good("b") };
        let decision = held(&[good("a"), vacuous], lenient());
        assert_row(&decision, Exit::Unknown, "vacuous", "b is vacuous: 400 writes");
    }
}

#[test]
fn final_reads_do_not_make_up_for_a_load_that_did_nothing() {
    let reason = Some("vacuous".into());
    let idle = Record { verdict: Outcome::Unknown, reason, ..good("b") };
    let decision = held(&[good("a"), idle], Policy::default());
    let told = "b is vacuous: its load acknowledged no write, or no read";
    assert_row(&decision, Exit::Unknown, "vacuous", told);
}

#[test]
fn what_was_interrupted_does_not_ship_whatever_it_found_until_then() {
    let cut = Record { interrupted: true, ..good("b") };
    let decision = held(&[good("a"), cut], Policy::default());
    assert_row(&decision, Exit::Unknown, "harness", "b was interrupted before its end");
}

#[test]
fn a_waived_violation_makes_up_for_nothing_else() {
    let waiver = "[[waiver]]\nfingerprint = 'f1'\nowner = 'ada'\nreason = 'known'\n\
                  expires = '2026-12-01'\n";
    let idle = Record { reads_of_written_values: 0, ..violated("b", Some("f1")) };
    let decision = held(&[good("a"), idle], parsed(waiver));
    assert_row(&decision, Exit::Unknown, "vacuous", "b is vacuous");
}

#[test]
fn a_run_that_was_not_decided_counts_though_it_names_no_key() {
    let reason = Some("deadline".into());
    let undecided = Record { verdict: Outcome::Unknown, reason, ..good("b") };
    let decision = held(&[good("a"), undecided], Policy::default());
    assert_row(&decision, Exit::Unknown, "unknown", "1 of 2 runs are undecided");
}

#[test]
fn figures_that_are_absurd_or_absent_satisfy_nothing() {
    for all in [0, u64::MAX] {
        let operations = Tally { all, ok: all / 100, ..Tally::default() };
        let decision = held(&[good("a"), Record { operations, ..good("b") }], Policy::default());
        assert_row(&decision, Exit::Unknown, "availability", "b: only");
    }
}

#[test]
fn a_missing_cell_does_not_ship() {
    let decision = held(&[good("a")], Policy::default());
    assert_row(&decision, Exit::Unknown, "missing", "b has no result: it has no record");
}

#[test]
fn a_failure_of_the_tester_and_then_a_good_run_ships_and_is_told() {
    let decision = held(&[good("a"), crashed("b"), good("b")], Policy::default());
    assert_row(&decision, Exit::Valid, "note", "b: the tester failed once before it succeeded");
}

#[test]
fn a_tester_that_never_succeeded_or_failed_too_often_does_not_ship() {
    let never = held(&[good("a"), crashed("b")], Policy::default());
    assert_row(&never, Exit::Unknown, "harness", "never succeeded: a kill did not take hold");
    let often = [good("a"), crashed("b"), crashed("b"), crashed("b"), good("b")];
    assert_row(&held(&often, Policy::default()), Exit::Unknown, "harness", "3 times");
}

#[test]
fn a_violation_counts_although_a_later_attempt_was_good() {
    let decision = held(&[good("a"), violated("b", None), good("b")], Policy::default());
    assert_row(&decision, Exit::Invalid, "violation", "stale read");
}

#[test]
fn an_empty_store_does_not_ship() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = Evidence::gather(&[folder.path()]).unwrap();
    let decision = decide(evidence, Policy::default(), None, now());
    assert_row(&decision, Exit::Unknown, "missing", "there is no run at all");
    assert!(Evidence::gather(&[folder.path().join("nowhere")]).is_err());
}

const WAIVER: &str = "[[waiver]]\nfingerprint = 'f1'\nowner = 'ada'\nreason = 'known'\n";

#[test]
fn a_waiver_holds_through_its_last_day_and_only_for_its_fingerprint() {
    let until = |day: &str| parsed(&format!("{WAIVER}expires = '{day}'\n"));
    let runs = [good("a"), violated("b", Some("f1"))];
    let waived = held(&runs, until("2026-11-21"));
    assert_row(&waived, Exit::Valid, "note", "waived by ada until 2026-11-21 (known): f1 in b");
    let expired = held(&runs, until("2026-11-20"));
    assert_row(&expired, Exit::Invalid, "violation", "the waiver of ada expired on 2026-11-20: f1");
    let other = [good("a"), violated("b", Some("f2"))];
    let new = held(&other, until("2026-12-31"));
    assert_row(&new, Exit::Invalid, "violation", "new: f2 in b: stale read");
    let unnamed = held(&[good("a"), violated("b", None)], until("2026-12-31"));
    assert_eq!(unnamed.exit(), Exit::Invalid);
}

#[test]
fn a_run_with_a_waived_violation_and_another_one_blocks() {
    let mut both = violated("b", Some("f1"));
    both.violations.extend(violated("b", Some("f2")).violations);
    let policy = parsed(&format!("{WAIVER}expires = '2027-01-01'\n"));
    assert_row(&held(&[good("a"), both], policy), Exit::Invalid, "violation", "new: f2");
}

#[test]
fn one_fingerprint_in_many_cells_is_one_reason() {
    let runs = [violated("a", Some("f1")), violated("b", Some("f1"))];
    let decision = held(&runs, Policy::default());
    assert_eq!(decision.reasons().count(), 1);
    assert_row(&decision, Exit::Invalid, "violation", "new: f1 in 2 cells (a, …)");
}

#[test]
fn old_runs_and_runs_of_another_version_do_not_ship() {
    let old = Record { ended: "2026-11-19T04:00:00Z".into(), ..good("b") };
    let decision = held(&[good("a"), old], Policy::default());
    assert_row(&decision, Exit::Unknown, "stale", "1 of 2 runs ended more than 36h ago");
    let other = Record { system_version: "3.4.0".into(), ..good("b") };
    let decision = held(&[good("a"), other], Policy::default());
    assert_row(&decision, Exit::Unknown, "stale", "2 versions of etcd: 3.4.0, 3.5.1");
    let wanted = parsed("[freshness]\nsystem-version = '3.6.0'\n");
    let decision = held(&[good("a"), good("b")], wanted);
    assert_row(&decision, Exit::Unknown, "stale", "of etcd 3.5.1, not 3.6.0");
}

#[test]
fn a_run_of_a_system_that_was_broken_on_purpose_is_no_evidence() {
    let broken = |record: Record| Record { bug: Some("stale-read".into()), ..record };
    let decision = held(&[good("a"), broken(good("b"))], Policy::default());
    assert_row(&decision, Exit::Unknown, "broken", "1 of 2 runs are of a system that was broken");
    let found = held(&[good("a"), broken(violated("b", Some("f1")))], Policy::default());
    assert_row(&found, Exit::Invalid, "violation", "new: f1 in b");
    assert!(found.findings.iter().all(|finding| finding.rule != "broken"), "it was found");
}

#[test]
fn sums_of_absurd_records_do_not_wrap() {
    let absurd = |id| Record { acknowledged_writes: u64::MAX, load_ms: u64::MAX, ..good(id) };
    let decision = held(&[absurd("a"), absurd("b")], Policy::default());
    assert_eq!(decision.figures.acknowledged_writes, u64::MAX);
    assert!(decision.figures.hours > 1e9, "{}", decision.figures.hours);
}

#[test]
fn faults_that_were_planned_must_have_met_operations_and_a_leader() {
    let without = |faults: Vec<Under>| {
        [good("a"), good("b")].map(|one| Record { faults: faults.clone(), ..one })
    };
    let none = held(&without(Vec::new()), Policy::default());
    assert_row(&none, Exit::Unknown, "weak", "kill was planned in 2 runs and never in force");
    let mut few = good("a").faults;
    few[0].operations = 3;
    assert_row(&held(&without(few), Policy::default()), Exit::Unknown, "weak", "only 6 operations");
    let mut followers = good("a").faults;
    followers[0].leader = 0;
    let decision = held(&without(followers.clone()), Policy::default());
    assert_row(
        &decision,
        Exit::Unknown,
        "weak",
        "no fault is known to have struck a node that led",
    );
    let policy = parsed("[power]\nleader-hit = false\n");
    assert_row(&held(&without(followers), policy), Exit::Valid, "", "");
    let policy = parsed("[power]\nfaults = ['partition']\nseeds = 3\nhours = 8.0\n");
    let decision = held(&[good("a"), good("b")], policy);
    assert_row(&decision, Exit::Unknown, "weak", "partition was never in force");
    assert_row(&decision, Exit::Unknown, "weak", "seeds tried: 1, fewer than 3");
    assert_row(&decision, Exit::Unknown, "weak", "0.03 hours of load, fewer than 8");
}

#[test]
fn a_service_that_hardly_served_does_not_ship() {
    let hardly =
        Record { operations: Tally { all: 1000, ok: 240, fail: 760, info: 0 }, ..good("b") };
    let decision = held(&[good("a"), hardly], Policy::default());
    assert_row(&decision, Exit::Unknown, "availability", "b: only 24.0 % acknowledged");
    let silent = Record { longest_gap_ms: 121_000, ..good("b") };
    let decision = held(&[good("a"), silent], Policy::default());
    assert_row(&decision, Exit::Unknown, "availability", "nothing acknowledged for 121 s");
}

#[test]
fn half_the_operations_under_faults_of_the_release_before_do_not_ship() {
    let mut weaker = [good("a"), good("b")];
    for run in &mut weaker {
        run.faults[0].operations = 150;
    }
    let before = night(&[good("a"), good("b")]);
    let against = |runs: &[Record]| decide(night(runs), Policy::default(), Some(&before), now());
    let decision = against(&weaker);
    let reason = "300 operations of register during kill, 50 % of the baseline's 600";
    assert_row(&decision, Exit::Unknown, "baseline", reason);
    assert_row(&against(&[good("a"), good("b")]), Exit::Valid, "", "");
    let nothing = decide(night(&weaker), Policy::default(), Some(&Evidence::default()), now());
    assert_row(&nothing, Exit::Unknown, "baseline", "no run to compare with");
}

/// A night whose runs had restarts: so many in each, of which so many met so many operations.
fn restarts(proved: u64, met: u64, operations: u64) -> [Record; 2] {
    [good("a"), good("b")].map(|mut run| {
        run.planned.push("restart".into());
        let fault = "restart".into();
        run.faults.push(Under {
            fault,
            met,
            operations,
            injected: proved,
            proved,
            ..Under::default()
        });
        run
    })
}

#[test]
fn restarts_last_as_long_as_the_system_likes_and_count_one_by_one() {
    let held_of = |runs: &[Record]| held(runs, Policy::default());
    assert_row(&held_of(&restarts(3, 3, 7)), Exit::Valid, "", "");
    // One that takes the system long enough for many operations will do, too.
    assert_row(&held_of(&restarts(1, 1, 10)), Exit::Valid, "", "");
    let reason = "only 8 operations overlapped a restart, fewer than 20, and only 4 of 6 met any, \
                  fewer than 5";
    assert_row(&held_of(&restarts(3, 2, 4)), Exit::Unknown, "weak", reason);
    let never = held_of(&restarts(0, 0, 0));
    assert_row(&never, Exit::Unknown, "weak", "restart was planned in 2 runs and never in force");
    let strict = parsed("[power]\nbrief-faults-met = 7\n");
    assert_row(&held(&restarts(3, 3, 7), strict), Exit::Unknown, "weak", "6 of 6 met any");
}

#[test]
fn faults_that_last_as_planned_need_operations_however_many_they_are() {
    let mut runs = [good("a"), good("b")];
    for run in &mut runs {
        (run.faults[0].proved, run.faults[0].met, run.faults[0].operations) = (9, 9, 9);
    }
    let decision = held(&runs, Policy::default());
    assert_row(
        &decision,
        Exit::Unknown,
        "weak",
        "only 18 operations overlapped a kill, fewer than",
    );
}

#[test]
fn a_release_that_restarts_sooner_is_as_strong_and_one_with_fewer_restarts_is_not() {
    let before = night(&restarts(6, 6, 90));
    let against = |runs: &[Record]| decide(night(runs), Policy::default(), Some(&before), now());
    assert_row(&against(&restarts(6, 6, 12)), Exit::Valid, "", "");
    let reason = "6 faults met by register during restart, 50 % of the baseline's 12";
    assert_row(&against(&restarts(3, 3, 90)), Exit::Unknown, "baseline", reason);
}

#[test]
fn a_file_of_records_counts_its_last_night_and_what_that_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let of_night = |night: &str, record: Record| {
        let suite = record.suite.clone().map(|suite| InSuite { night: night.into(), ..suite });
        Record { suite, ..record }
    };
    runs::append(folder.path(), &of_night("nightly/1", violated("a", None))).unwrap();
    runs::append(folder.path(), &of_night("nightly/2", good("a"))).unwrap();
    let gather = || Evidence::gather(&[folder.path().join("runs.jsonl")]).unwrap();
    let decision = decide(gather(), Policy::default(), None, now());
    assert_row(&decision, Exit::Unknown, "missing", "nightly, cell 2 of 2 has no result");
    runs::append(folder.path(), &of_night("nightly/2", good("b"))).unwrap();
    let decision = decide(gather(), Policy::default(), None, now());
    assert_eq!(decision.evidence.from, ["nightly/2"]);
    // All that it holds is good, and whether it holds the last night it does not tell.
    assert_eq!(decision.reasons().count(), 1);
    assert_row(&decision, Exit::Unknown, "missing", "alone tells of runs that ended");
}

/// The folder of a night of cell `a`, with or without its record.
fn put_night(store: &Path, time: &str, attempt: Option<Record>, repeats: Option<&str>) {
    let folder = store.join("nightly").join(time);
    std::fs::create_dir_all(&folder).unwrap();
    let mut plan = serde_json::json!({
        "schema": "ordeal-suite/1", "name": "nightly", "ordeal": "0", "started": NOW, "seed": 1,
        "command": "", "retries": 1, "cells": [{
            "id": "a", "system": "etcd", "workload": "register", "nemesis": "kill", "seed": 1,
            "scenario": ""
        }]
    });
    if let Some(run) = repeats {
        plan["repeats"] = run.into();
    }
    std::fs::write(folder.join("suite.json"), plan.to_string()).unwrap();
    if let Some(record) = attempt {
        runs::append(&folder, &record).unwrap();
    }
}

const FIRST: &str = "20261120T020000.000Z";
const SECOND: &str = "20261121T020000.000Z";

fn of_path(path: &Path) -> Decision {
    decide(Evidence::gather(&[path]).unwrap(), Policy::default(), None, now())
}

#[test]
fn a_file_of_records_beside_its_nights_knows_the_one_that_has_no_record() {
    let store = tempfile::tempdir().unwrap();
    put_night(store.path(), FIRST, Some(good("a")), None);
    let suite = good("a").suite.map(|suite| InSuite { night: format!("nightly/{FIRST}"), ..suite });
    runs::append(store.path(), &Record { suite, ..good("a") }).unwrap();
    let file = store.path().join("runs.jsonl");
    assert_row(&of_path(&file), Exit::Valid, "", "");
    put_night(store.path(), SECOND, None, None);
    assert_row(&of_path(&file), Exit::Unknown, "missing", "a has no result");
}

#[test]
fn a_record_that_its_night_did_not_plan_is_not_passed_over() {
    let store = tempfile::tempdir().unwrap();
    put_night(store.path(), FIRST, Some(good("a")), None);
    let folder = store.path().join("nightly").join(FIRST);
    runs::append(&folder, &good("b")).unwrap();
    let reason = "has a record of b, of which its plan says nothing";
    assert_row(&of_path(store.path()), Exit::Unknown, "missing", reason);
    runs::append(&folder, &violated("c", Some("f1"))).unwrap();
    assert_row(&of_path(store.path()), Exit::Invalid, "violation", "new: f1 in c");
}

#[test]
fn a_night_of_repetitions_is_not_the_last_night_and_counts_for_nothing() {
    let store = tempfile::tempdir().unwrap();
    put_night(store.path(), FIRST, Some(good("a")), None);
    put_night(store.path(), SECOND, Some(good("a")), Some("store/latest"));
    let decision = of_path(store.path());
    assert_row(&decision, Exit::Valid, "", "");
    assert_eq!(decision.figures.cells, 1);
    let alone = of_path(&store.path().join("nightly").join(SECOND));
    assert_row(&alone, Exit::Unknown, "missing", "there is no run at all");
}

#[test]
fn a_night_that_has_no_plan_yet_or_no_folder_any_more_is_not_passed_over() {
    let store = tempfile::tempdir().unwrap();
    put_night(store.path(), FIRST, Some(good("a")), None);
    std::os::unix::fs::symlink(FIRST, store.path().join("nightly/latest")).unwrap();
    let latest = store.path().join("nightly/latest");
    assert_row(&of_path(&latest), Exit::Valid, "", "");
    std::fs::create_dir(store.path().join("nightly").join(SECOND)).unwrap();
    assert_row(&of_path(store.path()), Exit::Unknown, "missing", "was begun and has no plan");
    assert_row(&of_path(&latest), Exit::Unknown, "missing", "was begun and has no plan");
    put_night(store.path(), SECOND, Some(good("a")), None);
    assert_row(&of_path(&latest), Exit::Unknown, "missing", "is not the latest");
    std::fs::remove_dir_all(store.path().join("nightly").join(SECOND)).unwrap();
    let bad = violated("a", None);
    let suite = bad.suite.clone().map(|one| InSuite { night: format!("nightly/{SECOND}"), ..one });
    runs::append(store.path(), &Record { suite, ..bad }).unwrap();
    assert_row(&of_path(store.path()), Exit::Invalid, "violation", "stale read");
}

#[test]
fn a_cell_that_met_no_fault_does_not_pass_on_the_faults_of_another() {
    let idle = Record { faults: Vec::new(), ..good("b") };
    let decision = held(&[good("a"), idle.clone()], Policy::default());
    let reason = "b: no fault was in force though kill was planned: give it more time";
    assert_row(&decision, Exit::Unknown, "weak", reason);
    let mut unmet = good("b");
    (unmet.faults[0].operations, unmet.faults[0].met) = (0, 0);
    let decision = held(&[good("a"), unmet], Policy::default());
    assert_row(&decision, Exit::Unknown, "weak", "b: no operation met any of its 4 faults (kill)");
    let allowed = parsed("[power]\nruns-without-fault = 1\n");
    assert_row(&held(&[good("a"), idle.clone()], allowed), Exit::Valid, "note", "b: no fault");
    // One that planned none lacks none.
    let mut calm = night(&[good("a"), Record { planned: Vec::new(), ..idle }]);
    calm.cells[1].nemesis = None;
    assert_row(&decide(calm, Policy::default(), None, now()), Exit::Valid, "", "");
}

#[test]
fn operations_of_which_none_was_acknowledged_under_a_fault_prove_little() {
    let down = |nodes: u16, struck: u64| {
        [good("a"), good("b")].map(|mut run| {
            run.nodes = nodes;
            run.faults[0].ok = 0;
            let (fault, node) = ("kill".into(), "n1".into());
            run.coverage = vec![Coverage { fault, node, times: struck, operations: 300 }];
            run
        })
    };
    let decision = held(&down(5, 4), Policy::default());
    let reason = "of 600 operations that overlapped a kill 0 were acknowledged";
    assert_row(&decision, Exit::Unknown, "weak", reason);
    let lenient = parsed("[power]\nacknowledged-under-fault = 0\n");
    assert_row(&held(&down(5, 4), lenient), Exit::Valid, "", "");
    // Kills that leave no majority leave nobody who could acknowledge.
    assert_row(&held(&down(5, 12), Policy::default()), Exit::Valid, "", "");
}

#[test]
fn a_run_that_was_begun_and_never_judged_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let put = |run: &str, name: &str, text: &str| {
        let run = folder.path().join("by-hand").join(run);
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join(name), text).unwrap();
    };
    put("1", "manifest.json", "{}");
    put("1", "summary.json", &serde_json::to_string(&good("a")).unwrap());
    let decision =
        |path: &Path| decide(Evidence::gather(&[path]).unwrap(), Policy::default(), None, now());
    assert_row(&decision(folder.path()), Exit::Valid, "", "");
    put("2", "manifest.json", "{}");
    let decision = decision(folder.path());
    assert_row(&decision, Exit::Unknown, "missing", "by-hand/2 has no result: it has no summary");
}

#[test]
fn every_format_gives_the_same_answer_and_keeps_text_text() {
    let mut hostile = violated("b", Some("f1"));
    hostile.violations[0].sentence = "read <script>|]]>\u{1b}[31m".into();
    let decision = held(&[good("a"), hostile], Policy::default());
    let json: serde_json::Value = serde_json::from_str(&json(&decision).unwrap()).unwrap();
    assert_eq!((&json["schema"], &json["ship"]), (&"ordeal-gate/1".into(), &false.into()));
    assert_eq!(json["exit"], 1);
    assert_eq!(json["reasons"][0]["fingerprint"], "f1");
    let xml = junit(&decision);
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(!xml.contains("<script>") && !xml.contains('\u{1b}'), "{xml}");
    let page = markdown(&decision);
    assert!(page.contains("DO NOT SHIP") && !page.contains("<script>"), "{page}");
    assert!(!text(&decision, crate::report::Colour::Never).contains('\u{1b}'));
}
