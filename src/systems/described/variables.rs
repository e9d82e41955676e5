//! What the variables of a description stand for, member by member.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nemesis::env::NodeId;
use serde_json::Value as Json;
use workloads::template::{Lookup, Who};

use crate::systems::Member;

/// The variables of one member.
pub(super) struct Variables {
    own: Addresses,
    others: Vec<Addresses>,
    data: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    checker: PathBuf,
    run: String,
}

/// A member as another one sees it.
struct Addresses {
    node: NodeId,
    client: SocketAddr,
    peer: SocketAddr,
}

impl Variables {
    /// Those of `member`, whose description lies in `folder`.
    ///
    /// # Errors
    /// When the tester cannot say where it is itself.
    pub(super) fn of(member: &Member<'_>, folder: &Path) -> Result<Variables> {
        let seen = |node: NodeId| {
            let listen = member.env.listen(node);
            let is_own = node == member.node;
            let peer =
                if is_own { listen.peer } else { member.env.peer_endpoint(member.node, node) };
            Addresses { node, client: listen.client, peer }
        };
        let absolute = |path: &Path| {
            std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
        };
        let others = member.env.nodes().iter().filter(|&&node| node != member.node);
        Ok(Variables {
            own: seen(member.node),
            others: others.map(|&node| seen(node)).collect(),
            data: absolute(&member.data)?,
            log: absolute(&member.log)?,
            folder: absolute(folder)?,
            checker: std::env::current_exe().context("cannot find this program's own file")?,
            run: format!("{:x}", member.nonce),
        })
    }

    /// The member's data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    fn of_seen(&self, seen: &Addresses, name: &str) -> Json {
        let text = |text: &dyn std::fmt::Display| Json::from(text.to_string());
        match name {
            "node" => text(&seen.node),
            "number" => Json::from(seen.node.0),
            "index" => Json::from(seen.node.index()),
            "nodes" => Json::from(self.others.len() + 1),
            "client" => text(&seen.client),
            "host" => text(&seen.client.ip()),
            "client_port" => Json::from(seen.client.port()),
            "peer" => text(&seen.peer),
            "peer_host" => text(&seen.peer.ip()),
            "peer_port" => Json::from(seen.peer.port()),
            "data" => text(&self.data.display()),
            "log" => text(&self.log.display()),
            "folder" => text(&self.folder.display()),
            "checker" => text(&self.checker.display()),
            _ => Json::from(self.run.clone()),
        }
    }
}

impl Lookup for Variables {
    fn get(&self, name: &str) -> Json {
        self.of_seen(&self.own, name)
    }

    fn each(&self, who: Who) -> Vec<Box<dyn Lookup + '_>> {
        let mut seen: Vec<&Addresses> = self.others.iter().collect();
        if who == Who::Members {
            seen.push(&self.own);
        }
        seen.sort_by_key(|member| member.node);
        let boxed = |seen| Box::new(Seen { by: self, seen }) as Box<dyn Lookup + '_>;
        seen.into_iter().map(boxed).collect()
    }
}

/// The variables of a client program: where things are.
pub(super) struct Places {
    folder: PathBuf,
    checker: PathBuf,
}

impl Places {
    /// Those of a description that lies in `folder`.
    pub(super) fn of(folder: &Path) -> Places {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Places { folder, checker: std::env::current_exe().unwrap_or_default() }
    }
}

impl Lookup for Places {
    fn get(&self, name: &str) -> Json {
        let place = if name == "checker" { &self.checker } else { &self.folder };
        Json::from(place.display().to_string())
    }
}

/// The variables of a member of which nothing is known but its number.
pub(super) struct Numbered(pub(super) NodeId);

impl Lookup for Numbered {
    fn get(&self, name: &str) -> Json {
        match name {
            "number" => Json::from(self.0.0),
            "index" => Json::from(self.0.index()),
            _ => Json::from(self.0.to_string()),
        }
    }
}

/// The variables of a member within a text about another one.
struct Seen<'a> {
    by: &'a Variables,
    seen: &'a Addresses,
}

impl Lookup for Seen<'_> {
    fn get(&self, name: &str) -> Json {
        self.by.of_seen(self.seen, name)
    }
}
