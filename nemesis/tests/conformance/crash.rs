//! The tester dies, and nothing of the run is left.

use std::process::ExitCode;

pub(crate) fn victim(_environment: &str) -> ExitCode {
    ExitCode::SUCCESS
}

pub(crate) fn run_all(_filter: &str) -> bool {
    true
}
