//! From started processes to one cluster: each member is up, then the cluster is formed.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use workloads::template::Template;

use super::description::{Form, On, Port, Ready};
use super::variables::Variables;
use crate::systems::{Member, STATUS_TIMEOUT};

/// How often something is tried that has not succeeded.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// How long one attempt to form the cluster may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long each stage may take where the description does not say.
pub(super) const WITHIN: Duration = Duration::from_secs(60);

/// Waits until `member` is up.
///
/// # Errors
/// When it is not by `deadline`: the message says what is missing and where to look.
pub(super) async fn up(
    ready: &Ready,
    member: &Member<'_>,
    variables: &Variables,
    deadline: Instant,
) -> Result<()> {
    let log = member.log.display();
    while let Err(why) = why_not(ready, member, variables).await {
        if is_over(deadline).await {
            bail!("{} is not ready ([ready]): {why}; see {log}", member.node);
        }
    }
    Ok(())
}

/// Why a member is not up, if it is not.
async fn why_not(ready: &Ready, member: &Member<'_>, variables: &Variables) -> Result<(), String> {
    if let Some(file) = &ready.file {
        let file = file.render(variables).map_err(|error| error.to_string())?;
        if !std::path::Path::new(&file).exists() {
            return Err(format!("there is no file {file}"));
        }
    }
    if let Some(pattern) = &ready.log {
        let log = std::fs::read(&member.log).map_err(|error| format!("its log: {error}"))?;
        let log = String::from_utf8_lossy(&log);
        if !log.lines().any(|line| pattern.find_in(line).is_some()) {
            return Err("no line of its log is the one that `log` waits for".to_owned());
        }
    }
    if let Some(port) = ready.tcp {
        let address = match port {
            Port::Client => member.env.client_endpoint(member.node),
            Port::Peer => member.env.listen(member.node).peer,
        };
        accepts(address).await?;
    }
    match &ready.http {
        Some(step) => {
            step.of_endpoint(member.env.client_endpoint(member.node), STATUS_TIMEOUT).await
        }
        None => Ok(()),
    }
}

/// Whether somebody accepts connections there.
pub(super) async fn accepts(address: std::net::SocketAddr) -> Result<(), String> {
    match timeout(STATUS_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{address}: {error}")),
        Err(_) => Err(format!("{address} does not answer")),
    }
}

/// Forms the cluster.
///
/// # Errors
/// When a member did not do its part by `deadline`: the message says what it answered last.
pub(super) async fn form(
    form: &Form,
    members: &[(&Member<'_>, &Variables)],
    deadline: Instant,
) -> Result<()> {
    let told = match form.on {
        On::First => members.get(..1),
        On::Each => Some(members),
        On::Others => members.get(1..),
    };
    for (member, variables) in told.unwrap_or_default() {
        while let Err(why) = attempt(form, member, variables).await {
            if is_over(deadline).await {
                bail!("the cluster was not formed ([form], {}): {why}", member.node);
            }
        }
    }
    Ok(())
}

async fn attempt(form: &Form, member: &Member<'_>, variables: &Variables) -> Result<(), String> {
    if let Some(step) = &form.http {
        let endpoint = member.env.client_endpoint(member.node);
        return step.attempt(endpoint, variables, ATTEMPT_TIMEOUT).await;
    }
    let words = form.command.as_deref().unwrap_or_default();
    let words = rendered(words, variables).map_err(|error| error.to_string())?;
    output(&words).await.map(|_| ()).map_err(|error| format!("{error:#}"))
}

/// Whether the time is up; if not, that is found out a moment later.
async fn is_over(deadline: Instant) -> bool {
    let is_over = Instant::now() >= deadline;
    if !is_over {
        sleep(TRY_EVERY).await;
    }
    is_over
}

/// The words of a command.
///
/// # Errors
/// When one of them cannot be rendered.
pub(super) fn rendered<S: workloads::template::Scope>(
    words: &[Template<S>],
    values: &dyn workloads::template::Lookup,
) -> Result<Vec<String>> {
    Ok(words.iter().map(|word| word.render(values)).collect::<Result<_, _>>()?)
}

/// What a command prints.
///
/// # Errors
/// When it cannot be started, takes too long or fails; with what it said.
pub(super) async fn output(words: &[String]) -> Result<String> {
    let Some((program, args)) = words.split_first() else { bail!("a command without a program") };
    let mut command = Command::new(program);
    command.args(args).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = timeout(ATTEMPT_TIMEOUT, command.output())
        .await
        .with_context(|| format!("`{program}` took longer than {ATTEMPT_TIMEOUT:?}"))?
        .with_context(|| format!("cannot run `{program}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}`: {}: {}", words.join(" "), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
