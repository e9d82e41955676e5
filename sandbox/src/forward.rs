//! A follower's way to the leader: the peer port, and the command's own id.
//!
//! An answer can get lost. Because the state machine recognises a command that comes twice, the
//! forwarder may simply send it again, to whoever leads by then, until its client's time is up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::command::{Command, NodeId, Reply};
use crate::failure::Failure;
use crate::network::error_chain;

/// Where the leader takes forwarded commands, on its peer port.
pub(crate) const PATH: &str = "/forward";

/// What the leader answers.
pub(crate) type Answer = Result<Reply, Failure>;

/// Sends commands to leaders.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    http: reqwest::Client,
    addresses: BTreeMap<NodeId, SocketAddr>,
    /// How long one attempt may take.
    attempt: Duration,
}

impl Forwarder {
    pub(crate) fn new(
        http: reqwest::Client,
        addresses: BTreeMap<NodeId, SocketAddr>,
        attempt: Duration,
    ) -> Self {
        Self { http, addresses, attempt }
    }

    /// Sends a command once.
    pub(crate) async fn send(
        &self,
        leader: NodeId,
        command: &Command,
        deadline: Instant,
    ) -> Answer {
        let Some(address) = self.addresses.get(&leader) else {
            return Err(Failure::Refused(format!("the configuration has no node {leader}")));
        };
        let limit = self.attempt.min(deadline.saturating_duration_since(Instant::now()));
        let request = self.http.post(format!("http://{address}{PATH}")).timeout(limit);
        let response = match request.json(command).send().await {
            Ok(response) => response,
            // Without a connection nothing can have been sent.
            Err(error) if error.is_connect() => {
                return Err(Failure::Refused(format!(
                    "node {leader} cannot be reached: {}",
                    error_chain(&error)
                )));
            }
            Err(error) => return Err(Failure::Unknown(error_chain(&error))),
        };
        response.json().await.unwrap_or_else(|error| Err(Failure::Unknown(error_chain(&error))))
    }
}
