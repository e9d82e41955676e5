//! Prints a history of a key-value store that is linearizable, or has one stale read, for
//! measuring: as long as wanted, since nothing of it is kept.
//!
//! `cargo run --release -p checker --example generate -- --operations 10000000 --keys 1000`
//!
//! | flag | meaning | unless given |
//! |---|---|---|
//! | `--operations` | invocations | 100,000 |
//! | `--keys` | independent registers; 1: values are not pairs | 1 |
//! | `--processes` | clients at once | 10 |
//! | `--values` | different values a key; `unique`: each written once | 5 |
//! | `--crash` | share of operations that end in `:info` | 0 |
//! | `--workload` | `register` or `cas-register` | `register` |
//! | `--format` | `edn` or `jsonl` | `edn` |
//! | `--stale-at` | the operation from which on one read is stale | none |
//! | `--seed` | of all that is random | 1 |
//!
//! A simulated client takes effect at a random moment between its invocation and its completion.
#![expect(clippy::print_stderr, reason = "a command that reports to whoever runs it")]

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What was asked for.
struct Settings {
    operations: u64,
    keys: u64,
    processes: u64,
    /// `None`: every write writes a new one.
    values: Option<i64>,
    crash: f64,
    cas: bool,
    jsonl: bool,
    stale_at: Option<u64>,
    seed: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let settings = match settings(&arguments) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("{problem}; see the beginning of examples/generate.rs");
            return ExitCode::FAILURE;
        }
    };
    match Simulation::new(&settings, BufWriter::with_capacity(1 << 20, io::stdout().lock())).run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(arguments: &[String]) -> Result<Settings, String> {
    let given = |flag: &str| {
        let at = arguments.iter().position(|one| one == flag)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let number = |flag: &str, usual: u64| match given(flag) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| format!("{flag} {text} is not a number")),
    };
    Ok(Settings {
        operations: number("--operations", 100_000)?,
        keys: number("--keys", 1)?.max(1),
        processes: number("--processes", 10)?.max(1),
        values: match given("--values") {
            Some("unique") => None,
            Some(text) => Some(text.parse().map_err(|_| format!("--values {text} is no number"))?),
            None => Some(5),
        },
        crash: given("--crash")
            .map_or(Ok(0.0), str::parse)
            .map_err(|_| "--crash is a share such as 0.01".to_owned())?,
        cas: given("--workload") == Some("cas-register"),
        jsonl: given("--format") == Some("jsonl"),
        stale_at: given("--stale-at")
            .map(str::parse)
            .transpose()
            .map_err(|_| "--stale-at is the number of an operation".to_owned())?,
        seed: number("--seed", 1)?,
    })
}

#[derive(Clone, Copy)]
enum Ask {
    Read,
    Write(i64),
    Cas(i64, i64),
}

/// What a client is doing.
#[derive(Clone, Copy)]
struct Call {
    key: usize,
    ask: Ask,
    /// What it has seen or done, once it took effect.
    done: Option<Done>,
}

#[derive(Clone, Copy)]
enum Done {
    Ok(Option<i64>),
    Fail,
}

struct Simulation<'s, W> {
    settings: &'s Settings,
    out: W,
    rng: ChaCha8Rng,
    /// What each register holds, and held before.
    registers: Vec<[Option<i64>; 2]>,
    clients: Vec<(u64, Option<Call>)>,
    index: u64,
    started: u64,
    next_process: u64,
    next_value: i64,
    stale: Option<u64>,
}

impl<'s, W: Write> Simulation<'s, W> {
    fn new(settings: &'s Settings, out: W) -> Simulation<'s, W> {
        Simulation {
            settings,
            out,
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            registers: vec![[None; 2]; usize::try_from(settings.keys).expect("fits into memory")],
            clients: (0..settings.processes).map(|process| (process, None)).collect(),
            index: 0,
            started: 0,
            next_process: settings.processes,
            next_value: 0,
            stale: settings.stale_at,
        }
    }

    fn run(mut self) -> io::Result<()> {
        let mut idle = 0;
        while idle < self.clients.len() {
            let client = self.rng.random_range(0..self.clients.len());
            idle = match self.clients[client].1 {
                None if self.started == self.settings.operations => idle + 1,
                None => self.invoke(client).map(|()| 0)?,
                Some(Call { done: None, .. }) => {
                    self.take_effect(client);
                    0
                }
                Some(Call { done: Some(_), .. }) => self.complete(client).map(|()| 0)?,
            };
            // Whoever is still at work when nobody may start comes to an end in turn.
            if self.started == self.settings.operations && idle > 0 {
                self.finish()?;
                break;
            }
        }
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        for client in 0..self.clients.len() {
            if let Some(call) = self.clients[client].1 {
                if call.done.is_none() {
                    self.take_effect(client);
                }
                self.complete(client)?;
            }
        }
        Ok(())
    }

    fn invoke(&mut self, client: usize) -> io::Result<()> {
        let key = self.rng.random_range(0..self.registers.len());
        let ask = match self.rng.random_range(0..4) {
            0 | 1 => Ask::Read,
            2 if self.settings.cas => {
                let held = self.registers[key][0].unwrap_or(0);
                Ask::Cas(held, self.fresh_value())
            }
            _ => Ask::Write(self.fresh_value()),
        };
        self.started += 1;
        self.clients[client].1 = Some(Call { key, ask, done: None });
        let process = self.clients[client].0;
        self.event(process, "invoke", key, ask, None)
    }

    fn fresh_value(&mut self) -> i64 {
        match self.settings.values {
            Some(values) => self.rng.random_range(0..values.max(1)),
            None => {
                self.next_value += 1;
                self.next_value
            }
        }
    }

    fn take_effect(&mut self, client: usize) {
        let Some(call) = &mut self.clients[client].1 else { return };
        let register = &mut self.registers[call.key];
        let [held, before] = *register;
        let set = match call.ask {
            Ask::Write(value) => Some(value),
            Ask::Cas(expected, new) if held == Some(expected) => Some(new),
            Ask::Read | Ask::Cas(..) => None,
        };
        if set.is_some() {
            *register = [set, held];
        }
        let goes_wrong = held != before && self.stale.is_some_and(|at| at <= self.started);
        call.done = Some(match call.ask {
            Ask::Read if goes_wrong => {
                self.stale = None;
                Done::Ok(before)
            }
            Ask::Read => Done::Ok(held),
            Ask::Cas(..) if set.is_none() => Done::Fail,
            Ask::Write(_) | Ask::Cas(..) => Done::Ok(None),
        });
    }

    fn complete(&mut self, client: usize) -> io::Result<()> {
        let (process, call) = self.clients[client];
        let Some(Call { key, ask, done: Some(done) }) = call else { return Ok(()) };
        self.clients[client].1 = None;
        let crashed = self.settings.crash > 0.0 && self.rng.random_bool(self.settings.crash);
        let (kind, read) = match done {
            _ if crashed => ("info", None),
            Done::Ok(read) => ("ok", read),
            Done::Fail => ("fail", None),
        };
        if crashed {
            self.clients[client].0 = self.next_process;
            self.next_process += 1;
        }
        self.event(process, kind, key, ask, read)
    }

    fn event(
        &mut self,
        process: u64,
        kind: &str,
        key: usize,
        ask: Ask,
        read: Option<i64>,
    ) -> io::Result<()> {
        let (edn, keyed) = (!self.settings.jsonl, self.settings.keys > 1);
        let (colon, quote, nil, gap) =
            if edn { (":", "", "nil", " ") } else { ("", "\"", "null", ",") };
        let (f, value) = match ask {
            Ask::Read => ("read", read.map_or(nil.to_owned(), |value| value.to_string())),
            Ask::Write(value) => ("write", value.to_string()),
            Ask::Cas(old, new) => ("cas", format!("[{old}{gap}{new}]")),
        };
        let value = if keyed { format!("[{key}{gap}{value}]") } else { value };
        let (index, time) = (self.index, self.index * 1000);
        self.index += 1;
        let f = format!("{colon}{quote}{f}{quote}");
        let kind = format!("{colon}{quote}{kind}{quote}");
        match edn {
            true => writeln!(
                self.out,
                "{{:index {index}, :time {time}, :type {kind}, :process {process}, :f {f}, :value {value}}}"
            ),
            false => writeln!(
                self.out,
                "{{\"index\":{index},\"time\":{time},\"type\":{kind},\"process\":{process},\"f\":{f},\"value\":{value}}}"
            ),
        }
    }
}
