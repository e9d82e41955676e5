use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use std::process::Child;

/// A child that lives until killed, and is killed whatever happens to the test.
struct Sleeper(Child);

impl Sleeper {
    fn of(run: &RunId) -> Sleeper {
        let child = Command::new("sleep")
            .arg("60")
            .env(RUN_VARIABLE, run.as_str())
            .stdout(Stdio::null())
            .spawn()
            .expect("sleep is installed");
        Sleeper(child)
    }

    fn identity(&self) -> Identity {
        Identity::of(self.0.id()).expect("it lives")
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Both fail only if a sweep was faster.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn registry() -> (tempfile::TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::at(dir.path().join("ordeal")).unwrap();
    (dir, registry)
}

/// Makes the record say that the tester is dead: same id, another start time.
fn kill_tester(enlisted: &Enlisted) {
    let mut record = enlisted.lock();
    record.tester.start_ticks += 1;
    enlisted.write(&record).unwrap();
}

#[test]
fn what_a_dead_run_owes_is_undone_by_its_commands_and_what_fails_stays_owed() {
    let (dir, registry) = registry();
    let enlisted = registry.enlist(&RunId::fresh()).unwrap();
    let done = |name: &str| dir.path().join(name);
    let touch = |name: &str| format!("touch {}", done(name).display());
    enlisted.owe("resume n1", &touch("resumed")).unwrap();
    enlisted.owe("start n2", &touch("started")).unwrap();
    enlisted.settle("start n2").unwrap();
    enlisted.owe("links to n3", "exit 3").unwrap();
    assert!(registry.sweep().unwrap().is_empty(), "its tester lives");
    kill_tester(&enlisted);
    let swept = registry.sweep().unwrap();
    assert_eq!(swept[0].undone, ["resume n1"]);
    let errors: Vec<String> = swept[0].errors.iter().map(ToString::to_string).collect();
    assert!(errors[0].contains("`exit 3`") && errors[0].contains("exit status: 3"), "{errors:?}");
    assert!(done("resumed").exists() && !done("started").exists());
    assert_eq!(registry.record_paths().unwrap().len(), 1, "for the next sweep");
}

#[test]
fn a_run_whose_tester_lives_is_not_touched() {
    let (_dir, registry) = registry();
    let run = RunId::fresh();
    let enlisted = registry.enlist(&run).unwrap();
    let node = Sleeper::of(&run);
    enlisted.node_is(NodeId(1), node.0.id()).unwrap();
    assert!(registry.sweep().unwrap().is_empty());
    assert!(node.identity().is_alive());
    enlisted.strike().unwrap();
    enlisted.strike().unwrap();
    assert!(registry.record_paths().unwrap().is_empty());
}

#[test]
fn a_dead_run_loses_its_nodes_stopped_ones_included_and_its_directories() {
    let (dir, registry) = registry();
    let run = RunId::fresh();
    let enlisted = registry.enlist(&run).unwrap();
    let (recorded, unrecorded) = (Sleeper::of(&run), Sleeper::of(&run));
    enlisted.node_is(NodeId(1), recorded.0.id()).unwrap();
    let stopped = Pid::from_child(&recorded.0);
    kill_process(stopped, Signal::STOP).unwrap();
    let data = dir.path().join(format!("data-{run}"));
    enlisted.owns_directory(&data).unwrap();
    fs::create_dir(&data).unwrap();
    let identities = (recorded.identity(), unrecorded.identity());
    kill_tester(&enlisted);

    let swept = registry.sweep().unwrap();
    assert_eq!(swept.len(), 1);
    let expected = vec![(Some(NodeId(1)), identities.0.pid), (None, identities.1.pid)];
    assert_eq!(swept[0].killed, expected);
    assert_eq!(swept[0].removed, std::slice::from_ref(&data));
    assert!(swept[0].errors.is_empty(), "{:?}", swept[0].errors);
    assert!(!identities.0.is_alive() && !identities.1.is_alive());
    assert!(!data.exists());
    assert!(registry.sweep().unwrap().is_empty(), "the second sweep finds nothing");
}

#[test]
fn a_process_that_inherited_a_recorded_id_is_spared() {
    let (_dir, registry) = registry();
    let run = RunId::fresh();
    let enlisted = registry.enlist(&run).unwrap();
    let bystander = Sleeper::of(&RunId::fresh());
    let mut record = enlisted.lock();
    let identity = bystander.identity();
    let older = Identity { start_ticks: identity.start_ticks - 1, ..identity };
    record.nodes.insert(NodeId(1), older);
    drop(record);
    kill_tester(&enlisted);
    let swept = registry.sweep().unwrap();
    assert!(swept[0].killed.is_empty());
    assert!(identity.is_alive());
}

#[test]
fn a_record_of_another_process_id_namespace_is_left_alone() {
    let (_dir, registry) = registry();
    let enlisted = registry.enlist(&RunId::fresh()).unwrap();
    enlisted.lock().pid_namespace = "pid:[1]".to_owned();
    kill_tester(&enlisted);
    assert!(registry.sweep().unwrap().is_empty());
    assert_eq!(registry.record_paths().unwrap().len(), 1);
}

#[test]
fn a_directory_without_the_name_of_the_run_is_refused() {
    let (dir, registry) = registry();
    let enlisted = registry.enlist(&RunId::fresh()).unwrap();
    let refused = enlisted.owns_directory(dir.path());
    assert!(matches!(refused, Err(RegistryError::ForeignDirectory { .. })), "{refused:?}");
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(Registry::at(&open), Err(RegistryError::UnsafeDirectory { .. })));
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    assert!(matches!(Registry::at(&link), Err(RegistryError::UnsafeDirectory { .. })));
}

#[test]
fn a_damaged_record_is_reported_and_kept() {
    let (_dir, registry) = registry();
    fs::write(registry.dir.join("broken.json"), b"{").unwrap();
    let swept = registry.sweep().unwrap();
    assert!(matches!(swept[0].errors[..], [RegistryError::Unreadable { .. }]));
    assert_eq!(registry.record_paths().unwrap().len(), 1);
}
