//! The nodes of `checker test --env attach`, which something else runs.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Result;
use nemesis::env::attach::Attachment;
use nemesis::env::{Decision, EnvChoice, NodeId};

use crate::exit::BadInput;
use crate::host_port::HostPort;
use crate::systems::{AttachedNode, System};

/// Which nodes there are.
#[derive(Debug, clap::Args)]
pub struct Attached {
    /// With `--env attach`: a node that something else runs, and where it serves clients. Once for
    /// each node, n1 first. What can be done to it are commands in the description ([attach])
    #[arg(long = "node", value_name = "n1=HOST:PORT")]
    node: Vec<NodeAt>,
}

/// A node and where it is: `n1=db1.example:2379`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NodeAt {
    node: NodeId,
    place: HostPort,
}

impl FromStr for NodeAt {
    type Err = String;

    fn from_str(text: &str) -> Result<NodeAt, String> {
        let wrong =
            || format!("{text:?}: write a node, a host and a port, such as n1=10.0.0.1:2379");
        let (node, place) = text.split_once('=').ok_or_else(wrong)?;
        if place.contains("://") {
            let cure = "nodes are called by plain HTTP: write host and port alone. HTTPS is not spoken: \
                        put a proxy, or a client program ([client] command), in between that speaks it";
            return Err(format!("{place:?} is an address of the web; {cure}"));
        }
        let node = node.parse().map_err(|_| wrong())?;
        let place = place.parse().map_err(|_| wrong())?;
        Ok(NodeAt { node, place })
    }
}

/// The nodes, found.
pub struct Found(Vec<AttachedNode>);

impl Attached {
    /// The nodes that are attached to; nothing in other environments.
    ///
    /// # Errors
    /// When there are nodes and another environment, or none and this one; when they are not `n1` to
    /// `nN`, or the address of one cannot be found.
    pub fn nodes(&self, env: EnvChoice) -> Result<Option<Found>> {
        match (env, self.node.is_empty()) {
            (EnvChoice::Attach, true) => {
                let cure = "--env attach tests nodes that run already: name each, such as \
                            --node n1=10.0.0.1:2379 --node n2=10.0.0.2:2379";
                Err(BadInput(cure.to_owned()).into())
            }
            (EnvChoice::Attach, false) => Ok(Some(self.found()?)),
            (_, true) => Ok(None),
            (_, false) => {
                Err(BadInput("--node is for nodes that run already: add --env attach".into())
                    .into())
            }
        }
    }

    fn found(&self) -> Result<Found> {
        let by_name: BTreeMap<NodeId, &NodeAt> =
            self.node.iter().map(|node| (node.node, node)).collect();
        let count = u16::try_from(self.node.len()).unwrap_or(u16::MAX);
        let expected = NodeId::cluster(count);
        if !by_name.keys().eq(&expected) {
            let last = NodeId(count);
            return Err(
                BadInput(format!("--node: {count} nodes are n1 to {last}, each once")).into()
            );
        }
        let found = |&NodeAt { node, ref place }: &NodeAt| -> Result<AttachedNode> {
            let client =
                place.resolve().map_err(|error| BadInput(format!("--node {node}: {error}")))?;
            Ok(AttachedNode { node, host: place.host.clone(), client })
        };
        by_name.into_values().map(found).collect::<Result<_>>().map(Found)
    }
}

impl Found {
    /// How many there are.
    pub fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }

    /// The environment, with what the system's description says can be done to the nodes.
    ///
    /// # Errors
    /// When a command cannot be made for one of them.
    pub fn decision(&self, system: &dyn System) -> Result<Decision> {
        let commands = system.attach_commands(&self.0)?;
        let endpoints = self.0.iter().map(|node| node.client).collect();
        Ok(Decision::attach(Attachment { endpoints, commands }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(nodes: &[&str]) -> Attached {
        Attached { node: nodes.iter().map(|node| node.parse().unwrap()).collect() }
    }

    fn refused(nodes: &[&str], env: EnvChoice) -> String {
        attached(nodes).nodes(env).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn nodes_are_named_with_their_place_in_any_order() {
        let nodes = ["n2=[::1]:5", "n1=127.0.0.1:4"];
        let found = attached(&nodes).nodes(EnvChoice::Attach).unwrap().unwrap();
        assert_eq!(found.count(), 2);
        assert_eq!(found.0[0].client, "127.0.0.1:4".parse().unwrap());
        assert_eq!((found.0[1].host.as_str(), found.0[1].node), ("::1", NodeId(2)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_does() {
        assert!("n1".parse::<NodeAt>().unwrap_err().contains("n1=10.0.0.1:2379"));
        assert!("x1=h:1".parse::<NodeAt>().unwrap_err().contains("n1=10.0.0.1:2379"));
        let web = "n1=https://db1:2379".parse::<NodeAt>().unwrap_err();
        assert!(web.contains("HTTPS is not spoken") && web.contains("proxy"), "{web}");
        assert!(refused(&[], EnvChoice::Attach).contains("name each"));
        assert!(refused(&["n1=127.0.0.1:4"], EnvChoice::Auto).contains("add --env attach"));
        let gap = ["n1=127.0.0.1:4", "n3=127.0.0.1:5"];
        assert!(refused(&gap, EnvChoice::Attach).contains("2 nodes are n1 to n2"));
        let nowhere = ["n1=no-such-host.invalid:5"];
        assert!(
            refused(&nowhere, EnvChoice::Attach).contains("no address of no-such-host.invalid")
        );
    }
}
