//! The journal: one total order over everything that clients and the nemesis did.
//!
//! An event takes its place from one atomic counter: an invocation before its request leaves, a
//! completion after its answer is in. So if one operation ended before another began, their
//! numbers say so, and the counter, not the clock, is what the checker goes by. Taking a number and
//! handing the event over are two steps, so events reach the journal slightly out of order; it
//! puts them back, and writes only what has no gap below it. A crash of the tester therefore leaves
//! a prefix of what happened, never a read without the write that it saw.
//!
//! Nothing here is a shared lock: workers do one `fetch_add` and one push to a lock-free queue; a
//! thread of its own sorts, encodes and writes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use checker::{Kind, Op, Process, Value};

/// How long events may wait in the journal's buffer before they are handed to the kernel.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Where workers and the nemesis report; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    next: Arc<AtomicU64>,
    start: Instant,
    events: Sender<Op>,
    counts: Arc<Counts>,
}

/// How many completions of each outcome there were so far; for the progress line.
#[derive(Debug, Default)]
pub struct Counts {
    /// Acknowledged.
    pub ok: AtomicU64,
    /// Certainly not done.
    pub fail: AtomicU64,
    /// Indeterminate.
    pub info: AtomicU64,
}

/// An event without its place in the order.
pub struct Event {
    /// Who.
    pub process: Process,
    /// Which event of the operation.
    pub kind: Kind,
    /// What.
    pub f: Value,
    /// Argument or result, with its key.
    pub value: Value,
    /// Why it failed or is unknown.
    pub error: Option<Value>,
    /// Further entries.
    pub extra: Vec<(Value, Value)>,
}

impl Recorder {
    /// Starts the journal at `path`; time counts from now.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn start(path: &Path) -> io::Result<(Recorder, Journal)> {
        let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let (events, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_in_order(&inbox, out))?;
        let recorder = Recorder {
            next: Arc::default(),
            start: Instant::now(),
            events,
            counts: Arc::default(),
        };
        Ok((recorder, Journal { thread }))
    }

    /// Gives the event its place and time and hands it to the journal. Call it before the request
    /// leaves, or after the answer is in.
    pub fn record(&self, event: Event) {
        let Event { process, kind, f, value, error, extra } = event;
        if matches!(process, Process::Client(_)) {
            self.counts.count(kind);
        }
        // SeqCst on both sides of a request: no read of the network may move before an
        // invocation's number or after a completion's (anishathalye/porcupine#40).
        let index = self.next.fetch_add(1, Ordering::SeqCst);
        let time_ns = i64::try_from(self.now_ns()).unwrap_or(i64::MAX);
        // The journal outlives every recorder; if its thread died, `Journal::finish` says why.
        let _ = self.events.send(Op { index, time_ns, process, kind, f, value, error, extra });
    }

    /// Monotonic nanoseconds since the start.
    pub fn now_ns(&self) -> u64 {
        self.ns_at(Instant::now())
    }

    /// The same for an instant in the past; 0 for one before the start.
    pub fn ns_at(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The running totals.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Counts {
    fn count(&self, kind: Kind) {
        let counter = match kind {
            Kind::Invoke => return,
            Kind::Ok => &self.ok,
            Kind::Fail => &self.fail,
            Kind::Info => &self.info,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The writing end; [`Journal::finish`] gives the whole history back.
pub struct Journal {
    thread: JoinHandle<io::Result<Vec<Op>>>,
}

impl Journal {
    /// Waits until every [`Recorder`] is dropped and all is written, and returns the events in order.
    ///
    /// # Errors
    /// When writing failed: the history in memory would then be more than what is on disk.
    pub fn finish(self) -> io::Result<Vec<Op>> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the journal's thread panicked")))
    }
}

fn write_in_order(inbox: &Receiver<Op>, mut out: impl Write) -> io::Result<Vec<Op>> {
    let mut written: Vec<Op> = Vec::new();
    // Slot i holds the event numbered `written.len() + i`, once it has arrived.
    let mut waiting: VecDeque<Option<Op>> = VecDeque::new();
    let mut flushed = Instant::now();
    loop {
        match inbox.recv_timeout(FLUSH_EVERY) {
            Ok(op) => keep(&mut waiting, written.len(), op),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Some(Some(_)) = waiting.front() {
            let op = waiting.pop_front().flatten().expect("it was there a moment ago");
            checker::history::write_jsonl(&op, &mut out)?;
            out.write_all(b"\n")?;
            written.push(op);
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            out.flush()?;
            flushed = Instant::now();
        }
    }
    assert!(waiting.is_empty(), "every number that was taken was also recorded");
    out.flush()?;
    Ok(written)
}

fn keep(waiting: &mut VecDeque<Option<Op>>, written: usize, op: Op) {
    let number = usize::try_from(op.index).expect("an index fits the address space");
    let slot = number.checked_sub(written).expect("no number is taken twice");
    if waiting.len() <= slot {
        waiting.resize_with(slot + 1, || None);
    }
    waiting[slot] = Some(op);
}
