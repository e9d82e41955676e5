//! One node: the parts put together, and the way of an operation through them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use openraft::error::{Fatal, InitializeError, RaftError};
use openraft::{EmptyNode, Raft, ServerState, SnapshotPolicy, Vote};
use tokio::time::{Instant, timeout_at};

use crate::bug::Bug;
use crate::command::{Command, NodeId, Op, Reply, Types};
use crate::config::Config;
use crate::early::EarlyAnswers;
use crate::failure::Failure;
use crate::forward::Forwarder;
use crate::network::{Network, http_client};
use crate::propose::Proposer;
use crate::reads::ReadGate;
use crate::state::State;
use crate::storage::{Covered, Disk, LogStore, Machine};
use crate::tickets::Tickets;

/// How often this node was started; a record of the database.
const STARTS: &str = "starts";
/// Pause before a forward is tried again at once, so that a refusal does not become a storm.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How long the node with the lowest id has to found the cluster before all others try, too.
const FOUNDING: Duration = Duration::from_secs(1);

/// How long a command is delivered that may be delivered twice ([`Bug::DoubleApply`]).
const DELIVERY: Duration = Duration::from_secs(15);
/// Its attempts are short and far between, which leaves others time to act between two copies.
const DELIVERY_ATTEMPT: Duration = Duration::from_millis(100);
const DELIVERY_PAUSE: Duration = Duration::from_millis(300);

/// A running node.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) raft: Raft<Types>,
    machine: Machine,
    tickets: Tickets,
    proposer: Proposer,
    reads: ReadGate,
    forwarder: Forwarder,
    early: EarlyAnswers,
}

impl Node {
    /// Recovers from disk and joins in. Must be called inside a tokio runtime.
    pub(crate) async fn start(config: Config) -> anyhow::Result<Arc<Self>> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("cannot create {}", config.data_dir.display()))?;
        let path = config.data_dir.join("node.redb");
        let disk = Disk::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let disk = Arc::new(disk);
        let starts = disk.meta::<u64>(STARTS)?.unwrap_or(0) + 1;
        disk.write(|change| change.put_meta(STARTS, &starts))?;

        let covered = Covered::default();
        let machine = Machine::open(Arc::clone(&disk), covered.clone(), config.bug)?;
        let log = LogStore::new(disk, covered, config.bug);
        let http = http_client(Duration::from_millis(config.timings.heartbeat_ms))?;
        let addresses: BTreeMap<_, _> =
            config.peers.iter().map(|(id, peer)| (*id, peer.peer)).collect();
        let network = Network::new(http.clone(), addresses.clone());
        let settings = Arc::new(raft_settings(&config).validate()?);
        let raft = Raft::new(config.id, settings, network, log, machine.clone()).await?;

        let attempt = match config.bug {
            Some(Bug::DoubleApply) => DELIVERY_ATTEMPT,
            _ => config.timings.forward(),
        };
        let node = Arc::new(Self {
            tickets: Tickets::new(config.id, starts),
            proposer: Proposer::start(raft.clone()),
            reads: ReadGate::start(raft.clone(), config.timings.request()),
            forwarder: Forwarder::new(http, addresses, attempt),
            early: EarlyAnswers::default(),
            config,
            raft,
            machine,
        });
        tokio::spawn(found_cluster(Arc::clone(&node)));
        Ok(node)
    }

    /// The node that leads, as far as this one knows.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.raft.metrics().borrow().current_leader
    }

    /// Waits until Raft gives up: its disk failed, or it found itself in an impossible state. A
    /// node without it would go on answering its port and be of no use.
    pub(crate) async fn failed(&self) -> Fatal<NodeId> {
        let mut metrics = self.raft.metrics();
        match metrics.wait_for(|metrics| metrics.running_state.is_err()).await {
            Ok(metrics) => metrics.running_state.clone().err().unwrap_or(Fatal::Stopped),
            Err(_closed) => Fatal::Stopped,
        }
    }

    fn leads(&self) -> bool {
        self.raft.metrics().borrow().state == ServerState::Leader
    }

    /// A linearizable read. Only the leader serves it.
    pub(crate) async fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, Failure> {
        if !self.leads() && !self.has(Bug::StaleRead) {
            return Err(Failure::NotLeader { leader: self.leader() });
        }
        if !self.has(Bug::StaleRead) && !self.has(Bug::LeaseRead) {
            let deadline = Instant::now() + self.config.timings.request();
            let fresh = async {
                self.early.settle().await;
                self.reads.pass().await
            };
            timeout_at(deadline, fresh).await.map_err(|_elapsed| Failure::TimedOut)??;
        }
        Ok(read(&self.machine.read().state))
    }

    /// Executes a client's write, compare-and-set or add, here or at the leader.
    pub(crate) async fn submit(self: &Arc<Self>, op: Op) -> Result<Reply, Failure> {
        let deadline = Instant::now() + self.config.timings.request();
        let routed = if self.has(Bug::DoubleApply) {
            timeout_at(deadline, self.deliver_at_least_once(op)).await
        } else {
            let ticket = self.tickets.issue();
            timeout_at(deadline, self.route(ticket.command(op), deadline, RETRY_PAUSE)).await
        };
        match routed.unwrap_or(Err(Failure::TimedOut)) {
            Err(Failure::TimedOut) if self.has(Bug::FailButApplied) => {
                Err(Failure::TimedOutForSure)
            }
            outcome => outcome,
        }
    }

    /// Goes on in the background when the client has long been told that its time is up: a
    /// command whose answer was lost is sent until some leader answers. That would be right if
    /// the state machine recognised the copies ([`Bug::DoubleApply`]).
    async fn deliver_at_least_once(self: &Arc<Self>, op: Op) -> Result<Reply, Failure> {
        let node = Arc::clone(self);
        let delivery = tokio::spawn(async move {
            let ticket = node.tickets.issue();
            let deadline = Instant::now() + DELIVERY;
            node.route(ticket.command(op), deadline, DELIVERY_PAUSE).await
        });
        delivery.await.unwrap_or_else(|error| Err(Failure::Unknown(error.to_string())))
    }

    /// Brings a command to the leader, again and again while its fate is unknown: the state
    /// machine recognises copies. A first attempt that was refused is the end of it, since only
    /// then the failure is definite; after an attempt in doubt no refusal can be.
    async fn route(
        &self,
        command: Command,
        deadline: Instant,
        pause: Duration,
    ) -> Result<Reply, Failure> {
        let mut doubt = None;
        loop {
            let failure = match self.attempt(&command, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if failure.is_definite() && doubt.is_none() {
                return Err(failure);
            }
            if !failure.is_definite() {
                doubt = Some(failure);
            }
            if Instant::now() + pause >= deadline {
                return Err(doubt.unwrap_or(Failure::TimedOut));
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, command: &Command, deadline: Instant) -> Result<Reply, Failure> {
        match self.leader() {
            None => Err(Failure::Refused("no leader is known".into())),
            Some(leader) if leader == self.config.id => {
                self.execute_as_leader(command.clone(), deadline).await
            }
            Some(leader) => self.forwarder.send(leader, command, deadline).await,
        }
    }

    /// Takes a command from another node.
    pub(crate) async fn accept(&self, command: Command) -> Result<Reply, Failure> {
        let deadline = Instant::now() + self.config.timings.request();
        let executed = timeout_at(deadline, self.execute_as_leader(command, deadline)).await;
        executed.unwrap_or(Err(Failure::TimedOut))
    }

    async fn execute_as_leader(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        if !self.leads() {
            return Err(Failure::NotLeader { leader: self.leader() });
        }
        match command.op {
            Op::Cas { .. } if self.has(Bug::SplitCas) => self.split_cas(command, deadline).await,
            Op::Write { .. } | Op::Add { .. } if self.has(Bug::AckBeforeCommit) => {
                self.early.answer(self.proposer.propose(command, deadline)?)
            }
            _ => self.proposer.propose(command, deadline)?.applied().await,
        }
    }

    /// Compares here and now, and has the log do no more than set ([`Bug::SplitCas`]).
    async fn split_cas(&self, command: Command, deadline: Instant) -> Result<Reply, Failure> {
        let Command { id, settled, op: Op::Cas { key, expected, new } } = command else {
            return self.proposer.propose(command, deadline)?.applied().await;
        };
        self.reads.pass().await?;
        let value = self.machine.read().state.value(&key);
        if value != expected {
            return Ok(Reply::Cas { swapped: false, value });
        }
        let set = Command { id, settled, op: Op::Write { key, value: new.clone() } };
        self.proposer.propose(set, deadline)?.applied().await?;
        Ok(Reply::Cas { swapped: true, value: new })
    }

    /// Whether this node follows another leader of the very term of the one that sends to it. Two
    /// leaders in one term is what [`Bug::ForgetVote`] leads to, and openraft, which rightly holds
    /// it for impossible, would panic. A system with this bug would not notice, so it must live on.
    pub(crate) async fn follows_rival_of(&self, sender: &Vote<NodeId>) -> bool {
        if !self.has(Bug::ForgetVote) {
            return false;
        }
        let own = self.raft.with_raft_state(|state| *state.vote_ref()).await;
        own.is_ok_and(|own| {
            let (ours, theirs) = (own.leader_id, sender.leader_id);
            own.committed && sender.committed && ours.term == theirs.term && ours != theirs
        })
    }

    fn has(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }
}

fn raft_settings(config: &Config) -> openraft::Config {
    let timings = &config.timings;
    openraft::Config {
        cluster_name: "ordeal-sandbox".into(),
        heartbeat_interval: timings.heartbeat_ms,
        election_timeout_min: timings.election_min_ms,
        election_timeout_max: timings.election_max_ms,
        max_payload_entries: 64,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(timings.snapshot_entries),
        max_in_snapshot_log_to_keep: timings.kept_entries,
        // A follower that lags more than this gets a snapshot rather than entries; it has to be
        // more than lies between two snapshots.
        replication_lag_threshold: 2 * timings.snapshot_entries,
        snapshot_max_chunk_size: 64 * 1024,
        install_snapshot_timeout: 1000,
        ..openraft::Config::default()
    }
}

/// Writes the first log entry, the membership, if nobody has. Every node may do so, since all
/// know the same set and openraft takes the entry only into an empty log of a node that never
/// voted. The node with the lowest id goes first, which spares the others a split vote.
async fn found_cluster(node: Arc<Node>) {
    let members: BTreeMap<_, _> =
        node.config.peers.keys().map(|id| (*id, EmptyNode::new())).collect();
    if members.keys().next() != Some(&node.config.id) {
        let patience = node.raft.wait(Some(FOUNDING));
        let formed = patience.metrics(
            |metrics| metrics.membership_config.voter_ids().next().is_some(),
            "the first node founds the cluster",
        );
        if formed.await.is_ok() {
            return;
        }
    }
    if node.raft.is_initialized().await.unwrap_or(true) {
        return;
    }
    match node.raft.initialize(members).await {
        Ok(()) => tracing::info!(node = node.config.id, "founded the cluster"),
        // The other nodes came first.
        Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
        Err(error) => tracing::error!(%error, "cannot found the cluster"),
    }
}
