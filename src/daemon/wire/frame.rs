//! Frames and their header.

use super::error::Error;
use super::limit;

/// Length of a frame's header: type, flags, two reserved bytes, length of the payload.
pub const HEADER_LEN: usize = 8;

/// Type of a frame.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// First frame each way: magic, version, and which worker is meant.
    Hello = 1,
    /// Host to worker: a request with its environ and the first bytes of its body.
    Request = 2,
    /// Host to worker: some of the body, as far as credit goes; or that it can't be read.
    Body = 3,
    /// Worker to host: the application wants this many bytes more of the body.
    Credit = 4,
    /// Worker to host: application code has the request, which can't be given to another worker now.
    Accepted = 5,
    /// Worker to host: status and header fields.
    Head = 6,
    /// Worker to host: a block of the response.
    Data = 7,
    /// Worker to host: a piece of a file, whose descriptor travels beside the frame.
    File = 8,
    /// Worker to host: a record for the request's log.
    Log = 9,
    /// Worker to host: what became of the request. The connection is free for another.
    End = 10,
    /// Host to worker: nobody wants the response any more. Worker to host: the connection ends.
    Abort = 11,
    /// Host to worker: memory for blocks of responses; its descriptor travels beside the frame.
    Ring = 12,
    /// Worker to host: there is something in that memory.
    Filled = 13,
    /// Host to worker: there is room in it.
    Drained = 14,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        const KINDS: [Kind; 14] = [
            Kind::Hello,
            Kind::Request,
            Kind::Body,
            Kind::Credit,
            Kind::Accepted,
            Kind::Head,
            Kind::Data,
            Kind::File,
            Kind::Log,
            Kind::End,
            Kind::Abort,
            Kind::Ring,
            Kind::Filled,
            Kind::Drained,
        ];
        KINDS.get(usize::from(byte).wrapping_sub(1)).copied()
    }

    /// Longest payload of a frame of this type.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Hello => limit::HELLO,
            Self::Request => limit::REQUEST,
            Self::Head => limit::HEAD,
            Self::Body | Self::Data => limit::BLOCK,
            Self::Credit => 4,
            Self::Accepted | Self::Ring | Self::Filled | Self::Drained => 0,
            Self::File => 16,
            Self::Log => 16 + limit::TEXT + limit::FILE_NAME,
            Self::End => 48 + limit::TEXT,
            Self::Abort => 8 + limit::REASON,
        }
    }

    const fn flags(self) -> Flags {
        match self {
            Self::Request => Flags::LAST,
            Self::Head => Flags::ERROR_PAGE,
            Self::Body => Flags(Flags::LAST.0 | Flags::FAILED.0),
            Self::Data => Flags(Flags::FLUSH.0 | Flags::END.0),
            Self::File => Flags(Flags::FLUSH.0 | Flags::END.0 | Flags::SENDFILE.0),
            _ => Flags::NONE,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Hello => "hello",
            Self::Request => "request",
            Self::Body => "body",
            Self::Credit => "credit",
            Self::Accepted => "accepted",
            Self::Head => "head",
            Self::Data => "data",
            Self::File => "file",
            Self::Log => "log",
            Self::End => "end",
            Self::Abort => "abort",
            Self::Ring => "ring",
            Self::Filled => "filled",
            Self::Drained => "drained",
        })
    }
}

/// Flags of a frame; which ones it may have depends on its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// Request and body: nothing of the body follows.
    pub const LAST: Self = Self(1);
    /// Body: the host can't read the rest; the payload says why.
    pub const FAILED: Self = Self(2);
    /// Head: the host answers with an error page of its own, as the seam says it.
    pub const ERROR_PAGE: Self = Self(1);
    /// Data and file: as [`wsgi_core_abi::SendFlags::FLUSH`], with the same number.
    pub const FLUSH: Self = Self(1);
    /// Data and file: as [`wsgi_core_abi::SendFlags::END`], with the same number.
    pub const END: Self = Self(2);
    /// File: as [`wsgi_core_abi::SendFlags::SENDFILE`], with the same number.
    pub const SENDFILE: Self = Self(4);

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The frame's type.
    pub kind: Kind,
    /// Its flags.
    pub flags: Flags,
    /// Length of its payload.
    pub length: u32,
}

impl Header {
    /// Reads a header and checks its length and flags.
    ///
    /// # Errors
    /// When there is no such frame.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, Error> {
        let [kind, flags, reserved @ .., a, b, c, d] = bytes;
        let kind = Kind::from_byte(kind).ok_or(Error::Kind(kind))?;
        let length = u32::from_le_bytes([a, b, c, d]);
        if flags & !kind.flags().0 != 0 || reserved != [0, 0] {
            return Err(Error::Flags(kind));
        }
        let header = Self {
            kind,
            flags: Flags(flags),
            length,
        };
        let length = length as usize;
        check_length(kind, length)?;
        if kind == Kind::Body && !header.is_bulk() && length > limit::REASON {
            return Err(Error::TooLong { kind, length });
        }
        Ok(header)
    }

    /// The header's bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = self.length.to_le_bytes();
        [self.kind as u8, self.flags.0, 0, 0, a, b, c, d]
    }

    /// Whether the payload is handed on in pieces.
    pub(super) const fn is_bulk(self) -> bool {
        match self.kind {
            Kind::Data => true,
            Kind::Body => !self.flags.has(Flags::FAILED),
            _ => false,
        }
    }
}

/// Refuses a payload that is longer than its frame may be.
pub(super) const fn check_length(kind: Kind, length: usize) -> Result<(), Error> {
    if length > kind.limit() {
        Err(Error::TooLong { kind, length })
    } else {
        Ok(())
    }
}

/// A frame, or a piece of a body or data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header of the whole frame.
    pub header: Header,
    /// The payload, or the piece of it.
    pub payload: &'a [u8],
    /// It is the frame's first piece.
    pub first: bool,
    /// How many bytes of the payload are still to come.
    pub rest: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_wire() {
        for kind in 1..=14 {
            let kind = Kind::from_byte(kind).unwrap();
            let flags = if kind == Kind::Body {
                Flags::LAST
            } else {
                kind.flags()
            };
            let header = Header {
                kind,
                flags,
                length: kind.limit() as u32,
            };
            assert_eq!(Header::decode(header.encode()), Ok(header));
        }
    }

    #[test]
    fn a_header_that_announces_too_much_is_refused() {
        for kind in 1..=14 {
            let kind = Kind::from_byte(kind).unwrap();
            let length = kind.limit() + 1;
            let header = Header {
                kind,
                flags: Flags::NONE,
                length: length as u32,
            };
            assert_eq!(
                Header::decode(header.encode()),
                Err(Error::TooLong { kind, length })
            );
        }
    }

    #[test]
    fn words_for_a_failed_read_are_few() {
        let mut header = Header {
            kind: Kind::Body,
            flags: Flags::FAILED,
            length: limit::REASON as u32,
        };
        assert_eq!(Header::decode(header.encode()), Ok(header));
        header.length += 1;
        let length = header.length as usize;
        assert_eq!(
            Header::decode(header.encode()),
            Err(Error::TooLong {
                kind: Kind::Body,
                length
            })
        );
    }

    #[test]
    fn unknown_types_flags_and_reserved_bytes_are_refused() {
        assert_eq!(Header::decode([0; 8]), Err(Error::Kind(0)));
        assert_eq!(
            Header::decode([15, 0, 0, 0, 0, 0, 0, 0]),
            Err(Error::Kind(15))
        );
        assert_eq!(
            Header::decode([7, 4, 0, 0, 0, 0, 0, 0]),
            Err(Error::Flags(Kind::Data))
        );
        assert_eq!(
            Header::decode([7, 0, 0, 1, 0, 0, 0, 0]),
            Err(Error::Flags(Kind::Data))
        );
    }

    #[test]
    fn flags_have_the_numbers_of_the_seam() {
        use wsgi_core_abi::SendFlags;
        let ours = [Flags::FLUSH, Flags::END, Flags::SENDFILE];
        let seam = [SendFlags::FLUSH, SendFlags::END, SendFlags::SENDFILE];
        assert_eq!(ours.map(|flag| u32::from(flag.0)), seam.map(|flag| flag.0));
    }
}
