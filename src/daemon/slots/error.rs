//! What can go wrong with a table, and why there is no slot.
#![forbid(unsafe_code)]

/// A table can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("{call} failed: {source}")]
    System {
        /// What was tried.
        call: &'static str,
        /// The system's words.
        source: std::io::Error,
    },
    /// More of something than a table can have, or none of it.
    #[error("a table of slots can't have {count} {what}")]
    Layout {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u32,
    },
    /// A descriptor that is not a table of this version.
    #[error("the descriptor is not a table of slots of this version")]
    Foreign,
    /// As many processes as there may be have attached.
    #[error("too many processes use the table of slots")]
    Crowded,
    /// The row does not exist.
    #[error("the table of slots has no row {0}")]
    NoRow(u32),
    /// The lock was not to be had: its holder lives, but does not go on.
    #[error("the table of slots is locked by a process that does not go on")]
    Stuck,
}

/// Why a request got no slot. All of them are answered with 503, and all but `Closed` with Retry-After.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No slot became free in time.
    #[error("no worker became free in time")]
    Timeout,
    /// As many requests wait as can.
    #[error("too many requests wait for a worker")]
    Full,
    /// The process group is ending.
    #[error("the process group is ending")]
    Closed,
    /// As [`Error::Stuck`].
    #[error("the table of slots is locked by a process that does not go on")]
    Stuck,
}
