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
//!
//! A run of eight hours is recorded in the memory of one of a minute: an event is let go as soon as
//! the kernel has it, and the history is read back from the file at the end. Where the file fails, as on
//! a full disk, what it lacks stays in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use checker::history::{Format, read_path, recover_path};
use checker::{History, Kind, Op, Process, Value};

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
        let path = path.to_path_buf();
        let out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
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
        Ok((recorder, Journal { path, thread }))
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
    path: PathBuf,
    thread: JoinHandle<Written>,
}

/// What was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// All events, in order.
    pub history: History,
    /// Why the file holds fewer of them: the disk is full, say. What was seen is judged all the
    /// same.
    pub unwritten: Option<io::Error>,
}

impl Journal {
    /// Waits until every [`Recorder`] is dropped and all is written, and reads it back.
    ///
    /// # Errors
    /// When the journal broke, and events were lost with it, or cannot be read again.
    pub fn finish(self) -> Result<Recorded> {
        let written = self.thread.join().map_err(|_| anyhow!("the journal's thread panicked"))?;
        written.read_back(&self.path)
    }
}

/// What the journal's thread leaves: a file, and what is not in it.
struct Written {
    /// How many events the file certainly holds, from the first one.
    in_file: usize,
    /// Those after them, if the file failed.
    in_memory: Vec<Op>,
    failed: Option<io::Error>,
}

impl Written {
    fn read_back(self, path: &Path) -> Result<Recorded> {
        let again = || format!("the journal {} cannot be read again", path.display());
        let history = if self.failed.is_some() {
            let mut ops = recover_path(path).with_context(again)?.ops;
            ops.truncate(self.in_file);
            ensure!(ops.len() == self.in_file, "events were lost from {}", path.display());
            ops.extend(self.in_memory);
            History::from_ops(ops).context("the recorder wrote a malformed history")?
        } else {
            read_path(path, Some(Format::Jsonl)).with_context(again)?
        };
        Ok(Recorded { history, unwritten: self.failed })
    }
}

/// A file that is written until it cannot be.
struct Out<W> {
    file: W,
    /// As far as the kernel has taken them.
    flushed: usize,
    /// Events that it may not have taken.
    since: Vec<Op>,
    failed: Option<io::Error>,
}

impl<W: Write> Out<W> {
    fn write(&mut self, op: Op) {
        if self.failed.is_none() {
            let line = checker::history::write_jsonl(&op, &mut self.file)
                .and_then(|()| self.file.write_all(b"\n"));
            self.failed = line.err();
        }
        self.since.push(op);
    }

    fn flush(&mut self) {
        if self.failed.is_some() {
            return;
        }
        match self.file.flush() {
            Ok(()) => {
                self.flushed += self.since.len();
                self.since.clear();
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// How many events came so far.
    fn len(&self) -> usize {
        self.flushed + self.since.len()
    }
}

fn write_in_order(
    inbox: &Receiver<Op>,
    file: impl Write,
    mut watcher: Option<Sender<Op>>,
) -> Written {
    let mut out = Out { file, flushed: 0, since: Vec::new(), failed: None };
    // Slot i holds the event numbered `out.len() + i`, once it has arrived.
    let mut waiting: VecDeque<Option<Op>> = VecDeque::new();
    let mut flushed = Instant::now();
    loop {
        match inbox.recv_timeout(FLUSH_EVERY) {
            Ok(op) => keep(&mut waiting, out.len(), op),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Some(Some(_)) = waiting.front() {
            let op = waiting.pop_front().flatten().expect("it was there a moment ago");
            // Who has seen enough is told no more.
            watcher = watcher.filter(|watcher| watcher.send(op.clone()).is_ok());
            out.write(op);
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            out.flush();
            flushed = Instant::now();
        }
    }
    assert!(waiting.is_empty(), "every number that was taken was also recorded");
    out.flush();
    Written { in_file: out.flushed, in_memory: out.since, failed: out.failed }
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

    fn event(process: u64, kind: Kind) -> Event {
        let (f, value) = (Value::keyword("read"), Value::Nil);
        let process = Process::Client(process);
        Event { process, kind, f, value, error: None, extra: Vec::new() }
    }

    fn op(index: u64) -> Op {
        let Event { process, kind, f, value, error, extra } = event(index, Kind::Invoke);
        Op { index, time_ns: 0, process, kind, f, value, error, extra }
    }

    #[test]
    fn events_of_many_threads_come_out_dense_in_order_and_as_the_file_has_them() {
        const THREADS: u64 = 8;
        const EACH: usize = 500;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let (recorder, journal) = Recorder::start(&path).unwrap();
        thread::scope(|scope| {
            for process in 0..THREADS {
                let recorder = recorder.clone();
                let kinds = [Kind::Invoke, Kind::Ok].into_iter().cycle().take(EACH);
                scope.spawn(move || kinds.for_each(|kind| recorder.record(event(process, kind))));
            }
        });
        drop(recorder);
        let history = journal.finish().unwrap().history;
        assert!(history.ops().iter().map(|op| op.index).eq(0..THREADS * EACH as u64));
        assert_eq!(
            read_bytes(&std::fs::read(&path).unwrap(), Format::Jsonl).unwrap(),
            history.ops().to_vec()
        );
    }

    #[test]
    fn events_that_arrive_out_of_order_are_put_back() {
        let (events, inbox) = channel();
        [2, 0, 3, 1].map(op).into_iter().for_each(|op| events.send(op).unwrap());
        drop(events);
        let mut file = Vec::new();
        let written = write_in_order(&inbox, &mut file, None);
        assert_eq!(read_bytes(&file, Format::Jsonl).unwrap(), [0, 1, 2, 3].map(op));
        assert_eq!((written.in_file, written.in_memory), (4, Vec::new()), "nothing is kept");
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

    /// A disk with room for so many bytes, which a file is written to.
    struct Room(File, usize);

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.1);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.1 -= fits;
            self.0.write(&bytes[..fits])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_costs_the_file_and_not_the_history() {
        const EVENTS: u64 = 6;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        for room in (0..400).step_by(7) {
            let mut out = Out {
                file: Room(File::create(&path).unwrap(), room),
                flushed: 0,
                since: Vec::new(),
                failed: None,
            };
            for index in 0..EVENTS {
                out.write(op(index));
                if index % 2 == 0 {
                    out.flush();
                }
            }
            let failed = out.failed.expect("there is not room for all");
            assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
            let (in_file, in_memory) = (out.flushed, out.since);
            let written = Written { in_file, in_memory, failed: Some(failed) };
            let recorded = written.read_back(&path).unwrap();
            assert_eq!(recorded.history.ops().to_vec(), (0..EVENTS).map(op).collect::<Vec<_>>());
            assert!(recorded.unwritten.is_some());
        }
    }

    #[test]
    fn a_disk_that_was_full_from_the_start_is_said() {
        let (events, inbox) = channel();
        [0, 1, 2].map(op).into_iter().for_each(|op| events.send(op).unwrap());
        drop(events);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let written = write_in_order(&inbox, full, None);
        assert_eq!((written.in_file, written.in_memory), (0, [0, 1, 2].map(op).to_vec()));
        let error = written.failed.expect("nothing can be written there");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn only_completions_of_clients_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, journal) = Recorder::start(&folder.path().join("history.jsonl")).unwrap();
        recorder.record(event(1, Kind::Invoke));
        recorder.record(Event { kind: Kind::Fail, ..event(1, Kind::Invoke) });
        recorder.record(Event {
            kind: Kind::Info,
            process: Process::nemesis(),
            ..event(0, Kind::Invoke)
        });
        let counts = recorder.counts();
        let counts = [&counts.ok, &counts.fail, &counts.info].map(|c| c.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 1, 0]);
        drop(recorder);
        journal.finish().unwrap();
    }
}
