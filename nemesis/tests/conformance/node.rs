//! A node with just enough behaviour to feel faults. It answers one-line requests on both ports:
//! `pid`, `ping`, `exit` (with status 3), `child` (it starts one that would outlive it), `stubborn`
//! (it ignores SIGTERM from then on), and
//! `ask <address>`, for which it sends `ping` to another node over a connection that it keeps, and
//! says `yes` if an answer came in time.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a node waits for another before it says `no`.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

type Kept = Arc<Mutex<BTreeMap<String, BufStream<TcpStream>>>>;

/// Whether this node ignores SIGTERM.
static STUBBORN: AtomicBool = AtomicBool::new(false);

/// `node <client address> <peer address>`.
pub(crate) fn main(args: &[&str]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
        let kept = Kept::default();
        for address in &args[..2] {
            let listener = TcpListener::bind(address).await.expect("a free address");
            tokio::spawn(serve(listener, kept.clone()));
        }
        println!("ready");
        loop {
            terminate.recv().await;
            if !STUBBORN.load(Ordering::Relaxed) {
                println!("stopped gracefully");
                return ExitCode::SUCCESS;
            }
        }
    })
}

async fn serve(listener: TcpListener, kept: Kept) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(BufStream::new(stream), kept.clone()));
    }
}

async fn answer(mut stream: BufStream<TcpStream>, kept: Kept) -> Option<()> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let reply = match line.trim().split_once(' ') {
            Some(("ask", address)) => ask(address, &kept).await,
            _ => match line.trim() {
                "pid" => std::process::id().to_string(),
                "exit" => std::process::exit(3),
                "child" => child(),
                "stubborn" => {
                    STUBBORN.store(true, Ordering::Relaxed);
                    "as you say".to_owned()
                }
                _ => "pong".to_owned(),
            },
        };
        stream.write_all(format!("{reply}\n").as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
    }
}

fn child() -> String {
    let child = std::process::Command::new("sleep").arg("600").spawn();
    child.expect("a basic program").id().to_string()
}

async fn ask(address: &str, kept: &Kept) -> String {
    // A kept connection shows whether a fault reaches connections that existed before it. One that
    // is found dead is replaced once, as any real system would do.
    for _ in 0..2 {
        let known = kept.lock().await.remove(address);
        let fresh = known.is_none();
        match timeout(PATIENCE, round_trip(address, known)).await {
            Ok(Some(stream)) => {
                kept.lock().await.insert(address.to_owned(), stream);
                return "yes".to_owned();
            }
            Ok(None) if !fresh => {}
            Ok(None) | Err(_) => break,
        }
    }
    "no".to_owned()
}

async fn round_trip(
    address: &str,
    known: Option<BufStream<TcpStream>>,
) -> Option<BufStream<TcpStream>> {
    let mut stream = match known {
        Some(stream) => stream,
        None => BufStream::new(TcpStream::connect(address).await.ok()?),
    };
    stream.write_all(b"ping\n").await.ok()?;
    stream.flush().await.ok()?;
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then_some(stream)
}
