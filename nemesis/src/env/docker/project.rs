//! Which containers are the nodes: those of a Compose project, found by the labels that Compose
//! puts on them, so that it does not matter who brought the project up, or with which Compose.

use std::fs;

use super::NAME;
use super::engine::{Container, Engine};
use crate::env::EnvError;
use crate::link::NodeId;

pub(super) const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NUMBER: &str = "com.docker.compose.container-number";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The Compose project; without it, that of the tester's own container.
    pub project: Option<String>,
    /// The services (or containers) that are nodes, `n1` first; none for all but the tester's own,
    /// in the order of their names.
    pub services: Vec<String>,
    /// Where nodes serve clients.
    pub client_port: u16,
    /// Where they serve each other.
    pub peer_port: u16,
}

impl Default for Target {
    fn default() -> Target {
        Target { project: None, services: Vec::new(), client_port: 2379, peer_port: 2380 }
    }
}

/// The containers that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    pub(crate) members: Vec<Found>,
    pub(crate) client_port: u16,
    pub(crate) peer_port: u16,
}

/// One container that is a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) node: NodeId,
    pub(crate) id: String,
    /// The service, with a number where it has several containers.
    pub(crate) name: String,
}

impl Project {
    /// How many nodes it has.
    pub fn nodes(&self) -> u16 {
        u16::try_from(self.members.len()).unwrap_or(u16::MAX)
    }

    /// `n1 is etcd1, n2 is etcd2`.
    pub fn describe(&self) -> String {
        let named = self.members.iter().map(|found| format!("{} is {}", found.node, found.name));
        named.collect::<Vec<_>>().join(", ")
    }
}

fn unavailable(reason: impl Into<String>) -> EnvError {
    EnvError::Unavailable { name: NAME, reason: reason.into() }
}

/// Finds the nodes.
pub(crate) async fn find(engine: &Engine, target: &Target) -> Result<Project, EnvError> {
    let own = own_container(engine).await;
    let of_own = own.as_ref().and_then(|own| own.label(PROJECT)).map(str::to_owned);
    let name = target.project.clone().or(of_own).ok_or_else(|| {
        unavailable("which containers are the nodes? give --compose FILE or --project NAME")
    })?;
    let mut candidates = Vec::new();
    for id in engine.containers(&[format!("{PROJECT}={name}")]).await? {
        let container = engine.container(&id).await?;
        if container.label(ONE_OFF) != Some("True") && !is_sibling(own.as_ref(), &container) {
            candidates.push(container);
        }
    }
    if candidates.is_empty() {
        return Err(unavailable(format!(
            "the Compose project {name} has no container; bring it up first, or give --compose FILE"
        )));
    }
    candidates.sort_by_key(|container| natural(&service_of(container)));
    let members = choose(&candidates, &target.services).map_err(unavailable)?;
    let Target { client_port, peer_port, .. } = *target;
    Ok(Project { name, members, client_port, peer_port })
}

/// Whether it is a container of the tester's own service. There are others than its own where the
/// tester was started by `compose run`: the service's first one, which ended long ago.
fn is_sibling(own: Option<&Container>, other: &Container) -> bool {
    own.is_some_and(|own| {
        let service = |it: &Container| Some((it.label(PROJECT)?.into(), it.label(SERVICE)?.into()));
        let of_own: Option<(String, String)> = service(own);
        own.id == other.id || (of_own.is_some() && of_own == service(other))
    })
}

fn choose(candidates: &[Container], services: &[String]) -> Result<Vec<Found>, String> {
    let several = |service: &str| {
        candidates.iter().filter(|it| it.label(SERVICE) == Some(service)).count() > 1
    };
    let name = |container: &Container| match container.label(SERVICE) {
        Some(service) if several(service) => service_of(container),
        Some(service) => service.to_owned(),
        None => container.name.trim_start_matches('/').to_owned(),
    };
    let mut chosen: Vec<&Container> = Vec::new();
    for wanted in services {
        let fits = |it: &&Container| it.label(SERVICE) == Some(wanted) || name(it) == *wanted;
        let before = chosen.len();
        if let Some(twice) = chosen.iter().find(|it| fits(it)) {
            return Err(format!("{wanted} is chosen twice: {} is one node", name(twice)));
        }
        chosen.extend(candidates.iter().filter(fits));
        if chosen.len() == before {
            let known: Vec<String> = candidates.iter().map(name).collect();
            return Err(format!("there is no service {wanted}; there is: {}", known.join(", ")));
        }
    }
    if services.is_empty() {
        chosen.extend(candidates);
    }
    let numbered = NodeId::cluster(u16::try_from(chosen.len()).unwrap_or(u16::MAX));
    Ok(numbered
        .into_iter()
        .zip(chosen)
        .map(|(node, container)| Found { node, id: container.id.clone(), name: name(container) })
        .collect())
}

/// With the number of the container: `etcd-2`.
fn service_of(container: &Container) -> String {
    let service = container.label(SERVICE).unwrap_or(&container.name);
    format!("{service}-{}", container.label(NUMBER).unwrap_or("1"))
}

/// Sorts `n10` after `n9`: numbers compare as numbers.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (digits, after) = after.split_at(digits);
        parts.push((word.to_owned(), digits.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}

/// The container that this process is in, if it is one of this engine's.
pub(crate) async fn own_container(engine: &Engine) -> Option<Container> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    engine.container(own_id(&mounts)?).await.ok()
}

/// The engine mounts a container's own files into it, from a folder named after the container.
fn own_id(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        if !["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&place) {
            return None;
        }
        let id = root.split("/containers/").nth(1)?.split('/').next()?;
        (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_tenth_node_comes_after_the_ninth() {
        let mut names = ["n10-1", "n9-1", "a-2", "a-1"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["a-1", "a-2", "n9-1", "n10-1"]);
    }

    fn container(id: &str, labels: &[(&str, &str)]) -> Container {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let state = json!({
            "Status": "exited", "Running": false, "Paused": false, "Pid": 0, "ExitCode": 1,
        });
        serde_json::from_value(json!({
            "Id": id, "Name": id, "Image": "i", "State": state,
            "Config": { "Tty": false, "Labels": labels },
            "HostConfig": { "RestartPolicy": { "Name": "no" }, "NetworkMode": "n" },
            "NetworkSettings": { "Networks": {} },
        }))
        .unwrap()
    }

    #[test]
    fn a_container_is_one_node_however_often_it_is_named() {
        let of = |id, service| container(id, &[(PROJECT, "p"), (SERVICE, service)]);
        let all = [of("p-db-1", "db"), of("p-web-1", "web")];
        let choose = |names: &[&str]| {
            choose(&all, &names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(choose(&["db", "web"]).unwrap().len(), 2);
        let said = choose(&["db", "web", "db"]).unwrap_err();
        assert_eq!(said, "db is chosen twice: db is one node");
    }

    #[test]
    fn no_container_of_the_testers_own_service_is_a_node() {
        let of = |id, project, service| container(id, &[(PROJECT, project), (SERVICE, service)]);
        let own = of("run-1", "p", "checker");
        assert!(is_sibling(Some(&own), &own));
        assert!(is_sibling(Some(&own), &of("the-nights", "p", "checker")));
        assert!(!is_sibling(Some(&own), &of("node", "p", "n1")));
        assert!(!is_sibling(Some(&own), &of("elsewhere", "q", "checker")));
        assert!(!is_sibling(None, &of("node", "p", "checker")));
        let plain = container("plain", &[]);
        assert!(is_sibling(Some(&plain), &plain));
        assert!(!is_sibling(Some(&plain), &container("another", &[])));
    }

    #[test]
    fn a_container_knows_itself_by_its_own_files_and_not_by_those_of_others() {
        let id = "0123456789abcdef".repeat(4);
        let inside =
            format!("1 2 0:1 /var/lib/docker/containers/{id}/hosts /etc/hosts rw - ext4 x rw");
        assert_eq!(own_id(&inside), Some(id.as_str()));
        let on_host =
            format!("1 2 0:1 / /var/lib/docker/containers/{id}/mounts/shm rw - tmpfs x rw");
        assert_eq!(own_id(&on_host), None);
    }
}
