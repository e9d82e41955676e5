//! Which containers a test with `--env docker` is about, and bringing them up if need be.
//!
//! The nodes are found by Compose's labels, through the engine. Compose itself is only run where a
//! file is named whose project is not up: then it is brought up for the test and taken down, with
//! its volumes, afterwards. A project that is up already is used as it is and left up.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use nemesis::env::docker::{self, Project, Target};
use nemesis::env::{Decision, EnvError, NodeId};

use crate::console::Console;
use crate::exit::BadInput;
use crate::scenario::Scenario;
use crate::systems::System;

/// A compose file hands it to the nodes' command, for systems whose broken variants are in them.
pub(super) const BUG_VARIABLE: &str = "ORDEAL_BUG";

/// Which containers are the nodes.
#[derive(Debug, clap::Args)]
pub struct Containers {
    /// With `--env docker`: the compose file whose services are the nodes
    #[arg(long, value_name = "FILE")]
    compose: Option<PathBuf>,
    /// With `--env docker`: a Compose project that is up
    #[arg(long, value_name = "NAME", conflicts_with = "compose")]
    project: Option<String>,
    /// With `--env docker`: where nodes serve clients, if not where the system says, or at 2379
    #[arg(long, value_name = "PORT")]
    client_port: Option<u16>,
}

/// How many nodes, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// So many.
    Count(u16),
    /// These services.
    Named(Vec<String>),
}

impl Nodes {
    /// How many.
    pub fn count(&self) -> u16 {
        match self {
            Nodes::Count(count) => *count,
            Nodes::Named(names) => u16::try_from(names.len()).unwrap_or(u16::MAX),
        }
    }
}

impl FromStr for Nodes {
    type Err = String;

    fn from_str(text: &str) -> Result<Nodes, String> {
        if let Ok(count) = text.parse() {
            return Ok(Nodes::Count(count));
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("use a number, or names with commas between them".to_owned());
        }
        Ok(Nodes::Named(names))
    }
}

/// A project that is up. One that was brought up for the test goes down with this.
pub struct Brought {
    project: Project,
    _down: Option<Down>,
}

impl Brought {
    /// The environment.
    pub fn decision(&self) -> Decision {
        Decision::docker(self.project.clone())
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u16 {
        self.project.nodes()
    }
}

impl Containers {
    /// Heals what dead testers left, brings the project up if it is not, and finds its nodes.
    ///
    /// # Errors
    /// When the engine or Compose refuses, or there is no such project or service.
    pub fn bring(
        &self,
        nodes: Option<&Nodes>,
        system: &dyn System,
        scenario: &Scenario,
        console: &Console,
    ) -> Result<Brought> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let healed = runtime.block_on(docker::sweep()).map_err(bad)?;
        for healed in &healed {
            console.say(super::heal::describe_containers(healed).trim_end());
        }
        let said: Vec<(String, u16)> = NodeId::cluster(scenario.nodes)
            .into_iter()
            .filter_map(|node| system.service(node))
            .collect();
        let services = match nodes {
            Some(Nodes::Named(names)) => names.clone(),
            _ => said.iter().map(|(service, _)| service.clone()).collect(),
        };
        let port = self.client_port.or(said.first().map(|(_, port)| *port));
        let (sample, down) = match &self.compose {
            Some(file) => {
                let compose = Compose::of(file)?;
                let (sample, down) = compose.ensure_up(&services, scenario, console)?;
                (Some(sample), down)
            }
            None => (None, None),
        };
        let found = runtime.block_on(async {
            let project = match sample {
                Some(container) => Some(docker::project_of(&container).await?),
                None => self.project.clone(),
            };
            let target = Target {
                project,
                services,
                client_port: port.unwrap_or(Target::default().client_port),
                ..Target::default()
            };
            docker::find(&target).await
        });
        let project = found.map_err(bad)?;
        if let Some(Nodes::Count(count)) = nodes
            && *count != project.nodes()
        {
            let (name, are) = (&project.name, project.nodes());
            bail!(BadInput(format!("--nodes {count}: the project {name} has {are}")));
        }
        Ok(Brought { project, _down: down })
    }
}

fn bad(error: EnvError) -> anyhow::Error {
    match error {
        EnvError::Unavailable { .. } => BadInput(error.to_string()).into(),
        other => other.into(),
    }
}

/// Compose as a program: version 2 is a plugin, version 1 a program of its own.
#[derive(Clone, Debug)]
struct Compose {
    words: Vec<String>,
}

impl Compose {
    fn of(file: &Path) -> Result<Compose> {
        if !file.is_file() {
            bail!(BadInput(format!("there is no compose file {}", file.display())));
        }
        let known: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        let works = |words: &&[&str]| {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).arg("version").stdin(Stdio::null());
            command.output().is_ok_and(|output| output.status.success())
        };
        let Some(words) = known.into_iter().find(works) else {
            bail!(BadInput(
                "neither `docker compose` nor `docker-compose` works here; bring the project up \
                 where they do, and name it with --project"
                    .into()
            ));
        };
        let mut words: Vec<String> = words.iter().map(ToString::to_string).collect();
        words.extend(["-f".to_owned(), file.display().to_string()]);
        Ok(Compose { words })
    }

    /// One of its containers; and what takes the project down, if it was brought up here.
    fn ensure_up(
        self,
        services: &[String],
        scenario: &Scenario,
        console: &Console,
    ) -> Result<(String, Option<Down>)> {
        if let Some(container) = self.first_container()? {
            if let Some(bug) = &scenario.bug {
                console.say(format_args!(
                    "the project is up already: `{bug}` is broken only as far as clients break it"
                ));
            }
            return Ok((container, None));
        }
        console.say("bringing the project up");
        let down = Down(self.clone());
        let mut up = vec!["up", "-d"];
        up.extend(services.iter().map(String::as_str));
        self.run(&up, scenario.bug.as_deref())?;
        let container = self.first_container()?.context("Compose made no container")?;
        Ok((container, Some(down)))
    }

    fn first_container(&self) -> Result<Option<String>> {
        let ids = self.run(&["ps", "-q"], None)?;
        Ok(ids.lines().next().map(str::to_owned))
    }

    fn run(&self, args: &[&str], bug: Option<&str>) -> Result<String> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).args(args).stdin(Stdio::null());
        command.env(BUG_VARIABLE, bug.unwrap_or_default());
        let line = format!("{} {}", self.words.join(" "), args.join(" "));
        let output = command.output().with_context(|| format!("cannot run `{line}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{line}` failed: {}", said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Takes a project down when dropped, with its volumes: the next test begins on nothing.
struct Down(Compose);

impl Drop for Down {
    fn drop(&mut self) {
        if let Err(error) = self.0.run(&["down", "-v", "--timeout", "1"], None) {
            tracing::warn!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_a_number_or_names() {
        assert_eq!("5".parse(), Ok(Nodes::Count(5)));
        let named = Nodes::Named(vec!["etcd1".into(), "etcd2".into()]);
        assert_eq!("etcd1, etcd2".parse(), Ok(named.clone()));
        assert_eq!(named.count(), 2);
        assert!("etcd1,".parse::<Nodes>().is_err());
    }
}
