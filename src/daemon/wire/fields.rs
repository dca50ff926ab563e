//! Reading the fields of a payload.

use super::error::Error;
use super::frame::{Frame, Kind};
use wsgi_core_abi::Bytes;

/// Length of a string that is absent.
pub(super) const ABSENT: u32 = u32::MAX;

/// What has not been read yet of a payload.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    kind: Kind,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(frame: Frame<'a>) -> Self {
        Self {
            kind: frame.header.kind,
            rest: frame.payload,
        }
    }

    /// The error for a field with a value that it can't have.
    pub const fn wrong(&self, field: &'static str) -> Error {
        Error::Value {
            kind: self.kind,
            field,
        }
    }

    pub const fn kind(&self) -> Kind {
        self.kind
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Error::Short(self.kind))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Error::Short(self.kind))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, Error> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn f64(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_le_bytes)
    }

    /// Bytes that say nothing in this version.
    pub fn zeros<const N: usize>(&mut self) -> Result<(), Error> {
        if self.array()? == [0; N] {
            Ok(())
        } else {
            Err(self.wrong("reserved byte"))
        }
    }

    /// Flags, of which only those in `known` exist.
    pub fn flags(&mut self, known: u8) -> Result<u8, Error> {
        let flags = self.u8()?;
        if flags & !known == 0 {
            Ok(flags)
        } else {
            Err(self.wrong("flag"))
        }
    }

    /// A string: its length, then its bytes.
    pub fn string(&mut self) -> Result<Bytes<'a>, Error> {
        let length = self.u32()?;
        self.bytes(length)
    }

    /// The bytes of a string whose length was read before.
    pub fn bytes(&mut self, length: u32) -> Result<Bytes<'a>, Error> {
        if length == ABSENT {
            return Ok(Bytes::ABSENT);
        }
        self.take(length as usize).map(Bytes::new)
    }

    /// All that is left.
    pub const fn remainder(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub const fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::Trailing(self.kind))
        }
    }
}
