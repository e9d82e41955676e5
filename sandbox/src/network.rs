//! Node to node: how Raft's messages travel.
//!
//! Plain HTTP/1.1 with JSON over reqwest. What matters is how it fails. A partition leaves
//! connections that look alive and answer nothing, so each request and each connection attempt
//! has openraft's time limit, a request that ran out of it takes its connection with it, and
//! nothing is retried here: openraft does, with newer contents. An unreachable node is tried
//! again every 150 ms, so that a healed cluster is whole again within a second.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{NetworkError, RPCError, RaftError, RemoteError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{AnyError, EmptyNode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::{NodeId, Types};

/// How long to leave an unreachable node alone.
const BACKOFF: Duration = Duration::from_millis(150);

type RpcError<E = openraft::error::Infallible> = RPCError<NodeId, EmptyNode, RaftError<NodeId, E>>;

/// An HTTP client that does what it is told, once: no redirects, proxies or retries.
pub(crate) fn http_client(connect_timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(Duration::from_secs(5))
        .pool_max_idle_per_host(8)
        .tcp_nodelay(true)
        .build()
}

/// Makes connections to the other nodes.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    http: reqwest::Client,
    addresses: Arc<BTreeMap<NodeId, SocketAddr>>,
}

impl Network {
    pub(crate) fn new(http: reqwest::Client, addresses: BTreeMap<NodeId, SocketAddr>) -> Self {
        Self { http, addresses: Arc::new(addresses) }
    }
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Link;

    async fn new_client(&mut self, target: NodeId, _node: &EmptyNode) -> Link {
        let address = self.addresses.get(&target).copied();
        Link { http: self.http.clone(), target, address }
    }
}

/// The way to one node.
#[derive(Debug)]
pub(crate) struct Link {
    http: reqwest::Client,
    target: NodeId,
    /// `None` for a member that the configuration does not know.
    address: Option<SocketAddr>,
}

/// A member of the cluster is missing from this node's configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has no node {0}")]
struct NoAddress(NodeId);

impl Link {
    async fn call<Req, Resp, E>(
        &self,
        path: &str,
        request: &Req,
        option: &RPCOption,
    ) -> Result<Resp, RpcError<E>>
    where
        Req: Serialize,
        Resp: DeserializeOwned,
        E: std::error::Error + DeserializeOwned,
    {
        let Some(address) = self.address else {
            return Err(Unreachable::new(&NoAddress(self.target)).into());
        };
        let answer: Result<Resp, RaftError<NodeId, E>> = self
            .exchange(&format!("http://{address}{path}"), request, option.hard_ttl())
            .await
            .map_err(|error| failure(&error))?;
        answer.map_err(|error| RPCError::RemoteError(RemoteError::new(self.target, error)))
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        url: &str,
        request: &impl Serialize,
        limit: Duration,
    ) -> reqwest::Result<T> {
        let request = self.http.post(url).timeout(limit).json(request);
        request.send().await?.error_for_status()?.json().await
    }
}

/// A time-out has used up its time already; anything that failed at once waits for [`BACKOFF`].
fn failure<E: std::error::Error>(error: &reqwest::Error) -> RpcError<E> {
    let text = AnyError::error(error_chain(error));
    if error.is_timeout() {
        NetworkError::new(&text).into()
    } else {
        Unreachable::new(&text).into()
    }
}

/// An error with its causes: reqwest's own text does not say "connection refused".
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl RaftNetwork<Types> for Link {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        self.call("/raft/append", &request, &option).await
    }

    async fn install_snapshot(
        &mut self,
        request: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<NodeId>, RpcError<openraft::error::InstallSnapshotError>>
    {
        self.call("/raft/snapshot", &request, &option).await
    }

    async fn vote(
        &mut self,
        request: VoteRequest<NodeId>,
        option: RPCOption,
    ) -> Result<VoteResponse<NodeId>, RpcError> {
        self.call("/raft/vote", &request, &option).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}
