//! Why a history could not be read.

use std::io;

use thiserror::Error;

use super::HistoryError;
use crate::edn::SyntaxError;

/// A history that could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file is not there, or its compressed stream is damaged.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The text is not what its format says.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The text is well-formed, but no history.
    #[error("line {line}{}: {error}", .earlier_line.map(|line| format!(" (and line {line})")).unwrap_or_default())]
    Malformed {
        /// What is wrong, naming the operations.
        error: HistoryError,
        /// Line of the offending operation.
        line: u64,
        /// Line of the earlier operation that it contradicts.
        earlier_line: Option<u64>,
    },
}
