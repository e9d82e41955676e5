//! Which member of a cluster a process talks to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Outcome, Route};

/// A process's own member, and who led when it last asked.
pub(super) struct Home {
    endpoints: Arc<[SocketAddr]>,
    /// Which of them is its own.
    at: usize,
    route: Route,
    /// The time limit of one operation.
    timeout: Duration,
    /// Only with [`Route::Leader`].
    leader: Option<SocketAddr>,
}

impl Home {
    /// For a process that belongs to node `node + 1`, of those there are.
    pub(super) fn new(
        endpoints: &Arc<[SocketAddr]>,
        node: usize,
        route: Route,
        timeout: Duration,
    ) -> Home {
        let endpoints = Arc::clone(endpoints);
        Home { at: node % endpoints.len(), endpoints, route, timeout, leader: None }
    }

    /// Where its own member serves.
    pub(super) fn endpoint(&self) -> SocketAddr {
        self.endpoints[self.at]
    }

    /// The number of its own member, from 1.
    pub(super) fn number(&self) -> usize {
        self.at + 1
    }

    /// Where to send the next call. If that is the leader and it is not known, `ask` asks a member
    /// where it is, until the moment given: its own member first, then the others, each of
    /// which may take its part of half the time.
    pub(super) async fn address<F, A>(
        &mut self,
        deadline: Instant,
        mut ask: F,
    ) -> Option<SocketAddr>
    where
        F: FnMut(SocketAddr, Instant) -> A,
        A: Future<Output = Option<SocketAddr>>,
    {
        if self.route == Route::Pinned {
            return Some(self.endpoint());
        }
        let part = self.timeout / 2 / self.endpoints.len() as u32;
        for step in 0..self.endpoints.len() {
            if self.leader.is_some() {
                break;
            }
            let asked = self.endpoints[(self.at + step) % self.endpoints.len()];
            self.leader = ask(asked, deadline.min(Instant::now() + part)).await;
        }
        self.leader
    }

    /// What fails may have failed because somebody else leads now: ask again before the next call.
    pub(super) fn learn(&mut self, outcome: &Outcome) {
        if !outcome.is_healthy() {
            self.leader = None;
        }
    }
}
