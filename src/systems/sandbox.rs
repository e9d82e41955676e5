//! The sandbox: the replicated store that comes with Ordeal, started from this very binary.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use nemesis::env::{Grace, Launch, NodeId, PeerAddresses, StopSignal};
use workloads::Connect;
use workloads::clients::sandbox as client;

use super::{Flaw, Member, STATUS_TIMEOUT, Status, System, Terms};

/// The hidden subcommand that runs one member; see `commands::sandbox_node`.
pub const NODE_COMMAND: &str = "sandbox-node";

pub(super) struct Sandbox;

#[async_trait]
impl System for Sandbox {
    fn name(&self) -> &str {
        "sandbox"
    }

    fn about(&self) -> &str {
        "the replicated key-value store that comes with Ordeal (Raft); nothing to install"
    }

    fn flaws(&self) -> Vec<Flaw> {
        let flaw = |bug: &sandbox::Bug| Flaw {
            name: bug.name().into(),
            about: bug.about().into(),
            shown_by: bug.shown_by().into(),
        };
        sandbox::Bug::ALL.iter().map(flaw).collect()
    }

    fn peers(&self) -> PeerAddresses {
        PeerAddresses::PerPair
    }

    fn require(&self) -> Result<()> {
        std::env::current_exe().context("cannot find this program's own file").map(|_| ())
    }

    fn launch(&self, member: &Member<'_>) -> Result<Launch> {
        let listen = member.env.listen(member.node);
        let mut args: Vec<OsString> = vec![NODE_COMMAND.into()];
        let mut option = |name: &str, value: String| {
            args.push(format!("--{name}").into());
            args.push(value.into());
        };
        option("id", member.node.0.to_string());
        option("client", listen.client.to_string());
        option("peer", listen.peer.to_string());
        for &other in member.env.nodes().iter().filter(|&&other| other != member.node) {
            option("member", peer(member, other));
        }
        if let Some(bug) = member.bug {
            option("bug", bug.to_owned());
        }
        args.push("--data".into());
        args.push(member.data.clone().into());
        Ok(Launch {
            program: std::env::current_exe().context("cannot find this program's own file")?,
            args,
            env: Vec::new(),
            dir: member.data.clone(),
            log: member.log.clone(),
        })
    }

    async fn status(&self, endpoint: SocketAddr) -> Option<Status> {
        let status = client::status(endpoint, STATUS_TIMEOUT).await?;
        Some(Status {
            leads: status.leader == Some(status.node),
            has_leader: status.leader.is_some(),
            term: status.term,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn connect(&self, endpoints: &[SocketAddr], terms: &Terms) -> Arc<dyn Connect> {
        let options = client::Options {
            timeout_ms: terms.timeout_ms(),
            route: terms.route,
            key_prefix: terms.key_prefix.clone(),
        };
        Arc::new(client::Sandbox::new(endpoints.to_vec(), options))
    }

    fn request_lifetime(&self) -> Duration {
        Duration::from_millis(sandbox::Timings::default().request_ms)
    }

    fn grace(&self) -> Grace {
        Grace { signal: StopSignal::Term, patience: Duration::from_secs(10) }
    }
}

/// `ID=PEER,CLIENT`: how this member reaches another, and where it sends clients of it.
fn peer(member: &Member<'_>, other: NodeId) -> String {
    let dial = member.env.peer_endpoint(member.node, other);
    format!("{}={dial},{}", other.0, member.env.listen(other).client)
}
