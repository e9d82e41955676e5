//! One read that lies, and why no linearization can excuse it.
//!
//! A *phantom* read returns a value that nobody ever asks for.
//!
//! A *stale* read returns a value that is certainly gone. It takes four steps on one key:
//!
//! 1. A value is written as *bait*, by a write that will be acknowledged. From now on nobody
//!    invokes anything that would set that value.
//! 2. Every operation that may set it has been acknowledged or refused. Crashed ones, which could
//!    set it at any time, do not exist: of unique values the bait is their only writer, and of few
//!    values the bait is 0, which no operation that is going to crash ever sets.
//! 3. An operation that began after that, and sets another value, is acknowledged.
//! 4. A read that began after that returns the bait.
//!
//! To be right, the read would need an operation that sets the bait to take effect after the one of
//! step 3 and before the read returns; but all of those returned before that one began.

use super::{Ask, Call, Lie, Shape};

/// What a phantom read returns.
const PHANTOM: i64 = 1_000_000_000;

pub(super) struct Trap {
    step: Step,
    /// The operation from which on it may be set.
    from: usize,
    /// Whether writes are of few values, so that the bait has to be kept apart.
    few: bool,
    lie: Option<Lie>,
}

enum Step {
    Waiting,
    /// The bait is out, or may still be written by somebody.
    Baited {
        key: usize,
        value: i64,
    },
    /// Whoever set it has returned before the event of this number.
    Settled {
        key: usize,
        value: i64,
        since: u64,
    },
    /// The next read of the key lies.
    Armed {
        key: usize,
        value: i64,
    },
    /// This client's read lies.
    Telling {
        client: usize,
        value: i64,
    },
    Done,
}

impl Trap {
    pub(super) fn new(shape: &Shape) -> Trap {
        let before_end = (shape.operations / 10).max(5 * shape.clients());
        Trap {
            step: if shape.lie.is_some() { Step::Waiting } else { Step::Done },
            from: shape.operations.saturating_sub(before_end),
            few: shape.values.is_some(),
            lie: shape.lie,
        }
    }

    pub(super) fn is_set(&self) -> bool {
        !matches!(self.step, Step::Done)
    }

    /// Whether an operation must not set the value 0.
    pub(super) fn reserves(&self, crashes: bool) -> bool {
        let is_out = !matches!(self.step, Step::Waiting | Step::Done);
        self.lie == Some(Lie::Stale) && (crashes || is_out)
    }

    /// The value that the operation about to begin has to write, if it is to be the bait.
    pub(super) fn bait(&mut self, number: usize, key: usize, fresh: i64) -> Option<i64> {
        if !matches!(self.step, Step::Waiting) || number < self.from {
            return None;
        }
        match self.lie? {
            Lie::Phantom => {
                self.step = Step::Armed { key, value: PHANTOM };
                None
            }
            Lie::Stale => {
                let value = if self.few { 0 } else { fresh };
                self.step = Step::Baited { key, value };
                Some(value)
            }
        }
    }

    pub(super) fn invoked(&mut self, client: usize, on: usize, ask: Ask) {
        if let Step::Armed { key, value } = self.step
            && key == on
            && ask == Ask::Read
        {
            self.step = Step::Telling { client, value };
        }
    }

    /// The lie, if it is this client that tells it.
    pub(super) fn told(&mut self, by: usize) -> Option<i64> {
        match self.step {
            Step::Telling { client, value } if client == by => {
                self.step = Step::Done;
                Some(value)
            }
            _ => None,
        }
    }

    /// Notes that `call` is over, `open` being those that are not, at the event of number `now`.
    pub(super) fn completed<'c>(
        &mut self,
        call: &Call,
        acknowledged: bool,
        now: u64,
        mut open: impl Iterator<Item = &'c Call>,
    ) {
        match self.step {
            Step::Baited { key, value } => {
                if !open.any(|one| one.key == key && one.ask.sets() == Some(value)) {
                    self.step = Step::Settled { key, value, since: now };
                }
            }
            Step::Settled { key, value, since } => {
                let overwrites = call.key == key && call.ask.sets().is_some() && acknowledged;
                if overwrites && call.began >= since {
                    self.step = Step::Armed { key, value };
                }
            }
            Step::Waiting | Step::Armed { .. } | Step::Telling { .. } | Step::Done => {}
        }
    }
}
