//! Whom a fault hits, decided when it happens: the primaries of the moment, and not so many that
//! fewer nodes stay up than the plan allows.

use std::collections::BTreeMap;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;

use super::{FaultError, Nemesis};
use crate::env::{NodeId, ProcessState};
use crate::schedule::{FaultKind, Strike, Target};
use crate::topology::list;

/// Whom to hit, and who was spared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Victims {
    pub(super) nodes: Vec<NodeId>,
    pub(super) spared: Vec<NodeId>,
    pub(super) keep_up: u16,
}

impl Victims {
    /// `minority: n2 (n4 spared, 3 stay up)`.
    pub(super) fn describe(&self, target: &Target) -> String {
        let hit = format!("{target}: {}", list(&self.nodes));
        if self.spared.is_empty() {
            return hit;
        }
        format!("{hit} ({} spared, {} stay up)", list(&self.spared), self.keep_up)
    }
}

/// The nodes of the cluster at one moment, as far as aiming goes.
pub(super) struct Standing<'a> {
    pub(super) states: &'a BTreeMap<NodeId, ProcessState>,
    /// Of the running ones, those that do not take part yet.
    pub(super) starting: &'a [NodeId],
}

impl Standing<'_> {
    fn is_up(&self, node: NodeId) -> bool {
        self.states[&node].is_running() && !self.starting.contains(&node)
    }

    fn count_up(&self) -> usize {
        self.states.keys().filter(|&&node| self.is_up(node)).count()
    }

    /// Takes victims in the order of `preference`. A node that is not up costs nothing to hit; of
    /// those that are, so many are hit that `keep_up` remain. A step that asks for so many nodes
    /// that fewer must remain is taken at its word.
    pub(super) fn choose(
        &self,
        kind: FaultKind,
        strike: &Strike,
        preference: &[NodeId],
        keep_up: u16,
    ) -> Victims {
        let total = u16::try_from(self.states.len()).expect("nodes are numbered by u16");
        let asked = strike.target.count(total).unwrap_or(1).max(1);
        let keep_up = strike.keep_up.unwrap_or_else(|| keep_up.min(total.saturating_sub(asked)));
        let mut expendable = self.count_up().saturating_sub(usize::from(keep_up));
        let wanted = match strike.target.count(total) {
            Some(count) => usize::from(count),
            None => preference.len(),
        };
        let (mut nodes, mut spared) = (Vec::new(), Vec::new());
        let hittable = preference.iter().copied().filter(|node| {
            let state = self.states[node];
            // A stopped process can still be killed, but not stopped again or asked to leave.
            state.is_running() || (kind == FaultKind::Kill && state.is_paused())
        });
        for node in hittable.take(wanted) {
            if !self.is_up(node) {
                nodes.push(node);
            } else if expendable > 0 {
                expendable -= 1;
                nodes.push(node);
            } else {
                spared.push(node);
            }
        }
        nodes.sort();
        Victims { nodes, spared, keep_up }
    }
}

impl Nemesis {
    /// Whom to hit now. Waits a little for a leader, and for starting nodes if somebody had to be
    /// spared on their account.
    pub(super) async fn aim(
        &mut self,
        kind: FaultKind,
        strike: &Strike,
        rng: &mut ChaCha8Rng,
    ) -> Result<Victims, FaultError> {
        let primaries = match strike.target {
            Target::Primaries => self.leading().await,
            _ => Vec::new(),
        };
        let preference = strike.target.preference(self.env.nodes(), &primaries, rng);
        let deadline = Instant::now() + self.options.aim_within;
        loop {
            self.forget_who_is_ready().await;
            let states = self
                .states()
                .await
                .map_err(|source| FaultError::Environment { f: kind.f(), source })?;
            let starting: Vec<NodeId> = self.starting.iter().copied().collect();
            let standing = Standing { states: &states, starting: &starting };
            let victims = standing.choose(kind, strike, &preference, self.options.keep_up);
            let may_improve = !victims.spared.is_empty() && !starting.is_empty();
            if !may_improve || Instant::now() >= deadline {
                return Ok(victims);
            }
            tokio::time::sleep(self.options.look_every).await;
        }
    }

    /// Who leads; waits a little if nobody does.
    pub(super) async fn leading(&self) -> Vec<NodeId> {
        let deadline = Instant::now() + self.options.aim_within;
        loop {
            let asked = tokio::time::timeout(self.options.aim_within, self.primaries.primaries());
            let primaries = asked.await.unwrap_or_default();
            if !primaries.is_empty() || Instant::now() >= deadline {
                return primaries;
            }
            tokio::time::sleep(self.options.look_every).await;
        }
    }

    async fn forget_who_is_ready(&mut self) {
        for node in self.starting.clone() {
            let asked =
                tokio::time::timeout(self.options.aim_within, self.primaries.is_ready(node));
            if asked.await.unwrap_or(false) {
                self.starting.remove(&node);
            }
        }
    }
}
