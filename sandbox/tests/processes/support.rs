//! Clusters of real processes on the loopback interface.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "this is test code in all but name")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use sandbox::Bug;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// What a node answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: Value,
}

/// A cluster; its processes end with it. Nodes are numbered from 1.
pub(crate) struct Cluster {
    folder: TempDir,
    addresses: Vec<Addresses>,
    processes: Vec<Option<Child>>,
    bug: Option<Bug>,
    http: Client,
}

#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) client: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// Addresses of 127.0.0.0/8 that no other test uses: outgoing connections come from 127.0.0.1, so
/// none of them can take a port there, as might happen to a port that was found free.
fn addresses(nodes: usize) -> Vec<Addresses> {
    static CLUSTERS: AtomicU8 = AtomicU8::new(0);
    let cluster = CLUSTERS.fetch_add(1, Ordering::Relaxed);
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = |node: usize| {
        let last = cluster * 8 + u8::try_from(node).expect("a handful of nodes") + 1;
        let ip = IpAddr::V4(Ipv4Addr::new(127, high.max(1), low, last));
        Addresses { client: SocketAddr::new(ip, 7001), peer: SocketAddr::new(ip, 7002) }
    };
    (0..nodes).map(address).collect()
}

/// The example `node`, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/node");
    assert!(
        program.exists(),
        "{} is missing: `cargo test -p sandbox` builds it",
        program.display()
    );
    program
}

impl Cluster {
    /// Starts all nodes and waits until each knows of one leader.
    pub(crate) async fn formed(nodes: usize, bug: Option<Bug>) -> Self {
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        let mut cluster = Self {
            folder: TempDir::new().unwrap(),
            addresses: addresses(nodes),
            processes: (0..nodes).map(|_| None).collect(),
            bug,
            http,
        };
        for node in cluster.nodes() {
            cluster.start(node);
        }
        cluster.agreed().await;
        cluster
    }

    pub(crate) fn nodes(&self) -> Vec<usize> {
        (1..=self.processes.len()).collect()
    }

    pub(crate) fn addresses(&self, node: usize) -> Addresses {
        self.addresses[node - 1]
    }

    pub(crate) fn start(&mut self, node: usize) {
        let path = self.log_path(node);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut command = Command::new(program());
        command.arg("--id").arg(node.to_string());
        command.arg("--data").arg(self.folder.path().join(format!("n{node}")));
        for (peer, address) in self.nodes().into_iter().zip(&self.addresses) {
            command.arg("--node").arg(format!("{peer}={},{}", address.client, address.peer));
        }
        if let Some(bug) = self.bug {
            command.arg("--bug").arg(bug.name());
        }
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.processes[node - 1] = Some(child);
    }

    fn log_path(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("n{node}.log"))
    }

    pub(crate) fn log(&self, node: usize) -> String {
        std::fs::read_to_string(self.log_path(node)).unwrap()
    }

    pub(crate) fn pid(&self, node: usize) -> u32 {
        self.processes[node - 1].as_ref().expect("the node runs").id()
    }

    /// Sends a signal by name, such as `STOP`.
    pub(crate) fn signal(&self, node: usize, signal: &str) {
        let pid = self.pid(node).to_string();
        assert!(
            Command::new("kill").arg(format!("-{signal}")).arg(pid).status().unwrap().success()
        );
    }

    /// SIGKILL, and the corpse is collected.
    pub(crate) fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.processes[node - 1].take() {
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(9));
        }
    }

    /// Waits for a node that was told to stop.
    pub(crate) async fn stopped(&mut self, node: usize) -> std::process::ExitStatus {
        let mut child = self.processes[node - 1].take().expect("the node runs");
        eventually_some("the node ends", async || child.try_wait().unwrap()).await
    }

    pub(crate) async fn request(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let url = format!("http://{}{path}", self.addresses(node).client);
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        let location = response.headers().get("location");
        let location = location.map(|value| value.to_str().unwrap().to_owned());
        Ok(Answer { status, location, body: response.json().await? })
    }

    pub(crate) async fn get(&self, node: usize, path: &str) -> Answer {
        self.request(node, Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn put(&self, node: usize, key: &str, value: Value) -> Answer {
        let body = json!({ "value": value });
        self.request(node, Method::PUT, &format!("/kv/{key}"), Some(body)).await.unwrap()
    }

    pub(crate) async fn post(&self, node: usize, path: &str, body: Value) -> Answer {
        self.request(node, Method::POST, path, Some(body)).await.unwrap()
    }

    /// Writes, again and again if need be, until it was acknowledged.
    pub(crate) async fn write(&self, node: usize, key: &str, value: Value) {
        eventually(&format!("node {node} acknowledges a write"), async || {
            let body = json!({ "value": value });
            let path = format!("/kv/{key}");
            let answer = self.request(node, Method::PUT, &path, Some(body)).await;
            answer.is_ok_and(|answer| answer.status == StatusCode::OK)
        })
        .await;
    }

    /// The body of a linearizable read, from whichever running node serves it.
    pub(crate) async fn read(&self, path: &str) -> Value {
        eventually_some("some node serves a read", async || {
            for node in self.running() {
                match self.request(node, Method::GET, path, None).await {
                    Ok(answer) if answer.status == StatusCode::OK => {
                        return Some(answer.body["value"].clone());
                    }
                    _ => {}
                }
            }
            None
        })
        .await
    }

    fn running(&self) -> Vec<usize> {
        let runs = |node: &usize| self.processes[node - 1].is_some();
        self.nodes().into_iter().filter(runs).collect()
    }

    pub(crate) async fn status(&self, node: usize) -> Value {
        let answer = self.request(node, Method::GET, "/status", None).await;
        answer.map_or(Value::Null, |answer| answer.body)
    }

    /// Waits until all running nodes name the same running leader, and returns it.
    pub(crate) async fn agreed(&self) -> usize {
        eventually_some("the nodes agree on a leader", async || {
            let mut leaders = Vec::new();
            for node in self.running() {
                leaders.push(self.status(node).await["leader"].as_u64()?);
            }
            leaders.dedup();
            let [leader] = leaders[..] else { return None };
            let leader = usize::try_from(leader).unwrap();
            self.running().contains(&leader).then_some(leader)
        })
        .await
    }

    pub(crate) fn others(&self, node: usize) -> Vec<usize> {
        self.nodes().into_iter().filter(|other| *other != node).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().flatten() {
            // SIGKILL ends stopped processes, too.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for node in self.nodes() {
                let log = std::fs::read_to_string(self.log_path(node)).unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(8).collect();
                println!("--- node {node}, newest first\n{}", tail.join("\n"));
            }
        }
    }
}

/// Polls until the condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    eventually_some(what, async || holds().await.then_some(())).await;
}

/// Polls until there is something.
pub(crate) async fn eventually_some<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
