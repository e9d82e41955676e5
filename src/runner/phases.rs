//! The phases of a run, one function each.

use std::sync::Arc;
use std::time::Duration;

use nemesis::schedule::Schedule;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use workloads::{Connect, Generator, Params, Workload};

use super::cluster::Cluster;
use super::endpoints;
use super::faults::Injector;
use super::pace::{Pace, longest};
use super::progress;
use super::recorder::Recorder;
use super::stop::{Stop, Stopper};
use super::worker::{Ended, Worker};
use crate::console::Console;
use crate::scenario::Scenario;
use crate::systems::Terms;

/// How long a cluster may take to form on an empty disk of a busy machine.
const FORM_WITHIN: Duration = Duration::from_secs(60);

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) params: Params,
    pub(super) workload: &'static Workload,
    pub(super) cluster: Cluster,
    pub(super) recorder: Recorder,
    pub(super) stop: Stop,
    /// Stops at the first violation, where somebody watches for one.
    pub(super) violation: Stop,
    pub(super) console: &'a Console,
    /// What went wrong with the tester itself.
    pub(super) trouble: Vec<String>,
    /// What has to be known before a pass means anything, and is not: a node that never served
    /// again, a final read that never succeeded.
    pub(super) missing: Vec<String>,
    /// What the load came to.
    pub(super) load: Load,
}

/// What all workers together were acknowledged while faults were injected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    writes: u64,
    reads: u64,
}

impl Load {
    fn of(ended: &[Ended]) -> Load {
        let sum = |count: fn(&Ended) -> u64| ended.iter().map(count).sum();
        Load { writes: sum(|ended| ended.writes), reads: sum(|ended| ended.reads) }
    }

    /// Whether it cannot have shown anything.
    pub(super) fn is_idle(self) -> bool {
        self.writes == 0 || self.reads == 0
    }
}

/// What is missing from a run that somebody stopped; what was seen is judged all the same.
const INTERRUPTED: &str = "the run was interrupted before every node was read once more";

impl Run<'_> {
    /// All phases in order; whatever happens, members are stopped at the end. Returns the version
    /// that the system gave.
    pub(super) async fn play(&mut self, schedule: &Schedule) -> String {
        let mut version = String::new();
        match self.form().await {
            Ok(says) => {
                version = says;
                self.load_and_finish(schedule).await;
            }
            Err(error) => self.trouble.push(format!("{error:#}")),
        }
        self.console.say("stopping the nodes");
        let trouble = self.cluster.stop().await;
        self.trouble.extend(trouble);
        version
    }

    async fn form(&mut self) -> anyhow::Result<String> {
        self.console.say(format_args!("starting {} nodes", self.scenario.nodes));
        self.cluster.start().await?;
        self.cluster.form(FORM_WITHIN, &self.stop).await
    }

    async fn load_and_finish(&mut self, schedule: &Schedule) {
        let connect = self.connect();
        let processes = self.initial_reads(&connect).await;
        let mut injector = Injector::new(&self.cluster, &self.recorder, schedule);
        let ended = self.load(&connect, &processes, &mut injector, schedule).await;
        self.console.say("healing");
        injector.heal_all().await;
        self.trouble.append(&mut injector.trouble);
        self.load = Load::of(&ended);
        if self.stop.now() {
            self.missing.push(INTERRUPTED.into());
        } else {
            self.recover(&connect, &ended).await;
        }
    }

    fn connect(&self) -> Arc<dyn Connect> {
        let terms = Terms {
            timeout: self.scenario.timeout.0,
            route: self.scenario.route.into(),
            bug: self.scenario.bug.clone(),
            workload: self.scenario.workload.clone(),
            key_prefix: self.cluster.key_prefix.clone(),
        };
        endpoints::connect(&self.cluster, terms)
    }

    /// What each node answers before anybody wrote: the same reads that come last, of the first
    /// key only.
    async fn initial_reads(&mut self, connect: &Arc<dyn Connect>) -> Vec<u64> {
        let mut processes: Vec<u64> = (0..self.params.workers as u64).collect();
        let generators = self.final_reads(1);
        let ended = self.through_each_node(connect, &processes, generators).await;
        for ended in &ended {
            processes[ended.node] = ended.next_process;
        }
        self.note_unserved(&ended, "an initial read through", "never succeeded");
        processes
    }

    /// Workers and nemesis side by side until the time is up.
    async fn load(
        &self,
        connect: &Arc<dyn Connect>,
        processes: &[u64],
        injector: &mut Injector,
        schedule: &Schedule,
    ) -> Vec<Ended> {
        let pace = Pace::begin(self.scenario.time_limit.0);
        self.console.say(format_args!(
            "{} workers, {} s, {} planned faults and heals",
            self.params.workers,
            self.scenario.time_limit.0.as_secs_f64(),
            schedule.steps.len()
        ));
        let drawing = Aborted(tokio::spawn(progress::draw(
            *self.console,
            self.recorder.clone(),
            injector.in_force(),
            pace.clone(),
        )));
        let workers = (processes.iter().enumerate())
            .map(|(n, &process)| {
                let generator = (self.workload.load)(&self.params, n);
                self.worker(n, process, n % self.params.nodes, connect, generator)
            })
            .collect();
        let (faults_over, until) = Stopper::new();
        let work = async {
            let enough = async {
                tokio::select! {
                    () = pace.over() => {}
                    () = self.wished_or_violated() => {}
                }
            };
            let ended = self.play_until(workers, longest(self.scenario.time_limit.0), enough).await;
            faults_over.stop();
            ended
        };
        let (ended, ()) = tokio::join!(work, injector.play(schedule, &pace, until));
        drop(drawing);
        ended
    }

    /// Every node acknowledges a write, queued requests die out, and every node is read.
    async fn recover(&mut self, connect: &Arc<dyn Connect>, load: &[Ended]) {
        self.console.say("recovery and final reads");
        let keys = load.iter().map(|ended| ended.keys).max().unwrap_or(0);
        let processes = self.new_processes(load);
        let writes = (0..self.params.nodes)
            .map(|node| Some((self.workload.recovery)(&self.params, node, keys)))
            .collect();
        let ended = self.through_each_node(connect, &processes, writes).await;
        self.note_unserved(&ended, "a write through", "was never acknowledged after the heal");

        // A resumed node serves what was queued while it was stopped: such requests must be over
        // before the final reads, or they would race with them.
        let lifetime = self.scenario.timeout.0 + self.cluster.system.request_lifetime();
        tokio::select! {
            () = sleep_until(Instant::now() + lifetime) => {}
            () = self.stop.wait() => {
                self.missing.push(INTERRUPTED.into());
                return;
            }
        }
        let processes = self.new_processes(&ended);
        let reads = self.final_reads(keys + self.params.nodes as i64);
        let ended = self.through_each_node(connect, &processes, reads).await;
        self.note_unserved(&ended, "a final read through", "never succeeded");
    }

    /// Processes that nobody has been before, on the same nodes.
    fn new_processes(&self, ended: &[Ended]) -> Vec<u64> {
        ended.iter().map(|ended| ended.next_process + self.params.workers as u64).collect()
    }

    fn final_reads(&self, keys: i64) -> Vec<Option<Box<dyn Generator>>> {
        let reads = |node| (self.workload.final_reads)(&self.params, node, keys);
        (0..self.params.nodes).map(reads).collect()
    }

    /// One process a node plays each generator.
    async fn through_each_node(
        &self,
        connect: &Arc<dyn Connect>,
        processes: &[u64],
        generators: Vec<Option<Box<dyn Generator>>>,
    ) -> Vec<Ended> {
        let workers = (generators.into_iter().enumerate())
            .filter_map(|(node, generator)| {
                Some(self.worker(node, processes[node], node, connect, generator?))
            })
            .collect();
        self.play_all(workers, self.scenario.final_time_limit.0).await
    }

    /// A pass would mean nothing for a node that was never heard: that is undecided, not valid.
    fn note_unserved(&mut self, ended: &[Ended], what: &str, how: &str) {
        for ended in ended.iter().filter(|ended| !ended.served) {
            self.missing.push(format!("{what} n{} {how}", ended.node + 1));
        }
    }

    fn worker(
        &self,
        number: usize,
        process: u64,
        node: usize,
        connect: &Arc<dyn Connect>,
        generator: Box<dyn Generator>,
    ) -> Worker {
        Worker {
            number,
            process,
            workers: self.params.workers,
            node,
            connect: connect.clone(),
            recorder: self.recorder.clone(),
            epoch_ns: self.recorder.now_ns(),
            generator,
        }
    }

    /// Returns when there is no point in going on with the load.
    async fn wished_or_violated(&self) {
        let (mut stop, mut violation) = (self.stop.clone(), self.violation.clone());
        tokio::select! {
            () = stop.wait() => {}
            () = violation.wait() => self.console.say("a violation: the load ends here"),
        }
    }

    /// Lets workers play until they are done, the limit has passed, or we are told to stop.
    async fn play_all(&self, workers: Vec<Worker>, limit: Duration) -> Vec<Ended> {
        let mut stop = self.stop.clone();
        self.play_until(workers, limit, async { stop.wait().await }).await
    }

    /// Lets workers play until they are done, the limit has passed, or `enough` is over.
    async fn play_until(
        &self,
        workers: Vec<Worker>,
        limit: Duration,
        enough: impl Future<Output = ()>,
    ) -> Vec<Ended> {
        let (stopper, stop) = Stopper::new();
        let playing: Vec<JoinHandle<Ended>> =
            workers.into_iter().map(|worker| tokio::spawn(worker.run(stop.clone()))).collect();
        let ended = async {
            let mut all = Vec::new();
            for worker in playing {
                all.push(worker.await.expect("a worker does not panic"));
            }
            all
        };
        tokio::pin!(ended);
        tokio::select! {
            all = &mut ended => return all,
            () = sleep_until(Instant::now() + limit) => {}
            () = enough => {}
        }
        // Operations under way are completed, each within its client's time limit.
        stopper.stop();
        ended.await
    }
}

/// A task that ends with its owner.
struct Aborted(JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}
