//! Why a request did not come to an end, before anybody decides what to do about it.

use super::super::wire::{self, Abort};
use super::{ClientFailure, Facts};
use std::io;

/// Why a request did not come to an end.
#[derive(Debug)]
pub enum Broken {
    /// Nobody listens there.
    Unreachable,
    /// This process can't connect, wherever to.
    Unable(io::Error),
    /// Someone listens there who has no right to.
    Foreign(u32),
    /// The connection was closed, perhaps while it was idle: nothing came over it since the request was sent.
    Stale,
    /// The worker does not take it.
    Refused,
    /// The worker has gone.
    Lost,
    /// It says nothing.
    Silent,
    /// It gave up, and says why.
    Aborted(String),
    /// It does not keep to the protocol.
    Wire(wire::Error),
    /// The host did not take something.
    Host,
    /// A header field is longer than it may be: its name.
    HeaderTooLong(String),
}

impl Broken {
    /// What reading or writing says.
    pub fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::Lost,
        }
    }

    /// What the worker says.
    pub fn from_abort(abort: &Abort<'_>) -> Self {
        if abort.may_retry() {
            return Self::Refused;
        }
        Self::Aborted(String::from_utf8_lossy(abort.text.as_slice()).into_owned())
    }

    /// What becomes of a request of which so much is known, and of whose body something was read if it is `touched`.
    pub fn into_failure(self, facts: &Facts, touched: bool) -> ClientFailure {
        match self {
            Self::Unreachable | Self::Stale | Self::Refused | Self::Lost => {
                let when = match (facts.head_sent, touched) {
                    (true, _) => "ended before the response was complete",
                    (false, false) => "ended before it answered",
                    (false, true) => "ended before it answered, while it read the request body",
                };
                ClientFailure::Lost(when.to_owned())
            }
            Self::Foreign(uid) => {
                ClientFailure::Lost(format!("belongs to user {uid}, who has no right to it"))
            }
            Self::Unable(error) => ClientFailure::Unable(error.to_string()),
            Self::Silent => ClientFailure::Silent,
            Self::Aborted(text) if text.is_empty() => ClientFailure::Lost("gave up".to_owned()),
            Self::Aborted(text) => ClientFailure::Lost(format!("gave up: {text}")),
            Self::Wire(error @ (wire::Error::TooLong { .. } | wire::Error::TooMany { .. })) => {
                ClientFailure::Unsendable(error.to_string())
            }
            Self::Wire(error) => ClientFailure::Lost(format!("broke the protocol: {error}")),
            Self::Host => ClientFailure::Host,
            Self::HeaderTooLong(name) => ClientFailure::HeaderTooLong(name),
        }
    }
}

impl From<wire::Error> for Broken {
    fn from(error: wire::Error) -> Self {
        Self::Wire(error)
    }
}
