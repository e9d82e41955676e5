//! One suite for every environment: whatever holds in `netns` must hold in `local` and `docker`.
//!
//! The scenarios see an environment only through its trait, and a cluster only through real traffic
//! of real processes ([`node`]): a cut that the probes report but the nodes do not feel fails here.
//! The binary has a `main` of its own because it plays every part itself: the suite, the nodes, a
//! tester inside namespaces, and a tester that gets killed.

#![expect(clippy::print_stdout, reason = "it is its own test harness, and prints as one")]

mod cluster;
mod crash;
mod docker;
mod executor;
mod node;
mod scenarios;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use nemesis::env::docker::hands;
use nemesis::env::netns;

use crate::cluster::Place;
use crate::docker::Containers;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["node", rest @ ..] => node::main(rest),
        ["inside", filter] => {
            netns::enter().expect("the suite found namespaces to be possible");
            scenarios::run_all(&Place::Netns, filter)
        }
        [docker::VICTIM, project] => docker::victim(project),
        [hands::COMMAND] => hands::serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ["victim", environment, token] => crash::victim(environment, token),
        ["crash", filter] => crash::run_all(filter),
        ["--list", ..] => ExitCode::SUCCESS,
        _ => suite(args.iter().find(|arg| !arg.starts_with('-')).copied().unwrap_or_default()),
    }
}

fn suite(filter: &str) -> ExitCode {
    let mut passed = scenarios::run_all(&Place::Local, filter) == ExitCode::SUCCESS;
    passed &= crash::run_all(filter) == ExitCode::SUCCESS;
    if let Err(reason) = netns::probe_support() {
        println!("SKIPPED netns: {reason}");
    } else {
        passed &= Command::new(own_program())
            .args(["inside", filter])
            .status()
            .expect("ourselves")
            .success();
    }
    passed &= as_ordinary_user(filter);
    passed &= in_containers(filter);
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_containers(filter: &str) -> bool {
    if let Some(reason) = docker::lacking() {
        println!("SKIPPED docker: {reason}");
        return true;
    }
    let containers = Arc::new(Containers::make());
    let alike = scenarios::run_all(&Place::Docker(containers.clone()), filter);
    let own = docker::run_all(&containers, filter);
    alike == ExitCode::SUCCESS && own == ExitCode::SUCCESS
}

fn as_ordinary_user(filter: &str) -> bool {
    if !rustix::process::getuid().is_root() {
        println!("SKIPPED as another ordinary user: this is one already");
        return true;
    }
    // The build folder may be where nobody else may look.
    let readable = Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(readable).tempdir().expect("a folder");
    let copy = folder.path().join("conformance");
    std::fs::copy(own_program(), &copy).expect("room for a copy of ourselves");
    println!("as an ordinary user:");
    let mut passed = true;
    for (part, filter) in [("crash", filter), ("inside", "cut")] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
        passed &= command.args([part, filter]).status().expect("setpriv of util-linux").success();
    }
    passed
}

fn own_program() -> PathBuf {
    std::env::current_exe().expect("the test binary has a path")
}
