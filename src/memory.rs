//! How much memory a check may take when nobody says: the checker must end as *unknown* before the
//! kernel ends it. Only Linux tells; elsewhere there is no limit but `--memory`.

use std::fs;

/// Memory that this process could still get: what the machine has available, or what is left of
/// its cgroup's limit where that is less.
pub fn available_bytes() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = machine_available(&meminfo)?;
    Some(cgroup_left().map_or(machine, |left| left.min(machine)))
}

fn machine_available(meminfo: &str) -> Option<u64> {
    entry(meminfo, "MemAvailable:")
}

/// Memory that this process holds.
pub fn resident_bytes() -> Option<u64> {
    entry(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// An amount in a table of the kernel.
fn entry(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
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

const UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// Reads a size as people write it: `512MiB`, `2GiB`, `1.5 GB`. A bare number is refused rather
/// than guessed at.
///
/// # Errors
/// A sentence with what was expected, when there is no number, no unit, or too much of it.
pub fn bytes(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let factor = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
    let (Ok(number), Some((_, factor))) = (number.parse::<f64>(), factor) else {
        return Err(format!("{text:?} is not a size: write 512MiB, 2GiB or 1.5GB"));
    };
    let bytes = number * factor;
    // An f64 counts bytes exactly up to 8 PiB, far beyond any machine that will run this.
    if bytes > 9e15 {
        return Err(format!("{text:?} is more memory than any machine has"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ bytes ≤ 9e15")]
    Ok(bytes as u64)
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

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn sizes_know_binary_from_decimal_and_refuse_nonsense() {
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("2gb"), Ok(2_000_000_000));
        assert_eq!(bytes("512 MiB"), Ok(512 << 20));
        for text in ["", "1000", "-1MB", "1..2MB", "9999999999999TiB", "ß", "1ß", "."] {
            assert!(bytes(text).is_err(), "{text:?}");
        }
    }
}
