//! Operations as EDN, in the order of keys in which Jepsen prints them.

use std::io::{self, Write};

use super::view::OpRef;
use crate::edn::write_value_edn;
use crate::op::Process;

/// Writes an operation as one line of EDN, without the line break.
///
/// # Errors
///
/// Those of `out`.
pub fn write_edn<'h>(op: impl Into<OpRef<'h>>, out: &mut impl Write) -> io::Result<()> {
    let op = op.into();
    write!(out, "{{:index {}, :time {}, :type :{}", op.index, op.time_ns, op.kind.word())?;
    match op.process {
        Process::Client(number) => write!(out, ", :process {number}")?,
        Process::Other(name) => {
            out.write_all(b", :process ")?;
            write_value_edn(name, out)?;
        }
    }
    out.write_all(b", :f ")?;
    write_value_edn(op.f, out)?;
    out.write_all(b", :value ")?;
    write_value_edn(op.value(), out)?;
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
