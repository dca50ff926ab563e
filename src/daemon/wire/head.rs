//! The head frame.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::pairs;
use super::writer::Writer;
use wsgi_core_abi::{Bytes, Head, Pair, Pairs};

/// A head frame that was received.
#[derive(Clone, Debug)]
pub struct ResponseHead<'a> {
    code: u16,
    status: Bytes<'a>,
    content_length: i64,
    error_page: bool,
    /// Header fields in order.
    pub headers: Vec<Pair<'a>>,
}

impl ResponseHead<'_> {
    /// Whether the host answers with an error page of its own.
    #[must_use]
    pub const fn is_error_page(&self) -> bool {
        self.error_page
    }

    /// The head as it crosses the seam.
    #[must_use]
    pub fn head(&self) -> Head<'_> {
        Head {
            code: self.code,
            status: self.status,
            headers: Pairs::new(&self.headers),
            content_length: self.content_length,
            error_page: self.error_page,
        }
    }
}

pub(super) fn encode(out: &mut Vec<u8>, head: &Head<'_>) -> Result<(), Error> {
    let headers = head.headers.as_slice();
    let pairs_length = pairs::check(Kind::Head, headers)?;
    let flags = if head.error_page {
        Flags::ERROR_PAGE
    } else {
        Flags::NONE
    };
    let mut writer = Writer::new(out, Kind::Head, flags);
    writer.reserve(256 + pairs_length);
    writer.u64(head.content_length as u64);
    writer.u16(head.code);
    writer.u16(0);
    writer.string(head.status);
    pairs::write(&mut writer, headers);
    writer.finish()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<ResponseHead<'_>, Error> {
    let mut fields = Fields::new(frame);
    let content_length = fields.i64()?;
    let code = fields.u16()?;
    fields.zeros::<2>()?;
    let status = fields.string()?;
    let headers = pairs::read(&mut fields)?;
    fields.finish()?;
    if code > 999 {
        return Err(fields.wrong("status code"));
    }
    if content_length < -1 {
        return Err(fields.wrong("content length"));
    }
    let error_page = frame.header.flags.has(Flags::ERROR_PAGE);
    Ok(ResponseHead {
        code,
        status,
        content_length,
        error_page,
        headers,
    })
}
