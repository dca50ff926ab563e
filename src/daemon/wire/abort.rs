//! The abort frame.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::limit;
use super::writer::Writer;
use wsgi_core_abi::Bytes;

/// Why a side gives up.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// Host: the client has gone, or did not take the response.
    ClientGone = 1,
    /// Either: the other side broke the protocol.
    Protocol = 2,
    /// Worker: it takes no request any more; the request was not handed to application code, and another
    /// worker may have it.
    Refused = 3,
    /// Worker: the connection was meant for another worker; as for `Refused`.
    WrongWorker = 4,
    /// Either: a bug, or a failure of the system, on this side.
    Failed = 5,
}

/// An abort frame.
#[derive(Clone, Copy, Debug)]
pub struct Abort<'a> {
    /// Why.
    pub reason: AbortReason,
    /// More words, for the log; may be empty.
    pub text: Bytes<'a>,
}

impl<'a> Abort<'a> {
    /// An abort for a reason that needs no more words, or with them.
    #[must_use]
    pub const fn new(reason: AbortReason, text: &'a str) -> Self {
        Self {
            reason,
            text: Bytes::new(text.as_bytes()),
        }
    }

    /// Whether the request may be given to another worker.
    #[must_use]
    pub const fn may_retry(&self) -> bool {
        matches!(self.reason, AbortReason::Refused | AbortReason::WrongWorker)
    }
}

pub(super) fn encode(out: &mut Vec<u8>, abort: &Abort<'_>) -> Result<(), Error> {
    let mut writer = Writer::new(out, Kind::Abort, Flags::NONE);
    writer.u8(abort.reason as u8);
    writer.raw(&[0; 3]);
    writer.cut(abort.text, limit::REASON);
    writer.finish()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<Abort<'_>, Error> {
    let mut fields = Fields::new(frame);
    let number = fields.u8()?;
    let reason = reason(number).ok_or(fields.wrong("reason"))?;
    fields.zeros::<3>()?;
    let text = fields.string()?;
    fields.finish()?;
    Ok(Abort { reason, text })
}

const fn reason(number: u8) -> Option<AbortReason> {
    Some(match number {
        1 => AbortReason::ClientGone,
        2 => AbortReason::Protocol,
        3 => AbortReason::Refused,
        4 => AbortReason::WrongWorker,
        5 => AbortReason::Failed,
        _ => return None,
    })
}
