//! Measuring links by tokens that pass the same gates as the nodes' bytes.
//!
//! For each directed link the prober holds one connection between sockets of its own, carried by
//! the same code, through the same two gates, as a connection between the nodes. What arrives at the
//! far end has passed the gate of that direction, whatever the other one does. A closed link needs
//! more than silence: its counter must not have moved either, and it counts every byte of the nodes.
//!
//! Tokens held by a cut arrive after the heal, and are known by their number to be old.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::gate::Gate;
use super::relay::{Lane, carry};
use crate::link::{Link, LinkMatrix, LinkState};

/// Silence for this long (beyond any intended delay) means closed.
const SILENCE: Duration = Duration::from_millis(200);
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// All links' probe connections. One probe at a time.
pub(crate) struct Prober {
    ends: Mutex<Ends>,
    tasks: Vec<tokio::task::AbortHandle>,
}

struct Ends {
    number: u64,
    probes: BTreeMap<Link, Ours>,
}

/// Both ends of one probe connection, and the gate between them.
struct Ours {
    near: TcpStream,
    far: TcpStream,
    gate: Arc<Gate>,
    /// The beginning of a token that has not arrived as a whole.
    partial: Vec<u8>,
}

impl Prober {
    /// Opens a probe connection through each lane. All of them are open at that time.
    pub(crate) async fn new(lanes: &BTreeMap<Link, Lane>) -> io::Result<Prober> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (mut probes, mut tasks) = (BTreeMap::new(), Vec::new());
        for (&link, lane) in lanes {
            let (near, dialer) = pair(&listener).await?;
            let (target, far) = pair(&listener).await?;
            let (gate, lane) = (lane.out.clone(), lane.clone());
            let task = tokio::spawn(async move { carry(&dialer, &target, &lane).await });
            tasks.push(task.abort_handle());
            probes.insert(link, Ours { near, far, gate, partial: Vec::new() });
        }
        Ok(Prober { ends: Mutex::new(Ends { number: 0, probes }), tasks })
    }

    /// Measures all links.
    pub(crate) async fn measure(&self) -> LinkMatrix {
        let Ends { number, probes } = &mut *self.ends.lock().await;
        *number += 1;
        let began = Instant::now();
        let before: BTreeMap<Link, u64> =
            probes.iter().map(|(&link, ours)| (link, ours.gate.passed_bytes())).collect();
        let mut links: BTreeMap<Link, LinkState> = BTreeMap::new();
        for ours in probes.values() {
            // A full buffer is one of tokens that were held, so the link is closed.
            let _ = ours.near.try_write(&number.to_be_bytes());
        }
        let delay = probes.values().map(|ours| ours.gate.delay()).max().unwrap_or_default();
        let deadline = Instant::now() + delay + SILENCE;
        loop {
            // The time is read before the look, so that the last look comes after the deadline.
            let now = Instant::now();
            for (&link, ours) in probes.iter_mut() {
                if !links.contains_key(&link) && ours.has_arrived(*number) {
                    links.insert(link, LinkState::Open { latency: began.elapsed() });
                }
            }
            if links.len() == probes.len() || now > deadline {
                break;
            }
            sleep(LOOK_INTERVAL).await;
        }
        for (&link, ours) in probes.iter() {
            links.entry(link).or_insert_with(|| {
                if ours.gate.passed_bytes() == before[&link] {
                    LinkState::Closed
                } else {
                    LinkState::Open { latency: began.elapsed() }
                }
            });
        }
        let how = "tokens through the links' relays, and byte counters";
        LinkMatrix { began: began.into_std(), ended: Instant::now().into_std(), how, links }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

impl Ours {
    fn has_arrived(&mut self, number: u64) -> bool {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = self.far.try_read(&mut buffer) {
            self.partial.extend_from_slice(&buffer[..count]);
        }
        let whole = self.partial.len() - self.partial.len() % 8;
        let tokens: Vec<u8> = self.partial.drain(..whole).collect();
        tokens.chunks_exact(8).any(|token| token == number.to_be_bytes())
    }
}

/// A connection of the tester with itself.
async fn pair(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let dialed = TcpStream::connect(listener.local_addr()?).await?;
    let own = dialed.local_addr()?;
    loop {
        // Anybody on this machine may dial a loopback port; only our own connection counts.
        let (accepted, from) = listener.accept().await?;
        if from == own {
            return Ok((dialed, accepted));
        }
    }
}
