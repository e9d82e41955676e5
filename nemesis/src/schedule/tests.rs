use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::seed;
use crate::topology::Topology;

fn params(seed: u64, nodes: u16, time_limit_ms: u64) -> ScheduleParams {
    ScheduleParams::new(seed, nodes, time_limit_ms)
}

fn kinds(schedule: &Schedule) -> BTreeSet<FaultKind> {
    let injected = schedule.steps.iter().filter_map(|step| match &step.action {
        Action::Inject(fault) => Some(fault.kind()),
        Action::Heal(_) => None,
    });
    injected.collect()
}

#[test]
fn fifteen_seconds_meet_several_kinds_with_every_seed_and_all_over_a_few() {
    let mut all = BTreeSet::new();
    for seed in 0..20 {
        let schedule = Schedule::generate(&params(seed, 5, 15_000)).unwrap();
        let met = kinds(&schedule);
        assert!(met.len() >= 3, "seed {seed}: {met:?}");
        all.extend(met);
    }
    assert_eq!(all, BTreeSet::from(FaultKind::DEFAULT));
}

#[test]
fn every_shape_and_target_occurs_over_a_few_seeds() {
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        for step in Schedule::generate(&params(seed, 4, 60_000)).unwrap().steps {
            if let Action::Inject(fault) = &step.action {
                seen.insert(format!("{} {}", fault.kind(), step.plan()));
            }
        }
    }
    // Of four nodes, a majority leaves one, and a minority and a third of the others are one: six
    // shapes differ, and four targets for each of three faults.
    assert_eq!(seen.len(), 6 + 3 * 4, "{seen:?}");
}

#[test]
fn a_change_of_one_concern_does_not_shift_the_others() {
    let all = params(9, 5, 60_000);
    let fewer_shapes = ScheduleParams { topologies: vec![Topology::One], ..all.clone() };
    let times = |params| {
        let steps = Schedule::generate(params).unwrap().steps;
        steps.iter().map(|step| (step.at_ms, step.f())).collect::<Vec<_>>()
    };
    assert_eq!(times(&all), times(&fewer_shapes));
}

#[test]
fn what_is_not_defined_for_a_cluster_is_left_out_with_the_reason() {
    let schedule = Schedule::generate(&params(1, 1, 15_000)).unwrap();
    assert!(!kinds(&schedule).contains(&FaultKind::Partition));
    let left_out: BTreeMap<_, _> =
        schedule.left_out.iter().map(|left| (left.what.as_str(), left.reason.as_str())).collect();
    assert_eq!(left_out["partition bridge"], "it needs at least 3 nodes");
    assert_eq!(left_out["partition"], "nothing to aim at in a cluster of 1");

    let only = ScheduleParams { faults: vec![FaultKind::Partition], ..params(1, 1, 15_000) };
    assert!(matches!(Schedule::generate(&only), Err(ScheduleError::NothingPossible(_))));
}

#[test]
fn parameters_that_make_no_sense_are_refused_with_a_word() {
    let refuse = |params| Schedule::generate(&params).unwrap_err().to_string();
    let shown =
        refuse(ScheduleParams { quiet_ms: 3_000, interval_ms: 3_000, ..params(0, 5, 9_000) });
    assert_eq!(shown, "an interval of 3000 ms with 3000 ms of quiet leaves no time for faults");
    let shown = refuse(ScheduleParams { interval_ms: 9_000, ..params(0, 5, 2_000) });
    assert_eq!(shown, "2000 ms are too short for a fault of 8750 ms and quiet around it");
    assert_eq!(refuse(params(0, 0, 9_000)), "a cluster of no nodes has no faults");
}

#[test]
fn no_faults_asked_for_is_a_quiet_schedule() {
    let none = ScheduleParams { faults: Vec::new(), ..params(3, 5, 15_000) };
    assert_eq!(Schedule::generate(&none), Ok(Schedule::quiet(3, 5)));
}

#[test]
fn steps_are_written_as_a_person_would_write_them() {
    let steps = r#"[
        {"at_ms": 100, "inject": {"fault": "partition", "topology": {"groups": [["n1"], ["n2", "n3"]]}}},
        {"at_ms": 200, "inject": {"fault": "kill", "target": "primaries", "keep_up": 0}},
        {"at_ms": 250, "inject": {"fault": "pause", "target": {"nodes": ["n2"]}, "draw": 7}},
        {"at_ms": 300, "inject": {"fault": "links", "how": {"delay": {"delay_ms": 50}}, "topology": "one"}},
        {"at_ms": 900, "heal": "kill"}
    ]"#;
    let read: Vec<Step> = serde_json::from_str(steps).unwrap();
    let shown: Vec<String> =
        read.iter().map(|step| format!("{} {}", step.f(), step.plan())).collect();
    let expected = [
        r#"start-partition {"groups":[["n1"],["n2","n3"]]}"#,
        r#"kill "primaries""#,
        r#"pause ["n2"]"#,
        r#"start-packet ["one",{"delay":{"delay_ms":50}}]"#,
        "start null",
    ];
    assert_eq!(shown, expected);
    let again: Vec<Step> = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    assert!(Schedule::of_steps(1, 3, read).is_ok());
}

#[test]
fn a_step_with_two_actions_none_or_a_misspelt_field_is_refused() {
    for wrong in [
        r#"{"at_ms": 1}"#,
        r#"{"at_ms": 1, "heal": "kill", "inject": {"fault": "kill", "target": "one"}}"#,
        r#"{"at_ms": 1, "inject": {"fault": "kill", "taget": "one"}}"#,
        r#"{"at_ms": 1, "inject": {"fault": "kill", "target": "one", "keepup": 1}}"#,
        r#"{"at_ms": 1, "inject": {"fault": "pause", "target": {"nodes": ["x2"]}}}"#,
    ] {
        assert!(serde_json::from_str::<Step>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_step_that_waits_for_the_cluster_says_so_where_it_is_written_and_no_other_does() {
    let read = |text: &str| serde_json::from_str::<Step>(text);
    let waits = r#"{"at_ms":1,"after_ok":500,"heal":"kill"}"#;
    assert_eq!(read(waits).unwrap().after_ok, 500);
    for text in [waits, r#"{"at_ms":1,"heal":"kill"}"#] {
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }
    assert!(read(r#"{"at_ms":1,"after_ok":0,"heal":"kill"}"#).is_err());
}

#[test]
fn steps_that_cannot_be_executed_on_the_cluster_are_refused() {
    let step = |at_ms, inject: &str| -> Step {
        serde_json::from_str(&format!(r#"{{"at_ms": {at_ms}, "inject": {inject}}}"#)).unwrap()
    };
    let kill = |at_ms| step(at_ms, r#"{"fault": "kill", "target": {"nodes": ["n4"]}}"#);
    let refuse = |steps| Schedule::of_steps(1, 3, steps).unwrap_err().to_string();
    assert_eq!(refuse(vec![kill(5)]), "the step at 5 ms: there is no node n4");
    let bridge = || step(7, r#"{"fault": "partition", "topology": "minority-third"}"#);
    let expected = "the step at 7 ms: a partition of shape minority-third needs at least 4 nodes and there are 3";
    assert_eq!(refuse(vec![bridge()]), expected);
    let late = Schedule::of_steps(1, 5, vec![kill(9), kill(8)]);
    assert_eq!(late, Err(ScheduleError::OutOfOrder { at_ms: 8, after_ms: 9 }));
}

#[test]
fn targets_hit_as_many_nodes_as_their_names_say() {
    let counts = |nodes| Target::DRAWN.map(|target| target.count(nodes));
    assert_eq!(counts(1), [Some(1), Some(0), Some(1), None, Some(1)]);
    assert_eq!(counts(2), [Some(1), Some(0), Some(2), None, Some(2)]);
    assert_eq!(counts(3), [Some(1), Some(1), Some(2), None, Some(3)]);
    assert_eq!(counts(5), [Some(1), Some(2), Some(3), None, Some(5)]);
    assert_eq!(counts(7), [Some(1), Some(3), Some(4), None, Some(7)]);
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_schedule_and_json_keeps_it(
        seed: u64, nodes in 1u16..=9, time_limit_ms in 1_000u64..200_000,
    ) {
        let schedule = Schedule::generate(&params(seed, nodes, time_limit_ms)).unwrap();
        let again = Schedule::generate(&params(seed, nodes, time_limit_ms));
        prop_assert_eq!(again.as_ref(), Ok(&schedule));
        let json = serde_json::to_string(&schedule).unwrap();
        prop_assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule.clone());
        prop_assert_eq!(schedule.validate(), Ok(()));
    }

    #[test]
    fn every_fault_is_healed_before_the_next_and_before_the_end_with_quiet_between(
        seed: u64, nodes in 1u16..=9, time_limit_ms in 3_000u64..300_000,
    ) {
        let params = params(seed, nodes, time_limit_ms);
        let steps = Schedule::generate(&params).unwrap().steps;
        let least_quiet_ms = params.quiet_ms - params.quiet_ms / 5;
        let mut quiet_from_ms = 0;
        let mut in_force = None;
        for step in &steps {
            match &step.action {
                Action::Inject(fault) => {
                    prop_assert_eq!(in_force, None);
                    prop_assert!(step.at_ms >= quiet_from_ms + least_quiet_ms);
                    in_force = fault.kind().healed_by();
                }
                Action::Heal(heal) => prop_assert_eq!(in_force.take(), Some(*heal)),
            }
            quiet_from_ms = step.at_ms;
        }
        prop_assert_eq!(in_force, None);
        prop_assert!(quiet_from_ms + params.quiet_ms <= time_limit_ms);
    }

    #[test]
    fn a_target_prefers_nodes_of_the_cluster_each_once(
        seed: u64, count in 1u16..=9, index in 0..Target::DRAWN.len(),
    ) {
        let nodes = NodeId::cluster(count);
        let target = &Target::DRAWN[index];
        let mut preferred = target.preference(&nodes, &nodes[..1], &mut seed::rng(seed, "test"));
        preferred.sort();
        let expected = if *target == Target::Primaries { &nodes[..1] } else { &nodes[..] };
        prop_assert_eq!(preferred, expected);
    }
}
