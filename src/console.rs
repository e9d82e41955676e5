//! The only place that prints: results to standard output, everything for people to standard error.
//!
//! Results must stay parseable when somebody pipes them, so nothing but results ever reaches
//! standard output, and a reader that goes away early (`| head`) is no error: the verdict is still
//! in the exit code. Progress is drawn only on a terminal and erased before anything else is said.
//!
//! Logging is `tracing`: warnings go to standard error as they happen, and once a run folder
//! exists [`log_to`] has everything from `debug` up written there as well.

use std::backtrace::Backtrace;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// Work that is done sooner than this shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often progress is redrawn.
const REDRAW: Duration = Duration::from_millis(250);

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chatter {
    /// Progress and notices, as suits the terminal.
    #[default]
    Normal,
    /// Errors only.
    Quiet,
}

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    color: Color,
    chatter: Chatter,
}

impl Console {
    /// A console that follows the global flags.
    pub fn new(color: Color, chatter: Chatter) -> Console {
        Console { color, chatter }
    }

    /// Whether results on standard output may be coloured.
    pub fn colors(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        }
    }

    /// Writes results to standard output, as they are.
    ///
    /// # Errors
    /// When standard output cannot be written for another reason than a reader that went away.
    pub fn result(&self, text: impl fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        quiet_pipe(write!(out, "{text}").and_then(|()| out.flush()))
    }

    /// Says something to a person on standard error, unless quiet. The log has it in any case.
    pub fn say(&self, text: impl fmt::Display) {
        tracing::debug!("{text}");
        if self.chatter == Chatter::Normal {
            self.line(text);
        }
    }

    /// Reports an error on standard error, quiet or not.
    pub fn error(&self, text: impl fmt::Display) {
        self.line(format_args!("checker: {text}"));
    }

    /// A progress line that is redrawn in place; draws nothing unless standard error is a terminal.
    pub fn progress(&self) -> Progress {
        let on_terminal = io::stderr().is_terminal();
        Progress { shown: on_terminal && self.chatter == Chatter::Normal, drawn: false }
    }

    /// Runs `work`; while it takes long and somebody looks, shows what `text` makes of the time
    /// elapsed.
    pub fn while_showing<T>(
        &self,
        text: impl Fn(Duration) -> String + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        let mut progress = self.progress();
        if !progress.is_shown() {
            return work();
        }
        let start = Instant::now();
        thread::scope(|scope| {
            // Dropped at the end of the work, also when it panics, which ends the showing.
            let (done, is_done) = mpsc::channel::<()>();
            scope.spawn(move || {
                let mut wait = PATIENCE;
                while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(wait) {
                    progress.set(text(start.elapsed()));
                    wait = REDRAW;
                }
            });
            let result = work();
            drop(done);
            result
        })
    }

    /// Nobody can be told that standard error is gone, so that failure is dropped.
    fn line(&self, text: impl fmt::Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// One line on the terminal that is overwritten as work goes on, and erased when dropped.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    drawn: bool,
}

impl Progress {
    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        self.shown
    }

    /// Replaces the line. `text` must not contain a line break.
    pub fn set(&mut self, text: impl fmt::Display) {
        if self.shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K{text}");
            self.drawn = true;
        }
    }

    /// Erases the line, so that something else can be printed in its place.
    pub fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
            self.drawn = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Treats a reader that went away as success.
fn quiet_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The log file of the run, once there is one.
static LOG_FILE: OnceLock<Mutex<File>> = OnceLock::new();

/// A writer that drops what is logged before the run folder exists.
#[derive(Clone, Copy)]
struct RunLog;

impl Write for RunLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match LOG_FILE.get().map(Mutex::lock) {
            Some(Ok(mut file)) => file.write(bytes),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `checker.log` keeps. A line for each connection of an HTTP library would be most of a night's
/// file, and tells nothing that the history does not.
const IN_THE_FILE: &str = "info,ordeal=debug,nemesis=debug,workloads=debug,checker=debug";

/// Installs the one subscriber. `ORDEAL_LOG` (`info`, `nemesis=debug`, …) says what reaches
/// standard error; the default is warnings.
pub(crate) fn init_logging(color: Color) {
    let for_people =
        EnvFilter::try_from_env("ORDEAL_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let ansi = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal(),
    };
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        .without_time()
        .with_filter(for_people);
    let file = tracing_subscriber::fmt::layer()
        .with_writer(|| RunLog)
        .with_ansi(false)
        .with_filter(EnvFilter::new(IN_THE_FILE));
    // A second call (tests that run two commands in one process) keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(stderr).with(file),
    );
}

/// From now on the whole log is also appended to the file at `path`, `checker.log` of a run.
///
/// # Errors
/// When the file cannot be opened.
pub fn log_to(path: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    // One process makes one run; a second file would be a mistake of ours, and the first stays.
    let _ = LOG_FILE.set(Mutex::new(file));
    Ok(())
}

/// Makes a panic one line with its place, instead of a trace that buries the verdict; the trace
/// goes to the run's log. Whoever catches the unwinding says what it means for the verdict.
pub(crate) fn init_panics() {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
        let payload = info.payload();
        let what = (payload.downcast_ref::<String>().map(String::as_str))
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!("panic{place}: {what}");
        tracing::debug!("{}", Backtrace::force_capture());
    }));
}
