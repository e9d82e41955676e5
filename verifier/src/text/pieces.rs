//! Reading a long text in pieces, on a thread each.
//!
//! Histories have an operation a line, so the text is cut at line ends. Whether that was right shows
//! itself: no token goes on beyond a line end unless it is a string, so a piece that begins between
//! two operations and is a sequence of whole ones ends between two, where the next piece begins.
//! If one is not (operations of several lines, one large vector, nonsense), the pieces are
//! forgotten, and the text is read as a whole.

use super::cursor::Read;
use super::events::Event;
use crate::threads;

/// Shorter pieces are not worth a thread.
const BYTES_MIN: usize = 1 << 20;

/// Longer ones would be kept twice for long: as read, and put together.
const BYTES_MAX: usize = 8 << 20;

/// The events of a text that is long enough, and a sequence of pieces.
pub(super) fn events(text: &[u8], read: fn(&[u8]) -> Read<Vec<Event>>) -> Option<Vec<Event>> {
    let count = threads::cores().max(text.len() / BYTES_MAX);
    match cut(text, count.min(text.len() / BYTES_MIN)) {
        pieces if pieces.len() > 1 => side_by_side(&pieces, read),
        _ => None,
    }
}

/// Cuts a text into about as many pieces of whole lines.
fn cut(text: &[u8], count: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for left in (2..=count).rev() {
        let about = rest.len() / left;
        let Some(end) = rest[about..].iter().position(|byte| *byte == b'\n') else { break };
        let (piece, after) = rest.split_at(about + end + 1);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

fn side_by_side(pieces: &[&[u8]], read: fn(&[u8]) -> Read<Vec<Event>>) -> Option<Vec<Event>> {
    let mut events = Some(Vec::new());
    threads::each(
        pieces,
        |piece| read(piece),
        |piece| match (&mut events, piece) {
            (Some(events), Ok(first)) if events.is_empty() => *events = first,
            (Some(events), Ok(more)) => events.extend(more),
            _ => events = None,
        },
    );
    events
}

#[cfg(test)]
mod tests {
    use super::super::{edn, json, log};
    use super::*;

    /// What the pieces give, which must be what the whole gives, if they give anything.
    fn by_pieces(text: &str, read: fn(&[u8]) -> Read<Vec<Event>>) -> bool {
        let whole = read(text.as_bytes());
        let mut agreed = false;
        for count in 2..=text.len() {
            if let Some(events) = side_by_side(&cut(text.as_bytes(), count), read) {
                assert_eq!(Ok(events), whole, "{count} pieces of {text}");
                agreed = true;
            }
        }
        agreed
    }

    #[test]
    fn pieces_are_whole_lines_and_all_of_the_text() {
        let text = b"one\ntwo\nthree\nfour";
        for count in 0..30 {
            let pieces = cut(text, count);
            assert_eq!(pieces.concat(), text);
            let (_, ended) = pieces.split_last().expect("there is one at least");
            assert!(ended.iter().all(|piece| piece.ends_with(b"\n")), "{pieces:?}");
        }
        assert_eq!(cut(text, 2), [&b"one\ntwo\nthree\n"[..], b"four"]);
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
