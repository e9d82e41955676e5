//! What a node is told when it starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::bug::Bug;

/// Everything a node needs to know. The set of nodes is static: every node is told all of them.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node; a key of `peers`.
    pub id: u64,
    /// The address on which clients are served. Exactly this one is bound.
    pub client: SocketAddr,
    /// The address on which other nodes are served. Exactly this one is bound.
    pub peer: SocketAddr,
    /// All nodes of the cluster, this one included.
    pub peers: BTreeMap<u64, Peer>,
    /// The folder of this node's database; created when absent.
    pub data_dir: PathBuf,
    /// The one way in which this node is broken, if it is.
    pub bug: Option<Bug>,
    /// Timers and thresholds.
    pub timings: Timings,
}

/// How one node is reached.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Where this node dials the other for Raft and forwarded writes. It may be a relay of that
    /// one directed link, so two nodes may know a third by different addresses.
    pub peer: SocketAddr,
    /// Where clients find it: what a redirect names.
    pub client: SocketAddr,
}

/// Timers and thresholds, small enough that elections, snapshots and log compaction happen many
/// times in a test of half a minute.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// The leader's heartbeat, and the time limit of one append to one follower.
    pub heartbeat_ms: u64,
    /// Shortest election time-out. A follower adds the leader's lease, `election_max_ms`.
    pub election_min_ms: u64,
    /// Longest election time-out, and the lease during which followers refuse to elect another.
    pub election_max_ms: u64,
    /// How long a client's request may take before it is answered with 504.
    pub request_ms: u64,
    /// How long a forwarder waits for the leader's answer before it sends the same write again.
    pub forward_ms: u64,
    /// A snapshot is taken when this many log entries were applied since the last one.
    pub snapshot_entries: u64,
    /// This many entries stay in the log although a snapshot covers them.
    pub kept_entries: u64,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            heartbeat_ms: 100,
            election_min_ms: 250,
            election_max_ms: 500,
            request_ms: 700,
            forward_ms: 250,
            snapshot_entries: 250,
            kept_entries: 50,
        }
    }
}

impl Timings {
    pub(crate) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    pub(crate) fn forward(&self) -> Duration {
        Duration::from_millis(self.forward_ms)
    }
}
