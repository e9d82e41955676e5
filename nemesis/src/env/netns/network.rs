//! The network of a run: a bridge, one network namespace a node, and packet filter rules for cuts.
//!
//! ```text
//!   tester 10.77.0.254 ── bridge ──┬── n1 10.77.0.1  chain ORDEAL: drop what comes from n3
//!                                  ├── n2 10.77.0.2
//!                                  └── n3 10.77.0.3
//! ```
//!
//! All names and addresses are constants: the whole picture lives in a network namespace that no
//! other run can see. A cut is a rule in the *receiver*, by the sender's address: that closes
//! exactly one direction, existing connections included, and the receiver's own clients (the
//! tester) are never affected. The rules of one node are replaced in one atomic step.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use rustix::thread::LinkNameSpaceType;

use super::tools::{self, ToolError};
use crate::link::{Grudge, Link, NodeId};

/// The most nodes the subnet has addresses for, the tester's left out.
pub(crate) const NODES_MAX: u16 = 250;

const BRIDGE: &str = "ordeal";
const TESTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);

/// The address of a node.
pub(crate) fn address(node: NodeId) -> Ipv4Addr {
    let host = u8::try_from(node.0).expect("no more than NODES_MAX nodes are opened");
    Ipv4Addr::new(10, 77, 0, host)
}

/// Makes the bridge, the namespaces and the rule chains, with every link open.
pub(crate) fn build(nodes: &[NodeId]) -> Result<(), ToolError> {
    let mut host = format!(
        "link add {BRIDGE} type bridge\naddr add {TESTER}/24 dev {BRIDGE}\nlink set {BRIDGE} up\n"
    );
    for node in nodes {
        // Without a link-local IPv6 address nodes cannot find a way around the rules.
        let _ = write!(
            host,
            "netns add {node}\n\
             link add ve-{node} type veth peer name eth0 netns {node}\n\
             link set ve-{node} addrgenmode none master {BRIDGE} up\n"
        );
    }
    tools::run_batch(&["ip", "-batch", "-"], &host)?;
    for &node in nodes {
        let inside = format!(
            "link set lo up\nlink set eth0 addrgenmode none\n\
             addr add {}/24 dev eth0\nlink set eth0 up\n",
            address(node)
        );
        tools::run_batch(&["ip", "-n", &node.to_string(), "-batch", "-"], &inside)?;
    }
    in_each(nodes, |_| replace_rules("-A INPUT -j ORDEAL\n"))
}

/// Removes what [`build`] made, whatever of it exists.
pub(crate) fn remove(nodes: &[NodeId]) -> Result<(), ToolError> {
    let mut work = String::new();
    for node in nodes {
        // The other end of the pair goes along; the namespace itself when its last process has.
        let _ = write!(work, "link del ve-{node}\nnetns del {node}\n");
    }
    let _ = writeln!(work, "link del {BRIDGE}");
    tools::run_batch(&["ip", "-force", "-batch", "-"], &work)
}

/// Makes the cuts exactly those of `grudge`.
pub(crate) fn cut(nodes: &[NodeId], grudge: &Grudge) -> Result<(), ToolError> {
    in_each(nodes, |receiver| {
        let mut rules = String::new();
        for &sender in nodes {
            if grudge.cuts(Link::new(sender, receiver)) {
                let _ = writeln!(rules, "-A ORDEAL -s {} -j DROP", address(sender));
            }
        }
        replace_rules(&rules)
    })
}

/// Replaces the content of the chain ORDEAL: declaring it empties it, `--noflush` keeps the rest.
fn replace_rules(rules: &str) -> Result<(), ToolError> {
    let input = format!("*filter\n:ORDEAL - [0:0]\n{rules}COMMIT\n");
    tools::run_batch(&["iptables-restore", "--noflush", "--wait"], &input)
}

/// Does `work` inside each node's namespace, all at the same time; the first error, if any.
fn in_each(
    nodes: &[NodeId],
    work: impl Fn(NodeId) -> Result<(), ToolError> + Sync,
) -> Result<(), ToolError> {
    let visit = |node| {
        move_into(node).map_err(|error| ToolError {
            command: format!("enter the network namespace of {node}"),
            detail: error.to_string(),
        })?;
        work(node)
    };
    std::thread::scope(|scope| {
        // The threads end here: none of them carries a foreign namespace into other work.
        let visits: Vec<_> = nodes.iter().map(|&node| scope.spawn(move || visit(node))).collect();
        let results = visits.into_iter().map(|visit| visit.join().expect("visits do not panic"));
        results.collect()
    })
}

/// Moves the calling thread, and what it spawns from now on, into the network namespace of a node.
pub(crate) fn move_into(node: NodeId) -> io::Result<()> {
    let namespace = File::open(format!("/run/netns/{node}"))?;
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// A socket for probes in the network namespace of a node. It stays there, whichever thread uses it.
pub(crate) fn probe_socket(node: NodeId) -> io::Result<UdpSocket> {
    move_into(node)?;
    bind(address(node))
}

/// A socket for probes at the tester's place.
pub(crate) fn tester_socket() -> io::Result<UdpSocket> {
    bind(TESTER)
}

fn bind(address: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::from((address, 0)))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
