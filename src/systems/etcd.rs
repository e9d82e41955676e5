//! etcd, as Debian packages it (`etcd-server`), over the JSON gateway of its v3 interface.
//!
//! Before 3.4.42 and 3.5.28 it has published stale-read bugs around paused processes and leader
//! changes (etcd-io/etcd#20418): a violation found in an older one is a find.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use nemesis::env::{Grace, Launch, PeerAddresses, StopSignal};
use workloads::Connect;
use workloads::clients::etcd as client;

use super::{Flaw, Member, STATUS_TIMEOUT, Status, System, Terms};

/// Reads answered by whichever member is asked, from its own state.
pub const SERIALIZABLE_READS: &str = "serializable-reads";

pub(super) struct Etcd;

#[async_trait]
impl System for Etcd {
    fn name(&self) -> &str {
        "etcd"
    }

    fn about(&self) -> &str {
        "etcd from $PATH or $ORDEAL_ETCD (Debian package etcd-server), v3 JSON gateway"
    }

    fn flaws(&self) -> Vec<Flaw> {
        vec![Flaw {
            name: SERIALIZABLE_READS.into(),
            about: "reads are serializable, not linearizable: a member answers from its own state"
                .into(),
            shown_by: "partition".into(),
        }]
    }

    fn peers(&self) -> PeerAddresses {
        PeerAddresses::Advertised
    }

    fn require(&self) -> Result<()> {
        program().map(|_| ())
    }

    fn launch(&self, member: &Member<'_>) -> Result<Launch> {
        let listen = member.env.listen(member.node);
        let client = format!("http://{}", listen.client);
        let peer = format!("http://{}", listen.peer);
        let members: Vec<String> = (member.env.nodes().iter())
            .map(|&node| format!("{node}=http://{}", member.env.listen(node).peer))
            .collect();
        let options = [
            ("--name", member.node.to_string()),
            ("--listen-client-urls", client.clone()),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer.clone()),
            ("--initial-advertise-peer-urls", peer),
            ("--initial-cluster", members.join(",")),
            ("--initial-cluster-state", "new".into()),
            ("--initial-cluster-token", format!("ordeal-{:x}", member.nonce)),
        ];
        let mut args: Vec<OsString> =
            options.into_iter().flat_map(|(name, value)| [name.into(), value.into()]).collect();
        args.push("--data-dir".into());
        args.push(member.data.join("etcd").into());
        Ok(Launch {
            program: program()?,
            args,
            env: Vec::new(),
            dir: member.data.clone(),
            log: member.log.clone(),
        })
    }

    async fn status(&self, endpoint: SocketAddr) -> Option<Status> {
        let status = client::status(endpoint, STATUS_TIMEOUT).await?;
        Some(Status {
            leads: status.leads(),
            has_leader: status.leader.is_some(),
            term: status.term,
            version: status.version,
        })
    }

    fn connect(&self, endpoints: &[SocketAddr], terms: &Terms) -> Arc<dyn Connect> {
        let reads = match terms.bug.as_deref() {
            Some(SERIALIZABLE_READS) => client::Reads::Serializable,
            _ => client::Reads::Linearizable,
        };
        let options = client::Options {
            timeout_ms: terms.timeout_ms(),
            route: terms.route,
            reads,
            key_prefix: terms.key_prefix.clone(),
        };
        Arc::new(client::Etcd::new(endpoints.to_vec(), options))
    }

    /// Its own limit for a proposal is 5 s and twice the election time-out.
    fn request_lifetime(&self) -> Duration {
        Duration::from_secs(7)
    }

    fn grace(&self) -> Grace {
        Grace { signal: StopSignal::Term, patience: Duration::from_secs(15) }
    }
}

/// The etcd that runs: `$ORDEAL_ETCD`, else the first one in `$PATH`.
fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ORDEAL_ETCD") {
        return Ok(path.into());
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join("etcd"))
        .find(|file| file.is_file())
        .context("there is no etcd in $PATH: apt-get install etcd-server, or set ORDEAL_ETCD")
}
