//! One node of the sandbox on its own: to try it by hand, and for the crate's tests.
//!
//! ```text
//! cargo run -p sandbox --example node -- --id 1 --data /tmp/n1 \
//!     --node 1=127.0.0.1:7001,127.0.0.1:8001 --node 2=127.0.0.1:7002,127.0.0.1:8002 …
//! ```
//!
//! `--node ID=CLIENT,PEER` names each node of the cluster with its two addresses, this one
//! included; `--bug NAME` breaks it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, bail};
use sandbox::{Config, Peer, Timings};

fn main() -> anyhow::Result<()> {
    sandbox::run(parse(std::env::args().skip(1))?)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Config> {
    let (mut id, mut data_dir, mut bug) = (None, None, None);
    let mut peers = BTreeMap::new();
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--id" => id = Some(value.parse().context("--id takes a number")?),
            "--data" => data_dir = Some(value.into()),
            "--bug" => bug = Some(value.parse()?),
            "--node" => {
                let (node, peer) = parse_node(&value).context("--node takes ID=CLIENT,PEER")?;
                peers.insert(node, peer);
            }
            _ => bail!("unknown flag {flag}"),
        }
    }
    let id = id.context("--id is missing")?;
    let own: &Peer = peers.get(&id).context("this node is not among those named by --node")?;
    let data_dir = data_dir.context("--data is missing")?;
    let (client, peer) = (own.client, own.peer);
    Ok(Config { id, client, peer, peers, data_dir, bug, timings: Timings::default() })
}

fn parse_node(text: &str) -> Option<(u64, Peer)> {
    let (id, addresses) = text.split_once('=')?;
    let (client, peer) = addresses.split_once(',')?;
    let address = |text: &str| text.parse::<SocketAddr>().ok();
    Some((id.parse().ok()?, Peer { client: address(client)?, peer: address(peer)? }))
}
