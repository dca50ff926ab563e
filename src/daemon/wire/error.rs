//! What can be wrong with what a peer sends, or with what this side wants to send.

use super::frame::Kind;

/// A breach of the protocol. The connection can't be used any more, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer is not a wsgi-core process.
    #[error("the peer does not speak the protocol of wsgi-core")]
    Magic,
    /// Host and worker come from different installations.
    #[error(
        "the peer speaks version {theirs} of the protocol and this side version {}",
        super::VERSION
    )]
    Version {
        /// The peer's version.
        theirs: u32,
    },
    /// The connection leads to another worker, or to an earlier or later process in its place.
    #[error("the peer is not the worker that was meant")]
    Identity,
    /// A frame type that does not exist.
    #[error("unknown frame type {0}")]
    Kind(u8),
    /// A flag that the frame does not have, or a reserved byte that is not zero.
    #[error("{0} frame with unknown flags")]
    Flags(Kind),
    /// A frame that is longer than its type may be. When sending: nothing was written.
    #[error("{kind} frame of {length} bytes, of at most {}", kind.limit())]
    TooLong {
        /// The frame's type.
        kind: Kind,
        /// Its length.
        length: usize,
    },
    /// More pairs than there may be. When sending: nothing was written.
    #[error("{kind} frame with {count} pairs, of at most {}", super::limit::PAIRS)]
    TooMany {
        /// The frame's type.
        kind: Kind,
        /// How many pairs.
        count: usize,
    },
    /// A frame ends before its fields do.
    #[error("{0} frame that is too short for its fields")]
    Short(Kind),
    /// A frame has bytes after its last field.
    #[error("{0} frame that is too long for its fields")]
    Trailing(Kind),
    /// A field with a value that it can't have.
    #[error("{kind} frame with an impossible {field}")]
    Value {
        /// The frame's type.
        kind: Kind,
        /// The field.
        field: &'static str,
    },
    /// A frame at a time when it may not come.
    #[error("{0} frame out of turn")]
    Unexpected(Kind),
    /// More of the body than was granted, or more granted than may be.
    #[error("{0} frame beyond the credit")]
    Credit(Kind),
    /// This side wants to send a frame at a time when it may not: a bug here. Nothing was written.
    #[error("{0} frame must not be sent now")]
    OutOfTurn(Kind),
}
