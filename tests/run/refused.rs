//! What makes no sense is refused at once, with 254 and a word about it.

use crate::place::Place;

#[test]
fn nonsense_is_refused_with_a_message_that_names_it() {
    let place = Place::new();
    let scenario = place.file("typo.toml", "tme-limit = '3s'\n");
    let schedule = place.file("broken.json", "{\"seed\": 1,");
    let steps =
        place.file("steps.json", r#"{"seed":1,"nodes":5,"keep_up":3,"steps":[{"at_ms":1}]}"#);
    let of_three = place.file("three.json", r#"{"seed":1,"nodes":3,"keep_up":2,"steps":[]}"#);
    let cases = [
        (format!("--scenario {scenario}"), "tme-limit"),
        ("--scenario no-such-file.toml".into(), "no-such-file.toml"),
        (format!("--schedule {schedule}"), "broken.json"),
        (format!("--schedule {steps}"), "inject"),
        ("--schedule no-such-file.json".into(), "no-such-file.json"),
        (format!("--schedule {of_three}"), "recorded with 3 nodes"),
        ("--system zookeeper".into(), "zookeeper"),
        ("--bug no-such-bug".into(), "stale-read"),
        ("--workload bank".into(), "bank"),
        ("--nemesis earthquake".into(), "earthquake"),
        ("--targets everybody".into(), "everybody"),
        ("--partitions zigzag".into(), "zigzag"),
        ("--nodes 0".into(), "a cluster has 1 to 7"),
        ("--nodes 8".into(), "a cluster has 1 to 7"),
        ("--concurrency 3".into(), "1n"),
        ("--concurrency many".into(), "many"),
        ("--time-limit 5".into(), "5"),
        ("--time-limit 0s".into(), "time limit"),
        ("--rate -1".into(), "-1"),
        ("--seed minus-one".into(), "minus-one"),
        ("--no-such-flag".into(), "--no-such-flag"),
    ];
    for (options, word) in cases {
        let done = place.test(&format!("--env local {options}"));
        assert_eq!(done.code(), Some(254), "{options}: {done}");
        assert!(done.err.contains(word), "{options}: {word:?} is not in {}", done.err);
        assert_eq!(done.out, "", "{options}");
    }
    let done = place.test("--env moon");
    done.assert_code(254);
    done.assert_says("moon");
    place.assert_nothing_lives();
}
