//! Operations as EDN, in the order of keys in which Jepsen prints them, and as its log lines.

use std::io::{self, Write};

use super::view::OpRef;
use crate::edn::{write_integer, write_natural, write_value_edn};
use crate::op::Process;

/// Writes an operation as one line of EDN, without the line break.
///
/// # Errors
///
/// Those of `out`.
pub fn write_edn<'h>(op: impl Into<OpRef<'h>>, out: &mut impl Write) -> io::Result<()> {
    let op = op.into();
    out.write_all(b"{:index ")?;
    write_natural(op.index, out)?;
    out.write_all(b", :time ")?;
    write_integer(op.time_ns, out)?;
    out.write_all(b", :type :")?;
    out.write_all(op.kind.word().as_bytes())?;
    out.write_all(b", :process ")?;
    write_process(op, out)?;
    out.write_all(b", :f ")?;
    write_value_edn(op.f, out)?;
    out.write_all(b", :value ")?;
    write_operand(op, out)?;
    if let Some(error) = op.error {
        out.write_all(b", :error ")?;
        write_value_edn(error, out)?;
    }
    for (key, value) in op.extra {
        out.write_all(b", ")?;
        write_value_edn(key, out)?;
        out.write_all(b" ")?;
        write_value_edn(value, out)?;
    }
    out.write_all(b"}")
}

/// Writes an operation as a line of Jepsen's `history.txt`, with its line break: process, type, f,
/// value and error between tabs.
///
/// # Errors
///
/// Those of `out`.
pub fn write_log<'h>(op: impl Into<OpRef<'h>>, out: &mut impl Write) -> io::Result<()> {
    let op = op.into();
    write_process(op, out)?;
    out.write_all(b"\t:")?;
    out.write_all(op.kind.word().as_bytes())?;
    out.write_all(b"\t")?;
    write_value_edn(op.f, out)?;
    out.write_all(b"\t")?;
    write_operand(op, out)?;
    if let Some(error) = op.error {
        out.write_all(b"\t")?;
        write_value_edn(error, out)?;
    }
    out.write_all(b"\n")
}

fn write_process(op: OpRef<'_>, out: &mut impl Write) -> io::Result<()> {
    match op.process {
        Process::Client(number) => write_natural(*number, out),
        Process::Other(name) => write_value_edn(name, out),
    }
}

/// Writes the value of an operation; a pair is not put together for that.
fn write_operand(op: OpRef<'_>, out: &mut impl Write) -> io::Result<()> {
    let Some([key, value]) = op.pair() else { return write_value_edn(op.value(), out) };
    out.write_all(b"[")?;
    write_value_edn(key, out)?;
    out.write_all(b" ")?;
    write_value_edn(value, out)?;
    out.write_all(b"]")
}
