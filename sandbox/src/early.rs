//! Answers given before their time ([`crate::Bug::AckBeforeCommit`]).
//!
//! A leader that answers as soon as an entry is in its own log, and applies it at once, behaves
//! well as long as it leads: its reads know what it has answered. That is kept here by letting
//! reads wait for the entries answered before them. What goes wrong is what would go wrong in
//! such a system: the entries that no quorum ever got.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::command::Reply;
use crate::failure::Failure;
use crate::propose::Proposal;

/// The commands that were answered and are not yet applied, numbered in the order of answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct EarlyAnswers {
    open: watch::Sender<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    unapplied: BTreeSet<u64>,
}

impl EarlyAnswers {
    /// Answers a write or an add that was merely queued.
    pub(crate) fn answer(&self, proposal: Proposal) -> Result<Reply, Failure> {
        let mut number = 0;
        self.open.send_modify(|open| {
            number = open.next;
            open.next += 1;
            open.unapplied.insert(number);
        });
        let open = self.open.clone();
        tokio::spawn(async move {
            // Nobody is left to be told of a failure.
            let _ = proposal.applied().await;
            open.send_modify(|open| {
                open.unapplied.remove(&number);
            });
        });
        Ok(Reply::Done)
    }

    /// Waits for all that was answered before.
    pub(crate) async fn settle(&self) {
        let now = self.open.borrow().next;
        let settled = |open: &Open| open.unapplied.first().is_none_or(|first| *first >= now);
        // The sender is `self`, so the channel cannot be closed.
        let _ = self.open.subscribe().wait_for(settled).await;
    }
}
