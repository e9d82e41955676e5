//! Work on all cores, where there is enough of it: to wake another thread takes as long as some
//! thousand looks at an operation, and much longer on a busy machine. Whoever judges many small
//! histories would do nothing else.

/// As many operations at least are looked at in one go.
pub(crate) const EACH: usize = 1 << 11;

/// Does two things, at the same time if that is worth it.
pub(crate) fn both<A: Send, B: Send>(
    is_worth_it: bool,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if is_worth_it { rayon::join(one, other) } else { (one(), other()) }
}
