//! `checker`: see [`ordeal::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ordeal::cli::main(std::env::args_os()).into()
}
