//! Histories of a simulated key-value store, of any length, whose verdict is known from how they
//! were made.
//!
//! A client takes effect at one moment between its invocation and its completion, so the order of
//! those moments is a linearization: without a lie the history is valid. An operation that crashes
//! (`:info`) took effect, will do so at some later moment, or never does; only writes and
//! compare-and-sets crash, since a read that nobody saw says nothing. At most one read lies, in a
//! way that no linearization allows: see [`trap`].

mod shape;
mod text;
mod trap;

use std::collections::HashSet;
use std::io::{self, Write};

use rand::{RngExt, SeedableRng, seq};
use rand_chacha::ChaCha8Rng;

pub(crate) use shape::{Lie, Shape};
use text::{Event, Kind};
use trap::Trap;

/// Writes the history of this shape.
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write(shape: &Shape, out: impl Write) -> io::Result<()> {
    Simulation::new(shape, out).run()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Read,
    Write(i64),
    Cas(i64, i64),
}

impl Ask {
    /// The value that it leaves, if it takes effect and changes anything.
    fn sets(self) -> Option<i64> {
        match self {
            Ask::Read => None,
            Ask::Write(value) | Ask::Cas(_, value) => Some(value),
        }
    }
}

/// What a client is doing.
#[derive(Clone, Copy)]
struct Call {
    key: usize,
    ask: Ask,
    crashes: bool,
    /// Number of the invocation's event.
    began: u64,
    /// What it has seen or done, once it took effect.
    done: Option<Done>,
}

#[derive(Clone, Copy, PartialEq)]
enum Done {
    Ok(Option<i64>),
    Fail,
}

/// A client and its process, which changes when it crashes.
struct Client {
    process: u64,
    call: Option<Call>,
}

struct Simulation<'s, W> {
    shape: &'s Shape,
    out: W,
    rng: ChaCha8Rng,
    /// What each register holds.
    registers: Vec<Option<i64>>,
    clients: Vec<Client>,
    /// Numbers of the operations that crash.
    crashing: HashSet<usize>,
    /// Crashed operations that may still take effect.
    ghosts: Vec<Call>,
    trap: Trap,
    events: u64,
    started: usize,
    next_process: u64,
    last_value: i64,
}

/// How often a client that is picked goes on: with two steps an operation, it is idle a tenth of
/// the time.
const GOES_ON: f64 = 2.0 / 9.0;
/// How often a crashed operation takes effect while another one is invoked.
const HAUNTS: f64 = 0.05;

impl<'s, W: Write> Simulation<'s, W> {
    fn new(shape: &'s Shape, out: W) -> Simulation<'s, W> {
        let mut rng = ChaCha8Rng::seed_from_u64(shape.seed);
        let (operations, crashed) = (shape.operations, shape.crashed.min(shape.operations));
        Simulation {
            shape,
            out,
            crashing: seq::index::sample(&mut rng, operations, crashed).into_iter().collect(),
            rng,
            registers: vec![None; shape.keys],
            clients: (0..shape.processes).map(|process| Client { process, call: None }).collect(),
            ghosts: Vec::new(),
            trap: Trap::new(shape),
            events: 0,
            started: 0,
            next_process: shape.processes,
            last_value: 0,
        }
    }

    fn run(mut self) -> io::Result<()> {
        while self.may_begin() {
            let at = self.rng.random_range(0..self.clients.len());
            match self.clients[at].call {
                None => self.invoke(at)?,
                Some(_) if !self.rng.random_bool(GOES_ON) => {}
                Some(Call { done: None, .. }) => self.take_effect(at),
                Some(Call { done: Some(_), .. }) => self.complete(at)?,
            }
        }
        for at in 0..self.clients.len() {
            if self.clients[at].call.is_some_and(|call| call.done.is_none()) {
                self.take_effect(at);
            }
            self.complete(at)?;
        }
        self.out.flush()
    }

    /// A lie that was asked for is told, if it takes a few more operations.
    fn may_begin(&self) -> bool {
        self.started < self.shape.operations || self.trap.is_set()
    }

    fn invoke(&mut self, at: usize) -> io::Result<()> {
        if !self.ghosts.is_empty() && self.rng.random_bool(HAUNTS) {
            let ghost = self.rng.random_range(0..self.ghosts.len());
            let mut ghost = self.ghosts.swap_remove(ghost);
            self.apply(&mut ghost);
        }
        let key = self.rng.random_range(0..self.registers.len());
        let crashes = self.crashing.contains(&self.started);
        let mut ask = self.ask(key, crashes);
        if !crashes && let Some(bait) = self.trap.bait(self.started, key, self.last_value + 1) {
            self.last_value = self.last_value.max(bait);
            ask = Ask::Write(bait);
        }
        self.trap.invoked(at, key, ask);
        self.started += 1;
        self.clients[at].call = Some(Call { key, ask, crashes, began: self.events, done: None });
        self.record(at, Kind::Invoke, key, ask, None)
    }

    fn ask(&mut self, key: usize, crashes: bool) -> Ask {
        let (reads, all) = if self.shape.cas { (1, 3) } else { (1, 2) };
        let chosen = self.rng.random_range(if crashes { reads } else { 0 }..all);
        match chosen {
            0 => Ask::Read,
            1 => Ask::Write(self.new_value(crashes)),
            _ => Ask::Cas(self.old_value(key), self.new_value(crashes)),
        }
    }

    fn new_value(&mut self, crashes: bool) -> i64 {
        match self.shape.values {
            Some(values) => {
                let first = i64::from(self.trap.reserves(crashes));
                self.rng.random_range(first..values)
            }
            None => {
                self.last_value += 1;
                self.last_value
            }
        }
    }

    /// Of few values any, of unique ones the present one: the others are gone for good.
    fn old_value(&mut self, key: usize) -> i64 {
        match self.shape.values {
            Some(values) => self.rng.random_range(0..values),
            None => self.registers[key].unwrap_or(0),
        }
    }

    fn take_effect(&mut self, at: usize) {
        let Some(mut call) = self.clients[at].call else { return };
        if call.crashes && self.rng.random_bool(0.5) {
            // Whether it takes effect is left to the ghosts.
            call.done = Some(Done::Fail);
            self.ghosts.push(call);
        } else {
            self.apply(&mut call);
        }
        self.clients[at].call = Some(call);
    }

    fn apply(&mut self, call: &mut Call) {
        let register = &mut self.registers[call.key];
        let happens = !matches!(call.ask, Ask::Cas(old, _) if *register != Some(old));
        call.done = Some(match (call.ask, happens) {
            (Ask::Read, _) => Done::Ok(*register),
            (_, true) => Done::Ok(None),
            (_, false) => Done::Fail,
        });
        if let (Some(value), true) = (call.ask.sets(), happens) {
            *register = Some(value);
        }
    }

    fn complete(&mut self, at: usize) -> io::Result<()> {
        let Some(call @ Call { key, ask, crashes, .. }) = self.clients[at].call.take() else {
            return Ok(());
        };
        let (kind, read) = match call.done {
            _ if crashes => (Kind::Info, None),
            Some(Done::Ok(read)) => (Kind::Ok, self.trap.told(at).or(read)),
            Some(Done::Fail) | None => (Kind::Fail, None),
        };
        self.record(at, kind, key, ask, read)?;
        if crashes {
            self.clients[at].process = self.next_process;
            self.next_process += 1;
        }
        let open = self.clients.iter().filter_map(|client| client.call.as_ref());
        self.trap.completed(&call, kind == Kind::Ok, self.events, open);
        Ok(())
    }

    fn record(
        &mut self,
        at: usize,
        kind: Kind,
        key: usize,
        ask: Ask,
        read: Option<i64>,
    ) -> io::Result<()> {
        let process = self.clients[at].process;
        let key = (self.shape.keys > 1).then_some(key);
        let event = Event { number: self.events, process, kind, key, ask, read };
        self.events += 1;
        event.write(self.shape, &mut self.out)
    }
}
