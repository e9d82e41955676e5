//! A system in TOML: what needs no code is described, not programmed.
//!
//! One file says how members are started and found ready, how they form a cluster, whom they
//! believe to lead, and what clients send and make of the answers; `docs/systems.md` documents it
//! with an example. What cannot be said in it (a protocol that is not HTTP, an answer that takes
//! thinking) is an external program: see `docs/client-protocol.md`.
//!
//! A described system is a [`System`] like any other, so that everything else (environments,
//! faults, phases, verdicts) knows no difference. What is left out: clients over TLS, and more
//! than one port for clients and one for members.

mod attaching;
mod description;
mod forming;
mod launching;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use nemesis::env::attach::Commands;
use nemesis::env::{Grace, Launch, NodeId, PeerAddresses};
use tokio::time::Instant;
use workloads::clients::{described as client, external};
use workloads::{Connect, Workload};

use self::description::{Bug, Description};
use self::variables::Variables;
use super::{AttachedNode, Flaw, Member, STATUS_TIMEOUT, Status, System, Terms};

/// A system that a file describes.
pub struct Described {
    description: Description,
    /// The file's text, kept with each run.
    text: String,
    /// Where the file lies; paths in it begin there.
    folder: PathBuf,
    /// What the version command printed, from when the cluster was formed.
    version: OnceLock<String>,
}

impl Described {
    /// Reads a description.
    ///
    /// # Errors
    /// With the file's name, and the line or table that is wrong.
    pub fn read(path: &Path) -> Result<Described> {
        let place = || format!("in the description {}", path.display());
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the description {}", path.display()))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
        let description: Description = toml::from_str(&text).with_context(place)?;
        description.validate().with_context(place)?;
        Ok(Described { description, text, folder, version: OnceLock::new() })
    }

    fn bug(&self, name: Option<&str>) -> Option<&Bug> {
        self.description.bugs.get(name?)
    }

    /// The functions of a workload, those of a bug in place of the usual ones.
    fn functions(&self, workload: &str, bug: Option<&str>) -> client::Functions {
        let usual = self.description.functions.get(workload);
        let broken = self.bug(bug).and_then(|bug| bug.functions.get(workload));
        let mut functions = usual.cloned().unwrap_or_default();
        functions.extend(broken.cloned().unwrap_or_default());
        functions
    }

    async fn version(&self) -> Result<Option<String>> {
        let Some(version) = &self.description.version else { return Ok(None) };
        let printed = forming::output(&version.command).await.context("[version]")?;
        let first = printed.lines().next().unwrap_or_default().trim();
        Ok(Some(match &version.matches {
            None => first.to_owned(),
            Some(pattern) => {
                let found = pattern.find_in(&printed);
                found.with_context(|| format!("[version] matches nothing in {first:?}"))?.to_owned()
            }
        }))
    }
}

#[async_trait]
impl System for Described {
    fn name(&self) -> &str {
        &self.description.system.name
    }

    fn about(&self) -> &str {
        &self.description.system.about
    }

    fn service(&self, node: NodeId) -> Option<(String, u16)> {
        let docker = self.description.docker.as_ref()?;
        let service = docker.service.render(&variables::Numbered(node)).ok()?;
        Some((service, docker.client_port))
    }

    fn flaws(&self) -> Vec<Flaw> {
        let flaw = |(name, bug): (&String, &Bug)| Flaw {
            name: name.clone().into(),
            about: bug.about.clone().into(),
            shown_by: bug.shown_by.clone().into(),
        };
        self.description.bugs.iter().map(flaw).collect()
    }

    fn peers(&self) -> PeerAddresses {
        self.description.system.peers.into()
    }

    fn description(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn require(&self) -> Result<()> {
        let Some(process) = &self.description.process else {
            bail!(
                "{} has no [process]: nothing says how a member is started; add one, or test a \
                 cluster that runs already with --env attach",
                self.name()
            );
        };
        launching::require(process, &self.folder)
    }

    fn serves(&self, workload: &Workload) -> Result<()> {
        if self.description.client.command.is_some() {
            return Ok(());
        }
        let described = self.description.functions.get(workload.name);
        let missing = |f: &&&str| described.is_none_or(|functions| !functions.contains_key(**f));
        match workload.functions.iter().find(missing) {
            None => Ok(()),
            Some(f) => bail!(
                "{} does not describe {f:?} of the workload {w}: add [functions.{w}.{f}]",
                self.name(),
                w = workload.name,
            ),
        }
    }

    fn finds_leaders(&self) -> bool {
        self.description.status.as_ref().is_some_and(client::StatusRequest::finds_leaders)
    }

    fn launch(&self, member: &Member<'_>) -> Result<Launch> {
        self.require()?;
        let process = self.description.process.as_ref().context("it was required a moment ago")?;
        let variables = Variables::of(member, &self.folder)?;
        launching::launch(process, self.bug(member.bug), member, &variables, &self.folder)
    }

    async fn form(&self, members: &[Member<'_>]) -> Result<()> {
        let Description { ready, form, .. } = &self.description;
        if let Some(version) = self.version().await? {
            // The first run's stands: a program does not change between two runs of one command.
            let _ = self.version.set(version);
        }
        let variables: Vec<Variables> = (members.iter())
            .map(|member| Variables::of(member, &self.folder))
            .collect::<Result<_>>()?;
        let deadline = Instant::now() + ready.within.map_or(forming::WITHIN, |span| span.0);
        let members: Vec<(&Member<'_>, &Variables)> = members.iter().zip(&variables).collect();
        for (member, variables) in &members {
            forming::up(ready, member, variables, deadline).await?;
        }
        if let Some(form) = form {
            let deadline = Instant::now() + form.within.map_or(forming::WITHIN, |span| span.0);
            forming::form(form, &members, deadline).await?;
        }
        Ok(())
    }

    /// Of a system that says nothing of itself, being up is all there is to know.
    async fn status(&self, endpoint: SocketAddr) -> Option<Status> {
        let Description { status, ready, .. } = &self.description;
        let known = self.version.get();
        let Some(status) = status else {
            let up = match &ready.http {
                Some(step) => step.of_endpoint(endpoint, STATUS_TIMEOUT).await,
                None => forming::accepts(endpoint).await,
            };
            let version = known.cloned().unwrap_or_default();
            let silent = Status { leads: false, has_leader: true, term: 0, version };
            return up.ok().map(|()| silent);
        };
        let says = status.ask(endpoint, STATUS_TIMEOUT).await?;
        Some(Status {
            leads: says.leads,
            has_leader: says.has_leader,
            term: says.term,
            version: says.version.or_else(|| known.cloned()).unwrap_or_default(),
        })
    }

    fn connect(&self, endpoints: &[SocketAddr], terms: &Terms) -> Arc<dyn Connect> {
        if let Some(program) = self.client_program() {
            let options = external::Options {
                timeout: terms.timeout,
                key_prefix: terms.key_prefix.clone(),
                workload: terms.workload.clone(),
            };
            return Arc::new(external::External::new(program, endpoints.to_vec(), options));
        }
        let functions = self.functions(&terms.workload, terms.bug.as_deref());
        let options = client::Options {
            timeout: terms.timeout,
            route: terms.route,
            key_prefix: terms.key_prefix.clone(),
            headers: self.description.client.headers.clone(),
            redirects: self.description.client.redirects,
            status: self.description.status.clone(),
        };
        Arc::new(client::Described::new(endpoints.to_vec(), functions, options))
    }

    fn client_program(&self) -> Option<external::Program> {
        let words = self.description.client.command.as_ref()?;
        let words = forming::rendered(words, &variables::Places::of(&self.folder)).ok()?;
        Some(external::Program { words, dir: self.folder.clone() })
    }

    fn attach_commands(&self, nodes: &[AttachedNode]) -> Result<Commands> {
        attaching::commands(&self.description.attach, nodes, &self.folder)
    }

    fn request_lifetime(&self) -> Duration {
        self.description.system.request_lifetime.0
    }

    fn grace(&self) -> Grace {
        let Description { process, attach, .. } = &self.description;
        let usual = Grace::default();
        let patience = attach.stop_grace.map_or(usual.patience, |span| span.0);
        process.as_ref().map_or(Grace { patience, ..usual }, |process| Grace {
            signal: process.stop_signal.into(),
            patience: process.stop_grace.0,
        })
    }
}

/// Every description in a folder, by path; what is no description is passed over, and what is one
/// with a mistake is told as such.
pub fn in_folder(folder: &Path) -> BTreeMap<PathBuf, Result<Described>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| is_description(path))
        .map(|path| (path.clone(), Described::read(&path)))
        .collect()
}

/// Whether a file means to describe a system: it has a table `[system]`. (A scenario has an entry of
/// that name, which is a text.)
fn is_description(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.trim() == "[system]")
}

#[cfg(test)]
mod tests;
