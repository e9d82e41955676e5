//! What `/proc` says of a process: just the fields that matter here.
//!
//! A process id alone names nobody, since ids are reused; together with the start time it names one
//! process for as long as the machine is up.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its id in the process-id namespace of whoever wrote this down.
    pub(crate) pid: u32,
    /// Clock ticks from boot to its start: field 22 of `/proc/<pid>/stat`.
    pub(crate) start_ticks: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(crate) fn of(pid: u32) -> Option<Identity> {
        Some(Identity { pid, start_ticks: Stat::read(pid)?.start_ticks })
    }

    /// The process that asks.
    pub(crate) fn of_self() -> Option<Identity> {
        Identity::of(std::process::id())
    }

    /// Whether this very process exists and is not a zombie.
    pub(crate) fn is_alive(self) -> bool {
        Stat::read(self.pid)
            .is_some_and(|stat| stat.start_ticks == self.start_ticks && !stat.is_dead())
    }

    /// SIGKILL to this very process; nothing if it is gone. The descriptor is opened before the
    /// start time is compared, so the signal cannot hit a successor with the same id.
    pub(crate) fn kill(self) -> rustix::io::Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        let outcome = pidfd_open(pid, PidfdFlags::empty()).and_then(|descriptor| {
            if self.is_alive() { pidfd_send_signal(&descriptor, Signal::KILL) } else { Ok(()) }
        });
        match outcome {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => other,
        }
    }

    /// Waits until this process is gone; false if it is not by then.
    pub(crate) fn wait_until_gone(self, patience: Duration) -> bool {
        let deadline = std::time::Instant::now() + patience;
        while self.is_alive() {
            if std::time::Instant::now() >= deadline {
                return false;
            }
            // Nothing wakes one up for a process that is not one's child.
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// One line of the process table.
pub(crate) struct Stat {
    state: u8,
    group: i32,
    start_ticks: u64,
}

impl Stat {
    /// Of the process that has this id now.
    pub(crate) fn read(pid: u32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses and may itself contain spaces and
    /// parentheses, so fields are counted from the last closing one: state is field 3.
    fn parse(line: &str) -> Option<Stat> {
        let mut fields = line.get(line.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let group = fields.nth(5 - 4)?.parse().ok()?;
        let start_ticks = fields.nth(22 - 6)?.parse().ok()?;
        Some(Stat { state, group, start_ticks })
    }

    /// Its process group.
    pub(crate) fn group(&self) -> i32 {
        self.group
    }

    /// When it was started, in clock ticks since boot.
    pub(crate) fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    /// Stopped by a signal, or by a debugger.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Zombies, and processes on their way out.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "7 (a) b (c) T 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        let stat = Stat::parse(line).expect("well-formed");
        assert_eq!((stat.state, stat.group, stat.start_ticks), (b'T', 7, 987_654));
        assert!(stat.is_stopped() && !stat.is_dead());
    }

    #[test]
    fn this_process_is_alive_and_one_with_another_start_time_is_not() {
        let me = Identity::of_self().expect("/proc is mounted");
        assert!(me.is_alive());
        assert!(!Identity { start_ticks: me.start_ticks + 1, ..me }.is_alive());
    }
}
