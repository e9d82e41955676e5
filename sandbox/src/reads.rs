//! Linearizable reads: the read index of the Raft thesis, section 6.4.
//!
//! The leader notes how far the log is committed (at least its own first entry of the term, so
//! that it knows of everything its predecessors committed), has a quorum confirm that it still
//! leads, waits until it has applied that far, and only then reads. openraft does all this in
//! `ensure_linearizable`. Reads that arrive while one round is under way share the next: a round
//! costs a message to every node, and it covers any read that began before it.

use std::time::Duration;

use openraft::Raft;
use openraft::error::{CheckIsLeaderError, RaftError};
use tokio::sync::{mpsc, oneshot};

use crate::command::Types;
use crate::failure::Failure;

/// Reads that may wait for a round.
const WAITING: usize = 4096;

type Confirmation = Result<(), Failure>;

/// Lets reads through once the state is known to be fresh enough for them.
#[derive(Clone, Debug)]
pub(crate) struct ReadGate {
    queue: mpsc::Sender<oneshot::Sender<Confirmation>>,
}

impl ReadGate {
    /// `limit` bounds one round: without a quorum it would not end.
    pub(crate) fn start(raft: Raft<Types>, limit: Duration) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(confirm_all(raft, waiting, limit));
        Self { queue }
    }

    /// Waits until this node's state includes everything that any client was told before now.
    pub(crate) async fn pass(&self) -> Confirmation {
        let (answer, confirmation) = oneshot::channel();
        if self.queue.try_send(answer).is_err() {
            return Err(Failure::Refused("too many reads are waiting".into()));
        }
        confirmation.await.unwrap_or_else(|_| Err(Failure::Refused("the node is stopping".into())))
    }
}

async fn confirm_all(
    raft: Raft<Types>,
    mut waiting: mpsc::Receiver<oneshot::Sender<Confirmation>>,
    limit: Duration,
) {
    let mut readers = Vec::new();
    while waiting.recv_many(&mut readers, WAITING).await > 0 {
        let confirmation = match tokio::time::timeout(limit, raft.ensure_linearizable()).await {
            Ok(Ok(_read_index)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_elapsed) => Err(Failure::TimedOut),
        };
        for reader in readers.drain(..) {
            // A client that hung up does not read its answer.
            let _ = reader.send(confirmation.clone());
        }
    }
}

/// A read that is not served had no effect, so each of these is definite.
fn refusal(error: &RaftError<u64, CheckIsLeaderError<u64, openraft::EmptyNode>>) -> Failure {
    match error {
        RaftError::APIError(CheckIsLeaderError::ForwardToLeader(forward)) => {
            Failure::NotLeader { leader: forward.leader_id }
        }
        RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_)) => {
            Failure::Refused("no quorum confirms that this node leads".into())
        }
        RaftError::Fatal(error) => Failure::Refused(error.to_string()),
    }
}
