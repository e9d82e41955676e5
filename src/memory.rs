//! How much memory a check may take when nobody says: the checker must end as *unknown* before the
//! kernel ends it.

use std::fs;

/// Memory that this process could still get: what the machine has available, or what is left of
/// its cgroup's limit where that is less.
pub fn available_bytes() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = machine_available(&meminfo)?;
    Some(cgroup_left().map_or(machine, |left| left.min(machine)))
}

fn machine_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// A container mounts its own cgroup at the root; version 2 first, then version 1. A process in a
/// deeper group without a mount of its own sees no limit here, and has that of the machine.
fn cgroup_left() -> Option<u64> {
    let read = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok()
    };
    let left = |limit: &str, used: &str| Some(read(limit)?.saturating_sub(read(used).unwrap_or(0)));
    left("memory.max", "memory.current")
        .or_else(|| left("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_from_meminfo() {
        let meminfo = "MemTotal:  100 kB\nMemFree: 7 kB\nMemAvailable:     42 kB\n";
        assert_eq!(machine_available(meminfo), Some(42 * 1024));
        assert_eq!(machine_available("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn this_machine_has_some() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
