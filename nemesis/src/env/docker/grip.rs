//! The tester's end of the hands: starts them, gives orders, and lets go in good order.
//!
//! Where the tester is root on the engine's machine the hands are its child. Where it is itself a
//! container (of this engine, with its socket), they are another container of the same image, in
//! that machine's network and process ids, with the three capabilities that take them into the
//! nodes' networks. Either way a pipe holds both together.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::NAME;
use super::engine::{Container, Engine};
use super::frames;
use super::hands::{COMMAND, Order, Reply};
use super::notes::RUN_LABEL;
use crate::env::{EnvError, RunId};

/// No order takes longer than a probe of all links, a quarter of a second, and what a busy machine
/// adds to it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hands that are held.
pub(crate) struct Grip {
    pipes: Mutex<Pipes>,
    /// Kept so that the child is not waited for by anybody else.
    _child: Option<Child>,
}

struct Pipes {
    orders: Box<dyn AsyncWrite + Send + Unpin>,
    replies: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// An order was given up on: what comes next would be its reply.
    torn: bool,
}

impl Grip {
    /// Starts hands that heal `run` should the tester die.
    pub(crate) async fn take(
        engine: &Engine,
        own: Option<&Container>,
        run: Option<&RunId>,
    ) -> Result<Grip, EnvError> {
        let grip = match own {
            Some(own) => Grip::in_container(engine, own, run).await?,
            None if rustix::process::geteuid().is_root() => Grip::as_child()?,
            None => {
                return Err(EnvError::Unavailable {
                    name: NAME,
                    reason: "cutting links between containers takes root on the engine's machine: \
                             run checker with sudo, or as a container that is given the engine's \
                             socket"
                        .into(),
                });
            }
        };
        if let Some(run) = run {
            grip.order(&Order::Hold { run: run.clone() }).await?;
        }
        Ok(grip)
    }

    fn as_child() -> Result<Grip, EnvError> {
        let failed = |source| EnvError::Io { what: "start the hands".into(), source };
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A ctrl-c is for the tester, which then heals in good order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let piped = "it was asked for";
        let orders = Box::new(child.stdin.take().expect(piped));
        let replies = Box::new(child.stdout.take().expect(piped));
        Ok(Grip::new(orders, replies, Some(child)))
    }

    async fn in_container(
        engine: &Engine,
        own: &Container,
        run: Option<&RunId>,
    ) -> Result<Grip, EnvError> {
        let failed = |source| EnvError::Io { what: "start the hands".into(), source };
        let program = std::env::current_exe().map_err(failed)?;
        let socket = engine.socket().to_string_lossy();
        let mount = own.mounts.iter().find(|mount| mount.destination == socket);
        let source = mount.map_or(socket.as_ref(), |mount| mount.source.as_str());
        let fresh = RunId::fresh();
        let run = run.unwrap_or(&fresh);
        let config = json!({
            "Image": own.image,
            "Entrypoint": [program],
            "Cmd": [COMMAND],
            "User": "0:0",
            "Healthcheck": { "Test": ["NONE"] },
            "OpenStdin": true, "StdinOnce": true, "AttachStdin": true, "AttachStdout": true,
            "Labels": { RUN_LABEL: run.as_str(), "ordeal.hands": "" },
            "HostConfig": {
                "AutoRemove": true,
                "NetworkMode": "host",
                "PidMode": "host",
                "CgroupnsMode": "host",
                "CapDrop": ["ALL"],
                "CapAdd": ["NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"],
                "SecurityOpt": ["apparmor=unconfined", "label=disable"],
                "Binds": [format!("{source}:/var/run/docker.sock")],
            },
        });
        let name = format!("ordeal-{run}-hands-{}", fresh.as_str());
        let id = engine.create(&name, config).await?;
        let stream = engine.attach(&id).await?;
        engine.order(&id, "start").await?;
        let (output, orders) = tokio::io::split(stream);
        let (replies, sink) = tokio::io::duplex(64 * 1024);
        tokio::spawn(frames::unwrap(output, sink));
        Ok(Grip::new(Box::new(orders), Box::new(replies), None))
    }

    fn new(
        orders: Box<dyn AsyncWrite + Send + Unpin>,
        replies: Box<dyn AsyncRead + Send + Unpin>,
        child: Option<Child>,
    ) -> Grip {
        let pipes = Pipes { orders, replies: BufReader::new(replies), torn: false };
        Grip { pipes: Mutex::new(pipes), _child: child }
    }

    /// Gives an order and waits for the reply; a reply that says it failed is an error.
    pub(crate) async fn order(&self, order: &Order) -> Result<Reply, EnvError> {
        let mut pipes = self.pipes.lock().await;
        let failed = |source| EnvError::Io { what: "give the hands an order".into(), source };
        if std::mem::replace(&mut pipes.torn, true) {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        }
        let reply = timeout(PATIENCE, pipes.exchange(order)).await.map_err(|_| {
            EnvError::TimedOut { what: "an answer of the hands".into(), after: PATIENCE }
        })?;
        let reply = reply.map_err(failed)?;
        pipes.torn = false;
        match reply {
            Reply::Failed(detail) => Err(EnvError::Io {
                what: "the hands".into(),
                source: std::io::Error::other(detail),
            }),
            reply => Ok(reply),
        }
    }
}

impl Pipes {
    async fn exchange(&mut self, order: &Order) -> std::io::Result<Reply> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).await?;
        self.orders.flush().await?;
        let mut reply = String::new();
        if self.replies.read_line(&mut reply).await? == 0 {
            return Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "they have ended; does their image have nft (package nftables)?",
            ));
        }
        Ok(serde_json::from_str(&reply)?)
    }
}
