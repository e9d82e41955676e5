//! What `checker test` asks of the suite that runs it, if one does.

use std::io;

use crate::command_line::CommandLine;

/// Set for `checker test` where a suite runs it, to the night's name. Not `ORDEAL_SUITE`, by which
/// compose files are told what to play.
pub(super) const PARENT_VARIABLE: &str = "ORDEAL_NIGHT";

/// Whether a suite runs this process, keeps its record and draws the pages.
pub fn is_parent() -> bool {
    std::env::var_os(PARENT_VARIABLE).is_some()
}

/// Asks the kernel to end this process, in an orderly way, when the suite that runs it dies.
///
/// # Errors
/// When the kernel refuses.
pub fn follow_parent() -> io::Result<()> {
    // Inside namespaces the launcher has asked already, and its end is ours.
    if is_parent() && !nemesis::env::netns::inside() {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    Ok(())
}

/// A command as somebody would give it again: never into the store of a night, which holds the
/// runs of that night and no others.
pub fn command(command: CommandLine) -> CommandLine {
    if is_parent() { command.without(&["--store"]) } else { command }
}
