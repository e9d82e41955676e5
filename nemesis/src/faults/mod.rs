//! The nemesis: carries out a plan's steps on an environment, and believes nothing it did not see.
//!
//! Every injection and every heal is *proved*. The state is measured before; then the environment
//! is told; then the state is measured again and again, until it is exactly what the fault intended
//! or time is out. What was measured, and when, becomes [`Evidence`]. A fault that did not take
//! hold, or that had lapsed when it was to be healed, is a [`FaultError`]: the tester did not do
//! what it says, so the run shows less than it seems to. What was half done is undone at once.
//!
//! What a plan leaves open is settled here: who the primaries are, and which nodes may be hit
//! without leaving fewer up than the plan allows, a node that is still starting counting as down
//! (some systems never come up if they lose their quorum while starting). A fault that cannot be
//! aimed at the moment is *skipped*, with the reason: that is an observation about the system, not
//! a failure of the tester. So is a node that died by itself: see [`Surprise`].
//!
//! Faults may overlap. A partition replaces the one in force; kills and pauses add up; healing a
//! kind heals all of that kind. [`Nemesis::heal_all`] does not rely on memory: it resumes, starts and
//! opens whatever it finds broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;

use crate::env::{
    Ability, Disturbance, EnvError, Environment, Exit, Grace, Grudge, Link, NodeId, ProcessState,
};
use crate::schedule::{Action, FaultKind, FaultSpec, Heal, Step};
use crate::seed;

mod aim;
mod evidence;
mod links;
mod process;

pub use evidence::{Bracket, Evidence, FaultError, Proof, Surprise};

/// What only the system's own module knows about its nodes. Answers within a second or two.
#[async_trait]
pub trait Primaries: Send + Sync {
    /// The nodes that say they lead.
    async fn primaries(&self) -> Vec<NodeId>;

    /// Whether a node that was started again takes part by now.
    async fn is_ready(&self, node: NodeId) -> bool {
        let _ = node;
        true
    }
}

/// How patient the nemesis is, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of the run; for choices that a step leaves open without a draw of its own.
    pub seed: u64,
    /// At least so many nodes stay up, unless a step itself asks for more than that allows.
    pub keep_up: u16,
    /// How this system is stopped gracefully.
    pub grace: Grace,
    /// How long a fault or a heal may take to be seen.
    pub prove_within: Duration,
    /// Between two looks.
    pub look_every: Duration,
    /// How long to wait for somebody to lead, and for a starting node to take part, before a fault
    /// goes without them.
    pub aim_within: Duration,
}

impl Options {
    /// Five seconds for a proof, two to aim.
    pub fn new(seed: u64, keep_up: u16) -> Options {
        Options {
            seed,
            keep_up,
            grace: Grace::default(),
            prove_within: Duration::from_secs(5),
            look_every: Duration::from_millis(20),
            aim_within: Duration::from_secs(2),
        }
    }
}

/// A fault that was proved and has not been healed.
#[derive(Clone, Debug)]
struct InForce {
    id: u64,
    heal: Heal,
    nodes: BTreeSet<NodeId>,
}

/// Carries out steps, one at a time. See the module's essay.
pub struct Nemesis {
    env: Arc<dyn Environment>,
    primaries: Arc<dyn Primaries>,
    options: Options,
    next_id: u64,
    in_force: Vec<InForce>,
    /// The cuts that are to be.
    grudge: Grudge,
    /// The links that are to be disturbed, and how.
    disturbed: BTreeMap<Link, Disturbance>,
    /// Nodes we killed or stopped: their death is no surprise.
    down_by_us: BTreeSet<NodeId>,
    /// Nodes that were started again and have not been seen to take part.
    starting: BTreeSet<NodeId>,
    /// Nodes that died by themselves and were told of.
    told_dead: BTreeSet<NodeId>,
}

impl Nemesis {
    /// A nemesis for nodes that have been started.
    pub fn new(
        env: Arc<dyn Environment>,
        primaries: Arc<dyn Primaries>,
        options: Options,
    ) -> Nemesis {
        Nemesis {
            env,
            primaries,
            options,
            next_id: 1,
            in_force: Vec::new(),
            grudge: Grudge::none(),
            disturbed: BTreeMap::new(),
            down_by_us: BTreeSet::new(),
            starting: BTreeSet::new(),
            told_dead: BTreeSet::new(),
        }
    }

    /// Does what a step says, and proves it.
    pub async fn execute(&mut self, step: &Step) -> Result<Evidence, FaultError> {
        match &step.action {
            Action::Inject(fault) => self.inject(fault).await,
            Action::Heal(heal) => self.heal(*heal).await,
        }
    }

    /// The kinds of heals that faults in force are waiting for, in the order to do them in.
    pub fn due(&self) -> Vec<Heal> {
        let waits = |heal: &Heal| self.in_force.iter().any(|fault| fault.heal == *heal);
        Heal::ALL.into_iter().filter(waits).collect()
    }

    /// The faults in force, by id. A fault that is gone from here was healed or replaced, or undone
    /// together with one that failed.
    pub fn in_force(&self) -> Vec<u64> {
        self.in_force.iter().map(|fault| fault.id).collect()
    }

    /// Heals everything, whether or not this nemesis broke it, and proves it. Idempotent, and safe
    /// at any time, after failures too: every kind is attempted, whatever became of the others.
    /// Returns the evidence of the heals that found something to do.
    pub async fn heal_all(&mut self) -> Result<Vec<Evidence>, FaultError> {
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for heal in Heal::ALL {
            match self.heal(heal).await {
                Ok(evidence) if evidence.heals.is_empty() && evidence.nodes.is_empty() => {}
                Ok(evidence) => done.push(evidence),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(done) } else { Err(FaultError::NotAllHealed { errors, done }) }
    }

    /// Nodes that died by themselves since this was last asked.
    pub async fn surprises(&mut self) -> Vec<Surprise> {
        let mut surprises = Vec::new();
        for node in self.env.nodes().to_vec() {
            // What cannot be looked at now is looked at again the next time.
            let Ok(state) = self.env.state(node).await else { continue };
            surprises.extend(self.surprise(node, state));
        }
        surprises
    }

    async fn inject(&mut self, fault: &FaultSpec) -> Result<Evidence, FaultError> {
        self.env.capabilities().require(fault.needs()).map_err(FaultError::Refused)?;
        let id = self.next_id;
        self.next_id += 1;
        let surprises = self.surprises().await;
        let mut rng = self.rng(id, fault);
        let outcome = match fault {
            FaultSpec::Partition(spec) => self.partition(id, &spec.topology, &mut rng).await,
            FaultSpec::Links(spec) => self.disturb(id, spec, &mut rng).await,
            FaultSpec::Kill(strike) => self.strike(id, FaultKind::Kill, strike, &mut rng).await,
            FaultSpec::Pause(strike) => self.strike(id, FaultKind::Pause, strike, &mut rng).await,
            FaultSpec::Restart(strike) => {
                self.strike(id, FaultKind::Restart, strike, &mut rng).await
            }
        };
        let mut evidence = outcome?;
        evidence.surprises.splice(..0, surprises);
        Ok(evidence)
    }

    async fn heal(&mut self, heal: Heal) -> Result<Evidence, FaultError> {
        match heal {
            Heal::Partition => self.heal_partition().await,
            Heal::Links => self.heal_links().await,
            Heal::Pause => self.resume_all().await,
            Heal::Kill => self.start_all().await,
        }
    }

    fn rng(&self, id: u64, fault: &FaultSpec) -> ChaCha8Rng {
        match fault.draw() {
            Some(draw) => seed::rng(self.options.seed, &format!("faults/draw/{draw}")),
            None => seed::rng(self.options.seed, &format!("faults/id/{id}")),
        }
    }

    /// Takes what waits for this heal out of force, and names it.
    fn out_of_force(&mut self, heal: Heal) -> Vec<u64> {
        let ended = self.waiting_for(heal);
        self.in_force.retain(|fault| fault.heal != heal);
        ended
    }

    fn waiting_for(&self, heal: Heal) -> Vec<u64> {
        self.in_force.iter().filter(|fault| fault.heal == heal).map(|fault| fault.id).collect()
    }

    /// Whether this state is news: a death that nobody here caused and nobody was told of.
    fn surprise(&mut self, node: NodeId, state: ProcessState) -> Option<Surprise> {
        match state {
            ProcessState::Dead { exit: Exit::NeverStarted } => None,
            ProcessState::Dead { exit } => {
                let is_news = !self.down_by_us.contains(&node) && self.told_dead.insert(node);
                is_news.then_some(Surprise { node, exit })
            }
            _ => {
                self.told_dead.remove(&node);
                None
            }
        }
    }

    async fn states(&self) -> Result<BTreeMap<NodeId, ProcessState>, EnvError> {
        let mut states = BTreeMap::new();
        for &node in self.env.nodes() {
            states.insert(node, self.env.state(node).await?);
        }
        Ok(states)
    }

    /// Whether links can be broken here at all; if not, there is nothing to measure or heal.
    fn has_links(&self) -> bool {
        let abilities = self.env.capabilities();
        [Ability::Partition, Ability::Stall, Ability::Delay]
            .into_iter()
            .any(|ability| abilities.supports(ability))
    }

    /// Until when something must have been seen.
    fn proof_deadline(&self) -> Instant {
        Instant::now() + self.options.prove_within
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
