//! Ctrl-c while a history is being judged, and only then: while a test runs, the runner listens.
//!
//! The first one cancels the check, which then ends as *unknown, cancelled* with everything that was
//! found so far; so does SIGTERM, which is what a CI system sends before it loses patience. A second
//! one, or one at a moment when there is nothing to cancel, ends the process on the spot, with what
//! was found until then ([`Interrupt::found`]): a violation is not undone by somebody who does not
//! wait for its pictures.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use checker::Budget;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::exit::Exit;

/// Listens until its last copy is dropped.
#[derive(Clone, Debug)]
pub struct Interrupt {
    state: Arc<Mutex<State>>,
    /// Dropped with the last copy, which ends the listening thread.
    _wanted: Arc<oneshot::Sender<Infallible>>,
}

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    running: Option<Budget>,
    /// What the process exits with when it is ended on the spot.
    found: Option<Exit>,
}

impl Interrupt {
    /// Starts to listen, on a thread of its own.
    ///
    /// # Errors
    /// When the thread or the signal handlers cannot be set up.
    pub fn listen() -> io::Result<Interrupt> {
        let (wanted, mut unwanted) = oneshot::channel();
        let interrupt = Interrupt { state: Arc::default(), _wanted: Arc::new(wanted) };
        let state = Arc::clone(&interrupt.state);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut ctrl_c, mut terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        thread::Builder::new().name("interrupt".into()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = ctrl_c.recv() => pull(&state),
                        _ = terminate.recv() => pull(&state),
                        _ = &mut unwanted => return,
                    }
                }
            });
        })?;
        Ok(interrupt)
    }

    /// Runs `work`, which a signal cancels through `budget`. Once cancelled, later work starts with
    /// a budget that is already spent, so that a list of histories comes to its end quickly.
    pub fn cancelling<T>(&self, budget: &Budget, work: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        if state.cancelled {
            budget.cancel();
        }
        state.running = Some(budget.clone());
        drop(state);
        let result = work();
        self.lock().running = None;
        result
    }

    /// Says what a process that is ended from now on exits with; [`Exit::Unknown`] until then.
    pub fn found(&self, exit: Exit) {
        self.lock().found = Some(exit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A signal has come.
fn pull(state: &Mutex<State>) {
    let mut state = lock(state);
    match &state.running {
        Some(budget) if !state.cancelled => {
            budget.cancel();
            state.cancelled = true;
        }
        _ => std::process::exit(i32::from(state.found.unwrap_or(Exit::Unknown).code())),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
