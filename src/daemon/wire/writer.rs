//! Writing a frame: the mirror image of `fields`.

use super::error::Error;
use super::fields::ABSENT;
use super::frame::{Flags, HEADER_LEN, Header, Kind, check_length};
use wsgi_core_abi::Bytes;

/// A frame that is being appended to `out`.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    kind: Kind,
    flags: Flags,
}

impl<'o> Writer<'o> {
    pub fn new(out: &'o mut Vec<u8>, kind: Kind, flags: Flags) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LEN]);
        Self {
            out,
            start,
            kind,
            flags,
        }
    }

    /// Makes room for `length` bytes at once, if the frame may be that long.
    pub fn reserve(&mut self, length: usize) {
        self.out.reserve(length.min(self.kind.limit()));
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    pub fn f64(&mut self, value: f64) {
        self.raw(&value.to_le_bytes());
    }

    pub fn string(&mut self, value: Bytes<'_>) {
        self.u32(string_len(value));
        self.raw(value.as_slice());
    }

    /// A string of at most `limit` bytes; what is longer is cut.
    pub fn cut(&mut self, value: Bytes<'_>, limit: usize) {
        let bytes = value.as_slice();
        let cut = Bytes::new(&bytes[..bytes.len().min(limit)]);
        self.string(if value.is_absent() { value } else { cut });
    }

    /// Writes the header. A frame that turned out too long is taken back.
    pub fn finish(self) -> Result<(), Error> {
        let length = self.out.len() - self.start - HEADER_LEN;
        if let Err(error) = check_length(self.kind, length) {
            self.out.truncate(self.start);
            return Err(error);
        }
        let header = Header {
            kind: self.kind,
            flags: self.flags,
            length: length as u32,
        };
        self.out[self.start..][..HEADER_LEN].copy_from_slice(&header.encode());
        Ok(())
    }
}

/// Length of a string on the wire. One that does not fit makes its frame too long in any case.
pub(super) fn string_len(value: Bytes<'_>) -> u32 {
    if value.is_absent() {
        return ABSENT;
    }
    u32::try_from(value.as_slice().len()).unwrap_or(ABSENT - 1)
}
