//! etcd, which nobody here wrote.

use crate::place::{Place, skipped_without_netns};

const OPTIONS: &str = "--system etcd --env netns --nodes 3 --nemesis partition --time-limit 8s";

#[test]
fn etcd_is_valid_under_partitions() {
    if skipped("etcd_is_valid_under_partitions") {
        return;
    }
    assert_valid(&format!("{OPTIONS} --seed 1"));
}

/// A run of etcd with these options is valid, its faults are proved, and it names its version.
pub(crate) fn assert_valid(options: &str) {
    let place = Place::new();
    let done = place.test(options);
    done.assert_code(0);
    let run = place.latest();
    run.assert_valid_and_not_vacuous();
    run.assert_faults_are_proved();
    let version = run.json("manifest.json")["system_version"].as_str().unwrap_or("").to_owned();
    assert!(version.starts_with(|c: char| c.is_ascii_digit()), "version {version:?}");
    place.assert_nothing_lives();
}

#[test]
fn serializable_reads_of_etcd_are_found_stale() {
    if skipped("serializable_reads_of_etcd_are_found_stale") {
        return;
    }
    let place = Place::new();
    let mut said = String::new();
    for seed in 1..=3 {
        let done = place.test(&format!("{OPTIONS} --serializable-reads --seed {seed}"));
        if done.code() == Some(1) {
            let sentence = done.out.lines().next().unwrap_or("").to_lowercase();
            assert!(sentence.contains("stale read"), "{done}");
            return;
        }
        done.assert_code(0);
        said = done.out;
    }
    panic!("not found in three runs; the last one said:\n{said}");
}

#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn skipped(test: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_here = std::env::split_paths(&folders).any(|folder| folder.join("etcd").is_file());
    if !is_here {
        println!("skipped: {test}: no etcd here (Debian: apt-get install etcd-server)");
    }
    !is_here || skipped_without_netns(test)
}
