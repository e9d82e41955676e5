//! One suite for every environment: whatever holds in `netns` must hold in `local`.
//!
//! The scenarios see an environment only through its trait, and a cluster only through real traffic
//! of real processes ([`node`]): a cut that the probes report but the nodes do not feel fails here.
//! The binary has a `main` of its own because it plays every part itself: the suite, the nodes, a
//! tester inside namespaces, and a tester that gets killed.

#![expect(clippy::print_stdout, reason = "it is its own test harness, and prints as one")]

mod cluster;
mod crash;
mod node;
mod scenarios;

use std::process::{Command, ExitCode};

use nemesis::env::{EnvChoice, netns};

/// Inside namespaces nobody is special; outside, an ordinary user is one whom the kernel does not
/// trust. The suite runs as one when root starts it.
const ORDINARY_USER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["node", rest @ ..] => node::main(rest),
        ["inside", filter] => {
            netns::enter().expect("the suite found namespaces to be possible");
            scenarios::run_all(EnvChoice::Netns, filter)
        }
        ["victim", environment] => crash::victim(environment),
        ["--list", ..] => ExitCode::SUCCESS,
        _ => suite(args.iter().find(|arg| !arg.starts_with('-')).copied().unwrap_or_default()),
    }
}

fn suite(filter: &str) -> ExitCode {
    let mut passed = scenarios::run_all(EnvChoice::Local, filter) == ExitCode::SUCCESS;
    match netns::probe_support() {
        Err(reason) => println!("SKIPPED netns: {reason}"),
        Ok(()) => {
            passed &= inside(&[], filter);
            passed &= as_ordinary_user(filter);
        }
    }
    passed &= crash::run_all(filter);
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn as_ordinary_user(filter: &str) -> bool {
    if !rustix::process::getuid().is_root() {
        println!("SKIPPED netns as another ordinary user: this is one already");
        return true;
    }
    println!("as an ordinary user:");
    inside(&ORDINARY_USER, filter)
}

fn inside(prefix: &[&str], filter: &str) -> bool {
    let own = std::env::current_exe().expect("the test binary has a path");
    let own = own.to_str().expect("the build folder's path is text");
    let argv: Vec<&str> = prefix.iter().copied().chain([own, "inside", filter]).collect();
    Command::new(argv[0]).args(&argv[1..]).status().expect("a shell tool or ourselves").success()
}
