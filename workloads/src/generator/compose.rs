//! Pieces that say what is done, and in which order: nothing here looks at the time.

use std::collections::VecDeque;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Context, Either, Generator, Next};
use crate::{Call, Outcome};

/// A source that never ends; see [`repeat`].
pub struct Repeat<F>(F);

/// Makes every call with `make`, for ever.
pub fn repeat<F: FnMut() -> Call + Send>(make: F) -> Repeat<F> {
    Repeat(make)
}

impl<F: FnMut() -> Call + Send> Generator for Repeat<F> {
    fn next(&mut self, _cx: &Context) -> Next {
        Next::Call((self.0)())
    }

    fn observe(&mut self, _cx: &Context, _call: &Call, _outcome: &Outcome) {}
}

/// A source of given calls; see [`once`].
pub struct Once(VecDeque<Call>);

/// Makes each of `calls` once, in turn.
pub fn once(calls: impl IntoIterator<Item = Call>) -> Once {
    Once(calls.into_iter().collect())
}

impl Generator for Once {
    fn next(&mut self, _cx: &Context) -> Next {
        self.0.pop_front().map_or(Next::Done, Next::Call)
    }

    fn observe(&mut self, _cx: &Context, _call: &Call, _outcome: &Outcome) {}
}

/// Picks among several generators by weight, until all have ended.
pub struct Mix {
    arms: Vec<Arm>,
    rng: ChaCha8Rng,
    /// The arm that is being drawn from, and how many calls of its burst are left.
    current: Option<(usize, u32)>,
}

struct Arm {
    weight: u32,
    burst: u32,
    inner: Box<dyn Generator>,
}

impl Mix {
    /// A mix without arms yet.
    pub fn new(rng: ChaCha8Rng) -> Mix {
        Mix { arms: Vec::new(), rng, current: None }
    }

    /// Adds a generator that is picked `weight` times out of the sum of all weights.
    #[must_use]
    pub fn arm(self, weight: u32, inner: impl Generator + 'static) -> Mix {
        self.burst(weight, 1, inner)
    }

    /// The same, but each pick takes `burst` calls in a row, which belong together.
    #[must_use]
    pub fn burst(mut self, weight: u32, burst: u32, inner: impl Generator + 'static) -> Mix {
        assert!(weight > 0 && burst > 0, "an arm that is never picked");
        self.arms.push(Arm { weight, burst, inner: Box::new(inner) });
        self
    }

    fn pick(&mut self) -> Option<(usize, u32)> {
        let total: u32 = self.arms.iter().map(|arm| arm.weight).sum();
        if total == 0 {
            return None;
        }
        let mut ticket = self.rng.random_range(0..total);
        self.arms.iter().enumerate().find_map(|(index, arm)| {
            let picked = ticket < arm.weight;
            ticket = ticket.wrapping_sub(arm.weight);
            picked.then_some((index, arm.burst))
        })
    }
}

impl Generator for Mix {
    fn next(&mut self, cx: &Context) -> Next {
        loop {
            let picked = self.current.take().or_else(|| self.pick());
            let Some((index, left)) = picked else { return Next::Done };
            match self.arms[index].inner.next(cx) {
                Next::Done => {
                    self.arms.remove(index);
                }
                Next::Call(call) => {
                    self.current = (left > 1).then_some((index, left - 1));
                    return Next::Call(call);
                }
                wait @ Next::Wait { .. } => {
                    self.current = Some((index, left));
                    return wait;
                }
            }
        }
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        for arm in &mut self.arms {
            arm.inner.observe(cx, call, outcome);
        }
    }
}

/// Ends after a number of calls.
pub struct Limit<G> {
    left: u32,
    inner: G,
}

impl<G> Limit<G> {
    /// At most `calls` calls of `inner`.
    pub fn new(calls: u32, inner: G) -> Limit<G> {
        Limit { left: calls, inner }
    }
}

impl<G: Generator> Generator for Limit<G> {
    fn next(&mut self, cx: &Context) -> Next {
        if self.left == 0 {
            return Next::Done;
        }
        let next = self.inner.next(cx);
        if matches!(next, Next::Call(_)) {
            self.left -= 1;
        }
        next
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        self.inner.observe(cx, call, outcome);
    }
}

/// One generator, and when it has ended, another: phases are chains of these.
pub struct Then<A, B> {
    first: Option<A>,
    second: B,
}

impl<A, B> Then<A, B> {
    /// `first`, then `second`.
    pub fn new(first: A, second: B) -> Then<A, B> {
        Then { first: Some(first), second }
    }
}

impl<A: Generator, B: Generator> Generator for Then<A, B> {
    fn next(&mut self, cx: &Context) -> Next {
        if let Some(first) = &mut self.first {
            match first.next(cx) {
                Next::Done => self.first = None,
                next => return next,
            }
        }
        self.second.next(cx)
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        match &mut self.first {
            Some(first) => first.observe(cx, call, outcome),
            None => self.second.observe(cx, call, outcome),
        }
    }
}

/// Reserves the first `count` members of a group for `reserved`; all others do `rest`. The choice
/// is made when the generator is built.
pub fn reserve<A, B>(
    position: usize,
    count: usize,
    reserved: impl FnOnce() -> A,
    rest: impl FnOnce() -> B,
) -> Either<A, B> {
    if position < count { Either::Left(reserved()) } else { Either::Right(rest()) }
}
