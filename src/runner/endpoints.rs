//! Where clients find their nodes, also after a node has come back somewhere else.
//!
//! An environment of our own keeps its addresses, and clients are made once. Where containers bring
//! their own programs, somebody else gives the addresses out: a client then looks before each
//! operation whether its nodes have moved, and starts anew, with a connection of its own, if so.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use nemesis::env::Environment;
use workloads::{Call, Client, Connect, Outcome};

use super::cluster::Cluster;
use crate::systems::{System, Terms};

/// What opens the clients of a run.
pub(super) fn connect(cluster: &Cluster, terms: Terms) -> Arc<dyn Connect> {
    if !cluster.env.brings_programs() {
        return cluster.system.connect(&endpoints(cluster.env.as_ref()), &terms);
    }
    let (system, env) = (cluster.system.clone(), cluster.env.clone());
    Arc::new(Following(Arc::new(Cast { system, env, terms })))
}

fn endpoints(env: &dyn Environment) -> Vec<SocketAddr> {
    env.nodes().iter().map(|&node| env.client_endpoint(node)).collect()
}

struct Cast {
    system: Arc<dyn System>,
    env: Arc<dyn Environment>,
    terms: Terms,
}

struct Following(Arc<Cast>);

impl Connect for Following {
    fn open(&self, node: usize, process: u64) -> Box<dyn Client> {
        let endpoints = endpoints(self.0.env.as_ref());
        let client = self.0.system.connect(&endpoints, &self.0.terms).open(node, process);
        Box::new(Follower { cast: self.0.clone(), node, process, endpoints, client })
    }
}

/// A client, and where the nodes were when it was made.
struct Follower {
    cast: Arc<Cast>,
    node: usize,
    process: u64,
    endpoints: Vec<SocketAddr>,
    client: Box<dyn Client>,
}

#[async_trait]
impl Client for Follower {
    async fn invoke(&mut self, call: &Call) -> Outcome {
        let now = endpoints(self.cast.env.as_ref());
        if now != self.endpoints {
            self.client.close().await;
            let connect = self.cast.system.connect(&now, &self.cast.terms);
            self.client = connect.open(self.node, self.process);
            self.endpoints = now;
        }
        self.client.invoke(call).await
    }

    async fn close(&mut self) {
        self.client.close().await;
    }
}
