//! The probes behind `checker doctor`. Each is bounded in time: a doctor must not hang on what it
//! came to diagnose.

use std::env;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};

use super::Finding;

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// A five-node run with its logs and reports needs some tens of megabytes.
const DISK_FATAL_BYTES: u64 = 100 << 20;
const DISK_WANTED_BYTES: u64 = 2 << 30;

/// Nodes, relays and client connections of a seven-node cluster stay well below this.
const FILES_WANTED: u64 = 1024;

/// Everything there is to find out, in the order in which it is read.
pub(super) fn all() -> Vec<Finding> {
    vec![
        local(),
        namespaces(),
        ip(),
        iptables(),
        etcd(),
        chromium(),
        docker(),
        cores(),
        memory(),
        disk(),
        open_files(),
        clock_source(),
    ]
}

/// The default test needs loopback sockets and a second process of this very binary.
fn local() -> Finding {
    const TOPIC: &str = "environment local";
    if let Err(error) = TcpListener::bind("127.0.0.1:0") {
        return Finding::fatal(
            TOPIC,
            format!("cannot listen on 127.0.0.1: {error}"),
            "the nodes talk over loopback; bring `lo` up: ip link set lo up",
        );
    }
    let again = env::current_exe().ok().and_then(|me| output(me, &["--version"]));
    match again {
        Some(_) => Finding::ready(TOPIC, "nodes as processes on 127.0.0.1, partitions by relays"),
        None => Finding::fatal(
            TOPIC,
            "this program cannot start itself",
            "each node is a process of it; see that it lies on a file system mounted with exec",
        ),
    }
}

/// Tried by the environment itself, in namespaces that are thrown away again.
fn namespaces() -> Finding {
    const TOPIC: &str = "environment netns";
    match nemesis::env::netns::probe_support() {
        Ok(()) if rustix::process::geteuid().is_root() => {
            Finding::ready(TOPIC, "a network namespace a node, partitions by iptables; as root")
        }
        Ok(()) => Finding::ready(
            TOPIC,
            "a network namespace a node, partitions by iptables; in a user namespace, no root",
        ),
        Err(why) => Finding::lacking(TOPIC, "not available; the default is then local", why),
    }
}

fn ip() -> Finding {
    match program("ip", &["-V"]) {
        Some(version) => Finding::ready("ip", version),
        None => Finding::lacking("ip", "not found", "--env netns: apt-get install iproute2"),
    }
}

fn iptables() -> Finding {
    match program("iptables", &["--version"]) {
        Some(version) => Finding::ready("iptables", backend(&version)),
        None => Finding::lacking("iptables", "not found", "--env netns: apt-get install iptables"),
    }
}

/// Rules of the two backends both apply, and neither tool shows the other's: worth a word.
fn backend(version: &str) -> String {
    let backend = match version {
        v if v.contains("nf_tables") => "nf_tables backend",
        v if v.contains("legacy") => "legacy backend",
        _ => "backend unknown",
    };
    let number = version.split_whitespace().find(|word| word.starts_with('v')).unwrap_or(version);
    format!("{number}, {backend}")
}

fn etcd() -> Finding {
    const TOPIC: &str = "etcd";
    let Some(banner) = program("etcd", &["--version"]) else {
        return Finding::lacking(TOPIC, "not found", "--system etcd: apt-get install etcd-server");
    };
    let version = banner.trim_start_matches("etcd Version:").trim().to_owned();
    if has_stale_read_bugs(&version) {
        let note = "has published stale-read bugs (etcd-io/etcd#20418, mended in 3.4.42 and 3.5.28): \
                    an invalid verdict can be etcd's own";
        return Finding { cure: Some(note.to_owned()), ..Finding::ready(TOPIC, version) };
    }
    Finding::ready(TOPIC, version)
}

/// Before 3.4.42 and 3.5.28; 3.6 and later are not known to be hit.
fn has_stale_read_bugs(version: &str) -> bool {
    let mut parts = version.split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(3), Some(5), Some(patch)) => patch < 28,
        (Some(3), Some(4), Some(patch)) => patch < 42,
        (Some(3), Some(minor), _) => minor < 4,
        (Some(major), ..) => major < 3,
        _ => false,
    }
}

fn chromium() -> Finding {
    const TOPIC: &str = "chromium";
    let names = ["chromium", "chromium-browser", "google-chrome"];
    match names.into_iter().find_map(find) {
        Some(path) => Finding::ready(TOPIC, path.display().to_string()),
        None => Finding::lacking(
            TOPIC,
            "not found",
            "only for the tests of the report's pages: apt-get install chromium",
        ),
    }
}

fn docker() -> Finding {
    const TOPIC: &str = "docker";
    let socket = Path::new("/var/run/docker.sock").exists();
    match (find("docker"), socket) {
        (Some(path), true) => Finding::ready(TOPIC, format!("{}, daemon socket", path.display())),
        (Some(path), false) => Finding::lacking(
            TOPIC,
            format!("{}, but no daemon", path.display()),
            "no environment needs it yet",
        ),
        (None, _) => Finding::lacking(TOPIC, "not found", "no environment needs it yet"),
    }
}

fn cores() -> Finding {
    const TOPIC: &str = "cores";
    match thread::available_parallelism().map(usize::from) {
        Ok(1) => Finding::lacking(
            TOPIC,
            "1",
            "five nodes and their clients share it: expect time-outs, which cost power",
        ),
        Ok(cores) => Finding::ready(TOPIC, cores.to_string()),
        Err(error) => Finding::lacking(TOPIC, error.to_string(), "assuming one"),
    }
}

fn memory() -> Finding {
    const TOPIC: &str = "memory";
    match crate::memory::available_bytes() {
        Some(bytes) => Finding::ready(TOPIC, format!("{} available", mebibytes(bytes))),
        None => Finding::lacking(TOPIC, "/proc/meminfo cannot be read", "give --memory to analyze"),
    }
}

fn disk() -> Finding {
    const TOPIC: &str = "disk";
    let free = match rustix::fs::statvfs(".") {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            return Finding::fatal(TOPIC, error.to_string(), "run from a readable folder");
        }
    };
    let what = format!("{} free in this folder", mebibytes(free));
    let cure = "runs are stored under store/ here: make room, or run elsewhere";
    if free < DISK_FATAL_BYTES {
        Finding::fatal(TOPIC, what, cure)
    } else if free < DISK_WANTED_BYTES {
        Finding::lacking(TOPIC, what, cure)
    } else {
        Finding::ready(TOPIC, what)
    }
}

fn open_files() -> Finding {
    const TOPIC: &str = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit @ ..FILES_WANTED) => {
            Finding::lacking(TOPIC, limit.to_string(), "ulimit -n 4096, for many clients")
        }
        Some(limit) => Finding::ready(TOPIC, limit.to_string()),
        None => Finding::ready(TOPIC, "unlimited"),
    }
}

/// Every operation is stamped twice, so a clock that must be read from a device costs throughput.
fn clock_source() -> Finding {
    const TOPIC: &str = "clock source";
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    match fs::read_to_string(path).as_deref().map(str::trim) {
        Ok(slow @ ("hpet" | "acpi_pm" | "jiffies")) => Finding::lacking(
            TOPIC,
            format!("{slow}, slow to read"),
            "time stamps cost more than they should; the verdict does not depend on them",
        ),
        Ok(name) => Finding::ready(TOPIC, name),
        Err(_) => Finding::lacking(TOPIC, "not shown by this kernel", "no harm done"),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// The first line that `name` prints with `args`, if it is installed and works.
fn program(name: &str, args: &[&str]) -> Option<String> {
    let text = output(find(name)?, args)?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// Looks in `PATH` and where administrators' tools lie, which ordinary users' `PATH` leaves out.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// What a program prints, if it ends well and soon.
fn output(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let give_up = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            // Between two looks; `give_up` bounds them.
            Ok(None) if Instant::now() < give_up => thread::sleep(Duration::from_millis(5)),
            _ => {
                // Too late either way: whether the kill succeeds changes nothing here.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut text = String::new();
    child.stdout.take()?.read_to_string(&mut text).ok()?;
    status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_versions_with_known_stale_reads_are_recognised() {
        for (version, expected) in [
            ("3.4.23", true),
            ("3.4.42", false),
            ("3.5.16", true),
            ("3.5.28", false),
            ("3.6.0", false),
            ("3.3.25+dfsg", true),
            ("4.0.0", false),
            ("unknown", false),
        ] {
            assert_eq!(has_stale_read_bugs(version), expected, "{version}");
        }
    }

    #[test]
    fn the_iptables_backend_is_named() {
        assert_eq!(backend("iptables v1.8.9 (nf_tables)"), "v1.8.9, nf_tables backend");
        assert_eq!(backend("iptables v1.8.9 (legacy)"), "v1.8.9, legacy backend");
        assert_eq!(backend("iptables v1.4.21"), "v1.4.21, backend unknown");
    }

    #[test]
    fn a_program_that_is_absent_or_fails_says_nothing() {
        assert_eq!(output("no-such-program-anywhere", &[]), None);
        assert_eq!(output("false", &[]), None);
        assert_eq!(output("true", &[]).as_deref(), Some(""));
    }
}
