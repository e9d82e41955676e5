//! What goes through the replicated log.
//!
//! One log entry is a *batch* of commands: openraft 0.9 makes each entry durable by itself, so
//! commands that arrive together share one entry, and with it one `fsync` a node. A command
//! carries the id of the operation it belongs to; see [`crate::state`] for what that is good for.

use std::io::Cursor;

use openraft::EmptyNode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A node's number.
pub(crate) type NodeId = u64;

openraft::declare_raft_types!(
    /// The types openraft is instantiated with. A node's entry in the membership says nothing
    /// of its address, since two nodes may reach a third by different ones.
    pub(crate) Types:
        D = Batch,
        R = Replies,
        Node = EmptyNode,
);

/// The commands of one log entry, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch(pub(crate) Vec<Command>);

/// One reply for each command of a batch, in its order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Replies(pub(crate) Vec<Reply>);

/// One operation of one client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Command {
    /// Which operation this is.
    pub(crate) id: OpId,
    /// The node that issued `id` will never again send an operation numbered below this.
    pub(crate) settled: u64,
    /// What to do.
    pub(crate) op: Op,
}

/// Names an operation once and for all: the `seq`-th that `node` accepted from its clients since
/// its `start`-th start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpId {
    pub(crate) node: NodeId,
    pub(crate) start: u64,
    pub(crate) seq: u64,
}

/// What a client asked for. A key that was never written holds `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Op {
    Write { key: String, value: Value },
    Cas { key: String, expected: Value, new: Value },
    Add { set: String, element: Value },
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Written, or added.
    Done,
    /// The outcome of a compare-and-set, and the key's value after it.
    Cas { swapped: bool, value: Value },
    /// A late copy of an operation whose issuer gave it up long ago: nothing was done now.
    /// Nobody waits for this reply.
    Expired,
}
