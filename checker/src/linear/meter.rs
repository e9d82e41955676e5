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

#[cfg(test)]
mod tests {
    use super::*;

    fn works(meter: &mut Meter<'_>, steps: usize) -> Result<(), Reason> {
        (0..steps).try_for_each(|_| meter.work(0))
    }

    #[test]
    fn it_looks_at_the_budget_after_so_many_steps_and_not_before() {
        let budget = Budget::unlimited();
        budget.cancel();
        let mut meter = Meter::new(Limits::of(&budget));
        for _ in 0..2 {
            assert_eq!(works(&mut meter, WORK_BETWEEN_LOOKS - 1), Ok(()));
            assert_eq!(meter.work(0), Err(Reason::Cancelled));
        }
        assert_eq!(meter.work(WORK_BETWEEN_LOOKS - 2), Ok(()));
        assert_eq!(meter.work(0), Err(Reason::Cancelled));
    }

    #[test]
    fn it_gives_up_beyond_the_expansions_that_are_allowed() {
        let budget = Budget::unlimited();
        let mut meter = Meter::new(Limits { expansions_max: 5, ..Limits::of(&budget) });
        meter.expansions = 5;
        assert_eq!(meter.work(WORK_BETWEEN_LOOKS), Ok(()));
        meter.expansions = 6;
        assert_eq!(meter.work(WORK_BETWEEN_LOOKS), Err(Reason::Cancelled));
        meter.allow(2);
        meter.expansions = 8;
        assert_eq!(meter.work(WORK_BETWEEN_LOOKS), Ok(()));
        meter.expansions = 9;
        assert_eq!(meter.work(WORK_BETWEEN_LOOKS), Err(Reason::Cancelled));
    }

    /// Whether as much is booked as a budget has that is spent by one byte more.
    fn is_booked(budget: &Budget, bytes: u64) -> bool {
        let as_much = budget.clone().with_memory_bytes(bytes);
        let is_spent = as_much.spent().is_some();
        as_much.reserve(1);
        let one_more = as_much.spent().is_some();
        as_much.release(1);
        !is_spent && one_more
    }

    #[test]
    fn memory_is_booked_in_steps_and_given_back() {
        let budget = Budget::unlimited();
        let mut meter = Meter::new(Limits::of(&budget));
        assert_eq!(meter.occupy(BOOKING_STEP_BYTES - 1), Ok(()));
        assert!(is_booked(&budget, 0));
        for bytes in [BOOKING_STEP_BYTES, 5 * BOOKING_STEP_BYTES, 3 * BOOKING_STEP_BYTES] {
            assert_eq!(meter.occupy(bytes), Ok(()));
            assert!(is_booked(&budget, bytes));
        }
        drop(meter);
        assert!(is_booked(&budget, 0));
    }

    #[test]
    fn memory_is_spent_for_one_search_or_for_all() {
        let budget = Budget::unlimited().with_memory_bytes(3 * BOOKING_STEP_BYTES);
        let limits = Limits { bytes_max: 2 * BOOKING_STEP_BYTES, ..Limits::of(&budget) };
        let mut meter = Meter::new(limits);
        assert_eq!(meter.occupy(2 * BOOKING_STEP_BYTES), Ok(()));
        assert_eq!(meter.occupy(3 * BOOKING_STEP_BYTES), Err(Reason::Memory));
        let mut unlimited = Meter::new(Limits::of(&budget));
        assert_eq!(unlimited.occupy(BOOKING_STEP_BYTES), Err(Reason::Memory));
    }
}
