//! The container engine, over the HTTP interface at its unix socket.
//!
//! Just the calls that are needed, with the fields that are read. Paths carry no version, so that
//! the engine takes them as its own: 20.10 speaks at most 1.41, and 29 refuses all before 1.44,
//! while nothing here has changed between the two. Only a local socket is spoken to: a tester that
//! reaches nodes by their addresses must sit on their machine anyway.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::env::EnvError;

/// The engine answers in milliseconds; on a busy machine, starting a container takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

const SOCKET: &str = "/var/run/docker.sock";

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It cannot be reached.
    #[error("the container engine at {socket} does not answer: {source}")]
    Unreachable {
        /// Where it should be.
        socket: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// `DOCKER_HOST` names something else than a local socket.
    #[error("DOCKER_HOST is {0:?}: only a local socket works (unix:///var/run/docker.sock)")]
    NotLocal(String),
    /// It refused.
    #[error("the container engine refused to {what}: {message} (status {status})")]
    Refused {
        /// What was asked of it.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
}

impl EngineError {
    /// Whether it says that there is no such thing.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, EngineError::Refused { status: 404, .. })
    }

    /// Whether it says that the container is not in the state that this needs.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, EngineError::Refused { status: 409, .. })
    }

    /// Whether it tried, and failed.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self, EngineError::Refused { status: 500.., .. })
    }
}

impl From<EngineError> for EnvError {
    fn from(error: EngineError) -> EnvError {
        EnvError::Io { what: "ask the container engine".into(), source: io::Error::other(error) }
    }
}

/// What is read of a container.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) state: State,
    pub(crate) config: Config,
    pub(crate) host_config: HostConfig,
    pub(crate) network_settings: NetworkSettings,
    #[serde(default)]
    pub(crate) mounts: Vec<Mount>,
}

impl Container {
    /// A label, if it has that.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.config.labels.as_ref()?.get(name).map(String::as_str)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    pub(crate) status: String,
    pub(crate) running: bool,
    pub(crate) paused: bool,
    pub(crate) pid: u32,
    pub(crate) exit_code: i32,
    #[serde(rename = "OOMKilled", default)]
    pub(crate) oom_killed: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Config {
    /// A terminal: its output comes without frames.
    pub(crate) tty: bool,
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HostConfig {
    pub(crate) restart_policy: RestartPolicy,
    pub(crate) network_mode: String,
    /// What is published on the engine's machine, by `port/protocol`.
    #[serde(default)]
    pub(crate) port_bindings: Option<BTreeMap<String, Value>>,
}

impl HostConfig {
    /// Whether this port of the container is a port of the engine's machine, too.
    pub(crate) fn publishes(&self, port: u16) -> bool {
        let port = port.to_string();
        let mut bound = self.port_bindings.iter().flatten();
        bound.any(|(name, _)| name.split('/').next() == Some(port.as_str()))
    }
}

/// Who starts a container again after it ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RestartPolicy {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) maximum_retry_count: u32,
}

impl RestartPolicy {
    /// Nobody.
    pub(crate) fn none() -> RestartPolicy {
        RestartPolicy { name: "no".to_owned(), maximum_retry_count: 0 }
    }

    /// Whether it brings a dead container back.
    pub(crate) fn restarts(&self) -> bool {
        !matches!(self.name.as_str(), "" | "no")
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NetworkSettings {
    pub(crate) networks: BTreeMap<String, Endpoint>,
}

/// A container's place in a network. Addresses are empty while it does not run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(rename = "IPAddress")]
    pub(crate) ip_address: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    pub(crate) ipv6_address: String,
    pub(crate) mac_address: String,
    #[serde(rename = "IPAMConfig")]
    pub(crate) ipam: Option<Ipam>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Ipam {
    #[serde(rename = "IPv4Address")]
    pub(crate) ipv4_address: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mount {
    pub(crate) source: String,
    pub(crate) destination: String,
}

/// What is read of a network.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Network {
    pub(crate) driver: String,
    /// The running containers in it, by id.
    #[serde(default)]
    pub(crate) containers: BTreeMap<String, Member>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Member {
    /// Empty if the engine gives none.
    #[serde(default)]
    pub(crate) mac_address: String,
}

/// What is read of a volume; its labels are all that matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
}

/// A connection to the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    http: reqwest::Client,
    socket: PathBuf,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, or that of this machine. Asks it nothing yet.
    pub(crate) fn of_machine() -> Result<Engine, EngineError> {
        let named = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        match named {
            None => Ok(Engine::at(Path::new(SOCKET))),
            Some(host) => match host.strip_prefix("unix://") {
                Some(path) => Ok(Engine::at(Path::new(path))),
                None => Err(EngineError::NotLocal(host)),
            },
        }
    }

    fn at(socket: &Path) -> Engine {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .expect("no option of this client can fail");
        Engine { http, socket: socket.to_owned() }
    }

    /// Where it is.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its version, as a sign of life.
    pub(crate) async fn version(&self) -> Result<String, EngineError> {
        let version: Value = self.read("say its version", Method::GET, "/version", None).await?;
        Ok(version["Version"].as_str().unwrap_or("?").to_owned())
    }

    /// The containers with all these labels (`name=value`), in whatever state, as ids.
    pub(crate) async fn containers(&self, labels: &[String]) -> Result<Vec<String>, EngineError> {
        let filters = json!({ "label": labels }).to_string();
        let path = format!("/containers/json?all=true&filters={}", escaped(&filters));
        let listed: Vec<Listed> = self.read("list containers", Method::GET, &path, None).await?;
        Ok(listed.into_iter().map(|container| container.id).collect())
    }

    pub(crate) async fn container(&self, id: &str) -> Result<Container, EngineError> {
        let what = format!("look at container {id}");
        self.read(&what, Method::GET, &format!("/containers/{id}/json"), None).await
    }

    pub(crate) async fn network(&self, id: &str) -> Result<Network, EngineError> {
        let what = format!("look at network {id}");
        self.read(&what, Method::GET, &format!("/networks/{id}"), None).await
    }

    /// `start`, `restart?t=1`, `pause`, `unpause`: an order without a body. Whether it changed anything.
    pub(crate) async fn order(&self, id: &str, order: &str) -> Result<bool, EngineError> {
        let what = format!("{order} container {id}");
        let path = format!("/containers/{id}/{order}");
        let response = self.send(&what, Method::POST, &path, None).await?;
        Ok(response.status() != StatusCode::NOT_MODIFIED)
    }

    pub(crate) async fn signal(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let what = format!("send SIG{signal} to container {id}");
        let path = format!("/containers/{id}/kill?signal={signal}");
        self.send(&what, Method::POST, &path, None).await.map(drop)
    }

    /// Changes who starts a container again.
    pub(crate) async fn set_restart_policy(
        &self,
        id: &str,
        policy: &RestartPolicy,
    ) -> Result<(), EngineError> {
        let what = format!("change the restart policy of container {id}");
        let path = format!("/containers/{id}/update");
        let body = json!({ "RestartPolicy": policy });
        self.send(&what, Method::POST, &path, Some(body)).await.map(drop)
    }

    /// Creates a container and returns its id.
    pub(crate) async fn create(&self, name: &str, config: Value) -> Result<String, EngineError> {
        let path = format!("/containers/create?name={name}");
        let listed: Listed = self
            .read(&format!("create container {name}"), Method::POST, &path, Some(config))
            .await?;
        Ok(listed.id)
    }

    /// Kills a container and removes it with its anonymous volumes.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{id}?force=true&v=true");
        self.send(&format!("remove container {id}"), Method::DELETE, &path, None).await.map(drop)
    }

    pub(crate) async fn create_volume(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), EngineError> {
        let body = json!({ "Name": name, "Labels": labels });
        let what = format!("create volume {name}");
        self.send(&what, Method::POST, "/volumes/create", Some(body)).await.map(drop)
    }

    pub(crate) async fn volumes(&self, label: &str) -> Result<Vec<Volume>, EngineError> {
        let filters = json!({ "label": [label] }).to_string();
        let path = format!("/volumes?filters={}", escaped(&filters));
        let volumes: Volumes = self.read("list volumes", Method::GET, &path, None).await?;
        Ok(volumes.volumes.unwrap_or_default())
    }

    /// Removes a volume; of one that is gone, nothing.
    pub(crate) async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let what = format!("remove volume {name}");
        match self.send(&what, Method::DELETE, &format!("/volumes/{name}"), None).await {
            Err(error) if error.is_absent() => Ok(()),
            other => other.map(drop),
        }
    }

    /// What a container printed since then (seconds since the epoch), as frames; see
    /// `frames`.
    pub(crate) async fn logs(&self, id: &str, since_s: u64) -> Result<Vec<u8>, EngineError> {
        let what = format!("read the log of container {id}");
        let path = format!("/containers/{id}/logs?stdout=true&stderr=true&since={since_s}");
        let response = self.send(&what, Method::GET, &path, None).await?;
        Ok(response.bytes().await.map_err(|error| self.unreachable(error))?.into())
    }

    /// Standard input and output of a container, as one stream; see `frames`.
    pub(crate) async fn attach(
        &self,
        id: &str,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static, EngineError> {
        let what = format!("attach to container {id}");
        let path = format!("/containers/{id}/attach?stream=true&stdin=true&stdout=true");
        let request = self
            .request(Method::POST, &path)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "tcp");
        let response = self.checked(&what, request).await?;
        response.upgrade().await.map_err(|error| self.unreachable(error))
    }

    async fn read<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, EngineError> {
        let response = self.send(what, method, path, body).await?;
        response.json().await.map_err(|error| self.unreachable(error))
    }

    async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Response, EngineError> {
        let mut request = self.request(method, path).timeout(PATIENCE);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.checked(what, request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // The name stands for the socket.
        self.http.request(method, format!("http://engine{path}"))
    }

    async fn checked(&self, what: &str, request: RequestBuilder) -> Result<Response, EngineError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let fine = status.is_success()
            || status == StatusCode::NOT_MODIFIED
            || status == StatusCode::SWITCHING_PROTOCOLS;
        if fine {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let message = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|said| said["message"].as_str().map(str::to_owned))
            .unwrap_or(text);
        Err(EngineError::Refused { what: what.to_owned(), status: status.as_u16(), message })
    }

    fn unreachable(&self, source: reqwest::Error) -> EngineError {
        EngineError::Unreachable { socket: self.socket.display().to_string(), source }
    }
}

/// A query's value: everything but letters and digits as `%XX`.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_keeps_nothing_that_means_something_in_an_address() {
        assert_eq!(escaped(r#"{"a":["b=c"]}"#), "%7B%22a%22%3A%5B%22b%3Dc%22%5D%7D");
    }

    #[test]
    fn policies_that_bring_a_container_back_are_known() {
        let named = |name: &str| RestartPolicy { name: name.into(), maximum_retry_count: 0 };
        assert!(!named("").restarts() && !named("no").restarts());
        for name in ["always", "unless-stopped", "on-failure"] {
            assert!(named(name).restarts());
        }
    }
}
