//! Clusters of other sizes than five.

use std::thread;

use crate::place::Place;

#[test]
fn a_single_node_and_pairs_are_tested_as_well() {
    thread::scope(|scope| {
        scope.spawn(|| assert_valid("--nodes 1 --nemesis restart,kill,pause --targets all,one"));
        scope.spawn(|| assert_valid("--nodes 2 --nemesis all"));
    });
}

#[test]
fn clusters_of_three_and_seven_are_tested_with_all_faults() {
    thread::scope(|scope| {
        scope.spawn(|| assert_valid("--nodes 3 --nemesis all"));
        scope.spawn(|| assert_valid("--nodes 7 --nemesis all"));
    });
}

#[test]
fn a_topology_that_a_cluster_cannot_have_is_refused_with_a_word() {
    let cases = [
        ("--nodes 1 --nemesis partition", "partition halves: it needs at least 2 nodes"),
        (
            "--nodes 2 --nemesis partition --partitions majorities-ring",
            "partition majorities-ring: it needs at least 3 nodes",
        ),
    ];
    let place = Place::new();
    for (options, word) in cases {
        let done = place.test(&format!("--env local --time-limit 5s {options}"));
        done.assert_code(254);
        done.assert_says("none of the faults asked for is possible");
        done.assert_says(word);
    }
    place.checker(&["heal"]).assert_says("nothing to heal");
}

fn assert_valid(options: &str) {
    let place = Place::new();
    let done = place.test(&format!("--env local --time-limit 5s --seed 7 {options}"));
    done.assert_code(0);
    place.latest().assert_valid_and_not_vacuous();
    place.latest().assert_faults_are_proved();
}
