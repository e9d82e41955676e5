//! Whether `netns` is possible on this machine, found out by trying, and what to do if it is not.

use super::tools::{self, ToolError};

/// What to do where the kernel forbids namespaces.
pub(crate) const NAMESPACE_CURE: &str = "allow unprivileged user namespaces \
     (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, \
     user.max_user_namespaces > 0), run as root, or give the container CAP_SYS_ADMIN and \
     CAP_NET_ADMIN";

/// What `netns` needs besides the kernel: the program, and the Debian package that has it.
const TOOLS: [(&str, &str); 4] = [
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("iptables-restore", "iptables"),
    ("unshare", "util-linux"),
];

/// Each is tried in throw-away namespaces, with what it is good for.
const TRIALS: [(&str, &[&str]); 3] = [
    ("a bridge (kernel option CONFIG_BRIDGE)", &["ip", "link", "add", "t0", "type", "bridge"]),
    (
        "a pair of interfaces (kernel option CONFIG_VETH)",
        &["ip", "link", "add", "t0", "type", "veth"],
    ),
    (
        "packet filter rules (kernel options CONFIG_NF_TABLES, CONFIG_NFT_COMPAT)",
        &["iptables", "-A", "INPUT", "-s", "10.77.0.1", "-j", "DROP"],
    ),
];

/// Says cheaply (some tens of milliseconds) whether the `netns` environment is possible here; if not,
/// why, and what to do about it. Leaves nothing behind.
pub fn probe_support() -> Result<(), String> {
    if super::inside() {
        return Ok(());
    }
    for (tool, package) in TOOLS {
        if tools::find(tool).is_none() {
            return Err(format!("the program {tool} is missing; install the package {package}"));
        }
    }
    in_namespaces(&["true"]).map_err(|error| {
        format!("namespaces are not allowed here ({}); {NAMESPACE_CURE}", error.detail)
    })?;
    for (what, argv) in TRIALS {
        in_namespaces(argv).map_err(|error| {
            format!("the kernel refuses {what} in namespaces of our own ({})", error.detail)
        })?;
    }
    Ok(())
}

fn in_namespaces(argv: &[&str]) -> Result<(), ToolError> {
    let own_user: &[&str] = if super::enter::is_privileged() { &[] } else { &["--map-root-user"] };
    let unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"];
    // `unshare` finds the program by PATH, which for an ordinary user may not have it.
    let program = tools::find(argv[0]).map(|path| path.display().to_string());
    let program = program.unwrap_or_else(|| argv[0].to_owned());
    let argv: Vec<&str> = unshare
        .iter()
        .chain(own_user)
        .copied()
        .chain([program.as_str()])
        .chain(argv[1..].iter().copied())
        .collect();
    tools::run(&argv)
}
