//! What may become of a request.

use wsgi_core_abi::{MessageId, Outcome};

/// A worker has done with it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The facts.
    pub outcome: Outcome,
    /// The condition that made it fail, if one did.
    pub id: MessageId,
    /// The words for it.
    pub text: String,
}

/// No worker has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFailure {
    /// None became free in time.
    #[error("no process became free within queue-timeout")]
    Busy {
        /// After how many seconds the client may try again.
        retry_after: u32,
    },
    /// There is none that can be reached.
    #[error("no process of the group can be reached")]
    Down {
        /// After how many seconds the client may try again.
        retry_after: u32,
    },
    /// This process of the host can't connect.
    #[error("no process of the group can be connected to: {0}")]
    Unable(String),
    /// The group is ending.
    #[error("the process group is ending")]
    Closed,
    /// The worker ended, or broke off.
    #[error("the process {0}")]
    Lost(String),
    /// The worker said nothing for too long.
    #[error("the process sent nothing within socket-timeout")]
    Silent,
    /// The host did not take the response.
    #[error("the client or the server broke the exchange off")]
    Host,
    /// The worker answered with a header field that is longer than it may be.
    #[error("the header field '{0}' of the response is longer than header-buffer-size")]
    HeaderTooLong(String),
    /// The request can't be sent at all.
    #[error("{0}")]
    Unsendable(String),
}

/// How far it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The host has the head.
    pub head_sent: bool,
    /// Its status code.
    pub code: u16,
    /// Bytes of the body that were read.
    pub bytes_in: u64,
    /// Bytes of the response that the host took.
    pub bytes_out: u64,
}
