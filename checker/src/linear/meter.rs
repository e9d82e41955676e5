//! What a search spends, held against its budget.

use crate::budget::Budget;
use crate::verdict::Reason;

/// What one search may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'b> {
    pub(crate) budget: &'b Budget,
    /// A search that needs more gives up: what it is for is not worth more.
    pub(crate) expansions_max: u64,
    /// And so does one that needs more memory for itself.
    pub(crate) bytes_max: u64,
    /// A frontier keeps no more than so many configurations, and can tell no violation once there
    /// were more.
    pub(crate) configs_max: usize,
}

impl<'b> Limits<'b> {
    /// As much as the budget allows.
    pub(crate) fn of(budget: &'b Budget) -> Limits<'b> {
        Limits { budget, expansions_max: u64::MAX, bytes_max: u64::MAX, configs_max: usize::MAX }
    }
}

/// Counts work and memory, and looks at the budget now and then.
pub(crate) struct Meter<'b> {
    limits: Limits<'b>,
    booked_bytes: u64,
    unchecked_work: usize,
    pub(crate) expansions: u64,
    pub(crate) largest_frontier: u64,
}

/// Reading the clock costs as much as a few dozen steps of the search.
const WORK_BETWEEN_LOOKS: usize = 8192;
/// Booking is an atomic operation on a word that all keys share.
const BOOKING_STEP_BYTES: u64 = 1 << 18;

impl<'b> Meter<'b> {
    pub(crate) fn new(limits: Limits<'b>) -> Meter<'b> {
        Meter { limits, booked_bytes: 0, unchecked_work: 0, expansions: 0, largest_frontier: 0 }
    }

    /// What may be spent.
    pub(crate) fn limits(&self) -> Limits<'b> {
        self.limits
    }

    /// From here on so many more expansions are allowed.
    pub(crate) fn allow(&mut self, expansions: u64) {
        self.limits.expansions_max = self.expansions.saturating_add(expansions);
    }

    /// Some small steps were done, or are about to be.
    pub(crate) fn work(&mut self, steps: usize) -> Result<(), Reason> {
        self.unchecked_work += steps + 1;
        if self.unchecked_work < WORK_BETWEEN_LOOKS {
            return Ok(());
        }
        self.unchecked_work = 0;
        if self.expansions > self.limits.expansions_max {
            return Err(Reason::Cancelled);
        }
        self.limits.budget.spent().map_or(Ok(()), Err)
    }

    /// The search's structures now occupy this much.
    pub(crate) fn occupy(&mut self, bytes: u64) -> Result<(), Reason> {
        if bytes.abs_diff(self.booked_bytes) < BOOKING_STEP_BYTES {
            return Ok(());
        }
        if bytes > self.booked_bytes {
            self.limits.budget.reserve(bytes - self.booked_bytes);
        } else {
            self.limits.budget.release(self.booked_bytes - bytes);
        }
        self.booked_bytes = bytes;
        if bytes > self.limits.bytes_max {
            return Err(Reason::Memory);
        }
        self.limits.budget.spent().map_or(Ok(()), Err)
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.limits.budget.release(self.booked_bytes);
    }
}
