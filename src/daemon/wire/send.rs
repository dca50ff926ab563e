//! Data and file frames: what the seam's `send` and `send_file` say.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, HEADER_LEN, Header, Kind, check_length};
use super::writer::Writer;
use wsgi_core_abi::SendFlags;

/// Header of a block whose bytes are sent from where they are.
pub(super) fn block_header(
    kind: Kind,
    flags: Flags,
    length: usize,
) -> Result<[u8; HEADER_LEN], Error> {
    check_length(kind, length)?;
    Ok(Header {
        kind,
        flags,
        length: length as u32,
    }
    .encode())
}

/// The seam's flags as a frame's; those that the frame does not have are left out.
pub(super) fn to_wire(flags: SendFlags, known: SendFlags) -> Flags {
    Flags((flags.0 & known.0) as u8)
}

/// Flags of a frame, or of a piece of one: what they ask for happens after the last piece.
pub(super) fn from_wire(frame: Frame<'_>) -> SendFlags {
    if frame.rest > 0 {
        SendFlags::MORE
    } else {
        SendFlags(frame.header.flags.0.into())
    }
}

pub(super) fn encode_file(
    out: &mut Vec<u8>,
    offset: u64,
    length: u64,
    flags: SendFlags,
) -> Result<(), Error> {
    let known = SendFlags::FLUSH
        .with(SendFlags::END)
        .with(SendFlags::SENDFILE);
    let mut writer = Writer::new(out, Kind::File, to_wire(flags, known));
    writer.u64(offset);
    writer.u64(length);
    writer.finish()
}

/// Offset and length. Their sum is a file offset, so that no one who adds them overflows.
pub(super) fn decode_file(frame: Frame<'_>) -> Result<(u64, u64), Error> {
    let mut fields = Fields::new(frame);
    let (offset, length) = (fields.u64()?, fields.u64()?);
    fields.finish()?;
    let end = offset
        .checked_add(length)
        .and_then(|end| i64::try_from(end).ok());
    end.map(|_| (offset, length)).ok_or(fields.wrong("range"))
}
