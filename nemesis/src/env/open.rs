//! From what was asked for to an environment: [`prepare`] first in `main`, [`open`] when the run
//! begins.
//!
//! They are two steps since going into namespaces is only possible before the first thread exists,
//! long before the cluster is known.

use std::sync::Arc;

use super::attach::{Attach, Attachment};
use super::docker::{Docker, Project};
use super::local::Local;
use super::netns::{self, EnterError, Netns};
use super::{EnvChoice, EnvError, EnvOptions, Environment};

/// Why the environment that was asked for cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It was asked for by name and is not possible on this machine.
    #[error(transparent)]
    Unavailable(#[from] EnvError),
    /// It is possible, and going there failed all the same.
    #[error(transparent)]
    Enter(#[from] EnterError),
}

/// Which environment it will be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    kind: Kind,
    why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Netns,
    Local,
    Docker(Project),
    Attach(Box<Attachment>),
}

impl Decision {
    /// One sentence for people: which environment, and why that one.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The containers of this project.
    pub fn docker(project: Project) -> Decision {
        let why = format!("docker: {}, {}", project.name, project.describe());
        Decision::new(Kind::Docker(project), why)
    }

    /// Nodes that something else runs.
    pub fn attach(attachment: Attachment) -> Decision {
        let count = attachment.endpoints.len();
        let why = format!("attach, as asked: {count} nodes that something else runs");
        Decision::new(Kind::Attach(Box::new(attachment)), why)
    }

    fn new(kind: Kind, why: impl Into<String>) -> Decision {
        Decision { kind, why: why.into() }
    }
}

/// Decides which environment it will be, and goes inside namespaces if it is `netns`: the program
/// then continues inside, from the start of `main` (see [`netns::enter`]). To be called first in
/// `main`, before any thread exists.
pub fn prepare(choice: EnvChoice) -> Result<Decision, PrepareError> {
    let decision = decide(choice, netns::probe_support)?;
    if decision.kind == Kind::Netns {
        netns::enter()?;
    }
    Ok(decision)
}

fn decide(
    choice: EnvChoice,
    probe: impl FnOnce() -> Result<(), String>,
) -> Result<Decision, EnvError> {
    let own = "each node in a network namespace, in namespaces of the run's own";
    match choice {
        EnvChoice::Docker => Err(EnvError::Unavailable {
            name: "docker",
            reason: "it is decided on when its containers have been found".to_owned(),
        }),
        EnvChoice::Attach => Err(EnvError::Unavailable {
            name: "attach",
            reason: "it is decided on when its nodes are known".to_owned(),
        }),
        EnvChoice::Local => {
            Ok(Decision::new(Kind::Local, "local, as asked: processes on loopback"))
        }
        EnvChoice::Netns => match probe() {
            Ok(()) => Ok(Decision::new(Kind::Netns, format!("netns, as asked: {own}"))),
            Err(reason) => Err(EnvError::Unavailable { name: "netns", reason }),
        },
        EnvChoice::Auto => Ok(match probe() {
            Ok(()) => {
                Decision::new(Kind::Netns, format!("netns, as this machine allows it: {own}"))
            }
            Err(reason) => {
                Decision::new(Kind::Local, format!("local, as netns is not possible: {reason}"))
            }
        }),
    }
}

/// Opens the environment that was decided on.
pub async fn open(
    decision: &Decision,
    options: &EnvOptions,
) -> Result<Arc<dyn Environment>, EnvError> {
    Ok(match &decision.kind {
        Kind::Docker(project) => Arc::new(Docker::open(options, project).await?),
        Kind::Attach(attachment) => Arc::new(Attach::open(attachment, &options.run)?),
        Kind::Netns => Arc::new(Netns::open(options).await?),
        Kind::Local => Arc::new(Local::open(options).await?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden() -> Result<(), String> {
        Err("namespaces are forbidden".to_owned())
    }

    #[test]
    fn auto_takes_netns_where_it_is_possible_and_says_why_not_where_it_is_not() {
        let here = decide(EnvChoice::Auto, || Ok(())).expect("auto always decides");
        assert_eq!(here.kind, Kind::Netns);
        let there = decide(EnvChoice::Auto, forbidden).expect("auto always decides");
        assert_eq!(there.kind, Kind::Local);
        assert!(there.why().contains("namespaces are forbidden"), "{}", there.why());
    }

    #[test]
    fn what_is_asked_for_by_name_is_never_replaced() {
        let local =
            decide(EnvChoice::Local, || panic!("no need to probe")).expect("always possible");
        assert_eq!(local.kind, Kind::Local);
        let refused = decide(EnvChoice::Netns, forbidden).expect_err("it is not possible");
        assert!(refused.to_string().contains("namespaces are forbidden"), "{refused}");
    }
}
