//! `checker sandbox-node`, hidden: one member of the sandbox, as its own process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use super::compose::BUG_VARIABLE;
use crate::console::Console;
use crate::exit::{BadInput, Exit};

/// Run one member of the sandbox; `checker test` starts these by itself.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// This member's number
    #[arg(long)]
    id: u64,
    /// Where it serves clients
    #[arg(long)]
    client: SocketAddr,
    /// Where it serves other members
    #[arg(long)]
    peer: SocketAddr,
    /// A member, this one too if that is easier: `ID=PEER_ADDRESS,CLIENT_ADDRESS`
    #[arg(long = "member", value_parser = parse_member)]
    members: Vec<(u64, sandbox::Peer)>,
    /// Where it keeps its data
    #[arg(long)]
    data: PathBuf,
    /// The broken variant to be; by default what $ORDEAL_BUG says
    #[arg(long)]
    bug: Option<String>,
}

/// Serves until told to stop.
///
/// # Errors
/// When the data cannot be opened or an address cannot be bound.
pub fn run(args: &Args, _console: &Console) -> Result<Exit> {
    // A compose file can set a variable to nothing, but not leave it out.
    let named = args.bug.clone().or_else(|| std::env::var(BUG_VARIABLE).ok());
    let bug = match named.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(
            sandbox::Bug::ALL
                .iter()
                .copied()
                .find(|bug| bug.name() == name)
                .ok_or_else(|| BadInput(format!("no bug {name:?}")))?,
        ),
    };
    let mut peers: BTreeMap<u64, sandbox::Peer> = args.members.iter().cloned().collect();
    peers.insert(args.id, sandbox::Peer { peer: args.peer, client: args.client });
    sandbox::run(sandbox::Config {
        id: args.id,
        client: args.client,
        peer: args.peer,
        peers,
        data_dir: args.data.clone(),
        bug,
        timings: sandbox::Timings::default(),
    })?;
    Ok(Exit::Valid)
}

fn parse_member(text: &str) -> Result<(u64, sandbox::Peer), String> {
    let parse = || {
        let (id, addresses) = text.split_once('=')?;
        let (peer, client) = addresses.split_once(',')?;
        let peer = sandbox::Peer { peer: peer.parse().ok()?, client: client.parse().ok()? };
        Some((id.parse().ok()?, peer))
    };
    parse().ok_or_else(|| format!("{text:?}: expected ID=PEER_ADDRESS,CLIENT_ADDRESS"))
}
