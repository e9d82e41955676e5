//! The leader's way into the log: commands that wait together are proposed together.
//!
//! openraft 0.9 writes entries one by one, each with its own sync. So the proposer lets a few
//! entries be under way and meanwhile gathers what arrives into the next one.

use std::sync::Arc;
use std::time::Duration;

use openraft::error::ClientWriteError;
use openraft::raft::ClientWriteResult;
use openraft::{EmptyNode, Raft};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::command::{Batch, Command, NodeId, Replies, Reply, Types};
use crate::failure::Failure;

/// Entries that may be proposed and not yet applied, unless they are slow.
const UNDER_WAY: usize = 2;
/// An entry that takes longer than this waits for a quorum rather than for the disk, and there is
/// no point in holding others back for it.
const SLOW: Duration = Duration::from_millis(25);
/// Commands in one entry; with openraft's limit of entries a message it bounds a message's size.
const BATCH: usize = 64;
/// Commands that may wait. More are refused, which is a definite answer.
const WAITING: usize = 1024;

/// Proposes commands. It does not check that this node leads: openraft does.
#[derive(Clone, Debug)]
pub(crate) struct Proposer {
    queue: mpsc::Sender<Pending>,
}

#[derive(Debug)]
struct Pending {
    command: Command,
    /// Past this moment nobody waits for the answer, and the command must not be proposed any
    /// more: a node resumed after a long pause would otherwise act on old wishes.
    deadline: Instant,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Reply, Failure>>;

impl Proposer {
    pub(crate) fn start(raft: Raft<Types>) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(propose_all(raft, waiting));
        Self { queue }
    }

    /// Queues a command behind those that were queued before.
    pub(crate) fn propose(&self, command: Command, deadline: Instant) -> Result<Proposal, Failure> {
        let (answer, outcome) = oneshot::channel();
        let pending = Pending { command, deadline, answer };
        match self.queue.try_send(pending) {
            Ok(()) => Ok(Proposal(outcome)),
            Err(_) => Err(Failure::Refused("too many operations are waiting".into())),
        }
    }
}

/// A queued command. Dropping it takes the command back unless it was proposed already.
#[derive(Debug)]
pub(crate) struct Proposal(oneshot::Receiver<Result<Reply, Failure>>);

impl Proposal {
    /// Waits until the command was applied.
    pub(crate) async fn applied(self) -> Result<Reply, Failure> {
        let stopping = |_| Err(Failure::Unknown("the node is stopping".into()));
        self.0.await.unwrap_or_else(stopping)
    }
}

async fn propose_all(raft: Raft<Types>, mut waiting: mpsc::Receiver<Pending>) {
    let slots = Arc::new(Semaphore::new(UNDER_WAY));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let mut batch = Vec::new();
        if waiting.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let now = Instant::now();
        batch.retain(|pending| pending.deadline > now && !pending.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        let (commands, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|pending| (pending.command, pending.answer)).unzip();
        // Here and not in the task below, so that batches enter the log in their order.
        let proposed = raft.client_write_ff(Batch(commands)).await;
        tokio::spawn(async move {
            let outcome = match proposed {
                Ok(mut applied) => match timeout(SLOW, &mut applied).await {
                    Ok(outcome) => outcome.ok(),
                    Err(_elapsed) => {
                        drop(slot);
                        applied.await.ok()
                    }
                },
                Err(_stopped) => None,
            };
            answer_batch(answers, outcome);
        });
    }
}

/// `None` when Raft stopped before it answered.
fn answer_batch(answers: Vec<Answer>, outcome: Option<ClientWriteResult<Types>>) {
    let failure = match outcome {
        Some(Ok(response)) => {
            let Replies(replies) = response.data;
            for (answer, reply) in answers.into_iter().zip(replies) {
                // A client that hung up does not read its answer.
                let _ = answer.send(Ok(reply));
            }
            return;
        }
        Some(Err(error)) => unknown(&error),
        None => Failure::Unknown("raft stopped".into()),
    };
    for answer in answers {
        let _ = answer.send(Err(failure.clone()));
    }
}

/// openraft says "forward to the leader" both when it turns a proposal away and when a new leader
/// has made it drop one, which may live on elsewhere. So nothing that went in is a definite
/// failure; who wants one asks whether this node leads *before* proposing.
fn unknown(error: &ClientWriteError<NodeId, EmptyNode>) -> Failure {
    match error {
        ClientWriteError::ForwardToLeader(_) => {
            Failure::Unknown("the node lost its leadership".into())
        }
        error => Failure::Unknown(error.to_string()),
    }
}
