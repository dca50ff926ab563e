//! An exchange for tests: a request body in pieces, and what was sent.

use super::Downstream;
use wsgi_core_abi::{Exchange, Failure, Head, Level, LogRecord, ReadFailure, SendFlags};

/// See the module's description.
#[derive(Default)]
pub struct Fake {
    /// What is left of the body. Where a piece is empty, nothing has arrived yet.
    pieces: Vec<&'static [u8]>,
    /// The blocks with their flags.
    pub sent: Vec<(Vec<u8>, u32)>,
}

impl Fake {
    /// One whose body arrives like this.
    pub fn new(pieces: &[&'static [u8]]) -> Self {
        Self {
            pieces: pieces.to_vec(),
            ..Self::default()
        }
    }
}

impl Exchange for Fake {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        while self.pieces.first().is_some_and(|piece| piece.is_empty()) {
            self.pieces.remove(0);
        }
        Ok(self.read_now(buffer)?.unwrap_or(0))
    }

    fn send_head(&mut self, _: &Head<'_>) -> Result<(), Failure> {
        Ok(())
    }

    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        self.sent.push((data.to_vec(), flags.0));
        Ok(())
    }

    fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
        Ok(())
    }

    fn is_aborted(&mut self) -> bool {
        false
    }

    fn log(&mut self, _: &LogRecord<'_>) {}

    fn log_level(&mut self) -> Level {
        Level::Info
    }
}

impl Downstream for Fake {
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReadFailure> {
        let Some(piece) = self.pieces.first_mut() else {
            return Ok(Some(0));
        };
        if piece.is_empty() {
            self.pieces.remove(0);
            return Ok(None);
        }
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        *piece = &piece[count..];
        if piece.is_empty() {
            self.pieces.remove(0);
        }
        Ok(Some(count))
    }
}
