//! Measuring links by one-way datagrams, confirmed at the receiver.
//!
//! A TCP connection would prove little: a stopped process accepts, a killed one refuses, and a lost
//! SYN looks like a lost SYN-ACK. So the tester holds a UDP socket of its own in every node's network
//! namespace, sends a token from each to each, and looks what has arrived. The packets pass the same
//! rules as those of the nodes, whether these live or not, and each says something about one
//! direction only.
//!
//! Between namespaces of one machine the kernel delivers within the sender's system call, so what is
//! open shows after a millisecond, and 200 ms of silence over several attempts mean closed however busy
//! the machine is: the waiting starts after the sending, and ends with one more look.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::link::LinkState;

const ATTEMPTS: u8 = 8;
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(25);
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// A direction between two of the prober's sockets, by their positions.
pub(crate) type Pair = (usize, usize);

/// Sockets of our own, and what it takes to tell one probe's datagrams from another's.
pub(crate) struct Prober {
    ends: Vec<(UdpSocket, SocketAddr)>,
    /// Of the probe under way, or the next; one at a time.
    number: Mutex<u64>,
}

/// What was measured.
pub(crate) struct Measured {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) pairs: BTreeMap<Pair, LinkState>,
}

impl Prober {
    /// Probes between these sockets, which do not block.
    pub(crate) fn new(sockets: Vec<UdpSocket>) -> io::Result<Prober> {
        let ends = sockets
            .into_iter()
            .map(|socket| socket.local_addr().map(|address| (socket, address)))
            .collect::<io::Result<_>>()?;
        Ok(Prober { ends, number: Mutex::new(0) })
    }

    /// Measures these directions. Takes about a millisecond when all are open, 200 ms otherwise.
    pub(crate) fn measure(&self, pairs: impl Iterator<Item = Pair>) -> Measured {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let began = Instant::now();
        let pairs = pairs.map(|pair| (pair, LinkState::Closed)).collect();
        let mut probe = Probe { ends: &self.ends, number: *number, sent: Vec::new(), pairs };
        for _ in 0..ATTEMPTS {
            probe.send();
            let next = Instant::now() + ATTEMPT_INTERVAL;
            while !probe.all_open_after_a_look() && Instant::now() < next {
                // Between two looks at the sockets; `next` bounds it.
                std::thread::sleep(LOOK_INTERVAL);
            }
            if probe.all_open() {
                break;
            }
        }
        Measured { began, ended: Instant::now(), pairs: probe.pairs }
    }
}

/// One measurement under way.
struct Probe<'a> {
    ends: &'a [(UdpSocket, SocketAddr)],
    number: u64,
    /// When each attempt began.
    sent: Vec<Instant>,
    pairs: BTreeMap<Pair, LinkState>,
}

/// What a datagram says: the number of the probe, the attempt, and the sender's position.
const TOKEN_BYTES: usize = 8 + 1 + 8;

impl Probe<'_> {
    /// One more datagram for each direction that has not shown itself open.
    fn send(&mut self) {
        let attempt = u8::try_from(self.sent.len()).expect("there are ATTEMPTS at most");
        self.sent.push(Instant::now());
        for (&(from, to), state) in &self.pairs {
            if !state.is_open() {
                let mut token = [0; TOKEN_BYTES];
                token[..8].copy_from_slice(&self.number.to_be_bytes());
                token[8] = attempt;
                token[9..].copy_from_slice(&(from as u64).to_be_bytes());
                // What cannot be sent does not arrive; only arrival counts.
                let _ = self.ends[from].0.send_to(&token, self.ends[to].1);
            }
        }
    }

    /// Takes in whatever has arrived.
    fn all_open_after_a_look(&mut self) -> bool {
        let ends = self.ends;
        for (to, (socket, _)) in ends.iter().enumerate() {
            let mut token = [0; TOKEN_BYTES];
            // An error is `WouldBlock`, or an ICMP message about a datagram of ours: both say that
            // nothing is here to be read.
            while let Ok((TOKEN_BYTES, source)) = socket.recv_from(&mut token) {
                self.arrived(to, source, &token);
            }
        }
        self.all_open()
    }

    fn arrived(&mut self, to: usize, source: SocketAddr, token: &[u8; TOKEN_BYTES]) {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let from = self.ends.iter().position(|(_, address)| *address == source);
        let (Some(from), Some(sent)) = (from, self.sent.get(usize::from(token[8]))) else { return };
        let ours = number(&token[..8]) == self.number && number(&token[9..]) == from as u64;
        if let (true, Some(state @ LinkState::Closed)) = (ours, self.pairs.get_mut(&(from, to))) {
            *state = LinkState::Open { latency: sent.elapsed() };
        }
    }

    fn all_open(&self) -> bool {
        self.pairs.values().all(|state| state.is_open())
    }
}
