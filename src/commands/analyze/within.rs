//! Reading within what judging may cost: a history that never ends, or that unpacks to more than
//! the machine has, ends as *unknown* like any other that takes too much.

use std::io::{self, Read};

use checker::Budget;
use checker::verdict::Reason;

use crate::exit::GaveUp;
use crate::memory;

/// How often memory is looked at.
const LOOK_BYTES: usize = 1 << 20;

/// Input that fails with [`Spent`] once the budget is spent, or the process has grown by more than
/// the memory that the budget allows.
pub(super) struct Within<'b, R> {
    input: R,
    budget: &'b Budget,
    resident_bytes: Option<u64>,
    /// Read since memory was looked at.
    unseen_bytes: usize,
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
#[error("{} while it was read", .0.sentence())]
pub(super) struct Spent(Reason);

impl Spent {
    /// Whether this is what ended reading.
    pub(super) fn ended(error: &io::Error) -> Option<GaveUp> {
        let Spent(reason) = error.get_ref()?.downcast_ref()?;
        let flag = if *reason == Reason::Memory { "--memory" } else { "--deadline" };
        let told = format!("{error}; {flag} allows more, and --stream judges while reading");
        Some(GaveUp { reason: reason.clone(), told })
    }
}

impl<'b, R: Read> Within<'b, R> {
    pub(super) fn new(input: R, budget: &'b Budget) -> Within<'b, R> {
        Within { input, budget, resident_bytes: memory::resident_bytes(), unseen_bytes: 0 }
    }

    fn spent(&mut self) -> Option<Reason> {
        let reason = self.budget.spent();
        if reason.is_some() || self.unseen_bytes < LOOK_BYTES {
            return reason;
        }
        self.unseen_bytes = 0;
        let grown = memory::resident_bytes()?.saturating_sub(self.resident_bytes?);
        (grown > self.budget.memory_bytes()?).then_some(Reason::Memory)
    }
}

impl<R: Read> Read for Within<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(reason) = self.spent() {
            return Err(io::Error::other(Spent(reason)));
        }
        let read = self.input.read(buffer)?;
        self.unseen_bytes += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn read_all(budget: &Budget, bytes: u64) -> io::Result<u64> {
        let mut kept = Vec::new();
        Within::new(io::repeat(b'\n').take(bytes), budget).read_to_end(&mut kept)?;
        Ok(kept.len() as u64)
    }

    #[test]
    fn what_ends_in_time_is_read() {
        assert_eq!(read_all(&Budget::unlimited(), 3 << 20).expect("no limits"), 3 << 20);
    }

    #[test]
    fn what_takes_too_long_or_too_much_says_which_flag_allows_more() {
        let late = Budget::unlimited().with_deadline(Instant::now());
        let small = Budget::unlimited().with_memory_bytes(20 << 20);
        for (budget, cure) in [(late, "--deadline"), (small, "--memory")] {
            let error = read_all(&budget, 1 << 40).expect_err("it has no end");
            let spent = Spent::ended(&error).expect("it was the budget");
            assert!(spent.told.contains(cure), "{spent}");
        }
    }
}
