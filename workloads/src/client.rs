//! What the runner knows of a client: it performs one call at a time, once.

use async_trait::async_trait;

use crate::{Call, Outcome};

/// One process's line to the system under test.
///
/// The contract that verdicts rest on: a call is sent at most once, whatever happens; `Fail` is
/// only said with proof that the call did not and will not take effect; and after an answer that
/// did not come, the connection is gone, so that it can never be mistaken for the next one.
#[async_trait]
pub trait Client: Send {
    /// Performs `call` within the client's time limit.
    async fn invoke(&mut self, call: &Call) -> Outcome;

    /// Closes the connection. Dropping the client does so too; this one waits for it.
    async fn close(&mut self) {}
}

/// Opens clients. Opening is cheap and touches no network: the first call connects.
pub trait Connect: Send + Sync {
    /// A client of its own for `process`, pinned to `node` (counted from 0) unless the route says
    /// otherwise.
    fn open(&self, node: usize, process: u64) -> Box<dyn Client>;
}
