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
        Recorder::start_watched(path, None)
    }

    /// The same; `watcher` hears of every event, in order, as soon as nothing is missing below it.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn start_watched(
        path: &Path,
        watcher: Option<Sender<Op>>,
    ) -> io::Result<(Recorder, Journal)> {
        let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let (events, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_in_order(&inbox, out, watcher))?;
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
    thread: JoinHandle<Recorded>,
}

/// What was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// All events, in order.
    pub ops: Vec<Op>,
    /// Why the file holds fewer of them: the disk is full, say. What is in memory can be judged
    /// all the same.
    pub unwritten: Option<io::Error>,
}

impl Journal {
    /// Waits until every [`Recorder`] is dropped and all is written.
    ///
    /// # Errors
    /// When the journal broke, and events were lost with it.
    pub fn finish(self) -> io::Result<Recorded> {
        self.thread.join().map_err(|_| io::Error::other("the journal's thread panicked"))
    }
}

/// A file that is written until it cannot be.
struct Out<W> {
    file: W,
    failed: Option<io::Error>,
}

impl<W: Write> Out<W> {
    fn try_to(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.file).err();
        }
    }
}

fn write_in_order(
    inbox: &Receiver<Op>,
    file: impl Write,
    mut watcher: Option<Sender<Op>>,
) -> Recorded {
    let mut out = Out { file, failed: None };
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
            out.try_to(|file| {
                checker::history::write_jsonl(&op, file)?;
                file.write_all(b"\n")
            });
            // Who has seen enough is told no more.
            watcher = watcher.filter(|watcher| watcher.send(op.clone()).is_ok());
            written.push(op);
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            out.try_to(Write::flush);
            flushed = Instant::now();
        }
    }
    assert!(waiting.is_empty(), "every number that was taken was also recorded");
    out.try_to(Write::flush);
    Recorded { ops: written, unwritten: out.failed }
}

fn keep(waiting: &mut VecDeque<Option<Op>>, written: usize, op: Op) {
    let number = usize::try_from(op.index).expect("an index fits the address space");
    let slot = number.checked_sub(written).expect("no number is taken twice");
    if waiting.len() <= slot {
        waiting.resize_with(slot + 1, || None);
    }
    waiting[slot] = Some(op);
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use checker::history::{Format, read_bytes, recover};

    use super::*;

    fn event(process: u64) -> Event {
        let (f, value) = (Value::keyword("read"), Value::Nil);
        let process = Process::Client(process);
        Event { process, kind: Kind::Invoke, f, value, error: None, extra: Vec::new() }
    }

    fn op(index: u64) -> Op {
        let Event { process, kind, f, value, error, extra } = event(index);
        Op { index, time_ns: 0, process, kind, f, value, error, extra }
    }

    #[test]
    fn events_of_many_threads_come_out_dense_in_order_and_as_the_file_has_them() {
        const THREADS: u64 = 8;
        const EACH: u64 = 500;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let (recorder, journal) = Recorder::start(&path).unwrap();
        thread::scope(|scope| {
            for process in 0..THREADS {
                let recorder = recorder.clone();
                scope.spawn(move || (0..EACH).for_each(|_| recorder.record(event(process))));
            }
        });
        drop(recorder);
        let ops = journal.finish().unwrap().ops;
        assert!(ops.iter().map(|op| op.index).eq(0..THREADS * EACH));
        assert_eq!(read_bytes(&std::fs::read(&path).unwrap(), Format::Jsonl).unwrap(), ops);
    }

    #[test]
    fn events_that_arrive_out_of_order_are_put_back() {
        let (events, inbox) = channel();
        [2, 0, 3, 1].map(op).into_iter().for_each(|op| events.send(op).unwrap());
        drop(events);
        let mut file = Vec::new();
        let ops = write_in_order(&inbox, &mut file, None).ops;
        assert_eq!(ops, [0, 1, 2, 3].map(op));
        assert_eq!(read_bytes(&file, Format::Jsonl).unwrap(), ops);
    }

    #[test]
    fn a_crash_leaves_what_has_no_gap_below_it_less_a_torn_line() {
        let (events, inbox) = channel();
        // Number 2 was taken, but its worker died before it could hand the event over.
        [0, 1, 3].map(op).into_iter().for_each(|op| events.send(op).unwrap());
        drop(events);
        let mut file = Vec::new();
        let ended = catch_unwind(AssertUnwindSafe(|| write_in_order(&inbox, &mut file, None)));
        assert!(ended.is_err(), "a lost event must not go unnoticed");
        assert_eq!(recover(&file[..]).unwrap().ops, [0, 1].map(op));
        assert_eq!(recover(&file[..file.len() - 9]).unwrap().ops, [0].map(op));
    }

    #[test]
    fn a_full_disk_costs_the_file_and_not_the_history() {
        let (events, inbox) = channel();
        [0, 1, 2].map(op).into_iter().for_each(|op| events.send(op).unwrap());
        drop(events);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let recorded = write_in_order(&inbox, full, None);
        assert_eq!(recorded.ops, [0, 1, 2].map(op));
        let error = recorded.unwritten.expect("nothing can be written there");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn only_completions_of_clients_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, journal) = Recorder::start(&folder.path().join("history.jsonl")).unwrap();
        recorder.record(event(1));
        recorder.record(Event { kind: Kind::Fail, ..event(1) });
        recorder.record(Event { kind: Kind::Info, process: Process::nemesis(), ..event(0) });
        let counts = recorder.counts();
        let counts = [&counts.ok, &counts.fail, &counts.info].map(|c| c.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 1, 0]);
        drop(recorder);
        journal.finish().unwrap();
    }
}
