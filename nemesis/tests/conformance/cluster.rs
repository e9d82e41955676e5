//! A running cluster of test nodes, and what can be asked of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nemesis::env::{EnvOptions, Environment, Launch, PeerAddresses, RunId, local, netns};
use nemesis::link::{Grudge, Link, NodeId};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::docker::Containers;

/// Nothing a scenario waits for takes longer, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// Where a cluster is put.
#[derive(Clone)]
pub(crate) enum Place {
    Local,
    Netns,
    Docker(Arc<Containers>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Local => "Local",
            Place::Netns => "Netns",
            Place::Docker(_) => "Docker",
        })
    }
}

#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) env: Arc<dyn Environment>,
    place: Place,
    folder: Arc<TempDir>,
}

impl Cluster {
    /// An environment with every node running and answering.
    pub(crate) async fn start(place: &Place, nodes: u16) -> Cluster {
        Cluster::start_with(place, nodes, &[]).await
    }

    /// The same, with more arguments for the nodes.
    pub(crate) async fn start_with(place: &Place, nodes: u16, extra: &[&str]) -> Cluster {
        let cluster = Cluster::open(place, nodes).await;
        for &node in cluster.env.nodes() {
            cluster.env.start(node, &cluster.launch(node, extra)).await.expect("a node starts");
        }
        for &node in cluster.env.nodes() {
            cluster.ready(node).await;
        }
        cluster
    }

    /// An environment without any process.
    pub(crate) async fn open(place: &Place, nodes: u16) -> Cluster {
        let options = EnvOptions { nodes, run: RunId::fresh(), peers: PeerAddresses::PerPair };
        let env: Arc<dyn Environment> = match place {
            Place::Netns => Arc::new(netns::Netns::open(&options).await.expect("netns")),
            Place::Local => Arc::new(local::Local::open(&options).await.expect("local")),
            Place::Docker(containers) => Arc::new(containers.open().await),
        };
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Cluster { env, place: place.clone(), folder }
    }

    pub(crate) fn launch(&self, node: NodeId, extra: &[&str]) -> Launch {
        let listen = self.env.listen(node);
        let mut args = vec!["node".into(), listen.client.to_string(), listen.peer.to_string()];
        args.extend(extra.iter().map(ToString::to_string));
        Launch {
            program: std::env::current_exe().expect("the test binary has a path"),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            dir: self.folder.path().to_owned(),
            log: self.folder.path().join(format!("{node}.log")),
        }
    }

    /// What it printed, in this scenario or, of a container, ever.
    pub(crate) fn log(&self, node: NodeId) -> String {
        if let Place::Docker(containers) = &self.place {
            return containers.log(node);
        }
        let path = self.folder.path().join(format!("{node}.log"));
        std::fs::read_to_string(path).expect("a node has a log")
    }

    /// One request to a node's client port, over a connection of its own.
    pub(crate) async fn request(&self, node: NodeId, line: &str) -> Option<String> {
        let address = self.env.client_endpoint(node);
        let exchange = async {
            let mut stream = BufStream::new(TcpStream::connect(address).await.ok()?);
            stream.write_all(format!("{line}\n").as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
            let mut answer = String::new();
            stream.read_line(&mut answer).await.ok()?;
            Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
        };
        timeout(Duration::from_secs(1), exchange).await.ok().flatten()
    }

    /// Whether a node gets an answer from another one, over a connection that it keeps.
    pub(crate) async fn hears(&self, link: Link) -> bool {
        let address = self.env.peer_endpoint(link.from, link.to);
        self.request(link.from, &format!("ask {address}")).await.as_deref() == Some("yes")
    }

    pub(crate) async fn ready(&self, node: NodeId) {
        let deadline = Instant::now() + LIMIT;
        while self.request(node, "ping").await.is_none() {
            assert!(Instant::now() < deadline, "{node} does not answer: {}", self.log(node));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asserts that the probes see exactly these cuts, and that the nodes feel them: a request is
    /// answered if and only if both directions are open.
    pub(crate) async fn assert_cut_exactly(&self, grudge: &Grudge) {
        let nodes = self.env.nodes();
        let matrix = self.env.probe().await.expect("links can be measured");
        let closed: BTreeSet<Link> =
            Link::all(nodes).filter(|&it| !matrix.state(it).expect("measured").is_open()).collect();
        assert_eq!(closed, grudge.links().collect(), "closed as measured, and as intended");
        // Every answer that does not come costs a node's patience, so all are waited for at once.
        let mut asked = JoinSet::new();
        for link in Link::all(nodes) {
            let open = !grudge.cuts(link) && !grudge.cuts(link.reversed());
            let cluster = self.clone();
            asked.spawn(async move { (link, open, cluster.heard_eventually(link, open).await) });
        }
        for (link, open, heard) in asked.join_all().await {
            assert_eq!(heard, open, "{link} as the nodes feel it");
        }
        for &node in nodes {
            assert!(self.request(node, "ping").await.is_some(), "the tester reaches {node}");
        }
    }

    /// A healed connection delivers again only when TCP next retransmits; a cut holds at once.
    async fn heard_eventually(&self, link: Link, expected: bool) -> bool {
        let deadline = Instant::now() + LIMIT;
        loop {
            let heard = self.hears(link).await;
            if heard || !expected || Instant::now() > deadline {
                return heard;
            }
        }
    }
}
