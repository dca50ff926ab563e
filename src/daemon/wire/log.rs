//! The log frame.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::limit;
use super::request::level;
use super::writer::Writer;
use wsgi_core_abi::{LogRecord, MessageId};

pub(super) fn encode(out: &mut Vec<u8>, record: &LogRecord<'_>) -> Result<(), Error> {
    let mut writer = Writer::new(out, Kind::Log, Flags::NONE);
    writer.u8(record.level as u8);
    writer.u8(0);
    writer.u16(record.id.0);
    writer.u32(record.line);
    writer.cut(record.text, limit::TEXT);
    writer.cut(record.file, limit::FILE_NAME);
    writer.finish()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<LogRecord<'_>, Error> {
    let mut fields = Fields::new(frame);
    let level = level(&mut fields)?;
    fields.zeros::<1>()?;
    let id = MessageId(fields.u16()?);
    let line = fields.u32()?;
    let record = LogRecord {
        level,
        id,
        text: fields.string()?,
        file: fields.string()?,
        line,
    };
    fields.finish()?;
    Ok(record)
}
