//! The generator algebra: small pure machines that decide what a worker does next.
//!
//! There is one generator a worker, with random streams of its own, and nothing is shared. The
//! sequence of `(f, key, new value)` that it emits depends on the seed and the worker alone:
//! neither time nor outcomes reach it, so that of two runs with one seed each worker's sequence in
//! the one is a prefix of that in the other, however differently the cluster behaved. What may
//! depend on the run is only *when* a call is made ([`Paced`], [`BackOff`]), how far the sequence
//! gets ([`TimeLimit`]), and the expected value of a compare-and-set, which is filled in as the
//! call is made ([`ExpectLastSeen`]). This is also why the cap on crashed processes limits what is
//! asked rather than counting what crashed.
//!
//! Sources and what shapes them:
//!
//! | piece | does |
//! |---|---|
//! | [`repeat`] | makes calls with a closure, for ever |
//! | [`once`] | makes the calls given, in turn |
//! | [`Mix`] | picks an arm by weight for each call, or for each burst of calls |
//! | [`Limit`] | ends after so many calls |
//! | [`Then`] | one generator after the other: phases |
//! | [`reserve`] | some members of a group do one thing, the rest another |
//! | [`PerKey`] | one key after the other, each with a generator of its own |
//! | [`Paced`] | spreads calls over time, with jitter |
//! | [`BackOff`] | slows down while nothing succeeds |
//! | [`TimeLimit`] | ends at a time |
//! | [`UntilOk`] | repeats each call, as a new operation, until it succeeds |
//! | [`FreshValues`] | fills in new values |
//! | [`ExpectLastSeen`] | fills in what a compare-and-set expects |
//!
//! Pieces that only say *what* go inside, pieces that say *when* go outside: a piece that waits
//! must not sit under a [`Mix`], whose choice would then depend on time.

mod compose;
mod finish;
mod keys;
mod resolve;
mod timing;

pub use compose::{Limit, Mix, Then, once, repeat, reserve};
pub use finish::UntilOk;
pub use keys::PerKey;
pub use resolve::{ExpectLastSeen, FreshValues, Values};
pub use timing::{BackOff, Paced, TimeLimit};

use crate::{Call, Outcome};

/// What a worker shall do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Make this call.
    Call(Call),
    /// Nothing before that time; ask again then.
    Wait {
        /// Nanoseconds since the start of the run.
        until_ns: u64,
    },
    /// Nothing any more.
    Done,
}

/// The moment at which a generator is asked or told something.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Nanoseconds since the start of the run.
    pub now_ns: u64,
    /// The worker, counted from 0.
    pub worker: usize,
    /// The process that the worker is at the moment.
    pub process: u64,
}

/// Decides what one worker does.
pub trait Generator: Send {
    /// What to do now. Every [`Next::Call`] is made, and told to [`observe`](Self::observe) when it
    /// has completed, before the next question.
    fn next(&mut self, cx: &Context) -> Next;

    /// Learns what came of the last call; `cx` is the moment of its completion.
    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome);
}

impl<G: Generator + ?Sized> Generator for Box<G> {
    fn next(&mut self, cx: &Context) -> Next {
        (**self).next(cx)
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        (**self).observe(cx, call, outcome);
    }
}

/// Either of two generators: what [`reserve`] returns.
pub enum Either<A, B> {
    /// The first kind.
    Left(A),
    /// The second kind.
    Right(B),
}

impl<A: Generator, B: Generator> Generator for Either<A, B> {
    fn next(&mut self, cx: &Context) -> Next {
        match self {
            Either::Left(inner) => inner.next(cx),
            Either::Right(inner) => inner.next(cx),
        }
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        match self {
            Either::Left(inner) => inner.observe(cx, call, outcome),
            Either::Right(inner) => inner.observe(cx, call, outcome),
        }
    }
}
