//! Independent keys, one after the other.

use super::{Context, Generator, Next};
use crate::{Call, Outcome};

/// Works on one key until its generator ends, then on the next.
///
/// The members of a group visit the same keys in the same order, each with a share of its own, and
/// do not wait for each other. During a fault this is what one wants: those that are served go on
/// to fresh keys, those that are stuck stay behind, and their keys live through the fault and its
/// healing.
pub struct PerKey<G, F> {
    keys: Keys,
    make: F,
    current: Option<(i64, G)>,
}

/// The keys of one group: every `stride`-th, for ever.
#[derive(Clone, Copy, Debug)]
struct Keys {
    next: i64,
    stride: i64,
}

impl<G: Generator, F: FnMut(i64) -> G + Send> PerKey<G, F> {
    /// The keys `first`, `first + stride`, …, each with the generator that `make` builds for it.
    /// Such a generator must make at least one call.
    pub fn new(first: i64, stride: i64, make: F) -> PerKey<G, F> {
        PerKey { keys: Keys { next: first, stride }, make, current: None }
    }

    fn advance(&mut self) -> &mut (i64, G) {
        let key = self.keys.next;
        self.keys.next += self.keys.stride;
        self.current.insert((key, (self.make)(key)))
    }
}

impl<G: Generator, F: FnMut(i64) -> G + Send> Generator for PerKey<G, F> {
    fn next(&mut self, cx: &Context) -> Next {
        let mut fresh = self.current.is_none();
        loop {
            let (key, inner) = if fresh {
                self.advance()
            } else {
                self.current.as_mut().expect("set by the first advance")
            };
            match inner.next(cx) {
                Next::Call(call) => return Next::Call(Call { key: Some(*key), ..call }),
                wait @ Next::Wait { .. } => return wait,
                // A generator that ends at once would have us look for a key for ever.
                Next::Done if fresh => return Next::Done,
                Next::Done => fresh = true,
            }
        }
    }

    fn observe(&mut self, cx: &Context, call: &Call, outcome: &Outcome) {
        if let Some((_, inner)) = &mut self.current {
            inner.observe(cx, call, outcome);
        }
    }
}
