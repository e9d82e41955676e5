//! Values that are filled in as a call is emitted: new ones by the seed, and the one thing about a
//! call that may depend on the run.

use checker::Value;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Context, Generator, Next};
use crate::seed::stream;
use crate::{Call, Outcome, Params};

/// New values for one worker.
pub enum Values {
    /// `next`, `next + stride`, …: never one twice, and never one of another worker.
    Unique {
        /// The next value.
        next: i64,
        /// How many workers count at once.
        stride: i64,
    },
    /// Any of `0..count`.
    Small {
        /// How many different values there are.
        count: u32,
        /// Draws them.
        rng: Box<ChaCha8Rng>,
    },
}

impl Values {
    /// The values of `worker`, as the parameters ask.
    pub fn of(params: &Params, worker: usize) -> Values {
        match params.values {
            None => Values::unique(params, worker),
            Some(count) => {
                let rng = Box::new(stream(params.seed, "values", worker));
                Values::Small { count: count.max(1), rng }
            }
        }
    }

    /// Values that are used once in a run, counted from 1.
    pub fn unique(params: &Params, worker: usize) -> Values {
        Values::Unique { next: worker as i64 + 1, stride: params.workers as i64 }
    }

    fn draw(&mut self) -> Value {
        Value::Int(match self {
            Values::Unique { next, stride } => {
                let value = *next;
                *next += *stride;
                value
            }
            Values::Small { count, rng } => i64::from(rng.random_range(0..*count)),
        })
    }
}

/// Fills in the new value of every call that has one: the argument of a `write` or an `add`, the
/// second half of a `cas`.
pub struct FreshValues<G> {
    inner: G,
    values: Values,
}

impl<G> FreshValues<G> {
    /// Wraps `inner`, whose calls leave the place of the value empty.
    pub fn new(values: Values, inner: G) -> FreshValues<G> {
        FreshValues { inner, values }
    }
}

impl<G: Generator> Generator for FreshValues<G> {
    fn next(&mut self, cx: &Context) -> Next {
        let mut next = self.inner.next(cx);
        if let Next::Call(call) = &mut next
            && call.mutates()
        {
            match &mut call.value {
                Value::Vector(pair) => *pair.last_mut().expect("a pair") = self.values.draw(),
                value => *value = self.values.draw(),
            }
        }
        next
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        self.inner.observe(cx, call, outcome);
    }
}

/// Fills in the expected value of every `cas`: what this worker last saw in the key, be it that it
/// read the value or that its own write of it was acknowledged. Anything else would hardly ever
/// match where values are unique.
pub struct ExpectLastSeen<G> {
    inner: G,
    unseen: Value,
    seen: Option<(Option<i64>, Value)>,
}

impl<G> ExpectLastSeen<G> {
    /// Wraps `inner`, whose `cas` calls carry `[anything new]`; where nothing has been seen yet
    /// `unseen` is expected.
    pub fn new(unseen: Value, inner: G) -> ExpectLastSeen<G> {
        ExpectLastSeen { inner, unseen, seen: None }
    }

    fn expected(&self, key: Option<i64>) -> Value {
        match &self.seen {
            Some((seen_key, value)) if *seen_key == key => value.clone(),
            _ => self.unseen.clone(),
        }
    }
}

impl<G: Generator> Generator for ExpectLastSeen<G> {
    fn next(&mut self, cx: &Context) -> Next {
        let mut next = self.inner.next(cx);
        if let Next::Call(Call { f: "cas", key, value: Value::Vector(pair) }) = &mut next
            && let [expected, _new] = pair.as_mut_slice()
        {
            *expected = self.expected(*key);
        }
        next
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        if let Outcome::Ok(answer) = outcome {
            let value = match (call.f, &call.value) {
                ("cas", Value::Vector(pair)) => pair.last(),
                ("read", _) => Some(answer).filter(|value| !value.is_nil()),
                _ => Some(&call.value),
            };
            if let Some(value) = value {
                self.seen = Some((call.key, value.clone()));
            }
        }
        self.inner.observe(cx, call, outcome);
    }
}
