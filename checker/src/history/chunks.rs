//! Reading large input in parallel.
//!
//! Histories are written with one operation a line, so the input is cut at line ends into chunks
//! that are read on their own and handed on in order. Whether the cutting was right shows itself: a
//! chunk that starts between two forms and is read to its end without complaint ends between two
//! forms, and so the next one starts there. The first chunk that is not read so (it holds a form
//! of several lines, is part of one large vector, or is wrong) is given back with everything behind
//! it, and read through the window like any other input: the same operations, the same errors.
//!
//! At most four chunks a thread are in flight, and their memory is used again and again.

use std::io;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::input::{Events, Parser, fill};
use super::{Format, ReadError};
use crate::edn::{Place, Rest, count_lines};

/// Lines beyond this are no lines of a history.
const LONGEST_LINE_BYTES: usize = 16 << 20;

/// How many chunks each thread has: who waits for a thread that does not run has something else to do.
const IN_FLIGHT: usize = 4;

/// Whoever puts chunks together keeps up with no more threads that read them.
const THREADS_MAX: usize = 8;

/// A piece of the input with what was read of it.
#[derive(Default)]
struct Chunk {
    text: Vec<u8>,
    lines: u64,
    events: Events,
    outcome: Outcome,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Outcome {
    /// It is a sequence of whole forms, and all were read.
    #[default]
    Whole,
    /// It is something else; whatever was read of it does not count.
    Irregular,
}

/// A thread that reads chunks.
struct Worker {
    to: SyncSender<Chunk>,
    from: Receiver<Chunk>,
}

/// Reads the input, which begins with `head`, as far as it can be cut. Returns the rest of it that
/// has been fetched and not been read, and moves `place` to where that begins.
pub(super) fn read<E: From<ReadError>>(
    input: &mut impl io::Read,
    format: Format,
    head: Vec<u8>,
    chunk_bytes: usize,
    place: &mut Place,
    take: &mut impl FnMut(&Events, u64) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    thread::scope(|scope| {
        let workers: Vec<Worker> = (0..threads)
            .map(|_| {
                let (to, inbox) = sync_channel::<Chunk>(IN_FLIGHT);
                let (outbox, from) = sync_channel(IN_FLIGHT);
                scope.spawn(move || work(format, &inbox, &outbox));
                Worker { to, from }
            })
            .collect();
        let mut crew = Crew { workers: &workers, given: 0, taken: 0, spare: Vec::new() };
        let cutter = Cutter { input, chunk_bytes, carried: head, rest: Rest::Unknown };
        crew.read(cutter, place, take)
    })
}

fn work(format: Format, inbox: &Receiver<Chunk>, outbox: &SyncSender<Chunk>) {
    let mut parser = Parser::new(format);
    for mut chunk in inbox {
        chunk.events.clear();
        chunk.lines = count_lines(&chunk.text);
        chunk.outcome = match parser.chunk(format, &chunk.text, &mut chunk.events) {
            Ok(()) => Outcome::Whole,
            Err(_) => Outcome::Irregular,
        };
        if outbox.send(chunk).is_err() {
            return;
        }
    }
}

/// All workers, served in turn, so that chunks come back in order.
struct Crew<'w> {
    workers: &'w [Worker],
    given: usize,
    taken: usize,
    spare: Vec<Chunk>,
}

impl Crew<'_> {
    fn read<E: From<ReadError>>(
        &mut self,
        mut cutter: Cutter<'_, impl io::Read>,
        place: &mut Place,
        take: &mut impl FnMut(&Events, u64) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let mut failure = None;
        loop {
            while failure.is_none() && self.given - self.taken < IN_FLIGHT * self.workers.len() {
                let chunk = self.spare.pop().unwrap_or_default();
                match cutter.cut(chunk) {
                    Ok(Some(chunk)) => self.give(chunk),
                    Ok(None) => break,
                    Err(error) => failure = Some(error),
                }
            }
            let Some(chunk) = self.take() else { break };
            if chunk.outcome == Outcome::Irregular {
                let mut rest = chunk.text;
                while let Some(chunk) = self.take() {
                    rest.extend(chunk.text);
                }
                rest.append(&mut cutter.carried);
                return Ok(rest);
            }
            take(&chunk.events, place.lines)?;
            place.offset += chunk.text.len() as u64;
            place.lines += chunk.lines;
            self.spare.push(chunk);
        }
        failure.map_or(Ok(cutter.carried), |error| Err(ReadError::Io(error).into()))
    }

    fn give(&mut self, chunk: Chunk) {
        let to = &self.workers[self.given % self.workers.len()].to;
        to.send(chunk).expect("workers end after their channels");
        self.given += 1;
    }

    fn take(&mut self) -> Option<Chunk> {
        if self.taken == self.given {
            return None;
        }
        let from = &self.workers[self.taken % self.workers.len()].from;
        self.taken += 1;
        Some(from.recv().expect("a worker gives back every chunk, unless it panicked"))
    }
}

/// Cuts the input at line ends.
struct Cutter<'i, R> {
    input: &'i mut R,
    chunk_bytes: usize,
    /// What was fetched behind the last cut.
    carried: Vec<u8>,
    rest: Rest,
}

impl<R: io::Read> Cutter<'_, R> {
    /// The next chunk, in the memory of an old one; `None` at the end, or where the lines do not
    /// look like those of a history.
    fn cut(&mut self, mut chunk: Chunk) -> io::Result<Option<Chunk>> {
        chunk.text.clear();
        chunk.text.append(&mut self.carried);
        loop {
            let missing = self.chunk_bytes.saturating_sub(chunk.text.len());
            if self.rest == Rest::Unknown && missing > 0 {
                self.rest = fill(&mut chunk.text, missing, self.input)?;
            }
            let end = match self.rest {
                Rest::Nothing => chunk.text.len(),
                Rest::Unknown => {
                    chunk.text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
                }
            };
            if end > 0 {
                self.carried.extend_from_slice(&chunk.text[end..]);
                chunk.text.truncate(end);
                return Ok(Some(chunk));
            }
            if self.rest == Rest::Nothing || chunk.text.len() > LONGEST_LINE_BYTES {
                self.carried = chunk.text;
                return Ok(None);
            }
            self.rest = fill(&mut chunk.text, self.chunk_bytes, self.input)?;
        }
    }
}
