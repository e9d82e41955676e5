//! The members of the system under test, seen as one thing that forms, serves and stops.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nemesis::env::{Environment, Exit, Launch, NodeId, ProcessState, RunId};
use tokio::time::{Instant, sleep};

use super::stop::Stop;
use crate::store::RunDir;
use crate::systems::{Member, Status, System};

/// How often members are asked while the tester waits for them.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A system in an environment, with its data and logs in the run's folder.
pub(super) struct Cluster {
    /// What it is.
    pub(super) system: Arc<dyn System>,
    /// Where it runs.
    pub(super) env: Arc<dyn Environment>,
    run: RunDir,
    bug: Option<String>,
    nonce: u64,
    /// What the run's keys begin with.
    pub(super) key_prefix: String,
}

impl Cluster {
    /// A cluster that is yet to start, on empty data folders.
    ///
    /// # Errors
    /// When its folders cannot be made.
    pub(super) fn new(
        system: Arc<dyn System>,
        env: Arc<dyn Environment>,
        run: &RunDir,
        bug: Option<String>,
        nonce: u64,
    ) -> Result<Cluster> {
        // Nodes that are not ours may hold another run's data.
        let key_prefix = match env.brings_programs() {
            true => format!("ordeal-{}-", RunId::fresh()),
            false => "k".to_owned(),
        };
        let cluster = Cluster { system, env, run: run.clone(), bug, nonce, key_prefix };
        for &node in cluster.env.nodes() {
            let data = cluster.data(node);
            std::fs::create_dir_all(&data)
                .with_context(|| format!("cannot make {}", data.display()))?;
        }
        Ok(cluster)
    }

    /// Where a member's output is appended.
    pub(super) fn log(&self, node: NodeId) -> PathBuf {
        self.run.join(&node.to_string()).join("node.log")
    }

    fn data(&self, node: NodeId) -> PathBuf {
        self.run.join(&node.to_string()).join("data")
    }

    /// Starts every member.
    ///
    /// # Errors
    /// When a process cannot be made.
    pub(super) async fn start(&self) -> Result<()> {
        for &node in self.env.nodes() {
            let launch = match self.env.brings_programs() {
                true => Launch::of_its_own(self.data(node), self.log(node)),
                false => self.system.launch(&self.member(node))?,
            };
            self.env.start(node, &launch).await.with_context(|| format!("cannot start {node}"))?;
        }
        Ok(())
    }

    fn member(&self, node: NodeId) -> Member<'_> {
        Member {
            node,
            env: self.env.as_ref(),
            data: self.data(node),
            log: self.log(node),
            bug: self.bug.as_deref(),
            nonce: self.nonce,
        }
    }

    /// Makes one cluster of the members that were started, and returns the system's version.
    ///
    /// # Errors
    /// When a member dies, or the cluster does not form in time.
    pub(super) async fn form(&self, within: Duration, stop: &Stop) -> Result<String> {
        // Nodes that were there before the run may have formed long ago.
        let says = self.ask().await;
        let formed = |(_, status): &(NodeId, Option<Status>)| {
            status.as_ref().is_some_and(|status| status.has_leader)
        };
        if self.env.brings_programs() && says.iter().any(formed) {
            return self.ready(within, stop).await;
        }
        let members: Vec<Member<'_>> =
            self.env.nodes().iter().map(|&node| self.member(node)).collect();
        tokio::select! {
            formed = self.system.form(&members) => formed?,
            hopeless = self.hopeless(stop) => return Err(hopeless),
        }
        self.ready(within, stop).await
    }

    /// Ends when waiting on makes no sense, with the reason.
    async fn hopeless(&self, stop: &Stop) -> anyhow::Error {
        loop {
            if let Some((node, exit)) = self.first_dead().await {
                return self.died(node, exit);
            }
            if stop.now() {
                return anyhow::anyhow!("stopped before the cluster had formed");
            }
            sleep(ASK_EVERY).await;
        }
    }

    fn died(&self, node: NodeId, exit: Exit) -> anyhow::Error {
        let log = self.log(node);
        anyhow::anyhow!("{node} died before the cluster had formed ({exit}); see {}", log.display())
    }

    /// Waits until every member answers and knows a leader, and returns the system's version.
    ///
    /// # Errors
    /// When a member dies, since nobody starts it again; or when that does not come about in time:
    /// the message says what each member said last.
    async fn ready(&self, within: Duration, stop: &Stop) -> Result<String> {
        let deadline = Instant::now() + within;
        loop {
            let says = self.ask().await;
            if says.iter().all(|(_, s)| s.as_ref().is_some_and(|s| s.has_leader))
                && let Some((_, Some(status))) = says.first()
            {
                return Ok(status.version.clone());
            }
            if let Some((node, exit)) = self.first_dead().await {
                return Err(self.died(node, exit));
            }
            if stop.now() {
                bail!("stopped before the cluster had formed");
            }
            if Instant::now() >= deadline {
                bail!(
                    "the cluster did not form within {}s: {}; see {}",
                    within.as_secs(),
                    Says(&says),
                    self.run.join("n*/node.log").display()
                );
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// A member without a process, and how it ended.
    async fn first_dead(&self) -> Option<(NodeId, Exit)> {
        for &node in self.env.nodes() {
            if let Ok(ProcessState::Dead { exit }) = self.env.state(node).await {
                return Some((node, exit));
            }
        }
        None
    }

    async fn ask(&self) -> Vec<(NodeId, Option<Status>)> {
        let asked: Vec<_> = (self.env.nodes().iter())
            .map(|&node| {
                let (system, client) = (self.system.clone(), self.env.client_endpoint(node));
                (node, tokio::spawn(async move { system.status(client).await }))
            })
            .collect();
        let mut says = Vec::new();
        for (node, answer) in asked {
            says.push((node, answer.await.ok().flatten()));
        }
        says
    }

    /// Stops every member gracefully, and removes the data they leave. Members that brought their
    /// own programs were there before the run, and stay.
    ///
    /// Returns what did not go as it should, for the harness's record.
    pub(super) async fn stop(&self) -> Vec<String> {
        let mut trouble = match self.env.brings_programs() {
            true => Vec::new(),
            false => self.stop_members().await,
        };
        if let Err(error) = self.env.teardown().await {
            trouble.push(format!("removing the environment: {error}"));
        }
        for &node in self.env.nodes() {
            // Logs are what people read; the data of a finished run is only weight.
            let _ = std::fs::remove_dir_all(self.data(node));
        }
        trouble
    }

    async fn stop_members(&self) -> Vec<String> {
        let grace = self.system.grace();
        let stopping: Vec<_> = (self.env.nodes().iter())
            .map(|&node| {
                let env = self.env.clone();
                tokio::spawn(async move {
                    env.stop(node, grace).await.map_err(|e| format!("stopping {node}: {e}"))
                })
            })
            .collect();
        let mut trouble = Vec::new();
        for stopped in stopping {
            if let Ok(Err(error)) = stopped.await {
                trouble.push(error);
            }
        }
        trouble
    }
}

/// What members said last: `n1 follows, n2 does not answer`.
struct Says<'a>(&'a [(NodeId, Option<Status>)]);

impl fmt::Display for Says<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (node, status)) in self.0.iter().enumerate() {
            let says = match status {
                None => "does not answer",
                Some(Status { leads: true, .. }) => "leads",
                Some(Status { has_leader: true, .. }) => "follows",
                Some(_) => "knows no leader",
            };
            write!(f, "{}{node} {says}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
