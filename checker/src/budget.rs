//! What a check may cost. Spending it yields `unknown` with the reason: never a hang, never an
//! allocation failure, never a guess.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::verdict::Reason;

/// Limits shared by everything that works on one check; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    deadline: Option<Instant>,
    memory_bytes: Option<u64>,
    cancel: Arc<AtomicBool>,
    /// What stops everything that this is a part of.
    cancel_outer: Vec<Arc<AtomicBool>>,
    used_bytes: Arc<AtomicU64>,
}

impl Budget {
    /// No limits at all.
    pub fn unlimited() -> Budget {
        Budget::default()
    }

    /// The same budget, spent at `deadline`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Budget {
        self.deadline = Some(deadline);
        self
    }

    /// The same budget, spent when the search's own structures need more than `bytes`.
    #[must_use]
    pub fn with_memory_bytes(mut self, bytes: u64) -> Budget {
        self.memory_bytes = Some(bytes);
        self
    }

    /// A budget for what may be found out once the verdict is there: so much time from now on,
    /// whatever the verdict took, and the same memory and cancellation.
    #[must_use]
    pub fn for_explaining(&self, limit: Duration) -> Budget {
        Budget { deadline: Instant::now().checked_add(limit), ..self.clone() }
    }

    /// The same budget, spent after so much time from now on, if not before.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Budget {
        let own = Instant::now().checked_add(limit);
        let deadline = self.deadline.into_iter().chain(own).min();
        Budget { deadline, ..self.clone() }
    }

    /// A budget for a part of the work: the same limits, the same account, and it can be cancelled
    /// by itself.
    #[must_use]
    pub fn child(&self) -> Budget {
        let mut child = self.clone();
        child.cancel_outer.push(std::mem::take(&mut child.cancel));
        child
    }

    /// The limit of memory, if there is one.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory_bytes
    }

    /// Stops every check that shares this budget, soon.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Books `bytes` more, over all that share the budget.
    pub fn reserve(&self, bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives `bytes` back.
    pub fn release(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Why to stop now, if there is a reason. Reads the clock: call it every few thousand steps.
    pub fn spent(&self) -> Option<Reason> {
        let cancelled = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        if cancelled(&self.cancel) || self.cancel_outer.iter().any(cancelled) {
            return Some(Reason::Cancelled);
        }
        if self.memory_bytes.is_some_and(|limit| self.used_bytes.load(Ordering::Relaxed) > limit) {
            return Some(Reason::Memory);
        }
        self.deadline.is_some_and(|at| Instant::now() >= at).then_some(Reason::Deadline)
    }
}
