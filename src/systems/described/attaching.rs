//! The commands for nodes that something else runs, made for each node and each link.

use std::path::Path;

use anyhow::{Context, Result};
use nemesis::env::attach::{Commands, Directions, PerLink, PerNode};
use nemesis::env::{Link, NodeId};
use serde_json::Value as Json;
use workloads::template::{Lookup, OfAttached, OfLink, Template};

use super::description::Attach;
use crate::systems::AttachedNode;

/// What the description says can be done to these nodes.
///
/// # Errors
/// When a command cannot be rendered.
pub(super) fn commands(attach: &Attach, nodes: &[AttachedNode], folder: &Path) -> Result<Commands> {
    let folder = std::path::absolute(folder).context("cannot find the description's folder")?;
    let folder = folder.display().to_string();
    let per_node = |command: &Option<Template<OfAttached>>| -> Result<Option<PerNode>> {
        let Some(command) = command else { return Ok(None) };
        let made = nodes.iter().map(|node| {
            let values = Values { node, other: node, folder: &folder };
            Ok((node.node, command.render(&values)?))
        });
        made.collect::<Result<_>>().map(Some)
    };
    let per_link = |command: &Option<Template<OfLink>>| -> Result<Option<PerLink>> {
        let Some(command) = command else { return Ok(None) };
        let ids: Vec<NodeId> = nodes.iter().map(|node| node.node).collect();
        let made = Link::all(&ids).map(|link| {
            let (node, other) = (&nodes[link.to.index()], &nodes[link.from.index()]);
            Ok((link, command.render(&Values { node, other, folder: &folder })?))
        });
        made.collect::<Result<_>>().map(Some)
    };
    Ok(Commands {
        kill: per_node(&attach.kill)?,
        start: per_node(&attach.start)?,
        stop: per_node(&attach.stop)?,
        pause: per_node(&attach.pause)?,
        resume: per_node(&attach.resume)?,
        state: per_node(&attach.state)?,
        cut: per_link(&attach.cut)?,
        heal: per_node(&attach.heal)?,
        reach: per_link(&attach.reach)?,
        directions: if attach.one_way { Directions::Apart } else { Directions::Together },
    })
}

/// A node, and for a link the one that it hears.
struct Values<'a> {
    node: &'a AttachedNode,
    other: &'a AttachedNode,
    folder: &'a str,
}

impl Lookup for Values<'_> {
    fn get(&self, name: &str) -> Json {
        if name == "folder" {
            return Json::from(self.folder);
        }
        let (of, name) = match name {
            "other" => (self.other, "node"),
            name => match name.strip_prefix("other_") {
                Some(name) => (self.other, name),
                None => (self.node, name),
            },
        };
        match name {
            "number" => Json::from(of.node.0),
            "index" => Json::from(of.node.index()),
            "client" => Json::from(of.client.to_string()),
            "host" => Json::from(of.host.clone()),
            "client_port" => Json::from(of.client.port()),
            _ => Json::from(of.node.to_string()),
        }
    }
}
