//! From bytes, cut anywhere, to frames.

use super::error::Error;
use super::frame::{Frame, HEADER_LEN, Header};
use std::ops::Range;

/// Takes in what was received and gives out frames that borrow from its buffer. Body and data frames come out
/// in pieces, as much as has arrived; all others whole.
///
/// Receive into [`Decoder::space`], say how much with [`Decoder::filled`], and take frames until there is none.
/// The buffer grows beyond its usual size only for a frame that is longer, and beyond what a request with the first
/// bytes of its body takes only as far as bytes have really arrived, doubled; and it shrinks again when it is empty.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Usual size of the buffer.
    size: usize,
    /// A body or data frame of which pieces are still to come, and how many bytes.
    open: Option<(Header, usize)>,
}

/// So much is set aside on the word of a header: a request with the first bytes of its body.
const TRUSTED: usize = 96 << 10;

/// Where the next frame, or piece of one, is in the buffer.
struct Next {
    header: Header,
    payload: Range<usize>,
    first: bool,
    rest: usize,
}

impl Decoder {
    /// A decoder with a buffer of `size` bytes.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let size = size.max(4 * HEADER_LEN);
        Self {
            buffer: vec![0; size],
            start: 0,
            end: 0,
            size,
            open: None,
        }
    }

    /// Room for what is received next. It is empty only if frames are left in a full buffer.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.reset();
        }
        let room = self.buffer.len() - self.end;
        if self.start > 0 && room < self.buffer.len() / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.grow();
        }
        &mut self.buffer[self.end..]
    }

    fn reset(&mut self) {
        self.start = 0;
        self.end = 0;
        if self.buffer.len() > self.size {
            self.buffer.truncate(self.size);
            self.buffer.shrink_to_fit();
        }
    }

    /// Makes room for the rest of a frame that fills the whole buffer.
    fn grow(&mut self) {
        let Some(Ok(header)) = self.header().map(Header::decode) else {
            return;
        };
        let wanted = HEADER_LEN + header.length as usize;
        let len = wanted.min((2 * self.buffer.len()).max(TRUSTED));
        if self.open.is_none() && len > self.buffer.len() {
            self.buffer.resize(len, 0);
        }
    }

    /// Tells that `count` bytes were put into [`Decoder::space`].
    pub fn filled(&mut self, count: usize) {
        self.end = self.buffer.len().min(self.end + count);
    }

    /// Whether nothing is buffered and no frame has begun: between two requests, all is well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end && self.open.is_none()
    }

    /// Header of the next frame, once that frame can be taken.
    ///
    /// # Errors
    /// As for [`Decoder::frame`].
    pub fn upcoming(&self) -> Result<Option<Header>, Error> {
        Ok(self.next()?.map(|next| next.header))
    }

    /// The next frame, or piece of one; `None` when more must be received first.
    ///
    /// # Errors
    /// When what comes next is no frame. It stays so.
    pub fn frame(&mut self) -> Result<Option<Frame<'_>>, Error> {
        let Some(next) = self.next()? else {
            return Ok(None);
        };
        self.start = next.payload.end;
        self.open = (next.rest > 0).then_some((next.header, next.rest));
        Ok(Some(Frame {
            header: next.header,
            payload: &self.buffer[next.payload],
            first: next.first,
            rest: next.rest,
        }))
    }

    /// The next frame together with the buffer it is in, which is replaced by `spare`: for a request, whose
    /// environ is used while other frames arrive. Nothing but what follows the frame is copied. `None` as for
    /// [`Decoder::frame`], and for pieces.
    ///
    /// # Errors
    /// As for [`Decoder::frame`].
    pub fn detach(&mut self, mut spare: Vec<u8>) -> Result<Option<Detached>, Error> {
        let Some(next) = self.next()? else {
            return Ok(None);
        };
        if next.header.is_bulk() {
            return Ok(None);
        }
        let rest = next.payload.end..self.end;
        spare.resize(self.size.max(rest.len()), 0);
        spare[..rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
        self.start = 0;
        self.end = rest.len();
        Ok(Some(Detached {
            header: next.header,
            buffer: std::mem::replace(&mut self.buffer, spare),
            payload: next.payload,
        }))
    }

    /// How many bytes of a body or data frame may be received straight into the caller's own memory, because
    /// nothing is buffered before them. They are then given to [`Decoder::received`].
    #[must_use]
    pub fn direct(&self) -> Option<usize> {
        if self.start == self.end {
            self.open.map(|(_, rest)| rest)
        } else {
            None
        }
    }

    /// Makes a piece of bytes that were received outside of the buffer; of as many as [`Decoder::direct`]
    /// allowed.
    pub fn received<'b>(&mut self, bytes: &'b [u8]) -> Option<Frame<'b>> {
        let (header, rest) = self.open?;
        let payload = &bytes[..bytes.len().min(rest)];
        let rest = rest - payload.len();
        self.open = (rest > 0).then_some((header, rest));
        Some(Frame {
            header,
            payload,
            first: false,
            rest,
        })
    }

    fn header(&self) -> Option<[u8; HEADER_LEN]> {
        self.buffer[self.start..self.end].first_chunk().copied()
    }

    fn next(&self) -> Result<Option<Next>, Error> {
        if let Some((header, rest)) = self.open {
            return Ok(self.piece(header, self.start, rest, false));
        }
        let Some(header) = self.header() else {
            return Ok(None);
        };
        let header = Header::decode(header)?;
        let (from, length) = (self.start + HEADER_LEN, header.length as usize);
        if header.is_bulk() && length > 0 {
            return Ok(self.piece(header, from, length, true));
        }
        let payload = from..from + length;
        Ok((payload.end <= self.end).then_some(Next {
            header,
            payload,
            first: true,
            rest: 0,
        }))
    }

    /// As much of `length` bytes as there is from `from` on; `None` when there is nothing.
    fn piece(&self, header: Header, from: usize, length: usize, first: bool) -> Option<Next> {
        let to = self.end.min(from + length);
        let rest = length - (to - from);
        (to > from).then_some(Next {
            header,
            payload: from..to,
            first,
            rest,
        })
    }
}

/// A frame that owns the buffer it arrived in.
#[derive(Debug)]
pub struct Detached {
    header: Header,
    buffer: Vec<u8>,
    payload: Range<usize>,
}

impl Detached {
    /// The frame.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            header: self.header,
            payload: &self.buffer[self.payload.clone()],
            first: true,
            rest: 0,
        }
    }

    /// The buffer, to be the next spare one. One that had to grow is given up.
    #[must_use]
    pub fn into_spare(self, decoder: &Decoder) -> Vec<u8> {
        if self.buffer.len() > decoder.size {
            Vec::new()
        } else {
            self.buffer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Flags, Kind};
    use super::*;

    fn put(decoder: &mut Decoder, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = decoder.space();
            let count = space.len().min(rest.len());
            assert!(count > 0);
            space[..count].copy_from_slice(&rest[..count]);
            decoder.filled(count);
            rest = &rest[count..];
        }
    }

    fn header(kind: Kind, length: usize) -> [u8; HEADER_LEN] {
        Header {
            kind,
            flags: Flags::NONE,
            length: length as u32,
        }
        .encode()
    }

    #[test]
    fn blocks_come_out_as_they_arrive() {
        let mut decoder = Decoder::new(64);
        put(&mut decoder, &header(Kind::Data, 5));
        assert_eq!(decoder.frame(), Ok(None));
        put(&mut decoder, b"ab");
        let piece = decoder.frame().unwrap().unwrap();
        assert_eq!(
            (piece.payload, piece.first, piece.rest),
            (&b"ab"[..], true, 3)
        );
        assert_eq!(decoder.frame(), Ok(None));
        put(&mut decoder, b"cde");
        let piece = decoder.frame().unwrap().unwrap();
        assert_eq!(
            (piece.payload, piece.first, piece.rest),
            (&b"cde"[..], false, 0)
        );
        assert!(decoder.is_empty());
    }

    #[test]
    fn the_rest_of_a_block_may_bypass_the_buffer() {
        let mut decoder = Decoder::new(64);
        assert_eq!(decoder.direct(), None);
        put(&mut decoder, &header(Kind::Body, 5));
        put(&mut decoder, b"ab");
        assert_eq!(decoder.direct(), None, "something is buffered");
        decoder.frame().unwrap();
        assert_eq!(decoder.direct(), Some(3));
        let piece = decoder.received(b"cde").unwrap();
        assert_eq!((piece.payload, piece.rest), (&b"cde"[..], 0));
        assert!(decoder.is_empty());
    }

    #[test]
    fn the_buffer_grows_with_what_arrives_and_not_with_what_is_announced() {
        let mut decoder = Decoder::new(64);
        put(&mut decoder, &header(Kind::Request, 1 << 20));
        put(&mut decoder, &[0; 100]);
        assert!(decoder.buffer.len() <= TRUSTED);
        put(&mut decoder, &vec![0; (1 << 20) - 100]);
        assert_eq!(decoder.frame().unwrap().unwrap().payload.len(), 1 << 20);
        assert_eq!(decoder.space().len(), 64);
    }

    #[test]
    fn a_detached_frame_leaves_what_follows_behind() {
        let mut decoder = Decoder::new(64);
        put(&mut decoder, &header(Kind::Request, 3));
        put(&mut decoder, b"abc");
        put(&mut decoder, &header(Kind::Abort, 20));
        let request = decoder.detach(Vec::new()).unwrap().unwrap();
        assert_eq!(request.frame().payload, b"abc");
        assert_eq!(decoder.upcoming(), Ok(None));
        put(&mut decoder, &[0; 20]);
        assert_eq!(decoder.upcoming().unwrap().unwrap().kind, Kind::Abort);
        assert_eq!(request.into_spare(&decoder).len(), 64);
    }
}
