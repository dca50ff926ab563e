//! The end frame.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::limit;
use super::writer::Writer;
use wsgi_core_abi::{Bytes, MessageId, Outcome, Status};

/// What became of a request: the seam's outcome, and its problem if there was one.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The facts.
    pub outcome: Outcome,
    /// Which documented condition made it fail, or [`MessageId::NONE`].
    pub id: MessageId,
    /// The words for it, without the identifier; may be absent.
    pub text: Bytes<'a>,
}

const HEAD_SENT: u8 = 1;
const COMPLETE: u8 = 2;

pub(super) fn encode(out: &mut Vec<u8>, end: &End<'_>) -> Result<(), Error> {
    let outcome = &end.outcome;
    let mut writer = Writer::new(out, Kind::End, Flags::NONE);
    writer.u32(outcome.status.0 as u32);
    writer.u16(outcome.code);
    writer.u16(end.id.0);
    writer.u64(outcome.bytes_in);
    writer.u64(outcome.bytes_out);
    writer.f64(outcome.application_start);
    writer.f64(outcome.application_finish);
    writer.u8(u8::from(outcome.head_sent) * HEAD_SENT + u8::from(outcome.complete) * COMPLETE);
    writer.raw(&[0; 3]);
    writer.cut(end.text, limit::TEXT);
    writer.finish()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<End<'_>, Error> {
    let mut fields = Fields::new(frame);
    let status = Status(fields.u32()? as i32);
    let code = fields.u16()?;
    let id = MessageId(fields.u16()?);
    let [bytes_in, bytes_out] = [fields.u64()?, fields.u64()?];
    let [application_start, application_finish] = [fields.f64()?, fields.f64()?];
    let flags = fields.flags(HEAD_SENT | COMPLETE)?;
    fields.zeros::<3>()?;
    let text = fields.string()?;
    fields.finish()?;
    if code > 999 {
        return Err(fields.wrong("status code"));
    }
    let outcome = Outcome {
        status,
        code,
        head_sent: flags & HEAD_SENT != 0,
        complete: flags & COMPLETE != 0,
        bytes_in,
        bytes_out,
        application_start,
        application_finish,
    };
    Ok(End { outcome, id, text })
}
