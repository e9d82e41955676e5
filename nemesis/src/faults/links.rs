//! Faults of the network: cut, stalled, delayed and reset links, proved by probes of every link.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;

use super::evidence::link_flaw;
use super::{Bracket, Evidence, FaultError, InForce, Nemesis, Proof};
use crate::env::{Disturbance, EnvError, Grudge, Link, LinkMatrix, LinkState};
use crate::schedule::{FaultKind, Heal, LinkSpec};
use crate::topology::{Partition, Topology, TopologyError};

/// How every link of the cluster should look.
#[derive(Clone, Debug, Default)]
struct Expectation {
    /// Exactly these are closed.
    closed: Grudge,
    /// These take at least so long.
    slow: BTreeMap<Link, Duration>,
    /// These took so long and no longer do.
    prompt: BTreeMap<Link, Duration>,
}

impl Expectation {
    fn latency_flaw(&self, matrix: &LinkMatrix) -> Option<String> {
        let latency = |link| match matrix.state(link) {
            Some(LinkState::Open { latency }) => Some(latency),
            _ => None,
        };
        let too_fast = self.slow.iter().find_map(|(&link, &least)| {
            let seen = latency(link).filter(|seen| *seen < least)?;
            Some(format!("{link} took {seen:?}, not {least:?} or more"))
        });
        too_fast.or_else(|| {
            self.prompt.iter().find_map(|(&link, &former)| {
                let seen = latency(link).filter(|seen| *seen >= former)?;
                Some(format!("{link} still takes {seen:?}"))
            })
        })
    }
}

impl Nemesis {
    pub(super) async fn partition(
        &mut self,
        id: u64,
        topology: &Topology,
        rng: &mut ChaCha8Rng,
    ) -> Result<Evidence, FaultError> {
        let f = FaultKind::Partition.f();
        let Partition { grudge, what } = match self.shape(topology, rng).await {
            Err(error @ TopologyError::NoPrimary) => {
                return Ok(Evidence::skipped(f, error.to_string()));
            }
            drawn => drawn?,
        };
        let mut evidence = Evidence { f, id: Some(id), what, ..touching(&grudge) };
        let before = self.see_baseline(&mut evidence).await?;
        let told = self.env.apply(&grudge).await;
        self.grudge = grudge;
        let seen = match told {
            Ok(()) => self.see_links(&mut evidence, &self.expectation()).await,
            Err(source) => Err(FaultError::Environment { f, source }),
        };
        match seen {
            Ok(after) => {
                let bracket = Bracket { last_before: before.began, first_after: after.ended };
                evidence.began = Some(bracket);
                evidence.heals = self.out_of_force(Heal::Partition);
                evidence.ended = (!evidence.heals.is_empty()).then_some(bracket);
                self.put_in_force(id, Heal::Partition, &evidence);
                Ok(evidence)
            }
            Err(error) => {
                // If this fails too, healing everything will say so.
                let _ = self.heal_partition().await;
                Err(error)
            }
        }
    }

    pub(super) async fn heal_partition(&mut self) -> Result<Evidence, FaultError> {
        let cut = std::mem::take(&mut self.grudge);
        let closed = cut.clone();
        self.heal_links_as(Heal::Partition, &cut, closed, BTreeMap::new()).await
    }

    pub(super) async fn heal_links(&mut self) -> Result<Evidence, FaultError> {
        let disturbed = std::mem::take(&mut self.disturbed);
        let links: Grudge = disturbed.keys().copied().collect();
        let stalled = disturbed.iter().filter(|(_, how)| **how == Disturbance::Stall);
        let closed = stalled.map(|(link, _)| *link).collect();
        let slow = delays(&disturbed).collect();
        self.heal_links_as(Heal::Links, &links, closed, slow).await
    }

    /// Opens what `heal` is about, of which `closed` should have been closed until now and `slow`
    /// delayed, and sees every link as it should be afterwards.
    async fn heal_links_as(
        &mut self,
        heal: Heal,
        links: &Grudge,
        closed: Grudge,
        slow: BTreeMap<Link, Duration>,
    ) -> Result<Evidence, FaultError> {
        let f = heal.f();
        let heals = self.waiting_for(heal);
        let what = "all links are as they were".to_owned();
        let mut evidence = Evidence { f, what, heals, ..touching(links) };
        if !self.has_links() {
            return Ok(evidence);
        }
        let before = self.env.probe().await;
        let told = match heal {
            Heal::Links if !self.grudge.is_empty() => self.env.calm().await,
            Heal::Links => self.env.heal_network().await,
            _ => self.env.apply(&Grudge::none()).await,
        };
        told.map_err(|source| FaultError::Environment { f, source })?;
        let expected = Expectation { prompt: slow.clone(), ..self.expectation() };
        let after = self.see_links(&mut evidence, &expected).await?;
        self.out_of_force(heal);
        let before = before.map_err(|source| FaultError::Environment { f, source })?;
        let until_now = Expectation { closed, slow, ..Expectation::default() };
        if let Some(flaw) = lapse(&until_now, &before) {
            evidence.proof.flaw = Some(format!("before the heal: {flaw}"));
            return Err(FaultError::NotProved { evidence: Box::new(evidence) });
        }
        if !evidence.heals.is_empty() {
            let bracket = Bracket { last_before: before.began, first_after: after.ended };
            evidence.ended = Some(bracket);
        }
        Ok(evidence)
    }

    pub(super) async fn disturb(
        &mut self,
        id: u64,
        spec: &LinkSpec,
        rng: &mut ChaCha8Rng,
    ) -> Result<Evidence, FaultError> {
        let kind = match spec.how {
            Disturbance::Stall => FaultKind::Stall,
            Disturbance::Delay { .. } => FaultKind::Delay,
            Disturbance::Reset => FaultKind::Reset,
        };
        let drawn = match self.shape(&spec.topology, rng).await {
            Err(error @ TopologyError::NoPrimary) => {
                return Ok(Evidence::skipped(kind.f(), error.to_string()));
            }
            drawn => drawn?,
        };
        let links: Grudge = drawn.grudge.links().filter(|link| !self.grudge.cuts(*link)).collect();
        if links.is_empty() {
            let reason = "all these links are cut already".to_owned();
            return Ok(Evidence::skipped(kind.f(), reason));
        }
        let what = format!("{kind} {}", drawn.what);
        let evidence = Evidence { f: kind.f(), id: Some(id), what, ..touching(&links) };
        match spec.how {
            Disturbance::Reset => self.reset(evidence, &links).await,
            lasting => self.hold(id, evidence, &links, lasting).await,
        }
    }

    /// A disturbance that lasts until it is healed.
    async fn hold(
        &mut self,
        id: u64,
        mut evidence: Evidence,
        links: &Grudge,
        how: Disturbance,
    ) -> Result<Evidence, FaultError> {
        let f = evidence.f;
        let before = self.see_baseline(&mut evidence).await?;
        let told = self.env.disturb(&links.links().collect(), how).await;
        self.disturbed.extend(links.links().map(|link| (link, how)));
        let seen = match told {
            Ok(_) => self.see_links(&mut evidence, &self.expectation()).await,
            Err(source) => Err(FaultError::Environment { f, source }),
        };
        match seen {
            Ok(after) => {
                evidence.began =
                    Some(Bracket { last_before: before.began, first_after: after.ended });
                self.put_in_force(id, Heal::Links, &evidence);
                Ok(evidence)
            }
            Err(error) => {
                // If this fails too, healing everything will say so.
                let _ = self.heal_links().await;
                Err(error)
            }
        }
    }

    /// Resets connections until there was one to reset: right after a partition there may be none.
    async fn reset(&self, mut evidence: Evidence, links: &Grudge) -> Result<Evidence, FaultError> {
        let (f, links) = (evidence.f, links.links().collect());
        let deadline = self.proof_deadline();
        loop {
            let last_before = Instant::now();
            let count = self
                .env
                .disturb(&links, Disturbance::Reset)
                .await
                .map_err(|source| FaultError::Environment { f, source })?;
            evidence.proof.how = format!("{count} connections reset");
            if count > 0 {
                let bracket = Bracket { last_before, first_after: Instant::now() };
                (evidence.began, evidence.ended) = (Some(bracket), Some(bracket));
                return Ok(evidence);
            }
            if Instant::now() >= deadline {
                evidence.proof.flaw = Some("there was no connection to reset".to_owned());
                return Err(FaultError::NotProved { evidence: Box::new(evidence) });
            }
            tokio::time::sleep(self.options.look_every).await;
        }
    }

    /// Settles what a shape leaves open.
    async fn shape(
        &self,
        topology: &Topology,
        rng: &mut ChaCha8Rng,
    ) -> Result<Partition, TopologyError> {
        let primaries = match topology {
            Topology::Primaries => self.leading().await,
            _ => Vec::new(),
        };
        topology.draw(self.env.nodes(), &primaries, rng)
    }

    /// How links should look, given what is in force.
    fn expectation(&self) -> Expectation {
        let stalled = self.disturbed.iter().filter(|(_, how)| **how == Disturbance::Stall);
        let closed: Grudge = self.grudge.links().chain(stalled.map(|(link, _)| *link)).collect();
        let slow = delays(&self.disturbed).filter(|(link, _)| !closed.cuts(*link)).collect();
        Expectation { closed, slow, prompt: BTreeMap::new() }
    }

    /// Links as they should be before anything is done to them: a network that is broken already
    /// would make any cut look good.
    async fn see_baseline(&self, evidence: &mut Evidence) -> Result<LinkMatrix, FaultError> {
        let mut seen = self.see_links(evidence, &self.expectation()).await;
        if let Err(FaultError::NotProved { evidence }) = &mut seen {
            let flaw = evidence.proof.flaw.take();
            evidence.proof.flaw = flaw.map(|flaw| format!("before the fault: {flaw}"));
        }
        seen
    }

    /// Probes until every link looks as expected, and puts the last measurement into the evidence.
    /// What could not be measured is excused between nodes that do not both run.
    async fn see_links(
        &self,
        evidence: &mut Evidence,
        expected: &Expectation,
    ) -> Result<LinkMatrix, FaultError> {
        let f = evidence.f;
        let failed = |source: EnvError| FaultError::Environment { f, source };
        let deadline = self.proof_deadline();
        loop {
            let matrix = self.env.probe().await.map_err(failed)?;
            let states = self.states().await.map_err(failed)?;
            let runs = |node| states.get(&node).is_some_and(|state| state.is_running());
            let excused = |link: Link| !runs(link.from) || !runs(link.to);
            let flaw = link_flaw(self.env.nodes(), &expected.closed, &matrix, excused)
                .or_else(|| expected.latency_flaw(&matrix));
            let how = matrix.how.to_owned();
            let is_final = flaw.is_none() || Instant::now() >= deadline;
            if is_final {
                let matrix = Some(matrix.clone());
                evidence.proof = Proof { how, matrix, flaw, ..Proof::default() };
            }
            match (is_final, evidence.proof.held()) {
                (true, true) => return Ok(matrix),
                (true, false) => {
                    return Err(FaultError::NotProved { evidence: Box::new(evidence.clone()) });
                }
                (false, _) => tokio::time::sleep(self.options.look_every).await,
            }
        }
    }

    pub(super) fn put_in_force(&mut self, id: u64, heal: Heal, evidence: &Evidence) {
        let nodes = evidence.nodes.iter().copied().collect();
        self.in_force.push(InForce { id, heal, nodes });
    }
}

/// What shows that a fault ended before it was healed. One probe that came through is enough; a
/// lost one proves nothing.
fn lapse(until_now: &Expectation, matrix: &LinkMatrix) -> Option<String> {
    let came_through = |link: &Link| matrix.state(*link).is_some_and(LinkState::is_open);
    let open = until_now.closed.links().find(came_through);
    open.map(|link| format!("{link} was open again")).or_else(|| until_now.latency_flaw(matrix))
}

fn delays(disturbed: &BTreeMap<Link, Disturbance>) -> impl Iterator<Item = (Link, Duration)> + '_ {
    disturbed.iter().filter_map(|(&link, how)| match how {
        Disturbance::Delay { delay_ms } => Some((link, Duration::from_millis(*delay_ms))),
        _ => None,
    })
}

/// Evidence about these links and the nodes at their ends.
fn touching(links: &Grudge) -> Evidence {
    let mut nodes: Vec<_> = links.links().flat_map(|link| [link.from, link.to]).collect();
    nodes.sort();
    nodes.dedup();
    Evidence { nodes, links: links.clone(), ..Evidence::default() }
}
