//! Reading a long text in pieces, on a thread each; the text of a piece is forgotten once it is read.
//!
//! Histories have an operation a line, so the text is cut at line ends. Whether that was right shows
//! itself: no token goes on beyond a line end unless it is a string, so a piece that begins between
//! two operations and is a sequence of whole ones ends between two, where the next piece begins.
//! If one is not (operations of several lines, one large vector, nonsense), the pieces are
//! forgotten, and the text is read as a whole.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Reader;
use super::events::Events;
use crate::threads::{self, cores};

/// The first piece is not longer than this, since a short text is not worth a thread; the next ones
/// are twice as long as the one before.
const BYTES_MIN: usize = 1 << 20;

/// Longer ones would occupy more than they save.
const BYTES_MAX: usize = 8 << 20;

/// More threads than this would wait for the text, which one of them at a time unpacks.
const THREADS_MAX: usize = 8;

/// A text in pieces of whole lines.
pub(super) struct Pieces<R> {
    text: R,
    /// What was read of the next piece.
    begun: Vec<u8>,
    /// About how long that becomes.
    bytes: usize,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn of(text: R) -> Pieces<R> {
        Pieces { text, begun: Vec::new(), bytes: BYTES_MIN, ended: false }
    }

    /// Whether all of the text has been handed out.
    pub(super) fn have_ended(&self) -> bool {
        self.ended && self.begun.is_empty()
    }

    /// Whatever is left of the text.
    pub(super) fn into_text(self) -> R {
        self.text
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        while !self.ended {
            let wanted = self.bytes.saturating_sub(self.begun.len()).max(1) as u64;
            let read = self.text.by_ref().take(wanted).read_to_end(&mut self.begun)?;
            self.ended = (read as u64) < wanted;
            let line_end = self.begun.iter().rposition(|byte| *byte == b'\n');
            match line_end {
                Some(at) if !self.ended => {
                    let rest = self.begun.split_off(at + 1);
                    self.bytes = BYTES_MAX.min(self.bytes * 2);
                    return Ok(std::mem::replace(&mut self.begun, rest));
                }
                // One long line.
                None if !self.ended => self.bytes = self.begun.len() * 2,
                _ => {}
            }
        }
        Ok(std::mem::take(&mut self.begun))
    }
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        if self.have_ended() {
            return None;
        }
        match self.read() {
            Ok(piece) if piece.is_empty() => None,
            read => Some(read),
        }
    }
}

/// The events of a sequence of pieces, if it is one.
pub(super) fn events(
    pieces: impl Iterator<Item = io::Result<Vec<u8>>> + Send,
    read: Reader,
) -> io::Result<Option<Events>> {
    let failed = AtomicBool::new(false);
    let mut events = Ok(Some(Events::default()));
    threads::each(
        cores().min(THREADS_MAX),
        pieces.take_while(|_| !failed.load(Ordering::Relaxed)),
        |piece| piece.map(|piece| read(&piece)),
        |piece| {
            match (&mut events, piece) {
                (Ok(Some(events)), Ok(Ok(piece))) => return events.append(piece),
                (Ok(_), Ok(_)) => events = Ok(None),
                (Ok(_), Err(error)) => events = Err(error),
                (Err(_), _) => {}
            }
            failed.store(true, Ordering::Relaxed);
        },
    );
    events
}

#[cfg(test)]
mod tests {
    use super::super::{edn, json, log};
    use super::*;

    fn cut(text: &[u8], bytes: usize) -> Vec<Vec<u8>> {
        let pieces = Pieces { bytes, ..Pieces::of(text) };
        pieces.map(|piece| piece.expect("memory can be read")).collect()
    }

    fn in_pieces(text: &str, bytes: usize, read: Reader) -> Option<Events> {
        let pieces = cut(text.as_bytes(), bytes).into_iter().map(Ok);
        events(pieces, read).expect("memory can be read")
    }

    /// Whether pieces, and not the whole as the only one, give anything: what the whole gives.
    fn by_pieces(text: &str, read: Reader) -> bool {
        let whole = read(text.as_bytes()).map(Events::from);
        let mut agreed = false;
        for bytes in 1..text.len() / 2 {
            if let Some(events) = in_pieces(text, bytes, read) {
                let whole = whole.as_ref().expect("pieces of it were read");
                let all =
                    |events: &Events| format!("{:?}", events.iter().map(said).collect::<Vec<_>>());
                assert_eq!(all(&events), all(whole), "pieces from {bytes} bytes on of {text}");
                agreed |= cut(text.as_bytes(), bytes).len() > 1;
            }
        }
        agreed
    }

    fn said(event: super::super::Event<'_>) -> (u64, Option<u64>, String, String) {
        (event.index, event.process(), event.f().to_string(), event.value().to_string())
    }

    #[test]
    fn pieces_are_whole_lines_and_all_of_the_text() {
        let text = b"one\ntwo\nthree\nfour";
        for bytes in 1..30 {
            let pieces = cut(text, bytes);
            assert_eq!(pieces.concat(), text);
            let (_, ended) = pieces.split_last().expect("there is one at least");
            assert!(ended.iter().all(|piece| piece.ends_with(b"\n")), "{pieces:?}");
        }
        assert_eq!(cut(text, 5), [&b"one\n"[..], b"two\nthree\n", b"four"]);
        assert_eq!(cut(b"", 5), [b""; 0]);
    }

    #[test]
    fn a_text_that_cannot_be_read_any_more_is_an_error_and_no_shorter_text() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let line = "{:process 0, :type :invoke, :f :read}\n";
        let text = Read::chain(line.as_bytes(), Broken);
        let error = events(Pieces { bytes: 10, ..Pieces::of(text) }.take(5), edn::events);
        assert_eq!(error.expect_err("it is not all there").to_string(), "the disk is gone");
    }

    #[test]
    fn pieces_say_what_the_whole_says() {
        let edn = "{:process 0, :type :invoke, :f :read, :value nil}\n; {\n\n\
                   [0 :ok :read \"x\"]\n#_{:process 1}\n{:process 0 :type :invoke :f :read}\n";
        assert!(by_pieces(edn, edn::events));
        let jsonl = "{\"process\":0,\"type\":\"invoke\",\"f\":\"txn\",\"value\":[[\"r\",1,null]]}\n\
                     {\"process\":0,\"type\":\"ok\",\"f\":\"txn\",\"value\":[[\"r\",1,[2]]]}\n\n";
        assert!(by_pieces(jsonl, json::events));
        let log = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO nothing\n\
                   INFO  jepsen.util - 0\t:ok\t:read\t1\n";
        assert!(by_pieces(log, log::events));
    }

    #[test]
    fn what_goes_on_beyond_a_line_is_read_as_a_whole() {
        let several = "{:process 0,\n:type :invoke,\n:f :read}\n";
        assert!(!by_pieces(several, edn::events));
        let string = "{:process 0, :type :invoke, :f :write, :value \"\n{:process 1}\n\"}\n";
        assert!(!by_pieces(string, edn::events));
        let one = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}";
        assert!(!by_pieces(&format!("[{one}\n]"), json::events));
        assert!(!by_pieces("{:process 0, :type :invoke} #_\n{}\n", edn::events));
    }
}
