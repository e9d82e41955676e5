//! Faults of processes: killed, paused and restarted nodes, proved by the process table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use super::aim::Victims;
use super::{Bracket, Evidence, FaultError, Nemesis, Proof};
use crate::env::{EnvError, Environment, Exit, NodeId, ProcessState};
use crate::schedule::{FaultKind, Heal, Strike, Target};
use crate::topology::list;

const SIGKILL: i32 = 9;

/// What the process table said of each node.
type States = BTreeMap<NodeId, ProcessState>;

impl Nemesis {
    pub(super) async fn strike(
        &mut self,
        id: u64,
        kind: FaultKind,
        strike: &Strike,
        rng: &mut ChaCha8Rng,
    ) -> Result<Evidence, FaultError> {
        let victims = self.aim(kind, strike, rng).await?;
        if victims.nodes.is_empty() {
            return Ok(Evidence::skipped(kind.f(), why_nobody(&victims, &strike.target)));
        }
        let what = victims.describe(&strike.target);
        let nodes = victims.nodes;
        let evidence = Evidence { f: kind.f(), id: Some(id), what, nodes, ..Evidence::default() };
        let hit = evidence.nodes.clone();
        let outcome = match kind {
            FaultKind::Restart => self.restart(evidence).await,
            _ => self.bring_down(kind, evidence).await,
        };
        match (&outcome, kind.healed_by()) {
            (Err(_), _) => self.undo(&hit).await,
            (Ok(evidence), Some(heal)) if evidence.skipped.is_none() => {
                self.put_in_force(id, heal, evidence);
            }
            _ => {}
        }
        outcome
    }

    /// Brings nodes back after a fault of theirs that is not proved, and leaves other faults be.
    /// What fails here is found by whoever heals everything.
    async fn undo(&mut self, nodes: &[NodeId]) {
        for &node in nodes {
            let _ = self.env.resume(node).await;
            let _ = self.env.start_again(node).await;
            if self.env.state(node).await.is_ok_and(ProcessState::is_running) {
                self.down_by_us.remove(&node);
            }
        }
    }

    /// Kills or pauses the nodes of `evidence`.
    async fn bring_down(
        &mut self,
        kind: FaultKind,
        mut evidence: Evidence,
    ) -> Result<Evidence, FaultError> {
        let last_before = Instant::now();
        if kind == FaultKind::Kill {
            self.killed_by_us(&evidence.nodes);
        }
        let refused = self
            .at_once(&evidence.nodes, move |env, node| async move {
                match kind {
                    FaultKind::Kill => env.kill(node).await,
                    _ => env.pause(node).await,
                }
            })
            .await;
        // A node that died cannot be paused any more; whether it died of us is asked below.
        let is_down = |_, state: ProcessState| {
            state.is_dead() || (kind == FaultKind::Pause && state.is_paused())
        };
        self.see_states(&mut evidence, &refused, is_down).await?;
        evidence.began = Some(Bracket { last_before, first_after: Instant::now() });
        self.tell_deaths_apart(kind, &mut evidence);
        Ok(evidence)
    }

    /// A node that was found dead of something else died by itself, a moment before it was hit.
    fn tell_deaths_apart(&mut self, kind: FaultKind, evidence: &mut Evidence) {
        let died_of_us = |state: &ProcessState| match (kind, state) {
            (FaultKind::Kill, ProcessState::Dead { exit }) => {
                matches!(exit, Exit::Unknown | Exit::Signal(SIGKILL))
            }
            _ => !state.is_dead(),
        };
        for (node, state) in evidence.proof.states.clone() {
            if !died_of_us(&state) {
                self.down_by_us.remove(&node);
                evidence.nodes.retain(|hit| *hit != node);
                evidence.surprises.extend(self.surprise(node, state));
            }
        }
        if evidence.nodes.is_empty() {
            let reason = "all it was aimed at died by themselves".to_owned();
            let surprises = std::mem::take(&mut evidence.surprises);
            *evidence = Evidence { surprises, ..Evidence::skipped(evidence.f, reason) };
        }
    }

    /// Stops the nodes of `evidence` as they like to be stopped, all at the same time, sees them
    /// dead, and starts them again.
    async fn restart(&mut self, mut evidence: Evidence) -> Result<Evidence, FaultError> {
        let last_before = Instant::now();
        self.killed_by_us(&evidence.nodes);
        let grace = self.options.grace;
        let refused = self
            .at_once(&evidence.nodes, move |env, node| async move { env.stop(node, grace).await })
            .await;
        self.see_states(&mut evidence, &refused, |_, state| state.is_dead()).await?;
        evidence.began = Some(Bracket { last_before, first_after: Instant::now() });
        let stopped = evidence.proof.states.clone();
        let forced = nodes_where(&stopped, |state| {
            matches!(state, ProcessState::Dead { exit: Exit::Signal(SIGKILL) })
        });
        if !forced.is_empty() {
            evidence.what = format!("{} ({} killed: too slow)", evidence.what, list(&forced));
        }
        self.bring_up(&mut evidence, &stopped).await?;
        self.see_ready(&mut evidence).await;
        Ok(evidence)
    }

    /// A graceful restart is felt until its nodes take part again, not just until their processes
    /// exist. One that never comes back is no failure of the restart: it shows as unavailability.
    async fn see_ready(&self, evidence: &mut Evidence) {
        let deadline = self.proof_deadline();
        for &node in &evidence.nodes {
            while !self.primaries.is_ready(node).await {
                let last_before = Instant::now();
                if last_before >= deadline {
                    return;
                }
                tokio::time::sleep(self.options.look_every).await;
                evidence.ended = Some(Bracket { last_before, first_after: Instant::now() });
            }
        }
    }

    /// Starts every dead node, whoever killed it. One that never lived is not the nemesis's to
    /// start.
    pub(super) async fn start_all(&mut self) -> Result<Evidence, FaultError> {
        let f = Heal::Kill.f();
        let failed = |source| FaultError::Environment { f, source };
        let states = self.states().await.map_err(failed)?;
        let dead = nodes_where(
            &states,
            |state| matches!(state, ProcessState::Dead { exit } if exit != Exit::NeverStarted),
        );
        let heals = self.waiting_for(Heal::Kill);
        let what = list(&dead);
        let mut evidence = Evidence { f, heals, what, nodes: dead, ..Evidence::default() };
        for (&node, &state) in &states {
            evidence.surprises.extend(self.surprise(node, state));
        }
        if !evidence.nodes.is_empty() {
            let stopped: States = states
                .iter()
                .map(|(node, state)| (*node, *state))
                .filter(|(_, state)| state.is_dead())
                .collect();
            self.bring_up(&mut evidence, &stopped).await?;
        }
        self.close(Heal::Kill, evidence, &states, ProcessState::is_dead)
    }

    /// Resumes every paused node, whoever paused it.
    pub(super) async fn resume_all(&mut self) -> Result<Evidence, FaultError> {
        let f = Heal::Pause.f();
        let failed = |source| FaultError::Environment { f, source };
        let last_before = Instant::now();
        let states = self.states().await.map_err(failed)?;
        let paused = nodes_where(&states, ProcessState::is_paused);
        let heals = self.waiting_for(Heal::Pause);
        let what = list(&paused);
        let mut evidence = Evidence { f, heals, what, nodes: paused, ..Evidence::default() };
        let refused =
            self.at_once(&evidence.nodes, |env, node| async move { env.resume(node).await }).await;
        self.see_states(&mut evidence, &refused, |_, state| !state.is_paused()).await?;
        evidence.ended = Some(Bracket { last_before, first_after: Instant::now() });
        for (node, state) in evidence.proof.states.clone() {
            evidence.surprises.extend(self.surprise(node, state));
        }
        self.close(Heal::Pause, evidence, &states, |state| state.is_paused() || state.is_dead())
    }

    /// Starts the nodes of `evidence`, which ended as `stopped` says, and sees them run. A node that
    /// is dead again of something else was started and died by itself.
    async fn bring_up(
        &mut self,
        evidence: &mut Evidence,
        stopped: &States,
    ) -> Result<(), FaultError> {
        let last_before = Instant::now();
        let refused = self
            .at_once(&evidence.nodes, |env, node| async move {
                match env.start_again(node).await {
                    Err(EnvError::AlreadyRunning(_)) => Ok(()),
                    other => other,
                }
            })
            .await;
        let was_started = |node: NodeId, state: ProcessState| {
            state.is_running() || (state.is_dead() && stopped.get(&node) != Some(&state))
        };
        self.see_states(evidence, &refused, was_started).await?;
        evidence.ended = Some(Bracket { last_before, first_after: Instant::now() });
        for (node, state) in evidence.proof.states.clone() {
            self.down_by_us.remove(&node);
            self.told_dead.remove(&node);
            self.starting.insert(node);
            evidence.surprises.extend(self.surprise(node, state));
        }
        Ok(())
    }

    /// The end of a heal: the faults that waited for it are over, unless one turns out to have been
    /// over before.
    fn close(
        &mut self,
        heal: Heal,
        mut evidence: Evidence,
        before: &States,
        was_to_be: fn(ProcessState) -> bool,
    ) -> Result<Evidence, FaultError> {
        let hit = self.in_force.iter().filter(|fault| fault.heal == heal);
        let lapsed = hit
            .flat_map(|fault| fault.nodes.iter().copied())
            .find(|node| !before.get(node).is_some_and(|state| was_to_be(*state)));
        self.out_of_force(heal);
        if evidence.heals.is_empty() {
            evidence.ended = None;
        }
        if let Some(node) = lapsed {
            evidence.proof.flaw = Some(format!("before the heal: {node} was {}", before[&node]));
            return Err(FaultError::NotProved { evidence: Box::new(evidence) });
        }
        Ok(evidence)
    }

    /// Does something to all of these at the same time, and returns what was refused. Where each
    /// takes its while, as with containers, one after the other would be another fault: members that
    /// come back one by one elect differently from members that come back together.
    async fn at_once<F>(
        &self,
        nodes: &[NodeId],
        act: impl Fn(Arc<dyn Environment>, NodeId) -> F,
    ) -> Vec<EnvError>
    where
        F: Future<Output = Result<(), EnvError>> + Send + 'static,
    {
        let mut acts = JoinSet::new();
        for &node in nodes {
            acts.spawn(act(self.env.clone(), node));
        }
        acts.join_all().await.into_iter().filter_map(Result::err).collect()
    }

    /// Looks until all nodes of `evidence` are as intended, and puts the last look into it.
    async fn see_states(
        &self,
        evidence: &mut Evidence,
        refused: &[EnvError],
        is_intended: impl Fn(NodeId, ProcessState) -> bool,
    ) -> Result<(), FaultError> {
        let deadline = self.proof_deadline();
        loop {
            let mut states = BTreeMap::new();
            for &node in &evidence.nodes {
                let state = self.env.state(node).await;
                let f = evidence.f;
                states.insert(node, state.map_err(|source| FaultError::Environment { f, source })?);
            }
            let wrong = states.iter().find(|(node, state)| !is_intended(**node, **state));
            let flaw = wrong.map(|(node, state)| {
                let reasons = refused.iter().map(|error| format!(" ({error})"));
                format!("{node} is {state}{}", reasons.collect::<String>())
            });
            let (is_final, how) =
                (Instant::now() >= deadline, self.env.states_seen_in().to_owned());
            if flaw.is_none() || is_final {
                evidence.proof = Proof { how, states, flaw, matrix: None };
                return match evidence.proof.held() {
                    true => Ok(()),
                    false => Err(FaultError::NotProved { evidence: Box::new(evidence.clone()) }),
                };
            }
            tokio::time::sleep(self.options.look_every).await;
        }
    }

    /// These are dead by our doing from now on: they can no longer be paused, or be a surprise.
    fn killed_by_us(&mut self, nodes: &[NodeId]) {
        self.down_by_us.extend(nodes);
        for fault in self.in_force.iter_mut().filter(|fault| fault.heal == Heal::Pause) {
            fault.nodes.retain(|node| !nodes.contains(node));
        }
    }
}

fn nodes_where(states: &States, is_wanted: impl Fn(ProcessState) -> bool) -> Vec<NodeId> {
    states.iter().filter(|(_, state)| is_wanted(**state)).map(|(node, _)| *node).collect()
}

fn why_nobody(victims: &Victims, target: &Target) -> String {
    if !victims.spared.is_empty() {
        let (spared, keep_up) = (list(&victims.spared), victims.keep_up);
        return format!("{spared} spared: {keep_up} nodes are to stay up");
    }
    match target {
        Target::Primaries => "no node that leads can be hit".to_owned(),
        _ => format!("no node to hit among {target}"),
    }
}
