//! The first frame each way.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::writer::Writer;

/// Version of the protocol. Both sides are built from one tree, so they speak the same version or are a mixed
/// installation, which is refused.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"wsgicore";

/// Which worker: its row in the table of slots and the generation of the process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The row.
    pub row: u32,
    /// The generation.
    pub generation: u32,
}

pub(super) fn encode(out: &mut Vec<u8>, identity: Identity) -> Result<(), Error> {
    let mut writer = Writer::new(out, Kind::Hello, Flags::NONE);
    writer.raw(MAGIC);
    writer.u32(VERSION);
    writer.u32(identity.row);
    writer.u32(identity.generation);
    writer.finish()
}

/// Magic and version keep their places in every version; what follows belongs to this one.
pub(super) fn decode(frame: Frame<'_>) -> Result<Identity, Error> {
    let mut fields = Fields::new(frame);
    if fields.take(MAGIC.len())? != MAGIC {
        return Err(Error::Magic);
    }
    let theirs = fields.u32()?;
    if theirs != VERSION {
        return Err(Error::Version { theirs });
    }
    let identity = Identity {
        row: fields.u32()?,
        generation: fields.u32()?,
    };
    fields.finish()?;
    Ok(identity)
}
