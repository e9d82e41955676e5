//! The relay of one directed link: who dials it reaches the other node, through two gates.
//!
//! A connection that `a` dials to `b` passes the gate `a → b` with what `a` sends and the gate `b → a`
//! with what it receives. Both gates are shared with the connections that `b` dials to `a`, so a
//! half cut stalls one node's bytes whoever dialed. What is held stays in order and flows after the
//! heal, as TCP would retransmit it; the end of a stream passes the gate like its bytes, since a FIN
//! is lost in a partition as well.
//!
//! Opening a connection takes a packet in each direction, so it waits while either gate is cut. The
//! kernel has then accepted it already: the dialer sees a connection on which nothing happens instead
//! of one that is not established. If it gives up, the connection is forgotten.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::gate::Gate;

/// What a connection holds in one direction, besides the kernel's own buffers, before its sender
/// feels that nothing is being read.
const HELD_BYTES_MAX: usize = 256 * 1024;

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Nodes that reconnect through a long cut must not eat the tester's file descriptors.
const CONNECTIONS_MAX: usize = 64;

/// How often a connection that waits for a cut to heal looks whether its dialer is still there.
const DIALER_LOOK: Duration = Duration::from_millis(50);

/// How long the kernel may take to connect on loopback; it refuses or succeeds at once unless the
/// node's backlog is full.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// The two gates of the connections that one node dials to another.
#[derive(Clone)]
pub(crate) struct Lane {
    /// What the dialer sends.
    pub(crate) out: Arc<Gate>,
    /// What it receives.
    pub(crate) back: Arc<Gate>,
}

/// Accepts connections and carries them to `target`, for ever.
pub(crate) async fn serve(listener: TcpListener, target: SocketAddr, lane: Lane) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((dialer, _)) = listener.accept().await else {
            // Too many open files, most likely: a pause lets some of them be closed.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        // With no place left the dialer's connection is closed again.
        if let Ok(place) = places.clone().try_acquire_owned() {
            let lane = lane.clone();
            tokio::spawn(async move {
                connect(dialer, target, &lane).await;
                drop(place);
            });
        }
    }
}

async fn connect(dialer: TcpStream, target: SocketAddr, lane: &Lane) {
    tokio::select! {
        () = handshake(lane) => {}
        () = gone(&dialer) => return,
    }
    // From here on the connection counts, and so is reset with the others.
    let _counted = (lane.out.count_connection(), lane.back.count_connection());
    let (out, back) = (lane.out.reset(), lane.back.reset());
    let either_reset = async {
        tokio::select! { () = out => {}, () = back => {} }
    };
    let Ok(Ok(target)) = timeout(CONNECT_LIMIT, TcpStream::connect(target)).await else {
        // A dead node: as near to "connection refused" as an accepted connection allows.
        return reset(&dialer);
    };
    tokio::select! {
        () = carry(&dialer, &target, lane) => {}
        () = either_reset => {
            reset(&dialer);
            reset(&target);
        }
    }
}

async fn handshake(lane: &Lane) {
    while lane.out.is_cut() || lane.back.is_cut() {
        lane.out.uncut().await;
        lane.back.uncut().await;
    }
}

async fn gone(dialer: &TcpStream) {
    loop {
        sleep(DIALER_LOOK).await;
        let ready = dialer.ready(tokio::io::Interest::WRITABLE | tokio::io::Interest::READABLE);
        if !ready.await.is_ok_and(|ready| !ready.is_read_closed() && !ready.is_write_closed()) {
            return;
        }
    }
}

/// Makes the kernel send a reset when the connection is dropped.
fn reset(stream: &TcpStream) {
    // At worst the other end sees an orderly end instead.
    let _ = stream.set_zero_linger();
}

/// Carries a connection's bytes both ways until both directions have ended.
pub(crate) async fn carry(dialer: &TcpStream, target: &TcpStream, lane: &Lane) {
    // Small messages are what a consensus protocol is made of.
    let _ = (dialer.set_nodelay(true), target.set_nodelay(true));
    tokio::join!(pump(dialer, target, &lane.out), pump(target, dialer, &lane.back));
}

/// One direction of a connection, from what `source` sends to its end. If `sink` is gone, the other
/// direction notices by itself, and its own gate decides when that shows.
async fn pump(source: &TcpStream, sink: &TcpStream, gate: &Gate) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut held = Held::default();
    let mut ended = false;
    while !(ended && held.is_empty()) {
        tokio::select! {
            biased;
            () = may_pass(&held, sink, gate), if !held.is_empty() => {
                match gate.pass(sink, held.front()) {
                    Ok(count) => held.passed(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
            _ = source.readable(), if !ended && held.has_room() => {
                match source.try_read(&mut chunk) {
                    Ok(0) => ended = true,
                    Ok(count) => held.push(&chunk[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => ended = true,
                }
            }
        }
    }
    gate.due(Instant::now()).await;
    // It fails if `sink` is gone, which is as good.
    let _ = rustix::net::shutdown(sink, rustix::net::Shutdown::Write);
}

async fn may_pass(held: &Held, sink: &TcpStream, gate: &Gate) {
    gate.due(held.arrived()).await;
    // An error shows again in the attempt to write.
    let _ = sink.writable().await;
}

/// Bytes under way, in order, with the time each chunk came.
#[derive(Default)]
struct Held {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    /// How many bytes of the first chunk have passed.
    passed: usize,
    bytes: usize,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn has_room(&self) -> bool {
        self.bytes < HELD_BYTES_MAX
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.chunks.push_back((Instant::now(), bytes.to_owned()));
    }

    fn arrived(&self) -> Instant {
        self.chunks.front().expect("asked only when something is held").0
    }

    fn front(&self) -> &[u8] {
        let (_, bytes) = self.chunks.front().expect("asked only when something is held");
        &bytes[self.passed..]
    }

    fn passed(&mut self, count: usize) {
        self.passed += count;
        self.bytes -= count;
        if self.front().is_empty() {
            self.chunks.pop_front();
            self.passed = 0;
        }
    }
}
