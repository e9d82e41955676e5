//! What is left of a journal after the tester died.
//!
//! Workers stamp events from one sequence but append them in their own time, and the last line may
//! be torn. An event whose predecessors are not all there must not be used: a read that is kept
//! without the write it saw would look like a violation. So the journal is cut before the first
//! index that is missing. What is left is the beginning of a history, and its open operations are
//! indeterminate as in any other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::input::{Events, Parser};
use super::{FORM_LIMIT_BYTES, Format};
use crate::op::Op;

/// The part of a journal that can be judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// The longest gap-free beginning: indices 0, 1, 2, ….
    pub ops: Vec<Op>,
    /// Lines that are not operations: usually one, the last.
    pub damaged_lines: u64,
    /// Operations that were read but stand behind a gap.
    pub behind_gap: u64,
}

/// Recovers what can be judged of the journal in a file.
///
/// # Errors
///
/// When the file cannot be read. Damage is no error.
pub fn recover_path(path: &Path) -> io::Result<Recovered> {
    recover(BufReader::new(File::open(path)?))
}

/// Recovers what can be judged of a journal (JSONL). O(n), since it is nearly in order.
///
/// # Errors
///
/// Those of the input. Damage is no error.
pub fn recover(mut journal: impl BufRead) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut parser = Parser::new(Format::Jsonl);
    let mut events = Events::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = FORM_LIMIT_BYTES as u64;
        if journal.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if parser.journal_line(&line, &mut events).is_err() {
            recovered.damaged_lines += 1;
        }
    }
    recovered.ops = events.into_ops();
    cut_at_gap(&mut recovered);
    Ok(recovered)
}

fn cut_at_gap(recovered: &mut Recovered) {
    let ops = &mut recovered.ops;
    ops.sort_by_key(|op| op.index);
    let whole = ops.iter().zip(0..).take_while(|(op, expected)| op.index == *expected).count();
    recovered.behind_gap = (ops.len() - whole) as u64;
    ops.truncate(whole);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: u64) -> String {
        format!("{{\"index\":{index},\"type\":\"invoke\",\"process\":{index}}}\n")
    }

    fn journal(text: &str) -> (usize, u64, u64) {
        let recovered = recover(text.as_bytes()).unwrap();
        (recovered.ops.len(), recovered.damaged_lines, recovered.behind_gap)
    }

    #[test]
    fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
        let (whole, last) = (line(0) + &line(1), line(2));
        for cut in 1..last.len() - 1 {
            assert_eq!(journal(&(whole.clone() + &last[..cut])), (2, 1, 0), "{cut}");
        }
        assert_eq!(
            journal(&(whole + last.trim_end())),
            (3, 0, 0),
            "only the line break is missing"
        );
    }

    #[test]
    fn lines_out_of_order_are_put_in_order() {
        assert_eq!(journal(&[line(1), line(0), line(3), line(2)].concat()), (4, 0, 0));
    }

    #[test]
    fn nothing_behind_a_gap_is_kept() {
        assert_eq!(journal(&[line(0), line(3), line(1)].concat()), (2, 0, 1));
        assert_eq!(journal(&[line(0), "\0\0\0\n".into(), line(2)].concat()), (1, 1, 1));
        assert_eq!(journal(&line(1)), (0, 0, 1));
        assert_eq!(journal(&[line(0), line(1), line(1), line(2)].concat()), (2, 0, 2));
        assert_eq!(journal(""), (0, 0, 0));
    }
}
