//! The body of a request, as it comes from the client.

use super::{Body, Downstream};
use wsgi_core_abi::ReadFailure;

/// How far it was read. That it ends only the host knows: a filter of its own may make it longer than announced.
#[derive(Debug)]
pub struct Upload {
    body: Body,
    read: u64,
    ended: bool,
    /// Read to find out whether there is more.
    ahead: Option<u8>,
}

impl Upload {
    pub fn new(body: Body) -> Self {
        Self {
            body,
            read: 0,
            ended: matches!(body, Body::None | Body::Length(0)),
            ahead: None,
        }
    }

    /// Bytes that were read.
    pub fn count(&self) -> u64 {
        self.read
    }

    /// Whether that was all of it.
    pub fn has_ended(&self) -> bool {
        self.ended && self.ahead.is_none()
    }

    /// How long it is, if it was announced.
    pub fn length(&self) -> Option<u64> {
        match self.body {
            Body::Length(length) => Some(length),
            Body::None | Body::Open => None,
        }
    }

    /// Reads what has arrived.
    pub fn fill<D: Downstream>(
        &mut self,
        down: &mut D,
        buffer: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let mut count = 0;
        if let Some((first, byte)) = buffer.first_mut().zip(self.ahead.take()) {
            *first = byte;
            count = 1;
        }
        while count < buffer.len() && !self.ended {
            match down.read_now(&mut buffer[count..]) {
                Ok(Some(more)) => count += self.note(more),
                Ok(None) => break,
                // It fails again when what there is has been taken.
                Err(_) if count > 0 => break,
                Err(failure) => return Err(failure),
            }
        }
        if count == buffer.len() && self.length().is_some_and(|length| self.read >= length) {
            self.look_ahead(down);
        }
        Ok(count)
    }

    /// Waits until something arrives, and reads it.
    pub fn wait<D: Downstream>(
        &mut self,
        down: &mut D,
        buffer: &mut [u8],
    ) -> Result<usize, ReadFailure> {
        let count = down.read(buffer)?;
        let count = self.note(count);
        Ok(count + self.fill(down, &mut buffer[count..])?)
    }

    fn note(&mut self, count: usize) -> usize {
        self.ended |= count == 0;
        self.read += count as u64;
        count
    }

    /// Looks whether that was all of it. What goes wrong does so again when there is something to read.
    fn look_ahead<D: Downstream>(&mut self, down: &mut D) {
        let mut byte = [0];
        if !self.ended
            && let Ok(Some(count)) = down.read_now(&mut byte)
        {
            self.ahead = (self.note(count) > 0).then_some(byte[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::client::fake::Fake;

    #[test]
    fn a_body_that_is_there_is_read_with_its_end() {
        for size in [3, 4, 9] {
            let (mut pieces, mut buffer) = (Fake::new(&[b"ab", b"c"]), vec![0; size]);
            let mut upload = Upload::new(Body::Length(3));
            assert_eq!(upload.fill(&mut pieces, &mut buffer).unwrap(), 3);
            assert_eq!(&buffer[..3], b"abc");
            assert!(upload.has_ended());
        }
    }

    #[test]
    fn a_body_longer_than_announced_is_read_to_its_end() {
        let mut pieces = Fake::new(&[b"abcdef", b"", b"gh"]);
        let (mut upload, mut buffer, mut body) = (Upload::new(Body::Length(3)), [0; 3], Vec::new());
        while !upload.has_ended() {
            let mut count = upload.fill(&mut pieces, &mut buffer).unwrap();
            if count == 0 && !upload.has_ended() {
                count = upload.wait(&mut pieces, &mut buffer).unwrap();
            }
            body.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(body, b"abcdefgh");
        assert_eq!(upload.count(), 8);
    }

    #[test]
    fn what_has_not_arrived_is_waited_for_once_it_is_wanted() {
        let (mut pieces, mut buffer) = (Fake::new(&[b"", b"ab", b"", b"c"]), [0; 8]);
        let mut upload = Upload::new(Body::Open);
        assert_eq!(upload.fill(&mut pieces, &mut buffer).unwrap(), 0);
        assert!(!upload.has_ended());
        assert_eq!(upload.wait(&mut pieces, &mut buffer).unwrap(), 2);
        assert_eq!(upload.wait(&mut pieces, &mut buffer).unwrap(), 1);
        assert!(upload.has_ended());
    }
}
