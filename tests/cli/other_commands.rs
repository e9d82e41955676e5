use checker::model::ModelName;

use crate::binary::{checker, command};

#[test]
fn list_names_what_the_registries_hold() {
    let all = checker(&["list"]);
    assert_eq!(all.code, 0, "{all:?}");
    for workload in workloads::ALL {
        assert!(all.out.contains(workload.name), "{}", workload.name);
    }
    for bug in sandbox::Bug::ALL {
        assert!(all.out.contains(bug.name()), "{bug}");
    }
}

#[test]
fn list_of_a_section_is_names_only_for_scripts() {
    let models = checker(&["list", "models"]);
    assert_eq!(models.code, 0, "{models:?}");
    let names = ModelName::ALL.iter().map(|model| model.name()).chain(["set"]);
    assert_eq!(models.out.lines().collect::<Vec<_>>(), names.collect::<Vec<_>>());
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = checker(&["completions", shell]);
        assert_eq!(script.code, 0, "{shell}: {script:?}");
        assert!(script.out.contains("doctor") && script.out.contains("analyze"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_the_whole_and_for_each_command() {
    let whole = checker(&["man"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(whole.out.contains(".TH checker 1") && whole.out.contains("heal"), "{whole:?}");
    let of_test = checker(&["man", "test"]);
    assert!(of_test.out.contains(".TH checker-test 1"), "{of_test:?}");
    assert!(of_test.out.contains("time\\-limit"), "{of_test:?}");
    assert_eq!(checker(&["man", "women"]).code, 254);
}

#[test]
fn doctor_reports_every_topic_and_agrees_with_its_exit_code() {
    let done = checker(&["doctor"]);
    for topic in ["environment local", "environment netns", "etcd", "chromium", "disk", "cores"] {
        assert!(done.out.contains(topic), "{topic}: {done:?}");
    }
    let fit = done.out.contains("`checker test` can run here.");
    assert_eq!(done.code, if fit { 0 } else { 255 }, "{done:?}");
}

#[test]
fn heal_with_nothing_to_heal_says_so() {
    let registry = tempfile::tempdir().expect("a temporary folder");
    let output = command(&["heal"])
        .env("XDG_RUNTIME_DIR", registry.path())
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("nothing to heal"));
}
