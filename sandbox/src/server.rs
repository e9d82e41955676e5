//! The process: two listeners, two signals, two banners.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::api::{client_router, peer_router};
use crate::config::Config;
use crate::node::Node;

/// How long requests under way may take once the node was told to stop.
const GRACE: Duration = Duration::from_millis(500);

/// Runs a node until it is told to stop by SIGINT or SIGTERM.
///
/// Logs to standard error, by a subscriber of its own unless the process has one already.
///
/// # Errors
/// When an address cannot be bound, when the database cannot be opened, or when Raft gives up.
pub fn run(config: Config) -> anyhow::Result<()> {
    // The caller may have a subscriber; then its is used.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter("info,openraft=error")
        .try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(serve(config));
    // A blocking write may still be under way; it is not waited for for long.
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let id = config.id;
    anyhow::ensure!(config.peers.contains_key(&id), "node {id} is not among its peers");
    let mut signals = Signals::new()?;
    let client = bind("client", config.client).await?;
    let peer = bind("peer", config.peer).await?;
    let bug = config.bug.map_or("none", crate::Bug::name);
    tracing::info!(
        "ordeal sandbox node {id} starting: clients on {}, peers on {}, bug {bug}, version {}",
        config.client,
        config.peer,
        env!("CARGO_PKG_VERSION"),
    );
    let node = Node::start(config).await?;
    let (stop, stopped) = watch::channel(());
    let servers = [
        tokio::spawn(listen(client, client_router(Arc::clone(&node)), stopped.clone())),
        tokio::spawn(listen(peer, peer_router(Arc::clone(&node)), stopped)),
    ];
    let ended = tokio::select! {
        name = signals.next() => {
            tracing::info!("ordeal sandbox node {id} stopping: {name}");
            Ok(())
        }
        fatal = node.failed() => {
            tracing::error!("ordeal sandbox node {id} stopping: raft failed: {fatal}");
            Err(fatal).context("raft failed")
        }
    };
    drop(stop);
    for server in servers {
        // Whoever keeps a connection busy longer than this is cut off.
        let _ = tokio::time::timeout(GRACE, server).await;
    }
    let _ = tokio::time::timeout(GRACE, node.raft.shutdown()).await;
    tracing::info!("ordeal sandbox node {id} stopped");
    ended
}

async fn bind(what: &str, address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot bind the {what} address {address}"))
}

async fn listen(listener: TcpListener, router: Router, mut stopped: watch::Receiver<()>) {
    // Small messages in both directions: waiting to fill a segment would cost 40 ms each.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let until_stopped = async move {
        // The sender sends nothing; it is dropped.
        let _ = stopped.changed().await;
    };
    let served = axum::serve(listener, router).with_graceful_shutdown(until_stopped).await;
    if let Err(error) = served {
        tracing::error!(%error, "the server failed");
    }
}

/// The signals that ask a node to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
