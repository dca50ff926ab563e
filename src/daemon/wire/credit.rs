//! How much of a request body may be sent, as each side counts it.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::limit;
use super::writer::Writer;

/// Bytes that were granted and not used yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Credit(u32);

impl Credit {
    /// Adds what was granted.
    pub fn grant(&mut self, bytes: u32) -> Result<(), Error> {
        let total = self
            .0
            .checked_add(bytes)
            .filter(|total| *total <= limit::CREDIT);
        self.0 = total.ok_or(Error::Credit(Kind::Credit))?;
        Ok(())
    }

    /// Uses some.
    pub fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        let bytes = u32::try_from(bytes).map_err(|_| Error::Credit(Kind::Body))?;
        self.0 = self.0.checked_sub(bytes).ok_or(Error::Credit(Kind::Body))?;
        Ok(())
    }

    /// What is left.
    pub const fn left(self) -> u32 {
        self.0
    }
}

pub(super) fn encode(out: &mut Vec<u8>, bytes: u32) -> Result<(), Error> {
    let mut writer = Writer::new(out, Kind::Credit, Flags::NONE);
    writer.u32(bytes);
    writer.finish()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<u32, Error> {
    let mut fields = Fields::new(frame);
    let bytes = fields.u32()?;
    fields.finish()?;
    if bytes == 0 {
        Err(fields.wrong("amount"))
    } else {
        Ok(bytes)
    }
}
