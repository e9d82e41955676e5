//! Operation ids, and which of them are still in use.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::command::{Command, NodeId, Op, OpId};

/// Issues the operation ids of one run of one node.
#[derive(Clone, Debug)]
pub(crate) struct Tickets {
    node: NodeId,
    start: u64,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    unsettled: BTreeSet<u64>,
}

/// One operation in progress. Dropping it settles the operation: its command is not sent again.
#[derive(Debug)]
pub(crate) struct Ticket {
    tickets: Tickets,
    id: OpId,
    settled: u64,
}

impl Tickets {
    /// `start` counts the starts of this node; no two runs may share it.
    pub(crate) fn new(node: NodeId, start: u64) -> Self {
        Self { node, start, open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("no holder of the lock panics")
    }

    pub(crate) fn issue(&self) -> Ticket {
        let mut open = self.open();
        let seq = open.next;
        open.next += 1;
        open.unsettled.insert(seq);
        let settled = open.unsettled.first().copied().unwrap_or(seq);
        drop(open);
        let id = OpId { node: self.node, start: self.start, seq };
        Ticket { tickets: self.clone(), id, settled }
    }
}

impl Ticket {
    pub(crate) fn command(&self, op: Op) -> Command {
        Command { id: self.id, settled: self.settled, op }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tickets.open().unsettled.remove(&self.id.seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_in_progress_keeps_all_later_ones_unsettled() {
        let tickets = Tickets::new(1, 1);
        let first = tickets.issue();
        drop(tickets.issue());
        assert_eq!(tickets.issue().settled, 0);
        drop(first);
        assert_eq!(tickets.issue().settled, 3);
    }
}
