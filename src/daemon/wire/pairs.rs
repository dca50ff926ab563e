//! Arrays of names and values: a count, then all lengths, then all bytes, so that both are read in one sweep.

use super::error::Error;
use super::fields::{ABSENT, Fields};
use super::frame::Kind;
use super::limit;
use super::writer::{Writer, string_len};
use wsgi_core_abi::{Bytes, Pair};

/// Two lengths.
const ENTRY: usize = 8;

/// Refuses more pairs, or more bytes in them, than a frame may hold, before anything is copied. Gives the
/// number of bytes they take.
pub(super) fn check(kind: Kind, pairs: &[Pair<'_>]) -> Result<usize, Error> {
    if pairs.len() > limit::PAIRS {
        return Err(Error::TooMany {
            kind,
            count: pairs.len(),
        });
    }
    let strings = pairs
        .iter()
        .map(|pair| pair.name.as_slice().len() + pair.value.as_slice().len());
    let length = 4 + ENTRY * pairs.len() + strings.sum::<usize>();
    super::frame::check_length(kind, length)?;
    Ok(length)
}

pub(super) fn write(writer: &mut Writer<'_>, pairs: &[Pair<'_>]) {
    writer.u32(pairs.len() as u32);
    for pair in pairs {
        let name = u64::from(string_len(pair.name));
        let value = u64::from(string_len(pair.value));
        writer.u64(name | value << 32);
    }
    for pair in pairs {
        writer.raw(pair.name.as_slice());
        writer.raw(pair.value.as_slice());
    }
}

pub(super) fn read<'a>(fields: &mut Fields<'a>) -> Result<Vec<Pair<'a>>, Error> {
    let kind = fields.kind();
    let count = fields.u32()? as usize;
    if count > limit::PAIRS {
        return Err(Error::TooMany { kind, count });
    }
    let (table, _) = fields.take(count * ENTRY)?.as_chunks::<ENTRY>();
    let mut pairs = Vec::with_capacity(count);
    for entry in table {
        let lengths = u64::from_le_bytes(*entry);
        let (name, value) = (lengths as u32, (lengths >> 32) as u32);
        if name == ABSENT {
            return Err(fields.wrong("name"));
        }
        pairs.push(Pair {
            name: Bytes::new(fields.take(name as usize)?),
            value: fields.bytes(value)?,
        });
    }
    Ok(pairs)
}
